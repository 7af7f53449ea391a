package relay

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"testing"

	"comity/pki/jose"
	"comity/schemas"
)

var routes = []schemas.Route{
	{From: "QM/justice", To: "QN/justice", Channel: schemas.ChannelMLA, ID: "0123456789abcdefghjkmnpqrs", Suite: 1, Key: "a-key"},
	{From: "QM/border", To: "QN/border", Channel: schemas.ChannelBorder, ID: "0123456789abcdefghjkmnpqrs", Suite: 1, Key: "a-key"},
}

// FuzzReadRoute: whatever comes, a route that is read is in its exact form, so that its parts can stand in subjects.
func FuzzReadRoute(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	for _, header := range []any{
		routes[0], routes[1], nil,
		map[string]any{"from": "QM/justice", "to": "QN/.>", "channel": "mla", "id": "*", "suite": 1, "kid": ""},
	} {
		wire, err := jose.Encrypt(&key.PublicKey, jose.TypEnvelope, header, []byte("x"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Add([]byte("e30.AA.AA.AA.AA"))
	f.Add([]byte("...."))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, wire []byte) {
		route, err := readRoute(wire)
		if err != nil {
			return
		}
		if err := route.Check(); err != nil {
			t.Errorf("read a route that is not in its form: %v", err)
		}
		for _, r := range string(addressFor(route)) {
			if r != '.' && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
				t.Errorf("%q would stand in a subject", r)
			}
		}
	})
}

// TestStoreID: who chooses it, chooses only among its own.
func TestStoreID(t *testing.T) {
	one, other := sha256.Sum256([]byte("one")), sha256.Sum256([]byte("other"))
	const id, next = schemas.MessageID("0123456789abcdefghjkmnpqrs"), schemas.MessageID("1123456789abcdefghjkmnpqrs")
	base := storeID("QM/justice", id, one)
	if base != storeID("QM/justice", id, one) {
		t.Error("the same attempt has two ids")
	}
	for name, got := range map[string]string{
		"another sender":  storeID("QM/border", id, one),
		"another attempt": storeID("QM/justice", next, one),
		"other bytes":     storeID("QM/justice", id, other),
	} {
		if got == base {
			t.Errorf("%s has the same id", name)
		}
	}
}

func TestAddresses(t *testing.T) {
	const subject = "x.AKEY.qn.justice.mla"
	if got := accountOf(subject); got != "AKEY" {
		t.Errorf("account %q", got)
	}
	if got := addressOf(subject); got != addressFor(routes[0]) {
		t.Errorf("address %q", got)
	}
	for _, short := range []string{"", "x", "x.AKEY", "x.AKEY."} {
		if addressOf(short) == addressFor(routes[0]) {
			t.Errorf("%q is an address", short)
		}
	}
}
