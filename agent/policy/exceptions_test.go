package policy_test

import (
	"testing"
	"time"

	"comity/agent/policy"
	"comity/agent/register"
	"comity/schemas"
)

// TestExceptions is the whole list, each with its evidence and without each part of it. What an exception covers is held
// for two officers, never allowed.
func TestExceptions(t *testing.T) {
	about := who{name: "TESTPERSON FOXTROT-06", number: "D-FOX", nationalities: []any{"QP"}, born: "1990-01-01"}
	consent := register.Consent{
		Recipient: "QP", Items: []string{"names", "birth_date", "nationalities", "documents"}, Purpose: "nationality verification", Expires: noon.Add(time.Hour),
	}
	e1 := register.Match{Status: register.Granted, Origins: []schemas.StateCode{"QP"}, Consents: []register.Consent{consent}}
	e2 := register.Match{Status: register.RejectedFinal, Origins: []schemas.StateCode{"QP"}}
	e3 := register.Match{Status: register.Withdrawn, Origins: []schemas.StateCode{"QP"}, Withdrawal: true}
	with := func(m register.Match, change func(*register.Match, *register.Consent)) register.Match {
		if len(m.Consents) > 0 {
			c := m.Consents[0]
			change(&m, &c)
			m.Consents = []register.Consent{c}
		} else {
			change(&m, nil)
		}
		return m
	}
	tests := []struct {
		name  string
		match register.Match
		story func(*story)
		want  policy.Outcome
	}{
		{"E1", e1, nil, policy.Hold},
		{"E1 for an authority", with(e1, func(_ *register.Match, c *register.Consent) { c.Recipient = "QP/justice" }), nil, policy.Hold},
		{"E1 for another authority", with(e1, func(_ *register.Match, c *register.Consent) { c.Recipient = "QP/border" }), nil, policy.Block},
		{"E1 for another State", with(e1, func(_ *register.Match, c *register.Consent) { c.Recipient = "QR" }), nil, policy.Block},
		{"E1 that expired", with(e1, func(_ *register.Match, c *register.Consent) { c.Expires = noon }), nil, policy.Block},
		{"E1 for another purpose", with(e1, func(_ *register.Match, c *register.Consent) { c.Purpose = "bank records" }), nil, policy.Block},
		{"E1 without an item", with(e1, func(_ *register.Match, c *register.Consent) { c.Items = c.Items[:3] }), nil, policy.Block},
		{"E1, and a member of the body beside", e1, func(s *story) { s.set("/body/civil_status", "single") }, policy.Block},
		{"E1, and an alias beside", e1, func(s *story) { s.set("/body/aliases", []any{"TESTPERSON FOXTROT-16"}) }, policy.Block},
		{"E1 to an alleged persecutor", with(e1, func(m *register.Match, _ *register.Consent) { m.Feared = []schemas.StateCode{"QP"} }), nil, policy.Block},
		{"E1 of a relative", with(e1, func(m *register.Match, _ *register.Consent) { m.Inherited = true }), nil, policy.Block},
		{"E1 with a datum", e1, func(s *story) { s.set("/subjects/0/identity/names", []any{"TESTPERSON FOXTROT-06 refugee"}) }, policy.Block},
		{"E1 while fear is expressed", with(e1, func(m *register.Match, _ *register.Consent) { m.Status = register.FearExpressed }), nil, policy.Hold},
		{"E2", e2, nil, policy.Hold},
		{"E2 with a suspensive remedy", with(e2, func(m *register.Match, _ *register.Consent) { m.SuspensiveRemedy = true }), nil, policy.Block},
		{"E2 while it can be appealed", with(e2, func(m *register.Match, _ *register.Consent) { m.Status = register.RejectedAppealable }), nil, policy.Block},
		{"E2 with more than the minimal set", e2, func(s *story) { s.set("/body/observations", "tall") }, policy.Block},
		{"E2 with a doubtful word", e2, func(s *story) { s.set("/body/birth_place", "Sanctuary") }, policy.Block},
		{"E2 for a relative who was rejected", with(e2, func(m *register.Match, _ *register.Consent) { m.Inherited = true }), nil, policy.Hold},
		{"E3", e3, nil, policy.Hold},
		{"E3 without the record", with(e3, func(m *register.Match, _ *register.Consent) { m.Withdrawal = false }), nil, policy.Block},
		{"E3 with more than the minimal set", e3, func(s *story) { s.set("/body/observations", "tall") }, policy.Block},
		{"no exception", register.Match{Status: register.Pending}, nil, policy.Block},
		{"a label of another State", register.Match{Status: register.Labelled}, nil, policy.Block},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := verification(t, about).registered("D-FOX", test.match)
			if test.story != nil {
				test.story(s)
			}
			d, _ := s.decide()
			for _, g := range d.Grounds {
				if g.Rule != "ASY-02" || g.Variant == "exception" && test.want == policy.Block {
					continue
				}
				if g.Verdict != test.want || d.Outcome != test.want {
					t.Fatalf("%s by %+v, want ASY-02 to %s", d.Outcome, d.Grounds, test.want)
				}
				return
			}
			t.Fatalf("ASY-02 is silent: %+v", d.Grounds)
		})
	}
}
