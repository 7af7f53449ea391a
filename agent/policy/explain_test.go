package policy_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"comity/agent/policy"
	"comity/schemas"
)

var updatePage = flag.Bool("update", false, "write RULES.md anew")

const pagePath = "RULES.md"

// TestRulesPage: the page of all rules is made of the rules, and says what they say today.
func TestRulesPage(t *testing.T) {
	want := page(engineOf(t, policy.Config{}))
	if *updatePage {
		if err := os.WriteFile(pagePath, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(pagePath)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the rules say; run: go test ./agent/policy -run TestRulesPage -update", pagePath)
	}
}

func page(e *policy.Engine) []byte {
	var b bytes.Buffer
	b.WriteString("# The rules\n\n")
	b.WriteString("Made from the rules by `go test ./agent/policy -run TestRulesPage -update`; do not edit.\n\n")
	b.WriteString("Each outgoing message is asked about once, and once more for each person whom it is about. Block outranks invalid,\n" +
		"invalid outranks hold, hold outranks allow. A held message leaves when two protection officers release exactly what\n" +
		"was decided; nothing releases a block. Only an equal document number, the message's own content and the gate record\n" +
		"block; likeness to a registered person makes the same rule hold. A State may add rules that forbid, and none that permit.\n\n" +
		"The persons in P are those whose status in the protection register is not none, and those about whom the message\n" +
		"itself carries an asylum datum. The origin set of a person, O(p), is every State from which they may have to be\n" +
		"protected. The readers of a message are its recipient and all whom it is known to reach beyond.\n")
	b.WriteString(homePage)
	for _, rule := range e.Rules() {
		fmt.Fprintf(&b, "\n## %s: %s\n\n%s\n\n*%s*\n", rule.ID, verdict(rule), rule.Text, rule.Source)
		if rule.Propose != "" {
			fmt.Fprintf(&b, "\nInstead: %s\n", rule.Propose)
		}
		fmt.Fprintf(&b, "\nExample: %s\n", rule.Example)
		if rule.Elsewhere != "" {
			fmt.Fprintf(&b, "\nKept by %s.\n", rule.Elsewhere)
		}
		if len(rule.Variants) == 0 {
			continue
		}
		b.WriteString("\n| also | | when |\n|---|---|---|\n")
		for _, v := range rule.Variants {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", v.Name, v.Verdict, v.Text)
		}
	}
	return b.Bytes()
}

// homePage describes the member home of a draft; the example is held against ParseHome.
const homePage = `
## What is recorded beside a draft

A draft file may carry a member ` + "`home`" + ` beside ` + "`to`" + `. It never becomes part of the message. Every part may be left out, and what
is left out was not established. References are those of the subjects in the message.

` + "```json\n" + homeExample + "\n```" + `

| member | | rules |
|---|---|---|
| gate | the gate record of a return; risk_assessment low, medium or high; proceedings none, victim-required or testimony-done; asylum_status as in the register | GATE-01, CHI-01, CHI-02, ASY-02, ASY-04 |
| gate.notes | free text, read for fear of return, never sent | ASY-04 |
| persons | by reference: named by choice, and why that is necessary; the day of a written choice to have whereabouts answered; whether it is a protected witness | VIC-01, NEU-01, WIT-01 |
| quotes | what was received and is quoted, by message or attachment | ASY-08, USE-01 |
| forwarding | States that it is known to reach beyond its recipient | ASY-01 and all that look at readers |
| question | the message answers a question about whereabouts, status or protection | NEU-01 |
`

const homeExample = `{"gate": {"voluntary": true, "informed_of_right_to_asylum": true, "risk_assessment": "low",
          "proceedings": "testimony-done", "asylum_status": "none", "age_in_doubt": false,
          "child": {"best_interests_determined": true, "guardian": true}, "notes": "Travels with one bag."},
 "persons": {"p1": {"name_by_choice": true, "necessity": "identification by the bank",
                    "whereabouts_choice": "2026-11-20", "protected_witness": false}},
 "quotes": [{"message": "0123456789abcdefghjkmnpqrs"}],
 "forwarding": ["QP"],
 "question": "whereabouts"}`

func TestTheExampleOfAHomeIsOne(t *testing.T) {
	if _, err := policy.ParseHome([]byte(homeExample)); err != nil {
		t.Error(err)
	}
}

func verdict(r policy.Rule) string {
	if r.Verdict == policy.Allow {
		return "permit"
	}
	return string(r.Verdict)
}

// TestEveryIDOfTheDomainIsExplained: a protection officer can ask about each, and is answered in whole sentences.
func TestEveryIDOfTheDomainIsExplained(t *testing.T) {
	e := engineOf(t, policy.Config{})
	ids := []policy.RuleID{"ORI-01", "ORI-02", "ORI-03", "JIT-01", "JIT-02", "NEU-01", "NEU-02", "MET-01", "AUD-01", "VIC-01", "VIC-02", "WIT-01", "CHI-01", "CHI-02", "GATE-01", "USE-01", "E1", "E2", "E3"}
	for i := 1; i <= 14; i++ {
		ids = append(ids, policy.RuleID(fmt.Sprintf("ASY-%02d", i)))
	}
	for _, id := range ids {
		rule, found := e.Explain(id)
		switch {
		case !found:
			t.Errorf("%s cannot be explained", id)
		case rule.ID != id || rule.Source == "" || !sentence(rule.Text) || !sentence(rule.Example):
			t.Errorf("%s is explained by half: %+v", id, rule)
		}
		for _, v := range rule.Variants {
			if v.Source == "" || !sentence(v.Text) {
				t.Errorf("%s, variant %s, is explained by half: %+v", id, v.Name, v)
			}
		}
	}
	if rule, found := e.Explain("ASY-99"); found {
		t.Errorf("a rule that does not exist is explained: %+v", rule)
	}
}

func sentence(text string) bool {
	return strings.HasSuffix(text, ".") && text[:1] == strings.ToUpper(text[:1])
}

// TestTemplatesAreTrue is NEU-02: a text for another ground than the one given is invalid.
func TestTemplatesAreTrue(t *testing.T) {
	lie := map[string]any{"outcome": "refused", "ground": "non-conforming", "template": "refusal-dual-criminality-absent"}
	tell(t, "mla.decision/1").body(lie).expect(policy.Invalid)
	tell(t, "mla.decision/1").body(neutralRefusal).expect(policy.Allow)
}

// TestNeutralAnswersDoNotDependOnTheRegister is NEU-01: protected, unprotected and unknown persons, and a register that is
// out of reach, give the same grounds of this rule.
func TestNeutralAnswersDoNotDependOnTheRegister(t *testing.T) {
	template := map[string]any{"outcome": "not-available", "template": "neither-confirm-nor-deny"}
	for name, change := range map[string]func(*story){
		"unprotected": func(*story) {}, "protected": func(s *story) { s.registered("D-BRAVO", protectedFromQN) },
		"unknown": func(s *story) { s.register.Fresh = false }, "out of reach": func(s *story) { s.register.Err = errNoAgreement },
	} {
		for _, body := range []map[string]any{template, refused("We do not know.")} {
			s := tell(t, "mla.decision/1").body(body).before(schemas.RoleVictim, victimOfQN)
			s.facts.Asked = [][]byte{askedWhere(t)}
			change(s)
			d, _ := s.decide()
			spoke := strings.Contains(fmt.Sprint(d.Rules), "NEU-01")
			if want := body["template"] == nil; spoke != want {
				t.Errorf("%s, %v: NEU-01 speaks: %t", name, body["outcome"], spoke)
			}
		}
	}
}
