// Package webtest plays whole days at the consoles of a sandbox that runs in this process: with plain forms and no script, and in
// a real browser.
//
// It trusts nothing but what the consoles answer to people who have logged in. It must never reach another host, nor hold a
// real person. It holds tests alone.
package webtest
