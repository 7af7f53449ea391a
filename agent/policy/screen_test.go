package policy_test

import (
	"errors"
	"slices"
	"testing"

	"comity/agent/policy"
	"comity/agent/policy/policytest"
	"comity/agent/scan"
	"comity/schemas"
)

// TestScreen plays the one question of the inbound screen for QN, which receives.
func TestScreen(t *testing.T) {
	tests := []struct {
		name       string
		story      *story
		quarantine bool
		codes      []string
		labels     int
	}{
		{"an ordinary request about our national", bankRecords(t), false, nil, 0},
		{"a strong term about a victim of ours", letterAbout(t, schemas.RoleVictim, victimOfQN, "She asked for asylum."), true, []string{"A1"}, 0},
		{"a strong term about a victim of another State", letterAbout(t, schemas.RoleVictim, who{name: "x", nationalities: []any{"QP"}}, "asylum"), false, []string{"A1"}, 0},
		{"a strong term about nobody", letterAbout(t, schemas.RoleVictim, unnamed, "asylum"), false, []string{"A1"}, 0},
		{"a doubtful term", letterAbout(t, schemas.RoleVictim, victimOfQN, "a sanctuary"), false, nil, 0},
		{"a smuggling case about suspects of ours", letterAbout(t, schemas.RoleSuspect, alpha, "He carried refugees."), false, []string{"A2"}, 0},
		{"a return, in which ours is the suspected nationality",
			verification(t, noNationality).to("QN/justice").set("/body/fingerprints", map[string]any{"provenance": "eurodac"}), true, []string{"A3"}, 0},
		{"protected from us", bankRecords(t).set("/subjects", nil).about(schemas.RoleVictim, noNationality).set("/protect_from", []any{"QN"}), true, []string{"A13"}, 1},
		{"protected from others, for us to keep", letterAbout(t, schemas.RoleVictim, who{name: "x", nationalities: []any{"QP"}}, "asylum").
			about(schemas.RoleWitness, unnamed).set("/protect_from", []any{"QP"}), false, []string{"A1", "A13"}, 1},
		{"protected from others, and the person is of ours", letterAbout(t, schemas.RoleVictim, victimOfQN, "x").set("/protect_from", []any{"QP"}), true, []string{"A13"}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := policy.Screen(t.Context(), &policytest.Scanner{}, test.story.payload(), "QN")
			if err != nil {
				t.Fatal(err)
			}
			if got.Quarantine != test.quarantine || !slices.Equal(got.Codes, test.codes) || len(got.Labels) != test.labels || got.Unread {
				t.Errorf("screening = %+v", got)
			}
		})
	}
}

func TestScreenFails(t *testing.T) {
	payload := bankRecords(t).payload()
	for name, scanner := range map[string]policy.Scanner{"broken": &policytest.Scanner{Err: errors.New("broken")}, "none": nil, "no verdict": &policytest.Scanner{Report: &scan.Report{}}} {
		if got, err := policy.Screen(t.Context(), scanner, payload, "QN"); err == nil {
			t.Errorf("%s: %+v, and no error", name, got)
		}
	}
	if _, err := policy.Screen(t.Context(), &policytest.Scanner{}, []byte("{"), "QN"); err == nil {
		t.Error("what is no payload was screened")
	}
	if got, err := policy.Screen(t.Context(), &policytest.Scanner{}, bankRecords(t).attach("zzzz").payload(), "QN"); err != nil || !got.Unread {
		t.Errorf("a file that cannot be read: %+v, %v", got, err)
	}
}
