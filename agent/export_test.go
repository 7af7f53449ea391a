package agent

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/casefile"
	"comity/agent/store"
	"comity/pki/journal"
	"comity/schemas"
)

// exported is the file of a case as an officer gets it.
func (d *desk) exported(in schemas.CaseID, reader string) []byte {
	d.t.Helper()
	file, _, err := d.exportCase("approver", in, api.CaseRequest{Reader: reader})
	if err != nil {
		d.t.Fatalf("%s exporting for %s: %v", d.me, reader, err)
	}
	return file
}

// exportCase asks for the file of a case, and returns what came and what was said of it.
func (d *desk) exportCase(by string, in schemas.CaseID, asked api.CaseRequest) ([]byte, api.CaseExport, error) {
	d.t.Helper()
	var file bytes.Buffer
	var said api.CaseExport
	err := d.ExportCase(d.t.Context(), by, string(in), asked, func(s api.CaseExport) { said = s }, &file)
	return file.Bytes(), said, err
}

func (w *world) verifies(file []byte) *casefile.Verdict {
	return casefile.Verify(bytes.NewReader(file), int64(len(file)), &w.scheme.Pin)
}

// aCaseForCourt is a case with everything that its file may hold: both directions, a number that was closed by a void, a message
// that came too late and was rejected, one without a receipt, and public documents that were renewed in between. Beside it
// there are another case, and a message that was never sealed.
func aCaseForCourt(t *testing.T) (*world, schemas.CaseID) {
	t.Helper()
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	sent := w.tell(t, qm, qn, 2)
	in := sent[0].Case
	w.trip(t, qn, qm, draft(t, qm, "acknowledgement", in, ""))
	ask := func() *store.Message { return m.send(draft(t, qn, "status-query", in, "")) }
	tooLate := func() {
		w.clock.Advance(m.config.Timing.ValidFor + 10*time.Minute)
		w.renew(t)
	}
	ask() // number 3 never arrives, and is voided
	m.outgoing()
	tooLate()
	m.chores()
	w.carry(t)
	late := ask().Wire // number 4 arrives when it is no longer valid
	m.outgoing()
	tooLate()
	n.take(late)
	w.carry(t)
	m.send(draft(t, qn, "request", "", "")) // number 5, of another case
	w.carry(t)
	w.clock.Advance(time.Minute)
	ask() // number 6 has no receipt yet
	m.outgoing()
	m.write(draft(t, qn, "status-query", in, ""))
	return w, in
}

func TestTheFileOfACaseProvesItself(t *testing.T) {
	w, in := aCaseForCourt(t)
	for _, d := range []*desk{w.desks[qm], w.desks[qn]} {
		for _, reader := range []string{"QM", "QN/justice"} {
			verdict := w.verifies(d.exported(in, reader))
			for _, l := range verdict.Lines {
				if !l.OK {
					t.Errorf("%s for %s: %s %s: %s", d.me, reader, l.Reason, l.File, l.Text)
				} else if d.me == qm && reader == "QM" {
					t.Log(l.Text)
				}
			}
			if verdict.Case != in || verdict.Exporter != d.me || verdict.Reader != casefile.Reader(reader) || !verdict.Pinned {
				t.Errorf("%+v", verdict)
			}
		}
	}
	// Years later, and with nothing but the file.
	file := w.desks[qm].exported(in, "QM")
	w.clock.Advance(5 * 365 * 24 * time.Hour)
	verdict := casefile.Verify(bytes.NewReader(file), int64(len(file)), nil)
	if verdict.Defects != 0 || verdict.Pinned || !slices.Equal(verdict.Pin.Signers, w.scheme.Pin.Signers) {
		t.Errorf("unpinned: %d defects, %+v", verdict.Defects, verdict.Pin)
	}
}

// Only what was exchanged in this case is in the file: not what waits at home, not the other case, and no count of either.
func TestTheFileOfACaseHoldsOnlyWhatWasExchanged(t *testing.T) {
	w, in := aCaseForCourt(t)
	m := w.desks[qm]
	before := m.logAt(journal.Home(qm)).Size
	f := takeApart(t, m.exported(in, "QM"))
	var got []string
	for _, i := range f.said.Items {
		got = append(got, fmt.Sprint(i.From.State(), " ", i.Number, " ", i.Outcome))
	}
	if want := []string{"QM 1 stored", "QM 2 stored", "QN 1 stored", "QM 3 voided", "QM 4 rejected", "QM 6 sent"}; !slices.Equal(got, want) {
		t.Errorf("the file holds %v, want %v", got, want)
	}
	if grown := m.logAt(journal.Home(qm)).Size - before; grown != 1 {
		t.Errorf("%d leaves of it in the home log", grown)
	}
	for name, content := range f.files {
		if bytes.Contains(content, []byte(journal.Home(qm)+"\n")) {
			t.Errorf("%s holds a checkpoint of the home log", name)
		}
	}
}

func TestTheFileOfACaseIsHandedOutByTheRules(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	in := w.tell(t, qm, qn, 1)[0].Case
	// The request is for this case only, and its recipient may not pass it on: its author may, and both may show it to a court.
	m.exported(in, "QP")
	n.exported(in, "QN")
	refused := func(d *desk, reader, reason string) error {
		t.Helper()
		_, _, err := d.exportCase("approver", in, api.CaseRequest{Reader: reader})
		wantProblem(t, err, reason)
		return err
	}
	onward := refused(n, "QP/justice", ReasonReview)
	refused(n, "the court", "bad-request")
	// Whatever stops it, the officer is told the same.
	w.clock.Advance(48 * time.Hour) // the register's feed is old: everybody's status is unknown
	if unknown := refused(n, "QP/justice", ReasonReview); unknown.Error() != onward.Error() {
		t.Errorf("told %q, and %q", unknown, onward)
	}
	w.feed(t)
	n.quarantine(qm, 1)
	if withheld := refused(n, "QP/justice", ReasonReview); withheld.Error() != onward.Error() {
		t.Errorf("told %q, and %q", withheld, onward)
	}
	if _, _, err := n.exportCase("approver", "zzzz", api.CaseRequest{Reader: "QN"}); err == nil {
		t.Error("a case that is none was exported")
	}
}

// quarantine withholds a message that arrived.
func (d *desk) quarantine(from schemas.AuthorityID, number uint64) {
	d.t.Helper()
	err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		got, err := tx.MessageByNumber(from, d.me, number)
		if err != nil {
			return err
		}
		got.Screening = store.ScreenQuarantined
		return tx.PutMessage(got)
	})
	if err != nil {
		d.t.Fatal(err)
	}
}
