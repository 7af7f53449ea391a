// Package relay takes what agents submit and writes it into the recipient's inbox. It is the only writer of inboxes:
// were agents to write streams themselves, the sequence in NATS's own acknowledgement would tell a sender how much
// the recipient gets from others, and one sender's message id could suppress another's message.
//
// Step 7 of the life of a message (DESIGN section 3), as judge takes it:
//
//  1. The account proves the sender. The subject's account token is set by the server's import, not by the client.
//  2. Size, before anything is parsed.
//  3. The sender's quota, so that refused messages cost it too.
//  4. The outer header: a JWE of ours with a Route, read without a key.
//  5. The route's sender is the account's, and its recipient and channel are the subject's.
//  6. The directory and the agreements in force allow the route.
//  7. The recipient's quota. The refusal reads as the sender's own does.
//  8. Durably into the recipient's inbox, once per attempt within two minutes.
//  9. A signed acceptance.
//
// It trusts the account token, the pki.View of the moment and its own stream's acknowledgement. It must never see a
// plaintext or a decryption key; it logs neither routes of refused messages nor anything else that a sender chose.
package relay
