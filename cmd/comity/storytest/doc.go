// Package storytest plays the six stories of the asylum firewall over real agents, a real broker and real registers: drafts
// that people wrote, approvals by others, decisions of protection officers, and what arrives or does not.
//
// It trusts nothing but what the agents answer to people with real credentials. It must never hold a real person: everybody
// in it is a TESTPERSON of a sandbox State.
package storytest
