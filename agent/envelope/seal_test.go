package envelope

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"comity/agent/policy"
	"comity/pki"
	"comity/pki/journal"
	"comity/schemas"
)

func TestSealAndRead(t *testing.T) {
	w := newWorld(t)
	sealed := w.message(t, 1, Hash{}, w.payload)
	got, err := read(sealed.Wire, w.desk(qn).Desk, w.view, w.at)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Payload(), w.payload) || !bytes.Equal(got.JWS(), sealed.JWS) {
		t.Fatal("other bytes come out than went in")
	}
	if got.Header() != sealed.Header || got.Hash() != sealed.Hash || got.Link() != sealed.Hash || got.Kind() != KindMessage {
		t.Fatalf("header = %+v, want %+v", got.Header(), sealed.Header)
	}
	if got.Signer().Authority() != qm {
		t.Fatalf("signer = %s", got.Signer().Authority())
	}
	if _, ok := got.Receipt(); ok {
		t.Fatal("a message is no receipt")
	}
	outer, err := Parse(sealed.Wire)
	must(t, err)
	if outer.Route() != sealed.Header.route() {
		t.Fatalf("route = %+v", outer.Route())
	}
	if bytes.Contains(sealed.Wire, sealed.JWS[:40]) {
		t.Fatal("the signed header is readable outside")
	}
}

// TestSealNeedsClearance: what the rules did not allow, in any detail, is not sealed.
func TestSealNeedsClearance(t *testing.T) {
	w := newWorld(t)
	good := w.header(KindMessage)
	good.Seq = 1
	other := append([]byte{' '}, w.payload...)
	tests := []struct {
		name    string
		change  func(*Header)
		payload []byte
		want    error
	}{
		{"as cleared", func(*Header) {}, w.payload, nil},
		{"other bytes", func(*Header) {}, other, policy.ErrNotCleared},
		{"other channel", func(h *Header) { h.Channel = schemas.ChannelBorder }, w.payload, policy.ErrNotCleared},
		{"too late", func(h *Header) { h.SentAt = w.at.Add(2 * policy.ClearanceLife) }, w.payload, policy.ErrClearanceStale},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := good
			test.change(&h)
			_, err := Seal(w.clear(t, qm, qn, w.payload), h, test.payload, w.desk(qm).signer, w.desk(qn).encryption)
			if !errors.Is(err, test.want) {
				t.Fatalf("seal = %v, want %v", err, test.want)
			}
		})
	}

	t.Run("none", func(t *testing.T) {
		for _, c := range []*policy.Clearance{nil, {}} {
			if _, err := Seal(c, good, w.payload, w.desk(qm).signer, w.desk(qn).encryption); !errors.Is(err, policy.ErrNotCleared) {
				t.Fatalf("seal = %v, want %v", err, policy.ErrNotCleared)
			}
		}
	})
	t.Run("other recipient", func(t *testing.T) {
		h := good
		h.To = qp
		_, err := Seal(w.clear(t, qm, qn, w.payload), h, w.payload, w.desk(qm).signer, w.desk(qp).encryption)
		if !errors.Is(err, policy.ErrNotCleared) {
			t.Fatalf("seal = %v, want %v", err, policy.ErrNotCleared)
		}
	})
	t.Run("twice", func(t *testing.T) {
		c := w.clear(t, qm, qn, w.payload)
		if _, err := Seal(c, good, w.payload, w.desk(qm).signer, w.desk(qn).encryption); err != nil {
			t.Fatal(err)
		}
		if _, err := Seal(c, good, w.payload, w.desk(qm).signer, w.desk(qn).encryption); !errors.Is(err, policy.ErrClearanceUsed) {
			t.Fatalf("second seal = %v, want %v", err, policy.ErrClearanceUsed)
		}
	})
}

// TestSealRefuses: a key that is not the sender's, a certificate that is not the recipient's, a header that would be
// refused at the other end. The clearance is not spent.
func TestSealRefuses(t *testing.T) {
	w := newWorld(t)
	signing, err := w.view.Signer(qn, thumbprint(w.desk(qn).signer), w.at)
	must(t, err)
	good := w.header(KindMessage)
	good.Seq = 1
	tests := []struct {
		name   string
		change func(*Header)
		signer Signer
		to     pki.Proof
		want   string
	}{
		{"no key", nil, Signer{Certificate: w.desk(qm).signer.Certificate}, w.desk(qn).encryption, "no signing key"},
		{"no certificate", nil, Signer{Key: w.desk(qm).signer.Key}, w.desk(qn).encryption, "no signing key"},
		{"no proof", nil, w.desk(qm).signer, pki.Proof{}, "no recipient's certificate"},
		{"another's signing key", nil, w.desk(qmBorder).signer, w.desk(qn).encryption, "not one of QM/justice"},
		{"key and certificate apart", nil, Signer{Key: w.desk(qp).signer.Key, Certificate: w.desk(qm).signer.Certificate}, w.desk(qn).encryption, "does not belong"},
		{"another's encryption key", nil, w.desk(qm).signer, w.desk(qp).encryption, "was proved for QP/justice"},
		{"signing key as encryption key", nil, w.desk(qm).signer, signing, "not for key agreement"},
		{"no number", func(h *Header) { h.Seq = 0 }, w.desk(qm).signer, w.desk(qn).encryption, "seq starts with 1"},
		{"no link", func(h *Header) { h.Seq = 2 }, w.desk(qm).signer, w.desk(qn).encryption, "seq starts with 1"},
		{"no id", func(h *Header) { h.ID = "" }, w.desk(qm).signer, w.desk(qn).encryption, "message id"},
		{"no time", func(h *Header) { h.SentAt = time.Time{} }, w.desk(qm).signer, w.desk(qn).encryption, "sent_at"},
		{"no end", func(h *Header) { h.ValidUntil = time.Time{} }, w.desk(qm).signer, w.desk(qn).encryption, "valid_until"},
		{"too long", func(h *Header) { h.ValidUntil = w.at.Add(MaxValidity + time.Hour) }, w.desk(qm).signer, w.desk(qn).encryption, "valid_until"},
		{"to itself", func(h *Header) { h.To = qm }, w.desk(qm).signer, w.desk(qm).encryption, "one authority"},
		{"seen too large", func(h *Header) { h.Seen = maxNumber + 1 }, w.desk(qm).signer, w.desk(qn).encryption, "too large"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := good
			if test.change != nil {
				test.change(&h)
			}
			c := w.clear(t, qm, qn, w.payload)
			if _, err := Seal(c, h, w.payload, test.signer, test.to); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("seal = %v, want %q", err, test.want)
			}
			if _, err := Seal(c, good, w.payload, w.desk(qm).signer, w.desk(qn).encryption); err != nil {
				t.Fatalf("a refused seal spent the clearance: %v", err)
			}
		})
	}
}

func TestSealCutsTimesToSeconds(t *testing.T) {
	w := newWorld(t)
	h := w.header(KindMessage)
	zone := time.FixedZone("QM", 3600)
	h.Seq, h.SentAt, h.ValidUntil = 1, w.at.Add(999*time.Millisecond).In(zone), h.ValidUntil.Add(time.Millisecond).In(zone)
	sealed, err := Seal(w.clear(t, qm, qn, w.payload), h, w.payload, w.desk(qm).signer, w.desk(qn).encryption)
	must(t, err)
	got, err := read(sealed.Wire, w.desk(qn).Desk, w.view, w.at)
	must(t, err)
	if !got.Header().SentAt.Equal(w.at) || got.Header() != sealed.Header {
		t.Fatalf("header = %+v", got.Header())
	}
}

func TestControlMessages(t *testing.T) {
	w := newWorld(t)
	message := w.message(t, 1, Hash{}, w.payload)
	t.Run("receipt", func(t *testing.T) {
		for _, want := range []Receipt{
			StoredReceipt(turned(message), w.at.Add(time.Millisecond), logOf(1)),
			StoredReceipt(turned(message), w.at, logOf(0)), // it came before what precedes it
			RejectedReceipt(turned(message), RejectedParty, w.at, logOf(1)),
		} {
			got, err := read(w.control(t, want).Wire, w.desk(qn).Desk, w.view, w.at)
			must(t, err)
			receipt, ok := got.Receipt()
			if !ok || receipt != want || receipt.JWS != message.Hash || receipt.ID != message.Header.ID || receipt.Seq != 1 {
				t.Fatalf("receipt = %+v, want %+v", receipt, want)
			}
			if got.Header().Seq != 0 || got.Kind().Numbered() {
				t.Fatal("a receipt has a number")
			}
		}
	})
	t.Run("void", func(t *testing.T) {
		h := w.header(KindVoid)
		h.Seq = 1
		sealed, err := SealVoid(h, Void{ID: message.Header.ID, JWS: message.Hash}, w.desk(qm).signer, w.desk(qn).encryption)
		must(t, err)
		got, err := read(sealed.Wire, w.desk(qn).Desk, w.view, w.at)
		must(t, err)
		void, ok := got.Void()
		if !ok || void != (Void{ID: message.Header.ID, JWS: message.Hash}) || got.Header().Seq != 1 {
			t.Fatalf("void = %+v", void)
		}
		if got.Link() != message.Hash || got.Hash() == message.Hash {
			t.Fatal("the chain does not go on over the void")
		}
	})
	t.Run("resend", func(t *testing.T) {
		got, err := read(w.control(t, Resend{First: 3, Last: 7}).Wire, w.desk(qn).Desk, w.view, w.at)
		must(t, err)
		if resend, ok := got.Resend(); !ok || resend != (Resend{First: 3, Last: 7}) {
			t.Fatalf("resend = %+v", resend)
		}
	})
	t.Run("breach", func(t *testing.T) {
		want := Breach{ID: message.Header.ID, Seq: 1, JWS: message.Hash}
		got, err := read(w.control(t, want).Wire, w.desk(qn).Desk, w.view, w.at)
		must(t, err)
		if breach, ok := got.Breach(); !ok || breach != want {
			t.Fatalf("breach = %+v", breach)
		}
	})
}

func TestControlRefuses(t *testing.T) {
	w := newWorld(t)
	s, to := w.desk(qm).signer, w.desk(qn).encryption
	receipt := Receipt{ID: schemas.NewMessageID(), Seq: 1, JWS: Hash{1}, Outcome: Stored, StoredAt: w.at,
		Checkpoint: logOf(1).Checkpoint(journal.Between(qn, qm))}
	voidHeader := w.header(KindVoid)
	voidHeader.Seq = 1
	numbered := w.header(KindReceipt)
	numbered.Seq = 1
	lasting := w.header(KindReceipt)
	lasting.ValidUntil = w.at.Add(time.Hour)
	seal := func(h Header, change func(*Receipt)) error {
		r := receipt
		change(&r)
		_, err := SealReceipt(h, r, s, to)
		return err
	}
	void := func(v Void) error { _, err := SealVoid(voidHeader, v, s, to); return err }
	resend := func(r Resend) error { _, err := SealResend(w.header(KindResend), r, s, to); return err }
	breach := func(b Breach) error { _, err := SealBreach(w.header(KindBreach), b, s, to); return err }
	h := w.header(KindReceipt)
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"free reason", seal(h, func(r *Receipt) { r.Outcome, r.Reason = Rejected, "person under protection" }), "closed set"},
		{"rejected without reason", seal(h, func(r *Receipt) { r.Outcome = Rejected }), "closed set"},
		{"stored with reason", seal(h, func(r *Receipt) { r.Reason = RejectedParty }), "neither stored nor rejected"},
		{"no id", seal(h, func(r *Receipt) { r.ID = "" }), "message id"},
		{"no number", seal(h, func(r *Receipt) { r.Seq = 0 }), "no number"},
		{"no hash", seal(h, func(r *Receipt) { r.JWS = Hash{} }), "no JWS"},
		{"time with a fraction", seal(h, func(r *Receipt) { r.StoredAt = w.at.Add(1) }), "whole second"},
		{"checkpoint of another log", seal(h, func(r *Receipt) { r.Checkpoint.Origin = journal.Between(qm, qn) }), "another log"},
		{"checkpoint of a home log", seal(h, func(r *Receipt) { r.Checkpoint.Origin = journal.Home(qm) }), "another log"},
		{"no checkpoint", seal(h, func(r *Receipt) { r.Checkpoint = journal.Checkpoint{} }), "another log"},
		{"numbered receipt", seal(numbered, func(*Receipt) {}), "has no number"},
		{"receipt that expires", seal(lasting, func(*Receipt) {}), "valid_until"},
		{"void of itself", void(Void{ID: voidHeader.ID, JWS: Hash{1}}), "another message"},
		{"void of nothing", void(Void{ID: receipt.ID}), "another message"},
		{"resend backwards", resend(Resend{First: 2, Last: 1}), "a resend asks"},
		{"resend too many", resend(Resend{First: 1, Last: MaxResend + 1}), "a resend asks"},
		{"breach of no number", breach(Breach{ID: receipt.ID, JWS: Hash{1}}), "a breach notice names"},
		{"breach of no bytes", breach(Breach{ID: receipt.ID, Seq: 1}), "a breach notice names"},
	}
	for _, test := range tests {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, test.err, test.want)
		}
	}
}

// TestOneSize: on the wire, a receipt of either outcome, a void, a resend, a breach notice and a small message are as long as each other.
func TestOneSize(t *testing.T) {
	w := newWorld(t)
	message := w.message(t, 1, Hash{}, w.payload)
	a := turned(message)
	late := a
	late.Header.Seq = maxNumber
	long := StoredReceipt(late, w.at, logOf(1000))
	long.Checkpoint.Size = maxNumber
	h := w.header(KindVoid)
	h.Seq = 1
	void, err := SealVoid(h, Void{ID: message.Header.ID, JWS: message.Hash}, w.desk(qm).signer, w.desk(qn).encryption)
	must(t, err)
	want := len(message.Wire)
	for _, sealed := range []*Sealed{
		void, w.control(t, StoredReceipt(a, w.at, logOf(0))), w.control(t, StoredReceipt(late, w.at, logOf(7))), w.control(t, long),
		w.control(t, RejectedReceipt(a, RejectedVersion, w.at, logOf(1))), w.control(t, Resend{First: 1, Last: 1000}),
		w.control(t, Breach{ID: message.Header.ID, Seq: 1, JWS: message.Hash}),
	} {
		if len(sealed.Wire) != want {
			t.Errorf("a %s has %d bytes, a small message %d", sealed.Kind, len(sealed.Wire), want)
		}
	}
}

// TestLargestPayload: the bounds of payload and wire fit each other.
func TestLargestPayload(t *testing.T) {
	w := newWorld(t)
	h := complete(w.header(KindMessage), w.desk(qn).encryption)
	h.Seq = 1
	sealed, err := seal(KindMessage, h, bytes.Repeat([]byte("x"), schemas.PayloadLimits.Bytes), w.desk(qm).signer, w.desk(qn).encryption)
	must(t, err)
	if len(sealed.Wire) > MaxWire {
		t.Fatalf("wire of %d bytes, more than MaxWire", len(sealed.Wire))
	}
	if _, err := read(sealed.Wire, w.desk(qn).Desk, w.view, w.at); err != nil {
		t.Fatal(err)
	}
}
