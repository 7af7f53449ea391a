package scan

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What this file and the readers beside it do runs in a child process of its own (extractor.go): they take apart what
// strangers made, and may be crashed, hung or blown up by it.

var (
	littleEndian = binary.LittleEndian
	bigEndian    = binary.BigEndian
)

// The limits of what is taken out of one attachment, counted while it streams.
const (
	maxNesting  = 4         // files in files
	maxExpanded = 200 << 20 // bytes
	maxRatio    = 100       // to one
	ratioFree   = 1 << 20   // a small file may be mostly repetition
	maxEntries  = 1000
	maxText     = 48 << 20 // of all parts
	maxUnread   = 64       // reasons that are reported
)

// asked is what the parent tells the child before the file itself.
type asked struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	Size      int    `json:"size"`
}

// extraction is the child's answer.
type extraction struct {
	Text   string   `json:"text"`   // as people read it, of all parts, hidden ones included
	Notes  string   `json:"notes"`  // metadata, names, addresses: lines that are not in any language
	Unread []Reason `json:"unread"` // why something in it was not read
}

// Extract is the work of the child process: it reads one file from r, as the parent sends it, and writes its text to w. Its
// memory and time are limited from outside.
func Extract(r io.Reader, w io.Writer) error {
	limitSelf()
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return fmt.Errorf("reading what to extract: %w", err)
	}
	head := make([]byte, min(binary.BigEndian.Uint32(length[:]), 1<<16))
	if _, err := io.ReadFull(r, head); err != nil {
		return fmt.Errorf("reading what to extract: %w", err)
	}
	var a asked
	if err := json.Unmarshal(head, &a); err != nil {
		return errors.New("reading what to extract: not as the parent sends it")
	}
	content := make([]byte, a.Size)
	if _, err := io.ReadFull(r, content); err != nil {
		return fmt.Errorf("reading what to extract: %w", err)
	}
	x := newReader(len(content))
	x.file(a.Name, a.MediaType, content, 0)
	answer, err := json.Marshal(x.extraction())
	if err != nil {
		return fmt.Errorf("writing what was extracted: %w", err)
	}
	if _, err := w.Write(answer); err != nil {
		return fmt.Errorf("writing what was extracted: %w", err)
	}
	return nil
}

// reader takes one attachment apart.
type reader struct {
	text     strings.Builder
	notes    strings.Builder
	unread   []Reason
	expanded int // bytes that came out of archives and streams
	limit    int // of expanded
	entries  int
}

func (x *reader) extraction() extraction {
	return extraction{Text: x.text.String(), Notes: x.notes.String(), Unread: x.unread}
}

func newReader(size int) *reader {
	return &reader{limit: min(maxExpanded, max(maxRatio*size, ratioFree))}
}

// miss notes that something was not read.
func (x *reader) miss(reason Reason) {
	for _, r := range x.unread {
		if r == reason {
			return
		}
	}
	if len(x.unread) < maxUnread {
		x.unread = append(x.unread, reason)
	}
}

// say adds a part of the text. Parts are lines apart, so that a word that is split over two of them is found.
func (x *reader) say(text string) { x.add(&x.text, text) }

// note adds metadata.
func (x *reader) note(text string) { x.add(&x.notes, text) }

func (x *reader) add(to *strings.Builder, text string) {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\ufffd"))
	if text == "" {
		return
	}
	if x.text.Len()+x.notes.Len()+len(text) > maxText {
		x.miss(TooMuch)
		return
	}
	to.WriteString(text)
	to.WriteByte('\n')
}

// errLimit says that a limit was reached.
var errLimit = errors.New("more than a scanner reads")

// take reads a stream that came out of an archive, and counts it while it does.
func (x *reader) take(r io.Reader) ([]byte, error) {
	left := x.limit - x.expanded
	content, err := io.ReadAll(io.LimitReader(r, int64(left)+1))
	x.expanded += len(content)
	if len(content) > left {
		return nil, errLimit
	}
	return content, err
}

// fail notes an error by what it means.
func (x *reader) fail(err error) {
	if errors.Is(err, errLimit) {
		x.miss(TooMuch)
		return
	}
	x.miss(Broken)
}

// file reads one file, or a file in a file.
func (x *reader) file(name, mediaType string, content []byte, depth int) {
	if depth > 0 {
		x.note(name)
	}
	if depth > maxNesting {
		x.miss(TooMuch)
		return
	}
	kind := kindOf(content)
	if kind == unknownKind {
		x.miss(unknownReason(content))
		return
	}
	if mismatched(kind, name, mediaType) {
		x.miss(Mismatched)
	}
	if alsoAnother(kind, content) {
		x.miss(Polyglot)
	}
	switch kind {
	case textKind:
		text, _ := asText(content)
		x.say(text)
	case htmlKind:
		text, _ := asText(content)
		x.html(text)
	case rtfKind:
		x.rtf(content)
	case mailKind:
		x.mail(content, depth)
	case pdfKind:
		x.pdf(content, depth)
	case zipKind:
		x.zip(content, depth)
	case pictureKind:
		x.picture(content)
	}
}

// unknownReason names what can be named of files that no reader exists for.
func unknownReason(content []byte) Reason {
	if strings.HasPrefix(string(content[:min(len(content), 8)]), "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
		return Encrypted // an old office format, or a new one with a password
	}
	return NotText
}
