package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"comity/schemas"
)

// Every type has an example that an agent accepts as a draft, for the authority that takes part in its channel.
func TestEveryExampleIsADraft(t *testing.T) {
	for _, typ := range schemas.Types() {
		to := schemas.AuthorityID(usualRecipient(typ.Channel()))
		text, err := exampleDraft(typ, to)
		if err != nil {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		draft, err := schemas.ParseDraft(text, nil)
		if err != nil {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		if draft.Parsed.Type != typ || !slices.Equal(draft.To, []schemas.AuthorityID{to}) {
			t.Errorf("%s: the draft is %s to %v", typ, draft.Parsed.Type, draft.To)
		}
	}
}

// The list is read by scripts: it names every type once.
func TestSchemaListAsJSON(t *testing.T) {
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"schema", "list", "--json"}, streams{in: strings.NewReader(""), out: &out, err: &errs}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	var list []listedType
	if err := json.Unmarshal([]byte(out.String()), &list, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	var got []schemas.MessageType
	for _, l := range list {
		typ, err := typeNamed(l.Type)
		if err != nil || l.Title == "" || typ.Channel() != l.Channel || typ.Version() != l.Version || schemas.Opens(typ) != l.Opens {
			t.Errorf("listed: %+v, %v", l, err)
		}
		got = append(got, typ)
	}
	if !slices.Equal(got, schemas.Types()) {
		t.Errorf("the list names %d types, there are %d", len(got), len(schemas.Types()))
	}
}
