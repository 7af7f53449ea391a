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

// Whoever asked waits for the word that it has arrived: that word leaves at its tick for a protected suspect as for any other,
// while everything that says more waits to be read, and words of asylum in it are stopped.
func TestAnAcknowledgementIsHeldForNobody(t *testing.T) {
	protected := &policytest.Register{Fresh: true, ByDocument: map[string][]register.Match{"D-BRAVO": {protectedFromQN}}}
	acknowledgement := map[string]any{"received_at": "2026-11-20T09:00:00Z", "national_ref": "QM-2026-1", "desk": "Mutual assistance desk", "complete": true}
	worded := map[string]any{"received_at": "2026-11-20T09:00:00Z", "national_ref": "QM-2026-1", "desk": "She has applied for asylum", "complete": true}
	for name, test := range map[string]struct {
		s    *story
		want bool
	}{
		"as it is":                  {tell(t, "mla.acknowledgement/1").body(acknowledgement), true},
		"with a word of asylum":     {tell(t, "mla.acknowledgement/1").body(worded), false},
		"a report, which says more": {tell(t, "mla.status-report/1").body(map[string]any{"stage": "We have found her."}), false},
	} {
		s := test.s.before(schemas.RoleSuspect, victimOfQN)
		s.register = protected
		if d, _ := s.decide(); (d.Outcome == policy.Allow) != test.want {
			t.Errorf("%s: %s by %v", name, d.Outcome, d.Rules)
		}
	}
}

// TestTheNeutralAnswerSettlesWhatWasAsked: and no other message does.
func TestTheNeutralAnswerSettlesWhatWasAsked(t *testing.T) {
	neutral := map[string]any{"outcome": "not-available", "template": "neither-confirm-nor-deny"}
	for _, test := range []struct {
		name    string
		payload []byte
		want    bool
	}{
		{"neither confirmed nor denied", tell(t, "mla.decision/1").body(neutral).payload(), true},
		{"the same with words beside it", tell(t, "mla.decision/1").body(neutral).set("/due", "2026-12-01").set("/due_reason", "words").payload(), false},
		{"another template", tell(t, "mla.decision/1").body(neutralRefusal).payload(), false},
		{"an invalid one", tell(t, "mla.decision/1").body(neutral).set("/language", nil).payload(), false},
		{"no message", []byte("{"), false},
	} {
		if got := policy.Settles(test.payload); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
