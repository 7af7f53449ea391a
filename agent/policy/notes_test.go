package policy_test

import (
	"slices"
	"testing"

	"comity/agent/policy"
	"comity/agent/policy/policytest"
	"comity/agent/scan"
)

// TestNotesOfFear: with the real scanner, notes that tell of fear are noticed, and the notes of an ordinary return are not.
func TestNotesOfFear(t *testing.T) {
	scanner, err := scan.New(scan.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c := policytest.Config()
	c.Scanner = scanner
	e := engineOf(t, c)
	tests := []struct {
		notes string
		fear  bool
	}{
		{"She says that she fears to be killed at home.", true},
		{"He is afraid of the people who sold him.", true},
		{"Her uncle has threatened her family.", true},
		{"She does not want to return.", true},
		{"Is not afraid of the police, but her uncle will kill her.", true},
		{"Wants to apply for asylum.", true},
		{"Elle craint des représailles.", true},
		{"Tiene miedo de volver.", true},
		{"Sie fürchtet sich vor ihrem Onkel.", true},
		{"Она боится возвращаться домой.", true},
		{"تخاف من العودة إلى بلدها", true},
		{"Eve dönmekten korkuyor.", true},
		{"Travels with one bag. Wishes to return before the school year begins.", false},
		{"Informed of the right to asylum on 3 November, in her language, with an interpreter.", false},
		{"Expressed no fear. Does not wish to apply for asylum. Looks forward to her family.", false},
		{"Temporary housing until the flight. Attempted to call her mother; a skilled cook.", false},
		{"Souhaite rentrer chez sa mère. Informée du droit d'asile.", false},
	}
	for _, test := range tests {
		t.Run(test.notes, func(t *testing.T) {
			s := verification(t, noNationality)
			s.facts.Home.Gate.Notes = test.notes
			s.facts.Payload = s.payload()
			d, _ := e.Decide(t.Context(), s.facts)
			if got := slices.Contains(d.Rules, policy.RuleID("ASY-04")); got != test.fear || d.Referral != test.fear {
				t.Errorf("noticed: %t; %+v", got, d.Grounds)
			}
		})
	}
}
