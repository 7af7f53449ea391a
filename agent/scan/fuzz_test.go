package scan

import (
	"context"
	"regexp"
	"slices"
	"testing"
	"unicode/utf8"
)

// FuzzText feeds every track: nothing may panic, and every hit must lie within the text.
func FuzzText(f *testing.F) {
	for _, d := range disguiseList {
		f.Add("the note says " + d.apply("asylum") + " and no more.")
	}
	for _, text := range []string{
		"a\xffb\u202e\xf3\xa0\x81", ".- ... -.-- .-.. ..- --", "2 7777 999 555 88 6", "xn--rfugi-bsae", "+AGEAcwB5AGwAdQBt-", "rÃ©fugiÃ©", "a\bb\x1b[0mc", "MFZXS3DVNU======",
		"<~FD,5.@<6^1F_q~>", "begin 644 x\n*=&AE(&%S>6QU;0  \n`\nend", "1. a\n2. s\n3. y\n4. l\n5. u\n6. m", "011925122113", `\61 \73 \79 \6c`, "r*f*g**", "Alfa-Sierra-Yankee-Lima-Uniform-Mike",
	} {
		f.Add(text)
	}
	s, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := s.Scan(context.Background(), Input{Fields: []Field{{Pointer: "/a", Text: text}, {Pointer: "/b", Text: text}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range r.Hits {
			if h.Start < 0 || h.Start > h.End || h.End > len(text) {
				t.Errorf("hit of %q at %d to %d of %d", h.Term, h.Start, h.End, len(text))
			}
		}
		all := slices.Clone(decoders)
		for _, d := range signalled {
			all = append(all, d.decode)
		}
		for _, decode := range all {
			v, _ := decode(text)
			for out := range len(v.text) + 1 {
				if at := v.source(out, len(text)); at < 0 || at > len(text) {
					t.Errorf("offset %d of a view leads to %d of %d", out, at, len(text))
				}
			}
		}
	})
}

var neutralNames = regexp.MustCompile(`^attachment-1(\.[a-z]{2,5})?$`)

// FuzzAttachment feeds every reader, each also with what is no file of its kind: nothing may panic, and what is said must be
// text within the limits.
func FuzzAttachment(f *testing.F) {
	f.Add("a.docx", docx(f, run(clean), entry{"word/media/i.png", onePixel}))
	f.Add("a.odt", zipOf(f, entry{"mimetype", "application/vnd.oasis.opendocument.text"}, entry{"content.xml", "<a><p>x</p></a>"}))
	f.Add("a.pdf", pdfOf("(x)", "<< /Title <FEFF0061> /S /J#61vaScript >>"))
	f.Add("a.html", []byte("<html><p title='x'>a<b>c</b><!-- d --><script>e</script>&amp;</html>"))
	f.Add("a.rtf", []byte(`{\rtf1\ansi a\'73y\u233?{\*\x}\bin3 abc\par}`))
	f.Add("a.eml", []byte("From: a@b\r\nTo: c@d\r\nSubject: =?utf-8?B?YQ==?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b--"))
	f.Add("a.png", []byte(onePixel))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		if len(content) > 1<<16 {
			return
		}
		for _, read := range []func(*reader){
			func(x *reader) { x.zip(content, 0) },
			func(x *reader) { x.xml(content, "word/document.xml") },
			func(x *reader) { x.html(string(content)) },
			func(x *reader) { x.rtf(content) },
			func(x *reader) { x.mail(content, 0) },
			func(x *reader) { x.pdfParts(content, 0) },
			func(x *reader) { x.note(printedRuns(content)) },
		} {
			x := newReader(len(content))
			read(x)
			if got := x.extraction(); !utf8.ValidString(got.Text+got.Notes) || len(got.Text)+len(got.Notes) > maxText+2 || x.expanded > x.limit+1 {
				t.Errorf("%d bytes of text, %d expanded of %d", len(got.Text)+len(got.Notes), x.expanded, x.limit)
			}
		}
		if out, err := Neutralise(File{Name: name, Content: content}, 1, false); err == nil && !neutralNames.MatchString(out.Name) {
			t.Errorf("neutral name %q", out.Name)
		}
	})
}
