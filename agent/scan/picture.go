package scan

import (
	"errors"
	"os/exec"
	"strings"
)

// picture reads what a picture says of itself, and the text in it, if tesseract is there. Such text is never sure, so a
// picture holds whatever was found; a word of the lexicon in it blocks all the same.
func (x *reader) picture(content []byte) {
	if string(content) == onePixel {
		return // what is left of a thumbnail
	}
	x.miss(Picture)
	x.note(printedRuns(content[:min(len(content), 1<<20)]))
	text, err := runTool("tesseract", content, "stdin", "stdout", "--psm", "3", "-l", scripts())
	switch {
	case errors.Is(err, exec.ErrNotFound):
		x.miss(NoReader)
	case err != nil:
		x.miss(Broken)
	default:
		x.note(string(text))
	}
}

// maxScripts bounds the languages that tesseract tries on one picture: each takes its time.
const maxScripts = 8

// scripts are the languages that tesseract has models for, English first.
func scripts() string {
	list, err := runTool("tesseract", nil, "--list-langs")
	if err != nil {
		return "eng"
	}
	all := []string{"eng"}
	for _, line := range strings.Split(string(list), "\n")[1:] { // the first says how many
		if line = strings.TrimSpace(line); line != "" && line != "eng" && line != "osd" && len(all) < maxScripts {
			all = append(all, line)
		}
	}
	return strings.Join(all, "+")
}

// printedRuns are the runs of ASCII in a file, as its comments are.
func printedRuns(content []byte) string {
	const atLeast = 6
	var b strings.Builder
	begin := -1
	for i, c := range append(content[:len(content):len(content)], 0) {
		printed := c >= ' ' && c < 0x7F
		switch {
		case printed && begin < 0:
			begin = i
		case !printed && begin >= 0:
			if i-begin >= atLeast {
				b.Write(content[begin:i])
				b.WriteByte('\n')
			}
			begin = -1
		}
	}
	return b.String()
}

// Tool is a program that reads attachments, and that may not be installed.
type Tool struct {
	Name  string
	Reads string // what is held without it
	Path  string // "" where it is missing
}

// Tools lists the programs that readers call, for comity doctor. What a missing one would read is held.
func Tools() []Tool {
	tools := []Tool{{Name: "pdftotext", Reads: "PDF documents"}, {Name: "tesseract", Reads: "pictures with text"}}
	for i := range tools {
		if path, err := exec.LookPath(tools[i].Name); err == nil {
			tools[i].Path = path
		}
	}
	return tools
}
