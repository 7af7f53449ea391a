package agent

import (
	"slices"
	"testing"

	"comity/agent/store"
	"comity/schemas"
)

// leaves are the hashes of a log, sorted: the two sides write the same ones, each in the order in which it saw them.
func (d *desk) leaves(log schemas.AuthorityID) (sorted []store.Hash) {
	d.t.Helper()
	err := d.store.View(d.t.Context(), func(tx *store.Tx) (err error) {
		sorted, err = tx.Leaves(log)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	slices.SortFunc(sorted, func(a, b store.Hash) int { return slices.Compare(a[:], b[:]) })
	return sorted
}

// Each commit leaves its evidence: in the log of a pair what both sides hold, in the home log what no peer ever sees.
func TestEveryStepLeavesItsEvidence(t *testing.T) {
	w := newWorld(t)
	m, n, p := w.desks[qm], w.desks[qn], w.desks[qp]
	home := len(m.leaves(store.HomeLog))
	written := m.write(draft(t, qn, "request", "", ""))
	if got := len(m.leaves(store.HomeLog)) - home; got != 2 { // drafted, approved
		t.Errorf("%d leaves at home of a draft and its approval, want 2", got)
	}
	if got := len(m.leaves(qn)); got != 0 {
		t.Errorf("%d leaves in the pair's log before anything is sealed", got)
	}
	m.seal(written.ID)
	if got := len(m.leaves(qn)); got != 1 {
		t.Errorf("%d leaves of a sealed message, want 1", got)
	}
	w.carry(t)
	n.send(draft(t, qm, "acknowledgement", written.Case, ""))
	w.carry(t)
	here, there := m.leaves(qn), n.leaves(qm)
	if len(here) != 4 || !slices.Equal(here, there) { // two messages, two receipts
		t.Errorf("%d leaves here and %d there, want the same 4", len(here), len(there))
	}
	if got := len(p.leaves(qm)) + len(p.leaves(qn)); got != 0 {
		t.Errorf("a third authority has %d leaves of it", got)
	}
	if got := len(m.leaves(store.HomeLog)) - home; got != 3 { // and taken by the broker
		t.Errorf("%d leaves at home, want 3", got)
	}
}
