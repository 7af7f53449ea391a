package schemas

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func describe(t *testing.T, typ MessageType) *Description {
	t.Helper()
	d, err := Describe(typ)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// fieldAt finds a field of a description by its pointer.
func fieldAt(t *testing.T, d *Description, pointer string) (found Field) {
	t.Helper()
	Field{Fields: d.Fields}.Each(func(f Field, _ int) {
		if f.Pointer == pointer {
			found = f
		}
	})
	if found.Pointer == "" {
		t.Fatalf("%s: no field %s", d.Type, pointer)
	}
	return found
}

func TestDescribe(t *testing.T) {
	request, decision := describe(t, "mla.request/1"), describe(t, "mla.decision/1")
	for _, test := range []struct {
		d    *Description
		want Field
	}{
		{request, Field{Pointer: "/channel", Kind: KindConstant, Form: "always mla", Required: true, Article: "UNTOC 18(13)"}},
		{request, Field{Pointer: "/case", Kind: KindLine, Form: "this type opens a case and names none", Absent: true, Article: "UNTOC 18(13)"}},
		{request, Field{Pointer: "/body/facts", Kind: KindText, Form: "text, at most 20000 characters", Article: "UNTOC 18(15)(c)"}},
		{request, Field{Pointer: "/body/matter/nature", Kind: KindChoice, Form: "one of investigation, prosecution, judicial-proceeding", Required: true, Article: "UNTOC 18(15)(b)"}},
		{request, Field{Pointer: "/body/persons/-/person", Kind: KindLine, Form: "lower-case letters, digits and hyphens, such as p1; never a name", Required: true, Article: "UNTOC 18(15)(e)"}},
		{request, Field{Pointer: "/body/safe_conduct/days", Kind: KindNumber, Form: "number, 1 to 365", Required: true, Article: "UNTOC 18(27)"}},
		{request, Field{Pointer: "/body/temporary_transfer/authorities_agree", Kind: KindConstant, Form: "always true", Required: true, Article: "UNTOC 18(10)(b)"}},
		{request, Field{Pointer: "/body/oral_first/when", Kind: KindTime, Form: "time in UTC", Required: true, Article: "UNTOC 18(14)"}},
		{request, Field{Pointer: "/due", Kind: KindDate, Form: "date", Article: "UNTOC 18(24)"}},
		{request, Field{Pointer: "/confidential", Kind: KindFlag, Form: "yes or no", Required: true, Article: "UNTOC 18(20)"}},
		// What the channel's own file narrows wins over the shared one.
		{decision, Field{Pointer: "/body/reason", Kind: KindChoice, Form: "only interferes-with-ongoing-proceedings", Article: "UNTOC 18(25)"}},
		{decision, Field{Pointer: "/body/ground_text", Kind: KindLine, Form: "one line, at most 300 characters", Article: "UNTOC 18(7)"}},
		{decision, Field{Pointer: "/case", Kind: KindLine, Form: "26 characters of lower-case base32", Required: true, Article: "UNTOC 18(13)"}},
	} {
		got := fieldAt(t, test.d, test.want.Pointer)
		if got.Kind != test.want.Kind || got.Form != test.want.Form || got.Required != test.want.Required ||
			got.Absent != test.want.Absent || got.Article != test.want.Article {
			t.Errorf("%s%s: %+v", test.d.Type, test.want.Pointer, got)
		}
	}
	if request.Title != "Request for mutual legal assistance" || !request.Opens || request.Article == "" || request.Description == "" {
		t.Errorf("request: %q, opens %t, %q", request.Title, request.Opens, request.Article)
	}
	if d := describe(t, "mla.supplement/1"); !d.MustAnswer || !slices.Equal(d.Answers, []MessageType{"mla.supplement-request/1"}) {
		t.Errorf("supplement answers %v", d.Answers)
	}
	if got := fieldAt(t, request, "/use_limit").Default; got != "stated-case-only" {
		t.Errorf("default of use_limit: %q", got)
	}
	var order []string
	for _, f := range request.BodyField().Fields[:4] {
		order = append(order, f.Pointer)
	}
	if want := []string{"/body/assistance", "/body/other_assistance", "/body/matter", "/body/facts"}; !slices.Equal(order, want) {
		t.Errorf("fields are not in the order of the schema: %v", order)
	}
}

// What a type narrows is told apart from what every message carries.
func TestNarrowed(t *testing.T) {
	if f := describe(t, "mla.request/1").Narrowed(); len(f.Fields)+len(f.Conditions) > 0 {
		t.Errorf("mla.request narrows %+v", f)
	}
	var pointers []string
	describe(t, "border.alert/1").Narrowed().Each(func(f Field, _ int) { pointers = append(pointers, f.Pointer) })
	for pointer, want := range map[string]bool{
		"/due": true, "/attachments": true, "/subjects/-/role": true, "/subjects/-/identity/names": false, "/language": false, "/case": false, "/body": false,
	} {
		if slices.Contains(pointers, pointer) != want {
			t.Errorf("border.alert narrows %s: %t, want %t", pointer, !want, want)
		}
	}
}

func TestConditionsInWords(t *testing.T) {
	for _, test := range []struct {
		typ     MessageType
		pointer string // "" is the payload itself
		want    string
	}{
		{"mla.request/1", "/body", "Unless assistance is only serve-documents: facts is required (facts are left out only where nothing but the service of judicial documents is asked for (UNTOC 18(15)(c)))"},
		{"mla.request/1", "/body", "Where assistance has other: other_assistance is required (say what the other assistance is)"},
		{"mla.request/1", "/body", "Where video_hearing is given: assistance must have take-evidence (a hearing by video is a taking of evidence: add take-evidence)"},
		{"mla.request/1", "/body/temporary_transfer/consent", "Where status is given: given_on and informed_in are required (consent that was given has a day and a language)"},
		{"mla.decision/1", "/body", "Where outcome is refused: ground is required (reasons are given for any refusal (UNTOC 18(23)))"},
		{"mla.decision/1", "/body", "Where outcome is accepted, partial, postponed, refused or not-available: terms is not allowed (terms belong to a conditional acceptance)"},
		{"mla.request/1", "/subjects/-/identity", "Names or documents is required (an identity needs names or documents)"},
		{"mla.request/1", "", "With due: due_reason is required"},
		{"mla.request/1", "", "Where protect_from is given: onward must be none (with protect_from, onward must be none)"},
	} {
		d := describe(t, test.typ)
		conditions := d.Conditions
		if test.pointer != "" {
			conditions = fieldAt(t, d, test.pointer).Conditions
		}
		if !slices.Contains(conditions, test.want) {
			t.Errorf("%s%s: no %q in\n  %s", test.typ, test.pointer, test.want, strings.Join(conditions, "\n  "))
		}
	}
}

// Every member that any schema has is described, with all that a form or a page needs to show it.
func TestDescribeEveryType(t *testing.T) {
	for _, typ := range Types() {
		d := describe(t, typ)
		if d.Title == "" || d.Description == "" || d.Article == "" {
			t.Errorf("%s: no title, description or article", typ)
		}
		pointers := map[string]bool{}
		Field{Fields: d.Fields}.Each(func(f Field, _ int) {
			pointers[f.Pointer] = true
			if f.Form == "" || f.Kind == KindAny {
				t.Errorf("%s%s: no form", typ, f.Pointer)
			}
			if item := strings.HasSuffix(f.Pointer, "/-"); !item && (f.Title == "" || f.Description == "" || f.Article == "") {
				t.Errorf("%s%s: no title, description or article", typ, f.Pointer)
			}
			if f.Absent && f.Required {
				t.Errorf("%s%s: required and absent", typ, f.Pointer)
			}
		})
		example, _ := tree(t, Example(typ)).(map[string]any)
		walk(example, "", func(at string, _ any) {
			if at == "" {
				return
			}
			tokens := strings.Split(at, "/")
			for i, token := range tokens {
				if i > 0 && strings.Trim(token, "0123456789") == "" {
					tokens[i] = "-"
				}
			}
			if !pointers[strings.Join(tokens, "/")] {
				t.Errorf("%s: the example has %s, which is not described", typ, at)
			}
		})
	}
}

func TestDescribeUnknown(t *testing.T) {
	for typ, want := range map[MessageType]error{"mla.wish/1": ErrUnknownType, "mla.request/9": ErrUnsupportedVersion} {
		if _, err := Describe(typ); !errors.Is(err, want) {
			t.Errorf("describing %s: %v", typ, err)
		}
		if _, err := Schema(typ); !errors.Is(err, want) {
			t.Errorf("the schema of %s: %v", typ, err)
		}
	}
}

// The one document says the same as the many: it accepts each example, alone and with nothing to load, and refuses what
// Validate refuses.
func TestSchemaStandsAlone(t *testing.T) {
	for _, typ := range Types() {
		text, err := Schema(typ)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		c.UseLoader(sealed{})
		if err := c.AddResource("https://elsewhere.example/schema.json", doc); err != nil {
			t.Fatal(err)
		}
		schema, err := c.Compile("https://elsewhere.example/schema.json")
		if err != nil {
			t.Fatalf("%s: %v", typ, err)
		}
		example, _ := tree(t, Example(typ)).(map[string]any)
		if err := schema.Validate(example); err != nil {
			t.Errorf("%s refuses its example: %v", typ, err)
		}
		for member := range maps.Keys(example) {
			if member == "subjects" || member == "attachments" {
				continue // that references are met is held beside the schema
			}
			cut := maps.Clone(example)
			delete(cut, member)
			_, refused := Validate(marshal(t, cut))
			if err := schema.Validate(cut); (err == nil) != (refused == nil) {
				t.Errorf("%s without %s: the document says %v, Validate says %v", typ, member, err, refused)
			}
		}
	}
}
