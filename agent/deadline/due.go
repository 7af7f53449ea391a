package deadline

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"comity/schemas"
	"comity/schemas/lifecycle"
)

// dates are the members of a body that a clock reads. Everything else is passed over.
type dates struct {
	Actions   []string `json:"actions"`
	OralFirst *struct {
		When time.Time `json:"when"`
	} `json:"oral_first"`
	SafeConduct *struct {
		Days int `json:"days"`
	} `json:"safe_conduct"`
	TemporaryTransfer *struct {
		ReturnBy schemas.Date `json:"return_by"`
	} `json:"temporary_transfer"`
	ReviewAt  schemas.Date `json:"review_at"`
	ExpiresAt time.Time    `json:"expires_at"`
}

// reckoning is one call of Due.
type reckoning struct {
	table     *Table
	c         lifecycle.Case
	messages  []Message // those that have effect, in the order of their senders' numbers
	dates     map[lifecycle.Ref]dates
	directory Directory
	places    map[schemas.AuthorityID]*place
	found     []Deadline
	errs      []error
}

// Due lists the deadlines of a case, those that are met included, the next one first. c is derived from the same messages;
// one that had no effect starts and stops nothing. A deadline for which the directory has no calendar is left out, and
// the error says so: the others are still good.
func (t Table) Due(c lifecycle.Case, messages []Message, directory Directory) ([]Deadline, error) {
	r := &reckoning{
		table: &t, c: c, directory: directory, dates: map[lifecycle.Ref]dates{}, places: map[schemas.AuthorityID]*place{},
	}
	for _, m := range messages {
		if c.Effects[m.ref()] {
			r.messages = append(r.messages, m)
			r.read(m)
		}
	}
	slices.SortFunc(r.messages, func(a, b Message) int {
		return cmp.Or(strings.Compare(string(a.From), string(b.From)), cmp.Compare(a.Seq, b.Seq), strings.Compare(string(a.ID), string(b.ID)))
	})
	for _, row := range timers() {
		r.run(row)
	}
	r.reports()
	for _, m := range r.messages {
		r.named(m)
	}
	r.freeze()
	r.alert()
	r.handover()
	slices.SortStableFunc(r.found, func(a, b Deadline) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(string(a.Of.ID), string(b.Of.ID)))
	})
	return r.found, errors.Join(r.errs...)
}

// read takes the dates of a body. A body that is none has none: Validate has refused it, so it cannot have effect.
func (r *reckoning) read(m Message) {
	var d dates
	if len(m.Body) > 0 && json.Unmarshal(m.Body, &d) != nil {
		r.errs = append(r.errs, fmt.Errorf("reading the dates of %s %s: the body is not of its type", m.Type, m.ID))
		return
	}
	r.dates[m.ref()] = d
}

// place finds when an authority works, once.
func (r *reckoning) place(id schemas.AuthorityID) *place {
	if p, known := r.places[id]; known {
		return p
	}
	var p *place
	row, err := r.directory(id)
	if err == nil {
		p, err = placeOf(row)
	}
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("reckoning deadlines of %s: %w", id, err))
	}
	r.places[id] = p
	return p
}

// run applies one row.
func (r *reckoning) run(row timer) {
	if row.channels != nil && !slices.Contains(row.channels, r.c.Channel) {
		return
	}
	var latest *Message
	for i := range r.messages {
		m := &r.messages[i]
		starts := matches(row.starts, *m) || matches(row.own, *m) || row.opens && schemas.Opens(m.Type)
		if !starts || row.only != nil && !row.only(*m, r.dates[m.ref()]) {
			continue
		}
		if row.answers {
			r.time(row, *m)
		} else if latest == nil || r.began(row, *latest).Before(r.began(row, *m)) {
			latest = m
		}
	}
	if latest != nil {
		r.time(row, *latest)
	}
}

// began is when the time of a row begins with m, by the performing authority's clock.
func (r *reckoning) began(row timer, m Message) time.Time {
	if matches(row.own, m) {
		return m.SentAt
	}
	return m.StoredAt
}

// time runs one row from one message.
func (r *reckoning) time(row timer, m Message) {
	d := Deadline{Kind: row.kind, Of: m.ref(), Who: m.To, For: m.From, Lapses: row.lapses, From: r.began(row, m).UTC()}
	if matches(row.own, m) {
		d.Who, d.For = m.From, m.To
	}
	if r.began(row, m).IsZero() {
		return // the recipient has not said that it is there
	}
	if met := r.stopped(row, m, d.Who); met != nil {
		d.Met, d.MetBy = met.SentAt.UTC(), met.ref()
	} else if !r.c.Open || row.answers && !r.waits(row, m) || row.kind == Decision && r.bound(m) {
		return // nothing is owed any longer
	}
	p := r.place(d.Who)
	if p == nil {
		return
	}
	from := d.From
	if row.pauses {
		var waited time.Duration
		waited, d.Paused = r.waited(d)
		from = from.Add(waited)
	}
	if d.Paused && d.Met.IsZero() {
		r.found = append(r.found, d)
		return
	}
	d.Paused = false
	d.DueAt = p.after(from, row.term(r.table, m))
	r.finish(&d, p, from, row.remind)
}

// finish sets when to remind and to escalate, and keeps the deadline.
func (r *reckoning) finish(d *Deadline, p *place, from time.Time, remind func(*Table) Term) {
	switch {
	case remind != nil:
		d.RemindAt = p.after(from, remind(r.table))
	case r.table.RemindPercent > 0 && from.Before(d.DueAt):
		d.RemindAt = from.Add(d.DueAt.Sub(from) / 100 * time.Duration(r.table.RemindPercent)).UTC()
	}
	if !d.RemindAt.Before(d.DueAt) {
		d.RemindAt = time.Time{}
	}
	if !d.Lapses {
		d.EscalateAt = p.open(d.DueAt)
	}
	r.found = append(r.found, *d)
}

// stopped finds the first message with which the performing authority did what m started.
func (r *reckoning) stopped(row timer, m Message, who schemas.AuthorityID) *Message {
	for i := range r.messages {
		s := &r.messages[i]
		if s.From != who || s.ref() == m.ref() || row.stops != nil && !matches(row.stops, *s) || !follows(*s, m) {
			continue
		}
		if !row.answers || s.InReplyTo == m.ID {
			return s
		}
	}
	return nil
}

// follows tells whether s was written by one who had m.
func follows(s, m Message) bool {
	if s.From == m.From {
		return s.Seq > m.Seq
	}
	return s.Seen >= m.Seq || s.InReplyTo == m.ID
}

// waits tells whether the case still waits for an answer to m.
func (r *reckoning) waits(row timer, m Message) bool {
	for _, stop := range row.stops {
		for _, t := range schemas.Types() {
			if t.Channel() == r.c.Channel && t.Name() == stop.name && slices.Contains(r.c.Unanswered(t), m.ID) {
				return true
			}
		}
	}
	return false
}

// bound tells whether terms were accepted after m: they bind (UNTOC art. 18(26)), and nothing is left to decide.
func (r *reckoning) bound(m Message) bool {
	return slices.ContainsFunc(r.messages, func(s Message) bool {
		return s.Type.Name() == "consultation-reply" && s.Outcome == "accept" && s.From == m.From && s.Seq > m.Seq
	})
}

// waited adds up how long the performing authority had to wait for answers, and tells whether it still does: from its own
// question until the answer was stored with it.
func (r *reckoning) waited(d Deadline) (total time.Duration, still bool) {
	type span struct{ from, to time.Time }
	var spans []span
	for _, q := range r.messages {
		answer := answerTo(q)
		if answer == "" || q.From != d.Who || q.SentAt.Before(d.From) || !d.Met.IsZero() && q.SentAt.After(d.Met) {
			continue
		}
		row := timer{stops: []said{{name: answer}}, answers: true}
		a := r.stopped(row, q, q.To)
		switch {
		case a != nil && !a.StoredAt.IsZero():
			spans = append(spans, span{q.SentAt, a.StoredAt})
		case a != nil || r.waits(row, q):
			still = true
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var until time.Time
	for _, s := range spans {
		if s.from.Before(until) {
			s.from = until
		}
		if s.to.After(s.from) {
			total += s.to.Sub(s.from)
			until = s.to
		}
	}
	return total, still
}

// answerTo names the type that answers a question without which its author cannot go on, "" where m asks nothing such.
func answerTo(m Message) string {
	switch m.Type.Name() {
	case "supplement-request":
		return "supplement"
	case "consultation":
		return "consultation-reply"
	case "nationality-result":
		if m.Outcome == "needs-more" || m.Outcome == "interview-requested" {
			return "supplement"
		}
	}
	return ""
}
