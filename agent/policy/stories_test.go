package policy_test

import (
	"testing"

	"comity/agent/policy"
	"comity/agent/register"
	"comity/schemas"
)

// The stories of SCENARIOS: what passes passes, what is stopped is stopped for the reason given.

const (
	mlaRequest         = "mla.request/1"
	spontaneous        = "mla.spontaneous-information/1"
	nationalityRequest = "repatriation.nationality-request/1"
	returnPlan         = "repatriation.return-plan/1"
	alert              = "border.alert/1"
	documentCheck      = "border.document-check-request/1"
)

var alpha = who{name: "TESTPERSON ALPHA-01", number: "D-ALPHA", nationalities: []any{"QN"}}

func bankRecords(tb testing.TB) *story {
	return tell(tb, mlaRequest).body(map[string]any{
		"assistance": []any{"provide-records"},
		"matter":     map[string]any{"subject": "Trafficking", "nature": "investigation", "conducting_authority": "Court", "functions": "Hears cases"},
		"facts":      "TESTPERSON ALPHA-01 received payments.", "description": "Records of the account.", "purpose": "Evidence.",
		"offence": map[string]any{"text": "Trafficking in persons", "article": "1", "max_penalty_months": 24, "organised_group": true, "transnational": true},
	}).about(schemas.RoleSuspect, alpha)
}

func verification(tb testing.TB, w who) *story {
	return tell(tb, nationalityRequest).to("QP/justice").body(map[string]any{
		"person": "p1", "asked": []any{"nationality"}, "evidence_class": "prima-facie", "special_circumstances": []any{"none"},
	}).about(schemas.RoleVictim, w).gated()
}

func TestS01(t *testing.T) {
	bankRecords(t).expect(policy.Allow)
	bankRecords(t).set("/due", "2027-01-31").expect(policy.Invalid)
	bankRecords(t).set("/due", "2027-01-31").set("/due_reason", "remand hearing 2027-02-08").expect(policy.Allow)

	again := bankRecords(t)
	item := policy.Item{From: "QN/justice", Onward: schemas.OnwardNone, UseLimit: schemas.StatedCaseOnly}
	again.facts.Items = []policy.Item{item}
	again.expect(policy.Block, "USE-01")
	item.Consented = true
	again.facts.Items = []policy.Item{item}
	again.expect(policy.Allow)
}

func TestS02(t *testing.T) {
	freeze := tell(t, "confiscation.provisional-request/1").about(schemas.RoleSuspect, who{name: "TESTPERSON BRAVO-02", nationalities: []any{"QM"}})
	freeze.expect(policy.Allow)

	victims := tell(t, "confiscation.supplement/1").body(map[string]any{"answers": []any{map[string]any{"field": "/body/facts", "answer": "See the list."}}}).attach("TESTPERSON CHARLIE-01\nTESTPERSON CHARLIE-02\n").
		likeRegistered("TESTPERSON CHARLIE-02", register.Match{Status: register.Granted, Origins: []schemas.StateCode{"QN"}})
	d := victims.expect(policy.Hold, "ASY-01", "ASY-05")
	if len(d.Proposals) == 0 {
		t.Error("nothing is proposed")
	}
}

func TestS03(t *testing.T) {
	van := tell(t, alert).body(map[string]any{
		"kind": "vehicle", "vehicle": map[string]any{"type": "van", "plate": "TEST-123"}, "possible_victims": 1, "child_possible": true,
		"handling": "safeguard-victim", "expires_at": "2026-11-21T06:00:00Z",
	})
	van.facts.Home.Gate = &policy.Gate{AgeInDoubt: true}
	van.expect(policy.Allow)
	van.register = nil // nobody to ask, and nobody to ask about
	van.facts.Payload = van.payload()
	e, err := policy.New(policy.Config{Scanner: van.scanner})
	if err != nil {
		t.Fatal(err)
	}
	if d, c := e.Decide(t.Context(), van.facts); c == nil {
		t.Errorf("an alert about nobody waits for the register: %v", d.Rules)
	}

	girl := who{name: "TESTPERSON GOLF-07", nationalities: []any{"QO"}}
	told := func() *story {
		s := tell(t, spontaneous).body(map[string]any{"content": "The girl asked for asylum.", "restrictions": map[string]any{"keep_confidential": "always"}}).
			about(schemas.RoleVictim, girl).recorded("p1", policy.PersonRecord{NameByChoice: true, Necessity: "identification"})
		s.facts.From = "QN/justice"
		return s
	}
	told().to("QO/justice").expect(policy.Block, "ASY-01")
	told().to("QM/justice").expect(policy.Hold, "ASY-07")
}

func TestS04(t *testing.T) {
	delta := who{name: "TESTPERSON DELTA-04", born: "2002-05-01", nationalities: []any{"QP"}}
	verification(t, delta).expect(policy.Allow)
	tell(t, "repatriation.travel-document-request/1").to("QP/justice").gated().
		body(map[string]any{"person": "p1", "kind": "travel-certificate"}).about(schemas.RoleVictim, who{}).before(schemas.RoleVictim, delta).expect(policy.Allow)
	plan := func() *story {
		return tell(t, returnPlan).to("QP/justice").gated().about(schemas.RoleVictim, who{}).before(schemas.RoleVictim, delta).body(map[string]any{
			"person": "p1", "date": "2026-12-10", "reception_body": "non-governmental-organisation", "escort": "none", "confidential_handover": true,
		})
	}
	plan().expect(policy.Allow)

	required := verification(t, delta)
	required.facts.Home.Gate.Proceedings = policy.ProceedingsVictimRequired
	required.expect(policy.Allow)
	held := plan()
	held.facts.Home.Gate.Proceedings = policy.ProceedingsVictimRequired
	held.expect(policy.Hold, "GATE-01")
}

func TestS05(t *testing.T) {
	echo := who{name: "TESTPERSON ECHO-05", number: "D-ECHO", nationalities: []any{"QP"}}
	pending := register.Match{Status: register.Pending, Origins: []schemas.StateCode{"QP"}}
	verification(t, echo).registered("D-ECHO", pending).expect(policy.Block, "ASY-02", "ASY-05")

	unsure := echo
	unsure.nationalities = nil
	for _, state := range []schemas.AuthorityID{"QP/justice", "QR/justice", "QS/justice"} {
		verification(t, unsure).registered("D-ECHO", register.Match{Status: register.Pending}).to(state).expect(policy.Block, "ASY-02", "ASY-05")
	}

	away := verification(t, echo)
	away.register.Fresh = false
	away.expect(policy.Hold, "ASY-03")

	afraid := verification(t, echo)
	afraid.facts.Home.Gate.Notes = "She says that she fears to be killed at home."
	if d := afraid.expect(policy.Hold, "ASY-04"); !d.Referral {
		t.Error("no referral")
	}
}

func TestS06(t *testing.T) {
	foxtrot := who{name: "TESTPERSON FOXTROT-06", number: "D-FOX", nationalities: []any{"QP"}}
	rejected := register.Match{Status: register.RejectedFinal, Origins: []schemas.StateCode{"QP"}, Informed: true}
	draft := func(m register.Match) *story { return verification(t, foxtrot).registered("D-FOX", m) }

	d := draft(rejected).set("/body/last_address", map[string]any{"place": "Reception Centre North"}).
		set("/body/observations", "protection refused 2 March").expect(policy.Block, "ASY-01", "ASY-02", "ASY-06")
	if !d.Invalid() {
		t.Error("that it breaks its schema is not reported")
	}
	clean := draft(rejected).set("/body/contact_address", "c/o competent authority")
	clean.expect(policy.Hold, "ASY-02", "ASY-05")

	appealed := rejected
	appealed.SuspensiveRemedy = true
	draft(appealed).expect(policy.Block, "ASY-02", "ASY-05")

	uninformed := rejected
	uninformed.Informed = false
	d = draft(uninformed).set("/body/fingerprints", map[string]any{"provenance": "eurodac", "files": []any{}}).expect(policy.Block, "ASY-01", "ASY-02")
	if !d.Invalid() {
		t.Error("that it breaks its schema is not reported")
	}
}
