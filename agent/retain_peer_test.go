package agent

import (
	"testing"
	"time"

	"comity/agent/envelope"
	"comity/agent/retention"
	"comity/agent/store"
	"comity/schemas"
)

// withdrawn is a case that QM opens with QN and withdraws.
func (b *hostileBroker) withdrawn() schemas.CaseID {
	b.t.Helper()
	m, n := b.desks[qm], b.desks[qn]
	request := m.send(draft(b.t, qn, "request", "", ""))
	b.pass(time.Minute)
	withdrawal := m.send(draft(b.t, qn, "withdrawal", request.Case, "", accepting("withdrawal")))
	b.pass(time.Minute)
	n.send(draft(b.t, qm, "withdrawal-confirmation", request.Case, withdrawal.ID))
	b.pass(time.Minute)
	return request.Case
}

// A desk that was restored from a backup asks for what came after; the peer has erased some of it meanwhile. It is told which
// numbers there were, with their hashes and receipts; what is gone does not come back, and nothing stands still for it.
func TestARestoredDeskIsToldOfWhatItsPeerErased(t *testing.T) {
	inMemory(t)
	b := newHostileBroker(t, mischief{}, qnBorder, qpBorder)
	m, n := b.desks[qm], b.desks[qn]
	n.keeps(t, retention.File{MLA: "24h", Confirm: "automatic"})
	key := ageKey(t)
	b.correspond(m, n, 2)
	backup := m.backedUp(key)
	id := b.withdrawn()
	sent, received := m.between(store.Out, qn), m.between(store.In, qn)
	b.clock.Advance(48 * time.Hour)
	b.renew(t)
	if err := n.retainOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err := n.Case(t.Context(), string(id)); err != nil || c.ErasedAt.IsZero() {
		t.Fatalf("%v %+v", err, c)
	}
	restored := m.restoreTo(m.elsewhere(), backup, key)
	b.renew(t)
	b.pass(3 * time.Hour)
	nowSent, nowReceived := restored.between(store.Out, qn), restored.between(store.In, qn)
	for mid, was := range sent {
		got := nowSent[mid]
		if got == nil || got.JWSSHA256 != was.JWSSHA256 || string(got.Receipt) != string(was.Receipt) {
			t.Errorf("our message %s, number %d: %+v", mid, was.Seq, got)
		}
	}
	t.Logf("of %d received %d are here; history says %q; alarms %v", len(received), len(nowReceived), doctorSays(t, restored, "history"), restored.transportAlarms())
	if says := doctorSays(t, restored, "history"); says != "" {
		t.Errorf("the comparison does not end: %s", says)
	}
	restored.wantSoundJournal()
	n.wantSoundJournal()
	// Both go on.
	for _, way := range [][2]*desk{{restored, n}, {n, restored}} {
		next := way[0].send(draft(t, way[1].me, "request", "", ""))
		b.pass(time.Hour)
		if got := way[0].message(way[0].me, next.ID); got.State != store.Delivered {
			t.Errorf("the next message of %s is %s", way[0].me, got.State)
		}
	}
	restored.wantSoundJournal()
	n.wantSoundJournal()
}

// A peer that asks again for what was erased gets no answer, as for a false hit at a border: its own signed receipt is what is
// left. That does not depend on what the case was about.
func TestNothingErasedIsSentAgain(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m := w.desks[qm]
	m.keeps(t, retention.File{MLA: "24h", Confirm: "automatic"})
	id := w.acceptedCase(t)
	w.endCase(t, id)
	kept := m.send(draft(t, qn, "request", "", ""))
	w.carry(t)
	w.later(t, 48*time.Hour)
	if err := m.retainOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask := envelope.Resend{First: 1, Last: kept.Seq}
	to, err := m.trust.View().EncryptionKey(qm, m.now())
	if err != nil {
		t.Fatal(err)
	}
	n := w.desks[qn]
	sealed, err := envelope.SealResend(envelope.Header{From: qn, To: qm, Channel: "mla", ID: schemas.NewMessageID(), SentAt: n.now()}, ask, n.signer(), to)
	if err != nil {
		t.Fatal(err)
	}
	m.take(sealed.Wire)
	var again []schemas.MessageID
	for _, p := range m.outgoing() {
		again = append(again, p.ID)
	}
	if len(again) != 1 || again[0] != kept.ID {
		t.Errorf("sent again: %v, want %s alone", again, kept.ID)
	}
	if up := m.alarms(); len(up) > 0 {
		t.Errorf("alarms: %v", up)
	}
}
