package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/store"
	"comity/schemas"
)

// addEvidence announces and streams a file at a desk.
func (d *desk) addEvidence(in schemas.CaseID, name string, content []byte, certified bool) (api.Evidence, error) {
	d.t.Helper()
	sum := sha256.Sum256(content)
	said, err := d.AnnounceEvidence(d.t.Context(), "officer-1", string(in), api.Announcement{
		Name: name, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), Certified: certified,
	})
	if err != nil {
		return api.Evidence{}, err
	}
	return d.AddEvidence(d.t.Context(), "officer-1", said.ID, bytes.NewReader(content))
}

func (d *desk) mustAdd(in schemas.CaseID, name string, content []byte) api.Evidence {
	d.t.Helper()
	e, err := d.addEvidence(in, name, content, false)
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// withEvidence is a draft that names files.
func withEvidence(t *testing.T, draft []byte, files ...schemas.FileID) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(draft, &object); err != nil {
		t.Fatal(err)
	}
	object["evidence"] = files
	delete(object, "attachments")
	if body := object["body"].(map[string]any); strings.HasPrefix(object["type"].(string), "mla.result") {
		delete(body, "items")
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// acceptedCase is a case that QN executes for QM.
func (w *world) acceptedCase(t *testing.T) schemas.CaseID {
	t.Helper()
	opened := w.desks[qm].send(draft(t, qn, "request", "", ""))
	w.carry(t)
	for _, content := range [][]byte{
		draft(t, qm, "acknowledgement", opened.Case, opened.ID),
		draft(t, qm, "decision", opened.Case, opened.ID, func(body map[string]any) { clear(body); body["outcome"] = "accepted" }),
	} {
		w.desks[qn].sendHere(content)
		w.carry(t)
	}
	return opened.Case
}

// sendHere sends, and has what the rules hold released.
func (d *desk) sendHere(content []byte) *store.Message {
	d.t.Helper()
	m := d.write(content)
	d.sealReviewed(m.ID)
	sent := d.message(d.me, m.ID)
	if sent.State != store.Sent {
		d.t.Fatalf("%s: message is %s %s, not sent", d.me, sent.State, sent.Reason)
	}
	return sent
}

// sendsChunks has a desk do whatever peers want of it now, and returns the chunks.
func (d *desk) sendsChunks() (wires map[schemas.AuthorityID][][]byte) {
	d.t.Helper()
	wires = map[schemas.AuthorityID][][]byte{}
	var mu sync.Mutex
	for _, peer := range d.jobs.idle() {
		for {
			j, more := d.jobs.next(peer)
			if !more {
				break
			}
			err := d.sendChunks(d.t.Context(), j, func(_ context.Context, j job, wire []byte) error {
				mu.Lock()
				defer mu.Unlock()
				wires[j.peer] = append(wires[j.peer], slices.Clone(wire))
				return nil
			})
			if err != nil {
				d.t.Fatal(err)
			}
		}
	}
	return wires
}

// fetch has every desk ask for files, send chunks, keep and finish them, until nothing moves.
func (w *world) fetch(t *testing.T) {
	t.Helper()
	for range 100 {
		moved := false
		for _, d := range w.desks {
			if _, err := d.fetchSome(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.carry(t)
		for _, d := range w.desks {
			for peer, wires := range d.sendsChunks() {
				for _, wire := range wires {
					moved = true
					if err := w.desks[peer].takeChunk(t.Context(), wire); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		for _, d := range w.desks {
			d.fetches.finish.Wait()
		}
		w.carry(t)
		if !moved {
			return
		}
	}
	t.Fatal("the desks never come to rest")
}

// evidenceAt is a file as a desk shows it.
func (d *desk) evidenceAt(id schemas.FileID) api.Evidence {
	d.t.Helper()
	e, err := d.EvidenceFile(d.t.Context(), string(id))
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

func (d *desk) opened(id schemas.FileID) ([]byte, error) {
	var content bytes.Buffer
	err := d.OpenEvidence(d.t.Context(), "officer-1", string(id), false, func(api.Evidence) {}, &content)
	return content.Bytes(), err
}

func custodyOf(e api.Evidence) string {
	var steps []string
	for _, c := range e.Custody {
		steps = append(steps, strings.TrimSpace(c.What+" "+c.Person))
	}
	return strings.Join(steps, ", ")
}

// bankText is a file that says nothing of anybody, in a language that the scanner knows.
func bankText(n int) []byte {
	line := "On the second day of the month the company paid the invoice for the spare parts to the supplier by bank transfer.\n"
	return []byte(strings.Repeat(line, n))
}

// announcementOf is what an officer says of a file.
func announcementOf(content []byte) api.Announcement {
	return api.Announcement{Name: "file.txt", Bytes: int64(len(content)), SHA256: sha256Hex(content)}
}
