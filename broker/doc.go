// Package broker composes the broker: the trust it keeps (pki), the accounts and inboxes (broker/bus) and the one
// writer of inboxes (broker/relay).
//
// Run brings them up in the order in which each relies on the one before: trust, inboxes, relay, and only then the
// door for agents. From there on it watches the published trust folder, and puts each change in force at once: a
// revoked certificate's live connections are cut, a new authority gets its inbox, without a restart.
//
// It trusts the scheme signers that the pin names and what they and the States have signed. It must never see a
// decryption key of an authority, nor a plaintext.
package broker
