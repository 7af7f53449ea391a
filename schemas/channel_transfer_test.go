package schemas

import (
	"strings"
	"testing"
)

// transferTexts are the members of the channel where any text is right, for TestEachValueBroken.
func transferTexts() []string {
	return []string{"birth_place", "address", "court", "rehabilitation", "other_factors", "adaptation", "place", "places", "escort", "report"}
}

// The conditions of ETS 112 that a list of members cannot express.
func TestTransferConditions(t *testing.T) {
	const (
		request   = "transfer.request/1"
		decision  = "transfer.decision/1"
		procedure = "transfer.procedure/1"
		papers    = "transfer.documents-sentencing/1"
	)
	body := func(v map[string]any) edits { return edits{"/body": v} }
	sentencing := func(more edits) edits {
		e := edits{"/body/sender_is": "sentencing-state", "/body/conditions/judgment_final": "met"}
		for at, v := range more {
			e[at] = v
		}
		return e
	}
	tests := []struct {
		name    string
		typ     MessageType
		changes edits
		at      string // "" where it is valid
		rule    Rule
	}{
		{"3(1)(a) is known to the administering State", request, edits{"/body/conditions/national": "to-be-established"}, "/body/conditions/national", RuleConst},
		{"3(1)(a) is not known to the sentencing State", request, sentencing(edits{"/body/conditions/national": "to-be-established"}), "", ""},
		{"3(1)(b) is known to the sentencing State", request, sentencing(edits{"/body/conditions/judgment_final": "to-be-established"}), "/body/conditions/judgment_final", RuleConst},
		{"3(1)(c) is known to the sentencing State", request, sentencing(edits{"/body/conditions/time_left": map[string]any{"duration": "to-be-established"}}), "/body/conditions/time_left/duration", RuleEnum},
		{"3(1)(c) without an end", request, edits{"/body/conditions/time_left/ends_on": nil}, "/body/conditions/time_left/ends_on", RuleRequired},
		{"3(1)(c), indeterminate with an end", request, edits{"/body/conditions/time_left/duration": "indeterminate"}, "/body/conditions/time_left/ends_on", RuleNotAllowed},
		{"3(1)(c), indeterminate", request, edits{"/body/conditions/time_left": map[string]any{"duration": "indeterminate"}}, "", ""},
		{"3(1)(d), a representative for no reason", request, edits{"/body/conditions/consent/representative_reason": nil}, "/body/conditions/consent/representative_reason", RuleRequired},
		{"3(1)(d), no consent", request, edits{"/body/conditions/consent": nil}, "/body/conditions/consent", RuleRequired},
		{"3(1)(d), consent refused", request, edits{"/body/conditions/consent/status": "refused"}, "/body/conditions/consent/status", RuleEnum},
		{"3(1)(e), known not to be met", request, edits{"/body/conditions/dual_criminality": "not-met"}, "/body/conditions/dual_criminality", RuleEnum},
		{"3(1)(f), the sender does not agree", request, edits{"/body/conditions/both_states_agree": false}, "/body/conditions/both_states_agree", RuleConst},
		{"neither State", request, edits{"/body/sender_is": "transit-state"}, "/body/sender_is", RuleEnum},
		{"in a case that a notice opened", request, edits{"/case": strings.Repeat("0", 26)}, "", ""},
		{"of nobody", request, edits{"/subjects": nil}, "/body/person", RuleUnknownRef},

		{"refused, neutral", decision, edits{}, "", ""},
		{"refused with a text", decision, edits{"/body/reasons": "He said that he is afraid."}, "/body", Rule(RuleUnknownMember)},
		{"refused for a reason", decision, edits{"/body/ground": "sovereignty-security-ordre-public"}, "/body/ground", RuleConst},
		{"refused without the ground", decision, edits{"/body/ground": nil}, "/body/ground", RuleRequired},
		{"accepted", decision, body(map[string]any{"outcome": "accepted"}), "", ""},
		{"accepted with the ground", decision, edits{"/body/outcome": "accepted"}, "/body/ground", RuleNotAllowed},
		{"postponed", decision, body(map[string]any{"outcome": "postponed"}), "/body/outcome", RuleEnum},
		{"revoked, with why", "transfer.consent-revocation/1", edits{"/body/reason": "fear"}, "/body", Rule(RuleUnknownMember)},
		{"not confirmed", "transfer.consent-verification-result/1", edits{"/body/outcome": "not-confirmed"}, "", ""},
		{"not confirmed, with why", "transfer.consent-verification-result/1", edits{"/body/remarks": "fear"}, "/body", Rule(RuleUnknownMember)},

		{"consent that is not voluntary", papers, edits{"/body/consent_declaration/freely_given": false}, "/body/consent_declaration/freely_given", RuleConst},
		{"a representative's declaration for no reason", papers, edits{"/body/consent_declaration/representative_reason": nil}, "/body/consent_declaration/representative_reason", RuleRequired},
		{"the person's own declaration for the reason of a representative", papers, edits{"/body/consent_declaration/by": "person"}, "/body/consent_declaration/representative_reason", RuleNotAllowed},
		{"a sentence that ends on no day", "transfer.interest-notice/1", edits{"/body/sentence/ends_on": nil}, "/body/sentence/ends_on", RuleRequired},
		{"an indeterminate sentence with an end", "transfer.interest-notice/1", edits{"/body/sentence/duration": "indeterminate"}, "/body/sentence/ends_on", RuleNotAllowed},
		{"judgment that is not certified", papers, edits{"/body/judgment/certified": false}, "/body/judgment/certified", RuleConst},
		{"judgment that is not attached", papers, edits{"/attachments": nil}, "/body/judgment/files/0", RuleUnknownRef},
		{"time served less than none", papers, edits{"/body/time_served/days": -1}, "/body/time_served/days", RuleRange},

		{"continued, not bound", procedure, edits{"/body/nature_and_duration_bind": nil}, "/body/nature_and_duration_bind", RuleRequired},
		{"continued, time deducted", procedure, edits{"/body/time_deducted": true}, "/body/time_deducted", RuleNotAllowed},
		{"continued and aggravated", procedure, edits{"/body/not_aggravated": false}, "/body/not_aggravated", RuleConst},
		{"converted", procedure, body(map[string]any{"procedure": "conversion", "facts_bind": true, "no_pecuniary_sanction": true, "time_deducted": true, "not_aggravated": true}), "", ""},
		{"converted, time not deducted", procedure, body(map[string]any{"procedure": "conversion", "facts_bind": true, "no_pecuniary_sanction": true, "not_aggravated": true}), "/body/time_deducted", RuleRequired},
		{"converted and bound by nature", procedure, edits{"/body/procedure": "conversion"}, "/body/nature_and_duration_bind", RuleNotAllowed},
		{"planned nowhere", "transfer.handover/1", edits{"/body/place": nil}, "/body/place", RuleRequired},
		{"completed on no day", "transfer.enforcement-report/1", edits{"/body/on": nil}, "/body/on", RuleRequired},
		{"special report without report", "transfer.enforcement-report/1", body(map[string]any{"kind": "special-report"}), "/body/report", RuleRequired},
		{"reduced without an end", "transfer.pardon-commutation/1", edits{"/body/ends_on": nil}, "/body/ends_on", RuleRequired},
		{"quashed with an end", "transfer.review-result/1", edits{"/body/outcome": "quashed"}, "/body/ends_on", RuleNotAllowed},
		{"changed without the decision", "transfer.review-result/1", edits{"/body/files": nil}, "/body/files", RuleRequired},
		{"withdrawn in part", "transfer.withdrawal/1", edits{"/body/scope": "part", "/body/part": "x"}, "/body/scope", RuleConst},
		{"withdrawal confirmed in part", "transfer.withdrawal-confirmation/1", edits{"/body/scope": "part", "/body/part": "x"}, "/body/scope", RuleConst},
		{"transit without custody", "transfer.transit/1", edits{"/body/custody": false}, "/body/custody", RuleConst},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { expect(t, changed(t, test.typ, test.changes), test.at, test.rule) })
	}
}

// The members that a type of the channel requires whatever else it says.
func TestTransferRequiredMembers(t *testing.T) {
	for typ, members := range map[MessageType][]string{
		"transfer.interest-notice/1": {"person", "expressed_on", "facts", "sentence", "sentence/nature", "sentence/begins_on", "sentence/duration"},
		"transfer.request/1": {"sender_is", "person", "conditions", "conditions/national", "conditions/judgment_final", "conditions/time_left",
			"conditions/consent", "conditions/dual_criminality", "conditions/both_states_agree"},
		"transfer.documents-administering/1":      {"nationality", "law", "procedure"},
		"transfer.documents-sentencing/1":         {"judgment", "law", "time_served", "consent_declaration", "consent_declaration/freely_given"},
		"transfer.consent-verification-request/1": {"verifier"},
		"transfer.consent-verification-result/1":  {"outcome", "verified_on"},
		"transfer.consent-revocation/1":           {"revoked_on"},
		"transfer.decision/1":                     {"outcome", "ground"},
		"transfer.procedure/1":                    {"procedure", "not_aggravated"},
		"transfer.handover/1":                     {"status", "at"},
		"transfer.enforcement-report/1":           {"kind", "on"},
		"transfer.pardon-commutation/1":           {"kind", "effect", "decided_on"},
		"transfer.review-result/1":                {"outcome", "decided_on"},
		"transfer.terminate/1":                    {"ceases_on", "measure"},
		"transfer.transit/1":                      {"person", "sentencing_state", "administering_state", "when", "means", "custody"},
	} {
		for _, member := range members {
			at := "/body/" + member
			if defects := refused(t, mutate(t, Example(typ), at, func(any) any { return nil })); !has(defects, at, RuleRequired) {
				t.Errorf("%s without %s: %v", typ, member, defects)
			}
		}
	}
}
