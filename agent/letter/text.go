package letter

import (
	"fmt"
	"io"
	"strings"

	"comity/schemas"
	"comity/schemas/template"
)

// WriteLines writes lines as indented text, each as deep as it stands, with a dash before each item of a list. content is said
// in place of the bytes of an attachment.
func WriteLines(w io.Writer, lines []Line, content string) {
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
			fmt.Fprintln(w, label, content)
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

// textWidth is how wide the neutral texts are written.
const textWidth = 100

// WriteText writes a letter as text: what frames it by name, then the body, and the neutral text that it names, in the
// language of the message: this program's own words, and never those of whoever wrote it.
func (l Letter) WriteText(w io.Writer, content string) {
	WriteLines(w, l.Frame, content)
	fmt.Fprintln(w)
	WriteLines(w, l.Body, content)
	t, known := template.ByID(template.ID(l.Template))
	if !known {
		return
	}
	in := schemas.Language(l.Language)
	if in == "" {
		in = "en"
	}
	fmt.Fprintf(w, "\nThe text of %s:\n", t.ID)
	for _, line := range Wrap(t.Text(in), textWidth) {
		fmt.Fprintln(w, "  "+line)
	}
}

// Wrap breaks a text between words into lines of at most width bytes, as far as its words allow.
func Wrap(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
