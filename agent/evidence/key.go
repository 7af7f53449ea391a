package evidence

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"
)

// stanzaType names how a file key is wrapped for a desk's P-256 encryption certificate: ECDH with a fresh key, HKDF-SHA-256
// over both public keys, ChaCha20-Poly1305 with a zero nonce, since the key is used once. It is age's own X25519 recipient
// (age-encryption.org/v1) on the curve that certificates have.
const stanzaType = "comity-p256"

// certificateRecipient wraps for the key of a certificate.
type certificateRecipient struct{ public *ecdh.PublicKey }

// ForCertificate is the recipient of a desk that offers no other: the encryption key that the directory proves.
func ForCertificate(c *x509.Certificate) (age.Recipient, error) {
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("the encryption certificate has no elliptic-curve key")
	}
	public, err := key.ECDH()
	if err != nil || public.Curve() != ecdh.P256() {
		return nil, errors.New("the encryption certificate has no P-256 key")
	}
	return certificateRecipient{public}, nil
}

// Wrap implements age.Recipient.
func (r certificateRecipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	shared, err := ephemeral.ECDH(r.public)
	if err != nil {
		return nil, err
	}
	wrapped, err := wrapping(shared, ephemeral.PublicKey(), r.public)
	if err != nil {
		return nil, err
	}
	return []*age.Stanza{{
		Type: stanzaType, Args: []string{base64.RawStdEncoding.EncodeToString(ephemeral.PublicKey().Bytes())},
		Body: wrapped.Seal(nil, make([]byte, chacha20poly1305.NonceSize), fileKey, nil),
	}}, nil
}

// deskIdentity unwraps with a desk's decryption key, which may live in an HSM.
type deskIdentity struct{ key ecdh.KeyExchanger }

// OfKey is the identity that goes with ForCertificate.
func OfKey(key ecdh.KeyExchanger) age.Identity { return deskIdentity{key} }

// Unwrap implements age.Identity. A stanza for somebody else is no error but age.ErrIncorrectIdentity.
func (i deskIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type != stanzaType || len(s.Args) != 1 {
			continue
		}
		if key, err := i.unwrap(s); err == nil {
			return key, nil
		}
	}
	return nil, age.ErrIncorrectIdentity
}

const fileKeySize = 16

func (i deskIdentity) unwrap(s *age.Stanza) ([]byte, error) {
	raw, err := base64.RawStdEncoding.Strict().DecodeString(s.Args[0])
	if err != nil {
		return nil, err
	}
	ephemeral, err := ecdh.P256().NewPublicKey(raw)
	if err != nil {
		return nil, err
	}
	shared, err := i.key.ECDH(ephemeral)
	if err != nil {
		return nil, err
	}
	if len(s.Body) != fileKeySize+chacha20poly1305.Overhead { // RFC 5116: a longer one could open under several keys
		return nil, errors.New("not a file key")
	}
	wrapped, err := wrapping(shared, ephemeral, i.key.PublicKey())
	if err != nil {
		return nil, err
	}
	return wrapped.Open(nil, make([]byte, chacha20poly1305.NonceSize), s.Body, nil)
}

type aead interface {
	Seal(dst, nonce, plaintext, additionalData []byte) []byte
	Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error)
}

func wrapping(shared []byte, ephemeral, recipient *ecdh.PublicKey) (aead, error) {
	salt := append(ephemeral.Bytes(), recipient.Bytes()...)
	key, err := hkdf.Key(sha256.New, shared, salt, stanzaType, chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("wrapping a file key: %w", err)
	}
	return chacha20poly1305.New(key)
}
