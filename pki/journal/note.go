package journal

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"comity/schemas"
)

// A note is a checkpoint with the signature of one of the log's keepers. Type 0x02 of c2sp.org/signed-note: ECDSA on P-256
// over SHA-256 of the text, the signature in ASN.1 DER, the key ID the first four bytes of SHA-256 over the public key as
// SubjectPublicKeyInfo. The type stands in no byte of the note: who verifies has the key and knows its type.

// Sign makes the note of a checkpoint by one of the log's keepers.
func Sign(c Checkpoint, keeper schemas.AuthorityID, key crypto.Signer) ([]byte, error) {
	if err := c.keptBy(keeper); err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	id, err := keyOf(keeper, key.Public())
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, &noteSigner{keyID: id, key: key})
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return signed, nil
}

// Open reads a note that a keeper of the log signed with the key given. Signatures by others are passed over, as the form
// demands.
func Open(signed []byte, keeper schemas.AuthorityID, key crypto.PublicKey) (Checkpoint, error) {
	if len(signed) > maxNote {
		return Checkpoint{}, refuse(ReasonMalformed, "a note of more than %d bytes", maxNote)
	}
	id, err := keyOf(keeper, key)
	if err != nil {
		return Checkpoint{}, err
	}
	opened, err := note.Open(signed, note.VerifierList(&noteVerifier{id}))
	if err != nil {
		return Checkpoint{}, refuseNote(err)
	}
	c, err := ParseCheckpoint(opened.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	return c, c.keptBy(keeper)
}

func refuseNote(err error) error {
	if _, ok := errors.AsType[*note.InvalidSignatureError](err); ok {
		return refuse(ReasonSignature, "the note is not signed by the key given")
	}
	if _, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		return refuse(ReasonSigner, "the note bears no signature by the key given")
	}
	return refuse(ReasonMalformed, "not a signed note")
}

// keptBy refuses the log of others.
func (c Checkpoint) keptBy(keeper schemas.AuthorityID) error {
	from, to, err := c.Origin.Parties()
	if err == nil && keeper != from && keeper != to {
		err = refuse(ReasonOrigin, "%s keeps no log of this origin", keeper)
	}
	return err
}

// keyID is a key with the name and the ID that it has in notes.
type keyID struct {
	name   string
	hash   uint32
	public *ecdsa.PublicKey
}

func (k keyID) Name() string    { return k.name }
func (k keyID) KeyHash() uint32 { return k.hash }

func keyOf(keeper schemas.AuthorityID, key crypto.PublicKey) (keyID, error) {
	public, ok := key.(*ecdsa.PublicKey)
	if !ok || public == nil || public.Curve != elliptic.P256() {
		return keyID{}, refuse(ReasonSigner, "not a P-256 key")
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return keyID{}, refuse(ReasonSigner, "not a point of P-256")
	}
	sum := sha256.Sum256(spki)
	return keyID{name: string(Home(keeper)), hash: binary.BigEndian.Uint32(sum[:4]), public: public}, nil
}

type noteSigner struct {
	keyID
	key crypto.Signer
}

func (s *noteSigner) Sign(text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	return s.key.Sign(rand.Reader, sum[:], crypto.SHA256)
}

type noteVerifier struct{ keyID }

func (v *noteVerifier) Verify(text, signature []byte) bool {
	sum := sha256.Sum256(text)
	return ecdsa.VerifyASN1(v.public, sum[:], signature)
}
