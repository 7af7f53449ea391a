package lifecycle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"comity/schemas"
)

// Derive is the state of a case after a set of messages. The order in which they are given and repetitions do not
// matter. Without the message that opens the case the state is StateUnopened and Effects is empty.
func Derive(ch schemas.Channel, events []Event) (Case, error) {
	tables := stories(ch)
	if tables == nil {
		return Case{}, fmt.Errorf("deriving a case on channel %s: %w", ch, ErrNoLifecycle)
	}
	c := Case{Channel: ch, State: StateUnopened, main: StateUnopened, Effects: map[Ref]bool{}}
	opening, story := findOpening(tables, ch, events)
	if story == nil {
		return c, nil
	}
	c.open(story, opening)
	mine, theirs := c.rows(opening, events)
	for _, e := range merge(story, mine, theirs) {
		c.apply(e)
	}
	c.show()
	return c, nil
}

// findOpening picks the message that opens the case: the agent gives one only, and if not, the choice is the same on
// both sides.
func findOpening(tables []*story, ch schemas.Channel, events []Event) (Event, *story) {
	var first Event
	var found *story
	for _, e := range events {
		if e.Type.Channel() != ch || e.Continues {
			continue
		}
		for _, s := range tables {
			if s.opens(e) && (found == nil || compare(e, first) < 0) {
				first, found = e, s
			}
		}
	}
	return first, found
}

func (s *story) opens(e Event) bool {
	return s.Opening == e.Type.Name() && (s.As == "" || s.As == e.Outcome)
}

func (c *Case) open(s *story, opening Event) {
	c.story, c.main, c.marks = s, s.Initial, s.Begins
	c.Opened, c.Requesting, c.Requested = opening.Type, opening.From, opening.To
	c.Effects[opening.ref()] = true
	c.Expires = s.expiry(opening)
}

// rows splits the events into one row for each side, in the order of their numbers. What comes from no party, or was
// given before under the same id, has no effect and no place.
func (c *Case) rows(opening Event, events []Event) (requesting, requested []Event) {
	sorted := slices.Clone(events)
	slices.SortFunc(sorted, compare)
	for _, e := range sorted {
		if _, known := c.Effects[e.ref()]; known {
			continue
		}
		c.Effects[e.ref()] = false
		switch c.SideOf(e.From) {
		case Requesting:
			requesting = append(requesting, e)
		case Requested:
			requested = append(requested, e)
		}
	}
	return requesting, requested
}

// compare is a total order, so that nothing depends on the order in which events are given.
func compare(a, b Event) int {
	return cmp.Or(
		cmp.Compare(a.Seq, b.Seq),
		strings.Compare(string(a.ID), string(b.ID)),
		strings.Compare(string(a.From), string(b.From)),
		strings.Compare(string(a.To), string(b.To)),
		cmp.Compare(a.Seen, b.Seen),
		strings.Compare(string(a.Type), string(b.Type)),
		strings.Compare(string(a.InReplyTo), string(b.InReplyTo)),
		strings.Compare(a.Outcome, b.Outcome),
		continuing(a)-continuing(b),
		a.SentAt.Compare(b.SentAt),
	)
}

func continuing(e Event) int {
	if e.Continues {
		return 1
	}
	return 0
}

// merge makes one row of two. Only the two heads are ever compared, so a later arrival cannot change the order of what
// the recipient of a message already knew.
func merge(s *story, requesting, requested []Event) []Event {
	merged := make([]Event, 0, len(requesting)+len(requested))
	for len(requesting) > 0 && len(requested) > 0 {
		if requestedFirst(s, requesting[0], requested[0]) {
			merged, requested = append(merged, requested[0]), requested[1:]
		} else {
			merged, requesting = append(merged, requesting[0]), requesting[1:]
		}
	}
	return append(append(merged, requesting...), requested...)
}

func requestedFirst(s *story, requesting, requested Event) bool {
	sawIt, seen := requesting.Seen >= requested.Seq, requested.Seen >= requesting.Seq
	if sawIt != seen {
		return sawIt
	}
	// They crossed; or each claims to have seen the other, which only a sender who lies can bring about.
	return s.Precedence[requested.Type.Name()] < s.Precedence[requesting.Type.Name()]
}

// apply holds one event against the table.
func (c *Case) apply(e Event) {
	r, err := c.permits(c.SideOf(e.From), e, false)
	if err != nil {
		return
	}
	c.Effects[e.ref()] = true
	if answered := c.answered(r, e); answered != nil {
		answered.open = false
		if r.Erases {
			c.Erase = append(c.Erase, answered.ref)
		}
	}
	if r.To != "" {
		c.main = r.To
	}
	c.marks = c.marks&^r.Clears | r.Sets
	for i, q := range c.questions {
		if slices.Contains(r.Settles, q.kind) {
			c.questions[i].open = false
		}
	}
	if r.Asks {
		c.questions = append(c.questions, question{e.ref(), e.Type.Name(), e.Outcome, c.SideOf(e.From).Other(), true})
	}
}

// answered finds the message of the other side that e answers under rule r, nil where there is none.
func (c *Case) answered(r *rule, e Event) *question {
	kind := cmp.Or(r.Answers, r.MayAnswer)
	if kind == "" {
		return nil
	}
	for i := range c.questions {
		q := &c.questions[i]
		if q.kind == kind && q.ref.ID == e.InReplyTo && q.ref.From != e.From {
			return q
		}
	}
	return nil
}

// show computes what people see: the state with its overlays, and who acts next.
func (c *Case) show() {
	c.State, c.NextToAct = c.main, c.story.States[c.main]
	c.Open = !slices.Contains(c.story.Ends, c.main)
	owed := map[string]Sides{}
	for _, q := range c.questions {
		if q.open {
			owed[q.kind] |= Sides(q.owed)
		}
	}
	for _, o := range c.story.Overlays {
		if !c.Open {
			break
		}
		if o.In != nil && !slices.Contains(o.In, c.main) {
			continue
		}
		if owed[o.Asked] != 0 {
			c.State, c.NextToAct = cmp.Or(o.State, c.State), owed[o.Asked]
			break
		}
		if c.marks&o.Mark != 0 {
			c.State, c.NextToAct = cmp.Or(o.State, c.State), o.Next
			break
		}
	}
	for _, sides := range owed {
		c.NextToAct |= sides
	}
}
