package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"image"
	"image/png"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"comity/agent/envelope"
	"comity/agent/scan"
	"comity/agent/store"
	"comity/schemas"
)

// picture is a PNG with a line of metadata.
func picture(t *testing.T, metadata string) []byte {
	t.Helper()
	var plain bytes.Buffer
	if err := png.Encode(&plain, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	chunk := append([]byte("tEXt"), "Comment\x00"+metadata...)
	var out bytes.Buffer
	out.Write(plain.Bytes()[:33]) // signature and IHDR
	binary.Write(&out, binary.BigEndian, uint32(len(chunk)-4))
	out.Write(chunk)
	binary.Write(&out, binary.BigEndian, crc32.ChecksumIEEE(chunk))
	out.Write(plain.Bytes()[33:])
	return out.Bytes()
}

// carrying is a supplement-free request that carries one file.
func carrying(t *testing.T, name, mediaType string, content []byte, change func(object, file map[string]any)) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(aboutSomebody(t), &object); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	file := map[string]any{
		"name": name, "media_type": mediaType, "sha256": hex.EncodeToString(sum[:]), "bytes": len(content),
		"content": base64.StdEncoding.EncodeToString(content),
	}
	object["attachments"] = []any{file}
	if change != nil {
		change(object, file)
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// withReader gives a desk the child process that reads attachments: the test binary itself.
func (d *desk) withReader() {
	d.t.Helper()
	self, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	if d.scanner, err = scan.New(scan.Config{Extractor: []string{self}}); err != nil {
		d.t.Fatal(err)
	}
	d.policy.config.Scanner = d.scanner
	d.policy.load()
}

// A file is made neutral when it is attached, before anybody approves, and the officer is shown what was read of it.
func TestFilesAreMadeNeutralWhenTheyAreAttached(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	d.withReader()
	content := picture(t, "taken on a quiet day")
	made, err := d.Draft(t.Context(), "officer-1", carrying(t, "my-holiday.png", "image/png", content, nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(made[0].Files) != 1 || !made[0].Files[0].Neutralised || made[0].Files[0].Name != "attachment-1.png" {
		t.Fatalf("files %+v", made[0].Files)
	}
	m := d.message(qm, made[0].ID)
	if bytes.Contains(m.Payload, []byte(base64.StdEncoding.EncodeToString([]byte("quiet day"))[:8])) || strings.Contains(string(m.Payload), "holiday") {
		t.Error("metadata or name are still in what would be approved")
	}
	if _, err := schemas.Validate(m.Payload); err != nil {
		t.Error(err)
	}
}

// What was taken out of a file counts as if it stood there: the author of a photo names a reception centre, and the photo waits.
func TestAHitInMetadataCountsThoughItIsTakenOut(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	d.withReader()
	for metadata, want := range map[string]bool{"she has applied for asylum": true, "taken on a quiet day": false} {
		made, err := d.Draft(t.Context(), "officer-1", carrying(t, "photo-1.png", "image/png", picture(t, metadata), nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := made[0].Files[0].Reading == readingHit; got != want {
			t.Errorf("%q is read as %s", metadata, made[0].Files[0].Reading)
		}
		if _, err := d.Approve(t.Context(), "approver", made[0].ID, made[0].SHA256, []byte("proof")); err != nil {
			t.Fatal(err)
		}
		d.seal(made[0].ID)
		r := d.review(made[0].ID)
		if got := slices.Contains(r.Rules, "ASY-07"); got != want {
			t.Errorf("%q: stopped by %v", metadata, r.Rules)
		}
	}
}

// A certified original keeps every byte.
func TestAnOriginalIsNeverAltered(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	content := picture(t, "exhibit 7")
	sum := sha256.Sum256(content)
	var object map[string]any
	if err := json.Unmarshal(draft(t, qm, "result", "", ""), &object); err != nil {
		t.Fatal(err)
	}
	p := &schemas.Payload{}
	body, err := json.Marshal(map[string]any{"items": []any{map[string]any{"sha256": hex.EncodeToString(sum[:]), "certified": true}}})
	if err != nil {
		t.Fatal(err)
	}
	p.Body = body
	if !originalsIn(p)[hex.EncodeToString(sum[:])] {
		t.Fatal("a certified item is not taken for an original")
	}
	files, err := d.attach(t.Context(), &schemas.Draft{Payload: []byte("{}"), Parsed: &schemas.Payload{
		Body: body, Attachments: []schemas.Attachment{{Name: "exhibit-7.png", MediaType: "image/png", Content: content, SHA256: hex.EncodeToString(sum[:])}},
	}})
	if err != nil || files[0].Was != files[0].Became || files[0].Original != nil {
		t.Errorf("files %+v, %v", files, err)
	}
}

// A file that came with a limit is known again under the hash that it has once it is neutral.
func TestAReceivedFileIsKnownAfterItWasMadeNeutral(t *testing.T) {
	w := newWorldOf(t, qm, qn, qp)
	d := w.desks[qm]
	content := picture(t, "seized at the harbour")
	handed := carrying(t, "photo-1.png", "image/png", content, func(object, _ map[string]any) {
		delete(object, "to")
		delete(object, "home")
		delete(object, "onward_to")
		object["use_limit"], object["confidential"], object["onward"] = "stated-case-only", true, "none"
	})
	d.take(w.desks[qn].forge(qm, payloadOf(t, withRecipient(t, handed, qm)), 1, envelope.Hash{}))
	if got := d.received(qn).Screening; got != store.ScreenClear {
		t.Fatalf("screening %s", got)
	}
	for name, file := range map[string][]byte{"as it came": content, "made neutral before": neutralised(t, content)} {
		m := d.write(withRecipient(t, carrying(t, "photo-1.png", "image/png", file, nil), qp))
		d.seal(m.ID)
		if r := d.review(m.ID); !slices.Contains(r.Rules, "ASY-08") {
			t.Errorf("%s: stopped by %v, want ASY-08", name, r.Rules)
		}
	}
}

func withRecipient(t *testing.T, content []byte, to schemas.AuthorityID) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(content, &object); err != nil {
		t.Fatal(err)
	}
	object["to"] = []any{string(to)}
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func neutralised(t *testing.T, content []byte) []byte {
	t.Helper()
	n, err := scan.Neutralise(scan.File{Name: "photo-1.png", Content: content}, 1, false)
	if err != nil || !n.Changed {
		t.Fatalf("changed %v, %v", n.Changed, err)
	}
	return n.Content
}
