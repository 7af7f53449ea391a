package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki"
	"comity/schemas"
	"comity/schemas/team"
)

// audienceSettled tells whether an item may be sealed for anybody: every copy is approved, and policy allows every copy that
// has not left. So nobody is sent an item that is then held back from another.
func (a *Agent) audienceSettled(ctx context.Context, m *store.Message, view *pki.View, at time.Time) (settled bool, err error) {
	if !team.IsItem(m.Type) {
		return true, nil
	}
	var copies []*store.Message
	err = a.store.View(ctx, func(tx *store.Tx) (err error) {
		item, err := readItem(m)
		if err != nil {
			return err
		}
		h, err := a.holdings(tx, item.Team)
		if err == nil {
			copies = h.settled(item)
		}
		return err
	})
	if err != nil || copies == nil {
		return false, err
	}
	for _, c := range copies {
		if c.State != store.Approved {
			continue
		}
		if _, clearance, err := a.decide(ctx, outgoingOf(c), view, at, nil); err != nil || clearance == nil {
			return false, err
		}
	}
	return true, nil
}

// settled are all copies of an item of ours, nil while one is missing or not approved.
func (h *holdings) settled(item team.Item) []*store.Message {
	copies := h.drafts[item.Ref]
	waits := slices.ContainsFunc(copies, func(c *store.Message) bool {
		return c.State == store.InReview || c.State == store.UnderReview || c.State == store.Returned
	})
	if waits || len(copies) != len(item.Audience)-1 {
		return nil
	}
	return copies
}

// teamPermits asks the team once more in the transaction that seals. An item that the team no longer takes goes back to
// its author, with a reason from the team alone.
func (a *Agent) teamPermits(tx *store.Tx, m *store.Message) (bool, error) {
	item, err := readItem(m)
	if errors.Is(err, team.ErrNotOfATeam) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	h, err := a.holdings(tx, item.Team)
	if err != nil || h.settled(item) == nil {
		return false, err // it stays approved until its audience is settled
	}
	h.items = slices.DeleteFunc(h.items, func(i team.Item) bool { return i.Ref == item.Ref }) // a copy that left before this one
	err = a.checkCopy(h, item, m.Recipient)
	if err == nil {
		return true, nil
	}
	if _, refused := errors.AsType[*team.RefusedError](err); !refused {
		return false, err
	}
	m.State, m.Reason, m.ApprovedBy, m.Approval = store.Returned, ReasonTeam, "", nil
	return false, errors.Join(tx.PutMessage(m), a.recordHome(tx, eventReturned, m.ID, m.PayloadSHA256, ""))
}

// teamRejects judges an arriving item by its bytes alone.
func (a *Agent) teamRejects(from schemas.AuthorityID, p *schemas.Payload) envelope.Rejection {
	item, err := team.Read(from, p)
	switch {
	case errors.Is(err, team.ErrNotOfATeam):
		return ""
	case err != nil:
		return envelope.RejectedSchema
	case !slices.Contains(item.Audience, a.me):
		return envelope.RejectedParty
	}
	return ""
}

// ofOtherTeam tells whether an item stands in a case that was opened for another team. Both sides hold the opening.
func ofOtherTeam(m *store.Message, inCase []*store.Message) bool {
	item, err := readItem(m)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(inCase, func(o *store.Message) bool {
		if !o.Opens() || !o.Counts() {
			return false
		}
		opening, err := readItem(o)
		return err == nil && opening.Team != item.Team
	})
}
