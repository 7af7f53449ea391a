package schemas

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestRepatriationConditions(t *testing.T) {
	const request, plan, result = "repatriation.nationality-request/1", "repatriation.return-plan/1", "repatriation.nationality-result/1"
	const supplement, decision, withdrawal = "repatriation.supplement/1", "repatriation.decision/1", "repatriation.withdrawal/1"
	body := func(v map[string]any) edits { return edits{"/body": v} }
	least := map[string]any{"person": "p1", "asked": []string{"nationality"}, "evidence_class": "prima-facie", "special_circumstances": []string{"none"}}
	for _, c := range []condition{
		{"least request", request, edits{"/body": least, "/attachments": nil}, "", ""},
		{"address in the requesting State", request, edits{"/body/current_address": "x"}, "/body", Rule(RuleUnknownMember)},
		{"another contact address", request, edits{"/body/contact_address": "Harbour Street 4"}, "/body/contact_address", RuleConst},
		{"observations", request, edits{"/body/observations": "x"}, "/body", Rule(RuleUnknownMember)},
		{"dangerous person", request, edits{"/body/dangerous": true}, "/body", Rule(RuleUnknownMember)},
		{"health in a request", request, edits{"/body/health": "x"}, "/body", Rule(RuleUnknownMember)},
		{"fingerprints from Eurodac", request, edits{"/body/fingerprints/provenance": "eurodac"}, "/body/fingerprints/provenance", RuleEnum},
		{"fingerprints from nowhere", request, edits{"/body/fingerprints/provenance": nil}, "/body/fingerprints/provenance", RuleRequired},
		{"parents for no reason", request, edits{"/body/parents/needed_for": nil}, "/body/parents/needed_for", RuleRequired},
		{"none and something", request, edits{"/body/special_circumstances": []string{"none", "escort-needed"}}, "/body/special_circumstances", RuleCount},
		{"habitual residences", request, edits{"/subjects/0/identity/habitual_residences": []string{"QM"}}, "/subjects/0/identity/habitual_residences", RuleNotAllowed},
		{"a text for a name", request, edits{"/subjects/0/identity/names": []string{"she said: asylum"}}, "/subjects/0/identity/names/0", RulePattern},
		{"a text for a document number", request, edits{"/subjects/0/identity/documents/0/number": "lost in flight"}, "/subjects/0/identity/documents/0/number", RulePattern},
		{"a name for an image", request, edits{"/attachments/0/name": "reception-centre.png"}, "/attachments/0/name", RulePattern},
		{"a document for an image", request, edits{"/attachments/0/media_type": "application/pdf"}, "/attachments/0/media_type", RuleEnum},
		{"an image that is not there", request, edits{"/attachments": nil}, "/body/photo/files/0", RuleUnknownRef},
		{"passed on", request, edits{"/onward": "with-consent"}, "/onward", RuleConst},
		{"for any use", request, edits{"/use_limit": "none"}, "/use_limit", RuleConst},
		{"not confidential", request, edits{"/confidential": false}, "/confidential", RuleConst},
		{"urgency in words", request, edits{"/urgency_reason": "before the hearing"}, "/urgency_reason", RuleEnum},
		{"deadline in words", request, edits{"/due_reason": "before the hearing"}, "/due_reason", RuleEnum},
		{"article in words", request, edits{"/legal_basis/0/article": "8 and 33"}, "/legal_basis/0/article", RulePattern},
		{"a witness", request, edits{"/subjects/0/role": "witness"}, "/subjects/0/role", RuleEnum},

		{"no answer is no outcome", result, edits{"/body/outcome": nil}, "/body/outcome", RuleRequired},
		{"deemed to agree", result, body(map[string]any{"outcome": "deemed-confirmed"}), "/body/outcome", RuleEnum},
		{"resident since no day", result, edits{"/body/resident_from": nil}, "/body/resident_from", RuleRequired},
		{"national since a day", result, edits{"/body/outcome": "national-confirmed"}, "/body/resident_from", RuleNotAllowed},
		{"needs nothing in particular", result, body(map[string]any{"outcome": "needs-more"}), "/body/fields", RuleRequired},
		{"needs what is not in the minimal set", result, body(map[string]any{"outcome": "needs-more", "fields": []string{"current-address"}}), "/body/fields/0", RuleEnum},
		{"why a person declines", supplement, edits{"/body/interview": map[string]any{"answer": "none", "reason": "x"}}, "/body/interview", Rule(RuleUnknownMember)},
		{"an interview at no time", supplement, edits{"/body/interview": map[string]any{"answer": "by-video"}}, "/body/interview/proposed_times", RuleRequired},
		{"no interview, at a time", supplement, edits{"/body/interview/answer": "none"}, "/body/interview/proposed_times", RuleNotAllowed},

		{"plan without health", plan, edits{"/body/health": nil}, "", ""},
		{"health without consent", plan, edits{"/body/health/consent": nil}, "/body/health/consent", RuleRequired},
		{"consent in no language", plan, edits{"/body/health/consent/informed_in": nil}, "/body/health/consent/informed_in", RuleRequired},
		{"open handover", plan, edits{"/body/confidential_handover": false}, "/body/confidential_handover", RuleConst},
		{"a shelter by name", plan, edits{"/body/reception_body": "House of Hope"}, "/body/reception_body", RuleEnum},
		{"gate record in a plan", plan, edits{"/body/voluntary": true}, "/body", Rule(RuleUnknownMember)},
		{"files with a plan", plan, edits{"/attachments": []any{}}, "/attachments", RuleNotAllowed},

		{"accepted", decision, body(map[string]any{"outcome": "accepted"}), "", ""},
		{"accepted on terms", decision, body(map[string]any{"outcome": "conditional", "terms": []string{"x"}}), "/body/outcome", RuleEnum},
		{"refused", decision, body(map[string]any{"outcome": "refused", "ground": "conditions-not-met", "template": "refusal-conditions-not-met"}), "", ""},
		{"refused without the text", decision, body(map[string]any{"outcome": "refused", "ground": "conditions-not-met"}), "/body/template", RuleRequired},
		{"refused in words", decision, body(map[string]any{"outcome": "refused", "ground": "conditions-not-met", "reasons": "x"}), "/body/reasons", RuleNotAllowed},
		{"refused with another text", decision, body(map[string]any{"outcome": "refused", "ground": "conditions-not-met", "template": "postponement-under-examination"}), "/body/template", RuleConst},
		{"not available, without the text", decision, body(map[string]any{"outcome": "not-available"}), "/body/template", RuleRequired},

		{"withdrawn because the case is closed", withdrawal, edits{"/body/reason": "case-closed"}, "/body/reason", RuleConst},
		{"withdrawn in part", withdrawal, edits{"/body/scope": "part", "/body/part": "x"}, "/body/scope", RuleConst},
		{"withdrawn without the text", withdrawal, edits{"/body/template": nil}, "/body/template", RuleRequired},
		{"withdrawn with a person", withdrawal, edits{"/subjects": []any{map[string]any{"ref": "p1", "role": "victim"}}}, "/subjects", RuleNotAllowed},
		{"withdrawn with words for the urgency", withdrawal, edits{"/urgency": "urgent", "/urgency_reason": "x"}, "/urgency_reason", RuleEnum},

		{"a template in place of reasons", "mla.decision/1", body(map[string]any{"outcome": "refused", "ground": "non-conforming", "template": "refusal-non-conforming"}), "", ""},
		{"a template beside reasons", "mla.decision/1", body(map[string]any{"outcome": "refused", "ground": "non-conforming", "template": "refusal-non-conforming", "reasons": "x"}), "/body/reasons", RuleNotAllowed},
		{"a template of another ground", "mla.decision/1", body(map[string]any{"outcome": "refused", "ground": "non-conforming", "template": "refusal-dual-criminality-absent"}), "/body/template", RuleConst},
		{"neither confirmed nor denied", "mla.decision/1", body(map[string]any{"outcome": "not-available", "template": "neither-confirm-nor-deny"}), "", ""},
		{"neither confirmed nor denied, and refused", "mla.decision/1", body(map[string]any{"outcome": "accepted", "template": "neither-confirm-nor-deny"}), "/body/template", RuleNotAllowed},
		{"the neutral withdrawal of a part", "mla.withdrawal/1", edits{"/body/template": "withdrawal-neutral"}, "/body/scope", RuleConst},
	} {
		t.Run(c.name, c.check)
	}
}

// A withdrawal in repatriation has one body, whoever writes it and why.
func TestOneNeutralWithdrawal(t *testing.T) {
	const only = `{"reason":"other","scope":"whole","template":"withdrawal-neutral"}`
	p, err := Validate(Example("repatriation.withdrawal/1"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Canonical(p.Body)
	if err != nil || !bytes.Equal(got, []byte(only)) {
		t.Fatalf("%s, %v", got, err)
	}
	set, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	for name := range set.names { // no member at all can be added, and none left out
		raw := mutate(t, Example(p.Type), "/body", func(v any) any {
			b := v.(map[string]any)
			if _, there := b[name]; there {
				delete(b, name)
			} else {
				b[name] = "x"
			}
			return b
		})
		if _, err := Validate(raw); err == nil {
			t.Errorf("a withdrawal that differs in %s is accepted", name)
		}
	}
}

// The gate record stays at home: no schema of a message has a member for it.
func TestGateRecordHasNoPlace(t *testing.T) {
	set, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	for name := range set.names {
		for _, gate := range []string{"voluntary", "risk", "asylum", "gate", "best_interest", "proceedings", "guardian", "refugee", "eurodac"} {
			if strings.Contains(name, gate) {
				t.Errorf("a schema has a member %s", name)
			}
		}
	}
}

func TestOriginSafe(t *testing.T) {
	for _, test := range []struct {
		typ     MessageType
		pointer string
		safe    bool
	}{
		{"repatriation.nationality-request/1", "/subjects/0/identity/names/0", true},
		{"repatriation.nationality-request/1", "/subjects/19/identity/documents/0/number", true},
		{"repatriation.nationality-request/1", "/subjects/0/identity/habitual_residences/0", false},
		{"repatriation.nationality-request/1", "/subjects/0/identity/birth_date", true},
		{"repatriation.nationality-request/1", "/subjects/0/identity", false},
		{"repatriation.nationality-request/1", "/subjects/x/ref", false},
		{"repatriation.nationality-request/1", "/body/photo/files/0", true},
		{"repatriation.nationality-request/1", "/body/birth_place", true},
		{"repatriation.nationality-request/1", "/body/observations", false},
		{"repatriation.nationality-request/1", "/body", false},
		{"repatriation.nationality-request/1", "", false},
		{"repatriation.nationality-request/1", "body/person", false},
		{"repatriation.nationality-request/1", "/protect_from/0", false},
		{"repatriation.nationality-request/1", "/onward_to/0", false},
		{"repatriation.nationality-request/1", "/translation/language", false},
		{"repatriation.return-plan/1", "/body/health/needs/0", true},
		{"repatriation.decision/1", "/body/template", true},
		{"repatriation.decision/1", "/body/terms/0", false},
		{"repatriation.decision/1", "/body/ground_text", false},
		{"repatriation.withdrawal/1", "/body/part", false},
		{"repatriation.nationality-request/2", "/body/person", false},
		{"mla.request/1", "/body/facts", false},
		{"mla.request/1", "/language", false},
		{"border.alert/1", "/body/kind", false},
	} {
		if got := OriginSafe(test.typ, test.pointer); got != test.safe {
			t.Errorf("%s %q: %t", test.typ, test.pointer, got)
		}
	}
}

// Everything in the examples may go to a State of origin: no type has a member that it needs and that would be barred.
func TestExamplesAreOriginSafe(t *testing.T) {
	for _, typ := range Types() {
		if typ.Channel() != ChannelRepatriation {
			continue
		}
		if unsafe, err := NotOriginSafe(typ, Example(typ)); err != nil || len(unsafe) > 0 {
			t.Errorf("%s: %v, %v", typ, unsafe, err)
		}
	}
	raw := changed(t, "repatriation.nationality-request/1", edits{
		"/translation": map[string]any{"language": "fr", "certified": true}, "/protect_from": []string{"QN"},
	})
	unsafe, err := NotOriginSafe("repatriation.nationality-request/1", raw)
	if err != nil || !slices.Equal(unsafe, []string{"/protect_from/0", "/translation/certified", "/translation/language"}) {
		t.Errorf("%v, %v", unsafe, err)
	}
	if _, err := NotOriginSafe("mla.request/1", []byte("{")); err == nil {
		t.Error("half a payload is walked")
	}
}

// What is marked takes no free text: each marked place that accepts words is a name or a place's name, short and of one
// line.
func TestOriginSafeTakesNoFreeText(t *testing.T) {
	text := "fled the country; she fears her uncle.\nDo not tell the embassy!"
	for _, typ := range Types() {
		if typ.Channel() != ChannelRepatriation {
			continue
		}
		raw := Example(typ)
		for _, at := range places(t, raw) {
			if _, err := Validate(mutate(t, raw, at, func(any) any { return text })); err == nil {
				t.Errorf("%s takes a text at %s", typ, at)
			}
		}
		var payload map[string]any
		if err := json.Unmarshal(raw, &payload); err != nil {
			t.Fatal(err)
		}
		payload["urgency"], payload["urgency_reason"] = "urgent", text
		if defects := refused(t, marshal(t, payload)); !has(defects, "/urgency_reason", RuleEnum) {
			t.Errorf("%s takes a text for the urgency: %v", typ, defects)
		}
	}
}
