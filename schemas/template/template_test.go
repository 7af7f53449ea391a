package template

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"comity/schemas"
)

func TestCatalogue(t *testing.T) {
	all := All()
	if len(all) < 10 || !slices.IsSortedFunc(all, func(a, b Template) int { return strings.Compare(string(a.ID), string(b.ID)) }) {
		t.Fatalf("%d templates, or not sorted", len(all))
	}
	seen := map[string]ID{}
	for _, tmpl := range all {
		if again, ok := ByID(tmpl.ID); !ok || again.ID != tmpl.ID {
			t.Errorf("%s is not found", tmpl.ID)
		}
		if len(tmpl.Texts) != 2 {
			t.Errorf("%s: %d languages", tmpl.ID, len(tmpl.Texts))
		}
		for _, l := range []schemas.Language{"en", "fr"} {
			text := tmpl.Texts[l]
			if text == "" || strings.ContainsAny(text, "{}%<>[]$\n") || strings.TrimSpace(text) != text {
				t.Errorf("%s in %s is missing, or has a gap to be filled in", tmpl.ID, l)
			}
			if other, taken := seen[text]; taken {
				t.Errorf("%s and %s are the same text", tmpl.ID, other)
			}
			seen[text] = tmpl.ID
		}
	}
	if _, ok := ByID("no-such-text"); ok {
		t.Error("a text that is not in the catalogue is found")
	}
}

// No text speaks of what must not be told: none of them would be there for a person who is not protected.
func TestTextsTellNothing(t *testing.T) {
	for _, tmpl := range All() {
		for l, text := range tmpl.Texts {
			for _, word := range []string{"asyl", "asile", "refug", "réfug", "victim", "witness", "témoin", "risk", "risque", "fear", "consent", "child", "enfant"} {
				if strings.Contains(strings.ToLower(text), word) {
					t.Errorf("%s in %s says %q", tmpl.ID, l, word)
				}
			}
		}
	}
}

func TestText(t *testing.T) {
	tmpl, _ := ByID(NeitherConfirmNorDeny)
	if tmpl.Text("fr-QM") != tmpl.Texts["fr"] || tmpl.Text("en") != tmpl.Texts["en"] || tmpl.Text("de") != tmpl.Texts["en"] {
		t.Error("not the text of the language, or English")
	}
	if tmpl.MayStandIn("repatriation.withdrawal/1") || !tmpl.MayStandIn("mla.decision/1") {
		t.Error("stands where it may not, or may not stand where it should")
	}
	for _, id := range []ID{WithdrawalNeutral, NotAvailable} {
		if _, ok := ByID(id); !ok {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
}

// The schemas and the catalogue say the same: whatever a schema accepts is a text that may stand there, and each text is
// accepted wherever it may stand.
func TestCatalogueFitsTheSchemas(t *testing.T) {
	used := map[ID]bool{}
	for _, typ := range schemas.Types() {
		if typ.Name() != "decision" && typ.Name() != "withdrawal" {
			continue
		}
		for _, tmpl := range All() {
			var payload map[string]any
			if err := json.Unmarshal(schemas.Example(typ), &payload); err != nil {
				t.Fatal(err)
			}
			payload["body"] = body(typ, tmpl.ID)
			raw, err := json.Marshal(payload)
			if err != nil {
				t.Fatal(err)
			}
			_, err = schemas.Validate(raw)
			if accepted := err == nil; accepted != tmpl.MayStandIn(typ) {
				t.Errorf("%s in %s: the schema accepts it: %t, the catalogue: %t (%v)", tmpl.ID, typ, accepted, tmpl.MayStandIn(typ), err)
			}
			used[tmpl.ID] = used[tmpl.ID] || err == nil
		}
	}
	for _, tmpl := range All() {
		if !used[tmpl.ID] {
			t.Errorf("no schema takes %s", tmpl.ID)
		}
	}
}

// body is the message that says what a template says.
func body(typ schemas.MessageType, id ID) map[string]any {
	if typ.Name() == "withdrawal" {
		return map[string]any{"scope": "whole", "reason": "other", "template": string(id)}
	}
	if ground, ok := strings.CutPrefix(string(id), "refusal-"); ok {
		return map[string]any{"outcome": "refused", "ground": ground, "template": string(id)}
	}
	if reason, ok := strings.CutPrefix(string(id), "postponement-"); ok {
		return map[string]any{"outcome": "postponed", "reason": reason, "review_at": "2027-01-15", "template": string(id)}
	}
	return map[string]any{"outcome": "not-available", "template": string(id)}
}
