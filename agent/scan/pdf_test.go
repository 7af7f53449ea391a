package scan

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pdfOf writes a PDF of one page with the given text, and further objects.
func pdfOf(text string, more ...string) []byte {
	var page bytes.Buffer
	z := zlib.NewWriter(&page)
	fmt.Fprintf(z, "BT /F1 12 Tf 72 720 Td %s Tj ET", text)
	z.Close()
	objects := append([]string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream", page.Len(), page.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}, more...)
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, at)
	return b.Bytes()
}

func TestPDF(t *testing.T) {
	needsTool(t, "pdftotext")
	s := newReading(t)
	text := "(" + clean + ")"
	for _, test := range []struct {
		name    string
		content []byte
		verdict Verdict
		reason  Reason
	}{
		{"clean", pdfOf(text), Pass, ""},
		{"word", pdfOf("(Her asylum claim)"), Block, ""},
		{"word in hexadecimal", pdfOf("<617379> Tj <6c756d>"), Block, ""},
		{"author", pdfOf(text, "<< /Author (Asylum Office) >>"), Block, ""},
		{"comment", pdfOf(text, "<< /Type /Annot /Subtype /Text /Contents (\\141sylum) >>"), Block, ""},
		{"title in UTF-16", pdfOf(text, "<< /Title <FEFF0072006500660075006700650065> >>"), Block, ""},
		{"XMP", pdfOf(text, "<< /Type /Metadata /Subtype /XML /Length 40 >>\nstream\n<x><dc:title>refugee list</dc:title></x>\nendstream"), Block, ""},
		{"script", pdfOf(text, "<< /S /JavaScript /JS (app.alert) >>"), Hold, Active},
		{"script with an escaped name", pdfOf(text, "<< /S /J#61vaScript >>"), Hold, Active},
		{"picture", pdfOf(text, "<< /Type /XObject /Subtype /Image >>"), Hold, Picture},
		{"layers", pdfOf(text, "<< /OCProperties << >> >>"), Hold, Active},
		{"embedded file", pdfOf(text, "<< /Type /EmbeddedFile /Length 6 >>\nstream\nasylum\nendstream"), Block, ""},
		{"encrypted", pdfOf(text, "<< /Encrypt 7 0 R >>"), Hold, Encrypted},
		{"no text", pdfOf("()"), Hold, NoText},
		{"revised", append(pdfOf(text), pdfOf(text)[9:]...), Hold, Revised},
		{"tail", append(pdfOf(text), strings.Repeat("hidden ", 200)...), Hold, Polyglot},
		{"and a ZIP", pdfOf(text, "<< /Length 30 >>\nstream\nPK\x05\x06"+strings.Repeat("\x00", 18)+"\nendstream"), Hold, Polyglot},
		{"cut short", pdfOf(text)[:200], Hold, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := scanFile(t, s, File{Name: "a.pdf", Content: test.content})
			if r.Verdict != test.verdict {
				t.Errorf("verdict %s, want %s: %+v %v, read %q", r.Verdict, test.verdict, r.Hits, r.Unscannable, r.FileText)
			}
			if got := reasonsOf(r); test.reason != "" && !slices.Contains(got, test.reason) || test.verdict == Pass && len(got) > 0 {
				t.Errorf("unscannable for %v, want %q", got, test.reason)
			}
		})
	}
}

// TestWithoutTools hides the programs of the system: what they would read is held.
func TestWithoutTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	s := newReading(t)
	for _, f := range []File{{Name: "a.pdf", Content: pdfOf("(" + clean + ")")}, {Name: "a.png", Content: []byte(onePixel + "\x00")}} {
		if r := scanFile(t, s, f); r.Verdict != Hold || !slices.Contains(reasonsOf(r), NoReader) {
			t.Errorf("%s: got %s for %v, want hold for %s", f.Name, r.Verdict, reasonsOf(r), NoReader)
		}
	}
	for _, tool := range Tools() {
		if tool.Path != "" {
			t.Errorf("%s is found at %s", tool.Name, tool.Path)
		}
	}
}

// TestPicture reads a word off a picture: it blocks, and a picture without one is held.
func TestPicture(t *testing.T) {
	needsTool(t, "tesseract")
	needsTool(t, "pdftoppm")
	s := newReading(t)
	for word, verdict := range map[string]Verdict{"asylum": Block, "account": Hold} {
		page, err := runTool("pdftoppm", pdfOf("(The "+word+" in a picture)"), "-r", "150", "-png", "-singlefile", "-")
		if _, failed := err.(*exec.ExitError); err != nil || failed {
			t.Fatalf("drawing a page: %v", err)
		}
		r := scanFile(t, s, File{Name: "a.png", Content: page})
		if r.Verdict != verdict || !slices.Contains(reasonsOf(r), Picture) {
			t.Errorf("%s: got %s for %v, read %q", word, r.Verdict, reasonsOf(r), r.FileText)
		}
	}
}
