package agent

import (
	"os"
	"testing"
)

// The test above all tests (DOMAIN section 4; issue 4): NONINTERFERENCE.md says what it compares and what it cannot see.

// sample is how many stories a plain run plays; COMITY_FULL=1 plays fullSample.
const (
	sample     = 8
	fullSample = 400
)

func isFull() bool { return os.Getenv("COMITY_FULL") == "1" }

func storiesToPlay() uint64 {
	if isFull() {
		return fullSample
	}
	return sample
}

// Purge: the State of origin sees the same as if the acts about the person that never came to it had not been.
func TestNonInterferenceOfWhatIsHeldBack(t *testing.T) {
	c := newCompany(t)
	g := newTeller(t, c.start)
	sum := newTally()
	for seed := range storiesToPlay() {
		told := g.story(seed)
		a := c.play(t, told, true, leak{}, sum)
		a.mustNotKnow(told)
		a.mustLookLike(c.play(t, told.retold(a, origin), false, leak{}, sum), told)
	}
	t.Logf("%d stories: %s", storiesToPlay(), sum)
	if sum.held == 0 || sum.freed == 0 || sum.never == 0 {
		t.Error("the stories have lost their point: something must be held back in them, for a while or for good")
	}
}

// mustLookLike compares what the State of origin saw of two worlds.
func (s *stage) mustLookLike(other *stage, told *story) {
	s.t.Helper()
	found, n := differences(s.view, other.view)
	s.tally.comparisons, s.tally.facts = s.tally.comparisons+1, s.tally.facts+n
	for _, d := range found[:min(len(found), 3)] {
		s.t.Errorf("%s: %s", told.name, d)
	}
	if len(found) > 0 {
		s.tell(told)
		s.t.FailNow()
	}
}

// mustNotKnow looks for what names a message that the State of origin was never sent.
func (s *stage) mustNotKnow(told *story) {
	s.t.Helper()
	unseen, left := map[string]string{}, map[string]bool{}
	for label, w := range s.wrote {
		for _, id := range w.ids {
			m, err := s.desks[w.by].find(w.by, id)
			switch {
			case err != nil: // a backup from before was restored
			case isOf(w.by, origin) || !w.left.IsZero():
				left[hexOf(m.PayloadSHA256)] = true // another may have the same words
			default:
				unseen[string(id)], unseen[hexOf(m.PayloadSHA256)] = label, label
			}
		}
	}
	for _, o := range s.view.seen {
		for _, f := range o.facts {
			for _, found := range token.FindAllString(f.value, -1) {
				if label := unseen[found]; label != "" && !left[found] {
					s.t.Errorf("%s: %s, which never left, is named in %q: %s", told.name, label, o.what, f.name)
				}
			}
		}
	}
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
