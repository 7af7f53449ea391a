package lifecycle

import (
	"errors"
	"fmt"
	"testing"

	"comity/schemas"
)

// pairStory writes the items of one pair in the order given, each having seen all before it.
func pairStory(steps ...string) (events []Event) {
	sent := map[schemas.AuthorityID]uint64{}
	for i, step := range steps {
		var who, name, outcome string
		fmt.Sscan(step, &who, &name, &outcome)
		from, to := qm, qn
		if who == "qn" {
			from, to = qn, qm
		}
		sent[from]++
		e := Event{
			ID: schemas.MessageID(fmt.Sprintf("%026d", i+1)), From: from, To: to, Seq: sent[from], Seen: sent[to],
			Type: schemas.MessageType("jit." + name + "/1"), Outcome: outcome, Continues: i > 0,
		}
		if name == "withdrawal-confirmation" || name == "use-consent-decision" {
			e.InReplyTo = events[i-1].ID
		}
		events = append(events, e)
	}
	return events
}

func TestJITPairs(t *testing.T) {
	bound := []string{"qm proposal", "qn decision accepted", "qm agreement", "qn signature", "qm signature"}
	after := func(more ...string) []string { return append(append([]string{}, bound...), more...) }
	tests := []struct {
		name  string
		steps []string
		state State
		last  bool // the last item has effect
	}{
		{"proposed", bound[:1], StateProposed, true},
		{"negotiating", bound[:3], StateNegotiating, true},
		{"one signature", bound[:4], StateNegotiating, true},
		{"both signatures", bound, StateSigned, true},
		{"evidence for one who has not signed", append(bound[:4:4], "qm evidence-item"), StateNegotiating, false},
		{"evidence", after("qm evidence-item"), StateActive, true},
		{"one extends", after("qm evidence-item", "qn extension"), StateActive, true},
		{"both extend", after("qm evidence-item", "qn extension", "qm extension"), StateExtended, true},
		{"a measure while winding down", after("qm close winding-down", "qn measure-request"), StateClosing, false},
		{"evidence while winding down", after("qm close winding-down", "qn evidence-item"), StateClosing, true},
		{"closed before it was evaluated", after("qm close winding-down", "qn close final"), StateClosing, false},
		{"closed by one", after("qm evaluation", "qn evaluation", "qn close final"), StateEvaluated, true},
		{"closed", after("qm evaluation", "qn evaluation", "qn close final", "qm close final"), StateClosed, true},
		{"refused", []string{"qm proposal", "qn decision refused"}, StateRefused, true},
		{"refused by the proposer itself", []string{"qm proposal", "qm decision refused"}, StateProposed, false},
		{"withdrawn by a member", after("qn withdrawal whole"), StateWithdrawn, true},
		{"withdrawal confirmed", after("qn withdrawal whole", "qm withdrawal-confirmation"), StateWithdrawn, true},
		{"consent to another use", after("qm evidence-item", "qn use-consent-request", "qm use-consent-decision granted"), StateActive, true},
		{"a newcomer", []string{"qm accession-request", "qn accession-accept", "qm signature"}, StateSigned, true},
		{"a newcomer and another member", []string{"qm team-open", "qm accession-accept", "qn signature", "qn evidence-item"}, StateActive, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			events := pairStory(test.steps...)
			c, err := Derive(schemas.ChannelJIT, events)
			if err != nil {
				t.Fatal(err)
			}
			if last := c.Effects[events[len(events)-1].ref()]; c.State != test.state || last != test.last {
				t.Fatalf("state %s, effect %t; want %s, %t", c.State, last, test.state, test.last)
			}
		})
	}
}

// Two signatures that cross make one signed pair.
func TestJITSignaturesCross(t *testing.T) {
	events := pairStory("qm proposal", "qn decision accepted", "qm agreement", "qn signature", "qm signature")
	events[4].Seen = 1 // QM had not seen QN's signature
	c, err := Derive(schemas.ChannelJIT, events)
	if err != nil || c.State != StateSigned {
		t.Fatalf("%s, %v", c.State, err)
	}
}

func TestJITRefusesWithReason(t *testing.T) {
	c, err := Derive(schemas.ChannelJIT, pairStory("qm proposal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		side    Side
		typ     schemas.MessageType
		outcome string
		reason  Reason
	}{
		{Requested, "jit.evidence-item/1", "", WrongState},
		{Requesting, "jit.decision/1", "accepted", OtherSide},
		{Requested, "jit.proposal/1", "", AlreadyOpen},
		{Requested, "jit.close/1", "at-once", UnknownMessage},
	} {
		refused, ok := errors.AsType[*NotPermittedError](c.Permits(test.side, test.typ, test.outcome))
		if !ok || refused.Reason != test.reason {
			t.Errorf("%s: %v, want %s", test.typ, refused, test.reason)
		}
	}
}

// Each row speaks of a registered type and of states that the table has, and no type is without a row.
func TestJITTablesFitTheSchemas(t *testing.T) {
	for _, s := range jitStories() {
		ruled := map[string]bool{}
		for _, r := range s.Rules {
			ruled[r.Type] = true
			if newest(schemas.ChannelJIT, r.Type) == "" {
				t.Errorf("%s: type %s is not registered", s.Opening, r.Type)
			}
			if r.Outcomes != nil && essenceMember(schemas.ChannelJIT, r.Type) == "" {
				t.Errorf("%s: %s has outcomes and no essence", s.Opening, r.Type)
			}
			for _, state := range append([]State{r.To}, r.From...) {
				if _, ok := s.States[state]; !ok && state != "" {
					t.Errorf("%s: %s speaks of state %s", s.Opening, r.Type, state)
				}
			}
		}
		for _, typ := range schemas.Types() {
			if typ.Channel() == schemas.ChannelJIT && !schemas.Opens(typ) && !ruled[typ.Name()] {
				t.Errorf("%s: type %s has no rule", s.Opening, typ)
			}
		}
	}
}
