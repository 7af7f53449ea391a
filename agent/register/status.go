package register

import "slices"

// Status is the asylum status of a person. It lives in this register and nowhere else.
type Status string

// The statuses (DOMAIN section 4).
const (
	None               Status = "none"
	FearExpressed      Status = "fear-expressed"
	Pending            Status = "pending"
	Granted            Status = "granted"
	RejectedAppealable Status = "rejected-appealable"
	RejectedFinal      Status = "rejected-final"
	Withdrawn          Status = "withdrawn"
	Unknown            Status = "unknown"
	Labelled           Status = "labelled" // protected by another State's signed protect_from; nothing more is known
)

// statuses are those that a feed may give, from the least to the most protective: of several, the last one counts.
// Rejected and withdrawn stand low because exceptions E2 and E3 exist for them alone.
var statuses = []Status{None, RejectedFinal, Withdrawn, Labelled, Unknown, FearExpressed, RejectedAppealable, Pending, Granted}

// InP tells whether a person of this status is in P, the protected persons: all but those with none.
func (s Status) InP() bool { return s != None }

// fromFeed tells whether an asylum authority may give the status. A label comes from another State's message only.
func (s Status) fromFeed() bool { return s != Labelled && slices.Contains(statuses, s) }

// stronger is the more protective of the two.
func stronger(a, b Status) Status {
	if slices.Index(statuses, b) > slices.Index(statuses, a) {
		return b
	}
	return a
}

// EntryID names an entry. It is random and says nothing about the person.
type EntryID string
