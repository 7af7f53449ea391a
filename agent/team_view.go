package agent

import (
	"errors"

	"comity/agent/api"
	"comity/agent/store"
	"comity/schemas"
	"comity/schemas/team"
)

// showTeam is how the team of a case stands by what we hold, with the items of that case; nil where the case is not of a
// team.
func (a *Agent) showTeam(tx *store.Tx, file *store.CaseFile, inCase []*store.Message) (*api.Team, error) {
	if file.Channel != schemas.ChannelJIT {
		return nil, nil
	}
	for _, m := range inCase {
		if !m.Opens() || !m.Counts() {
			continue
		}
		opening, err := readItem(m)
		if errors.Is(err, team.ErrNotOfATeam) {
			return nil, nil // erased
		}
		if err != nil {
			return nil, err
		}
		h, err := a.holdings(tx, opening.Team)
		if err != nil {
			return nil, err
		}
		shown := a.viewTeam(h, opening.Team)
		numbers := team.Numbers(h.copies)
		for i, c := range h.copies {
			if c.Author != file.Peer && c.To != file.Peer {
				continue
			}
			shown.Items = append(shown.Items, api.TeamItem{
				Message: h.messages[i], Type: h.items[i].Type, Author: c.Author, Item: c.Item, Number: numbers[c],
				Audience: h.items[i].Audience, SHA256: h.items[i].SHA256,
			})
		}
		return shown, nil
	}
	return nil, nil
}

func (a *Agent) viewTeam(h *holdings, id team.ID) *api.Team {
	t := team.Derive(id, h.items, a.now())
	shown := &api.Team{
		Proposer: id.Proposer, ID: id.ID, State: string(t.StateFor(a.me)), Left: t.Left, Agreement: t.Agreement, To: t.To,
	}
	for _, m := range t.Members {
		shown.Members = append(shown.Members, m.Authority)
	}
	return shown
}
