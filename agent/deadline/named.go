package deadline

import (
	"slices"
	"time"

	"comity/schemas"
	"comity/schemas/lifecycle"
)

// reports is the unprompted report that whoever works on a request owes while the other side hears nothing.
func (r *reckoning) reports() {
	reporting := []schemas.Channel{schemas.ChannelMLA, schemas.ChannelConfiscation, schemas.ChannelTransfer, schemas.ChannelRepatriation}
	if !r.c.Open || !slices.Contains(reporting, r.c.Channel) {
		return
	}
	d := Deadline{Kind: StatusReport, Who: r.c.Requested, For: r.c.Requesting}
	if request := r.last("request", ""); r.c.Channel == schemas.ChannelTransfer && request != nil {
		// Either State asks, the other one works on it; what follows its decision is reported as it happens (ETS 112 art. 15).
		if d.Who, d.For = request.To, request.From; r.last("decision", "") != nil {
			return
		}
	}
	if !r.c.NextToAct.Has(r.c.SideOf(d.Who)) {
		return
	}
	for _, m := range r.messages {
		at := m.SentAt
		if m.From != d.Who {
			if !schemas.Opens(m.Type) && m.Type.Name() != "supplement" && m.Type.Name() != "consultation-reply" {
				continue // it does not give the turn to whoever reports
			}
			at = m.StoredAt
		}
		if at.After(d.From) {
			d.From, d.Of = at.UTC(), m.ref()
		}
	}
	p := r.place(d.Who)
	if d.From.IsZero() || p == nil {
		return
	}
	d.DueAt = p.after(d.From, r.table.StatusReport)
	r.finish(&d, p, d.From, nil)
}

// named are the deadlines that a message names itself.
func (r *reckoning) named(m Message) {
	body := r.dates[m.ref()]
	if m.Due != "" && !m.StoredAt.IsZero() {
		r.onDay(Deadline{Kind: StatedDue, Who: m.To, For: m.From, From: m.StoredAt.UTC()}, m, m.Due, r.performed(m))
	}
	if m.Type.Name() == "decision" && m.Outcome == "postponed" && body.ReviewAt != "" {
		again := r.stopped(timer{stops: []said{{name: "decision"}}}, m, m.From)
		r.onDay(Deadline{Kind: Review, Who: m.From, For: m.To, From: m.SentAt.UTC()}, m, body.ReviewAt, again)
	}
	if t := body.TemporaryTransfer; t != nil && m.Type.Channel() == schemas.ChannelMLA {
		closed := r.stopped(timer{stops: []said{{name: "closure"}}}, m, m.From)
		r.onDay(Deadline{Kind: ReturnOfPerson, Who: m.From, For: m.To, From: m.SentAt.UTC()}, m, t.ReturnBy, closed)
	}
	if o := body.OralFirst; o != nil {
		if p := r.place(m.From); p != nil {
			d := r.table.oral(p, o.When, m.From)
			d.Of, d.For, d.Met, d.MetBy = m.ref(), m.To, m.SentAt.UTC(), m.ref()
			r.finish(&d, p, d.From, nil)
		}
	}
	if s := body.SafeConduct; s != nil && m.Type.Channel() == schemas.ChannelMLA {
		r.immunity(m, s.Days)
	}
}

// performed finds what a message with a stated day asked for: whatever answers it in substance.
func (r *reckoning) performed(m Message) *Message {
	beside := []string{"acknowledgement", "status-report", "supplement-request", "consultation", "confidentiality-limit", "costs-consultation"}
	substance := []said{
		{"decision", []string{"refused", "refused-under-other-treaty", "not-available"}}, {"result", []string{"full", "none"}},
		{name: "nationality-result"}, {name: "travel-document-issued"}, {name: "document-check-result"}, {name: "alert-response"},
	}
	for i := range r.messages {
		s := &r.messages[i]
		if s.From != m.To || !follows(*s, m) {
			continue
		}
		answers := s.InReplyTo == m.ID && !slices.Contains(beside, s.Type.Name())
		if answers || schemas.Opens(m.Type) && matches(substance, *s) {
			return s
		}
	}
	return nil
}

// onDay keeps a deadline that ends with a day of the performing authority's calendar. A day that was named is not moved.
func (r *reckoning) onDay(d Deadline, m Message, date schemas.Date, met *Message) {
	d.Of = m.ref()
	if met != nil {
		d.Met, d.MetBy = met.SentAt.UTC(), met.ref()
	} else if !r.c.Open {
		return
	}
	last, err := parseDay(date)
	p := r.place(d.Who)
	if err != nil || p == nil {
		return
	}
	d.DueAt = p.end(last)
	r.finish(&d, p, d.From, nil)
}

// immunity is how long a person who came under safe conduct is protected (UNTOC art. 18(27)), reckoned from the message
// with which the requesting State ends the matter: that it needs nobody any longer. Where the person was told earlier,
// Safe reckons from that day.
func (r *reckoning) immunity(m Message, days int) {
	p := r.place(m.From)
	if p == nil {
		return
	}
	for _, s := range r.messages {
		ended := s.Type.Name() == "closure" || s.Type.Name() == "withdrawal" && s.Outcome == "whole"
		if ended && s.From == m.From && s.Seq > m.Seq {
			d := Deadline{Kind: Immunity, Of: m.ref(), Who: m.From, For: m.To, Lapses: true, From: s.SentAt.UTC()}
			d.DueAt = p.after(d.From, ConsecutiveDays(days))
			r.finish(&d, p, d.From, nil)
			return
		}
	}
}

// freeze is when the measure that was reported last ends by itself. It outlives the case: property stays frozen until it
// is released, whatever became of the request.
func (r *reckoning) freeze() {
	var last *Message
	for i := range r.messages {
		if m := &r.messages[i]; m.Type.Name() == "freeze-report" && (last == nil || m.Seq > last.Seq) {
			if m.Outcome == "released-in-part" {
				continue
			}
			if m.Outcome == "released" || !r.dates[m.ref()].ExpiresAt.IsZero() {
				last = m
			}
		}
	}
	if last == nil || last.Outcome == "released" {
		return
	}
	p := r.place(last.From)
	if p == nil {
		return
	}
	d := Deadline{
		Kind: FreezeExpiry, Of: last.ref(), Who: last.From, For: last.To, Lapses: true,
		From: last.SentAt.UTC(), DueAt: r.dates[last.ref()].ExpiresAt.UTC(),
	}
	d.RemindAt = later(p.before(d.DueAt, r.table.FreezeWarning), d.From)
	r.found = append(r.found, d)
}

// alert is when an alert that nobody has answered ends by itself, as the lifecycle says it.
func (r *reckoning) alert() {
	watching := []lifecycle.State{lifecycle.StateRaised, lifecycle.StateAcknowledged, lifecycle.StateFalseHit, lifecycle.StateExpired}
	if r.c.Expires.IsZero() || !slices.Contains(watching, r.c.State) {
		return
	}
	for _, m := range r.messages {
		if p := r.place(m.To); m.Type == r.c.Opened && p != nil {
			d := Deadline{Kind: AlertExpiry, Of: m.ref(), Who: m.To, For: m.From, Lapses: true, From: m.SentAt.UTC(), DueAt: r.c.Expires.UTC()}
			r.finish(&d, p, d.From, nil)
		}
	}
}

// handover runs from the decision that both States agree (ETS 112 art. 3(1)(f)); the sentencing State hands over.
func (r *reckoning) handover() {
	agreed, request := r.last("decision", "accepted"), r.last("request", "")
	if r.c.Channel != schemas.ChannelTransfer || agreed == nil || request == nil {
		return
	}
	d := Deadline{Kind: TransferHandover, Of: agreed.ref(), Who: request.From, For: request.To, From: agreed.SentAt.UTC()}
	if request.Outcome != "sentencing-state" {
		d.Who, d.For = d.For, d.Who
	}
	if agreed.From != d.Who {
		if agreed.StoredAt.IsZero() {
			return
		}
		d.From = agreed.StoredAt.UTC()
	}
	if met := r.stopped(timer{stops: []said{{"handover", []string{"done"}}}}, *agreed, d.Who); met != nil {
		d.Met, d.MetBy = met.SentAt.UTC(), met.ref()
	} else if !r.c.Open {
		return
	}
	if p := r.place(d.Who); p != nil {
		d.DueAt = p.after(d.From, r.table.TransferHandover)
		r.finish(&d, p, d.From, nil)
	}
}

// last is the latest message of a type that says outcome, or whatever it says where that is empty.
func (r *reckoning) last(name, outcome string) (found *Message) {
	for i := range r.messages {
		m := &r.messages[i]
		if m.Type.Name() == name && (outcome == "" || m.Outcome == outcome) && (found == nil || m.SentAt.After(found.SentAt)) {
			found = m
		}
	}
	return found
}

func (t Table) oral(p *place, when time.Time, who schemas.AuthorityID) Deadline {
	return Deadline{Kind: OralConfirmation, Who: who, From: when.UTC(), DueAt: p.after(when, t.OralConfirmation)}
}
