package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"comity/agent/policy"
	"comity/agent/register"
	"comity/pki"
	"comity/schemas"
)

// row is one form of one rule, both ways: after story it speaks for who, and after mend as well it is silent.
type row struct {
	rule    policy.RuleID
	variant string
	verdict policy.Outcome
	who     string
	name    string
	story   func(testing.TB) *story
	mend    func(*story)
}

var (
	protectedFromQN = register.Match{Status: register.Pending, Origins: []schemas.StateCode{"QN"}}
	victimOfQN      = who{name: "TESTPERSON BRAVO-02", number: "D-BRAVO", nationalities: []any{"QN"}}
	noNationality   = who{name: "TESTPERSON BRAVO-03", number: "D-BRAVO3"}
	unnamed         = who{}
)

// letterAbout is free text about one person, to QN.
func letterAbout(tb testing.TB, role schemas.Role, w who, text string) *story {
	return tell(tb, spontaneous).body(map[string]any{"content": text, "restrictions": map[string]any{"keep_confidential": "always"}}).about(role, w).
		recorded("p1", policy.PersonRecord{NameByChoice: true, Necessity: "identification"})
}

func decisionTo(tb testing.TB, w who, body map[string]any) *story {
	return tell(tb, "mla.decision/1").body(body).before(schemas.RoleSuspect, w)
}

func refused(text string) map[string]any {
	return map[string]any{"outcome": "refused", "ground": "non-conforming", "reasons": text}
}

var neutralRefusal = map[string]any{"outcome": "refused", "ground": "non-conforming", "template": "refusal-non-conforming"}

func checked(tb testing.TB) *story {
	return tell(tb, documentCheck).body(map[string]any{"document": map[string]any{"kind": "passport", "number": "D1234567", "issuer": "QN"}})
}

func accession(tb testing.TB, role schemas.Role) *story {
	return tell(tb, "jit.accession-vote/1").set("/body/accession/author", "QP/justice").
		before(role, who{name: "TESTPERSON INDIA-09", nationalities: []any{"QP"}})
}

func toTeam(tb testing.TB, text string) *story {
	return tell(tb, "jit.team-message/1").set("/body/audience", []any{"QM/justice", "QN/justice", "QP/justice"}).set("/body/text", text).
		before(schemas.RoleOther, who{name: "TESTPERSON INDIA-09", number: "D-INDIA", nationalities: []any{"QP"}}).
		registered("D-INDIA", register.Match{Status: register.Granted, Origins: []schemas.StateCode{"QP"}})
}

func fromQN(onward schemas.Onward) policy.Item {
	return policy.Item{From: "QN/justice", Onward: onward, UseLimit: schemas.UseUnlimited, SameCase: true}
}

func askedWhere(tb testing.TB) []byte {
	return tell(tb, "mla.request/1").about(schemas.RoleVictim, victimOfQN).set("/body/video_hearing", nil).set("/body/temporary_transfer", nil).
		set("/body/safe_conduct", nil).set("/body/persons", nil).set("/body/description", "Please say where she is staying.").payload()
}

func otherRows() []row {
	const block, hold = policy.Block, policy.Hold
	route := func(rule policy.RuleID, name string, spoil func(*story)) row {
		return row{rule, "", block, "", name, func(tb testing.TB) *story { s := bankRecords(tb); spoil(s); return s },
			func(s *story) {
				s.directory = newDirectory()
				s.facts.Directory = s.directory
				s.facts.To, s.facts.From = "QN/justice", "QM/justice"
			}}
	}
	return []row{
		route("BASE-01", "no agreement in force", func(s *story) { s.directory.channels = nil }),
		route("ROUTE-01", "no agreement in force", func(s *story) { s.directory.channels = nil }),
		route("ROUTE-02", "unknown recipient", func(s *story) { delete(s.directory.rows, "QN/justice") }),
		route("ROUTE-02", "recipient not connected", func(s *story) { s.directory.rows["QN/justice"].Kind = pki.KindNotConnected }),
		route("ROUTE-02", "directory answers with another authority", func(s *story) { s.directory.rows["QN/justice"].ID = "QN/border" }),
		route("ROUTE-03", "unknown sender", func(s *story) { delete(s.directory.rows, "QM/justice") }),
		route("ROUTE-03", "sender not connected", func(s *story) { s.directory.rows["QM/justice"].Kind = pki.KindNotConnected }),
		route("ROUTE-04", "channel not taken part in", func(s *story) { s.directory.rows["QN/justice"].Channels = nil }),
		route("TYPE-01", "type version not read", func(s *story) { s.directory.rows["QN/justice"].Types = []schemas.MessageType{"mla.request/2"} }),
		route("LANG-01", "language not accepted", func(s *story) { s.directory.rows["QN/justice"].Languages = []string{"xx"} }),
		{"BASE-02", "", block, "p1", "a status that the rules do not know",
			func(tb testing.TB) *story {
				return bankRecords(tb).registered("D-ALPHA", register.Match{Status: "resettled"})
			},
			func(s *story) { s.registered("D-ALPHA", register.Match{}); s.register.ByDocument = nil }},

		{"ORI-01", "", hold, "p1", "a former nationality",
			func(tb testing.TB) *story {
				return bankRecords(tb).set("/subjects", nil).about(schemas.RoleSuspect, who{number: "D-A", nationalities: []any{"QP"}, more: map[string]any{"former_nationalities": []any{"QN"}}}).
					registered("D-A", register.Match{Status: register.Granted})
			}, func(s *story) { s.to("QP/justice") }},
		{"ORI-01", "", hold, "p1", "one of two nationalities",
			func(tb testing.TB) *story {
				return bankRecords(tb).set("/subjects", nil).about(schemas.RoleSuspect, who{number: "D-A", nationalities: []any{"QP", "QN"}}).
					registered("D-A", register.Match{Status: register.Granted})
			}, func(s *story) {
				s.set("/subjects", nil).about(schemas.RoleSuspect, who{number: "D-A", nationalities: []any{"QN"}})
			}},
		{"ORI-02", "", hold, "p1", "the stateless person's habitual residence",
			func(tb testing.TB) *story {
				return bankRecords(tb).set("/subjects", nil).about(schemas.RoleSuspect, who{number: "D-A", more: map[string]any{"habitual_residences": []any{"QN"}}}).
					registered("D-A", register.Match{Status: register.Granted})
			}, func(s *story) {
				s.set("/subjects", nil).about(schemas.RoleSuspect, who{number: "D-A", nationalities: []any{"QP"}, more: map[string]any{"habitual_residences": []any{"QN"}}})
			}},
		{"ORI-02", "", hold, "p1", "the State of birth where no nationality is known",
			func(tb testing.TB) *story {
				return bankRecords(tb).set("/subjects", nil).about(schemas.RoleSuspect, who{number: "D-A", more: map[string]any{"birth_state": "QN"}}).
					registered("D-A", register.Match{Status: register.Granted})
			}, func(s *story) { s.to("QP/justice") }},
		{"ORI-03", "", hold, "p1", "a third State that persecutes",
			func(tb testing.TB) *story {
				return bankRecords(tb).to("QR/justice").registered("D-ALPHA", register.Match{Status: register.Granted, Origins: []schemas.StateCode{"QN", "QR"}, Feared: []schemas.StateCode{"QR"}})
			}, func(s *story) { s.to("QN/justice") }},

		{"JIT-01", "", hold, "case:p9", "a State of origin in the audience",
			func(tb testing.TB) *story { return toTeam(tb, "x") },
			func(s *story) { s.set("/body/audience", []any{"QM/justice", "QN/justice"}) }},
		{"JIT-02", "", hold, "case:p9", "the State of a victim would join", func(tb testing.TB) *story { return accession(tb, schemas.RoleVictim) },
			func(s *story) { s.set("/body/accession/author", "QR/justice") }},

		{"NEU-01", "", hold, "", "an answer in words to the question where she is",
			func(tb testing.TB) *story {
				s := tell(tb, "mla.result/1")
				s.facts.Asked = [][]byte{askedWhere(tb)}
				return s
			}, func(s *story) { s.facts.Asked = nil }},
		{"NEU-01", "", hold, "", "another template",
			func(tb testing.TB) *story {
				s := tell(tb, "mla.decision/1").body(map[string]any{"outcome": "not-available", "template": "not-available"}).about(schemas.RoleWitness, unnamed)
				s.facts.Home.Question = policy.QuestionStatus
				return s
			}, func(s *story) { s.set("/body/template", "neither-confirm-nor-deny") }},
		{"NEU-01", "", hold, "", "an answer without the person's choice",
			func(tb testing.TB) *story {
				s := letterAbout(tb, schemas.RoleVictim, victimOfQN, "She works.")
				s.facts.Home.Question = policy.QuestionWhereabouts
				return s
			}, func(s *story) { s.recorded("p1", policy.PersonRecord{WhereaboutsChoice: "2026-11-19"}) }},

		{"VIC-01", "", hold, "p1", "a victim named without her choice",
			func(tb testing.TB) *story {
				return bankRecords(tb).about(schemas.RoleVictim, victimOfQN).set("/subjects", nil).about(schemas.RoleVictim, victimOfQN)
			},
			func(s *story) { s.recorded("p1", policy.PersonRecord{NameByChoice: true, Necessity: "identification"}) }},
		{"VIC-01", "", hold, "p1", "her choice without the necessity",
			func(tb testing.TB) *story {
				return bankRecords(tb).set("/subjects", nil).about(schemas.RoleVictim, victimOfQN).recorded("p1", policy.PersonRecord{NameByChoice: true, Necessity: " "})
			}, func(s *story) { s.set("/subjects", nil).about(schemas.RoleVictim, unnamed) }},
		{"VIC-02", "", block, "", "a victim in a denial of entry",
			func(tb testing.TB) *story {
				return tell(tb, "border.entry-denial-information/1").about(schemas.RoleVictim, unnamed)
			},
			func(s *story) { s.set("/subjects", nil).about(schemas.RoleSuspect, alpha) }},
		{"VIC-02", "", block, "", "passengers in a notice about a carrier",
			func(tb testing.TB) *story {
				return tell(tb, "border.carrier-notice/1").set("/body/passenger_names", []any{"TESTPERSON LIMA-12"})
			},
			func(s *story) { s.set("/body/passenger_names", nil) }},
		{"VIC-03", "", hold, "", "a list of victims attached to a request for disposal",
			func(tb testing.TB) *story {
				return tell(tb, "confiscation.disposal-request/1").attach("TESTPERSON BRAVO-08, TESTPERSON BRAVO-09")
			},
			func(s *story) { s.set("/attachments", nil) }},
		{"WIT-01", "", block, "p1", "a protected witness by name, known at home",
			func(tb testing.TB) *story {
				return bankRecords(tb).set("/subjects", nil).about(schemas.RoleWitness, noNationality).recorded("p1", policy.PersonRecord{ProtectedWitness: true})
			}, func(s *story) { s.recorded("p1", policy.PersonRecord{}) }},
		{"WIT-01", "", block, "p1", "a protected witness by place, known to the register",
			func(tb testing.TB) *story {
				return bankRecords(tb).set("/subjects", nil).about(schemas.RoleWitness, unnamed).set("/body/persons", []any{map[string]any{"person": "p1", "location": "Harbour"}}).
					recorded("p1", policy.PersonRecord{ProtectedWitness: true})
			}, func(s *story) { s.set("/body/persons", nil) }},
		{"WIT-01", "fuzzy", hold, "named", "somebody like a protected witness in the text",
			func(tb testing.TB) *story {
				return bankRecords(tb).set("/body/facts", "TESTPERSON MIKE-13 saw it.").likeRegistered("TESTPERSON MIKE-13", register.Match{Status: register.None, Witness: true})
			}, func(s *story) { s.register.ByName = nil }},
		{"WIT-01", "free-text", hold, "p1", "free text about a protected witness",
			func(tb testing.TB) *story {
				return bankRecords(tb).set("/subjects", nil).about(schemas.RoleWitness, unnamed).recorded("p1", policy.PersonRecord{ProtectedWitness: true})
			}, func(s *story) { s.recorded("p1", policy.PersonRecord{}) }},
		{"CHI-01", "", hold, "", "age in doubt, and treated as an adult",
			func(tb testing.TB) *story {
				s := verification(tb, victimOfQN)
				s.facts.Home.Gate.AgeInDoubt = true
				return s
			}, func(s *story) { s.facts.Home.Gate.Child = &policy.Child{BestInterests: true, Guardian: true} }},
		{"CHI-01", "", hold, "", "age in doubt, and the alert says nothing of a child",
			func(tb testing.TB) *story {
				s := tell(tb, alert).set("/body/suspects", nil).set("/body/possible_victims", 1).set("/body/child_possible", false)
				s.facts.Home.Gate = &policy.Gate{AgeInDoubt: true}
				return s
			}, func(s *story) { s.set("/body/child_possible", true) }},
		{"CHI-02", "", hold, "", "a child without best interests",
			func(tb testing.TB) *story {
				w := victimOfQN
				w.born = "2010-01-01"
				s := verification(tb, w)
				s.facts.Home.Gate.Child = &policy.Child{Guardian: true}
				return s
			}, func(s *story) { s.facts.Home.Gate.Child.BestInterests = true }},
		{"CHI-02", "", hold, "", "seventeen until tomorrow",
			func(tb testing.TB) *story {
				w := victimOfQN
				w.born = "2008-11-21"
				return verification(tb, w)
			}, func(s *story) { s.facts.At = noon.AddDate(0, 0, 1) }},
		{"GATE-01", "", hold, "", "no gate record",
			func(tb testing.TB) *story { s := verification(tb, victimOfQN); s.facts.Home.Gate = nil; return s },
			func(s *story) { s.gated() }},
		{"GATE-01", "", hold, "", "a high risk",
			func(tb testing.TB) *story {
				s := verification(tb, victimOfQN)
				s.facts.Home.Gate.Risk = policy.RiskHigh
				return s
			}, func(s *story) { s.facts.Home.Gate.Risk = policy.RiskMedium }},
		{"GATE-01", "", hold, "", "not informed of the right to asylum",
			func(tb testing.TB) *story {
				s := verification(tb, victimOfQN)
				s.facts.Home.Gate.InformedOfRight = false
				return s
			}, func(s *story) { s.facts.Home.Gate.InformedOfRight = true }},
		{"GATE-01", "", hold, "", "not voluntary",
			func(tb testing.TB) *story {
				s := verification(tb, victimOfQN)
				s.facts.Home.Gate.Voluntary = false
				return s
			}, func(s *story) { s.facts.Home.Gate.Voluntary = true }},
		{"GATE-01", "proceedings", hold, "", "still required in proceedings",
			func(tb testing.TB) *story {
				s := tell(tb, returnPlan).to("QP/justice").about(schemas.RoleVictim, unnamed).gated()
				s.facts.Home.Gate.Proceedings = policy.ProceedingsVictimRequired
				return s
			}, func(s *story) { s.facts.Home.Gate.Proceedings = policy.ProceedingsNone }},

		{"FACT-01", "", block, "", "no time", func(tb testing.TB) *story { s := bankRecords(tb); s.facts.At = time.Time{}; return s },
			func(s *story) { s.facts.At = noon }},
	}
}

// TestEachRule plays each form of each rule both ways. A form without a row fails.
func TestEachRule(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range slices.Concat(otherRows(), asylumRows(), loudRows()) {
		seen[string(r.rule)+"/"+r.variant] = true
		t.Run(strings.TrimSuffix(string(r.rule)+"/"+r.variant, "/")+" "+r.name, func(t *testing.T) {
			spoke := func(d policy.Decision) bool {
				return slices.Contains(d.Grounds, policy.Ground{Rule: r.rule, Variant: r.variant, Verdict: r.verdict, Person: r.who})
			}
			s := r.story(t)
			d, _ := s.decide()
			if !spoke(d) {
				t.Fatalf("it does not speak: %+v; cause %v, defects %v", d.Grounds, d.Cause, d.Defects)
			}
			if d.Outcome == policy.Allow || r.verdict == policy.Block && d.Outcome != policy.Block {
				t.Fatalf("outcome = %s", d.Outcome)
			}
			if strings.Contains(d.Why, "TESTPERSON") || d.Why == "" {
				t.Fatalf("why = %q", d.Why)
			}
			r.mend(s)
			if d, _ := s.decide(); spoke(d) {
				t.Fatalf("it speaks still: %+v", d.Grounds)
			}
		})
	}
	e := bankRecords(t).engine()
	elsewhere := map[policy.RuleID]bool{"FORM-01": true, "FACT-01": true, "EVAL-01": true, "NEU-02": true} // other tests of this package
	for _, rule := range e.Rules() {
		if rule.Elsewhere == "" && !seen[string(rule.ID)+"/"] {
			t.Errorf("rule %s has no row", rule.ID)
		}
		for _, v := range rule.Variants {
			if !seen[string(rule.ID)+"/"+v.Name] {
				t.Errorf("rule %s, variant %s, has no row", rule.ID, v.Name)
			}
		}
		if !rule.Base || rule.Text == "" || rule.Source == "" || rule.Example == "" {
			t.Errorf("rule %s is not fully described: %+v", rule.ID, rule)
		}
		if rule.Elsewhere != "" && strings.Contains(rule.Elsewhere, "engine") && !elsewhere[rule.ID] {
			t.Errorf("rule %s of the engine has no test", rule.ID)
		}
	}
}
