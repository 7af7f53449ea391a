// Package agent is one authority's desk in the scheme: it drafts, approves, releases, sends, receives and keeps what the
// authority exchanges with its peers. It composes the packages below it and holds the order in which they are used.
//
// The life of a message. The same numbers stand in the code.
//
//  1. Draft: strict decode, schema, the recipient's directory entry, the case's state. One message for each recipient.
//  2. Approve: a second person approves exactly these bytes. An edit undoes it.
//  3. Wait for release: approved messages wait unnumbered and unsealed for a tick, and leave it in random order.
//  4. Clear: with the link up, policy decides; only an allow yields the Clearance that Seal demands.
//  5. Seal and commit: number, sign, pad and encrypt; message, case, outbox row and evidence leaf in one transaction.
//     From here on the message counts as disclosed.
//  6. Submit: to the sender's own ingress subject.
//  7. Relay: in the broker.
//  8. Receive: verify, open, check, validate; message, case, receipt and evidence leaf in one transaction; then ack.
//  9. Receipt: only the recipient's signed receipt lets the sender's outbox go. Until then the same bytes are sent again.
//
// The agent trusts its own disk and keys, the pinned scheme signers, and what those prove. It trusts the broker to carry
// bytes and for nothing else. It must never put content, or a verdict of policy, where a peer or an ordinary role can see
// it: a message that policy stopped is "under-review" to everybody, and to every peer it does not exist.
package agent
