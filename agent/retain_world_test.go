package agent

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/retention"
	"comity/agent/store/storetest"
	"comity/schemas"
)

// keeps sets how long a desk keeps things.
func (d *desk) keeps(t *testing.T, f retention.File) {
	t.Helper()
	s, err := f.Check()
	if err != nil {
		t.Fatal(err)
	}
	d.config.Retention = s
}

// closedCase is a case from a request to its closure, about a person and with a file of evidence from either side.
func (w *world) closedCase(t *testing.T) (schemas.CaseID, []api.Evidence) {
	t.Helper()
	m, n := w.desks[qm], w.desks[qn]
	id := w.acceptedCase(t)
	ours := m.mustAdd(id, "ours.txt", bankText(300))
	theirs := n.mustAdd(id, "theirs.txt", bankText(700))
	n.sendHere(withEvidence(t, draft(t, qm, "result", id, "", accepting("result")), theirs.ID))
	w.carry(t)
	w.fetch(t)
	var result schemas.MessageID
	for mid, one := range m.between("in", qn) {
		if one.Type.Name() == "result" && one.Case == id {
			result = mid
		}
	}
	m.sendHere(draft(t, qn, "result-receipt", id, result))
	w.carry(t)
	m.sendHere(draft(t, qn, "closure", id, ""))
	w.carry(t)
	w.agree(t, id, "closed", qm, qn)
	return id, []api.Evidence{ours, theirs}
}

// endCase has QM withdraw its request.
func (w *world) endCase(t *testing.T, id schemas.CaseID) {
	t.Helper()
	withdrawal := w.desks[qm].sendHere(draft(t, qn, "withdrawal", id, "", accepting("withdrawal")))
	w.carry(t)
	w.desks[qn].sendHere(draft(t, qm, "withdrawal-confirmation", id, withdrawal.ID))
	w.carry(t)
}

// later lets time go by, with trust documents that are kept fresh.
func (w *world) later(t *testing.T, d time.Duration) {
	t.Helper()
	w.clock.Advance(d)
	w.renew(t)
}

// traces are pieces of everything of a case that stands in a desk's database, as it stands there, and of its files. A case is
// gone from the disk when none of them is in any byte of the desk's folder.
func (d *desk) traces(t *testing.T, id schemas.CaseID) map[string][]byte {
	t.Helper()
	db := storetest.Raw(t, d.config.Data)
	found := map[string][]byte{}
	note := func(name string, value []byte) {
		// What stands at the head of every envelope is the same in each.
		for at := 600; at+24 <= len(value) && at < 1<<16; at += 480 {
			found[name+" at "+time.Duration(at).String()] = bytes.Clone(value[at : at+24])
		}
	}
	for name, query := range map[string]string{
		"payload": `SELECT payload FROM message_text JOIN message USING (sender, id) WHERE case_id = ?`,
		"home":    `SELECT home FROM message_text JOIN message USING (sender, id) WHERE case_id = ?`,
		"jws":     `SELECT jws FROM sealed_form JOIN message USING (sender, id) WHERE case_id = ?`,
		"wire":    `SELECT wire FROM sealed_form JOIN message USING (sender, id) WHERE case_id = ?`,
		"finding": `SELECT finding FROM review JOIN message USING (sender, id) WHERE case_id = ?`,
		"file":    `SELECT manifest FROM evidence WHERE case_id = ?`,
	} {
		rows, err := db.Query(query, id)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; rows.Next(); n++ {
			var value []byte
			if err := rows.Scan(&value); err != nil {
				t.Fatal(err)
			}
			note(name+" "+strings.Repeat("I", n), value)
		}
		rows.Close()
	}
	err := filepath.WalkDir(filepath.Join(d.config.Data, "evidence"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		note(filepath.Base(path), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// left tells which traces are in some byte of a folder.
func left(t *testing.T, dir string, traces map[string][]byte) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for name, piece := range traces {
			if bytes.Contains(content, piece) {
				names = append(names, filepath.Base(path)+": "+name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// confirm is one person's word for what is due.
func (d *desk) confirm(t *testing.T, by string, due api.RetentionCase) (api.RetentionCase, error) {
	t.Helper()
	return d.EraseCase(t.Context(), by, due.Case, api.Erasure{Digest: due.Digest}, []byte("proof"))
}

// dueNow lists what is due.
func (d *desk) dueNow(t *testing.T) []api.RetentionCase {
	t.Helper()
	r, err := d.Retention(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r.Due
}
