package agent

import (
	"testing"

	"comity/agent/store"
	"comity/pki/journal"
	"comity/schemas"
)

// logAt is a desk's copy of a log.
func (d *desk) logAt(origin journal.Origin) (c journal.Checkpoint) {
	d.t.Helper()
	err := d.store.View(d.t.Context(), func(tx *store.Tx) error {
		edge, err := tx.Edge(origin)
		c = edge.Checkpoint(origin)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// sameLogs holds the two copies of both logs of a pair against each other, and their sizes against what is wanted.
func (w *world) sameLogs(t *testing.T, a, b schemas.AuthorityID, sent, received int64) {
	t.Helper()
	for origin, want := range map[journal.Origin]int64{journal.Between(a, b): sent, journal.Between(b, a): received} {
		here, there := w.desks[a].logAt(origin), w.desks[b].logAt(origin)
		if here != there || here.Size != want {
			t.Errorf("%s: %d leaves here and %d there, want %d; hashes %s, %s", origin, here.Size, there.Size, want, here.Root, there.Root)
		}
	}
}

// Each commit leaves its evidence: in the log of a direction the number that both sides have, and in the home log, which no
// peer ever sees, all the rest.
func TestEveryStepLeavesItsEvidence(t *testing.T) {
	w := newWorld(t)
	m, n, p := w.desks[qm], w.desks[qn], w.desks[qp]
	home := m.logAt(journal.Home(qm)).Size
	grown := func(what string, by int64) {
		t.Helper()
		now := m.logAt(journal.Home(qm)).Size
		if now-home != by {
			t.Errorf("%d leaves at home of %s, want %d", now-home, what, by)
		}
		home = now
	}
	written := m.write(draft(t, qn, "request", "", ""))
	grown("a draft and its approval", 2)
	w.sameLogs(t, qm, qn, 0, 0)
	m.seal(written.ID)
	grown("a sealed message", 1)
	if got := m.logAt(journal.Between(qm, qn)).Size; got != 1 {
		t.Errorf("%d numbers of a sealed message, want 1", got)
	}
	w.carry(t)
	grown("the broker's acceptance and the receipt", 2)
	w.sameLogs(t, qm, qn, 1, 0)
	n.send(draft(t, qm, "acknowledgement", written.Case, ""))
	w.carry(t)
	grown("a message and our receipt for it", 2)
	w.sameLogs(t, qm, qn, 1, 1)
	for _, other := range []schemas.AuthorityID{qm, qn} {
		if got := p.logAt(journal.Between(other, qp)).Size + p.logAt(journal.Between(qp, other)).Size; got != 0 {
			t.Errorf("a third authority has %d leaves with %s", got, other)
		}
	}
}
