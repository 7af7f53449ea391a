package agent

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/casefile"
	"comity/agent/evidence"
	"comity/agent/store"
	"comity/schemas"
)

// aCaseWithEvidence is a case in which QN sent QM three files with two messages, all of which have arrived.
func aCaseWithEvidence(t *testing.T) (w *world, in schemas.CaseID, files []api.Evidence) {
	t.Helper()
	w = newWorldOf(t, qm, qn)
	in = w.acceptedCase(t)
	host := w.desks[qn]
	for _, lines := range []int{6_000, 10, 12} {
		files = append(files, host.mustAdd(in, "TESTPERSON account.txt", bankText(lines)))
	}
	full := func(body map[string]any) { body["extent"] = "partial" }
	host.sendHere(withEvidence(t, draft(t, qm, "result", in, "", full), files[0].ID, files[1].ID))
	w.carry(t)
	w.clock.Advance(time.Minute) // what has one time has no order
	host.sendHere(withEvidence(t, draft(t, qm, "result", in, "", full), files[2].ID))
	w.carry(t)
	w.fetch(t)
	return w, in, files
}

// evidenceIn are the names of the files of evidence in a file of a case.
func (f *opened) evidenceIn() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(f.files)), func(name string) bool { return !strings.HasPrefix(name, "evidence/") })
}

// TestTheFileOfACaseHoldsItsEvidence: whoever exports, each file is in it as it is, proved by the signed message that names it;
// and who handed it out stands in its custody.
func TestTheFileOfACaseHoldsItsEvidence(t *testing.T) {
	w, in, files := aCaseWithEvidence(t)
	for _, d := range []*desk{w.desks[qm], w.desks[qn]} {
		before := custodyOf(d.evidenceAt(files[0].ID))
		file, said, err := d.exportCase("approver", in, api.CaseRequest{Reader: "QM"})
		if err != nil {
			t.Fatalf("%s: %v", d.me, err)
		}
		if want := files[0].Bytes + files[1].Bytes + files[2].Bytes; said.Files != 3 || said.FileBytes != want || said.Absent != 0 {
			t.Errorf("%s says %+v, want 3 files of %d bytes", d.me, said, want)
		}
		verdict := w.verifies(file)
		proved := 0
		for _, l := range verdict.Lines {
			if !l.OK {
				t.Errorf("%s: %s %s: %s", d.me, l.Reason, l.File, l.Text)
			}
			if strings.Contains(l.Text, "is the one that the signed message names") {
				proved++
			}
		}
		f := takeApart(t, file)
		names := f.evidenceIn()
		if proved != 3 || len(names) != 3 || !bytes.Equal(f.files[names[0]], bankText(6_000)) || !strings.HasSuffix(names[0], "-evidence-1.txt") {
			t.Errorf("%s: %d of the files %v are proved", d.me, proved, names)
		}
		if after := custodyOf(d.evidenceAt(files[0].ID)); after != before+", exported approver" {
			t.Errorf("%s: custody was %q and is %q", d.me, before, after)
		}
		// Without files: each is named, and none is handed out.
		small, said, err := d.exportCase("approver", in, api.CaseRequest{Reader: "QM", WithoutFiles: true})
		if err != nil || said.Files != 0 || said.Absent != 3 || len(takeApart(t, small).evidenceIn()) != 0 {
			t.Errorf("%s without files: %+v, %v", d.me, said, err)
		}
		named := 0
		for _, l := range w.verifies(small).Lines {
			if !l.OK {
				t.Errorf("%s without files: %s: %s", d.me, l.Reason, l.Text)
			}
			if strings.Contains(l.Text, "is not here (left-out); its SHA-256 is ") {
				named++
			}
		}
		if named != 3 {
			t.Errorf("%s: %d files that were left out are named", d.me, named)
		}
		if again := custodyOf(d.evidenceAt(files[0].ID)); again != before+", exported approver" {
			t.Errorf("%s: a file that was left out has the custody %q", d.me, again)
		}
		if report, err := d.VerifyJournal(t.Context(), nil); err != nil || len(report.Defects) > 0 {
			t.Errorf("%s: %v, %+v", d.me, err, report.Defects)
		}
	}
}

// TestEveryTamperingWithEvidenceIsNamed: by whoever has the file in their hands, and by the exporter who states it anew.
func TestEveryTamperingWithEvidenceIsNamed(t *testing.T) {
	w, in, _ := aCaseWithEvidence(t)
	guest := w.desks[qm]
	file := guest.exported(in, "QM")
	if verdict := w.verifies(takeApart(t, file).pack()); verdict.Defects != 0 {
		t.Fatalf("packed again unchanged: %v", verdict.Reasons())
	}
	flip := func(f *opened, name string) {
		f.files[name] = bytes.Clone(f.files[name])
		f.files[name][len(f.files[name])/2] ^= 1
	}
	names := takeApart(t, file).evidenceIn()
	first, second, third := names[0], names[1], names[2]
	item := func(f *opened) *casefile.Item {
		i := slices.IndexFunc(f.said.Items, func(i casefile.Item) bool { return len(i.Evidence) == 2 })
		return &f.said.Items[i]
	}
	last := func(f *opened) *casefile.Item {
		i := slices.IndexFunc(f.said.Items, func(i casefile.Item) bool { return len(i.Evidence) == 1 })
		return &f.said.Items[i]
	}
	move := func(f *opened, from, to string) { f.files[to] = f.files[from]; delete(f.files, from) }
	type r = []casefile.Reason
	var table namedFaults
	for _, c := range []struct {
		name       string
		change     func(*opened)
		byAnybody  r // what is found where the file was changed and not stated anew
		byExporter r // where the exporter states it anew
	}{
		{"a byte of a file", func(f *opened) { flip(f, first) }, r{casefile.FileChanged, casefile.EvidenceAltered}, r{casefile.EvidenceAltered}},
		{"the end of a file cut off", func(f *opened) { f.files[first] = f.files[first][:1000] }, r{casefile.FileChanged, casefile.EvidenceLength}, r{casefile.EvidenceLength}},
		{"a file made longer", func(f *opened) { f.files[second] = append(bytes.Clone(f.files[second]), 0) }, r{casefile.FileChanged, casefile.EvidenceLength}, r{casefile.EvidenceLength}},
		{"a file emptied", func(f *opened) { f.files[second] = nil }, r{casefile.FileChanged, casefile.EvidenceLength}, r{casefile.EvidenceLength}},
		{"two files of a message in each other's place", func(f *opened) { f.swap(first, second) }, r{casefile.FileChanged, casefile.EvidenceSwapped}, r{casefile.EvidenceSwapped}},
		{"two files of two messages in each other's place", func(f *opened) { f.swap(first, third) }, r{casefile.FileChanged, casefile.EvidenceSwapped}, r{casefile.EvidenceSwapped}},
		{"a file put in", func(f *opened) { f.files["evidence/0009-qn-justice-9-evidence-1.txt"] = []byte("x") }, r{casefile.FileUnknown}, r{casefile.EvidenceUnnamed}},
		{"a file called otherwise", func(f *opened) { move(f, first, "evidence/other.txt"); item(f).Evidence[0].File = "evidence/other.txt" },
			r{casefile.FileMissing, casefile.FileUnknown}, r{casefile.EvidenceRenamed}},
		{"a file taken out", func(f *opened) { delete(f.files, first) }, r{casefile.FileMissing}, nil},
		{"the order of the files", func(f *opened) { slices.Reverse(item(f).Evidence) }, nil, r{casefile.EvidenceReordered}},
		{"nothing said of a file", func(f *opened) { last(f).Evidence = nil; delete(f.files, third) }, r{casefile.FileMissing}, r{casefile.EvidenceMissing}},
		{"a file that stands there and of which nothing is said", func(f *opened) { last(f).Evidence = nil }, nil, r{casefile.EvidenceMissing, casefile.EvidenceUnnamed}},
		{"one file for two", func(f *opened) { item(f).Evidence[1].File = first; delete(f.files, second) }, r{casefile.FileMissing},
			r{casefile.EvidenceRenamed, casefile.EvidenceSwapped, casefile.EvidenceTwice}},
		{"a file that the message does not name", func(f *opened) {
			f.files["evidence/extra.txt"] = []byte("x")
			last(f).Evidence = append(last(f).Evidence, casefile.Enclosed{ID: schemas.NewFileID(), File: "evidence/extra.txt"})
		}, r{casefile.FileUnknown}, r{casefile.EvidenceUnnamed}},
		{"a manifest in the sender's name", func(f *opened) {
			i := last(f)
			f.files[third] = []byte("other")
			f.files[i.Signed] = guest.signedBy(f.files[i.Signed], func(_, p map[string]any) {
				manifest := p["evidence"].([]any)[0].(map[string]any)
				manifest["sha256"], manifest["bytes"] = sha256Hex([]byte("other")), 5
			})
		}, r{casefile.EvidenceUnnamed, casefile.FileChanged, casefile.MessageSignature}, r{casefile.EvidenceUnnamed, casefile.MessageSignature}},
	} {
		check := func(name string, changed []byte, want r) {
			t.Run(name, func(t *testing.T) {
				slices.Sort(want)
				got := w.verifies(changed).Reasons()
				table.add(name, namesOf(got)...)
				if !slices.Equal(got, want) {
					t.Errorf("refused for %v, want %v", got, want)
				}
			})
		}
		f := takeApart(t, file)
		c.change(f)
		if c.byAnybody != nil {
			check(c.name, f.pack(), c.byAnybody)
		}
		if c.byExporter != nil {
			f.sign(guest)
			check("the exporter: "+c.name, f.pack(), c.byExporter)
		}
	}
	t.Run("a file that is packed", func(t *testing.T) {
		var packed bytes.Buffer
		archive := zip.NewWriter(&packed)
		for name, content := range takeApart(t, file).files {
			entry, err := archive.Create(name)
			if err == nil {
				_, err = entry.Write(content)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		if got := w.verifies(packed.Bytes()).Reasons(); !slices.Equal(got, r{casefile.ArchiveUnreadable}) {
			t.Errorf("refused for %v", got)
		}
	})
	table.print(t)
}

// TestEvidenceThatIsGone: what its sender keeps no longer is said to be so, and its hash is what is known of it. The rules cannot
// read it, so two protection officers decide.
func TestEvidenceThatIsGone(t *testing.T) {
	w, in, files := aCaseWithEvidence(t)
	host := w.desks[qn]
	if err := host.spool.Forget(files[1].ID); err != nil {
		t.Fatal(err)
	}
	_, _, err := host.exportCase("approver", in, api.CaseRequest{Reader: "QN"})
	wantProblem(t, err, ReasonReview)
	for _, officer := range []string{"protection-1", "protection-2"} {
		if err := host.letOut(officer, host.theHandout()); err != nil {
			t.Fatal(err)
		}
	}
	file, said, err := host.exportCase("approver", in, api.CaseRequest{Reader: "QN"})
	if err != nil || said.Files != 2 || said.Absent != 1 {
		t.Fatalf("%+v, %v", said, err)
	}
	verdict := w.verifies(file)
	if !slices.ContainsFunc(verdict.Lines, func(l casefile.Line) bool {
		return l.OK && strings.Contains(l.Text, "is not here (gone); its SHA-256 is "+files[1].SHA256)
	}) || verdict.Defects != 0 {
		t.Errorf("%d defects: %+v", verdict.Defects, verdict.Lines)
	}
	// A release is of these files: one that goes afterwards is another decision.
	if err := host.spool.Forget(files[2].ID); err != nil {
		t.Fatal(err)
	}
	_, _, err = host.exportCase("approver", in, api.CaseRequest{Reader: "QN"})
	wantProblem(t, err, ReasonReview)
}

// TestEvidenceThatIsWithheldIsNotHandedOut: not to anybody, with or without files, and nothing releases the file of the case.
func TestEvidenceThatIsWithheldIsNotHandedOut(t *testing.T) {
	w, in, files := aCaseWithEvidence(t)
	guest := w.desks[qm]
	err := guest.store.Update(t.Context(), func(tx *store.Tx) error {
		row, err := tx.Evidence(qn, files[1].ID)
		if err != nil {
			return err
		}
		row.State = store.EvidenceWithheld
		return tx.PutEvidence(row)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, without := range []bool{false, true} {
		file, _, err := guest.exportCase("approver", in, api.CaseRequest{Reader: "QM", WithoutFiles: without})
		wantProblem(t, err, ReasonReview)
		if len(file) > 0 {
			t.Errorf("%d bytes came", len(file))
		}
	}
	if h := guest.theHandout(); h.Outcome != "block" {
		t.Errorf("the review says %s", h.Outcome)
	}
	wantProblem(t, guest.letOut("protection-1", guest.theHandout()), ReasonBlocked)
	if steps := custodyOf(guest.evidenceAt(files[0].ID)); strings.Contains(steps, custodyExported) {
		t.Errorf("custody: %s", steps)
	}
}

// TestTwoOfficersReleaseAReceivedFile: one word opens nothing, a word is for the files that were withheld when it was given, and
// afterwards the file looks as if nobody had ever withheld it. No peer gets a byte of it.
func TestTwoOfficersReleaseAReceivedFile(t *testing.T) {
	w, _, files := aCaseWithEvidence(t)
	guest := w.desks[qm]
	withhold := func(id schemas.FileID) {
		t.Helper()
		err := guest.store.Update(t.Context(), func(tx *store.Tx) error {
			row, err := tx.Evidence(qn, id)
			if err != nil {
				return err
			}
			row.State = store.EvidenceWithheld
			return errors.Join(tx.PutEvidence(row), guest.alert(tx, AlertQuarantined, string(row.Message), qn))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	before := custodyOf(guest.evidenceAt(files[0].ID))
	withhold(files[0].ID)
	message := guest.evidenceAt(files[0].ID).Message
	clear := func(officer string) {
		t.Helper()
		if _, err := guest.ClearWithheld(t.Context(), officer, message, []byte("proof")); err != nil {
			t.Fatal(err)
		}
	}
	stillHeld := func(id schemas.FileID) {
		t.Helper()
		_, err := guest.opened(id)
		wantProblem(t, err, ReasonReview)
	}
	clear("protection-1")
	clear("protection-1") // the same officer is no second one
	stillHeld(files[0].ID)
	withhold(files[1].ID) // another file of the message: what was said before was not about it
	clear("protection-2")
	stillHeld(files[0].ID)
	stillHeld(files[1].ID)
	clear("protection-1")
	for _, f := range files[:2] {
		if got, err := guest.opened(f.ID); err != nil || sha256Hex(got) != f.SHA256 {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	shown := guest.evidenceAt(files[0].ID)
	if shown.State != "complete" || custodyOf(shown) != before+", opened officer-1" {
		t.Errorf("it is %s, with the custody %q", shown.State, custodyOf(shown))
	}
	if up := guest.alertsUp(); len(up) > 0 {
		t.Errorf("alerts %v", up)
	}
	if sent := guest.outgoing(); len(sent) > 0 {
		t.Errorf("a peer is sent %d things", len(sent))
	}
	_, err := guest.ClearWithheld(t.Context(), "protection-1", message, []byte("proof"))
	wantProblem(t, err, ReasonNotFound)
}

// TestEvidenceIsReadForItsReader: whom a file names is looked up for who is to read it. Here somebody whom nothing else of the
// case names is protected from QP since the file was sent.
func TestEvidenceIsReadForItsReader(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	in := w.acceptedCase(t)
	host := w.desks[qn]
	e := host.mustAdd(in, "a.txt", append(bankText(2), []byte("The invoice was signed by TESTPERSON HOTEL-08 on that day.\n")...))
	host.sendHere(withEvidence(t, draft(t, qm, "result", in, ""), e.ID))
	w.carry(t)
	w.fetch(t)
	rulesFor := func(reader string) (rules []string) {
		t.Helper()
		if _, _, err := host.exportCase("approver", in, api.CaseRequest{Reader: reader}); err == nil {
			return nil
		}
		for _, held := range host.theHandout().Held {
			rules = append(rules, held.Rules...)
		}
		return rules
	}
	if rules := rulesFor("QM"); len(rules) > 0 {
		t.Errorf("before anybody is protected, %v stop it for QM", rules)
	}
	record := `{"ref":"h8","status":"granted","names":["TESTPERSON HOTEL-08"],"nationalities":["QM"],"feared_states":["QM"],"updated":"2026-11-20"}`
	if _, err := host.PutRegister(t.Context(), "protection-1", []byte(record)); err != nil {
		t.Fatal(err)
	}
	if rules := rulesFor("QM"); !slices.ContainsFunc(rules, func(r string) bool { return strings.HasPrefix(r, "ASY-") }) {
		t.Errorf("%v stop the file for QM, and none of them is about asylum", rules)
	}
	if rules := rulesFor("QN"); len(rules) > 0 {
		t.Errorf("%v stop the file at home", rules)
	}
}

// TestEvidenceOnADamagedDisk: an export that meets bytes that are not what they were ends with an error, and what came is no file.
func TestEvidenceOnADamagedDisk(t *testing.T) {
	w, in, files := aCaseWithEvidence(t)
	guest := w.desks[qm]
	path := filepath.Join(guest.config.Data, "evidence", "in", "qn-justice-"+string(files[0].ID))
	sealed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed[len(sealed)/2] ^= 1
	if err := os.WriteFile(path, sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = guest.exportCase("approver", in, api.CaseRequest{Reader: "QM"})
	wantProblem(t, err, ReasonReview) // what the scanner cannot open, it has not read
	for _, officer := range []string{"protection-1", "protection-2"} {
		if err := guest.letOut(officer, guest.theHandout()); err != nil {
			t.Fatal(err)
		}
	}
	file, said, err := guest.exportCase("approver", in, api.CaseRequest{Reader: "QM"})
	if evidence.ReasonOf(err) != evidence.Damaged || said.Files != 3 {
		t.Errorf("%+v, %v", said, err)
	}
	if got := w.verifies(file).Reasons(); !slices.Equal(got, []casefile.Reason{casefile.ArchiveUnreadable}) {
		t.Errorf("half a file is refused for %v", got)
	}
}

// TestLargeEvidenceIsNotHeldInMemory: what is exported and verified is never in memory as a whole.
func TestLargeEvidenceIsNotHeldInMemory(t *testing.T) {
	const size = 48 << 20
	w := newWorldOf(t, qm, qn)
	in := w.acceptedCase(t)
	host := w.desks[qn]
	e := host.mustAdd(in, "film.bin", random(size))
	host.sendHere(withEvidence(t, draft(t, qm, "result", in, ""), e.ID))
	w.carry(t)
	asked := api.CaseRequest{Reader: "QN"}
	_, _, err := host.exportCase("approver", in, asked)
	wantProblem(t, err, ReasonReview)
	for _, officer := range []string{"protection-1", "protection-2"} {
		if err := host.letOut(officer, host.theHandout()); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "case.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	heap := &heapOf{to: file}
	before := heap.now()
	if err := host.ExportCase(t.Context(), "approver", string(in), asked, func(api.CaseExport) {}, heap); err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	verdict := casefile.Verify(file, info.Size(), &w.scheme.Pin)
	if verdict.Defects != 0 || info.Size() < size {
		t.Errorf("%d bytes, refused for %v", info.Size(), verdict.Reasons())
	}
	if most := int64(heap.most) - int64(before); most > size/4 {
		t.Errorf("%d bytes of memory are held for a file of %d", most, size)
	} else {
		t.Logf("at most %d bytes more are held for a file of %d, seen %d times", most, size, heap.looks)
	}
}

// heapOf is a file that looks at what the process holds while it is written.
type heapOf struct {
	to            io.Writer
	written, next int64
	most          uint64
	looks         int
}

func (h *heapOf) now() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func (h *heapOf) Write(p []byte) (int, error) {
	if h.written >= h.next {
		h.next += 4 << 20
		h.looks++
		h.most = max(h.most, h.now())
	}
	h.written += int64(len(p))
	return h.to.Write(p)
}
