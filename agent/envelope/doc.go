// Package envelope seals what two desks say to each other and opens it again (DESIGN section 6). Only desks need it:
// the broker reads the outer header with pki/jose and can do no more.
//
// An envelope is a JWE for one recipient whose plaintext is a JWS and padding. The types show how far a reader has come:
//
//	wire bytes --Parse--> *Outer --Open--> *Opened --Verify--> *Verified
//
// An Outer is what anybody can read, and nobody has proved. An Opened was sealed for this desk, by somebody: whoever
// received a message can seal it again for another, and so its inner header is compared with the outer one, with the
// desk and with its key. A Verified was signed by the authority that its header names. Only Verify makes one, and there
// is no way to the content of a message but through it.
//
// A message is sealed only against a policy.Clearance for exactly its bytes. Control messages (receipt, void, resend)
// need none, because their content is made from message bytes and from what both sides know: numbers, hashes, times
// and closed reasons. All of them are padded to one size.
//
// The package trusts the pki.View that it is given, and the private keys behind crypto.Signer and ecdh.KeyExchanger. It
// must never put a value of a payload, or the cause of a failed decryption, into an error.
package envelope
