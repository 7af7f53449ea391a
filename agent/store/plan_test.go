package store

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/schemas"
)

// wide are indexes of which all that a peer or a direction has is read.
var wide = []string{"SEARCH arrival USING PRIMARY KEY (peer=?)", "SEARCH message USING INDEX sqlite_autoindex_message_1 (sender=?)"}

// What is asked for each message must not grow with the number of messages that the file holds: no query on its way reads
// a whole table.
func TestNoQueryOnTheWayOfAMessageScans(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	m := sample(schemas.NewMessageID())
	err := s.Update(t.Context(), func(tx *Tx) error { return onTheWay(tx, m) })
	if err != nil {
		t.Fatal(err)
	}
	for query := range s.writer.compiled {
		for _, step := range planOf(t, s, query) {
			if strings.HasPrefix(step, "SCAN ") || slices.Contains(wide, step) {
				t.Errorf("%s:\n%s", step, query)
			}
		}
	}
}

// What is due is found without reading a row, each of which is as large as a page.
func TestWhatIsDueIsFoundInItsIndex(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	if steps := planOf(t, s, `SELECT id`+dueFirst); !strings.Contains(strings.Join(steps, "; "), "USING COVERING INDEX outbox_next") {
		t.Errorf("%q", steps)
	}
}

// The lists of cases are read in the order of an index, and what is late is found in one: 10,000 cases must not be sorted for a page.
func TestListsOfCasesAreReadInOrder(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	searches := map[string]CaseSearch{
		"casefile_changed": {Limit: 50}, "casefile_opened": {Sort: ByOpening, Limit: 50}, "casefile_due": {Sort: ByDue, DueBefore: time.UnixMilli(9), Limit: 50},
	}
	for index, q := range searches {
		list, count, args := q.queries()
		steps := strings.Join(planOf(t, s, list), "; ")
		if !strings.Contains(steps, index) || strings.Contains(steps, "TEMP B-TREE") || strings.Contains(steps, "task") {
			t.Errorf("%+v: %s", q, steps)
		}
		if steps := strings.Join(planOf(t, s, count), "; "); len(args) > 2 && !strings.Contains(steps, "SEARCH casefile USING COVERING INDEX casefile_due") {
			t.Errorf("counting %+v: %s", q, steps)
		}
	}
	list, _, _ := CaseSearch{Owes: "QM/justice", Sort: ByDue}.queries()
	if steps := strings.Join(planOf(t, s, list), "; "); strings.Contains(steps, "SCAN task") {
		t.Errorf("what an authority owes: %s", steps)
	}
}

// onTheWay asks what the agent asks while a message of ours leaves, one of a peer's arrives, and receipts do both.
func onTheWay(tx *Tx, m *Message) error {
	peer, now := m.Recipient, time.UnixMilli(1000)
	var first error
	check := func(err error) {
		if err != nil && err != ErrNotFound && first == nil {
			first = err
		}
	}
	check(tx.PutMessage(m))
	for _, ask := range []func() error{
		func() error { _, err := tx.Message(m.Key); return err },
		func() error { _, err := tx.MessageByNumber(m.Sender, peer, 3); return err },
		func() error { _, err := tx.MessagesByPrefix(string(m.ID), 2); return err },
		func() error { _, err := tx.MessagesOfCase(m.Case, peer); return err },
		func() error { _, err := tx.MessagesOfTeam("t"); return err },
		func() error { _, err := tx.MessagesIn(Out, Approved, "routine", 10); return err },
		func() error { _, err := tx.MessagesToScreen(10); return err },
		func() error { _, err := tx.MessagesToLabel(10); return err },
		func() error { _, err := tx.MessagesWithItem(Hash{1}); return err },
		func() error { _, err := tx.SentBefore(now, 10); return err },
		func() error { _, err := tx.NextExpiry(); return err },
		func() error { _, err := tx.Authors(m.Key); return err },
		func() error { _, err := tx.Pair(peer); return err },
		func() error { return tx.PutPair(Pair{Peer: peer}) },
		func() error { _, err := tx.ArrivalsLike(peer, 1, m.ID); return err },
		func() error { _, err := tx.Arrival(peer, 1); return err },
		func() error {
			return tx.PutArrival(Arrival{Peer: peer, Seq: 1, ID: m.ID, Fate: FateStored, Receipt: []byte("r"), Wire: []byte("w")})
		},
		func() error { return tx.CloseHole(peer, 1) },
		func() error { return tx.PutParcel(&Parcel{ID: m.ID, Kind: KindMessage, Peer: peer, Wire: []byte("w")}) },
		func() error { _, err := tx.Parcel(m.ID); return err },
		func() error { _, err := tx.DueParcels(Ordinary, now, 10); return err },
		func() error { _, err := tx.DueIDs(Ordinary, now, 10); return err },
		func() error { _, err := tx.NextParcelAt(Ordinary); return err },
		func() error { return tx.DropParcel(m.ID) },
		func() error { return tx.ClearAlarm("k", peer, "s", now) },
		func() error { _, err := tx.Case(m.Case); return err },
		func() error { return tx.DropCase(m.Case, peer) },
		func() error { _, err := tx.CasesToLookAt(now, 10); return err },
		func() error { _, err := tx.NextCaseAt(); return err },
		func() error { return tx.ReplaceTasks(m.Case, []Task{{}}, nil) },
		func() error { _, err := tx.TasksOfCase(m.Case); return err },
		func() error { _, err := tx.TasksOfKind("k", 10); return err },
		func() error { _, err := tx.UnreceiptedSince(now, 0, 10); return err },
		func() error { _, err := tx.FirstUnreceipted(0); return err },
		func() error { _, err := tx.Review(m.Key); return err },
		func() error { _, err := tx.Releases(m.Key, Hash{}); return err },
	} {
		check(ask())
	}
	return first
}

func planOf(t *testing.T, s *Store, query string) (steps []string) {
	t.Helper()
	args := make([]any, max(strings.Count(query, "?"), 9))
	for i := range args {
		args[i] = 1
	}
	rows, err := s.writer.sql.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	return steps
}
