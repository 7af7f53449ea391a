package schemas

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// condition is one rule of the law: a change to the example of a type, and where it is refused.
type condition struct {
	name    string
	typ     MessageType
	changes edits
	at      string // "" where it is valid
	rule    Rule
}

func (c condition) check(t *testing.T) {
	raw := changed(t, c.typ, c.changes)
	if c.rule == "" {
		if _, err := Validate(raw); err != nil {
			t.Fatal(err)
		}
		return
	}
	if defects := refused(t, raw); !has(defects, c.at, c.rule) {
		t.Fatalf("want %s at %q, got %v", c.rule, c.at, defects)
	}
}

func TestBorderConditions(t *testing.T) {
	const alert, denial, notice, information = "border.alert/1", "border.entry-denial-information/1", "border.carrier-notice/1", "border.information/1"
	nameless := []any{map[string]any{"ref": "p1", "role": "victim"}}
	for _, c := range []condition{
		{"unknown driver", alert, edits{"/subjects": nil, "/body/suspects": nil}, "", ""},
		{"least alert", alert, edits{"/subjects": nil, "/body": map[string]any{"kind": "person", "possible_victims": 2, "handling": "safeguard-victim", "expires_at": "2026-11-03T06:00:00Z"}}, "", ""},
		{"no expiry", alert, edits{"/body/expires_at": nil}, "/body/expires_at", RuleRequired},
		{"no handling", alert, edits{"/body/handling": nil}, "/body/handling", RuleRequired},
		{"vehicle that is not described", alert, edits{"/body/vehicle": nil}, "/body/vehicle", RuleRequired},
		{"document that is not described", alert, edits{"/body/kind": "document", "/body/document": nil}, "/body/document", RuleRequired},
		{"neither carrier nor leg", alert, edits{"/body/kind": "carrier-route", "/body/carrier": nil, "/body/route_leg": nil}, "/body", RuleAlternative},
		{"nobody at all", alert, edits{"/body/kind": "person", "/subjects": nil, "/body/suspects": nil, "/body/possible_victims": nil}, "/body", RuleAlternative},
		{"urgency in words", alert, edits{"/urgency_reason": "the van left at noon"}, "/urgency_reason", RuleEnum},
		{"article in words", alert, edits{"/legal_basis/0/article": "10 asylum"}, "/legal_basis/0/article", RulePattern},
		{"a deadline in words", alert, edits{"/due": "2026-11-03", "/due_reason": "soon"}, "/due_reason", RuleNotAllowed},
		{"a file", alert, edits{"/attachments": []any{}}, "/attachments", RuleNotAllowed},
		{"a victim", alert, edits{"/subjects/0/role": "victim"}, "/subjects/0/role", RuleEnum},
		{"a witness", alert, edits{"/subjects/0/role": "witness"}, "/subjects/0/role", RuleEnum},
		{"a suspect who is no subject", alert, edits{"/body/suspects/0/person": "p2"}, "/body/suspects/0/person", RuleUnknownRef},
		{"a victim who was denied entry (VIC-02)", denial, edits{"/subjects/0/role": "victim"}, "/subjects/0/role", RuleEnum},
		{"a witness who was denied entry (VIC-02)", denial, edits{"/subjects/0/role": "witness"}, "/subjects/0/role", RuleEnum},
		{"a crossing point of a visa", denial, edits{"/body/measure": "visa-revoked"}, "/body/crossing_point", RuleNotAllowed},
		{"a passenger in a carrier notice (VIC-02)", notice, edits{"/subjects": nameless}, "/subjects", RuleNotAllowed},
		{"a sanction that is not described", notice, edits{"/body/sanction": nil}, "/body/sanction", RuleRequired},
		{"a sanction with another finding", notice, edits{"/body/finding": "documents-not-checked"}, "/body/sanction", RuleNotAllowed},
		{"what was not seen, with a time", "border.alert-response/1", edits{"/body": map[string]any{"outcome": "not-seen", "at": "2026-11-02T23:10:00Z"}}, "/body/at", RuleNotAllowed},
		{"letter (a) without crossings", information, edits{"/body/kind": "crossing-without-or-with-others-documents", "/body/documents": nil}, "/body/crossing", RuleRequired},
		{"letter (a) with types of document", information, edits{"/body/kind": "crossing-without-or-with-others-documents"}, "/body/documents", RuleNotAllowed},
		{"letter (b) without types", information, edits{"/body/documents": nil}, "/body/documents", RuleRequired},
		{"letter (c) without anything", information, edits{"/body/kind": "means-methods-routes", "/body/documents": nil}, "/body", RuleAlternative},
		{"letter (c)", information, edits{"/body/kind": "means-methods-routes", "/body/documents": nil, "/body/methods": []string{"debt-bondage"}}, "", ""},
		{"why a document is asked about", "border.document-check-request/1", edits{"/urgency_reason": "person-in-danger"}, "/urgency_reason", RuleConst},
		{"whose document it is", "border.document-check-request/1", edits{"/subjects": nameless}, "/subjects", RuleNotAllowed},
		{"the holder of a document", "border.document-check-request/1", edits{"/body/document/holder": "x"}, "/body/document", Rule(RuleUnknownMember)},
		{"a hit that is more than safeguarded", "border.hit/1", edits{"/body/safeguarding": []string{"arrested"}}, "/body/safeguarding/0", RuleEnum},
		{"something to do after a false hit", "border.hit-confirmation/1", edits{"/body/outcome": "false-hit"}, "/body/handling", RuleNotAllowed},
		{"held, and not seen", "border.alert-response/1", edits{"/body/outcome": "not-seen"}, "/body/suspects_held", RuleNotAllowed},
		{"intercepted at no time", "border.alert-response/1", edits{"/body/at": nil}, "/body/at", RuleRequired},
		{"a desk in words", "border.acknowledgement/1", edits{"/body/desk": "Mr Smith"}, "/body/desk", RuleEnum},
		{"part of an alert", "border.withdrawal/1", edits{"/body/scope": "part", "/body/part": "x"}, "/body/scope", RuleConst},
		{"a next step in words", "border.status-report/1", edits{"/body/next_step": "x"}, "/body/next_step", RuleNotAllowed},
	} {
		t.Run(c.name, c.check)
	}
}

// TestBorderTakesNoFreeText holds the promise for which the channel may do with one signature: no text of a person's own
// words fits anywhere. What is left are the names and numbers of suspects, which the rules look at.
func TestBorderTakesNoFreeText(t *testing.T) {
	for _, typ := range Types() {
		if typ.Channel() != ChannelBorder {
			continue
		}
		raw := Example(typ)
		for _, at := range places(t, raw) {
			if strings.HasPrefix(at, "/subjects/0/identity") {
				continue
			}
			if _, err := Validate(mutate(t, raw, at, func(any) any { return "she asked for asylum" })); err == nil {
				t.Errorf("%s takes words at %s", typ, at)
			}
		}
		for _, member := range []string{"urgency_reason", "due_reason"} {
			raw := mutate(t, raw, "/urgency", func(any) any { return "immediate" })
			if _, err := Validate(mutate(t, raw, "/"+member, func(any) any { return "she asked for asylum" })); err == nil {
				t.Errorf("%s takes words at %s", typ, member)
			}
		}
	}
}

// A minimal message says nothing of a person; no border type can name a victim or a witness.
func TestBorderNamesNoVictim(t *testing.T) {
	for _, typ := range Types() {
		if typ.Channel() != ChannelBorder {
			continue
		}
		for _, role := range []Role{RoleVictim, RoleWitness, RoleFamily, RoleExpert, RoleOther} {
			var payload map[string]any
			if err := json.Unmarshal(Example(typ), &payload); err != nil {
				t.Fatal(err)
			}
			payload["subjects"] = []any{map[string]any{"ref": "p1", "role": string(role)}}
			defects := refused(t, marshal(t, payload))
			if !has(defects, "/subjects", RuleNotAllowed) && !has(defects, "/subjects/0/role", RuleEnum) {
				t.Errorf("%s takes a %s: %v", typ, role, defects)
			}
		}
	}
}

// The live alert alone leaves with one signature.
func TestSingleSignature(t *testing.T) {
	var single []MessageType
	for _, typ := range Types() {
		if SingleSignature(typ) {
			single = append(single, typ)
		}
	}
	if !slices.Equal(single, []MessageType{"border.alert/1"}) {
		t.Errorf("with one signature: %v", single)
	}
	if SingleSignature("border.alert/2") {
		t.Error("a type that is not registered leaves with one signature")
	}
}
