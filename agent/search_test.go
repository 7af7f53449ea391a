package agent

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/retention"
	"comity/agent/store"
	"comity/agent/store/storetest"
	"comity/schemas"
)

func (d *desk) finds(words string) (ids []schemas.MessageID) {
	d.t.Helper()
	found, err := d.Search(d.t.Context(), words)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, m := range found {
		if m.Payload != nil || m.Home != nil {
			d.t.Error("a result holds content")
		}
		ids = append(ids, m.ID)
	}
	return ids
}

func wordsAbout(word string) func(map[string]any) {
	return func(body map[string]any) { body["description"] = "Account of TESTPERSON " + word }
}

// onIndex does something with the table of the index, as somebody with the disk can.
func (d *desk) onIndex(t *testing.T, statement string) {
	t.Helper()
	db := storetest.Raw(t, d.config.Data)
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// What was exchanged is found by its words on both sides; a draft, what is under review and what was withheld are as if they were not
// there, for everybody. An index that is lost or damaged is made anew, and what is erased is gone from it.
func TestMessagesAreFoundByTheirWords(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	m.keeps(t, retention.File{MLA: "24h", Confirm: "automatic"})
	sent := m.send(draft(t, qn, "request", "", "", wordsAbout("ZULU-ONE")))
	w.carry(t)
	for _, d := range []*desk{m, n} {
		if got := d.finds("testperson zulu one"); len(got) != 1 || got[0] != sent.ID {
			t.Errorf("%s finds %v", d.me, got)
		}
		if got := d.finds("zulu two"); len(got) != 0 {
			t.Errorf("%s finds %v", d.me, got)
		}
	}
	waits := m.write(draft(t, qn, "request", "", "", wordsAbout("YANKEE")))
	if got := m.finds("yankee"); len(got) != 0 {
		t.Errorf("a draft is found: %v", got)
	}
	err := m.store.Update(t.Context(), func(tx *store.Tx) error {
		row, err := tx.Message(store.Key{Sender: qm, ID: waits.ID})
		if err == nil {
			row.State = store.UnderReview
			err = tx.PutMessage(row)
		}
		return err
	})
	if got := m.finds("yankee"); err != nil || len(got) != 0 {
		t.Errorf("what is under review is found: %v %v", got, err)
	}
	hidden := m.send(draft(t, qn, "request", "", "", wordsAbout("XRAY")))
	w.carry(t)
	n.quarantine(qm, hidden.Seq)
	if got := n.finds("xray"); len(got) != 0 {
		t.Errorf("what was withheld is found: %v", got)
	}
	for _, words := range []string{"", "...", "a b c d e f g h i j k l m"} {
		if _, err := m.Search(t.Context(), words); reasonOf(err) != api.ReasonRequest {
			t.Errorf("%q: %v", words, err)
		}
	}
	for _, harm := range []string{
		`UPDATE search_block SET words = zeroblob(100)`,
		`DELETE FROM search_block; UPDATE message SET searchable = 0`,
	} {
		m.onIndex(t, harm)
		if got := m.finds("zulu"); len(got) != 1 {
			t.Errorf("after %s: %v", harm, got)
		}
	}
	w.desks[qm].sendHere(draft(t, qn, "withdrawal", sent.Case, "", accepting("withdrawal")))
	w.carry(t)
	withdrawal := m.between(store.Out, qn)
	for id, one := range withdrawal {
		if one.Type.Name() == "withdrawal" {
			n.sendHere(draft(t, qm, "withdrawal-confirmation", sent.Case, id))
		}
	}
	w.carry(t)
	w.later(t, 48*time.Hour)
	if err := m.retainOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := m.finds("zulu"); len(got) != 0 {
		t.Errorf("what is erased is found: %v", got)
	}
	if got := n.finds("zulu"); len(got) != 1 {
		t.Errorf("the peer finds %v", got)
	}
}

// No word stands in the index as it is on the disk, nor the hash that it has inside, and no other key opens it.
func TestTheIndexOfWordsIsSealed(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m := w.desks[qm]
	m.send(draft(t, qn, "request", "", "", wordsAbout("ZULU")))
	if got := m.finds("zulu"); len(got) != 1 {
		t.Fatalf("found: %v", got)
	}
	db := storetest.Raw(t, m.config.Data)
	var sealed []byte
	if err := db.QueryRow(`SELECT words FROM search_block`).Scan(&sealed); err != nil || len(sealed) < 100 {
		t.Fatalf("%d bytes, %v", len(sealed), err)
	}
	for _, word := range []string{"zulu", "ZULU", "TESTPERSON", "testperson", string(qm)} {
		if bytes.Contains(sealed, []byte(word)) {
			t.Errorf("%q stands in it", word)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := store.NewColumns(bytes.Repeat([]byte{7}, store.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), filepath.Join(m.config.Data, "agent.db"), other)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(t.Context(), func(tx *store.Tx) error {
		damaged, err := tx.Find(nil, func(store.Key) (bool, error) { t.Error("another key opens it"); return true, nil })
		if len(damaged) != 1 {
			t.Errorf("%d blocks cannot be read, want 1", len(damaged))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
