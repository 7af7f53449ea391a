// Package link is the agent's one connection to the broker: it submits sealed messages and receives those that wait
// in the authority's inbox.
//
// It keeps trying: while its context lives it connects again, with growing and jittered pauses, whatever the broker
// said, because a refused certificate may be renewed and a broken network mended. It queues nothing. What was not
// accepted stays in the sender's outbox, and what was not acknowledged stays in the broker's inbox; so a lost
// connection loses nothing, and may double a message that the recipient's store then knows.
//
// It trusts the TLS server certificate under the roots it was given, for the transport and nothing more: an
// acceptance is proven by its signature, a message by its sender's, and both are the caller's to check. It must never
// see a plaintext: Submit takes sealed bytes, Receive gives them.
package link
