package schemas

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

type document struct {
	Name  string         `json:"name"`
	Count int            `json:"count,omitzero"`
	At    time.Time      `json:"at,omitzero"`
	Inner *document      `json:"inner,omitzero"`
	Free  map[string]any `json:"free,omitzero"`
	List  []document     `json:"list,omitzero"`
}

func TestDecodeRefusals(t *testing.T) {
	deep := strings.Repeat(`{"inner":`, 17) + `{"name":"x"}` + strings.Repeat(`}`, 17)
	tests := []struct {
		name, text, pointer string
		rule                DecodeRule
	}{
		{"empty", ``, "", RuleSyntax},
		{"cut off", `{"name":"x"`, "", RuleSyntax},
		{"byte order mark", "\xef\xbb\xbf{}", "", RuleSyntax},
		{"comment", `{/* */"name":"x"}`, "", RuleSyntax},
		{"trailing comma", `{"name":"x",}`, "", RuleSyntax},
		{"duplicate name", `{"name":"x","name":"y"}`, "/name", RuleDuplicateName},
		{"duplicate name in a tree", `{"free":{"a":1,"a":2}}`, "/free/a", RuleDuplicateName},
		{"duplicate through an escape", `{"name":"x","n\u0061me":"y"}`, "/name", RuleDuplicateName},
		{"case variant alone", `{"Name":"x"}`, "/?", RuleUnknownMember},
		{"case variants beside each other", `{"name":"x","Name":"y"}`, "/?", RuleCaseVariant},
		{"case variants in a tree", `{"free":{"k":1,"K":2}}`, "/free/?", RuleCaseVariant},
		{"kelvin sign is a k", "{\"free\":{\"k\":1,\"\u212a\":2}}", "/free/?", RuleCaseVariant},
		{"long s is an s", "{\"free\":{\"last\":1,\"la\u017ft\":2}}", "/free/?", RuleCaseVariant},
		{"invalid UTF-8", "{\"name\":\"\xff\"}", "/name", RuleInvalidUTF8},
		{"half a surrogate pair", `{"name":"\ud800"}`, "/name", RuleInvalidUTF8},
		{"unknown member", `{"name":"x","extra":1}`, "/extra", RuleUnknownMember},
		{"unknown member that looks like a person", `{"TESTPERSON ALPHA-01":1}`, "/?", RuleUnknownMember},
		{"unknown member deep down", `{"list":[{"name":"x"},{"extra":1}]}`, "/list/1/extra", RuleUnknownMember},
		{"trailing value", `{"name":"x"} {}`, "", RuleTrailing},
		{"trailing bytes", `{"name":"x"}x`, "", RuleTrailing},
		{"trailing NUL", "{\"name\":\"x\"}\x00", "", RuleTrailing},
		{"another kind", `{"name":7}`, "/name", RuleMismatch},
		{"number in a string", `{"count":"7"}`, "/count", RuleMismatch},
		{"fraction for an integer", `{"count":1.5}`, "/count", RuleMismatch},
		{"not a time", `{"at":"yesterday"}`, "/at", RuleMismatch},
		{"null document", `null`, "", RuleMismatch},
		{"array document", `[]`, "", RuleMismatch},
		{"integer beyond a double", `{"count":9007199254740993}`, "/count", RuleNumberRange},
		{"float beyond a double", `{"free":{"n":1e999}}`, "/free/n", RuleNumberRange},
		{"integer in float clothes", `{"free":{"n":1e20}}`, "/free/n", RuleNumberRange},
		{"too deep", deep, "", RuleTooDeep},
		{"too large", `{"name":"` + strings.Repeat("x", DefaultLimits.Bytes) + `"}`, "", RuleTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var doc document
			err := Decode([]byte(test.text), &doc, DefaultLimits)
			var refused *DecodeError
			if !errors.As(err, &refused) {
				t.Fatalf("got error %v, want a refusal by rule %s", err, test.rule)
			}
			if refused.Rule != test.rule {
				t.Errorf("got rule %s, want %s", refused.Rule, test.rule)
			}
			if test.rule != RuleSyntax && test.rule != RuleTooDeep && refused.Pointer != test.pointer {
				t.Errorf("got pointer %q, want %q", refused.Pointer, test.pointer)
			}
			if strings.Contains(err.Error(), "TESTPERSON") || strings.Contains(err.Error(), "yesterday") {
				t.Errorf("the error echoes the document: %v", err)
			}
		})
	}
}

func TestDecodeAccepts(t *testing.T) {
	var doc document
	text := ` {"name":"x","count":-9007199254740992,"inner":{"name":"y"},"free":{"a":[1,2.5,null,true]}} ` + "\n"
	if err := Decode([]byte(text), &doc, DefaultLimits); err != nil {
		t.Fatal(err)
	}
	if doc.Name != "x" || doc.Inner == nil || doc.Inner.Name != "y" || doc.Count != -1<<53 {
		t.Errorf("decoded %+v", doc)
	}
	for _, text := range []string{`null`, `7`, `"x"`, `[{"a":1},{"A":2}]`} {
		var tree any
		if err := Decode([]byte(text), &tree, DefaultLimits); err != nil {
			t.Errorf("tree %s: %v", text, err)
		}
	}
}

func TestDecodeDepthIsExact(t *testing.T) {
	limits := Limits{Bytes: 100, Depth: 3}
	var tree any
	if err := Decode([]byte(`[[[1]]]`), &tree, limits); err != nil {
		t.Errorf("depth 3 of 3: %v", err)
	}
	var refused *DecodeError
	if err := Decode([]byte(`[[[[]]]]`), &tree, limits); !errors.As(err, &refused) || refused.Rule != RuleTooDeep {
		t.Errorf("depth 4 of 3: got %v", err)
	}
}

func TestCanonical(t *testing.T) {
	got, err := Canonical(map[string]any{"b": 1.0, "a": "\u20ac<", "c": []any{nil, true}})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"a":"€<","b":1,"c":[null,true]}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := Canonical(map[string]any{"a": math.NaN()}); err == nil {
		t.Error("NaN was encoded")
	}
	var refused *DecodeError
	if _, err := Canonical(map[string]uint64{"a": 1<<53 + 1}); !errors.As(err, &refused) || refused.Rule != RuleNumberRange {
		t.Errorf("an integer that rounding would change: got %v", err)
	}
}

// What Decode accepts has one meaning: it survives its canonical form.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"name":"x","free":{"a":[1,2,{"b":null}]}}`, `{"a":1,"A":2}`, `[[[[1e5]]]]`,
		"{\"name\":\"\xff\"}", `{"name":"\ud83d\ude00"}`, `{"at":"2026-11-23T10:00:00Z"}`, `-0`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var doc document
		_ = Decode(data, &doc, DefaultLimits)
		var tree any
		if Decode(data, &tree, DefaultLimits) != nil {
			return
		}
		first, err := Canonical(tree)
		if err != nil {
			t.Fatalf("accepted but has no canonical form: %v", err)
		}
		var again any
		if err := Decode(first, &again, Limits{Bytes: 1 << 20, Depth: 16}); err != nil {
			t.Fatalf("canonical form refused: %v", err)
		}
		second, err := Canonical(again)
		if err != nil || string(first) != string(second) {
			t.Fatalf("canonical form is not stable: %s and %s (%v)", first, second, err)
		}
	})
}

// Names are compared without their case where any name of the document has one, however deep it stands.
func TestCaseVariantsAreFoundWhereverTheyStand(t *testing.T) {
	for text, rule := range map[string]DecodeRule{
		`{"a":1,"b":{"c":[{"kind":1,"Kind":2}]}}`: RuleCaseVariant,
		`{"kind":1,"b":{"KIND":1},"\u004bind":2}`: RuleCaseVariant, // an escaped K
		"{\"kind\":1,\"\u212aind\":2}":            RuleCaseVariant, // the sign of the Kelvin
		"{\"s\":1,\"\u017f\":2}":                  RuleCaseVariant, // the long s
		`{"a":{"kind":1},"b":{"Kind":1}}`:         "",
		`{"kind":1,"\u006bind":2}`:                RuleDuplicateName,
	} {
		var v any
		err := Decode([]byte(text), &v, DefaultLimits)
		refused, _ := errors.AsType[*DecodeError](err)
		if rule == "" && err != nil || rule != "" && (refused == nil || refused.Rule != rule) {
			t.Errorf("%s: %v, want %q", text, err, rule)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	text := []byte(`{"channel":"mla","type":"mla.request/1","body":{"facts":"` + strings.Repeat("a sentence ", 300) + `","list":[1,2,{"kind":"x"}]}}`)
	for b.Loop() {
		var v any
		if err := Decode(text, &v, PayloadLimits); err != nil {
			b.Fatal(err)
		}
	}
}
