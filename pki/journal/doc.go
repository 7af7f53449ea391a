// Package journal keeps evidence in append-only Merkle logs (RFC 6962, by golang.org/x/mod/sumdb/tlog): a log is summed up
// by its size and one hash, and short proofs show that a leaf is in it, and that a longer log begins with a shorter one.
//
// # The logs
//
// A pair of authorities has two logs, one for each direction. Leaf n-1 of the log from QM/justice to QN/justice is number n
// of what QM/justice sent to QN/justice: the two names, the number and the hash of the signed message. Both sides hold
// exactly these, and the number is the order: the sender appends when it seals, the recipient once it has every number
// before. So the two copies are one log, each side computes the hash that the other must have, and needs nobody's proof
// to see that the other has another history, or that its own was changed. A single log of the pair could not do that:
// messages cross, each side commits them in another order, and an append-only log cannot be sorted afterwards.
//
// Receipts, voids and whatever else is not numbered stand in neither: a lost receipt comes again at any time, so they have
// no order that both sides know. They are signed one by one, and a receipt signs the recipient's checkpoint of the log
// that its number belongs to.
//
// The home log of an authority holds everything else, in the order in which it was committed. A tree size is a count, and
// counts leak: no checkpoint and no proof of a home log may ever reach a peer, and the size of a pair's log is no more than
// the two sides count themselves.
//
// # Checkpoints
//
// The text of a checkpoint is that of c2sp.org/tlog-checkpoint: origin, size, hash, one a line. Alone it is signed as a
// note (c2sp.org/signed-note) with signature type 0x02, ECDSA over SHA-256, which is what an authority's signing key
// makes; the key name is the signer's and not the log's, because a log of a pair has two keepers. A text that is signed
// as a note begins with an origin and has line breaks, and what a JWS signs never has either, so that neither can pass
// for the other. Inside a receipt the text is signed by the receipt.
//
// The package trusts the key that it is given to verify with, and the Storage to return what was written. It must never
// be given anything but hashes, names of authorities and numbers: a leaf of a pair holds nothing that one of the two sides
// does not have, and no leaf holds content.
package journal
