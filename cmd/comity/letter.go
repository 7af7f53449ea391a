package main

import (
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"comity/agent/letter"
)

// printPayload shows a payload as indented text: what frames it by name, then the body, and the text that it names.
func printPayload(w io.Writer, payload jsontext.Value) error {
	l, err := letter.Read(payload)
	if err != nil {
		return err
	}
	l.WriteText(w, bytesInJSON)
	return nil
}

// bytesInJSON stands in place of the bytes of an attachment.
const bytesInJSON = "(bytes; --json has them)"

// printable spells out whatever could steer a terminal or reorder a line.
func printable(text string) string { return letter.Printable(text) }
