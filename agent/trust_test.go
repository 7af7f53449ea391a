package agent

import (
	"testing"
	"time"

	"comity/agent/store"
	"comity/pki"
	"comity/schemas"
)

// What proved a peer at a time is kept when the next documents take its place, each once.
func TestWhatWasKnownThenIsKept(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m := w.desks[qm]
	w.tell(t, qm, qn, 2)
	then := m.now()
	w.clock.Advance(time.Hour)
	w.renew(t)
	w.tell(t, qm, qn, 1)
	asOf := func(at time.Time, states ...schemas.StateCode) (d pki.Documents) {
		t.Helper()
		err := m.store.View(t.Context(), func(tx *store.Tx) (err error) {
			d, err = tx.TrustAsOf(at, states...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before, after := asOf(then, "QM", "QN"), asOf(m.now(), "QM", "QN")
	if len(before.TrustLists) != 1 || len(after.TrustLists) != 2 {
		t.Errorf("%d trust lists then, %d now", len(before.TrustLists), len(after.TrustLists))
	}
	for _, state := range []schemas.StateCode{"QM", "QN"} {
		if len(before.Entries[state]) == 0 || string(before.Entries[state]) == string(after.Entries[state]) || len(before.CRLs[state]) != 1 {
			t.Errorf("%s: entries of %d and %d bytes, %d revocation lists", state, len(before.Entries[state]), len(after.Entries[state]), len(before.CRLs[state]))
		}
	}
	if other := asOf(m.now(), "QP"); len(other.Entries["QP"]) != 0 {
		t.Error("documents of a State are kept with which nothing was exchanged")
	}
	if _, err := pki.AsOf(w.scheme.Pin, before, then.Add(time.Second)); err != nil {
		t.Errorf("what was known then: %v", err)
	}
}
