package schemas

import (
	"slices"
	"strings"
	"testing"
)

// jitTexts are the members of this channel where anything in one or several lines is right.
func jitTexts() []string {
	return []string{
		"access_rules", "asset_recovery", "chain_of_custody", "costs", "data_protection", "difficulties", "disclosure_rules", "evaluation",
		"evidence_gathering", "function", "gathered_by", "legal_basis", "lessons", "liability", "measure", "media", "participants", "powers",
		"prior_material", "requirements", "signatory", "use_detail", "why_join", "why_joint",
	}
}

// ofTheTeam are the types that travel to several members with the same content.
func ofTheTeam() []MessageType {
	return slices.DeleteFunc(Types(), func(t MessageType) bool {
		between := []string{
			"acknowledgement", "decision", "use-consent-request", "use-consent-decision", "exculpatory-notice", "confidentiality-limit",
			"withdrawal", "withdrawal-confirmation",
		}
		return t.Channel() != ChannelJIT || slices.Contains(between, t.Name())
	})
}

// The members that DOMAIN section 2 demands, by name.
func TestJITRequiredMembers(t *testing.T) {
	for typ, members := range map[MessageType][]string{
		"jit.proposal/1": {"facts", "purpose", "why_joint", "proposed_parties"},
		"jit.agreement/1": {
			"document/team", "document/version", "document/parties", "document/legal_basis", "document/purpose", "document/from", "document/to",
			"document/operating_states", "document/applicable_law", "document/leaders", "document/members", "document/evidence_gathering",
			"document/access_rules", "document/disclosure_rules", "document/liability", "document/languages", "document/data_protection",
		},
		"jit.signature/1":         {"agreement", "signed_on", "signatory"},
		"jit.extension/1":         {"until", "agreed_on", "reason"},
		"jit.accession-request/1": {"why_join", "function"},
		"jit.accession-vote/1":    {"accession", "vote"},
		"jit.accession-accept/1":  {"accession", "agreement", "until", "accepted_on", "history"},
		"jit.secondment/1":        {"function", "host_state", "from", "to", "powers"},
		"jit.member-removal/1":    {"member", "reason", "agreed_on"},
		"jit.measure-request/1":   {"measure", "state", "purpose"},
		"jit.evidence-item/1":     {"description", "use", "use_detail", "gathered_on", "gathered_in", "certified"},
		"jit.team-message/1":      {"text"},
		"jit.close/1":             {"stage"},
		"jit.evaluation/1":        {"summary", "objectives"},
		"jit.team-open/1":         {"stage"},
	} {
		for _, member := range append([]string{"team", "team/proposer", "team/id", "item", "audience"}, members...) {
			at := "/body/" + member
			if defects := refused(t, mutate(t, Example(typ), at, func(any) any { return nil })); !has(defects, at, RuleRequired) {
				t.Errorf("%s without %s: %v", typ, at, defects)
			}
		}
	}
}

// Whatever travels to several members says which team, which item, and who else is sent it.
func TestJITItemsNameTeamItemAndAudience(t *testing.T) {
	if n := len(ofTheTeam()); n != 15 {
		t.Fatalf("%d types of the team", n)
	}
	for _, typ := range ofTheTeam() {
		for _, at := range []string{"/body/team", "/body/item", "/body/audience"} {
			if defects := refused(t, mutate(t, Example(typ), at, func(any) any { return nil })); !has(defects, at, RuleRequired) {
				t.Errorf("%s without %s: %v", typ, at, defects)
			}
		}
	}
}

func TestJITConditions(t *testing.T) {
	tests := []struct {
		name    string
		typ     MessageType
		changes edits
		at      string // "" where it is valid
		rule    Rule
	}{
		{"an audience of one", "jit.team-message/1", edits{"/body/audience": []string{"QM/justice"}}, "/body/audience", RuleCount},
		{"an audience of States", "jit.team-message/1", edits{"/body/audience/0": "QM"}, "/body/audience/0", RulePattern},
		{"the same member twice", "jit.team-message/1", edits{"/body/audience/1": "QM/justice"}, "/body/audience", RuleUnique},
		{"history for a newcomer", "jit.accession-accept/1", edits{"/body/history": "all"}, "/body/history", RuleConst},
		{"a law of their own", "jit.agreement/1", edits{"/body/document/applicable_law": "law-of-the-proposer"}, "/body/document/applicable_law", RuleConst},
		{"other use without its reason", "jit.evidence-item/1", edits{"/body/use_detail": nil}, "/body/use_detail", RuleRequired},
		{"the team's use with a reason", "jit.evidence-item/1", edits{"/body/use": "team-purpose"}, "/body/use_detail", RuleNotAllowed},
		{"the team's use", "jit.evidence-item/1", edits{"/body/use": "team-purpose", "/body/use_detail": nil}, "", ""},
		{"any use", "jit.evidence-item/1", edits{"/body/use": "any"}, "/body/use", RuleEnum},
		{"a file that is not there", "jit.evidence-item/1", edits{"/attachments": nil}, "/body/files/0", RuleUnknownRef},
		{"a vote undecided", "jit.accession-vote/1", edits{"/body/vote": "abstains"}, "/body/vote", RuleEnum},
		{"a hash in capitals", "jit.signature/1", edits{"/body/agreement": strings.Repeat("A", 64)}, "/body/agreement", RulePattern},
		{"no such day", "jit.extension/1", edits{"/body/until": "2027-02-30"}, "/body/until", RuleFormat},
		{"accepted in part", "jit.decision/1", edits{"/body": map[string]any{"outcome": "partial", "reasons": "x"}}, "/body/outcome", RuleEnum},
		{"a proposal that names a case", "jit.proposal/1", edits{"/case": strings.Repeat("a", 26)}, "/case", RuleNotAllowed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw := changed(t, test.typ, test.changes)
			if test.rule == "" {
				if _, err := Validate(raw); err != nil {
					t.Fatal(err)
				}
				return
			}
			if defects := refused(t, raw); !has(defects, test.at, test.rule) {
				t.Fatalf("want %s at %q, got %v", test.rule, test.at, defects)
			}
		})
	}
}
