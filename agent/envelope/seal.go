package envelope

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"time"

	"comity/agent/policy"
	"comity/pki"
	"comity/pki/jose"
	"comity/schemas"
)

// MaxWire bounds a sealed envelope: the largest payload, encoded twice and padded, fits.
const MaxWire = schemas.MaxSealed

// Signer is a desk's signing key with its certificate. The key may live in an HSM.
type Signer struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// Sealed is what a desk keeps and sends. The bytes are final: a repeated submission sends the same Wire.
type Sealed struct {
	Kind   Kind
	Header Header // complete, as signed
	Hash   Hash   // of JWS; the Prev of the next number
	JWS    []byte
	Wire   []byte
}

// Seal signs, pads and encrypts a payload for the one recipient that the clearance names. It spends the clearance, at
// the time h.SentAt: a failed seal needs another decision. Suite and RecipientKey of h are set here; SentAt and
// ValidUntil are cut to whole seconds. to is the recipient's encryption key, as pki.View.EncryptionKey proves it.
func Seal(c *policy.Clearance, h Header, payload []byte, s Signer, to pki.Proof) (*Sealed, error) {
	h = complete(h, to)
	if err := checkSeal(KindMessage, h, s, to); err != nil {
		return nil, err
	}
	if len(payload) > schemas.PayloadLimits.Bytes {
		return nil, fmt.Errorf("sealing a message: the payload is larger than %d bytes", schemas.PayloadLimits.Bytes)
	}
	use := policy.Use{From: h.From, To: h.To, Channel: h.Channel, At: h.SentAt, Payload: payload}
	if err := c.Redeem(use); err != nil {
		return nil, err
	}
	return seal(KindMessage, h, payload, s, to)
}

// complete sets what is not the caller's choice.
func complete(h Header, to pki.Proof) Header {
	h.Suite = Suite1
	h.SentAt = h.SentAt.UTC().Truncate(time.Second)
	if !h.ValidUntil.IsZero() {
		h.ValidUntil = h.ValidUntil.UTC().Truncate(time.Second)
	}
	if to.Certificate() != nil {
		h.RecipientKey = jose.Thumbprint(to.Certificate())
	}
	return h
}

// checkSeal refuses a key that is not the sender's and a certificate that is not the recipient's, before anything is
// signed: bytes encrypted to a wrong key are disclosed for good.
func checkSeal(kind Kind, h Header, s Signer, to pki.Proof) error {
	if err := h.check(kind); err != nil {
		return fmt.Errorf("sealing a %s: header: %w", kind, err)
	}
	if s.Key == nil || s.Certificate == nil || to.Certificate() == nil {
		return fmt.Errorf("sealing a %s: no signing key or no recipient's certificate", kind)
	}
	signing, ok := s.Certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok || !signing.Equal(s.Key.Public()) {
		return fmt.Errorf("sealing a %s: the signing key does not belong to its certificate", kind)
	}
	if uris := s.Certificate.URIs; len(uris) != 1 || uris[0].String() != h.From.URI() {
		return fmt.Errorf("sealing a %s: the signing certificate is not one of %s", kind, h.From)
	}
	if to.Authority() != h.To {
		return fmt.Errorf("sealing a %s: the encryption key was proved for %s, the message is for %s", kind, to.Authority(), h.To)
	}
	if to.Certificate().KeyUsage&x509.KeyUsageKeyAgreement == 0 {
		return fmt.Errorf("sealing a %s: encryption certificate: not for key agreement", kind)
	}
	return nil
}

// seal is what all kinds have in common.
func seal(kind Kind, h Header, payload []byte, s Signer, to pki.Proof) (*Sealed, error) {
	suite, ok := suiteOf(h.Suite)
	if !ok {
		return nil, fmt.Errorf("sealing a %s: no suite %d", kind, h.Suite)
	}
	jws, err := jose.Sign(s.Key, jose.Thumbprint(s.Certificate), kind.typ(), h.wire(kind), payload)
	if err != nil {
		return nil, fmt.Errorf("sealing a %s: %w", kind, err)
	}
	wire, err := suite.encrypt(to.Certificate(), h.route(), pad(jws))
	if err != nil {
		return nil, fmt.Errorf("sealing a %s: %w", kind, err)
	}
	return &Sealed{Kind: kind, Header: h, Hash: HashJWS(jws), JWS: jws, Wire: wire}, nil
}
