package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"comity/agent/store"
	"comity/schemas"
	"comity/schemas/team"
)

// A joint investigation team is a group of pairs without a group key. Its items are drafted once and become one message for
// each recipient, each in the case of that pair; what the team allows is asked where an item is drafted and again where
// it is sealed. A recipient asks only what follows from the bytes and from the pair: what it holds of third members may be
// more or less than the sender held.

// parseCopies takes a draft apart. An item of a team becomes a draft for each recipient, because each has a case of its own
// with us; the body, which people approve, is the same in all. What nobody can know by heart is filled in: the case, and
// an identifier where the draft has none.
func (a *Agent) parseCopies(ctx context.Context, draft []byte) ([]*schemas.Draft, error) {
	object, to, ok := teamDraft(draft)
	if !ok {
		d, err := a.parseDraft(draft)
		return []*schemas.Draft{d}, err
	}
	id, err := a.nameItem(object)
	if err != nil {
		return nil, err
	}
	opens := schemas.Opens(schemas.MessageType(fmt.Sprintf("jit.%s/1", typeOf(object).Name())))
	var copies []*schemas.Draft
	for _, peer := range to {
		if _, placed := object["case"]; !opens && (!placed || len(to) > 1) {
			place, err := a.caseOfTeam(ctx, id, peer)
			if err != nil {
				return nil, err
			}
			object["case"] = string(place)
		}
		object["to"] = []schemas.AuthorityID{peer}
		one, err := schemas.Canonical(object)
		if err != nil {
			return nil, fmt.Errorf("writing the copy of an item: %w", err)
		}
		d, err := a.parseDraft(one)
		if err != nil {
			return nil, err
		}
		copies = append(copies, d)
	}
	return copies, nil
}

// teamDraft tells whether a draft is of an item of a team, and takes it apart as far as needed. Whatever else is wrong
// with it is left to parseDraft.
func teamDraft(draft []byte) (object map[string]any, to []schemas.AuthorityID, ok bool) {
	if schemas.Decode(draft, &object, schemas.PayloadLimits) != nil || !team.IsItem(typeOf(object)) {
		return nil, nil, false
	}
	list, _ := object["to"].([]any)
	for _, entry := range list {
		text, _ := entry.(string)
		peer, err := schemas.ParseAuthorityID(text)
		if err != nil || slices.Contains(to, peer) {
			return nil, nil, false
		}
		to = append(to, peer)
	}
	return object, to, len(to) > 0 && len(to) <= schemas.MaxRecipients
}

func typeOf(object map[string]any) schemas.MessageType {
	name, _ := object["type"].(string)
	return schemas.MessageType(name)
}

// nameItem gives a draft the identifiers that it leaves out, and reads which team it belongs to.
func (a *Agent) nameItem(object map[string]any) (id team.ID, err error) {
	body, _ := object["body"].(map[string]any)
	if body == nil {
		return id, nil // the schema says so
	}
	if _, named := body["item"]; !named {
		body["item"] = string(schemas.NewMessageID())
	}
	if _, named := body["team"]; !named && typeOf(object).Name() == "proposal" {
		body["team"] = map[string]any{"proposer": string(a.me), "id": string(schemas.NewMessageID())}
	}
	name, _ := body["team"].(map[string]any)
	proposer, _ := name["proposer"].(string)
	drawn, _ := name["id"].(string)
	return team.ID{Proposer: schemas.AuthorityID(proposer), ID: schemas.MessageID(drawn)}, nil
}

// caseOfTeam finds the case in which we and a peer speak of a team. Two that both opened one take the first by name.
func (a *Agent) caseOfTeam(ctx context.Context, id team.ID, peer schemas.AuthorityID) (found schemas.CaseID, err error) {
	open := false
	err = a.store.View(ctx, func(tx *store.Tx) error {
		h, err := a.holdings(tx, id)
		if err != nil {
			return err
		}
		for _, c := range h.cases[peer] {
			file, err := tx.Case(c)
			if err != nil {
				return err
			}
			if found == "" || file.Open && !open || file.Open == open && c < found {
				found, open = c, file.Open
			}
		}
		return nil
	})
	if err == nil && found == "" {
		err = problem(ReasonCase, fmt.Sprintf("there is no case of this team with %s", peer), "a jit.team-open between the two of you opens one")
	}
	return found, err
}

// holdings are all that we hold of one team.
type holdings struct {
	items  []team.Item
	sent   map[team.Ref][]schemas.AuthorityID // our items, to whom a copy of each has left
	drafts map[team.Ref][]*store.Message      // our items, every copy that was not given up
	cases  map[schemas.AuthorityID][]schemas.CaseID
	// copies are all that left or arrived, in the order of numbers, and messages their ids; both go with items.
	copies   []team.Copy
	messages []schemas.MessageID
}

func (a *Agent) holdings(tx *store.Tx, id team.ID) (*holdings, error) {
	messages, err := tx.MessagesOfTeam(nameOf(id))
	if err != nil {
		return nil, err
	}
	h := &holdings{sent: map[team.Ref][]schemas.AuthorityID{}, drafts: map[team.Ref][]*store.Message{}, cases: map[schemas.AuthorityID][]schemas.CaseID{}}
	for _, m := range messages {
		item, err := readItem(m)
		if err != nil {
			return nil, err
		}
		if m.Direction == store.Out && m.State != store.Discarded {
			h.drafts[item.Ref] = append(h.drafts[item.Ref], m)
		}
		if !m.Counts() {
			continue
		}
		if m.Opens() {
			h.cases[m.Peer()] = append(h.cases[m.Peer()], m.Case)
		}
		if m.Direction == store.Out {
			h.sent[item.Ref] = append(h.sent[item.Ref], m.Recipient)
		}
		h.items = append(h.items, item)
		h.copies = append(h.copies, team.Copy{Ref: item.Ref, To: m.Recipient, Seq: m.Seq})
		h.messages = append(h.messages, m.ID)
	}
	return h, nil
}

// teamOf names the team of an item as its row in the store does, so that one team is read without opening what others
// sent; "" is for all that is no item.
func teamOf(author schemas.AuthorityID, p *schemas.Payload) (string, error) {
	item, err := team.Read(author, p)
	_, refused := errors.AsType[*team.RefusedError](err)
	switch {
	case refused || errors.Is(err, team.ErrNotOfATeam):
		return "", nil
	case err != nil:
		return "", err
	}
	return nameOf(item.Team), nil
}

func nameOf(id team.ID) string { return string(id.Proposer) + " " + string(id.ID) }

// readItem reads an item that stands in the store, and so was validated when it came.
func readItem(m *store.Message) (team.Item, error) {
	if !team.IsItem(m.Type) {
		return team.Item{}, team.ErrNotOfATeam
	}
	if m.Payload == nil { // erased: what the team was is no longer known
		return team.Item{}, team.ErrNotOfATeam
	}
	var p schemas.Payload
	if err := schemas.Decode(m.Payload, &p, schemas.PayloadLimits); err != nil {
		return team.Item{}, fmt.Errorf("reading item in message %s: %w", m.ID, err)
	}
	item, err := team.Read(m.Sender, &p)
	if _, refused := errors.AsType[*team.RefusedError](err); refused {
		return item, team.ErrNotOfATeam // it was rejected when it came, and is kept as evidence only
	}
	return item, err
}

func (h *holdings) find(r team.Ref) (team.Item, bool) {
	for _, i := range h.items {
		if i.Ref == r {
			return i, true
		}
	}
	return team.Item{}, false
}

// sentTo tells whether a peer was sent an item, by what we hold: it wrote it, we sent it, or its author names the peer in
// the audience.
func (h *holdings) sentTo(peer, me schemas.AuthorityID) func(team.Ref) bool {
	return func(r team.Ref) bool {
		item, held := h.find(r)
		switch {
		case !held:
			return false
		case r.Author == me:
			return slices.Contains(h.sent[r], peer)
		}
		return slices.Contains(item.Audience, peer)
	}
}

// checkTeamDraft holds the copies of an item against the team. Messages that are no items pass.
func (a *Agent) checkTeamDraft(tx *store.Tx, copies []*schemas.Draft) error {
	item, err := team.Read(a.me, copies[0].Parsed)
	if errors.Is(err, team.ErrNotOfATeam) {
		return nil
	}
	if err != nil {
		return teamProblem(err)
	}
	h, err := a.holdings(tx, item.Team)
	if err != nil {
		return err
	}
	if len(h.drafts[item.Ref]) > 0 {
		return problem(ReasonTeam, "this item was drafted before", "leave the item's identifier out and one is drawn")
	}
	var recipients []schemas.AuthorityID
	for _, c := range copies {
		recipients = append(recipients, c.To...)
	}
	if err := team.CheckRecipients(item, recipients); err != nil {
		return teamProblem(err)
	}
	for _, peer := range recipients {
		if err := a.checkCopy(h, item, peer); err != nil {
			return teamProblem(err)
		}
	}
	return nil
}

// checkCopy asks everything that the team says of one copy now.
func (a *Agent) checkCopy(h *holdings, item team.Item, peer schemas.AuthorityID) error {
	t := team.Derive(item.Team, h.items, a.now())
	if err := team.CheckItem(t, item, a.now()); err != nil {
		return err
	}
	if err := team.CheckAudience(item, h.find); err != nil {
		return err
	}
	return team.CheckReferences(item, peer, h.sentTo(peer, a.me))
}

func teamProblem(err error) error {
	if refused, ok := errors.AsType[*team.RefusedError](err); ok {
		return problem(ReasonTeam, refused.Error(), refused.Hint)
	}
	return err
}

// keepCopiesAlike refuses to edit one copy of an item: the others would be another item under the same name.
func keepCopiesAlike(m *store.Message) error {
	if team.IsItem(m.Type) {
		return problem(ReasonTeam, "the copies of an item stay alike: one is not edited alone", "discard the copies and draft the item anew")
	}
	return nil
}

// discardCopies gives up the copies of an item beside one that was given up: without that one, none of them can leave.
func (a *Agent) discardCopies(ctx context.Context, by string, id schemas.MessageID) error {
	var copies []*store.Message
	err := a.store.View(ctx, func(tx *store.Tx) error {
		m, err := a.own(tx, id)
		if err != nil {
			return err
		}
		item, err := readItem(m)
		if errors.Is(err, team.ErrNotOfATeam) {
			return nil
		}
		if err != nil {
			return err
		}
		h, err := a.holdings(tx, item.Team)
		if err == nil {
			copies = h.drafts[item.Ref]
		}
		return err
	})
	for _, c := range copies {
		if err != nil || !slices.Contains(editable, c.State) {
			continue
		}
		_, err = a.move(ctx, c.ID, editable, store.Discarded, eventDiscarded, by)
	}
	return err
}
