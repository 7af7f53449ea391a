package agent

import (
	"context"

	"comity/agent/store"
	"comity/schemas"
	"comity/schemas/team"
)

// TeamItem is an item of a team as this desk knows it.
type TeamItem struct {
	Message schemas.MessageID // of one copy
	Type    schemas.MessageType
	Ref     team.Ref
	To      schemas.AuthorityID
	// Number counts what To was sent by the author: 1, 2, 3. Both count alike, and it is never sent.
	Number   int
	Audience []schemas.AuthorityID
}

// Team derives where a team stands by what we hold, and lists the copies of its items that left or arrived.
func (a *Agent) Team(ctx context.Context, id team.ID) (t team.Team, items []TeamItem, err error) {
	err = a.store.View(ctx, func(tx *store.Tx) error {
		h, err := a.holdings(tx, id)
		if err != nil {
			return err
		}
		t = team.Derive(id, h.items, a.now())
		numbers := team.Numbers(h.copies)
		for i, c := range h.copies {
			items = append(items, TeamItem{
				Message: h.messages[i], Type: h.items[i].Type, Ref: c.Ref, To: c.To, Number: numbers[c], Audience: h.items[i].Audience,
			})
		}
		return nil
	})
	return t, items, err
}
