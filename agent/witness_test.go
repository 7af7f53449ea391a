package agent

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki/journal"
	"comity/schemas"
)

// tell sends n numbers from one desk to another, with all that follows. The first opens a case, the rest ask how it stands.
func (w *world) tell(t *testing.T, from, to schemas.AuthorityID, n int) (sent []*store.Message) {
	t.Helper()
	for i := range n {
		if i == 0 {
			sent = append(sent, w.desks[from].send(draft(t, to, "request", "", "")))
		} else {
			sent = append(sent, w.desks[from].send(draft(t, to, "status-query", sent[0].Case, "")))
		}
		w.carry(t)
		w.clock.Advance(time.Second)
	}
	return sent
}

// signReceipt is a desk's signed word about a number of a peer's, with whatever checkpoint.
func (d *desk) signReceipt(about *store.Message, c journal.Checkpoint, at time.Time) []byte {
	d.t.Helper()
	to, err := d.trust.View().EncryptionKey(about.Sender, d.now())
	if err != nil {
		d.t.Fatal(err)
	}
	header := envelope.Header{From: d.me, To: about.Sender, Channel: about.Channel, ID: schemas.NewMessageID(), SentAt: at}
	sealed, err := envelope.SealReceipt(header, envelope.Receipt{
		ID: about.ID, Seq: about.Seq, JWS: envelope.Hash(about.JWSSHA256), Outcome: envelope.Stored, StoredAt: at.UTC().Truncate(time.Second), Checkpoint: c,
	}, d.signer(), to)
	if err != nil {
		d.t.Fatal(err)
	}
	return sealed.Wire
}

// was is what a desk's copy of a log was at a size.
func (d *desk) was(origin journal.Origin, size int64) (c journal.Checkpoint) {
	d.t.Helper()
	err := d.store.View(d.t.Context(), func(tx *store.Tx) (err error) {
		c, err = tx.LogCheckpoint(origin, size)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

func (d *desk) witnesses() (found []string) {
	d.t.Helper()
	err := d.store.View(d.t.Context(), func(tx *store.Tx) error {
		all, err := tx.Witnesses()
		for _, w := range all {
			found = append(found, strings.TrimSpace(string(w.Peer)+" "+w.Finding))
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}

// What a peer's receipt says of the history that both sides share is compared at once, and what does not fit has a name.
func TestAReceiptThatKnowsAnotherHistory(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	sent := w.tell(t, qm, qn, 3)
	before := m.backUp(t)
	log := journal.Between(qm, qn)
	forged := func(size int64) journal.Checkpoint {
		c := m.was(log, size)
		c.Root[0] ^= 1
		return c
	}
	for _, test := range []struct {
		name  string
		wire  func() []byte
		alarm string
	}{
		{"the same", func() []byte {
			return n.signReceipt(sent[2], m.was(log, 3), n.now())
		}, ""},
		{"an earlier one, made earlier", func() []byte {
			return n.signReceipt(sent[1], m.was(log, 1), n.now().Add(-10*time.Second))
		}, ""},
		{"an earlier one, made later", func() []byte {
			return n.signReceipt(sent[2], m.was(log, 2), n.now())
		}, "peer-history-shrunk 3"},
		{"none at all, made later", func() []byte {
			return n.signReceipt(sent[2], journal.Edge{}.Checkpoint(log), n.now())
		}, "peer-history-shrunk 3"},
		{"another one where it has signed ours", func() []byte {
			return n.signReceipt(sent[2], forged(3), n.now())
		}, "peer-history-rewritten 3"},
		{"another beginning", func() []byte {
			return n.signReceipt(sent[2], forged(1), n.now())
		}, "peer-history-rewritten 1"},
		{"another one, with its receipt for our number", func() []byte {
			next := m.send(draft(m.t, qn, "status-query", sent[0].Case, ""))
			return n.signReceipt(next, forged(4), n.now())
		}, "peer-history-rewritten 4"},
		{"another one, with no receipt for our number", func() []byte {
			m.send(draft(m.t, qn, "status-query", sent[0].Case, ""))
			return n.signReceipt(sent[2], forged(4), n.now())
		}, "history-differs 4"},
		{"more than we sent", func() []byte {
			c := m.was(log, 3)
			c.Size = 9
			return n.signReceipt(sent[2], c, n.now())
		}, "history-behind 9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m.restore(t, before)
			m.take(test.wire())
			got := m.transportAlarms()
			if test.alarm == "" && len(got) > 0 || test.alarm != "" && !slices.Equal(got, []string{test.alarm}) {
				t.Errorf("alarms %v, want %q", got, test.alarm)
			}
			kept := []string{"QN/justice"}
			if kind, _, _ := strings.Cut(test.alarm, " "); kind != "" {
				kept = append(kept, "QN/justice "+kind)
			}
			if got := m.witnesses(); !slices.Equal(got, kept) {
				t.Errorf("kept %v, want %v", got, kept)
			}
		})
	}
}

// A peer that lost numbers and has them again, unchanged, has nothing held against it.
func TestAShrunkHistoryThatGrowsAgain(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	sent := w.tell(t, qm, qn, 3)
	log := journal.Between(qm, qn)
	m.take(n.signReceipt(sent[2], m.was(log, 1), n.now()))
	if got := m.transportAlarms(); !slices.Equal(got, []string{"peer-history-shrunk 3"}) {
		t.Fatalf("alarms %v", got)
	}
	m.send(draft(t, qn, "status-query", sent[0].Case, ""))
	w.carry(t)
	if got := m.transportAlarms(); len(got) != 0 {
		t.Errorf("alarms %v after it has grown", got)
	}
	if got := m.witnesses(); !slices.Equal(got, []string{"QN/justice"}) {
		t.Errorf("kept %v", got)
	}
}

// Whoever changes a message of ours in our database, and the whole log after it, is found out by the next receipt: the peer
// has signed what it was.
func TestOurOwnRewrittenHistoryIsFoundByTheNextReceipt(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m := w.desks[qm]
	sent := w.tell(t, qm, qn, 3)
	m.rewrite(t, journal.Between(qm, qn), 1, journal.Number{From: qm, To: qn, Seq: 2, JWS: [32]byte{7}}.Leaf())
	m.send(draft(t, qn, "status-query", sent[0].Case, ""))
	w.carry(t)
	if got := m.transportAlarms(); !slices.Equal(got, []string{"own-history-rewritten 4"}) {
		t.Errorf("alarms %v", got)
	}
}

// rewrite replaces a leaf of a log in the file, and every hash that follows from it: the work of somebody who has the
// database to themselves.
func (d *desk) rewrite(t *testing.T, log journal.Origin, index int64, leaf journal.Hash) {
	t.Helper()
	var rows []store.LogRow
	err := d.store.View(t.Context(), func(tx *store.Tx) (err error) {
		rows, err = tx.LogRows(log, 0, 1000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var edge journal.Edge
	var replace [][2][]byte
	for _, r := range rows {
		is := r.Hashes[0]
		if r.Leaf == index {
			is = leaf
		}
		next, stored := edge.Append(is)
		root := next.Root()
		replace = append(replace, [2][]byte{flat(r.Hashes), flat(stored)})
		if r.Root != r.Hashes[0] { // else it went with it
			replace = append(replace, [2][]byte{r.Root[:], root[:]})
		}
		edge = next
	}
	d.edit(t, replace...)
}

func flat(hashes []journal.Hash) (b []byte) {
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

// edit replaces bytes in the database file, with its desk asleep.
func (d *desk) edit(t *testing.T, replace ...[2][]byte) {
	t.Helper()
	content := d.backUp(t)
	for _, r := range replace {
		if !bytes.Contains(content, r[0]) {
			t.Fatalf("the database does not hold %x", r[0])
		}
		content = bytes.ReplaceAll(content, r[0], r[1])
	}
	d.restore(t, content)
}
