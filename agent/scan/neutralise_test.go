package scan

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestNeutralise(t *testing.T) {
	s := newReading(t)
	author := entry{"docProps/core.xml", `<c xmlns:dc="d"><dc:creator>Asylum Office</dc:creator></c>`}
	letter := File{Name: "asylum letter.docx", Content: docx(t, `<w:p>`+run(clean)+`</w:p>`, author)}
	out, err := Neutralise(letter, 3, false)
	if err != nil {
		t.Fatal(err)
	}
	if out.Name != "attachment-3.docx" || !out.Changed || out.Before == out.After {
		t.Errorf("got %q, changed %v", out.Name, out.Changed)
	}
	if r := scanFile(t, s, out.File); r.Verdict != Pass {
		t.Errorf("after: %s, %v %v", r.Verdict, r.Hits, r.Unscannable)
	}
	again, err := Neutralise(letter, 3, false)
	if err != nil || again.After != out.After {
		t.Errorf("a second time it comes out otherwise: %v", err)
	}
	if out, err := Neutralise(letter, 3, true); err != nil || out.Changed || !bytes.Equal(out.Content, letter.Content) {
		t.Errorf("an original was altered: %v", err)
	}

	// What LibreOffice writes beside the text is gone, and nothing is left that could not be read.
	odt := File{Name: "x.odt", Content: zipOf(t, entry{"mimetype", "application/vnd.oasis.opendocument.text"}, entry{"layout-cache", "\x00\x01\x02"},
		entry{"Thumbnails/thumbnail.png", onePixel + "more"}, entry{"content.xml", "<a><p>" + clean + "</p></a>"}, entry{"meta.xml", "<m><t>Asylum Office</t></m>"},
		entry{"META-INF/manifest.xml", `<manifest:manifest xmlns:manifest="m"><manifest:file-entry manifest:full-path="layout-cache" manifest:media-type=""/></manifest:manifest>`})}
	if r := scanFile(t, s, odt); r.Verdict != Block || len(r.Unscannable) == 0 {
		t.Errorf("ODT before: %s for %v", r.Verdict, r.Unscannable)
	}
	if out, err := Neutralise(odt, 1, false); err != nil {
		t.Error(err)
	} else if r := scanFile(t, s, out.File); r.Verdict != Pass || len(r.Unscannable) > 0 || strings.Contains(r.FileText[0], "layout-cache") {
		t.Errorf("ODT after: %s for %v, %v, read %q", r.Verdict, r.Hits, r.Unscannable, r.FileText)
	}

	picture := onePixel[:len(onePixel)-12] + "\x00\x00\x00\x06tEXtasylum\x00\x00\x00\x00" + onePixel[len(onePixel)-12:]
	if out, err := Neutralise(File{Name: "a.png", Content: []byte(picture)}, 1, false); err != nil || strings.Contains(string(out.Content), "asylum") || string(out.Content) != onePixel {
		t.Errorf("the text of a PNG is still there: %q %v", out.Content, err)
	}
	jpeg := "\xff\xd8\xff\xe0\x00\x04ab\xff\xe1\x00\x08asylum\xff\xfe\x00\x04hi\xff\xda\x00\x02data\xff\xd9"
	if out, err := Neutralise(File{Name: "a.jpg", Content: []byte(jpeg + strings.Repeat("\x00", 8))}, 1, false); err != nil || string(out.Content) != "\xff\xd8\xff\xe0\x00\x04ab\xff\xda\x00\x02data\xff\xd9" {
		t.Errorf("the comment of a JPEG is still there: %q %v", out.Content, err)
	}
	if out, err := Neutralise(File{Name: "x.pdf", Content: pdfOf("(x)")}, 2, false); !errors.Is(err, ErrNotStripped) || out.Changed || out.Name != "attachment-2.pdf" {
		t.Errorf("PDF: %q, changed %v, %v", out.Name, out.Changed, err)
	}
}

// What follows the last point of a name is kept only where it is the ending of such a file: it may be a person's name.
func TestNeutralNameKeepsNothingWritten(t *testing.T) {
	for name, want := range map[string]string{
		"letter.TESTPERSON CHARLIE-01": "attachment-1.txt",
		"letter.asylum":                "attachment-1.txt",
		"no. 4711":                     "attachment-1.txt",
		"scan.\\share\\x":              "attachment-1.txt",
		"list.CSV ":                    "attachment-1.csv",
		"list.pdf":                     "attachment-1.txt",
	} {
		if out, err := Neutralise(File{Name: name, Content: []byte(clean)}, 1, false); err != nil || out.Name != want {
			t.Errorf("%q became %q, want %q (%v)", name, out.Name, want, err)
		}
	}
}
