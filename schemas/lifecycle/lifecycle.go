// Package lifecycle says where a case stands. It is pure: no clock, no I/O, no key. Both sides of a case feed it the
// messages that they hold and reach the same state from the same set, in whatever order the messages arrived.
//
// It trusts the agent for this: that each event was signed by its sender, that Seq and Seen come from the signed
// header, and that the message passed schemas.Validate. It does not trust the sender beyond that: a message that is
// not permitted where it stands has no effect, and numbers that contradict each other only change who loses.
//
// It must never see the content of a message: an Event holds its type and the one word that moves the case (Essence).
//
// # How a set of messages becomes a state
//
//  1. The message that opens the case comes first; its sender is the requesting side.
//  2. The messages of each side are ordered by their numbers. The two rows are merged: what saw the other (Seen) comes
//     after it. Of two that crossed, the one with the higher precedence comes first (a withdrawal before anything, a
//     closure after anything), else the one of the requesting side.
//  3. In that order each message is held against the table of the channel, and moves the case or has no effect.
//
// A message that arrived after all lower numbers of its sender has its final place for the recipient: whatever is
// still to come was written after it, or is written by the recipient, who has now seen it. A sender's own message can
// still lose against one that crossed it. A state derived while numbers are missing is therefore provisional.
package lifecycle

import (
	"errors"
	"slices"
	"time"

	"comity/schemas"
)

// Side is one of the two sides of a case.
type Side uint8

// The sides. The sender of the opening message is Requesting, whatever its type.
const (
	Requesting Side = 1
	Requested  Side = 2
)

func (s Side) String() string {
	switch s {
	case Requesting:
		return "requesting"
	case Requested:
		return "requested"
	}
	return "no-side"
}

// Other is the opposite side.
func (s Side) Other() Side { return Requesting + Requested - s }

// Sides is a set of sides.
type Sides uint8

// The sets of sides.
const (
	Nobody = Sides(0)
	Both   = Sides(Requesting | Requested)
)

// Has tells whether side is in the set.
func (s Sides) Has(side Side) bool { return s&Sides(side) != 0 }

func (s Sides) String() string {
	switch s {
	case Nobody:
		return "nobody"
	case Both:
		return "both"
	}
	return Side(s).String()
}

// State is where a case stands, by a name that does not change.
type State string

// Event is what the lifecycle needs to know of one message.
type Event struct {
	ID        schemas.MessageID
	From, To  schemas.AuthorityID
	Seq       uint64 // the sender's number for this message
	Seen      uint64 // the highest contiguous number that the sender had received from the other side
	Type      schemas.MessageType
	InReplyTo schemas.MessageID
	Outcome   string // what of the body moves the case: see Essence
	// Continues: the message names the case, so it did not open it. Some types do either.
	Continues bool
	// SentAt is from the signed header. Zero asks about no moment: then nothing has expired.
	SentAt time.Time
}

// Ref names a message: an id is unique within its sender only.
type Ref struct {
	From schemas.AuthorityID
	ID   schemas.MessageID
}

func (e Event) ref() Ref { return Ref{e.From, e.ID} }

// Case is where a case stands after a set of messages.
type Case struct {
	Channel    schemas.Channel
	Opened     schemas.MessageType // the type that opened it
	State      State
	Requesting schemas.AuthorityID
	Requested  schemas.AuthorityID
	NextToAct  Sides
	Open       bool
	// Effects holds every message that was given: true where it moved the case or stands lawfully beside it, false where
	// it was without effect, because the table does not permit it there or it lost against one that crossed it.
	Effects map[Ref]bool
	// Expires is when the case ends by itself, zero where it does not: see At.
	Expires time.Time
	// Erase lists the messages whose content both sides have to erase.
	Erase []Ref

	story     *story
	at        time.Time // the moment that At was asked about
	main      State     // State without the overlays
	marks     mark
	questions []question
}

// question is a message that the other side owes an answer to, or that was answered.
type question struct {
	ref     Ref
	kind    string
	outcome string
	owed    Side
	open    bool
}

// ErrNoLifecycle is returned for a channel that has no table.
var ErrNoLifecycle = errors.New("the channel has no lifecycle")

// SideOf is the side of an authority, 0 where it is no party to the case.
func (c Case) SideOf(a schemas.AuthorityID) Side {
	switch {
	case a == "":
		return 0
	case a == c.Requesting:
		return Requesting
	case a == c.Requested:
		return Requested
	}
	return 0
}

// Unanswered lists the messages that one of type t would answer and that nobody has answered, oldest first.
func (c Case) Unanswered(t schemas.MessageType) []schemas.MessageID {
	kinds, _ := schemas.Answers(t)
	var ids []schemas.MessageID
	for _, q := range c.questions {
		if q.open && slices.ContainsFunc(kinds, func(k schemas.MessageType) bool { return k.Name() == q.kind }) {
			ids = append(ids, q.ref.ID)
		}
	}
	return ids
}
