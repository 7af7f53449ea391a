package envelope

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"comity/pki/jose"
)

func thumbprint(s Signer) string { return jose.Thumbprint(s.Certificate) }

// TestAttempts runs the attacks fresh, with other keys than those of the committed vectors.
func TestAttempts(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for _, a := range attempts(t, w) {
		if seen[a.name] {
			t.Errorf("%s is there twice", a.name)
		}
		seen[a.name] = true
		t.Run(a.name, func(t *testing.T) {
			_, err := read(a.wire, w.desk(a.desk).Desk, w.view, w.at)
			if ReasonOf(err) != a.want || (err == nil) != (a.want == "") {
				t.Fatalf("read = %v, want reason %q", err, a.want)
			}
			if err != nil && strings.Contains(err.Error(), "TESTPERSON") {
				t.Fatalf("the refusal echoes what it refused: %v", err)
			}
		})
	}
}

// TestReplay: the same bytes again, and the same JWS in a new envelope, have the hash of the first delivery, by which
// the desk knows them.
func TestReplay(t *testing.T) {
	w := newWorld(t)
	sealed := w.message(t, 1, Hash{}, w.payload)
	again := encrypt(t, w.desk(qn), sealed.Header.route(), pad(sealed.JWS))
	if bytes.Equal(again, sealed.Wire) {
		t.Fatal("two envelopes of one JWS are linkable")
	}
	for _, wire := range [][]byte{sealed.Wire, sealed.Wire, again} {
		got, err := read(wire, w.desk(qn).Desk, w.view, w.at)
		must(t, err)
		if got.Hash() != sealed.Hash {
			t.Fatal("a replay has another hash")
		}
	}
	// ECDSA is randomised: the same message signed anew is another JWS, which the numbers show as a fork.
	other, err := seal(KindMessage, sealed.Header, w.payload, w.desk(qm).signer, w.desk(qn).encryption)
	must(t, err)
	if other.Hash == sealed.Hash {
		t.Fatal("another JWS has the same hash")
	}
}

// TestAnswerable: what is refused after the signature can be told to its sender, with the hash that it will know.
func TestAnswerable(t *testing.T) {
	w := newWorld(t)
	sealed := w.message(t, 1, Hash{}, w.payload)
	_, err := read(sealed.Wire, w.desk(qn).Desk, w.view, sealed.Header.ValidUntil.Add(time.Second))
	authentic := AuthenticOf(err)
	if ReasonOf(err) != Expired || authentic == nil {
		t.Fatalf("read = %v, want an authentic %s", err, Expired)
	}
	receipt := RejectedReceipt(*authentic, RejectedExpired, w.at, logOf(1))
	if receipt.JWS != sealed.Hash || receipt.ID != sealed.Header.ID || receipt.Seq != 1 || receipt.check(Header{From: qn, To: qm}) != nil {
		t.Fatalf("receipt = %+v", receipt)
	}
}

func TestOpenWithEitherKey(t *testing.T) {
	w := newWorld(t)
	sealed := w.message(t, 1, Hash{}, w.payload)
	both := Desk{Authority: qn, Keys: []DecryptionKey{w.desk(qp).Keys[0], {}, w.desk(qn).Keys[0]}}
	if _, err := read(sealed.Wire, both, w.view, w.at); err != nil {
		t.Fatal(err)
	}
	for _, desk := range []Desk{{Authority: qn}, {Authority: qn, Keys: w.desk(qp).Keys}} {
		if _, err := read(sealed.Wire, desk, w.view, w.at); ReasonOf(err) != WrongKey {
			t.Fatalf("read = %v, want %s", err, WrongKey)
		}
	}
}

func TestVerifyWithStaleTrust(t *testing.T) {
	w := newWorld(t)
	sealed := w.message(t, 1, Hash{}, w.payload)
	end := w.view.TrustList().ExpiresAt
	_, err := read(sealed.Wire, w.desk(qn).Desk, w.view, end)
	if ReasonOf(err) != DirectoryStale || AuthenticOf(err) != nil {
		t.Fatalf("read = %v, want %s", err, DirectoryStale)
	}
}

func TestHashText(t *testing.T) {
	var h Hash
	must(t, h.UnmarshalText([]byte(HashJWS([]byte("a")).String())))
	if h != HashJWS([]byte("a")) || h.IsZero() {
		t.Fatal("hash does not survive its text")
	}
	for _, text := range []string{"", "ab", strings.Repeat("AB", 32), strings.Repeat("zz", 32), strings.Repeat("ab", 33)} {
		if err := h.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("hash accepts %q", text)
		}
	}
}

// FuzzRead: no bytes make Parse or Open do anything but refuse with a reason, unless they are the envelope itself.
func FuzzRead(f *testing.F) {
	w := newWorld(f)
	for _, a := range attempts(f, w) {
		if len(a.wire) < 64<<10 {
			f.Add(a.wire)
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		if _, err := read(wire, w.desk(qn).Desk, w.view, w.at); err != nil && ReasonOf(err) == "" {
			t.Fatalf("refused without a reason: %v", err)
		}
	})
}

// FuzzInner puts any plaintext into a good envelope: what an authenticated but dishonest peer can do.
func FuzzInner(f *testing.F) {
	w := newWorld(f)
	sealed := w.message(f, 1, Hash{}, w.payload)
	f.Add(sealed.JWS)
	f.Add([]byte("a.b.c"))
	f.Add([]byte(`{"payload":""}`))
	f.Fuzz(func(t *testing.T, jws []byte) {
		if len(jws) > 64<<10 {
			return
		}
		wire := encrypt(t, w.desk(qn), sealed.Header.route(), pad(jws))
		got, err := read(wire, w.desk(qn).Desk, w.view, w.at)
		switch {
		case err != nil && ReasonOf(err) == "":
			t.Fatalf("refused without a reason: %v", err)
		case err == nil && got.Hash() != sealed.Hash:
			t.Fatal("a message that nobody signed")
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	w := newWorld(b)
	h := complete(w.header(KindMessage), w.desk(qn).encryption)
	h.Seq = 1
	b.ReportAllocs()
	for b.Loop() {
		if _, err := seal(KindMessage, h, w.payload, w.desk(qm).signer, w.desk(qn).encryption); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	w := newWorld(b)
	sealed := w.message(b, 1, Hash{}, w.payload)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := read(sealed.Wire, w.desk(qn).Desk, w.view, w.at); err != nil {
			b.Fatal(err)
		}
	}
}
