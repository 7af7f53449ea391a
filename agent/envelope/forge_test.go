package envelope

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"testing"

	"github.com/go-json-experiment/json"

	"comity/pki/jose"
	"comity/schemas"
)

// The tools of a dishonest peer, who has real keys and makes JOSE objects by hand.

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unb64(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	must(tb, err)
	return b
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// members is a protected header under construction.
type members map[string]any

// headerOf is the protected header that the seal would write.
func headerOf(tb testing.TB, kind Kind, h Header, s Signer) members {
	tb.Helper()
	raw, err := json.Marshal(h.wire(kind))
	must(tb, err)
	var m members
	must(tb, json.Unmarshal(raw, &m))
	m["alg"], m["typ"], m["x5t#S256"] = "ES256", string(kind.typ()), jose.Thumbprint(s.Certificate)
	return m
}

func (m members) json(tb testing.TB) []byte {
	tb.Helper()
	raw, err := json.Marshal(m, json.Deterministic(true))
	must(tb, err)
	return raw
}

// signES256 makes a compact JWS over any header at all.
func signES256(tb testing.TB, key crypto.Signer, header, payload []byte) []byte {
	tb.Helper()
	input := b64(header) + "." + b64(payload)
	digest := sha256.Sum256([]byte(input))
	der, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	must(tb, err)
	var sig struct{ R, S *big.Int }
	_, err = asn1.Unmarshal(der, &sig)
	must(tb, err)
	raw := append(sig.R.FillBytes(make([]byte, 32)), sig.S.FillBytes(make([]byte, 32))...)
	return []byte(input + "." + b64(raw))
}

// signHS256 uses the public key as an HMAC secret, the classic confusion.
func signHS256(tb testing.TB, pub *ecdsa.PublicKey, header, payload []byte) []byte {
	tb.Helper()
	input := b64(header) + "." + b64(payload)
	secret, err := pub.Bytes()
	must(tb, err)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return []byte(input + "." + b64(mac.Sum(nil)))
}

func signRS256(tb testing.TB, header, payload []byte) []byte {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(tb, err)
	input := b64(header) + "." + b64(payload)
	digest := sha256.Sum256([]byte(input))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	must(tb, err)
	return []byte(input + "." + b64(sig))
}

// encrypt seals any plaintext to the desk under any outer header.
func encrypt(tb testing.TB, to desk, outer any, plaintext []byte) []byte {
	tb.Helper()
	wire, err := jose.Encrypt(to.encryption.Certificate().PublicKey.(*ecdsa.PublicKey), jose.TypEnvelope, outer, plaintext)
	must(tb, err)
	return wire
}

// part changes one dot-separated part of a compact serialisation.
func part(compact []byte, index int, change func([]byte) []byte) []byte {
	parts := bytes.Split(compact, []byte{'.'})
	parts[index] = change(bytes.Clone(parts[index]))
	return bytes.Join(parts, []byte{'.'})
}

// flip changes a character in the middle of a part to another of the alphabet.
func flip(b []byte) []byte {
	if len(b) == 0 {
		return []byte("AAAA")
	}
	i := len(b) / 2
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return b
}

// reheader rewrites the protected header of a compact serialisation, without the key that could make it true again.
func reheader(tb testing.TB, compact []byte, change func(members)) []byte {
	tb.Helper()
	return part(compact, 0, func(b []byte) []byte {
		var m members
		must(tb, json.Unmarshal(unb64(tb, string(b)), &m))
		change(m)
		return []byte(b64(m.json(tb)))
	})
}

func otherKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(tb, err)
	return key
}

func routeWith(r schemas.Route, change func(*schemas.Route)) schemas.Route {
	change(&r)
	return r
}
