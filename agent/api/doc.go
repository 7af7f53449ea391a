// Package api is how people and national systems speak to their own agent: JSON over HTTP, on a unix socket that only the
// agent's owner may open.
//
// Each request carries a proof signed by the person who acts (agent/people); what a role does not allow is refused here,
// in one place. It trusts the agent for everything else. It must never answer an ordinary role with the reason for which a
// message is under review, and no error echoes a value that somebody wrote.
package api
