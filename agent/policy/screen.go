package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"comity/agent/scan"
	"comity/schemas"
)

// Screening is the answer to the one question of the inbound screen, and what sticks to the persons of the message.
type Screening struct {
	// Quarantine: by its own content the message holds an asylum datum about a person whose origin set contains our State.
	Quarantine bool
	Codes      []string // A1 to A13, sorted
	// Unread: something could not be read, so the question has no answer yet. A person looks before anybody else reads.
	Unread bool
	Labels []Label
}

// Label is one person whom the sender protects, and from which States.
type Label struct {
	Who         schemas.Identity
	ProtectFrom []schemas.StateCode
}

// Screen asks of a received message, from its content alone: is this an asylum datum about a person whose origin set
// contains us? It asks no register: what needed one could be told from how we behave. The error is for a payload that is
// none, and for a scanner that does not answer: the question is then still to be asked.
// files are those of its evidence that have arrived.
func Screen(ctx context.Context, s Scanner, payload []byte, us schemas.StateCode, files ...scan.File) (Screening, error) {
	l, err := readLetter(payload)
	if err != nil {
		return Screening{}, fmt.Errorf("screening: %w", err)
	}
	said := scanLetter(ctx, s, l, files...)
	if said.failed {
		return Screening{}, errors.New("screening: the scanner did not answer")
	}
	structured, _ := structuredData(l)
	result := Screening{Unread: said.unreadable}
	// To a State that asks or answers in a return or a transfer, the persons of it are suspected to belong: findPersons
	// says so of whom the message is addressed to.
	persons := findPersons(Facts{To: schemas.AuthorityID(string(us) + "/us")}, l)
	ours := slices.ContainsFunc(persons, func(p *person) bool { return slices.Contains(p.origins.all(), us) })
	if structured || said.datum {
		result.Codes = said.codes
		// A smuggling case may say refugee: where all are suspects, the word is about others who cannot be told apart.
		result.Quarantine = ours && (structured || !allSuspects(persons))
	}
	if structured {
		result.Codes = append(result.Codes, "A3")
	}
	if len(l.payload.ProtectFrom) > 0 {
		result.Codes = append(result.Codes, "A13")
		result.Quarantine = result.Quarantine || ours || slices.Contains(l.payload.ProtectFrom, us)
		result.Labels = labelsOf(persons, l.payload.ProtectFrom)
	}
	slices.Sort(result.Codes)
	result.Codes = slices.Compact(result.Codes)
	return result, nil
}

func allSuspects(persons []*person) bool {
	return len(persons) > 0 && !slices.ContainsFunc(persons, func(p *person) bool {
		return p.role != schemas.RoleSuspect && p.role != schemas.RoleConvicted
	})
}

// labelsOf are the persons whom a sender protects, as far as they can be found again.
func labelsOf(persons []*person, from []schemas.StateCode) (labels []Label) {
	for _, p := range persons {
		if p.identifiable() {
			labels = append(labels, Label{Who: p.sought(), ProtectFrom: from})
		}
	}
	return labels
}

// Scanner finds asylum data in text and files; *scan.Scanner is one. An error means that nothing was cleared.
type Scanner interface {
	Scan(context.Context, scan.Input) (scan.Report, error)
}
