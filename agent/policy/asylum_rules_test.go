package policy_test

import (
	"testing"

	"comity/agent/policy"
	"comity/agent/register"
	"comity/agent/scan"
	"comity/pki"
	"comity/schemas"
)

// asylumRows are the rows of TestEachRule for the rules of asylum confidentiality.
func asylumRows() []row {
	const block, hold = policy.Block, policy.Hold
	item := func(i policy.Item) func(testing.TB) *story {
		return func(tb testing.TB) *story {
			s := bankRecords(tb).to("QP/justice")
			s.facts.Items = []policy.Item{i}
			return s
		}
	}
	labelled := fromQN(schemas.OnwardListed)
	labelled.OnwardTo, labelled.ProtectFrom = []schemas.StateCode{"QP"}, []schemas.StateCode{"QP"}
	otherCase := fromQN(schemas.OnwardListed)
	otherCase.OnwardTo, otherCase.UseLimit, otherCase.SameCase = []schemas.StateCode{"QP"}, schemas.StatedCaseOnly, false
	consented := func(s *story) { s.facts.Items[0].Consented = true }
	return []row{
		{"ASY-01", "", block, "p1", "a strong term about a victim, to the State of origin",
			func(tb testing.TB) *story {
				return letterAbout(tb, schemas.RoleVictim, victimOfQN, "She asked for asylum.")
			},
			func(s *story) { s.to("QP/justice") }},
		{"ASY-01", "", block, "p1", "a strong term in a member that no schema has",
			func(tb testing.TB) *story {
				return letterAbout(tb, schemas.RoleOther, victimOfQN, "x").set("/body/remarks", "refugee")
			},
			func(s *story) { s.set("/body/remarks", nil) }},
		{"ASY-01", "", block, "p1", "a strong term as the name of a member",
			func(tb testing.TB) *story {
				return letterAbout(tb, schemas.RoleOther, victimOfQN, "x").set("/body/asylum_file", 7)
			},
			func(s *story) { s.set("/body/asylum_file", nil) }},
		{"ASY-01", "", block, "p1", "a strong term in a file",
			func(tb testing.TB) *story {
				return bankRecords(tb).about(schemas.RoleWitness, unnamed).attach("from the reception centre")
			},
			func(s *story) { s.set("/attachments", nil) }},
		{"ASY-01", "", block, "p1", "fingerprints from Eurodac, whatever the language",
			func(tb testing.TB) *story {
				return verification(tb, victimOfQN).to("QN/justice").set("/body/fingerprints", map[string]any{"provenance": "EURODAC"})
			}, func(s *story) { s.set("/body/fingerprints", nil) }},
		{"ASY-01", "", block, "p1", "an instrument of asylum law, about a suspect",
			func(tb testing.TB) *story {
				return bankRecords(tb).set("/legal_basis", []any{map[string]any{"instrument": "geneva-1951", "article": "33"}})
			}, func(s *story) {
				s.set("/legal_basis", []any{map[string]any{"instrument": "untoc", "article": "18(3)"}})
			}},
		{"ASY-01", "", block, "p1", "a strong term about a suspect who is protected",
			func(tb testing.TB) *story {
				return letterAbout(tb, schemas.RoleSuspect, alpha, "asylum").registered("D-ALPHA", protectedFromQN)
			}, func(s *story) { s.register.ByDocument = nil }},
		{"ASY-01", "", block, "case:p9", "a strong term about somebody of the case",
			func(tb testing.TB) *story {
				return tell(tb, "mla.status-report/1").body(map[string]any{"stage": "in-execution", "next_step": "after the asylum interview"}).before(schemas.RoleWitness, victimOfQN)
			}, func(s *story) { s.facts.Case = nil }},
		{"ASY-01", "", block, "p1", "a State of origin to which it will be forwarded",
			func(tb testing.TB) *story {
				s := letterAbout(tb, schemas.RoleVictim, victimOfQN, "asylum").to("QP/justice")
				s.facts.Home.Forwarding = []schemas.StateCode{"QN"}
				return s
			}, func(s *story) { s.facts.Home.Forwarding = nil }},
		{"ASY-01", "", block, "p1", "a State of origin to which it may be passed on",
			func(tb testing.TB) *story {
				return letterAbout(tb, schemas.RoleVictim, victimOfQN, "asylum").to("QP/justice").set("/onward", "listed").set("/onward_to", []any{"QN"})
			}, func(s *story) { s.set("/onward_to", []any{"QR"}) }},
		{"ASY-01", "", block, "p1", "a State of origin that the register alone knows, by document",
			func(tb testing.TB) *story {
				return letterAbout(tb, schemas.RoleVictim, noNationality, "asylum").registered("D-BRAVO3", protectedFromQN)
			}, func(s *story) { s.register.ByDocument = nil }},
		{"ASY-01", "label", block, "", "protect_from names the recipient",
			func(tb testing.TB) *story { return bankRecords(tb).set("/protect_from", []any{"QN", "QP"}) },
			func(s *story) { s.set("/protect_from", []any{"QP"}) }},
		{"ASY-01", "label", block, "", "the label of an item names the recipient, whatever its sender consents to", item(labelled),
			func(s *story) { s.facts.Items[0].ProtectFrom = []schemas.StateCode{"QR"} }},
		{"ASY-01", "fuzzy", hold, "p1", "a State of origin that the register alone knows, by likeness",
			func(tb testing.TB) *story {
				return letterAbout(tb, schemas.RoleVictim, noNationality, "asylum").likeRegistered("TESTPERSON BRAVO-03", protectedFromQN)
			}, func(s *story) { s.register.ByName = nil }},
		{"ASY-01", "suspects", hold, "p1", "a smuggling case may say refugee",
			func(tb testing.TB) *story { return letterAbout(tb, schemas.RoleSuspect, alpha, "He carried refugees.") },
			func(s *story) { s.about(schemas.RoleVictim, unnamed) }},
		{"ASY-01", "doubtful", hold, "p1", "an ambiguous term",
			func(tb testing.TB) *story { return letterAbout(tb, schemas.RoleOther, victimOfQN, "a sanctuary") },
			func(s *story) { s.set("/body/content", "a house") }},
		{"ASY-01", "doubtful", hold, "p1", "a word of asylum that is also a name, in a name",
			func(tb testing.TB) *story {
				w := alpha
				w.name = "TESTPERSON ASIL"
				s := bankRecords(tb).set("/subjects", nil).about(schemas.RoleSuspect, w)
				s.scanner.Report = &scan.Report{Verdict: scan.Block, Covered: true, Hits: []scan.Hit{{
					Code: "A1", Grade: scan.Strong, Term: "asil", Track: scan.Plain, Pointer: "/subjects/0/identity/names/0",
				}}}
				return s
			}, func(s *story) { s.scanner.Report = nil }},
		{"ASY-01", "free-text", hold, "p1", "free text about a victim, to the State of origin",
			func(tb testing.TB) *story { return letterAbout(tb, schemas.RoleVictim, victimOfQN, "She works.") },
			func(s *story) { s.to("QP/justice") }},
		{"ASY-01", "free-text", hold, "p1", "free text about a protected suspect",
			func(tb testing.TB) *story {
				return letterAbout(tb, schemas.RoleSuspect, alpha, "He works.").registered("D-ALPHA", protectedFromQN)
			}, func(s *story) { s.register.ByDocument = nil }},
		{"ASY-01", "free-text", hold, "p1", "free text about somebody unnamed, to the State that the procedure suspects",
			func(tb testing.TB) *story {
				return tell(tb, "transfer.interest-notice/1").about(schemas.RoleConvicted, unnamed)
			}, func(s *story) { s.set("/subjects", nil).about(schemas.RoleConvicted, alpha) }},

		{"ASY-02", "", block, "p1", "nationality verification of an applicant",
			func(tb testing.TB) *story {
				return verification(tb, victimOfQN).to("QN/justice").registered("D-BRAVO", protectedFromQN)
			},
			func(s *story) { s.register.ByDocument["D-BRAVO"][0].Status = register.None }},
		{"ASY-02", "", block, "document", "the check of a passport whose holder is protected",
			func(tb testing.TB) *story {
				return checked(tb).registered("D1234567", register.Match{Status: register.Granted})
			},
			func(s *story) { s.register.ByDocument = nil }},
		{"ASY-02", "", block, "p1", "a status in the gate record",
			func(tb testing.TB) *story {
				s := verification(tb, victimOfQN)
				s.facts.Home.Gate.AsylumStatus = register.Pending
				return s
			}, func(s *story) { s.facts.Home.Gate.AsylumStatus = register.None }},
		{"ASY-02", "exception", hold, "p1", "E2: finally rejected, nothing suspends, minimal set",
			func(tb testing.TB) *story {
				return verification(tb, victimOfQN).to("QN/justice").registered("D-BRAVO", register.Match{Status: register.RejectedFinal})
			}, func(s *story) { s.register.ByDocument["D-BRAVO"][0].Status = register.None }},
		{"ASY-02", "fuzzy", hold, "p1", "nationality verification of somebody like an applicant",
			func(tb testing.TB) *story {
				return verification(tb, victimOfQN).likeRegistered(victimOfQN.name, register.Match{Status: register.Pending})
			}, func(s *story) { s.register.ByName = nil }},

		{"ASY-03", "", hold, "p1", "a stale feed",
			func(tb testing.TB) *story { s := bankRecords(tb); s.register.Fresh = false; return s },
			func(s *story) { s.register.Fresh = true }},
		{"ASY-03", "", hold, "p1", "a status that the register does not know",
			func(tb testing.TB) *story {
				return bankRecords(tb).registered("D-ALPHA", register.Match{Status: register.Unknown})
			},
			func(s *story) { s.register.ByDocument = nil }},
		{"ASY-03", "names", hold, "", "free text, and nobody to ask whom it names",
			func(tb testing.TB) *story {
				s := tell(tb, "confiscation.freeze-report/1").set("/body/note", "x")
				s.set("/due", "2026-12-01").set("/due_reason", "the hearing")
				s.register.Fresh = false
				return s
			}, func(s *story) { s.register.Fresh = true }},

		{"ASY-04", "", hold, "p1", "fear expressed, whoever the recipient",
			func(tb testing.TB) *story {
				return bankRecords(tb).to("QS/justice").registered("D-ALPHA", register.Match{Status: register.FearExpressed})
			}, func(s *story) { s.register.ByDocument = nil }},
		{"ASY-04", "note", hold, "", "fear in the notes of the gate record",
			func(tb testing.TB) *story {
				s := verification(tb, victimOfQN).to("QN/justice")
				s.facts.Home.Gate.Notes = "Elle a peur."
				return s
			}, func(s *story) { s.facts.Home.Gate.Notes = "Travels with one bag." }},
		{"ASY-04", "note", hold, "", "notes that cannot be read",
			func(tb testing.TB) *story {
				s := verification(tb, victimOfQN).to("QN/justice")
				s.facts.Home.Gate.Notes = "zzzz"
				return s
			}, func(s *story) { s.facts.Home.Gate.Notes = "" }},

		{"ASY-05", "", hold, "p1", "a protected suspect, named to the State of origin",
			func(tb testing.TB) *story { return bankRecords(tb).registered("D-ALPHA", protectedFromQN) },
			func(s *story) { s.to("QP/justice") }},
		{"ASY-05", "", hold, "named", "somebody protected whom only the text names",
			func(tb testing.TB) *story {
				return bankRecords(tb).set("/body/facts", "Paid to TESTPERSON KILO-11.").likeRegistered("TESTPERSON KILO-11", protectedFromQN)
			}, func(s *story) { s.set("/body/facts", "Paid to somebody.") }},
		{"ASY-05", "", hold, "case:p9", "a protected person of the case, to whom the message only refers",
			func(tb testing.TB) *story {
				return tell(tb, "mla.withdrawal/1").body(map[string]any{"scope": "whole", "reason": "other", "template": "withdrawal-neutral"}).
					before(schemas.RoleSuspect, alpha).registered("D-ALPHA", protectedFromQN)
			}, func(s *story) { s.register.ByDocument = nil }},
		{"ASY-05", "unknown-origin", hold, "p1", "a protected person of no known origin, to anybody",
			func(tb testing.TB) *story {
				return letterAbout(tb, schemas.RoleOther, noNationality, "x").registered("D-BRAVO3", register.Match{Status: register.Labelled})
			}, func(s *story) { s.register.ByDocument["D-BRAVO3"][0].Origins = []schemas.StateCode{"QP"} }},

		{"ASY-06", "", block, "", "a member outside the minimal set",
			func(tb testing.TB) *story {
				return verification(tb, victimOfQN).to("QN/justice").set("/body/observations", "works well")
			}, func(s *story) { s.set("/body/observations", nil) }},
		{"ASY-06", "", block, "", "words where the one contact address should stand",
			func(tb testing.TB) *story {
				return verification(tb, victimOfQN).to("QN/justice").set("/body/contact_address", "Harbour Street 4")
			}, func(s *story) { s.set("/body/contact_address", "c/o competent authority") }},

		{"ASY-07", "", hold, "p1", "a strong term, to a State outside the origin set",
			func(tb testing.TB) *story {
				return letterAbout(tb, schemas.RoleVictim, victimOfQN, "asylum").to("QP/justice")
			},
			func(s *story) { s.set("/body/content", "x") }},
		{"ASY-07", "", hold, "p1", "protect_from alone says it",
			func(tb testing.TB) *story { return bankRecords(tb).to("QP/justice").set("/protect_from", []any{"QN"}) },
			func(s *story) { s.set("/protect_from", nil) }},
		{"ASY-07", "nobody", hold, "", "a strong term, about nobody who could be told apart",
			func(tb testing.TB) *story {
				return letterAbout(tb, schemas.RoleVictim, unnamed, "asylum").set("/subjects", nil)
			},
			func(s *story) { s.about(schemas.RoleVictim, victimOfQN) }},
		{"ASY-07", "item", hold, "", "an item that came with a label", item(func() policy.Item {
			i := labelled
			i.ProtectFrom = []schemas.StateCode{"QR"}
			return i
		}()), func(s *story) { s.facts.Items[0].ProtectFrom = nil }},

		{"ASY-08", "", block, "", "onward none, to a new State", item(fromQN(schemas.OnwardNone)), consented},
		{"ASY-08", "", block, "", "with consent, which nobody gave", item(fromQN(schemas.OnwardWithConsent)), consented},
		{"ASY-08", "", block, "", "onward none, to a State that was not in the audience of the item", item(fromQN(schemas.OnwardNone)),
			func(s *story) { s.facts.Items[0].SentTo = []schemas.StateCode{"QM", "QP"} }},
		{"ASY-08", "", block, "", "listed, and not listed", item(fromQN(schemas.OnwardListed)),
			func(s *story) { s.facts.Items[0].OnwardTo = []schemas.StateCode{"QP"} }},
		{"ASY-08", "", block, "", "onward none, back to its sender and to others of an audience",
			func(tb testing.TB) *story {
				s := bankRecords(tb)
				s.facts.Items, s.facts.Audience = []policy.Item{fromQN(schemas.OnwardNone)}, []schemas.AuthorityID{"QM/justice", "QR/justice"}
				return s
			}, func(s *story) { s.facts.Audience = []schemas.AuthorityID{"QM/justice", "QN/border"} }},
		{"USE-01", "", block, "", "of another case, which nobody allowed", item(otherCase), consented},

		{"ASY-09", "", block, "case:p9", "a refusal in words to the State of origin",
			func(tb testing.TB) *story { return decisionTo(tb, alpha, refused("Because of the law.")) },
			func(s *story) { s.body(neutralRefusal) }},
		{"ASY-09", "", block, "case:p9", "a part withdrawn in words",
			func(tb testing.TB) *story {
				return tell(tb, "mla.withdrawal/1").body(map[string]any{"scope": "part", "part": "the hearing", "reason": "other"}).before(schemas.RoleSuspect, alpha)
			}, func(s *story) { s.to("QP/justice") }},
		{"ASY-09", "fuzzy", hold, "case:p9", "a refusal in words about somebody like a person of that origin",
			func(tb testing.TB) *story {
				return decisionTo(tb, noNationality, refused("Because of the law.")).likeRegistered(noNationality.name, protectedFromQN)
			}, func(s *story) { s.body(neutralRefusal) }},
		{"ASY-09", "partial", hold, "case:p9", "a refusal in part to the State of origin",
			func(tb testing.TB) *story {
				return decisionTo(tb, alpha, map[string]any{"outcome": "partial", "reasons": "One account only."})
			}, func(s *story) { s.to("QP/justice") }},

		{"ASY-10", "", hold, "", "a file that cannot be read",
			func(tb testing.TB) *story { return bankRecords(tb).attach("zzzz") },
			func(s *story) { s.set("/attachments", nil) }},
		{"ASY-10", "", hold, "", "a language that is not covered",
			func(tb testing.TB) *story {
				s := bankRecords(tb)
				s.scanner.Report = &scan.Report{Verdict: scan.Hold, Language: ""}
				return s
			}, func(s *story) { s.scanner.Report = nil }},
		{"ASY-12", "", block, "", "the sender's id",
			func(tb testing.TB) *story {
				s := bankRecords(tb)
				row := *s.directory.rows["QM/justice"]
				row.ID, s.facts.From = "QM/asylum", "QM/asylum"
				s.directory.rows[row.ID] = &row
				return s
			}, func(s *story) { s.facts.From = "QM/justice" }},
		{"ASY-12", "", block, "", "the sender's name in the directory",
			func(tb testing.TB) *story {
				s := bankRecords(tb)
				s.directory.rows["QM/justice"].Name = "Office for Refugees"
				return s
			},
			func(s *story) { s.directory.rows["QM/justice"].Name = "Central Authority" }},
		{"ASY-12", "kind", block, "", "a kind that speaks for no State",
			func(tb testing.TB) *story {
				s := bankRecords(tb)
				s.directory.rows["QM/justice"].Kind = "unit"
				return s
			},
			func(s *story) { s.directory.rows["QM/justice"].Kind = pki.KindJudicial }},
		{"ASY-13", "", hold, "p1", "the brother of an applicant",
			func(tb testing.TB) *story {
				m := protectedFromQN
				m.Inherited = true
				return bankRecords(tb).registered("D-ALPHA", m)
			}, func(s *story) { s.register.ByDocument["D-ALPHA"][0].Inherited = false }},
	}
}
