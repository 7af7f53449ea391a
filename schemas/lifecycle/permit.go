package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"comity/schemas"
)

// Reason says why a message is not permitted. The set is closed.
type Reason string

// The reasons of NotPermittedError.
const (
	NotAParty        Reason = "not-a-party"        // the sender is neither side of the case
	NotOpen          Reason = "not-opened"         // the case has not been opened
	AlreadyOpen      Reason = "already-opened"     // a message of this type opens a case, and this one is open
	UnknownMessage   Reason = "unknown-message"    // such cases have no messages of this type, or with this outcome
	OtherSide        Reason = "other-side"         // only the other side sends it
	WrongState       Reason = "wrong-state"        // not in this state
	ConsultFirst     Reason = "consult-first"      // UNTOC art. 18(26)
	StepMissing      Reason = "step-missing"       // another message has to come first
	StandsAgainst    Reason = "stands-against"     // something that is still open, or was done before, stands against it
	Expired          Reason = "expired"            // the case ended by itself before the message was sent
	NothingReceived  Reason = "nothing-received"   // no result was confirmed
	NothingToAnswer  Reason = "nothing-to-answer"  // it answers a message that is not there
	AlreadyAnswered  Reason = "already-answered"   // that message was answered or settled before
	AnotherToConfirm Reason = "another-to-confirm" // the answered message calls for another answer

	ExpiryOutOfBounds Reason = "expiry-out-of-bounds" // an opening message expires too late or before it is sent
)

// NotPermittedError says why a message would have no effect. It holds no content of any message.
type NotPermittedError struct {
	State  State
	Type   schemas.MessageType
	Reason Reason
	Hint   string
}

func (e *NotPermittedError) Error() string {
	return fmt.Sprintf("%s is not permitted in state %s: %s", e.Type, e.State, e.Reason)
}

// Permits tells whether a message of this type and outcome (Essence), sent by side after all that is in the case,
// would have effect. It is asked before sealing. The error is a *NotPermittedError.
func (c Case) Permits(side Side, t schemas.MessageType, outcome string) error {
	return c.explain(side, Event{Type: t, Outcome: outcome}, true)
}

// PermitsEvent is Permits for a message whose InReplyTo is known too.
func (c Case) PermitsEvent(e Event) error {
	return c.explain(c.SideOf(e.From), e, false)
}

func (c Case) explain(side Side, e Event, anyAnswer bool) error {
	if e.SentAt.IsZero() {
		e.SentAt = c.at
	}
	_, reason := c.permits(side, e, anyAnswer)
	if reason == nil {
		return nil
	}
	return &NotPermittedError{State: c.State, Type: e.Type, Reason: *reason, Hint: c.hint(*reason, side)}
}

// permits finds the rule that applies to e, or the reason why none does: the reason of the row that came nearest.
// With anyAnswer a message that could be answered is enough, else e must name it.
func (c *Case) permits(side Side, e Event, anyAnswer bool) (*rule, *Reason) {
	nearest := UnknownMessage
	no := func(r Reason) (*rule, *Reason) { return nil, &r }
	if c.story == nil {
		if opens(c.Channel, e.Type) && side == Requesting {
			return &rule{}, nil
		}
		return no(NotOpen)
	}
	switch {
	case side == 0:
		return no(NotAParty)
	case e.Type.Channel() != c.Channel:
		return no(UnknownMessage)
	case opens(c.Channel, e.Type) && !c.story.rules(e.Type):
		return no(AlreadyOpen)
	}
	name := e.Type.Name()
	for i := range c.story.Rules {
		r := &c.story.Rules[i]
		if r.Type != name || r.Outcomes != nil && !slices.Contains(r.Outcomes, e.Outcome) {
			continue
		}
		switch reason := c.against(r, side, e, anyAnswer); {
		case reason == "":
			return r, nil
		case rank(reason) > rank(nearest):
			nearest = reason
		}
	}
	return no(nearest)
}

// against holds e against one row; "" is a match.
func (c *Case) against(r *rule, side Side, e Event, anyAnswer bool) Reason {
	switch {
	case !r.By.Has(side):
		return OtherSide
	case r.From != nil && !slices.Contains(r.From, c.main):
		return WrongState
	case r.From != nil && c.lapsed(e.SentAt):
		return Expired
	case r.Needs&consulted != 0 && c.marks&consulted == 0:
		return ConsultFirst
	case r.Needs&hasReceived != 0 && c.marks&hasReceived == 0:
		return NothingReceived
	case r.Needs&^c.marks != 0:
		return StepMissing
	case r.Bars&c.marks != 0:
		return StandsAgainst
	case r.Answers == "":
		return ""
	}
	nearest := NothingToAnswer
	for _, q := range c.questions {
		if q.kind != r.Answers || q.owed != side || !anyAnswer && q.ref.ID != e.InReplyTo {
			continue
		}
		switch {
		case r.Said != nil && !slices.Contains(r.Said, q.outcome):
			nearest = AnotherToConfirm
		case !q.open && !r.Again:
			nearest = AlreadyAnswered
		default:
			return ""
		}
	}
	return nearest
}

// rank orders reasons by how near the message came to being permitted.
func rank(r Reason) int {
	return slices.Index([]Reason{
		UnknownMessage, OtherSide, WrongState, Expired, StepMissing, StandsAgainst, NothingReceived, NothingToAnswer, AnotherToConfirm, AlreadyAnswered, ConsultFirst,
	}, r)
}

// hint says what could be done, from the table and the state alone.
func (c Case) hint(reason Reason, side Side) string {
	switch reason {
	case ConsultFirst:
		return "consult first and wait for the answer (UNTOC art. 18(26))"
	case NothingReceived:
		return "confirm a result first"
	case Expired:
		return "the case ended by itself: what is still to be said opens a new one"
	case AlreadyOpen:
		return "a message of this type opens a case of its own: leave the case out"
	case NotOpen:
		return "a case begins with a message that opens it"
	case NotAParty:
		return "only the two authorities of the case send messages in it"
	}
	next := c.Next(side)
	if len(next) == 0 {
		return "nothing can be sent in this case now"
	}
	var names []string
	for _, t := range next {
		names = append(names, string(t))
	}
	return "possible now: " + strings.Join(names, ", ")
}

// Next lists the types that side may send now, those that move the case before those that stand beside it.
func (c Case) Next(side Side) []schemas.MessageType {
	var moving, beside []schemas.MessageType
	if c.story == nil {
		return openings(c.Channel)
	}
	for i := range c.story.Rules {
		r := &c.story.Rules[i]
		if c.against(r, side, Event{SentAt: c.at}, true) != "" {
			continue
		}
		t := newest(c.Channel, r.Type)
		if r.To != "" {
			moving = append(moving, t)
		} else {
			beside = append(beside, t)
		}
	}
	var types []schemas.MessageType
	for _, t := range slices.Concat(moving, beside) {
		if t != "" && !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return types
}

func opens(ch schemas.Channel, t schemas.MessageType) bool {
	name := t.Name()
	return t.Channel() == ch && slices.ContainsFunc(stories(ch), func(s *story) bool { return s.Opening == name })
}

// rules tells whether messages of this type have a place in a case that is open.
func (s *story) rules(t schemas.MessageType) bool {
	name := t.Name()
	return slices.ContainsFunc(s.Rules, func(r rule) bool { return r.Type == name })
}

func openings(ch schemas.Channel) []schemas.MessageType {
	var types []schemas.MessageType
	for _, s := range stories(ch) {
		if t := newest(ch, s.Opening); t != "" && !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return types
}

// newest is the registered type of this name with the highest version, "" where there is none.
func newest(ch schemas.Channel, name string) schemas.MessageType {
	return newestTypes()[named{ch, name}]
}

type named struct {
	channel schemas.Channel
	name    string
}

// newestTypes is found once: what is registered is fixed in the program.
var newestTypes = sync.OnceValue(func() map[named]schemas.MessageType {
	best := map[named]schemas.MessageType{}
	for _, t := range schemas.Types() {
		if key := (named{t.Channel(), t.Name()}); t.Version() > best[key].Version() {
			best[key] = t
		}
	}
	return best
})
