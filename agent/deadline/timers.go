package deadline

import (
	"slices"

	"comity/schemas"
)

// timer is one row: which messages start it, which of the performing authority's stop it, and how long it runs.
type timer struct {
	kind     Kind
	channels []schemas.Channel // nil: all
	// starts: the recipient of such a message performs, from its stored_at on.
	starts []said
	opens  bool // so does that of every message that can open a case
	// own: the sender of such a message performs, from its sent_at on.
	own   []said
	stops []said // nil: whatever the performing authority sends
	// answers: each starting message runs its own time, and is stopped by what replies to it; else the latest one counts.
	answers bool
	pauses  bool // while the performing authority waits for an answer the time does not count
	lapses  bool
	only    func(Message, dates) bool // nil: every message that starts it
	term    func(*Table, Message) Term
	remind  func(*Table) Term // zero: Table.RemindPercent
}

// said is a type of message, and what it must say (lifecycle.Essence); nil is whatever it says.
type said struct {
	name     string
	outcomes []string
}

func (s said) is(m Message) bool {
	return s.name == m.Type.Name() && (s.outcomes == nil || slices.Contains(s.outcomes, m.Outcome))
}

func matches(list []said, m Message) bool {
	return slices.ContainsFunc(list, func(s said) bool { return s.is(m) })
}

func fixed(pick func(*Table) Term) func(*Table, Message) Term {
	return func(t *Table, _ Message) Term { return pick(t) }
}

// timers are the rows of DOMAIN section 3 that a message starts and another stops. What ends at a moment that a message
// names is in due.go.
func timers() []timer {
	granted := []string{"accepted", "partial", "conditional"}
	refused := []string{"refused", "refused-under-other-treaty", "not-available"} // the second as lifecycle.Essence says it
	decided := func(more ...said) []said { return append(more, said{name: "decision"}) }
	incomplete := []said{{name: "supplement-request"}, {"nationality-result", []string{"needs-more", "interview-requested"}}}
	return []timer{
		{
			kind: Acknowledgement, opens: true,
			term: func(t *Table, m Message) Term {
				switch {
				case m.Type.Channel() == schemas.ChannelBorder:
					return t.AcknowledgementBorder
				case m.Urgency != schemas.Routine && m.Urgency != "":
					return t.AcknowledgementUrgent
				}
				return t.Acknowledgement
			},
		},
		{
			kind: Decision, channels: []schemas.Channel{schemas.ChannelMLA}, starts: []said{{name: "request"}},
			stops: decided(said{name: "result"}), pauses: true, term: fixed(func(t *Table) Term { return t.Decision }),
		},
		{
			kind: Execution, channels: []schemas.Channel{schemas.ChannelMLA}, own: []said{{"decision", granted}},
			// Accepted terms bind (UNTOC art. 18(26)): the reply that accepts them leaves nothing to decide.
			starts: []said{{"consultation-reply", []string{"accept"}}},
			stops:  []said{{"result", []string{"full", "none"}}}, pauses: true, term: fixed(func(t *Table) Term { return t.Execution }),
		},
		{
			kind: FreezeDecision, channels: []schemas.Channel{schemas.ChannelConfiscation}, starts: []said{{name: "provisional-request"}},
			only: urgentFreeze, stops: decided(said{name: "freeze-report"}), term: fixed(func(t *Table) Term { return t.FreezeDecision }),
		},
		{
			kind: FreezeExecution, channels: []schemas.Channel{schemas.ChannelConfiscation}, starts: []said{{name: "provisional-request"}},
			only: urgentFreeze, stops: []said{{"freeze-report", []string{"frozen", "seized"}}, {"decision", refused}},
			// The time to recognise and the time to execute follow one another.
			term: func(t *Table, _ Message) Term { return t.FreezeDecision.plus(t.FreezeExecution) },
		},
		{
			kind: Decision, channels: []schemas.Channel{schemas.ChannelConfiscation}, starts: []said{{name: "provisional-request"}},
			only:  func(m Message, d dates) bool { return !urgentFreeze(m, d) },
			stops: decided(said{name: "freeze-report"}, said{name: "result"}), pauses: true, term: fixed(func(t *Table) Term { return t.Decision }),
		},
		{
			kind: Recognition, channels: []schemas.Channel{schemas.ChannelConfiscation}, starts: []said{{name: "request"}},
			stops: decided(said{"result", []string{"full", "partial", "none"}}), pauses: true, term: fixed(func(t *Table) Term { return t.Recognition }),
		},
		{
			kind: Decision, channels: []schemas.Channel{schemas.ChannelConfiscation}, starts: []said{{name: "disposal-request"}},
			stops: []said{{name: "disposal-decision"}}, answers: true, term: fixed(func(t *Table) Term { return t.Decision }),
		},
		{
			kind: TransferDecision, channels: []schemas.Channel{schemas.ChannelTransfer}, starts: []said{{name: "request"}},
			stops: decided(), pauses: true, term: fixed(func(t *Table) Term { return t.TransferDecision }),
		},
		{
			kind: Decision, channels: []schemas.Channel{schemas.ChannelTransfer}, starts: []said{{name: "transit"}},
			stops: decided(), pauses: true, term: fixed(func(t *Table) Term { return t.Decision }),
		},
		{
			kind: NationalityReply, channels: []schemas.Channel{schemas.ChannelRepatriation}, starts: []said{{name: "nationality-request"}},
			stops:  []said{{"nationality-result", []string{"national-confirmed", "permanent-resident-confirmed", "not-national"}}},
			pauses: true, term: fixed(func(t *Table) Term { return t.NationalityReply }),
		},
		{
			kind: TravelDocument, channels: []schemas.Channel{schemas.ChannelRepatriation}, starts: []said{{name: "travel-document-request"}},
			stops: decided(said{name: "travel-document-issued"}), answers: true, term: fixed(func(t *Table) Term { return t.TravelDocument }),
		},
		{
			kind: Decision, channels: []schemas.Channel{schemas.ChannelRepatriation}, starts: []said{{name: "return-plan"}},
			stops: decided(), answers: true, term: fixed(func(t *Table) Term { return t.Decision }),
		},
		{
			kind: DocumentCheck, channels: []schemas.Channel{schemas.ChannelBorder}, starts: []said{{name: "document-check-request"}},
			stops: []said{{name: "document-check-result"}},
			term: func(t *Table, m Message) Term {
				if m.Urgency != schemas.Routine && m.Urgency != "" { // a traveller waits
					return t.DocumentCheckWaiting
				}
				return t.DocumentCheck
			},
		},
		{
			kind: StatusReply, starts: []said{{name: "status-query"}}, stops: []said{{name: "status-report"}}, answers: true,
			term: fixed(func(t *Table) Term { return t.StatusReply }),
		},
		{
			kind: Supplement, starts: incomplete, stops: []said{{name: "supplement"}}, answers: true,
			term: fixed(func(t *Table) Term { return t.Supplement }), remind: func(t *Table) Term { return t.SupplementReminder },
		},
		{
			kind: SupplementParked, starts: incomplete, stops: []said{{name: "supplement"}}, answers: true, lapses: true,
			term: fixed(func(t *Table) Term { return t.SupplementParked }),
		},
	}
}

// urgentFreeze tells whether property has to be kept from going at once.
func urgentFreeze(m Message, d dates) bool {
	return m.Urgency != schemas.Routine && m.Urgency != "" &&
		(slices.Contains(d.Actions, "freeze") || slices.Contains(d.Actions, "seize"))
}
