package lifecycle

import (
	"errors"
	"slices"
	"testing"

	"comity/schemas"
)

// ordering makes one row of two; arrival tells at which place a letter was given.
type ordering func(s *story, requesting, requested []Event, arrival func(Event) int) []Event

// The exploration must find what it looks for: each way to break the order of messages, or the table's guard.
func TestExploreFindsDivergence(t *testing.T) {
	for name, test := range map[string]struct {
		derive func(schemas.Channel, []Event) (Case, error)
		kinds  []divergenceKind
	}{
		"of two that crossed, whichever came first wins": {deriveWith(firstCome), []divergenceKind{sidesDiffer, orderMatters}},
		"what was seen is ignored":                       {deriveWith(blind), []divergenceKind{revised, lostAlone}},
		"the requested side always comes first": {deriveWith(func(_ *story, requesting, requested []Event, _ func(Event) int) []Event {
			return slices.Concat(requested, requesting)
		}), []divergenceKind{revised, lostAlone}},
		"whatever comes is applied": {deriveLawless, []divergenceKind{unlawfulTook}},
	} {
		t.Run(name, func(t *testing.T) {
			x := explore(schemas.ChannelMLA, stories(schemas.ChannelMLA)[0])
			x.derive = test.derive
			_, _, err := x.exhaust(depth{worlds: 5000})
			found, ok := errors.AsType[*divergence](err)
			if !ok || !slices.Contains(test.kinds, found.kind) {
				t.Fatalf("got %v, want one of %v", err, test.kinds)
			}
			t.Logf("found: %v", err)
		})
	}
}

// firstCome is the tie-break that everybody writes first.
func firstCome(_ *story, requesting, requested []Event, arrival func(Event) int) []Event {
	return mergeBy(requesting, requested, func(mine, theirs Event) bool {
		sawIt, seen := mine.Seen >= theirs.Seq, theirs.Seen >= mine.Seq
		if sawIt != seen {
			return sawIt
		}
		return arrival(theirs) < arrival(mine)
	})
}

// blind orders by precedence and side alone.
func blind(s *story, requesting, requested []Event, _ func(Event) int) []Event {
	return mergeBy(requesting, requested, func(mine, theirs Event) bool {
		return s.Precedence[theirs.Type.Name()] < s.Precedence[mine.Type.Name()]
	})
}

func mergeBy(requesting, requested []Event, requestedFirst func(mine, theirs Event) bool) (merged []Event) {
	for len(requesting) > 0 && len(requested) > 0 {
		if requestedFirst(requesting[0], requested[0]) {
			merged, requested = append(merged, requested[0]), requested[1:]
		} else {
			merged, requesting = append(merged, requesting[0]), requesting[1:]
		}
	}
	return slices.Concat(merged, requesting, requested)
}

// deriveWith is Derive with another order.
func deriveWith(order ordering) func(schemas.Channel, []Event) (Case, error) {
	return func(ch schemas.Channel, events []Event) (Case, error) {
		c, requesting, requested := openCase(ch, events)
		if c.story == nil {
			return c, nil
		}
		arrival := func(e Event) int {
			return slices.IndexFunc(events, func(o Event) bool { return o.ref() == e.ref() })
		}
		for _, e := range order(c.story, requesting, requested, arrival) {
			c.apply(e)
		}
		c.show()
		return c, nil
	}
}

// deriveLawless is Derive without the question whether a message is permitted.
func deriveLawless(ch schemas.Channel, events []Event) (Case, error) {
	c, requesting, requested := openCase(ch, events)
	if c.story == nil {
		return c, nil
	}
	for _, e := range merge(c.story, requesting, requested) {
		i := slices.IndexFunc(c.story.Rules, func(r rule) bool { return r.Type == e.Type.Name() })
		if i >= 0 && c.story.Rules[i].To != "" {
			c.main, c.Effects[e.ref()] = c.story.Rules[i].To, true
		}
	}
	c.show()
	return c, nil
}

func openCase(ch schemas.Channel, events []Event) (c Case, requesting, requested []Event) {
	c = Case{Channel: ch, State: StateUnopened, main: StateUnopened, Effects: map[Ref]bool{}}
	opening, s := findOpening(stories(ch), ch, events)
	if s == nil {
		return c, nil, nil
	}
	c.open(s, opening)
	requesting, requested = c.rows(opening, events)
	return c, requesting, requested
}
