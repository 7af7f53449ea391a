// Package letter reads a message as a person does: line by line, whatever its type, with everything that stands in it.
//
// It shows each member of the payload and nothing else, in the order of the bytes, so that who approves sees what is approved. It
// trusts nothing of the text: whatever could steer a terminal, turn the direction of writing or hide a line is spelt out as a
// code. It must never leave a member out, except the bytes of an attachment, for which a line says that they are there.
package letter

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Head are the members of a payload that the head of a letter shows already.
var Head = []string{"channel", "type", "case", "in_reply_to", "language", "urgency"}

// Line is one line of a letter.
type Line struct {
	Pointer string   // where it stands in the payload (RFC 6901)
	Depth   int      // how far it is indented
	Dash    bool     // it begins an item of a list
	Name    string   // of the member, "" of an item that has none
	Text    []string // the value, printable; more than one where it has line feeds, none of what holds others
	Bytes   bool     // the value is the content of an attachment, which is not shown
}

// Letter is a message as lines.
type Letter struct {
	Frame []Line // what frames the body, by name, without Head
	Body  []Line
	// Template is the text that the body names, Language the one that the message is written in; "" where there is none.
	Template, Language string
}

// Read takes a payload apart.
func Read(payload jsontext.Value) (Letter, error) {
	var members map[string]jsontext.Value
	if payload.Kind() != '{' || json.Unmarshal(payload, &members) != nil {
		return Letter{}, errors.New("the payload is not an object")
	}
	var l Letter
	body := members["body"]
	var named struct {
		Template string `json:"template"`
	}
	if json.Unmarshal(body, &named) == nil {
		l.Template = named.Template
	}
	if json.Unmarshal(members["language"], &l.Language) != nil {
		l.Language = ""
	}
	delete(members, "body")
	for _, name := range Head {
		delete(members, name)
	}
	w := &walker{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := w.member(margin{}, "", name, members[name]); err != nil {
			return l, err
		}
	}
	l.Frame, w.lines = w.lines, nil
	if body.Kind() != '{' {
		err := w.member(margin{}, "", "body", body)
		l.Body = w.lines
		return l, err
	}
	err := w.members(margin{}, "/body", jsontext.NewDecoder(bytes.NewReader(body)))
	l.Body = w.lines
	return l, err
}

// Member is one member by itself as lines.
func Member(name string, value jsontext.Value) ([]Line, error) {
	w := &walker{}
	err := w.member(margin{}, "", name, value)
	return w.lines, err
}

// margin is what stands before a line: its depth, and a dash on the first line of a list's item.
type margin struct {
	depth int
	dash  bool
}

func (m margin) deeper() margin { return margin{depth: m.depth + 1} }

// walker collects the lines.
type walker struct{ lines []Line }

func (w *walker) add(m margin, pointer, name string, text ...string) {
	w.lines = append(w.lines, Line{Pointer: pointer, Depth: m.depth, Dash: m.dash, Name: Printable(name), Text: text})
}

func (w *walker) member(m margin, at, name string, value jsontext.Value) error {
	return w.value(m, at+"/"+escape(name), name, jsontext.NewDecoder(bytes.NewReader(value)))
}

// members walks the object that dec stands before.
func (w *walker) members(m margin, at string, dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		pointer := at + "/" + escape(name)
		if name == "content" && dec.PeekKind() == '"' {
			// An attachment's bytes: its name, size and hash stand beside it.
			err = dec.SkipValue()
			w.add(m, pointer, name)
			w.lines[len(w.lines)-1].Bytes = true
		} else {
			err = w.value(m, pointer, name, dec)
		}
		if err != nil {
			return err
		}
		m.dash = false
	}
	_, err := dec.ReadToken()
	return err
}

// items walks the array that dec stands before, each item after a dash.
func (w *walker) items(m margin, at string, dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	item := margin{depth: m.depth + 2, dash: true}
	if m.dash {
		item.depth--
	}
	for i := 0; dec.PeekKind() != ']'; i++ {
		var err error
		pointer := at + "/" + strconv.Itoa(i)
		if dec.PeekKind() == '{' {
			err = w.members(item, pointer, dec)
		} else {
			err = w.value(item, pointer, "", dec)
		}
		if err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// value walks one value after its name.
func (w *walker) value(m margin, at, name string, dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '{':
		w.add(m, at, name)
		return w.members(m.deeper(), at, dec)
	case '[':
		w.add(m, at, name)
		return w.items(m, at, dec)
	}
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	lines := strings.Split(token.String(), "\n")
	for i := range lines {
		lines[i] = Printable(lines[i])
	}
	w.add(m, at, name, lines...)
	return nil
}

func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// Printable replaces control and format characters, which include the escape sequences of terminals and the marks that
// turn the direction of writing, by their code points.
func Printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029' {
			fmt.Fprintf(&b, "<U+%04X>", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
