package schemas

import (
	"encoding/json"
	"testing"
)

func TestLeaves(t *testing.T) {
	const request, nationality = "mla.request/1", "repatriation.nationality-request/1"
	tests := []struct {
		name    string
		typ     MessageType
		edits   edits
		pointer string
		want    Leaf // Kind, OriginSafe and Unknown
	}{
		{"a text", request, nil, "/body/purpose", Leaf{Kind: LeafFree}},
		{"one line", request, nil, "/subjects/0/identity/names/0", Leaf{Kind: LeafFree}},
		{"one of a set", request, nil, "/body/assistance/0", Leaf{Kind: LeafChosen}},
		{"none of a set", request, edits{"/urgency": "TESTPERSON ALPHA-01"}, "/urgency", Leaf{Kind: LeafBroken}},
		{"a constant", request, nil, "/channel", Leaf{Kind: LeafChosen}},
		{"a code", request, nil, "/legal_basis/0/article", Leaf{Kind: LeafFormed}},
		{"a date", request, edits{"/due": "2026-12-01"}, "/due", Leaf{Kind: LeafFormed}},
		{"a sentence for a date", request, edits{"/due": "when she is safe"}, "/due", Leaf{Kind: LeafBroken}},
		{"a number", request, nil, "/body/offence/max_penalty_months", Leaf{Kind: LeafValue}},
		{"a file", request, nil, "/attachments/0/content", Leaf{Kind: LeafContent}},
		{"a member that nothing has", request, edits{"/body/observations": "x"}, "/body/observations", Leaf{Kind: LeafFree, Unknown: true}},
		{"below a member that nothing has", request, edits{"/observations": map[string]any{"names": []any{"x"}}}, "/observations/names/0", Leaf{Kind: LeafFree, Unknown: true}},
		{"nothing in a member that nothing has", request, edits{"/observations": map[string]any{}}, "/observations", Leaf{Kind: LeafValue, Unknown: true}},
		{"a name", nationality, nil, "/subjects/0/identity/names/0", Leaf{Kind: LeafName, OriginSafe: true}},
		{"a sentence for a name", nationality, edits{"/subjects/0/identity/names": []any{"she said: here"}}, "/subjects/0/identity/names/0", Leaf{Kind: LeafBroken, OriginSafe: true}},
		{"a chosen text", nationality, nil, "/body/contact_address", Leaf{Kind: LeafChosen, OriginSafe: true}},
		{"another address", nationality, edits{"/body/contact_address": "Harbour Street 4"}, "/body/contact_address", Leaf{Kind: LeafBroken, OriginSafe: true}},
		{"an unknown type", "mla.gossip/1", nil, "/body/purpose", Leaf{Kind: LeafFree, Unknown: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			example := test.typ
			if !Registered(example) {
				example = request
			}
			all, err := Leaves(test.typ, changed(t, example, test.edits))
			if err != nil {
				t.Fatal(err)
			}
			for _, leaf := range all {
				if leaf.Pointer == test.pointer {
					if leaf.Kind != test.want.Kind || leaf.OriginSafe != test.want.OriginSafe || leaf.Unknown != test.want.Unknown {
						t.Errorf("leaf = %+v, want %+v", leaf, test.want)
					}
					return
				}
			}
			t.Errorf("no leaf at %s", test.pointer)
		})
	}
}

// TestNoExampleIsBroken: the coarse forms of leafKind refuse nothing that the schemas take, and miss no value.
func TestNoExampleIsBroken(t *testing.T) {
	for _, typ := range Types() {
		all, err := Leaves(typ, Example(typ))
		if err != nil {
			t.Fatal(err)
		}
		for _, leaf := range all {
			if leaf.Kind == LeafBroken || leaf.Unknown {
				t.Errorf("%s: %+v", typ, leaf)
			}
		}
		var tree any
		if err := json.Unmarshal(Example(typ), &tree); err != nil {
			t.Fatal(err)
		}
		if want := countValues(tree); want != len(all) {
			t.Errorf("%s: %d leaves of %d values", typ, len(all), want)
		}
	}
}

func countValues(node any) (n int) {
	switch node := node.(type) {
	case map[string]any:
		for _, child := range node {
			n += countValues(child)
		}
	case []any:
		for _, child := range node {
			n += countValues(child)
		}
	default:
		return 1
	}
	return n
}

func BenchmarkLeaves(b *testing.B) {
	payload := Example("repatriation.nationality-request/1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Leaves("repatriation.nationality-request/1", payload); err != nil {
			b.Fatal(err)
		}
	}
}
