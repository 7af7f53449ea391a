package policy_test

import (
	"errors"
	"slices"
	"testing"

	"comity/agent/policy"
	"comity/pki"
	"comity/schemas"
)

// onPaper makes every authority but the sender one that is not connected, and has the message printed.
func (s *story) onPaper() *story {
	for id, row := range s.directory.rows {
		if id != s.facts.From {
			row.Kind = pki.KindNotConnected
		}
	}
	s.facts.Paper = true
	return s
}

// What stops a message to a connected authority stops the letter to one that is not, for the same persons and in the same words, and
// what is mended goes on paper as it goes over Comity. Nothing but the way differs.
func TestEachRuleHoldsOnPaper(t *testing.T) {
	stopped := 0
	for _, r := range slices.Concat(otherRows(), asylumRows(), loudRows()) {
		if r.name == "recipient not connected" {
			continue // this is what paper is for: TestPaperIsForWhoIsNotConnected
		}
		t.Run(string(r.rule)+"/"+r.variant+" "+r.name, func(t *testing.T) {
			compare := func(change func(*story)) policy.Decision {
				t.Helper()
				wire, paper := r.story(t), r.story(t)
				change(wire)
				change(paper)
				over, _ := wire.decide()
				on, _ := paper.onPaper().decide()
				if on.Outcome != over.Outcome || !slices.Equal(on.Grounds, over.Grounds) || on.Why != over.Why || on.Referral != over.Referral ||
					!slices.Equal(on.OriginSet, over.OriginSet) || len(on.Defects) != len(over.Defects) {
					t.Errorf("on paper %s by %+v, over Comity %s by %+v", on.Outcome, on.Grounds, over.Outcome, over.Grounds)
				}
				return on
			}
			if on := compare(func(*story) {}); on.Outcome == policy.Allow {
				t.Error("allowed on paper")
			} else {
				stopped++
			}
			compare(r.mend)
		})
	}
	if stopped < 60 {
		t.Errorf("only %d stories were stopped", stopped)
	}
}

func TestPaperIsForWhoIsNotConnected(t *testing.T) {
	sound := func() *story { return bankRecords(t) }
	sound().expect(policy.Allow)
	sound().onPaper().expect(policy.Allow)
	over := sound().onPaper()
	over.facts.Paper = false
	over.expect(policy.Block, "BASE-01", "ROUTE-02")
	connected := sound()
	connected.facts.Paper = true
	connected.expect(policy.Block, "BASE-01", "ROUTE-02")
	sender := sound().onPaper()
	sender.directory.rows[sender.facts.From].Kind = pki.KindNotConnected
	sender.expect(policy.Block, "BASE-01", "ROUTE-03")
}

// A clearance for paper seals nothing, and one for the wire prints nothing.
func TestAClearanceServesOneWay(t *testing.T) {
	for _, paper := range []bool{false, true} {
		s := bankRecords(t)
		if paper {
			s.onPaper()
		}
		_, c := s.decide()
		use := policy.Use{From: s.facts.From, To: s.facts.To, Channel: schemas.ChannelMLA, At: noon, Payload: s.facts.Payload, Paper: !paper}
		if err := c.Redeem(use); !errors.Is(err, policy.ErrNotCleared) || c.OnPaper() != paper {
			t.Errorf("paper %v: used the other way: %v", paper, err)
		}
		use.Paper = paper
		if err := c.Redeem(use); err != nil {
			t.Errorf("paper %v: %v", paper, err)
		}
	}
}

// What was released for one way is not released for the other: the officers have read that it goes this way.
func TestAReleaseIsForOneWay(t *testing.T) {
	held := func() *story {
		for _, r := range asylumRows() {
			if r.rule == "ASY-05" && r.verdict == policy.Hold {
				return r.story(t)
			}
		}
		t.Fatal("no story is held by ASY-05")
		return nil
	}
	over, _ := held().decide()
	on, _ := held().onPaper().decide()
	if over.Outcome != policy.Hold || on.Outcome != policy.Hold || over.Digest() == on.Digest() {
		t.Fatalf("%s and %s, the same digest: %v", over.Outcome, on.Outcome, over.Digest() == on.Digest())
	}
	for _, digest := range [][32]byte{over.Digest(), on.Digest()} {
		s := held().onPaper()
		s.facts.Release = &policy.Release{Digest: digest, By: [2]string{"protection-1", "protection-2"}, Necessity: "It is needed."}
		if d, _ := s.decide(); (d.Outcome == policy.Allow) != (digest == on.Digest()) {
			t.Errorf("released by the digest of paper %v: %s", digest == on.Digest(), d.Outcome)
		}
	}
}
