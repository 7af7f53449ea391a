package jose

import (
	"bytes"
	"crypto"
	"strings"
	"testing"
)

// What parses has one spelling: no other bytes than these mean the same, and it verifies under no key of ours.
func FuzzParseSigned(f *testing.F) {
	key := newKey(f)
	good := []byte(signES256(f, key, header(`,"seq":1`), "x"))
	f.Add(good)
	f.Add([]byte(".."))
	f.Add([]byte("eyJhbGciOiJub25lIn0.eA."))
	f.Add(append(bytes.Clone(good), '\n'))
	f.Fuzz(func(t *testing.T, data []byte) {
		signed, err := ParseSigned(data, TypMessage)
		if err != nil {
			if ReasonOf(err) == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		parts, err := split(data, 3)
		if err != nil || string(data) != b64(parts[0])+"."+b64(parts[1])+"."+b64(parts[2]) {
			t.Fatalf("a second spelling of %q (%v)", data, err)
		}
		if _, err := signed.Verify(key.Public()); err == nil && !bytes.Equal(data, good) {
			t.Fatal("forged")
		}
	})
}

func FuzzParseMulti(f *testing.F) {
	key := newKey(f)
	id, err := KeyThumbprint(key.Public())
	if err != nil {
		f.Fatal(err)
	}
	good, err := SignAll([]byte("x"), TypTrustList, []KeyWithID{{id, key}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"payload":"","signatures":[{"protected":"","signature":""}]}`))
	f.Add([]byte(`{"payload":"eA","signatures":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseMulti(data, TypTrustList)
		if err != nil {
			if ReasonOf(err) == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		if payload, _, err := m.Verify(map[string]crypto.PublicKey{id: key.Public()}); err == nil && string(payload) != "x" {
			t.Fatal("forged")
		}
	})
}

func FuzzParseEncrypted(f *testing.F) {
	key := newKey(f)
	good, err := Encrypt(&key.PublicKey, TypEnvelope, testHeader{"QM/justice", 1}, []byte("x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("...."))
	f.Add([]byte(strings.Replace(string(good), ".", "..", 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := ParseEncrypted(data, TypEnvelope)
		if err != nil {
			if ReasonOf(err) == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		if _, err := parsed.Decrypt(exchanger(t, key)); err == nil && !bytes.Equal(data, good) {
			t.Fatal("forged")
		}
	})
}
