package schemas

import (
	"strings"
	"testing"
)

// confiscationTexts are the members of the channel where any text is right, for TestEachValueBroken.
func confiscationTexts() []string {
	return []string{"danger_of_dissipation", "facts_sufficient_for_domestic_order", "entity", "court", "provision"}
}

// The conditions of articles 12 to 14 that a list of members cannot express.
func TestConfiscationConditions(t *testing.T) {
	const (
		request     = "confiscation.request/1"
		provisional = "confiscation.provisional-request/1"
		freeze      = "confiscation.freeze-report/1"
		report      = "confiscation.status-report/1"
		result      = "confiscation.result/1"
		decision    = "confiscation.decision/1"
		asked       = "confiscation.disposal-request/1"
		decided     = "confiscation.disposal-decision/1"
	)
	const at = "2026-11-03T10:20:00Z"
	claim := strings.Repeat("0", 26)
	property := []any{map[string]any{"class": "proceeds", "kind": "cash", "description": "Notes in a safe."}}
	// The source document of the project prints the routes the other way round: (a) is the domestic order.
	routeA := func(more edits) edits {
		e := edits{"/body/route": "domestic-order", "/body/order_copy": nil, "/body/extent": nil,
			"/body/property_description": property, "/body/facts_sufficient_for_domestic_order": "The money was paid for the labour of others."}
		for at, v := range more {
			e[at] = v
		}
		return e
	}
	body := func(v map[string]any) edits { return edits{"/body": v} }
	amount := map[string]any{"value": "1.00", "currency": "XTS"}
	kinds := func(kinds ...string) (list []any) {
		for _, k := range kinds {
			list = append(list, map[string]any{"kind": k})
		}
		return list
	}
	const toVictims, toOwner, domestic = "return-for-victim-compensation", "return-to-legitimate-owner", "domestic-law"
	tests := []struct {
		name    string
		typ     MessageType
		changes edits
		at      string // "" where it is valid
		rule    Rule
	}{
		{"13(1)(a)", request, routeA(nil), "", ""},
		{"13(1)(a) without a description of the property", request, routeA(edits{"/body/property_description": nil}), "/body/property_description", RuleRequired},
		{"13(1)(a) without sufficient facts", request, routeA(edits{"/body/facts_sufficient_for_domestic_order": nil}), "/body/facts_sufficient_for_domestic_order", RuleRequired},
		{"13(1)(a) without the facts of 18(15)(c)", request, routeA(edits{"/body/facts": nil}), "/body/facts", RuleRequired},
		{"13(1)(a) with an extent", request, routeA(edits{"/body/extent": map[string]any{"amount": amount}}), "/body/extent", RuleNotAllowed},
		{"13(1)(b) without the order", request, edits{"/body/order_copy": nil}, "/body/order_copy", RuleRequired},
		{"13(1)(b) without an extent", request, edits{"/body/extent": nil}, "/body/extent", RuleRequired},
		{"13(1)(b) with the content of the other route", request, edits{"/body/property_description": property}, "/body/property_description", RuleNotAllowed},
		{"the order is not attached", request, edits{"/attachments": nil}, "/body/order_copy/files/0", RuleUnknownRef},
		{"extent in money", request, edits{"/body/extent": map[string]any{"amount": amount}}, "", ""},
		{"extent in money without currency", request, edits{"/body/extent": map[string]any{"amount": map[string]any{"value": "1.00"}}}, "/body/extent/amount/currency", RuleRequired},
		{"extent in money and property", request, edits{"/body/extent/amount": amount}, "/body/extent/amount", RuleNotAllowed},
		{"extent of nothing", request, edits{"/body/extent": map[string]any{}}, "/body/extent", RuleAlternative},
		{"no route", request, edits{"/body/route": nil}, "/body/route", RuleRequired},
		{"a route of no article", request, edits{"/body/route": "civil"}, "/body/route", RuleEnum},
		{"in a case that provisional measures opened", request, edits{"/case": claim}, "", ""},
		{"a request answers nothing", request, edits{"/case": claim, "/in_reply_to": claim}, "/in_reply_to", RuleNotAllowed},
		{"treaty basis that the legal basis does not name", request, edits{"/legal_basis": []any{map[string]any{"instrument": "bilateral-1998", "article": "4"}}}, "/legal_basis", RuleAlternative},
		{"another treaty basis", request, edits{"/legal_basis": []any{map[string]any{"instrument": "bilateral-1998", "article": "4"}}, "/body/untoc_as_treaty_basis": false}, "", ""},
		{"owner who is no subject", request, edits{"/body/extent/property/0/owner/person": "p9"}, "/body/extent/property/0/owner/person", RuleUnknownRef},
		{"owner who is a person, unnamed", request, edits{"/body/extent/property/0/owner": map[string]any{"kind": "person"}}, "/body/extent/property/0/owner/person", RuleRequired},
		{"owner who is an entity, unnamed", request, edits{"/body/extent/property/0/owner": map[string]any{"kind": "entity"}}, "/body/extent/property/0/owner/entity", RuleRequired},
		{"owner who is unknown, named as a person", request, edits{"/body/extent/property/0/owner": map[string]any{"kind": "unknown", "person": "p1"}}, "/body/extent/property/0/owner/person", RuleNotAllowed},
		{"owner who is a person, named as an entity", request, edits{"/body/extent/property/0/owner": map[string]any{"kind": "person", "person": "p1", "entity": "x"}}, "/body/extent/property/0/owner/entity", RuleNotAllowed},
		{"a claim by name", request, edits{"/body/extent/property/0/bona_fide_claims/0/claim": "alpha"}, "/body/extent/property/0/bona_fide_claims/0/claim", RulePattern},

		{"provisional measures in a case", provisional, edits{"/case": claim}, "/case", RuleNotAllowed},
		{"no action", provisional, edits{"/body/actions": []any{}}, "/body/actions", RuleCount},
		{"property that is not known yet", provisional, edits{"/body/property": nil, "/body/danger_of_dissipation": nil}, "", ""},

		{"frozen without value", freeze, edits{"/body/value": nil}, "/body/value", RuleRequired},
		{"frozen for an open time", freeze, edits{"/body/expires_at": nil}, "", ""},
		{"expiring at no time", freeze, body(map[string]any{"status": "expiring"}), "/body/expires_at", RuleRequired},
		{"released for no reason", freeze, body(map[string]any{"status": "released", "released_at": at}), "/body/release_reason", RuleRequired},
		{"released and expiring", freeze, body(map[string]any{"status": "released", "released_at": at, "release_reason": "expired", "expires_at": at}), "/body/expires_at", RuleNotAllowed},
		{"released in unnamed part", freeze, body(map[string]any{"status": "released-in-part", "released_at": at, "release_reason": "other"}), "/body/property", RuleRequired},

		{"an order of no day", report, edits{"/body/ordered_on": nil}, "/body/ordered_on", RuleRequired},
		{"a claim of a third party", report, body(map[string]any{"stage": "third-party-claim", "claims": []any{claim}}), "", ""},
		{"a claim without its id", report, body(map[string]any{"stage": "third-party-claim"}), "/body/claims", RuleRequired},
		{"claims at another stage", report, edits{"/body/claims": []any{claim}}, "/body/claims", RuleNotAllowed},

		{"confiscated, value unknown", result, edits{"/body/realised_value": nil}, "/body/realised_value", RuleRequired},
		{"traced", result, body(map[string]any{"phase": "provisional-measures", "extent": "full", "property": property}), "", ""},
		{"traced and realised", result, edits{"/body/phase": "provisional-measures"}, "/body/realised_value", RuleNotAllowed},
		{"nothing, with value", result, edits{"/body/extent": "none"}, "/body/realised_value", RuleNotAllowed},

		{"13(7)", decision, edits{}, "", ""},
		{"bank secrecy, 12(6)", decision, edits{"/body/ground": "bank-secrecy"}, "/body/ground", RuleEnum},

		{"victims by name", asked, edits{"/subjects": []any{map[string]any{"ref": "p1", "role": "victim"}}}, "/subjects", RuleNotAllowed},
		{"a victim's name as claim", asked, edits{"/body/victims/claims/0": smuggled}, "/body/victims/claims/0", RulePattern},
		{"compensation of no victim", asked, edits{"/body/victims": nil}, "/body/victims", RuleRequired},
		{"victims and no compensation", asked, edits{"/body/dispositions": kinds(toOwner)}, "/body/victims", RuleNotAllowed},
		{"sharing before the victims", asked, edits{"/body/dispositions": []any{map[string]any{"kind": "sharing", "percent": 50}, map[string]any{"kind": toVictims}}}, "/body/dispositions/0/kind", RuleEnum},
		{"sharing of no part", asked, edits{"/body/dispositions/2": map[string]any{"kind": "sharing"}}, "/body/dispositions/2/percent", RuleRequired},
		{"decided for the treasury first", decided, edits{"/body/dispositions": kinds(domestic, toVictims)}, "/body/dispositions/0/kind", RuleEnum},
		{"priority given to nobody", decided, edits{"/body/dispositions": kinds(domestic)}, "/body/dispositions", RuleAlternative},
		{"priority against the law of no provision", decided, body(map[string]any{"priority": "not-permitted-by-domestic-law", "dispositions": kinds(domestic)}), "/body/provision", RuleRequired},
		{"nobody claims", decided, body(map[string]any{"priority": "no-claims", "dispositions": kinds(domestic, "contribution-fund")}), "", ""},
		{"nobody claims, and somebody gets", decided, body(map[string]any{"priority": "no-claims", "dispositions": kinds(toOwner)}), "/body/dispositions/0/kind", RuleEnum},
		{"nobody claims, and victims are counted", decided, edits{"/body/priority": "no-claims", "/body/dispositions": kinds(domestic), "/body/owners": nil}, "/body/victims", RuleNotAllowed},
		{"priority not considered", decided, edits{"/body/priority": nil}, "/body/priority", RuleRequired},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { expect(t, changed(t, test.typ, test.changes), test.at, test.rule) })
	}
}

// expect validates a payload: it is right where at is "", and else has this defect.
func expect(t *testing.T, raw []byte, at string, rule Rule) {
	t.Helper()
	if rule == "" {
		if _, err := Validate(raw); err != nil {
			t.Fatal(err)
		}
		return
	}
	if defects := refused(t, raw); !has(defects, at, rule) {
		t.Fatalf("want %s at %q, got %v", rule, at, defects)
	}
}

// The members that a type of the channel requires whatever else it says.
func TestConfiscationRequiredMembers(t *testing.T) {
	for typ, members := range map[MessageType][]string{
		"confiscation.request/1": {"route", "matter", "facts", "description", "purpose", "offence", "order_copy", "extent",
			"order_copy/files", "order_copy/court", "order_copy/issued_on", "order_copy/final", "extent/property/0/class", "extent/property/0/kind"},
		"confiscation.provisional-request/1": {"facts", "actions"},
		"confiscation.freeze-report/1":       {"status", "frozen_at", "value"},
		"confiscation.extension-request/1":   {"until", "reasons"},
		"confiscation.status-report/1":       {"stage"},
		"confiscation.decision/1":            {"outcome", "ground", "reasons"},
		"confiscation.result/1":              {"phase", "extent", "realised_value"},
		"confiscation.disposal-request/1":    {"dispositions", "victims", "victims/count", "owners"},
		"confiscation.disposal-decision/1":   {"dispositions", "priority"},
	} {
		for _, member := range members {
			at := "/body/" + member
			if defects := refused(t, mutate(t, Example(typ), at, func(any) any { return nil })); !has(defects, at, RuleRequired) {
				t.Errorf("%s without %s: %v", typ, member, defects)
			}
		}
	}
}
