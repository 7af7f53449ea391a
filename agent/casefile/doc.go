// Package casefile packs what two authorities exchanged in a case into one file that proves itself, and verifies such a file
// with no network and no agent: years later, by a court, without us.
//
// The file is a zip. Everything in it is in a form that other tools read: messages, receipts, acceptances and directory
// entries are JWS (RFC 7515), envelopes JWE, certificates and revocation lists PEM, proofs of the journal c2sp.org/tlog-proof
// with signed notes. statement.jws is the exporter's signed word: which case, for which reader, what each file is and its
// SHA-256. Files of evidence are in it in clear, streamed and never packed: evidence.go. EVIDENCE.md, at the root of the repository, shows how to check a file with OpenSSL.
//
// Verify holds each document against what was known when it was taken: the trust list, the directory entries and the
// revocation lists of that time are in the file, and must lead to the scheme's signers. It checks all of it, whatever it has
// found already, and names every defect by a closed set of reasons.
//
// It trusts the pin that its caller gives it, and where none is given says whose signatures everything rests on. The
// exporter's word counts for nothing that a signature of the other side should prove. It must never be given anything that
// was not exchanged, and no checkpoint or proof of a home log: the numbers of the exchange are the only counts in it.
package casefile
