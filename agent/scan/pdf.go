package scan

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"io"
	"os/exec"
	"regexp"
	"strings"
)

// pdf reads a PDF twice: with pdftotext, which knows fonts and the order of reading; and by its raw parts, which shows what no
// page shows: metadata, comments, fields, earlier versions, files and scripts.
func (x *reader) pdf(content []byte, depth int) {
	if end := bytes.LastIndex(content, []byte("%%EOF")); end < 0 || len(content)-end > 1024 {
		x.miss(Polyglot)
	}
	if n := bytes.Count(content, []byte("startxref")); n > 2 || n == 2 && !bytes.Contains(content, []byte("/Linearized")) {
		x.miss(Revised)
	}
	x.pdfParts(content, depth)
	text, err := runTool("pdftotext", content, "-q", "-enc", "UTF-8", "-", "-")
	switch {
	case errors.Is(err, exec.ErrNotFound):
		x.miss(NoReader)
	case err != nil:
		x.miss(Broken)
	case strings.TrimSpace(string(text)) == "":
		x.miss(NoText)
	default:
		x.say(string(text))
	}
}

// maxToolOutput bounds what a tool may print.
const maxToolOutput = maxText

// runTool runs a program of the system on a file. Its memory and time are limited together with this process.
func runTool(name string, content []byte, args ...string) ([]byte, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, exec.ErrNotFound
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = bytes.NewReader(content)
	out := &limitedBuffer{limit: maxToolOutput}
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		return nil, errors.New(name + " failed") // what it says may quote the file
	}
	return out.b.Bytes(), nil
}

// limitedBuffer refuses to hold more than its limit.
type limitedBuffer struct {
	b     bytes.Buffer
	limit int
}

func (w *limitedBuffer) Write(p []byte) (int, error) {
	if w.b.Len()+len(p) > w.limit {
		return 0, errLimit
	}
	return w.b.Write(p)
}

// pdfReasons are the names in a PDF that mean that something in it is not read.
var pdfReasons = map[string]Reason{
	"/Encrypt": Encrypted, "/JavaScript": Active, "/JS": Active, "/Launch": Active, "/XFA": Active, "/OCProperties": Active, "/RichMedia": Active,
	"/Movie": Active, "/Sound": Active, "/3D": Active, "/Image": Picture, "/SubmitForm": Active, "/ImportData": Active,
}

var (
	pdfName   = regexp.MustCompile(`/[A-Za-z0-9#]+`)
	pdfStream = []byte("stream")
)

// pdfParts goes over the objects of a PDF in the order of the file, whatever its tables say of them.
func (x *reader) pdfParts(content []byte, depth int) {
	last := 0
	for at := 0; ; {
		i := bytes.Index(content[at:], pdfStream)
		if i < 0 {
			break
		}
		i += at
		at = i + len(pdfStream)
		if i >= 3 && string(content[i-3:i]) == "end" || at >= len(content) || content[at] != '\r' && content[at] != '\n' {
			continue
		}
		end := bytes.Index(content[at:], []byte("endstream"))
		if end < 0 {
			x.miss(Broken)
			break
		}
		x.pdfObjects(content[last:i])
		dictionary := content[max(last, bytes.LastIndex(content[:i], []byte("obj"))):i]
		x.pdfStream(dictionary, bytes.TrimLeft(content[at:at+end], "\r\n"), depth)
		at += end + len("endstream")
		last = at
	}
	x.pdfObjects(content[last:])
}

// pdfObjects notes the strings of objects, and what their names say.
func (x *reader) pdfObjects(objects []byte) {
	for _, name := range pdfName.FindAll(objects, -1) {
		if bytes.IndexByte(name, '#') >= 0 {
			name = unescapeName(name)
		}
		if reason, odd := pdfReasons[string(name)]; odd {
			x.miss(reason)
		}
	}
	x.note(pdfStrings(objects))
}

func unescapeName(name []byte) []byte {
	var out []byte
	for i := 0; i < len(name); i++ {
		if name[i] == '#' && i+2 < len(name) {
			if b, err := hex.DecodeString(string(name[i+1 : i+3])); err == nil {
				out = append(out, b...)
				i += 2
				continue
			}
		}
		out = append(out, name[i])
	}
	return out
}

// pdfStream reads one stream by what its dictionary says of it.
func (x *reader) pdfStream(dictionary, data []byte, depth int) {
	has := func(s string) bool { return bytes.Contains(dictionary, []byte(s)) }
	switch {
	case has("/Image"), has("/XRef"), has("/FontFile"), has("/ICCBased"):
		return // pictures were noted by their name; the others are tables
	case has("/FlateDecode") || has("/Fl "):
		z, err := zlib.NewReader(bytes.NewReader(data))
		if err != nil {
			x.miss(Broken)
			return
		}
		data, err = x.take(z)
		if errors.Is(err, errLimit) {
			x.miss(TooMuch)
			return
		}
		// The end of a stream is often cut or padded; what came out until then is read.
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && len(data) == 0 {
			x.miss(Broken)
			return
		}
	case has("/Filter") && (has("/ObjStm") || has("/EmbeddedFile") || has("/Metadata")):
		x.miss(Broken)
		return
	case has("/Filter"):
		return // pages in other codings are left to pdftotext
	}
	switch {
	case has("/EmbeddedFile"):
		x.file("", "", data, depth+1)
	case has("/Metadata") || has("/XML"):
		x.note(string(data))
	case has("/ObjStm"):
		x.pdfObjects(data)
	default:
		if bytes.Contains(data, []byte("Tj")) || bytes.Contains(data, []byte("TJ")) {
			x.note(pdfStrings(data))
		}
	}
}

// pdfStrings are the strings of a piece of PDF. Those of one array stand together: it is how a word is written with its
// letters moved.
func pdfStrings(data []byte) string {
	var b strings.Builder
	inArray := false
	end := func() {
		if !inArray {
			b.WriteByte('\n')
		}
	}
	for i := 0; i < len(data); {
		switch c := data[i]; {
		case c == '[':
			inArray = true
			i++
		case c == ']':
			inArray = false
			b.WriteByte('\n')
			i++
		case c == '(':
			s, n := pdfLiteral(data[i:])
			b.WriteString(pdfText(s))
			i += n
			end()
		case c == '<' && i+1 < len(data) && data[i+1] != '<':
			n := bytes.IndexByte(data[i:], '>')
			if n < 0 || n > 1<<16 {
				i++
				continue
			}
			if s, err := hex.DecodeString(strings.Map(hexOnly, string(data[i+1:i+n]))); err == nil {
				b.WriteString(pdfText(s))
				end()
			}
			i += n + 1
		case c == '<':
			i += 2
		default:
			i++
		}
	}
	return squeezed(b.String())
}

func hexOnly(r rune) rune {
	if r < 0x80 && hexDigit(byte(r)) {
		return r
	}
	return -1
}

// pdfLiteral reads a string in parentheses, which may hold balanced ones.
func pdfLiteral(data []byte) (s []byte, length int) {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case '(':
			if depth++; depth > 1 {
				s = append(s, c)
			}
		case ')':
			if depth--; depth == 0 {
				return s, i + 1
			}
			s = append(s, c)
		case '\\':
			i++
			if i >= len(data) {
				return s, len(data)
			}
			switch e := data[i]; {
			case e == 'n', e == 'r', e == 't', e == 'b', e == 'f':
				s = append(s, ' ')
			case e == '\n':
			case e >= '0' && e <= '7':
				n, digits := 0, 0
				for digits < 3 && i < len(data) && data[i] >= '0' && data[i] <= '7' {
					n = n*8 + int(data[i]-'0')
					i++
					digits++
				}
				i--
				s = append(s, byte(n))
			default:
				s = append(s, e)
			}
		default:
			s = append(s, c)
		}
	}
	return s, len(data)
}

// pdfText reads a string as UTF-16 where it says so, and else as the code page of most documents.
func pdfText(s []byte) string {
	if bytes.HasPrefix(s, []byte{0xFE, 0xFF}) {
		return fromUTF16(s[2:], bigEndian)
	}
	if bytes.HasPrefix(s, []byte{0xEF, 0xBB, 0xBF}) {
		return string(s[3:])
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, fromWindows(s))
}
