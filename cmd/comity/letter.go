package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The members of a payload that the head of a letter shows already.
var inHead = []string{"channel", "type", "case", "in_reply_to", "language", "urgency"}

// printPayload shows a payload as indented text: what frames it by name, then the body, and the text that it names. A peer wrote it: whatever could
// steer a terminal or reorder a line is shown as a code instead (see printable).
func printPayload(w io.Writer, payload jsontext.Value) error {
	var members map[string]jsontext.Value
	if payload.Kind() != '{' || json.Unmarshal(payload, &members) != nil {
		return errors.New("the payload is not an object")
	}
	body, language := members["body"], members["language"]
	delete(members, "body")
	for _, name := range inHead {
		delete(members, name)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := printMember(w, margin{}, name, members[name]); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	if body.Kind() != '{' {
		return printMember(w, margin{}, "body", body)
	}
	if err := printMembers(w, margin{}, jsontext.NewDecoder(bytes.NewReader(body))); err != nil {
		return err
	}
	printText(w, body, language)
	return nil
}

// margin is what stands before a line: spaces, and a dash on the first line of a list's item.
type margin struct {
	depth int
	dash  bool
}

func (m margin) String() string {
	if m.dash {
		return strings.Repeat("  ", m.depth-1) + "- "
	}
	return strings.Repeat("  ", m.depth)
}

func (m margin) deeper() margin { return margin{depth: m.depth + 1} }

func printMember(w io.Writer, m margin, name string, value jsontext.Value) error {
	return printValue(w, m, m.String()+printable(strings.ReplaceAll(name, "_", " "))+":", jsontext.NewDecoder(bytes.NewReader(value)))
}

// printMembers prints the object that dec stands before.
func printMembers(w io.Writer, m margin, dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		label := m.String() + printable(strings.ReplaceAll(name.String(), "_", " ")) + ":"
		if name.String() == "content" && dec.PeekKind() == '"' {
			// An attachment's bytes: its name, size and hash stand beside it.
			err = dec.SkipValue()
			fmt.Fprintln(w, label, "(bytes; --json has them)")
		} else {
			err = printValue(w, m, label, dec)
		}
		if err != nil {
			return err
		}
		m.dash = false
	}
	_, err := dec.ReadToken()
	return err
}

// printItems prints the array that dec stands before, each item after a dash.
func printItems(w io.Writer, m margin, dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	item := margin{depth: m.depth + 2, dash: true}
	if m.dash {
		item.depth--
	}
	for dec.PeekKind() != ']' {
		var err error
		if dec.PeekKind() == '{' {
			err = printMembers(w, item, dec)
		} else {
			err = printValue(w, item, strings.TrimSuffix(item.String(), " "), dec)
		}
		if err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// printValue prints one value after its label.
func printValue(w io.Writer, m margin, label string, dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '{':
		fmt.Fprintln(w, label)
		return printMembers(w, m.deeper(), dec)
	case '[':
		fmt.Fprintln(w, label)
		return printItems(w, m, dec)
	}
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	lines := strings.Split(token.String(), "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	if len(lines) == 1 {
		fmt.Fprintln(w, label, lines[0])
		return nil
	}
	fmt.Fprintln(w, label)
	for _, line := range lines {
		fmt.Fprintln(w, m.deeper().String()+line)
	}
	return nil
}

// printable replaces control and format characters, which include the escape sequences of terminals and the marks that
// turn the direction of writing, by their code points.
func printable(text string) string {
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
