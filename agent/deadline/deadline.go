// Package deadline says what is due in a case, from whom and when. It is pure: no clock, no I/O, no key. Both sides of a
// case feed it the same messages, the same directory and the same table, and find the same deadlines.
//
// Every deadline is counted on the clock, calendar and time zone of the authority that performs: from the moment at which
// its signed receipt says that the asking message was stored, or from the time that it signed into its own message where
// it acts upon its own word; until the sent_at of the message with which it performs. Receipts and headers are signed, so
// both sides hold the same times. The calendar and zone stand in the directory row that its State signed.
//
// It trusts the caller for this: that the messages are those of one case, that Effects comes from lifecycle.Derive on
// the same messages, and that bodies passed schemas.Validate. It must never see a key or a person's record, and what it
// returns holds no content of any message: ids, types and times only.
//
// A deadline is a task at home. None of them changes the case: only messages do, and an expiry that stands in one.
package deadline

import (
	"time"

	"comity/pki"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// Message is what the timers need of one message of a case.
type Message struct {
	lifecycle.Event // SentAt is from the signed header
	// StoredAt is from the recipient's signed receipt; zero while the sender has none. Nothing that the recipient owes
	// runs before.
	StoredAt time.Time
	Urgency  schemas.Urgency
	Due      schemas.Date // last day that the message itself asks for (UNTOC art. 18(24))
	Body     []byte       // JSON; read for the dates in it, and nothing else
}

func (m Message) ref() lifecycle.Ref { return lifecycle.Ref{From: m.From, ID: m.ID} }

// Kind says what is due. The set is closed.
type Kind string

// The kinds of deadline.
const (
	Acknowledgement  Kind = "acknowledgement"
	Decision         Kind = "decision"
	Execution        Kind = "execution"
	StatedDue        Kind = "stated-due"         // the day that the request itself reasons for
	Review           Kind = "review"             // of what was postponed
	StatusReport     Kind = "status-report"      // unprompted
	StatusReply      Kind = "status-reply"       // to a query
	Supplement       Kind = "supplement"         // reply to a supplement request
	SupplementParked Kind = "supplement-parked"  // from then on the case waits; nothing closes it
	OralConfirmation Kind = "oral-confirmation"  // UNTOC art. 18(14)
	FreezeDecision   Kind = "freeze-recognition" // urgent freeze
	FreezeExecution  Kind = "freeze-execution"
	FreezeExpiry     Kind = "freeze-expiry"
	Recognition      Kind = "confiscation-recognition"
	TransferDecision Kind = "transfer-decision"
	TransferHandover Kind = "transfer-handover"
	NationalityReply Kind = "nationality-reply"
	TravelDocument   Kind = "travel-document"
	DocumentCheck    Kind = "document-check"
	AlertExpiry      Kind = "alert-expiry"
	Immunity         Kind = "immunity-until" // UNTOC art. 18(27): safe conduct
	ReturnOfPerson   Kind = "return-of-person"
)

// Deadline is one thing that is due. All times are in UTC.
type Deadline struct {
	Kind Kind
	Of   lifecycle.Ref       // the message that started it
	Who  schemas.AuthorityID // performs; where Lapses is set, whose calendar counts
	For  schemas.AuthorityID // waits for it
	// Lapses: nobody performs, something ends by itself then.
	Lapses bool

	From  time.Time
	DueAt time.Time // the first moment that is too late; zero while Paused
	// RemindAt is when the performing authority is reminded, zero for never.
	RemindAt time.Time
	// EscalateAt is when an overdue task goes to the performing authority's duty desk: the first moment from DueAt on at
	// which that desk is open. Zero where something only lapses.
	EscalateAt time.Time
	// Paused: the performing authority waits for an answer without which it cannot go on; the time does not count.
	Paused bool

	Met   time.Time     // when it was performed, by the performing authority's own signed time; zero while open
	MetBy lifecycle.Ref // the message that performed it
}

// Side is the side that performs.
func (d Deadline) Side(c lifecycle.Case) lifecycle.Side { return c.SideOf(d.Who) }

// Stage is where a deadline stands at a moment.
type Stage string

// The stages, in the order in which they come.
const (
	Running   Stage = "running"
	Paused    Stage = "paused"
	Reminded  Stage = "due-soon"
	Overdue   Stage = "overdue"
	Escalated Stage = "escalated" // overdue, and the duty desk is open
	Over      Stage = "over"      // it lapsed
	Done      Stage = "done"
	DoneLate  Stage = "done-late"
)

// At is the stage at a moment.
func (d Deadline) At(now time.Time) Stage {
	switch {
	case !d.Met.IsZero() && (d.DueAt.IsZero() || d.Met.Before(d.DueAt)):
		return Done
	case !d.Met.IsZero():
		return DoneLate
	case d.Paused:
		return Paused
	case d.Lapses && !now.Before(d.DueAt):
		return Over
	case !d.EscalateAt.IsZero() && !now.Before(d.EscalateAt):
		return Escalated
	case !now.Before(d.DueAt):
		return Overdue
	case !d.RemindAt.IsZero() && !now.Before(d.RemindAt):
		return Reminded
	}
	return Running
}

// Next is the next moment after now at which the stage changes by itself, zero where there is none: the time to sleep to.
func (d Deadline) Next(now time.Time) time.Time {
	if !d.Met.IsZero() || d.Paused {
		return time.Time{}
	}
	var next time.Time
	for _, at := range []time.Time{d.RemindAt, d.DueAt, d.EscalateAt} {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// Directory finds the row of an authority: pki.View.Authority.
type Directory func(schemas.AuthorityID) (*pki.Authority, error)
