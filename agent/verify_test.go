package agent

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"comity/agent/api"
	"comity/agent/store"
	"comity/pki/journal"
)

// verified is the defects of a desk's journal as "name number".
func (d *desk) verified(kept string) (found []string) {
	d.t.Helper()
	report, err := d.VerifyJournal(d.t.Context(), []byte(kept))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range report.Defects {
		found = append(found, fmt.Sprintf("%s %d", f.Name, f.Number))
	}
	return found
}

// checkpoint is a note of a desk's, "" for the home log.
func (d *desk) checkpoint(log journal.Origin) string {
	d.t.Helper()
	c, err := d.Checkpoint(d.t.Context(), "auditor", string(log))
	if err != nil {
		d.t.Fatal(err)
	}
	return c.Note
}

// aStory is a case with everything in it that leaves evidence: both directions, a message that came out of order and one whose
// number is closed by a void.
func aStory(t *testing.T) *world {
	t.Helper()
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	sent := w.tell(t, qm, qn, 3)
	n.send(draft(t, qm, "acknowledgement", sent[0].Case, ""))
	w.carry(t)
	// Number 4 is overtaken by number 5.
	m.send(draft(t, qn, "status-query", sent[0].Case, ""))
	late := m.outgoing()
	m.send(draft(t, qn, "status-query", sent[0].Case, ""))
	w.carry(t)
	for _, p := range late {
		n.take(p.Wire)
	}
	w.carry(t)
	// Number 6 is never delivered, and voided.
	m.send(draft(t, qn, "status-query", sent[0].Case, ""))
	m.outgoing()
	w.clock.Advance(m.config.Timing.ValidFor + 10*60e9)
	w.renew(t)
	m.chores()
	w.carry(t)
	w.sameLogs(t, qm, qn, 6, 1)
	return w
}

func TestTheJournalOfAnHonestDeskHasNoDefect(t *testing.T) {
	w := aStory(t)
	for _, d := range w.desks {
		if got := d.verified(d.checkpoint("") + d.checkpoint(journal.Between(qm, qn))); len(got) > 0 {
			t.Errorf("%s: %v", d.me, got)
		}
	}
	report, err := w.desks[qm].VerifyJournal(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d documents", report.Documents)
	if report.Approvals != 6 || report.OwnKey != 6 || report.Unlisted != 0 {
		t.Errorf("%d approvals are proved, %d by a key of the person's own, %d by nobody listed", report.Approvals, report.OwnKey, report.Unlisted)
	}
	if i := slices.IndexFunc(report.Logs, func(l api.JournalLog) bool { return l.Origin == string(journal.Between(qm, qn)) }); i < 0 || report.Logs[i].SeenBy != 6 {
		t.Errorf("logs: %+v", report.Logs)
	}
}

// Whatever somebody changes who has the database to themselves has a name.
func TestWhatIsChangedInTheDatabaseIsNamed(t *testing.T) {
	w := aStory(t)
	m, n := w.desks[qm], w.desks[qn]
	out, in := journal.Between(qm, qn), journal.Between(qn, qm)
	before := map[*desk][]byte{m: m.backUp(t), n: n.backUp(t)}
	home, pair := m.checkpoint(""), m.checkpoint(out)
	m.restore(t, before[m]) // signing left a leaf
	leaf := journal.Leaf([]byte("another"))
	rowOf := func(d *desk, log journal.Origin, i int64) (row store.LogRow) {
		t.Helper()
		err := d.store.View(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.LogRows(log, i, 1)
			if err == nil {
				row = rows[0]
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	replaced := func(old, new []byte) func(*desk) {
		return func(d *desk) { d.edit(t, [2][]byte{old, new}) }
	}
	second := m.byNumber(qm, 2)
	other := slices.Clone(second.JWSSHA256[:])
	other[0] ^= 1
	hashes := flat(rowOf(m, out, 1).Hashes)
	changedHashes := slices.Clone(hashes)
	changedHashes[40] ^= 1
	root := rowOf(m, out, 1).Root
	changedRoot := root
	changedRoot[3] ^= 1
	receipt := slices.Clone(second.Receipt)
	signature := len(receipt) - 20
	receipt[signature] = map[bool]byte{true: 'A', false: 'B'}[receipt[signature] != 'A']
	for _, test := range []struct {
		name   string
		desk   *desk
		change func(*desk)
		kept   string
		want   []string
	}{
		{"the hash of a message in its row", m, replaced(second.JWSSHA256[:], other), "", []string{"bytes-changed 2", "evidence-missing 2", "message-changed 2"}},
		{"an inner hash of a log", m, replaced(hashes, changedHashes), "", []string{"hash-changed 2"}},
		{"the hash of a log at one size", m, replaced(root[:], changedRoot[:]), "", []string{"hash-changed 2", "peer-contradicts 2"}},
		{"a leaf and all that follows, of what we sent", m, func(d *desk) { d.rewrite(t, out, 1, leaf) }, "",
			[]string{"message-changed 2", "peer-contradicts 2", "peer-contradicts 3", "peer-contradicts 4", "peer-contradicts 5", "peer-contradicts 6"}},
		{"a leaf and all that follows, of what we were sent", m, func(d *desk) { d.rewrite(t, in, 0, leaf) }, "", []string{"message-changed 1", "own-word-broken 1"}},
		{"the same at the other side", n, func(d *desk) { d.rewrite(t, out, 4, leaf) }, "", []string{"message-changed 5", "own-word-broken 6"}},
		{"the home log, without what was kept of it", m, func(d *desk) { d.rewrite(t, journal.Home(qm), 0, leaf) }, "", nil},
		{"the home log, with what was kept of it", m, func(d *desk) { d.rewrite(t, journal.Home(qm), 0, leaf) }, home + pair, []string{"kept-checkpoint"}},
		{"the evidence of a signed document", m, func(d *desk) { d.rewriteSigned(t, second) }, "", []string{"evidence-missing 2"}},
		{"a receipt", m, replaced(second.Receipt, receipt), "", []string{"signature-invalid 2"}},
		{"the approval of another message in its place", m, replaced(second.Approval, m.byNumber(qm, 3).Approval), "", []string{"signature-invalid 2"}},
		{"an older database", m, func(*desk) {}, strings.Replace(pair, "\n6\n", "\n7\n", 1), []string{"kept-unreadable 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.desk.restore(t, before[test.desk])
			test.change(test.desk)
			got := test.desk.verified(test.kept)
			slices.Sort(got)
			if len(test.want) == 1 && test.want[0] == "kept-checkpoint" {
				if len(got) != 1 || !strings.HasPrefix(got[0], "kept-checkpoint ") {
					t.Errorf("%v", got)
				}
				return
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("found %v, want %v", got, test.want)
			}
		})
	}
}

// rewriteSigned replaces in the home log the leaf of a message.
func (d *desk) rewriteSigned(t *testing.T, m *store.Message) {
	t.Helper()
	leaf, err := signedEvent("message", headerOf(m), [32]byte(m.JWSSHA256)).leaf()
	if err != nil {
		t.Fatal(err)
	}
	var rows []store.LogRow
	err = d.store.View(t.Context(), func(tx *store.Tx) (err error) {
		rows, err = tx.LogRows(journal.Home(d.me), 0, 1000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(rows, func(r store.LogRow) bool { return r.Hashes[0] == leaf })
	d.rewrite(t, journal.Home(d.me), int64(i), journal.Leaf([]byte("another")))
}
