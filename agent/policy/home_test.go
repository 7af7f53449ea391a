package policy_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"comity/agent/policy"
	"comity/agent/register"
	"comity/schemas"
)

const fullHome = `{"gate":{"voluntary":true,"informed_of_right_to_asylum":true,"risk_assessment":"low","proceedings":"none","asylum_status":"none",
	"age_in_doubt":true,"child":{"best_interests_determined":true,"guardian":true},"notes":"Travels with one bag."},
	"persons":{"p1":{"name_by_choice":true,"necessity":"identification","whereabouts_choice":"2026-11-20","protected_witness":true}},
	"quotes":[{"message":"00000000000000000000000000","sha256":"` + sixtyFour + `"}],"forwarding":["QP"],"question":"whereabouts"}`

const sixtyFour = "0000000000000000000000000000000000000000000000000000000000000000"

func TestParseHome(t *testing.T) {
	h, err := policy.ParseHome([]byte(fullHome))
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Home{
		Gate: &policy.Gate{
			Voluntary: true, InformedOfRight: true, Risk: policy.RiskLow, Proceedings: policy.ProceedingsNone, AsylumStatus: register.None,
			AgeInDoubt: true, Child: &policy.Child{BestInterests: true, Guardian: true}, Notes: "Travels with one bag.",
		},
		Persons: map[schemas.SubjectRef]policy.PersonRecord{
			"p1": {NameByChoice: true, Necessity: "identification", WhereaboutsChoice: "2026-11-20", ProtectedWitness: true},
		},
		Quotes:     []policy.Quote{{Message: "00000000000000000000000000", SHA256: sixtyFour}},
		Forwarding: []schemas.StateCode{"QP"}, Question: policy.QuestionWhereabouts,
	}
	if !reflect.DeepEqual(h, want) {
		t.Errorf("home = %+v", h)
	}
	if h, err := policy.ParseHome(nil); err != nil || !reflect.DeepEqual(h, policy.Home{}) {
		t.Errorf("nothing recorded: %+v, %v", h, err)
	}
}

func TestParseHomeNamesEveryDefect(t *testing.T) {
	tests := []struct {
		name, home string
		want       []string // "pointer rule"
	}{
		{"no object", `["TESTPERSON ALPHA-01"]`, []string{"/home type"}},
		{"null", `null`, []string{"/home type"}},
		{"no JSON", `{`, []string{"/home syntax"}},
		{"twice the same", `{"gate":{},"gate":{}}`, []string{"/home duplicate-name"}},
		{"members that nobody knows", `{"TESTPERSON ALPHA-01":1,"gate":{"TESTPERSON":2}}`, []string{"/home unknown-member", "/home/gate unknown-member"}},
		{"wrong kinds", `{"gate":{"voluntary":"yes","notes":7,"child":true},"persons":[],"quotes":{},"forwarding":"QP"}`,
			[]string{"/home/forwarding type", "/home/gate/child type", "/home/gate/notes type", "/home/gate/voluntary type", "/home/persons type", "/home/quotes type"}},
		{"closed sets", `{"gate":{"risk_assessment":"none","proceedings":"maybe","asylum_status":"labelled"},"question":"name"}`,
			[]string{"/home/gate/asylum_status enum", "/home/gate/proceedings enum", "/home/gate/risk_assessment enum", "/home/question enum"}},
		{"persons by name", `{"persons":{"TESTPERSON ALPHA-01":{},"p1":{"whereabouts_choice":"yesterday"}}}`,
			[]string{"/home/persons pattern", "/home/persons/p1/whereabouts_choice format"}},
		{"quotes", `{"quotes":[{"sha256":"x"},{"message":"NO"}]}`,
			[]string{"/home/quotes/0/message required", "/home/quotes/0/sha256 pattern", "/home/quotes/1/message pattern"}},
		{"forwarding", `{"forwarding":["QP","TESTPERSON"]}`, []string{"/home/forwarding/1 pattern"}},
		{"too long", `{"gate":{"notes":"` + strings.Repeat("x", 64<<10+1) + `"},"persons":{"p1":{"necessity":"` + strings.Repeat("x", 2001) + `"}}}`,
			[]string{"/home/gate/notes length", "/home/persons/p1/necessity length"}},
		{"too much", `{"gate":{"notes":"` + strings.Repeat("x", 256<<10) + `"}}`, []string{"/home too-large"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := policy.ParseHome([]byte(test.home))
			invalid, ok := errors.AsType[*policy.InvalidHomeError](err)
			if !ok {
				t.Fatalf("error = %v", err)
			}
			var got []string
			for _, d := range invalid.Defects {
				got = append(got, d.Pointer+" "+string(d.Rule))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("defects = %q, want %q", got, test.want)
			}
			if strings.Contains(err.Error(), "TESTPERSON") {
				t.Errorf("the error echoes what was written: %v", err)
			}
		})
	}
}

// FuzzParseHome: whatever is written, it is taken whole or refused with defects that echo nothing, and never panics.
func FuzzParseHome(f *testing.F) {
	f.Add([]byte(fullHome))
	f.Add([]byte(`{"persons":{"p1":null}}`))
	f.Add([]byte(`{"gate":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := policy.ParseHome(data)
		if err == nil {
			if h.Gate != nil && h.Gate.AsylumStatus == register.Labelled {
				t.Error("a label was taken from a record")
			}
			return
		}
		if _, ok := errors.AsType[*policy.InvalidHomeError](err); !ok {
			t.Errorf("error = %v", err)
		}
	})
}
