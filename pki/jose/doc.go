// Package jose signs and seals with one fixed choice of algorithms: JWS with ES256 (RFC 7515), and JWE with
// ECDH-ES+A256KW over P-256 and A256GCM (RFC 7516). It is the only package that imports go-jose, of which it uses key wrapping, key
// derivation and names; what it writes and reads is held against go-jose whole in its tests.
//
// It trusts nothing that it parses. A parser here needs no key, accepts the compact serialisation in its one canonical
// spelling, and refuses every header by which a sender could choose how it is verified: another algorithm, a key or
// certificate carried along, crit, b64, zip, parameters of other algorithms. What kind of document it is, is part of
// what is signed (typ, RFC 8725 section 3.11), so that a receipt can never pass for a message.
//
// It must never hand out the payload of a signature that was not verified, except to find the key of a document that
// names its own signers (VerifyCarried), and never say why a decryption failed. It does not know whose key it is:
// that is the business of package pki.
package jose
