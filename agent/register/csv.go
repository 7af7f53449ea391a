package register

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Kinds of columns.
type column int

const (
	textColumn     column = iota
	listColumn            // values with "|" between them
	flagColumn            // true or false
	jsonColumn            // as in JSON Lines
	documentColumn        // kind:number:issuer with "|" between them, or as in JSON Lines
)

var columns = map[string]column{
	"ref": textColumn, "status": textColumn, "birth_date": textColumn, "birth_state": textColumn, "sex": textColumn, "updated": textColumn,
	"expires": textColumn, "names": listColumn, "former_names": listColumn, "nationalities": listColumn,
	"former_nationalities": listColumn, "habitual_residences": listColumn, "feared_states": listColumn, "linked": listColumn,
	"cleared": listColumn, "suspensive_remedy": flagColumn, "informed_of_sharing": flagColumn, "protected_witness": flagColumn,
	"child": flagColumn, "delete": flagColumn, "consent": jsonColumn, "withdrawal": jsonColumn, "documents": documentColumn,
}

// csvRows reads CSV with a line of column names. An empty field is a member that is left out.
type csvRows struct {
	in     *csv.Reader
	header []string
	failed error // the header cannot be used: reported once, as the only row
}

func newCSV(in *bufio.Reader) (rows, error) {
	head, err := in.Peek(4096)
	if err != nil && len(head) == 0 {
		return &csvRows{failed: io.EOF}, nil
	}
	first, _, _ := strings.Cut(string(head), "\n")
	c := &csvRows{in: csv.NewReader(in)}
	if strings.Count(first, ";") > strings.Count(first, ",") {
		c.in.Comma = ';'
	}
	c.in.FieldsPerRecord = -1
	if c.header, err = c.in.Read(); err != nil {
		c.failed = &Defect{"", NotReadable}
		if errors.Is(err, ErrFeedTooLarge) {
			c.failed = err
		}
		return c, nil
	}
	seen := map[string]bool{}
	for i, h := range c.header {
		h = strings.TrimSpace(h)
		c.header[i] = h
		switch _, known := columns[h]; {
		case !known:
			c.failed = &Defect{"", UnknownMember}
		case seen[h]:
			c.failed = &Defect{"/" + h, DuplicateMember}
		}
		seen[h] = true
	}
	if !seen["ref"] && c.failed == nil {
		c.failed = &Defect{"/ref", MissingMember}
	}
	return c, nil
}

func (c *csvRows) next() (Record, int, error) {
	if c.failed != nil {
		failed := c.failed
		c.failed = io.EOF
		return Record{}, 1, failed
	}
	fields, err := c.in.Read()
	if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
		return Record{}, wrong.Line, &Defect{"", NotReadable}
	}
	if err != nil {
		return Record{}, 0, err
	}
	line, _ := c.in.FieldPos(0)
	if len(fields) != len(c.header) {
		return Record{}, line, &Defect{"", WrongForm}
	}
	object := map[string]jsontext.Value{}
	for i, h := range c.header {
		value := strings.TrimSpace(fields[i])
		if value == "" {
			continue
		}
		if object[h], err = columnValue(columns[h], value); err != nil {
			return Record{}, line, &Defect{"/" + h, WrongForm}
		}
	}
	text, err := json.Marshal(object)
	if err != nil {
		return Record{}, line, &Defect{"", NotReadable}
	}
	rec, err := decodeRecord(text)
	return rec, line, err
}

// columnValue is the JSON of a field.
func columnValue(kind column, value string) (jsontext.Value, error) {
	switch kind {
	case flagColumn:
		flag := map[string]bool{"true": true, "1": true, "yes": true, "false": false, "0": false, "no": false}
		v, ok := flag[strings.ToLower(value)]
		if !ok {
			return nil, errors.New("not a flag")
		}
		return json.Marshal(v)
	case listColumn:
		return json.Marshal(splitList(value))
	case jsonColumn:
		return rawJSON(value)
	case documentColumn:
		if strings.HasPrefix(value, "[") {
			return rawJSON(value)
		}
		var documents []map[string]string
		for _, d := range splitList(value) {
			kind, rest, _ := strings.Cut(d, ":")
			at := strings.LastIndex(rest, ":")
			if at < 0 {
				return nil, errors.New("not a document")
			}
			documents = append(documents, map[string]string{"kind": kind, "number": rest[:at], "issuer": rest[at+1:]})
		}
		return json.Marshal(documents)
	}
	return json.Marshal(value)
}

func rawJSON(value string) (jsontext.Value, error) {
	if v := jsontext.Value(value); v.IsValid() {
		return v, nil
	}
	return nil, errors.New("not JSON")
}

func splitList(value string) []string {
	var list []string
	for v := range strings.SplitSeq(value, "|") {
		if v = strings.TrimSpace(v); v != "" {
			list = append(list, v)
		}
	}
	return list
}
