package agent

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/deadline"
	"comity/agent/envelope"
	"comity/agent/retention"
	"comity/agent/store"
	"comity/pki"
	"comity/powercut"
	"comity/schemas"
)

func reasonOf(err error) string {
	p, _ := errors.AsType[*api.Problem](err)
	if p == nil {
		return ""
	}
	return p.Reason
}

// At the end of its time the content of a closed case goes once two persons have confirmed it: no piece of it is in any byte of
// the desk's folder. What proves that it was exchanged stays, and the case that is still open, and the other side's copy.
func TestTheContentOfAClosedCaseGoes(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	m.keeps(t, retention.File{MLA: "90d"})
	id, files := w.closedCase(t)
	open := m.send(draft(t, qn, "request", "", ""))
	w.carry(t)
	m.send(draft(t, qn, "request", "", "")) // its number stands in the outbox
	if due := m.dueNow(t); len(due) != 0 {
		t.Fatalf("due at once: %+v", due)
	}
	w.later(t, 90*24*time.Hour-time.Hour)
	if due := m.dueNow(t); len(due) != 0 {
		t.Errorf("due an hour early: %+v", due)
	}
	w.later(t, 2*time.Hour)
	due := m.dueNow(t)
	if len(due) != 1 || due[0].Case != id || due[0].Messages < 6 || due[0].Files != 2 || due[0].Waits != "" {
		t.Fatalf("due: %+v", due)
	}
	traces := m.traces(t, id)
	if there := left(t, m.config.Data, traces); len(there) < len(traces)*9/10 {
		t.Fatalf("of %d traces only %d are found before: what follows would show nothing", len(traces), len(there))
	}
	there := len(traces)

	if _, err := m.confirm(t, "registrar-1", due[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := m.confirm(t, "registrar-1", due[0]); err != nil { // the same person again is still one
		t.Fatal(err)
	}
	if got := m.message(qm, open.ID); got.Payload == nil || len(m.dueNow(t)) != 1 {
		t.Fatal("one person's word has erased something")
	}
	other := due[0]
	other.Digest = strings.Repeat("0", 64)
	if _, err := m.confirm(t, "auditor-1", other); reasonOf(err) != ReasonOtherBytes {
		t.Errorf("confirming something else: %v", err)
	}
	done, err := m.confirm(t, "auditor-1", due[0])
	if err != nil || done.ErasedAt.IsZero() {
		t.Fatalf("%+v %v", done, err)
	}
	if err := m.finishErasures(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names := left(t, m.config.Data, traces); len(names) > 0 {
		t.Errorf("of %d traces %d are left on the disk: %v", there, len(names), names)
	}
	t.Logf("%d traces were on the disk, none is", there)

	// What stays: the case's place, hashes, numbers, receipts, the journal, and what is still open.
	shown, err := m.Case(t.Context(), string(id))
	if err != nil || shown.ErasedAt.IsZero() || shown.State != "closed" || len(shown.Messages) != due[0].Messages || len(shown.MayNow) != 0 {
		t.Errorf("%v %+v", err, shown)
	}
	for _, one := range shown.Messages {
		full, err := m.Message(t.Context(), string(one.ID))
		if err != nil || full.Payload != nil || full.ErasedAt.IsZero() || full.SHA256 == "" || full.Number == 0 {
			t.Errorf("message %s after: %v %+v", one.ID, err, full)
		}
	}
	m.wantSoundJournal()
	n.wantSoundJournal()
	if got := m.message(qm, open.ID); got.Payload == nil || got.JWS == nil {
		t.Error("a message of an open case was erased")
	}
	if _, _, err := m.exportCase("approver", id, api.CaseRequest{Reader: "QM"}); reasonOf(err) != ReasonErased {
		t.Errorf("export: %v", err)
	}
	for _, f := range files {
		if _, err := m.opened(f.ID); reasonOf(err) != ReasonErased {
			t.Errorf("opening a file: %v", err)
		}
		if e := m.evidenceAt(f.ID); e.SHA256 != f.SHA256 || e.State != "erased" || !strings.Contains(custodyOf(e), "erased auditor-1") {
			t.Errorf("file after: %+v", e)
		}
	}
	if _, err := m.Draft(t.Context(), "officer-1", draft(t, qn, "exculpatory-notice", id, "")); reasonOf(err) != ReasonErased {
		t.Errorf("drafting in it: %v", err)
	}
	if got := n.message(qm, open.ID); got.Payload == nil {
		t.Error("the peer's copy is gone")
	}
}

// A file of the case that was handed out before the erasure is still proved, and what stands here shows that it is the one that
// was exchanged.
func TestAFileOfAnErasedCaseIsStillProved(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m := w.desks[qm]
	m.keeps(t, retention.File{MLA: "24h", Confirm: "automatic"})
	id := w.acceptedCase(t)
	w.endCase(t, id)
	before := m.exported(id, "QM")
	w.later(t, 48*time.Hour)
	if err := m.retainOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err := m.Case(t.Context(), string(id)); err != nil || c.ErasedAt.IsZero() {
		t.Fatalf("%v %+v", err, c)
	}
	w.wantProved(t, m, before, id)
}

// wantProved has a file of a case verified offline, and finds each message of the case in it by the hash that stands here.
func (w *world) wantProved(t *testing.T, d *desk, file []byte, id schemas.CaseID) {
	t.Helper()
	if verdict := w.verifies(file); verdict.Defects > 0 {
		t.Fatalf("the file of the case does not verify: %+v", verdict)
	}
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	held := map[store.Hash]bool{}
	for _, entry := range archive.File {
		r, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		held[store.Hash(envelope.HashJWS(bytes.TrimSpace(content)))] = true
	}
	for _, direction := range []store.Direction{store.Out, store.In} {
		for _, one := range d.between(direction, qn) {
			if one.Case == id && !held[one.JWSSHA256] {
				t.Errorf("nothing in the file has the hash of message %s", one.ID)
			}
		}
	}
}

// A case that is kept stays, for a reason of the closed set, and goes once nobody keeps it.
func TestACaseIsKeptBeyondItsTime(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m := w.desks[qm]
	m.keeps(t, retention.File{MLA: "24h", Confirm: "automatic"})
	id, _ := w.closedCase(t)
	if _, err := m.KeepCase(t.Context(), "registrar-1", string(id), api.Keeping{Reason: "because"}); reasonOf(err) != api.ReasonRequest {
		t.Errorf("any reason is taken: %v", err)
	}
	if _, err := m.KeepCase(t.Context(), "registrar-1", string(id), api.Keeping{Reason: "litigation"}); err != nil {
		t.Fatal(err)
	}
	w.later(t, 48*time.Hour)
	if err := m.retainOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := m.Retention(t.Context())
	if err != nil || len(r.Due) != 0 || len(r.Kept) != 1 || r.Kept[0].Kept != "litigation" || r.Kept[0].KeptBy != "registrar-1" {
		t.Fatalf("%v %+v", err, r)
	}
	if _, err := m.confirm(t, "auditor-1", r.Kept[0]); reasonOf(err) != ReasonState {
		t.Errorf("what is kept can be erased: %v", err)
	}
	if c, err := m.Case(t.Context(), string(id)); err != nil || c.Kept != "litigation" || !c.ErasedAt.IsZero() {
		t.Errorf("%v %+v", err, c)
	}
	if _, err := m.EndKeeping(t.Context(), "auditor-1", string(id)); err != nil {
		t.Fatal(err)
	}
	if err := m.retainOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err := m.Case(t.Context(), string(id)); err != nil || c.ErasedAt.IsZero() {
		t.Errorf("%v: it was not erased: %+v", err, c)
	}
	m.wantSoundJournal()
}

// Whatever in a case was stopped by policy or is a draft goes with it like any draft, and nothing tells of it: two cases, one of
// which holds a message about a protected person, are due alike.
func TestARetentionListTellsNothingOfReviews(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m := w.desks[qm]
	m.keeps(t, retention.File{MLA: "24h"})
	plain, _ := w.closedCase(t)
	stopped := w.acceptedCase(t)
	d := m.write(draft(t, qn, "status-query", stopped, ""))
	if err := m.store.Update(t.Context(), func(tx *store.Tx) error { // what the rules do to a message
		row, err := tx.Message(store.Key{Sender: qm, ID: d.ID})
		if err != nil {
			return err
		}
		row.State = store.UnderReview
		return errors.Join(tx.PutMessage(row), tx.PutReview(&store.Review{Key: row.Key, Outcome: "block", Finding: []byte(`{"rules":[],"grounds":[],"why":"TESTPERSON"}`), OpenedAt: m.now()}),
			m.alert(tx, AlertHeld, string(row.ID), qn))
	}); err != nil {
		t.Fatal(err)
	}
	w.endCase(t, stopped)
	w.later(t, 25*time.Hour)
	due := m.dueNow(t)
	if len(due) != 2 {
		t.Fatalf("due: %+v", due)
	}
	for _, one := range due {
		text, _ := json.Marshal(one)
		if found := telling.FindString(string(text)); found != "" || one.Waits != "" {
			t.Errorf("case %s is told by %q: %s", one.Case, found, text)
		}
		for _, by := range []string{"registrar-1", "auditor-1"} {
			if _, err := m.confirm(t, by, one); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := m.message(qm, d.ID); got.State != store.Discarded || got.Payload != nil {
		t.Errorf("the draft is %s", got.State)
	}
	if open, err := m.Reviews(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("reviews: %v %+v", err, open)
	}
	if up, err := m.ProtectionAlerts(t.Context()); err != nil || len(up) != 0 {
		t.Errorf("alerts: %v %+v", err, up)
	}
	if r, err := m.Review(t.Context(), string(d.ID)); err == nil && r.Why != "" {
		t.Errorf("a finding is left: %+v", r)
	}
	for _, id := range []schemas.CaseID{plain, stopped} {
		if c, err := m.Case(t.Context(), string(id)); err != nil || c.ErasedAt.IsZero() {
			t.Errorf("%v %+v", err, c)
		}
	}
	m.wantSoundJournal()
}

// Every column that is sealed is erased with its case, or stands here with why it is not.
func TestEverySealedColumnIsErasedOrNamed(t *testing.T) {
	stays := map[string]string{
		"account.password": "of the staff", "passkey.record": "of the staff", "webhook.secret": "of a client",
		"lost.jws": "a comparison with the peer must end first, and drops it",
	}
	goes := []string{
		"message_text.payload", "message_text.home", "sealed_form.jws", "review.finding", "release.necessity", "handout.finding", "handout_word.necessity",
		"file.original", "evidence.manifest", "evidence.original", "attempt.answer", "unfinished.form", "paper.letter", "paper.national_ref",
		"translation.content", "search_block.words",
	}
	schema, err := os.ReadFile("store/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	table, seen := "", 0
	for line := range strings.SplitSeq(string(schema), "\n") {
		if m := regexp.MustCompile(`^CREATE TABLE (\w+)`).FindStringSubmatch(line); m != nil {
			table = m[1]
		}
		m := regexp.MustCompile(`^\s+(\w+)\s+BLOB.*-- \(sealed\)`).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		seen++
		if name := table + "." + m[1]; !slices.Contains(goes, name) && stays[name] == "" {
			t.Errorf("%s is sealed: have store.EraseCase erase it, or say here why it stays", name)
		}
	}
	if seen != len(goes)+len(stays) {
		t.Errorf("%d sealed columns, %d are named", seen, len(goes)+len(stays))
	}
}

// erasingProcess is what another process needs to open a desk and erase what is due.
type erasingProcess struct {
	Authority schemas.AuthorityID
	Data      string
	Keys      KeyFiles
	Register  RegisterFiles
	Published string
	Pin       pki.Pin
	Now       time.Time
}

const erasingVariable = "COMITY_TEST_ERASING"

// TestEraseInThisProcess is the other process of the test below.
func TestEraseInThisProcess(t *testing.T) {
	text := os.Getenv(erasingVariable)
	if text == "" {
		t.Skip("only in a process of its own")
	}
	var p erasingProcess
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	if err := p.open(t).retainOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (p erasingProcess) open(t *testing.T) *Agent {
	t.Helper()
	schedule, err := retention.File{MLA: "24h", Confirm: "automatic"}.Check()
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Config{
		Authority: p.Authority, Data: p.Data, Keys: p.Keys, Register: p.Register, Published: p.Published, Pin: p.Pin, Refresh: time.Second,
		Deadlines: deadline.Defaults(), Retention: schedule,
	}, Options{Now: func() time.Time { return p.Now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// A process that dies at any point of an erasure leaves one that the next start finishes: nothing is left on the disk, and the
// journal is sound.
func TestAnErasureIsFinishedAfterAPowerCut(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m := w.desks[qm]
	m.keeps(t, retention.File{MLA: "24h"})
	id, _ := w.closedCase(t)
	w.later(t, 48*time.Hour)
	traces := m.traces(t, id)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	for _, point := range []powercut.Point{powercut.ErasedFiles, powercut.ErasedPages} {
		for _, moment := range []powercut.Moment{powercut.MomentBefore, powercut.MomentAfter} {
			dir := t.TempDir()
			data := filepath.Join(dir, "data")
			if err := os.CopyFS(data, os.DirFS(m.config.Data)); err != nil {
				t.Fatal(err)
			}
			p := erasingProcess{Authority: qm, Data: data, Keys: m.config.Keys, Register: m.config.Register, Published: w.published, Pin: m.config.Pin, Now: w.clock.Now()}
			text, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			cut := filepath.Join(dir, "cut")
			if err := os.WriteFile(cut, powercut.Cut(point, moment), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEraseInThisProcess$")
			cmd.Env = append(os.Environ(), erasingVariable+"="+string(text), powercut.Variable+"="+cut)
			output, err := cmd.CombinedOutput()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("%s %s: the process did not die of it: %v %s", point, moment, err, output)
			}
			died := len(left(t, data, traces))
			if died == 0 && !(point == powercut.ErasedPages && moment == powercut.MomentAfter) {
				t.Errorf("%s %s: nothing was left to finish", point, moment)
			}
			a := p.open(t)
			if err := a.retainOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
			if names := left(t, data, traces); len(names) > 0 {
				t.Errorf("%s %s: on the disk after the next start: %v", point, moment, names)
			}
			report, err := a.VerifyJournal(t.Context(), nil)
			if err != nil || len(report.Defects) > 0 {
				t.Errorf("%s %s: %v %+v", point, moment, err, report.Defects)
			}
			if c, err := a.Case(t.Context(), string(id)); err != nil || c.ErasedAt.IsZero() {
				t.Errorf("%s %s: %v %+v", point, moment, err, c)
			}
			t.Logf("%s %s: %d of %d traces were left, then none", point, moment, died, len(traces))
		}
	}
}
