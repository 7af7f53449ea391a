package scan

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// breaking are the elements of office formats at which a paragraph, a cell or a line ends. At others the text goes on:
// a word may be written in several runs.
var breaking = map[string]bool{
	"p": true, "h": true, "si": true, "is": true, "c": true, "row": true, "tr": true, "tc": true, "br": true, "cr": true, "comment": true,
	"table-row": true, "table-cell": true, "line-break": true, "list-item": true, "sheet": true, "note": true, "annotation": true, "v": true,
	"f": true, "creator": true, "date": true, "title": true, "footnote": true, "endnote": true, "txbxContent": true, "page": true, "table": true,
	"changed-region": true, "author": true, "text": true, "instrText": true,
}

// spacing are elements that stand for a space.
var spacing = map[string]bool{"tab": true, "s": true, "sym": true, "noBreakHyphen": true, "ptab": true}

// quiet are attributes whose values are numbers, colours and keys of the format: nobody reads or writes them.
var quiet = map[string]bool{
	"val": false, "id": true, "rsidR": true, "rsidRDefault": true, "rsidP": true, "rsidRPr": true, "paraId": true, "textId": true, "w": true, "h": true,
	"type": true, "space": true, "sz": true, "x": true, "y": true, "cx": true, "cy": true, "r": true, "s": true, "t": true, "spans": true, "xmlns": true,
}

// xml reads one part of an office document: the text as it reads, then without what tracked changes deleted, then the values
// of attributes, where titles, alternative texts, authors and addresses stand.
func (x *reader) xml(content []byte, name string) {
	fields := strings.HasPrefix(name, "docProps/") || strings.HasPrefix(name, "customXml/") || name == "meta.xml"
	var all, kept, values strings.Builder
	deleted, anyDeleted := 0, false
	write := func(s string) {
		all.WriteString(s)
		if deleted == 0 {
			kept.WriteString(s)
		}
	}
	d := xml.NewDecoder(bytes.NewReader(content))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			x.miss(Broken)
			break
		}
		switch t := token.(type) {
		case xml.StartElement:
			local := t.Name.Local
			switch {
			case local == "del" || local == "moveFrom" || local == "deletion":
				deleted++
				anyDeleted = true
			case spacing[local]:
				write(" ")
			case local == "softHyphen":
				write("\u00ad")
			}
			for _, a := range t.Attr {
				if a.Name.Space != "xmlns" && !quiet[a.Name.Local] && worded(a.Value) {
					values.WriteString(a.Value)
					values.WriteByte('\n')
				}
			}
		case xml.EndElement:
			local := t.Name.Local
			if (local == "del" || local == "moveFrom" || local == "deletion") && deleted > 0 {
				deleted--
			}
			if fields || breaking[local] {
				write("\n")
			}
		case xml.CharData:
			write(string(t))
		case xml.Comment:
			values.Write(t)
			values.WriteByte('\n')
		case xml.ProcInst:
			if t.Target != "xml" {
				values.Write(t.Inst)
				values.WriteByte('\n')
			}
		case xml.Directive:
			x.miss(Broken) // a document type, which office formats do not have
		}
	}
	x.say(squeezed(all.String()))
	if anyDeleted {
		x.say(squeezed(kept.String()))
	}
	x.note(values.String())
}

// worded reports values in which a word may stand.
func worded(value string) bool {
	letters := 0
	for _, r := range value {
		if r >= 0x80 || kinds[byte(r)]&(lower|upper) != 0 {
			if letters++; letters == 3 {
				return true
			}
		}
	}
	return false
}

// squeezed draws runs of line ends together: empty cells and paragraphs are many.
func squeezed(text string) string {
	var b strings.Builder
	blank := true
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			if !blank {
				b.WriteByte('\n')
			}
			blank = true
			continue
		}
		b.WriteString(line)
		blank = strings.HasSuffix(line, "\n")
	}
	return b.String()
}
