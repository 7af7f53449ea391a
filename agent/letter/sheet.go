package letter

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"comity/pki"
	"comity/schemas"
)

// Sheet is a letter that goes on paper: what its head says beside the payload. Nothing in it says who wrote, approved or
// released the message, nor that anybody looked at it.
type Sheet struct {
	From, To  *pki.Authority // as the directory has them
	Type      schemas.MessageType
	ID        schemas.MessageID
	Case      schemas.CaseID
	InReplyTo schemas.MessageID
	Urgency   string
	Date      time.Time
	Payload   jsontext.Value
}

// Print writes the letter as it is given away: plain text in UTF-8.
func (s Sheet) Print() ([]byte, error) {
	l, err := Read(s.Payload)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-10s %s\n", name, Printable(value))
		}
	}
	row("From", fmt.Sprintf("%s (%s)", s.From.Name, s.From.ID))
	row("To", fmt.Sprintf("%s (%s)", s.To.Name, s.To.ID))
	row("Date", s.Date.UTC().Format(time.DateOnly))
	row("Type", string(s.Type))
	row("Urgency", s.Urgency)
	row("Language", l.Language)
	row("Reference", string(s.ID))
	row("Case", string(s.Case))
	row("Reply to", string(s.InReplyTo))
	b.WriteByte('\n')
	l.WriteText(&b, "(enclosed)")
	return b.Bytes(), nil
}
