package agent

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki"
	"comity/pki/journal"
	"comity/schemas"
)

func withoutAgreements(l *pki.TrustList) { l.Agreements = nil }

func withAgreements(a []pki.Agreement) func(*pki.TrustList) {
	return func(l *pki.TrustList) { l.Agreements = a }
}

func payloadOf(t *testing.T, draft []byte) []byte {
	t.Helper()
	d, err := schemas.ParseDraft(draft, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.Payload
}

// hashInside opens an envelope as its recipient would, for its hash.
func hashInside(t *testing.T, recipient *desk, wire []byte) envelope.Hash {
	t.Helper()
	v, err := recipient.verify(wire)
	if err != nil {
		t.Fatal(err)
	}
	return v.Hash()
}

// chainOf is what the prev of a peer's next number must be.
func chainOf(t *testing.T, d *desk, peer schemas.AuthorityID) (link envelope.Hash) {
	t.Helper()
	err := d.store.View(t.Context(), func(tx *store.Tx) error {
		pair, err := tx.Pair(peer)
		if err != nil || pair.Received == 0 {
			return err
		}
		last, err := tx.Arrival(peer, pair.Received)
		link = envelope.Hash(last.JWSSHA256)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func (d *desk) byNumber(sender schemas.AuthorityID, seq uint64) (m *store.Message) {
	d.t.Helper()
	err := d.store.View(d.t.Context(), func(tx *store.Tx) (err error) {
		recipient := d.me
		if sender == d.me {
			recipient = qn
		}
		m, err = tx.MessageByNumber(sender, recipient, seq)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

// lastReceipt takes from's outbox and reads the last receipt for to.
func lastReceipt(t *testing.T, from, to *desk) envelope.Receipt {
	t.Helper()
	var last envelope.Receipt
	for _, p := range from.outgoing() {
		if p.Kind != store.KindReceipt && p.Kind != store.KindVerdict || p.Peer != to.me {
			continue
		}
		v, err := to.verify(p.Wire)
		if err != nil {
			t.Fatal(err)
		}
		last, _ = v.Receipt()
	}
	return last
}

func TestADuplicateGetsTheOriginalReceiptAgain(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	m.send(draft(t, qn, "request", "", ""))
	wire := m.outgoing()[0].Wire
	n.take(wire)
	first := n.outgoing()
	n.take(wire)
	again := n.outgoing()
	if len(first) != 1 || len(again) != 1 || !bytes.Equal(first[0].Wire, again[0].Wire) {
		t.Fatalf("%d and %d receipts, the same bytes: %v", len(first), len(again), len(again) == 1 && bytes.Equal(first[0].Wire, again[0].Wire))
	}
	if cases, err := n.Cases(t.Context(), 0); err != nil || len(cases) != 1 {
		t.Errorf("%d cases after a replay, %v", len(cases), err)
	}
}

func TestAMessageStaysUntilItsReceipt(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	m.send(draft(t, qn, "request", "", ""))
	first := m.outgoing()
	if len(first) != 1 || len(m.outgoing()) != 0 {
		t.Fatal("a message is submitted once, then waits")
	}
	for wait := m.config.Timing.ResendFirst; wait <= 8*m.config.Timing.ResendFirst; wait *= 2 {
		w.clock.Advance(wait - time.Second)
		if len(m.outgoing()) != 0 {
			t.Fatalf("sent again before %s", wait)
		}
		w.clock.Advance(time.Second)
		again := m.outgoing()
		if len(again) != 1 || !bytes.Equal(again[0].Wire, first[0].Wire) {
			t.Fatalf("after %s: %d rows, the same bytes wanted", wait, len(again))
		}
	}
}

func TestAHoleIsAskedForThenAlarmed(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	id := m.send(draft(t, qn, "request", "", "")).Case
	m.send(draft(t, qn, "status-query", id, ""))
	m.send(draft(t, qn, "status-query", id, ""))
	out := m.outgoing()
	n.take(out[2].Wire) // numbers 1 and 2 are lost
	n.outgoing()
	n.chores()
	if len(n.outgoing()) != 0 {
		t.Fatal("asked at once: what is on its way comes by itself")
	}
	w.clock.Advance(time.Minute)
	n.chores()
	asked := n.outgoing()
	if len(asked) != 1 || asked[0].Kind != store.KindResend {
		t.Fatalf("after a minute: %v", asked)
	}
	w.clock.Advance(14 * time.Minute)
	n.chores()
	if up := n.alarms(); !hasAlarm(up, "hole 1") || !hasAlarm(up, "hole 2") || hasAlarm(up, "hole 3") {
		t.Errorf("alarms after a quarter of an hour: %v", up)
	}
	m.take(asked[0].Wire)
	w.carry(t)
	w.agree(t, id, "sent", qm, qn)
	if up := n.alarms(); hasAlarm(up, "hole") {
		t.Errorf("alarms after the holes were filled: %v", up)
	}
}

func TestTheSameNumberWithOtherBytesIsAFork(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	payload := payloadOf(t, draft(t, qn, "request", "", ""))
	small := bytes.Clone(payload)
	first, second := m.forge(qn, small, 1, envelope.Hash{}), m.forge(qn, small, 1, envelope.Hash{})
	n.take(first)
	if r := lastReceipt(t, n, m); r.Outcome != envelope.Stored {
		t.Fatalf("first: %+v", r)
	}
	n.take(second)
	if r := lastReceipt(t, n, m); r.Outcome != envelope.Rejected || r.Reason != envelope.RejectedFork {
		t.Errorf("second: %+v", r)
	}
	if up := n.alarms(); !hasAlarm(up, "fork 1") {
		t.Errorf("alarms: %v", up)
	}
	if cases, err := n.Cases(t.Context(), 0); err != nil || len(cases) != 1 {
		t.Errorf("%d cases, %v", len(cases), err)
	}
	// The same id under another number is the same lie.
	v, err := n.verify(first)
	if err != nil {
		t.Fatal(err)
	}
	n.take(m.forge(qn, small, 2, v.Hash(), func(h map[string]any) { h["id"] = v.Header().ID }))
	if r := lastReceipt(t, n, m); r.Reason != envelope.RejectedFork {
		t.Errorf("the id again: %+v", r)
	}
}

func TestABrokenChainIsAlarmed(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	payload := payloadOf(t, draft(t, qn, "request", "", ""))
	first := m.forge(qn, payload, 1, envelope.Hash{})
	n.take(first)
	n.take(m.forge(qn, payload, 2, hashInside(t, n, first)))
	if up := n.alarms(); hasAlarm(up, "chain") {
		t.Fatalf("a good chain is alarmed: %v", up)
	}
	n.take(m.forge(qn, payload, 3, envelope.Hash{9}))
	if up := n.alarms(); !hasAlarm(up, "chain-broken 3") {
		t.Errorf("alarms: %v", up)
	}
}

func TestNumbersOutOfRangeAreRejected(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	payload := payloadOf(t, draft(t, qn, "request", "", ""))
	n.take(m.forge(qn, payload, maxAhead+1, envelope.Hash{1}))
	if r := lastReceipt(t, n, m); r.Outcome != envelope.Rejected || r.Reason != envelope.RejectedNumber {
		t.Errorf("far ahead: %+v", r)
	}
	// Who has seen what we never sent is asked to show it; one that cannot is not waited for.
	liar := m.forge(qn, payload, 1, envelope.Hash{}, func(h map[string]any) { h["seen"] = 7 })
	if err := n.accept(t.Context(), liar); !errors.Is(err, errWaits) {
		t.Errorf("has seen what was not: %v, want %v", err, errWaits)
	}
	if up := n.alarms(); !hasAlarm(up, "history-behind 7") {
		t.Errorf("alarms: %v", up)
	}
	n.chores()
	if out := n.outgoing(); len(out) != 1 || out[0].Kind != store.KindRecall {
		t.Errorf("the peer is not asked: %v", out)
	}
	w.clock.Advance(n.config.Timing.HoleAlarm)
	n.chores()
	n.take(liar)
	if r := lastReceipt(t, n, m); r.Outcome != envelope.Rejected || r.Reason != envelope.RejectedNumber {
		t.Errorf("with nothing to show for it: %+v", r)
	}
	n.take(m.forge(qn, payload, 1, envelope.Hash{}))
	if r := lastReceipt(t, n, m); r.Outcome != envelope.Stored {
		t.Errorf("an honest number afterwards: %+v", r)
	}
}

func TestWhatCannotBeAuthenticatedGetsNoAnswer(t *testing.T) {
	w := newWorld(t)
	m, n, p := w.desks[qm], w.desks[qn], w.desks[qp]
	request := m.send(draft(t, qp, "request", "", ""))
	wire := m.outgoing()[0].Wire
	// QP seals what QM wrote to it again, for QN.
	stolen, err := p.verify(wire)
	if err != nil {
		t.Fatal(err)
	}
	resealed := sealRaw(t, stolen.JWS(), w.scheme.Authority(qn), schemas.Route{From: qm, To: qn, Channel: "mla", ID: request.ID, Suite: 1})
	for name, bad := range map[string][]byte{
		string(envelope.Malformed):      []byte("not an envelope"),
		string(envelope.WrongRecipient): wire,
		string(envelope.HeaderMismatch): resealed,
	} {
		n.take(bad)
		if up := n.alarms(); !hasAlarm(up, "unreadable "+name) {
			t.Errorf("%s: alarms %v", name, up)
		}
	}
	if out := n.outgoing(); len(out) != 0 {
		t.Errorf("%d answers to bytes that nobody can be shown to have sent", len(out))
	}
	if cases, err := n.Cases(t.Context(), 0); err != nil || len(cases) != 0 {
		t.Errorf("%d cases, %v", len(cases), err)
	}
}

func TestAnExpiredMessageIsVoidedWithoutAHole(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	lost := m.send(draft(t, qn, "request", "", ""))
	m.outgoing() // the broker loses it
	w.clock.Advance(m.config.Timing.ValidFor + envelope.ClockSkew + time.Minute)
	w.renew(t)
	m.chores()
	if got := m.message(qm, lost.ID); got.State != store.Expired {
		t.Fatalf("after its time it is %s", got.State)
	}
	w.agree(t, lost.Case, "", qm)
	w.carry(t)
	if got := m.message(qm, lost.ID); got.State != store.Voided {
		t.Errorf("after the receipt of the void it is %s", got.State)
	}
	next := m.send(draft(t, qn, "request", "", ""))
	w.carry(t)
	w.agree(t, next.Case, "sent", qm, qn)
	w.agree(t, lost.Case, "", qm, qn)
	if up := append(n.transportAlarms(), m.transportAlarms()...); len(up) != 0 {
		t.Errorf("alarms: %v", up)
	}
	// The lost bytes turn up: they change nothing.
	n.take(lost.Wire)
	w.carry(t)
	w.agree(t, lost.Case, "", qm, qn)
}

func TestAVoidForWhatWasStoredIsAnsweredWithTheLostReceipt(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	request := m.send(draft(t, qn, "request", "", ""))
	n.take(m.outgoing()[0].Wire)
	n.outgoing() // the receipt is lost
	w.clock.Advance(m.config.Timing.ValidFor + envelope.ClockSkew + time.Minute)
	w.renew(t)
	m.chores()
	w.agree(t, request.Case, "", qm)
	w.carry(t)
	w.agree(t, request.Case, "sent", qm, qn)
	if got := m.message(qm, request.ID); got.State != store.Delivered {
		t.Errorf("it is %s", got.State)
	}
	if up := append(n.transportAlarms(), m.transportAlarms()...); len(up) != 0 {
		t.Errorf("alarms: %v", up)
	}

	// Asked for again, the void is not what is sent: the peer has signed for the message.
	if err := m.store.Update(t.Context(), func(tx *store.Tx) error { return m.sendAgain(tx, m.message(qm, request.ID)) }); err != nil {
		t.Fatal(err)
	}
	if again := m.outgoing(); len(again) != 0 {
		t.Errorf("%s is sent under the number of a message that was delivered", again[0].Kind)
	}
}

func TestExpiredOnArrivalIsRejectedToItsSender(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	request := m.send(draft(t, qn, "request", "", ""))
	wire := m.outgoing()[0].Wire
	w.clock.Advance(m.config.Timing.ValidFor + time.Minute)
	w.renew(t)
	n.take(wire)
	w.carry(t)
	if got := m.message(qm, request.ID); got.State != store.Rejected || got.Reason != string(envelope.RejectedExpired) {
		t.Errorf("it is %s %s", got.State, got.Reason)
	}
	w.agree(t, request.Case, "", qm, qn)
}

func TestAReceiptForOtherBytesIsNotBelieved(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	request := m.send(draft(t, qn, "request", "", ""))
	forged := envelope.StoredReceipt(envelope.Authentic{
		Header: envelope.Header{From: qm, To: qn, ID: request.ID, Seq: request.Seq}, Hash: envelope.Hash{1},
	}, m.now(), journal.Edge{})
	to, err := n.trust.View().EncryptionKey(qm, n.now())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := envelope.SealReceipt(envelope.Header{From: qn, To: qm, Channel: "mla", ID: schemas.NewMessageID(), SentAt: n.now()}, forged, n.signer(), to)
	if err != nil {
		t.Fatal(err)
	}
	m.take(sealed.Wire)
	if got := m.message(qm, request.ID); got.State != store.Sent {
		t.Errorf("it is %s", got.State)
	}
	if up := m.alarms(); !hasAlarm(up, "receipt-wrong 1") {
		t.Errorf("alarms: %v", up)
	}
}

func TestAPeerThatLostEverythingIsSentTheSameBytes(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	request := m.send(draft(t, qn, "request", "", ""))
	w.carry(t)
	restored := w.open(t, qn) // an empty store: the worst backup there is
	w.desks[qn] = restored
	m.send(draft(t, qn, "status-query", request.Case, ""))
	w.carry(t)
	w.clock.Advance(time.Minute)
	restored.chores()
	w.carry(t)
	w.agree(t, request.Case, "sent", qm, qn)
	if got := restored.message(qm, request.ID); got.JWSSHA256 != request.JWSSHA256 {
		t.Error("the bytes are not the same")
	}
}
