package console

import (
	"bytes"
	"encoding/json"
	"net/url"
	"testing"

	"golang.org/x/net/html"

	"comity/agent/console/consoletest"
	"comity/schemas"
)

// Each type's form, filled with the example of the type and sent back as a browser would, gives the same draft.
func TestFormsOfAllTypesGiveBackWhatTheyWereFilledWith(t *testing.T) {
	p := testPages(t)
	types := schemas.Types()
	if len(types) < 132 {
		t.Errorf("only %d types", len(types))
	}
	for _, kind := range types {
		t.Run(string(kind), func(t *testing.T) {
			draft := exampleDraft(t, kind)
			want, err := json.Marshal(draft)
			if err != nil {
				t.Fatal(err)
			}
			homeToForm(draft)
			filled := fill(formField(described(kind)), "", draft, false)
			filled.inZone(zoneNamed("Asia/Kathmandu")) // times are shown and typed there, and stand in the draft in UTC
			sent := submit(t, p, kind, filled)
			form := read(formField(described(kind)), "", sent)
			value, _, _ := form.draft()
			back := value.(map[string]any)
			homeFromForm(back)
			got, err := json.Marshal(back)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// A form that nobody touched is no draft: what it holds is what every draft of its type has.
func TestAnEmptyFormWritesNothing(t *testing.T) {
	for _, kind := range schemas.Types() {
		value, _, written := read(formField(described(kind)), "", url.Values{}).draft()
		if written {
			t.Errorf("%s: an empty form writes %v", kind, value)
		}
	}
}

func exampleDraft(t *testing.T, kind schemas.MessageType) map[string]any {
	t.Helper()
	draft, err := objectOf(schemas.Example(kind))
	if err != nil {
		t.Fatal(err)
	}
	draft["to"] = []any{"QN/justice"}
	draft["home"] = map[string]any{
		"gate":    map[string]any{"voluntary": true, "age_in_doubt": false, "risk_assessment": "low", "child": map[string]any{"guardian": true}, "notes": "one\ntwo"},
		"persons": map[string]any{"p1": map[string]any{"name_by_choice": true, "necessity": "identification"}, "p2": map[string]any{"protected_witness": false}},
		"quotes":  []any{map[string]any{"message": "01kbzj"}}, "forwarding": []any{"QP"}, "question": "status",
	}
	return draft
}

func testPages(t *testing.T) *pages {
	t.Helper()
	p, err := loadPages()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// submit renders a form and reads it back as a browser sends it.
func submit(t *testing.T, p *pages, kind schemas.MessageType, form *node) url.Values {
	t.Helper()
	var out bytes.Buffer
	body := composePage{Type: kind, Description: described(kind), Form: form, Action: "/x", Check: "/y"}
	l := p.languages[0]
	if err := p.run(&out, l.Code, "compose", "main", page{Lang: l, Body: body}); err != nil {
		t.Fatal(err)
	}
	document, err := html.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	return consoletest.Controls(document)
}
