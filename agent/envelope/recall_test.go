package envelope

import (
	"bytes"
	"reflect"
	"testing"

	"comity/pki"
	"comity/schemas"
)

func TestRecallAndStandingRoundTrip(t *testing.T) {
	w := newWorld(t)
	receipt := w.receiptOf(t, w.message(t, 1, Hash{}, w.payload))
	recall := Recall{ReceivedAfter: 3, SentAfter: 0}
	standing := Standing{
		Sent: 4, Highest: 2, Next: Recall{ReceivedAfter: 4, SentAfter: 2}, More: true, Receipts: [][]byte{receipt},
		Yours: []Known{
			{Seq: 1, ID: schemas.NewMessageID(), JWS: Hash{1}, Returned: true, Receipt: receipt},
			{Seq: 2, ID: schemas.NewMessageID(), JWS: Hash{2}, Prev: Hash{1}, Receipt: receipt},
		},
	}
	asked, err := SealRecall(w.header(KindRecall), recall, w.desk(qm).signer, w.desk(qn).encryption)
	must(t, err)
	told, err := SealStanding(w.header(KindStanding), standing, w.desk(qm).signer, w.desk(qn).encryption)
	must(t, err)
	if got, ok := w.read(t, asked.Wire).Recall(); !ok || got != recall {
		t.Errorf("recall %+v", got)
	}
	if got, ok := w.read(t, told.Wire).Standing(); !ok || !reflect.DeepEqual(got, standing) {
		t.Errorf("standing %+v, want %+v", got, standing)
	}
}

// receiptOf is a receipt of QN's for a message, as it is kept.
func (w *world) receiptOf(tb testing.TB, m *Sealed) []byte {
	tb.Helper()
	a := Authentic{Kind: KindMessage, Header: m.Header, Hash: m.Hash}
	h := Header{From: qn, To: qm, Channel: schemas.ChannelMLA, ID: schemas.NewMessageID(), SentAt: w.at}
	sealed, err := SealReceipt(h, StoredReceipt(a, w.at, logOf(1)), w.desk(qn).signer, w.desk(qm).encryption)
	must(tb, err)
	return sealed.JWS
}

func (w *world) read(tb testing.TB, wire []byte) *Verified {
	tb.Helper()
	outer, err := Parse(wire)
	must(tb, err)
	opened, err := outer.Open(w.desk(qn).Desk)
	must(tb, err)
	v, err := opened.Verify(w.view, w.at)
	must(tb, err)
	return v
}

func TestStandingRefuses(t *testing.T) {
	w := newWorld(t)
	good := func() Standing {
		return Standing{Sent: 4, Highest: 2, Yours: []Known{
			{Seq: 1, ID: schemas.NewMessageID(), JWS: Hash{1}, Receipt: []byte("r")},
			{Seq: 2, ID: schemas.NewMessageID(), JWS: Hash{2}, Prev: Hash{1}, Receipt: []byte("r")},
		}}
	}
	for name, spoil := range map[string]func(*Standing){
		"nothing is wrong":                nil,
		"a number beyond its highest":     func(s *Standing) { s.Highest = 1 },
		"numbers out of order":            func(s *Standing) { s.Yours[0], s.Yours[1] = s.Yours[1], s.Yours[0] },
		"a number without a message":      func(s *Standing) { s.Yours[1].JWS = Hash{} },
		"a number without the one before": func(s *Standing) { s.Yours[1].Prev = Hash{} },
		"a first number with one before":  func(s *Standing) { s.Yours[0].Prev = Hash{9} },
		"a number without a receipt":      func(s *Standing) { s.Yours[0].Receipt = nil },
		"no id":                           func(s *Standing) { s.Yours[0].ID = "x" },
		"too many":                        func(s *Standing) { s.Receipts = make([][]byte, MaxStanding+1) },
		"a number that is too large":      func(s *Standing) { s.Sent = maxNumber + 1 },
	} {
		s := good()
		if spoil != nil {
			spoil(&s)
		}
		_, err := SealStanding(w.header(KindStanding), s, w.desk(qm).signer, w.desk(qn).encryption)
		if (err == nil) != (spoil == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, payload := range []string{
		`{}`, `{"sent":1,"highest":1}`, `{"sent":1,"highest":1,"yours":[],"receipts":[],"next":{},"more":false}`,
		`{"sent":1,"highest":1,"yours":[{"seq":1,"id":"x"}],"receipts":[],"next":{"received_after":0,"sent_after":0},"more":false}`,
	} {
		if _, err := readStanding([]byte(payload)); err == nil {
			t.Errorf("%s was read", payload)
		}
	}
	if _, err := readRecall([]byte(`{"received_after":1}`)); err == nil {
		t.Error("half a recall was read")
	}
}

// A message comes back to who signed it, in an envelope of the one who had it; it is nobody else's to give or to take, and
// it never passes for a message to who signed it.
func TestReturnedMessages(t *testing.T) {
	w := newWorld(t)
	m := w.message(t, 1, Hash{}, w.payload)
	back := Header{From: qn, To: qm, Channel: schemas.ChannelMLA, ID: schemas.NewMessageID(), SentAt: w.at}
	wire, err := SealReturned(back, m.JWS, w.desk(qm).encryption)
	must(t, err)
	outer, err := Parse(wire)
	must(t, err)
	if _, err := outer.Open(w.desk(qm).Desk); ReasonOf(err) != HeaderMismatch {
		t.Errorf("opened as a message to QM: %v", err)
	}
	opened, err := outer.OpenReturned(w.desk(qm).Desk)
	must(t, err)
	v, err := opened.Verify(w.view, w.at)
	must(t, err)
	if !bytes.Equal(v.JWS(), m.JWS) || v.Hash() != opened.Hash() || v.Header().Seq != 1 {
		t.Error("another message came back")
	}
	if _, err := outer.OpenReturned(w.desk(qn).Desk); ReasonOf(err) != WrongRecipient {
		t.Errorf("opened by another: %v", err)
	}
	// An honest message to QN is nothing that comes back to it.
	straight, err := Parse(m.Wire)
	must(t, err)
	if _, err := straight.OpenReturned(w.desk(qn).Desk); ReasonOf(err) != HeaderMismatch {
		t.Errorf("a message to QN opened as one that comes back: %v", err)
	}
	for name, try := range map[string]struct {
		header Header
		jws    []byte
		to     pki.Proof
	}{
		"to another":         {Header{From: qn, To: qp, Channel: schemas.ChannelMLA, ID: schemas.NewMessageID(), SentAt: w.at}, m.JWS, w.desk(qp).encryption},
		"by another":         {Header{From: qp, To: qm, Channel: schemas.ChannelMLA, ID: schemas.NewMessageID(), SentAt: w.at}, m.JWS, w.desk(qm).encryption},
		"a receipt":          {back, w.receiptOf(t, m), w.desk(qm).encryption},
		"for another's key":  {back, m.JWS, w.desk(qp).encryption},
		"what is no message": {back, []byte("x"), w.desk(qm).encryption},
	} {
		if _, err := SealReturned(try.header, try.jws, try.to); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
}

func TestSealAgain(t *testing.T) {
	w := newWorld(t)
	m := w.message(t, 1, Hash{}, w.payload)
	wire, err := SealAgain(m.JWS, w.desk(qn).encryption)
	must(t, err)
	if v := w.read(t, wire); v.Hash() != m.Hash || bytes.Equal(wire, m.Wire) {
		t.Error("not the same message in a new envelope")
	}
	if _, err := SealAgain(m.JWS, w.desk(qp).encryption); err == nil {
		t.Error("sealed for another's key")
	}
}
