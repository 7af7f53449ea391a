package policy

import (
	"slices"
	"strings"

	"comity/agent/register"
	"comity/schemas"
)

// consents tells whether one of a person's consents covers everything that a letter says of the person, to this recipient,
// for this purpose (exception E1). The register hands on only consents in force with complete evidence; the expiry is
// looked at again, because time goes on between question and answer.
func consents(f Facts, l *letter, s standing) bool {
	if s.match.Entry == "" || s.match.Inherited || slices.Contains(stateSet(s.match.Feared), f.To.State()) {
		return false // nothing goes to an alleged persecutor, and nobody consents for a relative
	}
	carried := carriedItems(l, s.person)
	return slices.ContainsFunc(s.match.Consents, func(c register.Consent) bool {
		return f.At.Before(c.Expires) && (c.Recipient == string(f.To) || c.Recipient == string(f.To.State())) &&
			servesPurpose(l, c.Purpose) &&
			!slices.ContainsFunc(carried, func(item string) bool { return !slices.Contains(c.Items, item) })
	})
}

// purposes are words by which a written purpose is known to be that of a type.
var purposes = map[string][]string{
	"repatriation.nationality-request":     {"nationality", "verif", "identi", "return", "repatriat"},
	"repatriation.supplement":              {"nationality", "verif", "identi", "return", "repatriat"},
	"repatriation.travel-document-request": {"travel", "document", "return", "repatriat"},
	"repatriation.return-plan":             {"return", "repatriat"},
	"border.document-check-request":        {"document", "verif", "check"},
	"transfer.consent-verification-result": {"transfer", "consent"},
}

func servesPurpose(l *letter, purpose string) bool {
	return containsAny(strings.ToLower(purpose), purposes[l.kind()])
}

// bare are members of a body that say nothing of the person.
var bare = []string{"person", "asked", "evidence_class", "contact_address", "kind", "valid_from", "valid_to", "date", "arrival_point", "confidential_handover", "outcome", "verifier", "proposed_times", "language"}

// carriedItems lists what a letter says of a person, by the names of the members.
func carriedItems(l *letter, p *person) []string {
	var carried []string
	add := func(name string, present bool) {
		if present {
			carried = append(carried, name)
		}
	}
	if p.named {
		who := p.identity
		add("names", len(who.Names) > 0)
		add("former_names", len(who.FormerNames) > 0)
		add("birth_date", who.BirthDate != "")
		add("birth_state", who.BirthState != "")
		add("sex", who.Sex != "")
		add("nationalities", len(who.Nationalities) > 0)
		add("former_nationalities", len(who.FormerNationalities) > 0)
		add("habitual_residences", len(who.HabitualResidences) > 0)
		add("documents", len(who.Documents) > 0)
	}
	for member, value := range l.body() {
		none := slices.Equal(textsOf(value), []string{"none"})
		add(member, !slices.Contains(bare, member) && !none && !(member == "document" && p.ref == "document"))
	}
	slices.Sort(carried)
	return slices.Compact(carried)
}

// minimal tells whether a letter holds nothing but what a verification cannot do without.
func (l *letter) minimal() bool {
	if len(l.defects) > 0 || l.freeText() {
		return false
	}
	return l.payload.Channel != schemas.ChannelRepatriation || !l.notOriginSafe()
}
