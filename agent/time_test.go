package agent

import (
	"crypto"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki"
	"comity/pki/ca"
	"comity/pki/keyfile"
	"comity/schemas"
)

// Faults of time: clocks that are wrong by hours, and documents that end while messages are under way. Each is named to a
// person, and in the end both sides hold the same.

// off sets a desk's clock wrong; the zero duration sets it right.
func (d *desk) off(by time.Duration) { d.now = func() time.Time { return d.w.clock.Now().Add(by) } }

func TestClocksThatAreWrongByHours(t *testing.T) {
	inMemory(t)
	const hours = 3 * time.Hour
	var table namedFaults
	defer table.print(t)
	for _, fault := range []struct {
		name    string
		who     schemas.AuthorityID
		by      time.Duration
		refused bool     // what was sent meanwhile is rejected with a reason, and its author writes it again
		names   []string // at whom
	}{
		{"the sender's is ahead", qm, hours, true, []string{"QM/justice doctor clock", "QM/justice rejected not-yet-valid"}},
		{"the sender's is behind", qm, -hours, false, []string{"QM/justice doctor clock", "QM/justice unreadable not-yet-valid", "QM/justice receipt-late"}},
		{"the recipient's is ahead", qn, hours, false, []string{"QN/justice doctor clock", "QM/justice unreadable not-yet-valid", "QM/justice receipt-late"}},
		{"the recipient's is behind", qn, -hours, true, []string{"QN/justice doctor clock", "QM/justice rejected not-yet-valid"}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			b := newHostileBroker(t, mischief{})
			b.clock.Advance(24 * time.Hour) // certificates are not as new as that
			b.feed(t)
			m := b.desks[qm]
			b.desks[fault.who].off(fault.by)
			sent := m.send(draft(t, qn, "request", "", ""))
			b.pass(10 * time.Minute)
			found := b.found()
			b.pass(5 * time.Hour)
			found = append(found, b.found()...)
			table.add(fault.name+" by three hours", distinct(found)...)
			for _, want := range fault.names {
				if !slices.Contains(found, want) {
					t.Errorf("named %q, want %q among it", found, want)
				}
			}
			b.desks[fault.who].off(0)
			if fault.refused {
				if got := m.message(qm, sent.ID); got.State != store.Rejected || got.Reason != string(envelope.RejectedEarly) {
					t.Errorf("it is %s %s", got.State, got.Reason)
				}
				sent = m.send(draft(t, qn, "request", "", "")) // the officer writes it again
				b.pass(time.Hour)
			}
			b.agree(t, sent.Case, "sent", qm, qn)
			if got := m.message(qm, sent.ID); got.State != store.Delivered {
				t.Errorf("with the clock right it is %s", got.State)
			}
			b.wantQuiet(t, qm, qn)
		})
	}
}

// found is all that any desk calls by a name now: alarms, notices, doctor's clock and rejections.
func (b *hostileBroker) found() []string {
	b.t.Helper()
	alarms, noticed := b.named()
	for _, id := range b.ids() {
		for _, m := range b.desks[id].between(store.Out, qn) {
			if m.State == store.Rejected {
				noticed = append(noticed, fmt.Sprintf("%s rejected %s", id, m.Reason))
			}
		}
	}
	return append(alarms, noticed...)
}

// wantQuiet demands that both outboxes are empty and that no number is missing.
func (w *world) wantQuiet(t *testing.T, sides ...schemas.AuthorityID) {
	t.Helper()
	for _, side := range sides {
		d := w.desks[side]
		if depth := outboxDepth(t, d); depth != 0 {
			t.Errorf("the outbox of %s holds %d rows", side, depth)
		}
		err := d.store.View(t.Context(), func(tx *store.Tx) error {
			holes, err := tx.Holes(10)
			if len(holes) > 0 {
				t.Errorf("%s misses %v", side, holes)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// newSigning gives a desk another signing key, whose certificate ends at a time, and publishes it in place of the old one.
func (d *desk) newSigning(ends time.Time) {
	d.t.Helper()
	key, err := keyfile.Generate()
	if err != nil {
		d.t.Fatal(err)
	}
	state := d.me.State()
	prepared, err := d.w.scheme.CA(state).Prepare(ca.Request{Authority: d.me, Usage: pki.UsageSigning, Public: &key.PublicKey, NotAfter: ends})
	if err != nil {
		d.t.Fatal(err)
	}
	certificate, err := d.w.scheme.CA(state).Issue(prepared)
	if err != nil {
		d.t.Fatal(err)
	}
	d.identity.Signing, d.identity.SigningCertificate = crypto.Signer(key), certificate
	d.w.scheme.EditEntry(d.t, state, func(rows []pki.Authority) {
		for i := range rows {
			if rows[i].ID == d.me {
				rows[i].Certificates.Signing = append(rows[i].Certificates.Signing, certificate.Raw)
			}
		}
	})
	d.w.publish(d.t)
}

// A message whose signer's certificate ended while it was under way proves nothing any more: nobody can tell when it was
// signed. Its sender is warned, gets a new certificate, closes the number with it, and writes again.
func TestACertificateThatEndsUnderWay(t *testing.T) {
	inMemory(t)
	away := 20 * time.Minute
	b := newHostileBroker(t, mischief{carry: func(_ *hostileBroker, d delivery) []delivery {
		d.at = d.at.Add(away)
		return []delivery{d}
	}})
	m, n := b.desks[qm], b.desks[qn]
	m.config.Timing.ValidFor = 24 * time.Hour
	m.newSigning(b.clock.Now().Add(10 * time.Minute))
	sent := m.send(draft(t, qn, "request", "", ""))
	b.pass(2 * time.Hour)
	if up := n.alarms(); !hasAlarm(up, "unreadable unknown-signer") {
		t.Errorf("alarms of the recipient: %v", up)
	}
	var table namedFaults
	table.add("a certificate that ends under way, at its sender", m.alarms()...)
	table.add("a certificate that ends under way, at its recipient", n.alarms()...)
	table.print(t)
	if up := m.alarms(); !hasAlarm(up, "receipt-late "+string(sent.ID)) || !hasAlarm(up, "expires-soon signing-certificate") {
		t.Errorf("alarms of the sender: %v", up)
	}
	if says := doctorSays(t, m, "signing certificate"); !strings.Contains(says, "expired") || !strings.Contains(says, "1 h 50 min ago") {
		t.Errorf("doctor says %q", says)
	}
	away = 0
	m.newSigning(b.clock.Now().AddDate(0, 6, 0))
	b.pass(26 * time.Hour)
	if got := m.message(qm, sent.ID); got.State != store.Voided {
		t.Errorf("it is %s", got.State)
	}
	b.feed(t)
	again := m.send(draft(t, qn, "request", "", ""))
	b.pass(time.Hour)
	b.agree(t, again.Case, "sent", qm, qn)
	b.wantQuiet(t, qm, qn)
	if up := append(m.transportAlarms(), n.transportAlarms()...); hasAlarm(up, "receipt-late") || hasAlarm(up, "hole") || hasAlarm(up, "expires-soon") {
		t.Errorf("alarms that should have ended: %v", up)
	}
}

// When the trust list ends, nobody can be proved. Nothing is lost and nothing stops silently: what is approved waits here,
// what was sent waits at the broker, and doctor counts down and up.
func TestATrustListThatEnds(t *testing.T) {
	inMemory(t)
	b := newHostileBroker(t, mischief{})
	m, n := b.desks[qm], b.desks[qn]
	ends := b.scheme.List().ExpiresAt
	b.clock.Advance(ends.Sub(b.clock.Now()) - 3*24*time.Hour - time.Hour)
	renewEntries(t, b.world)
	m.chores()
	if says := doctorSays(t, m, "trust list"); !strings.Contains(says, "in 3 d 1 h") {
		t.Errorf("three days before doctor says %q", says)
	}
	if up := m.alarms(); !hasAlarm(up, "expires-soon trust-list") {
		t.Errorf("alarms three days before: %v", up)
	}
	underWay := m.send(draft(t, qn, "request", "", ""))
	b.take(m) // the broker has it
	b.clock.Advance(3*24*time.Hour + 2*time.Hour)
	renewEntries(t, b.world)
	b.settle()
	if got := m.message(qm, underWay.ID); got.State != store.Sent || len(b.held) == 0 {
		t.Errorf("what is under way is %s, the broker holds %d", got.State, len(b.held))
	}
	waits := m.write(draft(t, qn, "request", "", ""))
	_ = m.releaseOne(t.Context(), m.message(qm, waits.ID)) // it cannot
	if got := m.message(qm, waits.ID); got.State != store.Approved {
		t.Errorf("what was approved is %s", got.State)
	}
	if says := doctorSays(t, m, "trust list"); !strings.Contains(says, "1 h 0 min ago") || !strings.Contains(says, "everything waits") {
		t.Errorf("an hour after doctor says %q", says)
	}
	var table namedFaults
	table.add("a trust list that has ended", append(m.transportAlarms(), "doctor trust list: "+doctorSays(t, m, "trust list"))...)
	table.print(t)
	b.renew(t)
	m.seal(waits.ID)
	b.pass(time.Hour)
	for _, id := range []schemas.MessageID{underWay.ID, waits.ID} {
		if got := m.message(qm, id); got.State != store.Delivered {
			t.Errorf("with a new list message %s is %s", id, got.State)
		}
	}
	b.wantEqual(t, qm, qn)
	if up := append(m.transportAlarms(), n.transportAlarms()...); len(up) > 0 {
		t.Errorf("alarms with a new list: %v", up)
	}
}

// renewEntries publishes what States publish, and not the trust list.
func renewEntries(t *testing.T, w *world) {
	t.Helper()
	for _, state := range []schemas.StateCode{"QM", "QN", "QP"} {
		w.scheme.EditEntry(t, state, func([]pki.Authority) {})
	}
	if err := w.scheme.Publish(w.published); err != nil {
		t.Fatal(err)
	}
	for _, d := range w.desks {
		if err := d.refreshTrust(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.feed(t)
}

func doctorSays(t *testing.T, d *desk, name string) string {
	t.Helper()
	h, err := d.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range h.Checks {
		if check.Name == name {
			return check.Detail + " | " + check.Hint
		}
	}
	return ""
}
