package policy

import (
	"context"
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
// contains us? It asks no register: what needed one could be told from how we behave. The error is for a payload that
// is none.
func Screen(ctx context.Context, s Scanner, payload []byte, us schemas.StateCode) (Screening, error) {
	p, err := schemas.Validate(payload)
	if err != nil {
		return Screening{}, fmt.Errorf("screening: %w", err)
	}
	var result Screening
	if len(p.ProtectFrom) > 0 {
		result.Codes = []string{"A13"}
		result.Quarantine = slices.Contains(p.ProtectFrom, us)
		for _, subject := range p.Subjects {
			if subject.Identity != nil {
				result.Labels = append(result.Labels, Label{*subject.Identity, p.ProtectFrom})
			}
		}
	}
	return result, nil
}

// Scanner finds asylum data in text and files; *scan.Scanner is one. An error means that nothing was cleared.
type Scanner interface {
	Scan(context.Context, scan.Input) (scan.Report, error)
}
