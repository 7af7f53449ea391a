package policy_test

import (
	"testing"

	"comity/agent/policy"
	"comity/agent/policy/policytest"
	"comity/agent/register"
	"comity/schemas"
)

// NEU-01: the answer that neither confirms nor denies leaves at its ordinary tick for the protected, the unprotected and the
// unknown alike. Were it held for one of them, its time would answer the question.
func TestTheNeutralAnswerIsHeldForNobody(t *testing.T) {
	answer := func() *story {
		s := tell(t, "mla.decision/1").body(map[string]any{"outcome": "not-available", "template": "neither-confirm-nor-deny"}).
			before(schemas.RoleVictim, victimOfQN)
		s.facts.Asked = [][]byte{askedWhere(t)}
		return s
	}
	for name, known := range map[string]*policytest.Register{
		"unprotected": {Fresh: true},
		"unknown":     {},
		"protected":   {Fresh: true, ByDocument: map[string][]register.Match{"D-BRAVO": {protectedFromQN}}},
		"alike":       {Fresh: true, ByName: map[string][]register.Match{"TESTPERSON BRAVO-02": {protectedFromQN}}},
	} {
		s := answer()
		s.register = known
		if d, _ := s.decide(); d.Outcome != policy.Allow {
			t.Errorf("%s: %s by %v", name, d.Outcome, d.Rules)
		}
		s = answer().about(schemas.RoleVictim, victimOfQN) // it names her: no neutral answer any more
		s.register = known
		if d, _ := s.decide(); name != "unprotected" && d.Outcome == policy.Allow {
			t.Errorf("%s, and named: allowed", name)
		}
	}
}
