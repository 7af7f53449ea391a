// Package pki says who may speak for whom: it keeps the scheme's trust list, each State's directory entry and
// revocation list, and proves from them that a certificate is that of an authority (DESIGN section 5).
//
// It trusts the signers that the operator pinned, and through them: the scheme for who takes part, which CA is whose
// and which agreements are in force; each State's CA for that State's authorities and for nothing else. The scheme
// cannot speak for a State, one State cannot speak for another, and a State's CA cannot be swapped without its own
// word or that of the key officer here. The folder that documents are published in is not trusted at all.
//
// It must never accept a document that is older than one it has, forget that it knew a State, or let anybody else make
// a Proof. It sees public documents only; no private key comes near it.
package pki
