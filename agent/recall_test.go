package agent

import (
	"maps"
	"slices"
	"testing"
	"time"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/schemas"
)

// correspond is what two desks write to each other, so that there is something to lose.
func (b *hostileBroker) correspond(one, other *desk, messages int) {
	b.t.Helper()
	for i := range messages {
		from, to := one, other
		if i%2 == 1 {
			from, to = other, one
		}
		from.send(draft(b.t, to.me, "request", "", ""))
	}
	b.pass(time.Minute)
}

// receipts are those that a desk holds or gave, by message.
func (d *desk) receipts(peer schemas.AuthorityID) map[schemas.MessageID]string {
	found := map[schemas.MessageID]string{}
	for _, direction := range []store.Direction{store.Out, store.In} {
		for id, m := range d.between(direction, peer) {
			found[id] = string(m.Receipt)
		}
	}
	return found
}

// wantSoundJournal has a desk's evidence verified.
func (d *desk) wantSoundJournal() {
	d.t.Helper()
	report, err := d.VerifyJournal(d.t.Context(), nil)
	if err != nil || len(report.Defects) > 0 {
		d.t.Errorf("the journal of %s: %v %+v", d.me, err, report.Defects)
	}
}

// A desk that was restored from a backup has everything again that came after it: what it sent and what it received, in the
// same bytes and with the same receipts, though all of it has expired; and it goes on with the next number.
func TestARestoredDeskRecallsWhatCameAfter(t *testing.T) {
	inMemory(t)
	b := newHostileBroker(t, mischief{}, qnBorder, qpBorder)
	m, n, p := b.desks[qm], b.desks[qn], b.desks[qp]
	key := ageKey(t)
	b.correspond(m, n, 4)
	early := m.write(draft(t, qn, "request", "", "")) // approved, and sent only after the backup
	backup := m.backedUp(key)

	m.seal(early.ID)
	b.correspond(m, n, 30) // more than one standing lists
	b.correspond(m, p, 2)  // whom the backup has never met
	request := m.send(draft(t, qn, "request", "", ""))
	b.pass(time.Minute)
	n.send(draft(t, qm, "acknowledgement", request.Case, ""))
	b.pass(time.Minute)
	before := map[schemas.AuthorityID]map[schemas.MessageID]string{qn: m.receipts(qn), qp: m.receipts(qp)}
	theirs := n.receipts(qm)

	b.clock.Advance(m.config.Timing.ValidFor + 24*time.Hour) // nothing of it is valid any more
	b.renew(t)
	restored := m.restoreTo(m.elsewhere(), backup, key)
	if says := doctorSays(t, restored, "history"); says == "" {
		t.Error("doctor does not say that the database is an old one")
	} else {
		t.Log(says)
	}
	b.renew(t)
	waits := restored.write(draft(t, qn, "request", "", "")) // by somebody who does not wait
	restored.seal(waits.ID)
	if got := restored.message(qm, waits.ID); got.State != store.Approved || got.Seq != 0 {
		t.Errorf("before the peer has answered the message is %s, number %d", got.State, got.Seq)
	}
	b.pass(2 * time.Hour)

	for peer, want := range before {
		got := restored.receipts(peer)
		for id, receipt := range want {
			if got[id] != receipt {
				t.Errorf("message %s with %s is lost, or has another receipt", id, peer)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d messages with %s, had %d", len(got), peer, len(want))
		}
	}
	if now := n.receipts(qm); !maps.Equal(now, theirs) {
		t.Error("the peer's receipts have changed")
	}
	b.wantEqual(t, qm, qn)
	b.wantEqual(t, qm, qp)
	if got := restored.message(qm, early.ID); got.State != store.Delivered || got.ApprovedBy == "" {
		t.Errorf("what was approved before the backup is %s, approved by %q", got.State, got.ApprovedBy)
	}
	for _, d := range []*desk{restored, n, p} {
		d.wantSoundJournal()
	}
	if says := doctorSays(t, restored, "history"); says != "" {
		t.Errorf("doctor still says %q", says)
	}
	if up := append(restored.transportAlarms(), n.transportAlarms()...); len(up) > 0 {
		t.Errorf("alarms afterwards: %v", up)
	}
	if _, noticed := b.named(); !slices.Contains(noticed, "QN/justice peer-restored") {
		t.Errorf("the peer noticed %v", noticed)
	}
	restored.seal(waits.ID)
	b.pass(time.Hour)
	if got := restored.message(qm, waits.ID); got.State != store.Delivered {
		t.Errorf("what waited is %s", got.State)
	}
	b.wantEqual(t, qm, qn)

	// And once more: what was compared the first time says nothing of the second.
	backup = restored.backedUp(key)
	b.correspond(restored, n, 4)
	again := restored.restoreTo(restored.elsewhere(), backup, key)
	b.renew(t)
	b.pass(time.Hour)
	again.send(draft(t, qn, "request", "", ""))
	b.pass(time.Hour)
	b.wantEqual(t, qm, qn)
	again.wantSoundJournal()
}

// Numbers of ours that nobody has, because they were lost on their way as well, are closed, and the chain goes on.
func TestARestoredDeskClosesNumbersThatNobodyHas(t *testing.T) {
	inMemory(t)
	loses := false
	b := newHostileBroker(t, mischief{carry: func(_ *hostileBroker, d delivery) []delivery { return when(!loses || d.from != qm, d) }}, qnBorder, qpBorder)
	m, n := b.desks[qm], b.desks[qn]
	key := ageKey(t)
	b.correspond(m, n, 2)
	backup := m.backedUp(key)
	loses = true
	m.send(draft(t, qn, "request", "", ""))
	m.send(draft(t, qn, "request", "", ""))
	b.take(m)
	loses = false
	last := m.send(draft(t, qn, "request", "", ""))
	b.take(m)
	b.deliver()
	restored := m.restoreTo(m.elsewhere(), backup, key)
	b.renew(t)
	b.pass(3 * time.Hour)
	if got := restored.message(qm, last.ID); got.State != store.Delivered || got.Seq != last.Seq {
		t.Errorf("the last number is %d, %s", got.Seq, got.State)
	}
	for seq := last.Seq - 2; seq < last.Seq; seq++ {
		if got := restored.byNumber(qm, seq); got.State != store.Voided {
			t.Errorf("number %d is %s", seq, got.State)
		}
	}
	next := restored.send(draft(t, qn, "request", "", ""))
	b.pass(time.Hour)
	if got := restored.message(qm, next.ID); got.State != store.Delivered || got.Seq != last.Seq+1 {
		t.Errorf("the next is number %d, %s", got.Seq, got.State)
	}
	b.wantQuiet(t, qm, qn)
	restored.wantSoundJournal()
	n.wantSoundJournal()
	if up := n.transportAlarms(); len(up) > 0 {
		t.Errorf("alarms of the peer: %v", up)
	}
}

// A file that was put back by other means says nothing of itself. A peer that goes on shows it, and our own signature on
// what it gives back proves it: then every peer is asked.
func TestAFileThatWasPutBackIsFoundOut(t *testing.T) {
	inMemory(t)
	b := newHostileBroker(t, mischief{}, qnBorder, qpBorder)
	m, n := b.desks[qm], b.desks[qn]
	b.correspond(m, n, 4)
	content := m.backUp(t)
	b.correspond(m, n, 6)
	b.correspond(m, b.desks[qp], 2)
	before := m.receipts(qn)
	m.restore(t, content)
	if up := m.transportAlarms(); len(up) > 0 {
		t.Errorf("alarms at once: %v", up)
	}
	n.send(draft(t, qm, "request", "", "")) // which has seen more than we ever sent
	b.pass(2 * time.Hour)
	alarms, _ := m.names()
	for _, want := range []string{"QM/justice history-behind", "QM/justice restored"} {
		if !slices.Contains(alarms, want) {
			t.Errorf("alarms: %v, want %q among it", alarms, want)
		}
	}
	got := m.receipts(qn)
	for id, receipt := range before {
		if got[id] != receipt {
			t.Errorf("message %s is lost, or has another receipt", id)
		}
	}
	b.wantEqual(t, qm, qn)
	b.wantEqual(t, qm, qp)
	m.wantSoundJournal()
	n.wantSoundJournal()
	if up := append(m.transportAlarms(), n.transportAlarms()...); len(up) > 0 {
		t.Errorf("alarms afterwards: %v", up)
	}
}

// What comes back is believed for our own signature alone, and only while it is asked for.
func TestNobodyGivesBackWhatWeNeverSigned(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	sent := m.send(draft(t, qn, "request", "", ""))
	w.carry(t)
	// A copy of our own message comes back though nothing was lost.
	wire := sealRaw(t, sent.JWS, w.scheme.Authority(qm), schemas.Route{From: qn, To: qm, Channel: "mla", ID: schemas.NewMessageID(), Suite: 1})
	m.take(wire)
	if up := m.alarms(); !hasAlarm(up, "unreadable header-mismatch") {
		t.Errorf("alarms: %v", up)
	}
	// While the desk asks, QN hands it a message of its own making in QM's name.
	if err := m.store.Update(t.Context(), func(tx *store.Tx) error { return m.beginRecall(tx, qn, "mla", store.WhyRestored) }); err != nil {
		t.Fatal(err)
	}
	forged := n.forge(qm, payloadOf(t, draft(t, qm, "request", "", "")), 1, envelope.Hash{})
	if err := m.accept(t.Context(), forged); err == nil {
		t.Error("a message of the peer's was taken before it has said what it has")
	}
	if got := m.between(store.Out, qn); len(got) != 1 {
		t.Errorf("%d messages of ours, want the one", len(got))
	}
}
