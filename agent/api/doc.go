// Package api is how people and national systems speak to their own agent: JSON over HTTP, by two doors with the same handlers.
// One is a unix socket that only the agent's owner may open, where each request carries a proof signed by the person who acts
// (agent/people). The other is the listener for browsers and case systems, where a session or a bearer token says who acts
// (agent/account).
//
// Every route stands in one table with the act that a role must allow; what it does not is refused here, in one place. It trusts
// the agent for everything else. It must never answer an ordinary role with the reason for which a message is under review, and
// no error echoes a value that somebody wrote.
package api
