package policy_test

import (
	"testing"

	"comity/agent/policy"
	"comity/agent/register"
	"comity/schemas"
)

// quiet is a story in which one form of a rule must not speak, though much of what it asks for is there.
type quiet struct {
	rule    policy.RuleID
	variant string
	name    string
	story   func(testing.TB) *story
}

func quietRows() []quiet {
	former := func(tb testing.TB) *story {
		return bankRecords(tb).set("/subjects", nil).about(schemas.RoleSuspect, who{number: "D-A", nationalities: []any{"QP"}, more: map[string]any{"former_nationalities": []any{"QN"}}})
	}
	stateless := func(tb testing.TB) *story {
		return bankRecords(tb).set("/subjects", nil).about(schemas.RoleSuspect, who{number: "D-A", more: map[string]any{"habitual_residences": []any{"QN"}}})
	}
	feared := func(tb testing.TB) *story {
		return bankRecords(tb).registered("D-ALPHA", register.Match{Status: register.None, Origins: []schemas.StateCode{"QN"}, Feared: []schemas.StateCode{"QN"}})
	}
	asked := func(s *story) *story { s.facts.Home.Question = policy.QuestionWhereabouts; return s }
	return []quiet{
		{"ASY-02", "fuzzy", "no verification, of somebody like an applicant", func(tb testing.TB) *story {
			return bankRecords(tb).likeRegistered("TESTPERSON ALPHA-01", protectedFromQN)
		}},
		{"ASY-02", "fuzzy", "a verification of nobody protected", func(tb testing.TB) *story { return verification(tb, noNationality) }},
		{"ASY-02", "fuzzy", "a verification of somebody certainly registered", func(tb testing.TB) *story {
			return verification(tb, noNationality).registered("D-BRAVO3", register.Match{Status: register.Pending})
		}},
		{"ASY-05", "", "what ASY-01 blocks, for its words", func(tb testing.TB) *story {
			return letterAbout(tb, schemas.RoleVictim, victimOfQN, "asylum").registered("D-BRAVO", protectedFromQN)
		}},
		{"ASY-05", "", "what ASY-01 blocks, for its values", func(tb testing.TB) *story {
			return bankRecords(tb).registered("D-ALPHA", protectedFromQN).set("/protect_from", []any{"QP"})
		}},
		{"ASY-05", "unknown-origin", "nobody protected, of no known origin", func(tb testing.TB) *story {
			return bankRecords(tb).set("/subjects", nil).about(schemas.RoleSuspect, noNationality)
		}},
		{"ASY-09", "", "terms in words", func(tb testing.TB) *story {
			return decisionTo(tb, alpha, map[string]any{"outcome": "conditional", "terms": []any{"Only in this case."}})
		}},
		{"ASY-09", "fuzzy", "terms in words about somebody like a person of that origin", func(tb testing.TB) *story {
			return decisionTo(tb, noNationality, map[string]any{"outcome": "conditional", "terms": []any{"Only in this case."}}).
				likeRegistered(noNationality.name, protectedFromQN)
		}},
		{"ASY-12", "kind", "a sender that is not connected", func(tb testing.TB) *story {
			s := bankRecords(tb)
			s.directory.rows["QM/justice"].Kind = "not-connected"
			return s
		}},
		{"NEU-01", "", "a report in codes", func(tb testing.TB) *story {
			return asked(tell(tb, "mla.status-report/1").body(map[string]any{"stage": "registered"}))
		}},
		{"NEU-01", "", "an acknowledgement", func(tb testing.TB) *story { return asked(tell(tb, "mla.acknowledgement/1")) }},
		{"ORI-01", "", "nobody protected, of a former nationality", former},
		{"ORI-01", "", "a word of asylum about suspects alone", func(tb testing.TB) *story { return former(tb).set("/body/purpose", "refugee") }},
		{"ORI-02", "", "nobody protected, who lived there", stateless},
		{"ORI-02", "", "a word of asylum about suspects alone", func(tb testing.TB) *story { return stateless(tb).set("/body/purpose", "refugee") }},
		{"ORI-03", "", "nobody protected, who fears that State", feared},
		{"ORI-03", "", "a word of asylum about suspects alone", func(tb testing.TB) *story { return feared(tb).set("/body/purpose", "refugee") }},
		{"WIT-01", "fuzzy", "a witness who is certainly protected", func(tb testing.TB) *story {
			return bankRecords(tb).set("/subjects", nil).about(schemas.RoleWitness, noNationality).recorded("p1", policy.PersonRecord{ProtectedWitness: true})
		}},
		{"WIT-01", "fuzzy", "somebody named who is like nobody", bankRecords},
		{"WIT-01", "free-text", "a protected witness by name", func(tb testing.TB) *story {
			return bankRecords(tb).set("/subjects", nil).about(schemas.RoleWitness, noNationality).recorded("p1", policy.PersonRecord{ProtectedWitness: true})
		}},
		{"CHI-01", "", "age in doubt, and the alert says that a child is possible", func(tb testing.TB) *story {
			s := tell(tb, alert).set("/body/suspects", nil).set("/body/possible_victims", 1).set("/body/child_possible", true)
			s.facts.Home.Gate = &policy.Gate{AgeInDoubt: true}
			return s
		}},
		{"CHI-02", "", "an adult", func(tb testing.TB) *story { w := noNationality; w.born = "1990-01-01"; return verification(tb, w) }},
	}
}

// loudRows are more ways into rules of several conditions, each enough by itself.
func loudRows() []row {
	const hold = policy.Hold
	gate := func(change func(*policy.Gate)) func(testing.TB) *story {
		return func(tb testing.TB) *story {
			s := verification(tb, noNationality)
			change(s.facts.Home.Gate)
			return s
		}
	}
	complete := func(s *story) { s.gated() }
	item := map[string]any{"former_nationalities": []any{"QN"}}
	return []row{
		{"ASY-07", "nobody", hold, "", "a doubtful word", func(tb testing.TB) *story {
			return letterAbout(tb, schemas.RoleVictim, unnamed, "a sanctuary").set("/subjects", nil)
		}, func(s *story) { s.set("/body/content", "a house") }},
		{"ASY-07", "nobody", hold, "", "protect_from alone", func(tb testing.TB) *story {
			return letterAbout(tb, schemas.RoleVictim, unnamed, "x").set("/subjects", nil).set("/protect_from", []any{"QP"})
		}, func(s *story) { s.set("/protect_from", nil) }},
		{"JIT-01", "", hold, "case:p9", "a doubtful word about somebody unprotected", func(tb testing.TB) *story {
			s := toTeam(tb, "a sanctuary")
			s.register.ByDocument = nil
			return s
		}, func(s *story) { s.set("/body/text", "a house") }},
		{"JIT-01", "", hold, "case:p9", "protect_from alone", func(tb testing.TB) *story {
			s := toTeam(tb, "x").set("/protect_from", []any{"QR"})
			s.register.ByDocument = nil
			return s
		}, func(s *story) { s.set("/protect_from", nil) }},
		{"ORI-01", "", hold, "p1", "a word of asylum about somebody unprotected", func(tb testing.TB) *story {
			return letterAbout(tb, schemas.RoleVictim, who{number: "D-A", nationalities: []any{"QP"}, more: item}, "asylum")
		}, func(s *story) { s.set("/body/content", "x") }},
		{"NEU-01", "", hold, "", "a report in words", func(tb testing.TB) *story {
			s := tell(tb, "mla.status-report/1").body(map[string]any{"stage": "registered", "next_step": "We look for her."})
			s.facts.Home.Question = policy.QuestionWhereabouts
			return s
		}, func(s *story) { s.body(map[string]any{"stage": "registered"}) }},
		{"VIC-01", "", hold, "p1", "a return that is not voluntary", gate(func(g *policy.Gate) { g.Voluntary = false }), complete},
		{"VIC-01", "", hold, "p1", "a return without being informed", gate(func(g *policy.Gate) { g.InformedOfRight = false }), complete},
		{"VIC-01", "", hold, "p1", "a complete gate on another channel", func(tb testing.TB) *story {
			return bankRecords(tb).set("/subjects", nil).about(schemas.RoleVictim, noNationality).gated()
		}, func(s *story) { s.recorded("p1", policy.PersonRecord{NameByChoice: true, Necessity: "identification"}) }},
		{"CHI-01", "", hold, "", "age in doubt, with a guardian alone", gate(func(g *policy.Gate) { g.AgeInDoubt, g.Child = true, &policy.Child{Guardian: true} }), complete},
	}
}

// TestRulesAreSilent is the third way of the table: what a rule must let pass, though it is nearly what the rule is about.
func TestRulesAreSilent(t *testing.T) {
	for _, q := range quietRows() {
		t.Run(string(q.rule)+" "+q.name, func(t *testing.T) {
			d, _ := q.story(t).decide()
			for _, g := range d.Grounds {
				if g.Rule == q.rule && g.Variant == q.variant {
					t.Fatalf("it speaks: %+v", d.Grounds)
				}
			}
			if d.Cause != nil {
				t.Fatalf("cause = %v", d.Cause)
			}
		})
	}
}
