package agent

import (
	"testing"

	"comity/agent/policy"
	"comity/schemas"
)

// What was recorded of a person in one message of a case serves the next one where it is the same person: p1 may be another.
func TestRecordsAreInheritedByPersonsNotByReferences(t *testing.T) {
	named := func(role schemas.Role, name string) []schemas.Subject {
		return []schemas.Subject{{Ref: "p1", Role: role, Identity: &schemas.Identity{Names: []string{name}}}}
	}
	earlier := policy.Home{Persons: map[schemas.SubjectRef]policy.PersonRecord{"p1": {NameByChoice: true, Necessity: "identification"}}}
	first := named(schemas.RoleVictim, "TESTPERSON ALPHA-01")
	for _, test := range []struct {
		name string
		own  []schemas.Subject
		want bool
	}{
		{"the same person", named(schemas.RoleVictim, "TESTPERSON ALPHA-01"), true},
		{"not named anew", []schemas.Subject{{Ref: "p1", Role: schemas.RoleVictim}}, true},
		{"no person in this one", nil, true},
		{"another name", named(schemas.RoleVictim, "TESTPERSON BRAVO-02"), false},
		{"another role", named(schemas.RoleWitness, "TESTPERSON ALPHA-01"), false},
	} {
		var home policy.Home
		inherit(&home, earlier, test.own, first)
		if got := home.Persons["p1"].NameByChoice; got != test.want {
			t.Errorf("%s: inherited: %t", test.name, got)
		}
	}
}
