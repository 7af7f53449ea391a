package policy_test

import (
	"strings"
	"testing"

	"comity/agent/policy"
	"comity/agent/policy/policytest"
	"comity/agent/register"
	"comity/schemas"
)

// FuzzDecide: whatever stands in a payload, the decision is made without a panic, what is invalid or says asylum is not
// allowed, and nothing that is written shows in what is said about it.
func FuzzDecide(f *testing.F) {
	for _, typ := range []schemas.MessageType{mlaRequest, nationalityRequest, returnPlan, alert, documentCheck, "jit.team-message/1", "transfer.request/1"} {
		f.Add(schemas.Example(typ))
	}
	f.Add(letterAbout(f, schemas.RoleVictim, victimOfQN, "asylum").payload())
	f.Add([]byte(`{"type":"mla.request/1","subjects":[{"ref":"TESTPERSON","identity":{"names":"TESTPERSON","documents":[{}]}},7,null],"body":{"document":{"number":"TESTPERSON","issuer":"QN"}}}`))
	f.Add([]byte(`{"attachments":[{"content":"!"}],"protect_from":["QN",7],"body":[{"persons":{"person":"p1","location":{}}}]}`))
	match := register.Match{Entry: "e", Status: register.Pending, Origins: []schemas.StateCode{"QN"}}
	e := engineOf(f, policy.Config{
		Register: &policytest.Register{Fresh: true, ByName: map[string][]register.Match{"TESTPERSON": {match}}}, Scanner: &policytest.Scanner{},
	})
	f.Fuzz(func(t *testing.T, payload []byte) {
		facts := tell(t, mlaRequest).facts
		facts.Payload = payload
		d, c := e.Decide(t.Context(), facts)
		_, invalid := schemas.Validate(payload)
		if (c != nil) != (d.Outcome == policy.Allow) || d.Invalid() != (invalid != nil) {
			t.Fatalf("outcome %s, clearance %t, defects %v, %v", d.Outcome, c != nil, d.Defects, invalid)
		}
		if c != nil && (invalid != nil || strings.Contains(string(payload), "TESTPERSON ALPHA asylum")) {
			t.Fatal("allowed")
		}
		for _, g := range d.Grounds {
			if strings.Contains(g.Person+d.Why, "TESTPERSON") {
				t.Fatalf("a name is shown: %+v %s", g, d.Why)
			}
		}
	})
}
