package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"comity/agent/scan"
)

// printScan shows a report for people: each hit in the line in which it stands, underlined.
func printScan(w io.Writer, name, fileName string, r scan.Report) {
	if name == "-" {
		name = "standard input"
	}
	fmt.Fprintf(w, "%s: %s", printable(name), r.Verdict)
	if r.Language != "" {
		fmt.Fprintf(w, " (language %s)", r.Language)
	}
	fmt.Fprintln(w)
	if !r.Covered {
		fmt.Fprintln(w, "  some of it is in a language that the lexicon does not cover")
	}
	for _, u := range r.Unscannable {
		fmt.Fprintf(w, "  could not be read: %s\n", u.Reason)
	}
	for _, h := range r.Hits {
		text := fileName
		if h.Pointer == "file:0" && len(r.FileText) > 0 {
			text = r.FileText[0]
		}
		fmt.Fprintf(w, "  %s, grade %s, %s: %s\n", h.Code, h.Grade, h.Track, printable(h.Term))
		underline(w, text, h.Start, h.End)
	}
}

// shownAround is how many characters are shown before and behind a hit.
const shownAround = 48

// underline prints the line in which a part of a text stands, and marks the part.
func underline(w io.Writer, text string, start, end int) {
	if start < 0 || end > len(text) || start >= end {
		return
	}
	before, hit, after := text[:start], text[start:end], text[end:]
	if cut := strings.LastIndexByte(before, '\n'); cut >= 0 {
		before = before[cut+1:]
	}
	if cut := strings.IndexByte(after, '\n'); cut >= 0 {
		after = after[:cut]
	}
	if n := utf8.RuneCountInString(before); n > shownAround {
		before = "…" + string([]rune(before)[n-shownAround:])
	}
	if utf8.RuneCountInString(after) > shownAround {
		after = string([]rune(after)[:shownAround]) + "…"
	}
	before, hit, after = oneLine(before), oneLine(hit), oneLine(after)
	fmt.Fprintf(w, "    %s%s%s\n    %s%s\n", before, hit, after, strings.Repeat(" ", columns(before)), strings.Repeat("^", max(1, columns(hit))))
}

// columns is about how wide a text is on a terminal.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r >= 0x1100 && (r <= 0x115F || r >= 0x2E80 && r <= 0xA4CF || r >= 0xAC00 && r <= 0xD7A3 || r >= 0xFF00 && r <= 0xFF60):
			n += 2
		default:
			n++
		}
	}
	return n
}
