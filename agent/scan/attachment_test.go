package scan

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// needsTool skips where a program of the system is missing, except in CI, which installs it.
func needsTool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("COMITY_REQUIRE") != "" {
		t.Fatalf("%s is not installed, and COMITY_REQUIRE asks for it", name)
	}
	t.Skipf("%s is not installed", name)
}

type entry struct{ name, content string }

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const wordHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document xmlns:w="w" xmlns:wp="wp"><w:body>`

// docx is a document with the given body and further parts.
func docx(t testing.TB, body string, more ...entry) []byte {
	t.Helper()
	return zipOf(t, append([]entry{
		{"[Content_Types].xml", `<?xml version="1.0" encoding="UTF-8"?><Types xmlns="t"></Types>`},
		{"word/document.xml", wordHead + body + `</w:body></w:document>`},
	}, more...)...)
}

func run(text string) string {
	return `<w:r w:rsidR="00AA"><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">` + text + `</w:t></w:r>`
}

func scanFile(t testing.TB, s *Scanner, f File) Report {
	t.Helper()
	r, err := s.Scan(context.Background(), Input{Files: []File{f}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func reasonsOf(r Report) []Reason {
	var all []Reason
	for _, u := range r.Unscannable {
		all = append(all, u.Reason)
	}
	return all
}

const clean = "The account was opened on 7 May 2025."

func TestAttachments(t *testing.T) {
	s := newReading(t)
	odt := func(entries ...entry) []byte {
		return zipOf(t, append([]entry{{"mimetype", "application/vnd.oasis.opendocument.text"}}, entries...)...)
	}
	odfText := func(body string) entry {
		return entry{"content.xml", `<?xml version="1.0"?><office:document-content xmlns:office="o" xmlns:text="t" xmlns:table="tb"><office:body>` + body + `</office:body></office:document-content>`}
	}
	mail := func(subject, kind, body string) string {
		return "From: desk@qm.example\r\nTo: desk@qn.example\r\nSubject: " + subject + "\r\nMIME-Version: 1.0\r\nContent-Type: " + kind + "\r\n\r\n" + body
	}
	nested := func(depth int, word string) []byte {
		content := []byte(word)
		name := "note.txt"
		for range depth {
			content, name = zipOf(t, entry{name, string(content)}), "more.zip"
		}
		return content
	}
	for _, test := range []struct {
		name    string
		file    File
		verdict Verdict
		reason  Reason // "" where everything was read
	}{
		{"text", File{Name: "a.txt", Content: []byte(clean)}, Pass, ""},
		{"text with a word", File{Name: "a.txt", Content: []byte("asylum granted")}, Block, ""},
		{"name with a word", File{Name: "asylum-claim.txt", Content: []byte(clean)}, Block, ""},
		{"camel case name", File{Name: "myRefugeeCase.txt", Content: []byte(clean)}, Hold, ""},
		{"UTF-16", File{Name: "a.txt", Content: []byte("\xff\xfea\x00s\x00y\x00l\x00u\x00m\x00")}, Block, ""},
		{"nulls", File{Name: "a.txt", Content: []byte("a\x00b")}, Hold, NotText},
		{"docx", File{Name: "a.docx", Content: docx(t, `<w:p>`+run(clean)+`</w:p>`)}, Pass, ""},
		{"docx split runs", File{Name: "a.docx", Content: docx(t, `<w:p>`+run("asy")+run("lum")+`</w:p>`)}, Block, ""},
		{"docx two paragraphs", File{Name: "a.docx", Content: docx(t, `<w:p>`+run("asy")+`</w:p><w:p>`+run("lum")+`</w:p>`)}, Hold, ""},
		{"docx deletion", File{Name: "a.docx", Content: docx(t, `<w:p>`+run("asy")+`<w:del><w:r><w:delText>xx</w:delText></w:r></w:del>`+run("lum")+`</w:p>`)}, Block, ""},
		{"docx deleted", File{Name: "a.docx", Content: docx(t, `<w:p><w:del><w:r><w:delText>her asylum claim</w:delText></w:r></w:del></w:p>`)}, Block, ""},
		{"docx comment", File{Name: "a.docx", Content: docx(t, run(clean), entry{"word/comments.xml", `<w:comments xmlns:w="w"><w:comment w:author="a"><w:p>` + run("refugee?") + `</w:p></w:comment></w:comments>`})}, Block, ""},
		{"docx header", File{Name: "a.docx", Content: docx(t, run(clean), entry{"word/header1.xml", `<w:hdr xmlns:w="w"><w:p>` + run("Asylum Unit") + `</w:p></w:hdr>`})}, Block, ""},
		{"docx alt text", File{Name: "a.docx", Content: docx(t, `<wp:docPr id="1" descr="refugee camp"/>`)}, Block, ""},
		{"docx author", File{Name: "a.docx", Content: docx(t, run(clean), entry{"docProps/core.xml", `<c xmlns:dc="d"><dc:creator>Asylum Office</dc:creator></c>`})}, Block, ""},
		{"docx link", File{Name: "a.docx", Content: docx(t, run(clean), entry{"word/_rels/document.xml.rels", `<R><Relationship Target="https://asylum.example/x"/></R>`})}, Block, ""},
		{"docx custom XML", File{Name: "a.docx", Content: docx(t, run(clean), entry{"customXml/item1.xml", `<a><b>asylum</b></a>`})}, Block, ""},
		{"docx macro", File{Name: "a.docx", Content: docx(t, run(clean), entry{"word/vbaProject.bin", "x"})}, Hold, Macros},
		{"docx picture", File{Name: "a.docx", Content: docx(t, run(clean), entry{"word/media/i.png", onePixel + "\x00"})}, Hold, Picture},
		{"docx embedded sheet", File{Name: "a.docx", Content: docx(t, run(clean), entry{"word/embeddings/s.xlsx", string(zipOf(t, entry{"[Content_Types].xml", "<T/>"}, entry{"xl/sharedStrings.xml", "<sst><si><r><t>refu</t></r><r><t>gee</t></r></si></sst>"}))})}, Block, ""},
		{"docx entity", File{Name: "a.docx", Content: docx(t, run(clean), entry{"word/x.xml", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`})}, Hold, Broken},
		{"xlsx", File{Name: "a.xlsx", Content: zipOf(t, entry{"[Content_Types].xml", "<T/>"}, entry{"xl/workbook.xml", `<workbook><sheets><sheet name="Asylum cases" state="hidden"/></sheets></workbook>`})}, Block, ""},
		{"pptx", File{Name: "a.pptx", Content: zipOf(t, entry{"[Content_Types].xml", "<T/>"}, entry{"ppt/notesSlides/n1.xml", `<n xmlns:a="a"><a:p><a:r><a:t>asy</a:t></a:r><a:r><a:t>lum</a:t></a:r></a:p></n>`})}, Block, ""},
		{"odt", File{Name: "a.odt", Content: odt(odfText(`<text:p>` + clean + `</text:p>`))}, Pass, ""},
		{"odt spans", File{Name: "a.odt", Content: odt(odfText(`<text:p>asy<text:span>lum</text:span></text:p>`))}, Block, ""},
		{"ods", File{Name: "a.ods", Content: odt(odfText(`<table:table table:name="refugees"/>`))}, Block, ""},
		{"odt encrypted", File{Name: "a.odt", Content: odt(entry{"META-INF/manifest.xml", `<m><encryption-data/></m>`})}, Hold, Encrypted},
		{"html", File{Name: "a.html", Content: []byte("<html><body><p>" + clean + "</p></body></html>")}, Pass, ""},
		{"html split", File{Name: "a.html", Content: []byte("<html><body>asy<b>l</b>um</body></html>")}, Block, ""},
		{"html comment", File{Name: "a.html", Content: []byte("<html><body>x<!-- refugee --></body></html>")}, Block, ""},
		{"html attribute", File{Name: "a.html", Content: []byte(`<html><body><p title="refugee status">x</p></body></html>`)}, Block, ""},
		{"html picture", File{Name: "a.html", Content: []byte(`<html><body><img src="x.png"></body></html>`)}, Hold, Picture},
		{"rtf", File{Name: "a.rtf", Content: []byte(`{\rtf1\ansi ` + clean + `\par}`)}, Pass, ""},
		{"rtf cut short", File{Name: "a.rtf", Content: []byte(`{\rtf1\ansi ` + clean)}, Hold, Broken},
		{"html script", File{Name: "a.html", Content: []byte("<html><body>x<script>document.write(1)</script></body></html>")}, Hold, Active},
		{"html handler", File{Name: "a.html", Content: []byte(`<html><body onload="x()">x</body></html>`)}, Hold, Active},
		{"html and PDF", File{Name: "a.html", Content: []byte("<html><!-- %PDF-1.4 --><body>x</body></html>")}, Hold, Polyglot},
		{"zip and PDF", File{Name: "a.zip", Content: zipOf(t, entry{"%PDF-1.4", "x"})}, Hold, Polyglot},
		{"rtf escapes", File{Name: "a.rtf", Content: []byte(`{\rtf1\ansi a\'73y{\b l}um}`)}, Block, ""},
		{"rtf unicode", File{Name: "a.rtf", Content: []byte(`{\rtf1\ansi r\u233?fugi\u233?}`)}, Block, ""},
		{"rtf object", File{Name: "a.rtf", Content: []byte(`{\rtf1 {\object\objdata 00}}`)}, Hold, Embedded},
		{"mail", File{Name: "a.eml", Content: []byte(mail("Bank records", "text/plain", clean))}, Pass, ""},
		{"mail subject", File{Name: "a.eml", Content: []byte(mail("=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte("refugee status"))+"?=", "text/plain", clean))}, Block, ""},
		{"mail attachment", File{Name: "a.eml", Content: []byte(mail("x", `multipart/mixed; boundary="b"`, "--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"n.zip\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"+base64.StdEncoding.EncodeToString(zipOf(t, entry{"n.txt", "asylum"}))+"\r\n--b--\r\n"))}, Block, ""},
		{"mail latin-1", File{Name: "a.eml", Content: []byte(mail("x", "text/plain; charset=iso-8859-1", "=\r\n") + "")}, Pass, ""},
		{"zip", File{Name: "a.zip", Content: nested(1, clean)}, Pass, ""},
		{"zip in zip", File{Name: "a.zip", Content: nested(4, "asylum")}, Block, ""},
		{"zip too deep", File{Name: "a.zip", Content: nested(5, "asylum")}, Hold, TooMuch},
		{"zip bomb", File{Name: "a.zip", Content: zipOf(t, entry{"a.txt", strings.Repeat("0", 12<<20)})}, Hold, TooMuch},
		{"zip with many entries", File{Name: "a.zip", Content: zipOf(t, manyEntries(1001)...)}, Hold, TooMuch},
		{"zip cut short", File{Name: "a.zip", Content: nested(1, clean)[:60]}, Hold, Broken},
		{"zip with a tail", File{Name: "a.zip", Content: append(nested(1, clean), "hidden behind the end"...)}, Hold, Polyglot},
		{"zip encrypted", File{Name: "a.zip", Content: encrypted(nested(1, clean))}, Hold, Encrypted},
		{"zip of an executable", File{Name: "a.zip", Content: zipOf(t, entry{"a.bin", "\x7fELF\x02\x01\x01\x00\x00"})}, Hold, NotText},
		{"wrong ending", File{Name: "a.pdf", Content: []byte(clean)}, Hold, Mismatched},
		{"wrong media type", File{Name: "a", MediaType: "image/png", Content: []byte(clean)}, Hold, Mismatched},
		{"old office format", File{Name: "a.doc", Content: []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00")}, Hold, Encrypted},
		{"7z", File{Name: "a.7z", Content: []byte("7z\xbc\xaf\x27\x1c\x00\x04")}, Hold, NotText},
		{"empty", File{Name: "a.txt"}, Pass, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := scanFile(t, s, test.file)
			if r.Verdict != test.verdict {
				t.Errorf("verdict %s, want %s: %+v %v, read %q", r.Verdict, test.verdict, r.Hits, r.Unscannable, r.FileText)
			}
			if got := reasonsOf(r); test.reason == "" && len(got) > 0 || test.reason != "" && !slices.Contains(got, test.reason) {
				t.Errorf("unscannable for %v, want %q", got, test.reason)
			}
		})
	}
}

func manyEntries(n int) []entry {
	var all []entry
	for i := range n {
		all = append(all, entry{fmt.Sprintf("%d.txt", i), "x"})
	}
	return all
}

// encrypted sets the flag in the local header and in the directory.
func encrypted(archive []byte) []byte {
	archive[6] |= 1
	at := bytes.Index(archive, []byte("PK\x01\x02"))
	archive[at+8] |= 1
	return archive
}

// TestChild reads attachments as an agent does, in a child process.
func TestChild(t *testing.T) {
	s := newExtracting(t)
	for body, verdict := range map[string]Verdict{clean: Pass, "her asylum claim": Block} {
		if r := scanFile(t, s, File{Name: "a.docx", Content: docx(t, `<w:p>`+run(body)+`</w:p>`)}); r.Verdict != verdict || len(r.Unscannable) > 0 {
			t.Errorf("%q: got %s for %v", body, r.Verdict, reasonsOf(r))
		}
	}
}

// TestFaults makes the child fail in every way: nothing may pass, and the scanner must live.
func TestFaults(t *testing.T) {
	file := File{Name: "a.docx", Content: docx(t, run(clean))}
	for _, test := range []struct {
		how    string
		reason Reason
	}{
		{"panic", Crashed}, {"hang", TimedOut}, {"memory", Crashed}, {"nonsense", Crashed}, {"reason", Crashed}, {"nothing", Crashed}, {"flood", Crashed},
	} {
		t.Run(test.how, func(t *testing.T) {
			if raceDetector && test.how == "memory" {
				t.Skip("the race detector needs more address space than a child may have")
			}
			s := newExtracting(t, misbehave+test.how)
			if test.how == "hang" {
				s.config.ExtractTime = 200 * time.Millisecond
			}
			r := scanFile(t, s, file)
			if r.Verdict != Hold || !slices.Equal(reasonsOf(r), []Reason{test.reason}) {
				t.Errorf("got %s for %v, want hold for %s", r.Verdict, reasonsOf(r), test.reason)
			}
		})
	}
	t.Run("no such program", func(t *testing.T) {
		s, err := New(Config{Extractor: []string{"/nonexistent/extractor"}})
		if err != nil {
			t.Fatal(err)
		}
		if r := scanFile(t, s, file); r.Verdict != Hold || !slices.Equal(reasonsOf(r), []Reason{Crashed}) {
			t.Errorf("got %s for %v", r.Verdict, reasonsOf(r))
		}
	})
	t.Run("none configured", func(t *testing.T) {
		if r := scanFile(t, newScanner(t), file); r.Verdict != Hold || !slices.Equal(reasonsOf(r), []Reason{NoReader}) {
			t.Errorf("got %s for %v", r.Verdict, reasonsOf(r))
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := newExtracting(t).Scan(ctx, Input{Files: []File{file}}); err == nil {
			t.Error("a cancelled scan is no error")
		}
	})
}

// TestSplitWords splits a word over the parts of one message.
func TestSplitWords(t *testing.T) {
	s := newScanner(t)
	for _, test := range []struct {
		name    string
		in      Input
		verdict Verdict
	}{
		{"two fields", Input{Fields: []Field{{"/subject", "The asy"}, {"/body", "lum claim"}}}, Hold},
		{"fields in another order", Input{Fields: []Field{{"/body", "gee status"}, {"/subject", "of a refu"}}}, Hold},
		{"fields apart", Input{Fields: []Field{{"/a", "about the refu"}, {"/b", clean}, {"/c", "gee status"}}}, Hold},
		{"a letter a field", Input{Fields: []Field{{"/0", "a"}, {"/1", "s"}, {"/2", "y"}, {"/3", "l"}, {"/4", "u"}, {"/5", "m"}}}, Hold},
		{"two attachments", Input{Files: []File{{Content: []byte("the asy")}, {Content: []byte("lum claim")}}}, Hold},
		{"field and attachment", Input{Fields: []Field{{"/body", "the asy"}}, Files: []File{{Content: []byte("lum claim")}}}, Hold},
		{"phrase over two fields", Input{Fields: []Field{{"/a", "granted international"}, {"/b", "protection"}}}, Hold},
		{"nothing", Input{Fields: []Field{{"/a", "The bank"}, {"/b", "account"}, {"/c", "in"}, {"/d", "QM"}}}, Pass},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := s.Scan(context.Background(), test.in)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != test.verdict {
				t.Errorf("verdict %s, want %s: %+v", r.Verdict, test.verdict, r.Hits)
			}
		})
	}
}
