// Package bus runs the NATS server that carries sealed messages, and shapes it so that each authority is alone in an
// account of its own (DESIGN section 4).
//
// What an authority's agent can reach is four things and nothing else: its own ingress, and of its own inbox the
// next message, the state of its one consumer, and the acknowledgement of what it received. Everything else, streams
// above all, lives in the account CORE, where the relay alone writes. The boundary is the account, not a subject
// permission: NATS does not check the reply subject of a publish, so within one shared account a reply can be made to
// land on another's subject (nats-server issue 8274), while between accounts a reply returns to its asker only.
//
// Who a connection is, its client certificate says: the server verifies the chain in the TLS handshake, and the auth
// callout in this process asks pki.View.VerifyClient about the chains that were verified, never about what the client
// merely sent. A user of an account is made for that one connection and lives for minutes. The port opens last, once
// the inboxes stand and the callout listens.
//
// It trusts the pki.View that Apply last received, and its own registry of account keys: whoever reads that file can
// speak as any account to this broker, and still can open no message. It must never see a decryption key or a
// payload, and it logs no subject that an agent chose.
package bus
