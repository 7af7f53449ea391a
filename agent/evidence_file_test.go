package agent

import (
	"bytes"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/evidence"
	"comity/agent/store"
	"comity/schemas"
)

// TestEvidenceTravels: a file is added, approved with its message, sealed, fetched, believed, opened and returned, and each
// step stands in its custody and in the journal.
func TestEvidenceTravels(t *testing.T) {
	w := newWorld(t)
	in := w.acceptedCase(t)
	host, guest := w.desks[qn], w.desks[qm]
	content := bankText(6_000) // two chunks
	e := host.mustAdd(in, "TESTPERSON statement.txt", content)
	if e.State != "ready" || e.Reading != readingClean || e.Name != "evidence-1.txt" || e.MediaType != "text/plain" {
		t.Errorf("added as %+v", e)
	}
	if _, err := host.addEvidence(in, "again.txt", content, false); err == nil {
		t.Error("the same file was added twice")
	} else {
		wantProblem(t, err, ReasonDuplicate)
	}
	full := func(body map[string]any) { body["extent"] = "full" }
	sent := host.send(withEvidence(t, draft(t, qm, "result", in, "", full), e.ID)) // clean: nobody has to release it
	if moved := guest.sendsChunks(); len(moved) > 0 {
		t.Error("chunks before anybody asked")
	}
	w.carry(t)
	if _, err := guest.opened(e.ID); err == nil {
		t.Error("opened before a chunk was there")
	} else {
		wantProblem(t, err, string(evidence.NotWhole))
	}
	w.fetch(t)
	at := guest.evidenceAt(e.ID)
	if at.State != "complete" || at.Have != at.Chunks || !at.Receipted || at.Message != sent.ID || at.SHA256 != e.SHA256 {
		t.Errorf("arrived as %+v", at)
	}
	got, err := guest.opened(e.ID)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("opened %d bytes, %v; %d were added", len(got), err, len(content))
	}
	if from := host.evidenceAt(e.ID); from.State != "delivered" || !from.Receipted || custodyOf(from) != "added officer-1, sent, delivered" {
		t.Errorf("at its owner: %s, %s", from.State, custodyOf(from))
	}
	// The receipt that the message stands is another thing than the word that the file does.
	if m := host.message(qn, sent.ID); m.State != store.Delivered || bytes.Equal(m.Receipt, host.rowOf(e.ID).Receipt) {
		t.Errorf("the message is %s, or its receipt is the file's", m.State)
	}
	guest.sendHere(draft(t, qn, "result-receipt", in, sent.ID))
	w.carry(t)
	back := draft(t, qn, "return-of-evidence", in, "", func(body map[string]any) {
		body["items"] = []any{map[string]any{"message": string(sent.ID), "sha256": e.SHA256}}
	})
	guest.sendHere(back)
	w.carry(t)
	if steps := custodyOf(guest.evidenceAt(e.ID)); steps != "received, opened officer-1, returned" {
		t.Errorf("at QM: %s", steps)
	}
	if steps := custodyOf(host.evidenceAt(e.ID)); steps != "added officer-1, sent, delivered, returned" {
		t.Errorf("at QN: %s", steps)
	}
	for _, d := range w.desks {
		if report, err := d.VerifyJournal(t.Context(), nil); err != nil || len(report.Defects) > 0 {
			t.Errorf("%s: %v, %+v", d.me, err, report.Defects)
		}
	}
}

func (d *desk) rowOf(id schemas.FileID) (e *store.Evidence) {
	d.t.Helper()
	if err := d.store.View(d.t.Context(), func(tx *store.Tx) (err error) { e, err = evidenceBy(tx, string(id)); return err }); err != nil {
		d.t.Fatal(err)
	}
	return e
}

// random is what no scanner can read.
func random(n int) []byte {
	b := make([]byte, n)
	mathrand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// TestNoChunkBeforeItsMessage: a want gets nothing but an alarm unless the message that names the file was cleared and sealed
// for whoever asks. Each case is what a dishonest peer that knows every identifier could try.
func TestNoChunkBeforeItsMessage(t *testing.T) {
	w := newWorld(t)
	in := w.acceptedCase(t)
	host := w.desks[qn]
	e := host.mustAdd(in, "a.bin", random(700_000))
	if e.Reading != readingUnread {
		t.Errorf("random bytes were read as %s", e.Reading)
	}
	m := host.write(withEvidence(t, draft(t, qm, "result", in, ""), e.ID))
	want := func(from schemas.AuthorityID, message schemas.MessageID, file schemas.FileID) int {
		t.Helper()
		err := host.store.Update(t.Context(), func(tx *store.Tx) error {
			may, err := host.allowed(tx, envelope.Header{From: from, ID: schemas.NewMessageID(), Channel: schemas.ChannelMLA}, envelope.Want{
				Message: message, Files: []envelope.WantedFile{{File: file, Ranges: []envelope.ChunkRange{{First: 0, Last: 9}}}}})
			for _, j := range may {
				host.jobs.put(j)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return len(host.sendsChunks()[from])
	}
	refused := func(what string, from schemas.AuthorityID, message schemas.MessageID, file schemas.FileID) {
		t.Helper()
		if n := want(from, message, file); n > 0 {
			t.Errorf("%s: %d chunks left", what, n)
		}
		if alarm := "want-wrong " + string(message); !slices.Contains(host.alarms(), alarm) {
			t.Errorf("%s: alarms %v lack %q", what, host.alarms(), alarm)
		}
		if err := host.store.Update(t.Context(), func(tx *store.Tx) error { return tx.ClearAlarmsOf(string(AlarmWant), host.now()) }); err != nil {
			t.Fatal(err)
		}
	}
	refused("approved, not decided on", qm, m.ID, e.ID)
	host.seal(m.ID)
	if state := host.message(qn, m.ID).State; state != store.UnderReview {
		t.Fatalf("a file that nobody can read is in a message that is %s", state)
	}
	refused("under review", qm, m.ID, e.ID)
	host.sealReviewed(m.ID)
	refused("sealed for another", qp, m.ID, e.ID)
	refused("a file that the message does not name", qm, m.ID, schemas.NewFileID())
	refused("a message that is none", qm, schemas.NewMessageID(), e.ID)
	if n := want(qm, m.ID, e.ID); n != 2 {
		t.Errorf("sealed and wanted by its recipient: %d chunks, want 2", n)
	}
	if steps := custodyOf(host.evidenceAt(e.ID)); steps != "added officer-1, sent" {
		t.Errorf("custody: %s", steps)
	}
}

// TestEvidenceIsDecidedOn: the rules read a file as if it stood in the message, and what is too large to read counts as not
// read, whatever stands in it.
func TestEvidenceIsDecidedOn(t *testing.T) {
	w := newWorld(t)
	in := w.acceptedCase(t)
	host := w.desks[qn]
	for _, test := range []struct {
		name    string
		content []byte
		want    store.State
	}{
		{"clean.txt", bankText(10), store.Sent},
		{"asylum.txt", append(bankText(2), []byte("The witness has applied for asylum and was granted refugee status in this State.\n")...), store.UnderReview},
		{"random.bin", random(5000), store.UnderReview},
		{"large.txt", bankText(scannable / 80), store.UnderReview},
	} {
		e := host.mustAdd(in, test.name, test.content)
		m := host.write(withEvidence(t, draft(t, qm, "result", in, ""), e.ID))
		host.seal(m.ID)
		if got := host.message(qn, m.ID); got.State != test.want {
			t.Errorf("%s (%s): the message is %s %s, want %s", test.name, e.Reading, got.State, got.Reason, test.want)
		}
		if test.want == store.Sent {
			continue
		}
		if wires := host.sendsChunks(); len(wires) > 0 {
			t.Errorf("%s: chunks of a message that was stopped", test.name)
		}
	}
}

// TestDraftNamesItsOwnFiles: no draft can name a file that is another case's, or say of one what it is not.
func TestDraftNamesItsOwnFiles(t *testing.T) {
	w := newWorld(t)
	in, other := w.acceptedCase(t), w.acceptedCase(t)
	host := w.desks[qn]
	here, there := host.mustAdd(in, "a.txt", bankText(3)), host.mustAdd(other, "b.txt", bankText(4))
	result := func(files ...schemas.FileID) []byte { return withEvidence(t, draft(t, qm, "result", in, ""), files...) }
	manifest, err := schemas.Canonical(host.rowOf(here.ID).Manifest)
	if err != nil {
		t.Fatal(err)
	}
	lie := func(old, new string) []byte {
		text := strings.Replace(string(result(here.ID)), `"`+string(here.ID)+`"`, strings.Replace(string(manifest), old, new, 1), 1)
		return []byte(text)
	}
	for name, content := range map[string][]byte{
		"of another case":   result(there.ID),
		"never added":       result(schemas.NewFileID()),
		"certified, not so": lie(`"certified":false`, `"certified":true`),
		"another root":      lie(`"root":"`, `"root":"0`)[:0],
	} {
		if len(content) == 0 {
			continue
		}
		if _, err := host.Draft(t.Context(), "officer-1", content); err == nil {
			t.Errorf("%s: drafted", name)
		} else {
			wantProblem(t, err, ReasonEvidence)
		}
	}
	if _, err := host.Draft(t.Context(), "officer-1", lie("", "")); err != nil {
		t.Errorf("the manifest as it is: %v", err)
	}
	opening := withEvidence(t, draft(t, qm, "request", "", ""), here.ID)
	if _, err := host.Draft(t.Context(), "officer-1", opening); err == nil {
		t.Error("a message that opens a case names a file of another")
	}
}

// TestWrongChunksAlarm: what is no chunk of ours is refused by its name, and the file arrives all the same.
func TestWrongChunksAlarm(t *testing.T) {
	w := newWorld(t)
	in := w.acceptedCase(t)
	host, guest := w.desks[qn], w.desks[qm]
	e := host.mustAdd(in, "a.txt", bankText(16_000))
	host.sendHere(withEvidence(t, draft(t, qm, "result", in, ""), e.ID))
	w.carry(t)
	if _, err := guest.fetchSome(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.carry(t)
	wires := host.sendsChunks()[qm]
	if len(wires) < 4 {
		t.Fatalf("%d chunks", len(wires))
	}
	slices.SortFunc(wires, func(a, b []byte) int { return placeOf(t, a) - placeOf(t, b) }) // they leave some at a time
	change := func(wire []byte, by func(*schemas.ChunkRoute, []byte) []byte) []byte {
		r, body, err := schemas.DecodeChunk(slices.Clone(wire))
		if err != nil {
			t.Fatal(err)
		}
		body = by(&r, body)
		changed, err := schemas.EncodeChunk(r, body)
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	for _, test := range []struct {
		name  string
		wire  []byte
		alarm evidence.Reason
	}{
		{"corrupted", change(wires[0], func(_ *schemas.ChunkRoute, b []byte) []byte { b[7] ^= 1; return b }), evidence.Altered},
		{"truncated", change(wires[0], func(_ *schemas.ChunkRoute, b []byte) []byte { return b[:9] }), evidence.Truncated},
		{"reordered", change(wires[0], func(r *schemas.ChunkRoute, b []byte) []byte { r.Index ^= 1; return b }), evidence.Misplaced},
		{"foreign file", change(wires[0], func(r *schemas.ChunkRoute, b []byte) []byte { r.File = schemas.NewFileID(); return b }), evidence.Foreign},
		{"foreign sender", change(wires[0], func(r *schemas.ChunkRoute, b []byte) []byte { r.From = qp; return b }), evidence.Foreign},
		{"for another", change(wires[0], func(r *schemas.ChunkRoute, b []byte) []byte { r.To = qp; return b }), evidence.NotAChunk},
		{"no chunk at all", []byte("CMC1 nothing"), evidence.NotAChunk},
	} {
		if err := guest.takeChunk(t.Context(), test.wire); err != nil {
			t.Fatal(err)
		}
		if alarm := "chunk-refused " + string(test.alarm); !slices.Contains(guest.alarms(), alarm) {
			t.Errorf("%s: alarms %v lack %q", test.name, guest.alarms(), alarm)
		}
		t.Logf("%-16s refused: %s", test.name, test.alarm)
		if err := guest.store.Update(t.Context(), func(tx *store.Tx) error { return tx.ClearAlarmsOf(string(AlarmChunk), guest.now()) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, wire := range wires {
		if err := guest.takeChunk(t.Context(), wire); err != nil {
			t.Fatal(err)
		}
	}
	guest.fetches.finish.Wait()
	if at := guest.evidenceAt(e.ID); at.State != "complete" {
		t.Errorf("the file is %s", at.State)
	}
	if err := guest.takeChunk(t.Context(), wires[0]); err != nil || slices.ContainsFunc(guest.alarms(), func(a string) bool { return strings.HasPrefix(a, "chunk") }) {
		t.Errorf("a late copy: %v, alarms %v", err, guest.alarms())
	}
}

// TestEvidenceNeedsRoles: a file is announced and streamed by one person, and read by whose role allows it.
func TestAnnouncedFilesAreOnesOwn(t *testing.T) {
	w := newWorld(t)
	in := w.acceptedCase(t)
	host := w.desks[qn]
	content := bankText(2)
	said, err := host.AnnounceEvidence(t.Context(), "officer-1", string(in), api.Announcement{Name: "a.txt", Bytes: int64(len(content)), SHA256: sha256Hex(content)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = host.AddEvidence(t.Context(), "officer-2", said.ID, bytes.NewReader(content))
	wantProblem(t, err, ReasonNotFound)
	for name, a := range map[string]api.Announcement{
		string(evidence.Empty):    {Name: "a", SHA256: sha256Hex(nil)},
		string(evidence.TooLarge): {Name: "a", Bytes: evidence.MaxBytes + 1, SHA256: sha256Hex(nil)},
		api.ReasonRequest:         {Name: "a", Bytes: 1, SHA256: "abc"},
	} {
		_, err := host.AnnounceEvidence(t.Context(), "officer-1", string(in), a)
		wantProblem(t, err, name)
	}
	if _, err := host.AnnounceEvidence(t.Context(), "officer-1", string(in), api.Announcement{Name: "a.txt", Bytes: 2, SHA256: sha256Hex([]byte("ab"))}); err != nil {
		t.Fatal(err)
	}
}

func placeOf(t *testing.T, wire []byte) int {
	t.Helper()
	r, _, err := schemas.DecodeChunk(wire)
	if err != nil {
		t.Fatal(err)
	}
	return int(r.Index)
}
