package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"testing"
)

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func exchanger(t testing.TB, key *ecdsa.PrivateKey) *ecdh.PrivateKey {
	t.Helper()
	out, err := key.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// thumb stands for a certificate's thumbprint where the test needs no certificate.
func thumb(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

type testHeader struct {
	From string `json:"from"`
	Seq  int    `json:"seq"`
}

func wantReason(t *testing.T, err error, want Reason) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted, want %s", want)
	}
	if got := ReasonOf(err); got != want {
		t.Fatalf("got reason %q (%v), want %s", got, err, want)
	}
}

func TestSignAndVerify(t *testing.T) {
	key := newKey(t)
	payload := []byte(`{"a":1}`)
	compact, err := Sign(key, thumb("a"), TypMessage, testHeader{"QM/justice", 7}, payload)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ParseSigned(compact, TypMessage)
	if err != nil {
		t.Fatal(err)
	}
	if signed.Thumbprint() != thumb("a") {
		t.Errorf("thumbprint %q", signed.Thumbprint())
	}
	var h testHeader
	if err := signed.Header(&h); err != nil || h != (testHeader{"QM/justice", 7}) {
		t.Errorf("header %+v, %v", h, err)
	}
	wantReason(t, signed.Header(&struct{}{}), ReasonHeaderInvalid)
	got, err := signed.Verify(key.Public())
	if err != nil || !bytes.Equal(got, payload) {
		t.Errorf("payload %q, %v", got, err)
	}
	_, err = signed.Verify(newKey(t).Public())
	wantReason(t, err, ReasonSignatureInvalid)
}

func TestSeveralSignatures(t *testing.T) {
	a, b, c := newKey(t), newKey(t), newKey(t)
	id := func(k *ecdsa.PrivateKey) string {
		s, err := KeyThumbprint(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	doc, err := SignAll([]byte("list"), TypTrustList, []KeyWithID{{id(a), a}, {id(b), b}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseMulti(doc, TypTrustList)
	if err != nil {
		t.Fatal(err)
	}
	payload, by, err := m.Verify(map[string]crypto.PublicKey{id(a): a.Public(), id(b): b.Public(), id(c): c.Public()})
	if err != nil || string(payload) != "list" || len(by) != 2 {
		t.Errorf("payload %q, signed by %v, %v", payload, by, err)
	}
	_, by, err = m.Verify(map[string]crypto.PublicKey{id(a): a.Public()})
	if err != nil || len(by) != 1 || by[0] != id(a) {
		t.Errorf("signed by %v, %v", by, err)
	}
	_, _, err = m.Verify(map[string]crypto.PublicKey{id(c): c.Public()})
	wantReason(t, err, ReasonUnknownKey)
	_, _, err = m.Verify(map[string]crypto.PublicKey{id(a): c.Public()})
	wantReason(t, err, ReasonKeyNotAllowed)
}

func TestEncryptAndDecrypt(t *testing.T) {
	key := newKey(t)
	plaintext := bytes.Repeat([]byte("x"), 4096)
	compact, err := Encrypt(&key.PublicKey, TypEnvelope, testHeader{"QM/justice", 7}, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := ParseEncrypted(compact, TypEnvelope)
	if err != nil {
		t.Fatal(err)
	}
	var h testHeader
	if err := sealed.Header(&h); err != nil || h.From != "QM/justice" {
		t.Errorf("header %+v, %v", h, err)
	}
	got, err := sealed.Decrypt(exchanger(t, key))
	if err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	_, err = sealed.Decrypt(exchanger(t, newKey(t)))
	wantReason(t, err, ReasonDecryptionFailed)
}
