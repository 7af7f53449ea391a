package lifecycle

import (
	"maps"
	"slices"
	"time"

	"comity/schemas"
)

// story is the lifecycle of the cases that one type of message opens: a table. Everything below is data; derive.go
// holds the one machine that reads it.
type story struct {
	Opening string // the type that opens the case, without channel and version
	// As narrows the table to openings that say this (Essence); "" is whatever they say. So the content of the opening
	// decides who is who, and one type can open cases of several kinds.
	As      string
	Initial State
	Begins  mark // what the opening itself sets
	// Expires is how long after its opening such a case may last, 0 without end. The opening says the moment (Essence), and
	// the case ends then if it still stands in one of Lapses.
	Expires time.Duration
	Lapses  []State
	// States lists every state of the main path with the sides that act next; no side means that it is an end.
	States map[State]Sides
	// Ends are the states in which the case is no longer open.
	Ends []State
	// Overlays are states that a case is in for a while, beside the main path; the first that applies is shown.
	Overlays []overlay
	// Rules are tried from the top; the first that permits an event is applied. A type without a rule has no effect.
	Rules []rule
	// Precedence decides between events that crossed: lower comes first, 0 where a type is not named.
	Precedence map[string]int
}

// without takes states out of a table, and with them the rows that lead there or stand only there, and the rows of a
// type that has no place in it.
func (s *story) without(name string, states ...State) *story {
	gone := func(state State) bool { return slices.Contains(states, state) }
	maps.DeleteFunc(s.States, func(state State, _ Sides) bool { return gone(state) })
	s.Ends = slices.DeleteFunc(slices.Clone(s.Ends), gone)
	var rules []rule
	for _, r := range s.Rules {
		if r.From != nil {
			r.From = slices.DeleteFunc(slices.Clone(r.From), gone)
		}
		if r.Type != name && !gone(r.To) && (r.From == nil || len(r.From) > 0) {
			rules = append(rules, r)
		}
	}
	s.Rules = rules
	return s
}

// overlay shows State while a question of this kind is open, or while Mark is set.
type overlay struct {
	State State   // "": the state beneath stays, and only who acts next changes
	In    []State // of the main path; nil: all
	Asked string
	Mark  mark
	Next  Sides // who acts while the mark is set and no question is open
}

// mark is something that happened in a case and that the state alone does not tell.
type mark uint32

// The marks that mean the same on every channel. A channel's own begin at firstOwnMark.
const (
	consulted   mark = 1 << iota // the other side has answered a consultation, and nothing was decided since
	hasReceived                  // the requesting side has confirmed a result

	firstOwnMark = 8 // bits below are kept for marks of all channels
)

// rule is one row: who may send what, in which states, and what it does.
type rule struct {
	Type     string
	By       Sides
	Outcomes []string // nil: whatever the message says
	From     []State  // of the main path; nil: all, ends included
	Needs    mark     // all of them
	Bars     mark     // none of them
	// Answers is the type of message that this one must answer. The answered one must have had effect, and said one of
	// Said (nil: whatever); unless Again, it must not have been answered before.
	Answers string
	Said    []string
	Again   bool
	// MayAnswer is for a type that also stands alone.
	MayAnswer string

	To     State // "": stays
	Asks   bool  // the other side owes an answer
	Sets   mark
	Clears mark
	// Settles lists the types of questions that are open no longer: whoever goes on does not wait for them.
	Settles []string
	Erases  bool // what the answered message said is to be erased
}

// stories returns the tables of a channel, nil where it has none.
func stories(ch schemas.Channel) []*story {
	switch ch {
	case schemas.ChannelMLA:
		return mlaStories()
	case schemas.ChannelConfiscation:
		return confiscationStories()
	case schemas.ChannelTransfer:
		return transferStories()
	case schemas.ChannelJIT:
		return jitStories()
	case schemas.ChannelBorder:
		return borderStories()
	case schemas.ChannelRepatriation:
		return repatriationStories()
	}
	return nil
}

// essenceMember names, by type, the member of the body that moves a case: that of the channel, or else that of the types
// that channels share.
func essenceMember(ch schemas.Channel, name string) string {
	if member := ownEssence(ch)[name]; member != "" {
		return member
	}
	switch name {
	case "decision", "use-consent-decision":
		return "outcome"
	case "consultation-reply":
		return "answer"
	case "result":
		return "extent"
	case "status-report":
		return "stage"
	case "withdrawal":
		return "scope"
	}
	return ""
}

// ownEssence is essenceMember for the types that only this channel has, or in which another member moves the case.
func ownEssence(ch schemas.Channel) map[string]string {
	switch ch {
	case schemas.ChannelConfiscation:
		return map[string]string{"request": "route", "freeze-report": "status"}
	case schemas.ChannelTransfer:
		return transferEssence()
	case schemas.ChannelJIT:
		return map[string]string{"close": "stage"}
	case schemas.ChannelBorder:
		return borderEssence()
	case schemas.ChannelRepatriation:
		return repatriationEssence()
	}
	return nil
}
