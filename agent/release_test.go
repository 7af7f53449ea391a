package agent

import (
	"slices"
	"testing"
	"time"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki"
	"comity/schemas"
)

func TestTicksAreMultiplesOfTheInterval(t *testing.T) {
	start := time.Date(2026, 11, 2, 9, 7, 30, 0, time.UTC)
	k := newTick(15*time.Minute, start)
	if want := 7*time.Minute + 30*time.Second; k.wait(start) != want {
		t.Errorf("waits %s, want %s", k.wait(start), want)
	}
	for _, step := range []struct {
		at    time.Duration
		woken bool
		due   bool
	}{
		{time.Minute, true, false}, // an approval does not make a tick
		{7*time.Minute + 30*time.Second, false, true},
		{7*time.Minute + 31*time.Second, false, false},
		{67 * time.Minute, false, true}, // a machine that slept makes up one tick, not four
		{67*time.Minute + time.Second, true, false},
	} {
		if got := k.due(start.Add(step.at), step.woken); got != step.due {
			t.Errorf("at +%s, woken %v: due %v, want %v", step.at, step.woken, got, step.due)
		}
	}
	none := newTick(0, start)
	if none.due(start, false) || !none.due(start, true) {
		t.Error("without an interval each wake is a tick, and nothing else is")
	}
}

// A desk whose copy of the public documents has run out cannot judge a route: it neither takes nor rejects.
func TestAStaleDirectoryRejectsNobody(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	m.send(draft(t, qn, "request", "", ""))
	wire := m.outgoing()[0].Wire
	w.clock.Advance(31 * 24 * time.Hour) // entries run 30 days, and so does the message: look at it as of its last minute
	late := m.forge(qn, payloadOf(t, draft(t, qn, "request", "", "")), 2, hashOf(t, m, wire))
	if err := n.accept(t.Context(), late); err == nil {
		t.Fatal("a message was taken by a directory that has expired")
	}
	if out := n.outgoing(); len(out) != 0 {
		t.Errorf("%d answers, though nothing could be judged", len(out))
	}
	w.renew(t)
	if err := n.accept(t.Context(), late); err != nil {
		t.Errorf("with fresh documents: %v", err)
	}
}

func hashOf(t *testing.T, d *desk, wire []byte) envelope.Hash {
	t.Helper()
	outer, err := envelope.Parse(wire)
	if err != nil {
		t.Fatal(err)
	}
	return envelope.Hash(d.message(d.me, outer.Route().ID).JWSSHA256)
}

// How long a decision takes must show in no number: when the first message of a tick is sealed, all were decided on.
func TestAllThatWaitsIsDecidedOnBeforeAnythingIsSealed(t *testing.T) {
	w := newWorldOf(t, qm, qn, qp)
	m := w.desks[qm]
	held, free := m.write(draft(t, qp, "request", "", "")), m.write(draft(t, qn, "request", "", ""))
	w.scheme.EditTrustList(t, func(list *pki.TrustList) {
		list.Agreements = slices.DeleteFunc(list.Agreements, func(a pki.Agreement) bool { return slices.Contains(a.Parties, "QP") })
	})
	w.publish(t)
	asked := 0
	m.order = func(leave []*store.Message) {
		if asked++; asked != 2 {
			return // the first time it is in which order to decide
		}
		if len(leave) != 1 || leave[0].ID != free.ID {
			t.Errorf("%d messages may leave, want the one for QN", len(leave))
		}
		if a, b := m.message(qm, held.ID).State, m.message(qm, free.ID).State; a != store.UnderReview || b != store.Approved {
			t.Errorf("before anything is sealed, one is %s and the other %s", a, b)
		}
	}
	m.releaseAll(t.Context(), schemas.Urgent, anyMessage)
	if got := m.message(qm, free.ID).State; asked != 2 || got != store.Sent {
		t.Errorf("asked %d times for an order; what was free is %s", asked, got)
	}
}

// What cannot be sealed stays approved and is tried again: nothing is lost, and an officer is told.
func TestWhatCannotBeSealedWaits(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	waiting := m.write(draft(t, qn, "request", "", ""))
	certificates := w.scheme.Authority(qn).Encryption.Certificate
	w.scheme.Revoke(t, "QN", certificates, pki.CRLKeyCompromise)
	w.publish(t)
	if err := m.releaseOne(t.Context(), m.message(qm, waiting.ID)); err == nil {
		t.Fatal("sealed to a revoked key")
	}
	got := m.message(qm, waiting.ID)
	if got.State != store.Approved || got.Seq != 0 {
		t.Errorf("it is %s with number %d", got.State, got.Seq)
	}
	if up := m.alarms(); !hasAlarm(up, "cannot-seal "+string(waiting.ID)) {
		t.Errorf("alarms: %v", up)
	}
}

func TestHealthTellsAWrongClock(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	clock := func() bool {
		h, err := m.Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range h.Checks {
			if c.Name == "clock" {
				return c.OK
			}
		}
		t.Fatal("no check of the clock")
		return false
	}
	if !clock() {
		t.Error("a good clock is called wrong")
	}
	w.clock.Advance(-time.Hour) // now before the trust list was signed
	if clock() {
		t.Error("a clock before the trust list was signed is called good")
	}
	w.clock.Advance(time.Hour)
	m.compared.Store(true)
	m.brokerAhead.Store(int64(-6 * time.Minute))
	if clock() {
		t.Error("six minutes off the broker's clock is called good")
	}
}
