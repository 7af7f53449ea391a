package agent

import (
	"os"
	"testing"
	"time"
)

// The test above all tests (DOMAIN section 4; issue 4): NONINTERFERENCE.md says what it compares and what it cannot see.

// sample is how many stories a plain run plays; COMITY_FULL=1 plays fullSample.
const (
	sample     = 12
	fullSample = 400
)

func storiesToPlay() uint64 {
	if os.Getenv("COMITY_FULL") == "1" {
		return fullSample
	}
	return sample
}

// Purge: the State of origin sees the same as if the acts about the person that never came to it had not been.
func TestNonInterferenceOfWhatIsHeldBack(t *testing.T) {
	began := time.Now()
	c := newCompany(t)
	t.Logf("setting up: %s", time.Since(began))
	g := newTeller(t, c.start)
	sum := newTally()
	comparisons, facts := 0, 0
	for seed := range storiesToPlay() {
		told := g.story(seed)
		a := c.play(t, told, true, leak{}, sum)
		b := c.play(t, told.retold(a, origin), false, leak{}, sum)
		found, n := differences(a.view, b.view)
		comparisons, facts = comparisons+1, facts+n
		for _, d := range found[:min(len(found), 3)] {
			t.Errorf("%s: %s", told.name, d)
		}
		if len(found) > 0 {
			a.tell(told)
			t.FailNow()
		}
	}
	t.Logf("%d stories in %d worlds: %d comparisons of %d facts; %d envelopes, %d of them for the State of origin; %d messages held, %d of them left later, %d never; %d acts that no longer fitted",
		storiesToPlay(), sum.worlds, comparisons, facts, sum.envelopes, sum.seen, sum.held, sum.freed, sum.never, sum.moot)
	for _, r := range sortedKeys(sum.rules) {
		t.Log(r, sum.rules[r])
	}
	t.Logf("in %s", time.Since(began))
}

// tell prints a story with what became of it, to find the act that a difference comes from.
func (s *stage) tell(told *story) {
	for _, a := range told.acts {
		switch {
		case a.missive != nil:
			w := s.wrote[a.missive.label]
			fate := "not written"
			if w != nil {
				fate = "never left"
				if !w.left.IsZero() {
					fate = "left at " + w.left.Sub(s.began).String()
				}
				if w.held {
					fate = "held, " + fate
				}
			}
			s.t.Logf("%9s %s writes %s to %v about %s: %s", a.at, a.by, a.missive.label, a.missive.to, a.about, fate)
		case a.verdict != nil:
			s.t.Logf("%9s %s: officers %s %s", a.at, a.by, a.verdict.says, a.verdict.label)
		default:
			s.t.Logf("%9s %s: %s", a.at, a.by, a.what)
		}
	}
	s.t.Logf("refused: %v", s.refused)
}
