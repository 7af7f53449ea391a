package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	gojose "github.com/go-jose/go-jose/v4"
)

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
	protected, err := encodeHeader(extra, map[string]any{"alg": gojose.ES256, "typ": typ, idName: id})
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", typ, err)
	}
	compact := make([]byte, 0, base64.RawURLEncoding.EncodedLen(len(protected)+len(payload)+signatureSize)+4)
	compact = append(base64.RawURLEncoding.AppendEncode(compact, protected), '.')
	compact = base64.RawURLEncoding.AppendEncode(compact, payload)
	signature, err := signDigest(key, sha256.Sum256(compact))
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", typ, err)
	}
	return base64.RawURLEncoding.AppendEncode(append(compact, '.'), signature), nil
}

// signatureSize is that of r and s, side by side (RFC 7518 section 3.4).
const signatureSize = 64

// signDigest signs with a key that may live in hardware: such keys give the two numbers of a signature in ASN.1 (RFC 3279
// section 2.2.3).
func signDigest(key crypto.Signer, digest [sha256.Size]byte) ([]byte, error) {
	encoded, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var numbers struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(encoded, &numbers); err != nil || len(rest) > 0 {
		return nil, errors.New("the key gave no ECDSA signature")
	}
	signature := make([]byte, signatureSize)
	for i, n := range []*big.Int{numbers.R, numbers.S} {
		if n.Sign() <= 0 || n.BitLen() > 8*signatureSize/2 {
			return nil, errors.New("the key gave no signature of P-256")
		}
		n.FillBytes(signature[i*signatureSize/2:][:signatureSize/2])
	}
	return signature, nil
}

// Signed is a JWS that was parsed and not yet verified.
type Signed struct {
	id        string // x5t#S256, or kid for one signature of several
	extra     []byte
	payload   []byte
	digest    [sha256.Size]byte // of what is signed: protected header and payload, as they are encoded
	signature []byte
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
	if len(parts[2]) != signatureSize {
		return nil, refuse(ReasonMalformed, "an ES256 signature has %d bytes", signatureSize)
	}
	signed := compact[:bytes.LastIndexByte(compact, '.')]
	return &Signed{id: id, extra: extra, payload: parts[1], digest: sha256.Sum256(signed), signature: parts[2]}, nil
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
	r, t := new(big.Int).SetBytes(s.signature[:signatureSize/2]), new(big.Int).SetBytes(s.signature[signatureSize/2:])
	if !ecdsa.Verify(key, s.digest[:], r, t) {
		return nil, refuse(ReasonSignatureInvalid, "not by the key given")
	}
	return s.payload, nil
}

// VerifyCarried verifies a document that carries its signer's key in its own payload. find is shown the unverified
// payload, may use it for nothing but to find that key, and must prove the key by something else that it trusts.
func (s *Signed) VerifyCarried(find func(unverified []byte) (crypto.PublicKey, error)) ([]byte, error) {
	key, err := find(s.payload)
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
