package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"comity/agent/api"
	"comity/agent/deadline"
	"comity/schemas"
)

// moment is how times are printed: UTC, to the second.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func printMessages(w io.Writer, messages []api.Message) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATE\tTYPE\tFROM\tTO\tCASE")
	for _, m := range messages {
		state := m.State
		if m.OnPaper {
			state += ", on paper"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", m.ID, state, m.Type, m.From, m.To, short(string(m.Case)))
	}
	return table.Flush()
}

func printIDs[T any, ID ~string](w io.Writer, items []T, id func(T) ID) error {
	for _, item := range items {
		if _, err := fmt.Fprintln(w, id(item)); err != nil {
			return err
		}
	}
	return nil
}

// short is enough of an id to type it.
func short(id string) string { return id[:min(len(id), 8)] }

func printCases(w io.Writer, cases []api.Case) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATE\tCHANNEL\tPEER\tCHANGED\tOFFICER")
	for _, c := range cases {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, c.State, c.Channel, c.Peer, moment(c.ChangedAt), officerOf(c.Officer, c.Deputy))
	}
	return table.Flush()
}

func printCase(w io.Writer, c api.Case) error {
	open := "open"
	if !c.Open {
		open = "closed"
	}
	fmt.Fprintf(w, "Case        %s\n", c.ID)
	fmt.Fprintf(w, "State       %s (%s)\n", c.State, open)
	fmt.Fprintf(w, "Channel     %s\n", c.Channel)
	fmt.Fprintf(w, "Requesting  %s\n", c.Requesting)
	fmt.Fprintf(w, "Requested   %s\n", c.Requested)
	fmt.Fprintf(w, "Officer     %s\n", officerOf(c.Officer, c.Deputy))
	fmt.Fprintf(w, "Opened      %s, last changed %s\n", moment(c.OpenedAt), moment(c.ChangedAt))
	if c.OnPaper {
		fmt.Fprintln(w, "On paper    no signature proves what is marked so below; the file of this case cannot be exported")
	}
	if !c.ErasedAt.IsZero() {
		fmt.Fprintf(w, "Erased      %s: hashes, numbers and receipts are left\n", moment(c.ErasedAt))
	}
	if !c.EraseAfter.IsZero() {
		fmt.Fprintf(w, "Content     due to go %s\n", moment(c.EraseAfter))
	}
	if c.Kept != "" {
		fmt.Fprintf(w, "Kept        beyond its time: %s\n", c.Kept)
	}
	if len(c.Next) > 0 {
		fmt.Fprintf(w, "Turn of     %s\n", join(c.Next))
	}
	if len(c.MayNow) > 0 {
		fmt.Fprintf(w, "You may     %s\n", join(c.MayNow))
	}
	if c.TimeLeft != "" {
		fmt.Fprintf(w, "Time left   %s\n", timeLeft(c.TimeLeft))
	}
	if len(c.Deadlines) > 0 {
		for i := range c.Deadlines {
			c.Deadlines[i].Officer, c.Deadlines[i].Deputy = c.Officer, c.Deputy
		}
		fmt.Fprintln(w)
		if err := printTasks(w, c.Deadlines); err != nil {
			return err
		}
	}
	printTeam(w, c.Team)
	if len(c.Messages) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	if err := printMessages(w, c.Messages); err != nil {
		return err
	}
	return printSteps(w, c.Messages)
}

// printSteps says what is proved of each message, by signed documents that are in the journal.
func printSteps(w io.Writer, messages []api.Message) error {
	if !slices.ContainsFunc(messages, func(m api.Message) bool { return len(m.Steps) > 0 }) {
		return nil
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MESSAGE\tNUMBER\tPROVED\tAT\tSIGNED BY\tSHA-256")
	for _, m := range messages {
		for _, s := range m.Steps {
			what := s.What
			if s.Reason != "" {
				what += ": " + s.Reason
			}
			fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\n", short(string(m.ID)), m.Number, what, moment(s.At), s.By, short(s.SHA256))
		}
	}
	return table.Flush()
}

// timeLeft says in words what is left of a sentence that is to be served in another State.
func timeLeft(left string) string {
	words := map[deadline.Left]string{
		deadline.LeftEnough:        "six months or more when the request was received",
		deadline.LeftTooLittle:     "less than six months when the request was received: not enough (ETS 112 art. 3(1)(c))",
		deadline.LeftExcepted:      "less than six months when the request was received: an exception is asked for (ETS 112 art. 3(2))",
		deadline.LeftIndeterminate: "the sentence is indeterminate",
		deadline.LeftToEstablish:   "to be established by the other State",
	}
	return cmp.Or(words[deadline.Left(left)], left)
}

func join[T ~string](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return strings.Join(texts, ", ")
}

// printSummary is what people see before their signature goes out.
func printSummary(w io.Writer, m api.Message) {
	fmt.Fprintf(w, "message     %s\n", m.ID)
	fmt.Fprintf(w, "what        %s, %s, to %s\n", m.Type, m.Urgency, m.To)
	if m.Case != "" {
		fmt.Fprintf(w, "case        %s\n", m.Case)
	}
	fmt.Fprintf(w, "drafted by  %s\n", strings.Join(m.Authors, ", "))
	fmt.Fprintf(w, "sha256      %s\n", m.SHA256)
	printFiles(w, m.Files)
}

// printFiles says what was read of the files of a draft, and which are not the ones that were handed in.
func printFiles(w io.Writer, files []api.File) {
	for _, f := range files {
		line := f.Reading
		if f.Reading != "clean" {
			line += ": people will read it before it leaves"
		}
		if f.Neutralised {
			line += "; metadata was taken out"
		}
		fmt.Fprintf(w, "file        %s: %s\n", f.Name, line)
	}
}

// printLetter shows the whole message: its standing, and its content where the reader may see it.
func printLetter(w io.Writer, m api.Message) error {
	fmt.Fprintf(w, "Message   %s\n", m.ID)
	fmt.Fprintf(w, "From      %s\n", m.From)
	fmt.Fprintf(w, "To        %s\n", m.To)
	fmt.Fprintf(w, "Type      %s (%s, language %s)\n", m.Type, m.Urgency, m.Language)
	optional(w, "Case      %s\n", m.Case)
	optional(w, "Reply to  %s\n", m.InReplyTo)
	fmt.Fprintf(w, "State     %s\n", standing(m))
	if m.State == "under-review" && m.Direction == "out" && schemas.SingleSignature(m.Type) {
		// Said of every live alert that waits, whatever for: it tells nothing.
		fmt.Fprintln(w, "Instead   the same alert without its persons waits for nobody: draft it without \"subjects\" and sign it")
	}
	printHistory(w, m)
	fmt.Fprintf(w, "SHA-256   %s\n", m.SHA256)
	printFiles(w, m.Files)
	if len(m.Payload) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return printPayload(w, m.Payload)
}

func standing(m api.Message) string {
	s := m.State
	if m.Reason != "" {
		s += ": " + m.Reason
	}
	if m.Number != 0 {
		s += fmt.Sprintf(", number %d from %s", m.Number, m.From)
	}
	return s
}

func printHistory(w io.Writer, m api.Message) {
	if len(m.Authors) > 0 {
		fmt.Fprintf(w, "Drafted   %s by %s\n", moment(m.DraftedAt), strings.Join(m.Authors, ", "))
	}
	if m.ApprovedBy != "" {
		fmt.Fprintf(w, "Approved  %s by %s\n", moment(m.ApprovedAt), m.ApprovedBy)
	}
	if !m.SentAt.IsZero() {
		until := ""
		if !m.ValidUntil.IsZero() {
			until = ", valid until " + moment(m.ValidUntil)
		}
		fmt.Fprintf(w, "Sent      %s%s\n", moment(m.SentAt), until)
	}
	printPaper(w, m)
	if !m.StoredAt.IsZero() {
		fmt.Fprintf(w, "Stored    %s by %s\n", moment(m.StoredAt), m.To)
	}
	if !m.ReceiptedAt.IsZero() {
		fmt.Fprintf(w, "Receipt   %s, %d ms after sealing\n", moment(m.ReceiptedAt), m.ReceiptMillis)
	}
}

// printPaper says what is known of a message's way on paper, and that nothing of it is proved.
func printPaper(w io.Writer, m api.Message) {
	if m.OnPaper {
		fmt.Fprintln(w, "Paper     no signature proves anything of this message")
	}
	switch p := m.Paper; {
	case p == nil:
	case p.LetterSHA256 != "":
		fmt.Fprintf(w, "Printed   %s by %s, given away by %s; SHA-256 of the letter %s\n", moment(p.At), p.Person, p.Means, p.LetterSHA256)
	default:
		fmt.Fprintf(w, "Came      %s by %s, dated %s; registered %s by %s\n", p.ReceivedOn, p.Means, p.Dated, moment(p.At), p.Person)
		if p.NationalRef != "" {
			fmt.Fprintf(w, "Reference %s\n", printable(p.NationalRef))
		}
	}
}

func optional[T schemas.CaseID | schemas.MessageID](w io.Writer, format string, id T) {
	if id != "" {
		fmt.Fprintf(w, format, id)
	}
}
