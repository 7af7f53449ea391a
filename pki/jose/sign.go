package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
)

var signatureAlgorithms = []gojose.SignatureAlgorithm{gojose.ES256}

// Thumbprint names a certificate: base64url of the SHA-256 of its DER (RFC 7515 section 4.1.8).
func Thumbprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// KeyThumbprint names a key that has no certificate: its JWK thumbprint (RFC 7638).
func KeyThumbprint(pub crypto.PublicKey) (string, error) {
	if _, err := p256(pub); err != nil {
		return "", err
	}
	sum, err := (&gojose.JSONWebKey{Key: pub}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", refuse(ReasonKeyNotAllowed, "no JWK thumbprint")
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// Sign makes a compact JWS with ES256. The members of header, a struct or nil, are added to the protected header
// beside alg, typ and x5t#S256, which Sign sets from x5t, the Thumbprint of the signer's certificate.
func Sign(key crypto.Signer, x5t string, typ Typ, header any, payload []byte) ([]byte, error) {
	if !isThumbprint(x5t) {
		return nil, refuse(ReasonHeaderInvalid, "signing %s: %s is not a thumbprint", typ, certHeader)
	}
	return sign(key, certHeader, x5t, typ, header, payload)
}

func sign(key crypto.Signer, idName, id string, typ Typ, header any, payload []byte) ([]byte, error) {
	if _, err := p256(key.Public()); err != nil {
		return nil, fmt.Errorf("signing %s: %w", typ, err)
	}
	extra, err := encodeExtra(header)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", typ, err)
	}
	opts := (&gojose.SignerOptions{}).WithType(gojose.ContentType(typ)).WithHeader(gojose.HeaderKey(idName), id)
	for name, value := range extra {
		opts = opts.WithHeader(gojose.HeaderKey(name), rawJSON(value))
	}
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.ES256, Key: cryptosigner.Opaque(key)}, opts)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", typ, err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", typ, err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", typ, err)
	}
	return []byte(compact), nil
}

// rawJSON is an encoded value that go-jose's fork of encoding/json passes through.
type rawJSON []byte

func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

// Signed is a JWS that was parsed and not yet verified.
type Signed struct {
	id    string // x5t#S256, or kid for one signature of several
	extra []byte
	jws   *gojose.JSONWebSignature
}

// ParseSigned parses a compact JWS of one kind. It needs no key.
func ParseSigned(compact []byte, typ Typ) (*Signed, error) {
	return parseSigned(compact, certHeader, typ)
}

func parseSigned(compact []byte, idName string, typ Typ) (*Signed, error) {
	parts, err := split(compact, 3)
	if err != nil {
		return nil, err
	}
	m, err := parseHeader(parts[0], typ, string(gojose.ES256))
	if err != nil {
		return nil, err
	}
	id, err := m.take(idName)
	if err != nil {
		return nil, err
	}
	if !isThumbprint(id) {
		return nil, refuse(ReasonHeaderInvalid, "%s is not a thumbprint", idName)
	}
	extra, err := m.extra()
	if err != nil {
		return nil, err
	}
	if len(parts[2]) != 64 { // RFC 7518 section 3.4
		return nil, refuse(ReasonMalformed, "an ES256 signature has 64 bytes")
	}
	jws, err := gojose.ParseSignedCompact(string(compact), signatureAlgorithms)
	if err != nil {
		return nil, refuse(ReasonMalformed, "not a JWS")
	}
	return &Signed{id: id, extra: extra, jws: jws}, nil
}

// Thumbprint is the x5t#S256 header: which certificate the signer claims to have used.
func (s *Signed) Thumbprint() string { return s.id }

// Header decodes the protected members beside alg, typ and x5t#S256 strictly into a struct. Until Verify has passed
// they are claims.
func (s *Signed) Header(v any) error { return decodeExtra(s.extra, v) }

// Verify returns the payload if the signature is by the given P-256 key.
func (s *Signed) Verify(pub crypto.PublicKey) ([]byte, error) {
	key, err := p256(pub)
	if err != nil {
		return nil, err
	}
	payload, err := s.jws.Verify(key)
	if err != nil {
		return nil, refuse(ReasonSignatureInvalid, "not by the key given")
	}
	return payload, nil
}

// VerifyCarried verifies a document that carries its signer's key in its own payload. find is shown the unverified
// payload, may use it for nothing but to find that key, and must prove the key by something else that it trusts.
func (s *Signed) VerifyCarried(find func(unverified []byte) (crypto.PublicKey, error)) ([]byte, error) {
	key, err := find(s.jws.UnsafePayloadWithoutVerification())
	if err != nil {
		return nil, err
	}
	return s.Verify(key)
}

// p256 is the gate for every public key. Points off the curve do not pass.
func p256(pub crypto.PublicKey) (*ecdsa.PublicKey, error) {
	key, ok := pub.(*ecdsa.PublicKey)
	if !ok || key == nil || key.Curve != elliptic.P256() {
		return nil, refuse(ReasonKeyNotAllowed, "not a P-256 key")
	}
	if _, err := key.ECDH(); err != nil {
		return nil, refuse(ReasonKeyNotAllowed, "not a point of P-256")
	}
	return key, nil
}

// isThumbprint accepts the canonical base64url of 32 bytes.
func isThumbprint(s string) bool {
	raw, err := decodePart([]byte(s))
	return err == nil && len(raw) == sha256.Size
}
