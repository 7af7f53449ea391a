package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"comity/agent/letter"
)

// printPayload shows a payload as indented text: what frames it by name, then the body, and the text that it names.
func printPayload(w io.Writer, payload jsontext.Value) error {
	l, err := letter.Read(payload)
	if err != nil {
		return err
	}
	printLines(w, l.Frame)
	fmt.Fprintln(w)
	printLines(w, l.Body)
	printText(w, l)
	return nil
}

// printLines writes the lines of a letter, each as deep as it stands, with a dash before each item of a list.
func printLines(w io.Writer, lines []letter.Line) {
	for _, l := range lines {
		label := strings.Repeat("  ", l.Depth)
		if l.Dash {
			label = strings.Repeat("  ", l.Depth-1) + "- "
		}
		if l.Name == "" {
			label = strings.TrimSuffix(label, " ")
		} else {
			label += strings.ReplaceAll(l.Name, "_", " ") + ":"
		}
		switch {
		case l.Bytes:
			fmt.Fprintln(w, label, "(bytes; --json has them)")
		case len(l.Text) == 1:
			fmt.Fprintln(w, label, l.Text[0])
		default:
			fmt.Fprintln(w, label)
			for _, line := range l.Text {
				fmt.Fprintln(w, strings.Repeat("  ", l.Depth+1)+line)
			}
		}
	}
}

// printable spells out whatever could steer a terminal or reorder a line.
func printable(text string) string { return letter.Printable(text) }
