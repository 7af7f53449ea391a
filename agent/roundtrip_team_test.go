package agent

import (
	"testing"
	"time"

	"comity/agent/store"
	"comity/schemas"
	"comity/schemas/team"
)

// fitted are the members of an item that name other items, members, days and texts: those of the examples are of a team
// that does not exist.
func fitted() []string {
	return []string{
		"team", "item", "audience", "parent", "references", "accession", "informed", "proposed_parties", "member",
		"document", "agreement", "signed_on", "agreed_on", "accepted_on", "until",
	}
}

// tour is one team whose items make the trip.
type tour struct {
	*trips
	t    *testing.T
	w    *world
	team team.ID
}

// tellTeams plays what two members and three send one another. In a team an item goes to everybody in its audience, each
// copy in the case of that pair.
func (r *trips) tellTeams(t *testing.T) {
	w := newWorldOf(t, qm, qn, qp)
	tellOf := func(letter string, tell func(tour)) {
		t.Run("team "+letter, func(t *testing.T) {
			tell(tour{r, t, w, team.ID{Proposer: qm, ID: schemas.MessageID("team00000000000000000000" + "0" + letter)}})
		})
	}
	tellOf("a", tour.workOfThree)
	tellOf("b", tour.accession)
	tellOf("c", tour.refusal)
}

// item sends the example of an item to its audience.
func (r tour) item(by schemas.AuthorityID, name string, audience []schemas.AuthorityID, change map[string]any) team.Item {
	r.t.Helper()
	named := map[string]any{"team": map[string]any{"proposer": r.team.Proposer, "id": r.team.ID}}
	for member, v := range change {
		named[member] = v
	}
	d := r.w.desks[by]
	made := d.approveAll(itemDraft(r.t, by, name, audience, named))
	if len(made) != len(audience)-1 {
		r.t.Fatalf("%s makes %d copies for an audience of %d", name, len(made), len(audience))
	}
	for _, m := range made {
		d.seal(m.ID)
	}
	r.w.carry(r.t)
	var item team.Item
	for _, m := range made {
		sent := r.w.arrived(r.t, by, m.To, m.ID, m.SHA256)
		sameAsExample(r.t, sent.Type, sent.Payload, fitted()...)
		got, err := readItem(r.w.desks[m.To].message(by, m.ID))
		if err != nil || item.SHA256 != "" && got.SHA256 != item.SHA256 {
			r.t.Fatalf("the copy of %s for %s is another item, or none: %v", name, m.To, err)
		}
		item = got
		r.note(sent.Type)
	}
	return item
}

// pair sends an example that is no item from one member to another, in answer to a message or to none.
func (r tour) pair(from, to schemas.AuthorityID, name string, answered *store.Message) *store.Message {
	r.t.Helper()
	in, err := r.w.desks[from].caseOfTeam(r.t.Context(), r.team, to)
	if err != nil {
		r.t.Fatal(err)
	}
	var reply schemas.MessageID
	if answered != nil {
		reply = answered.ID
	}
	sent := r.w.trip(r.t, from, to, draft(r.t, to, "jit."+name, in, reply))
	sameAsExample(r.t, sent.Type, sent.Payload)
	r.note(sent.Type)
	return sent
}

// sign puts a text to the parties and has all of them sign it.
func (r tour) sign(parties []schemas.AuthorityID) (text team.Item, last team.Item) {
	r.t.Helper()
	document := agreementOf(r.t, parties, r.w.clock.Now())
	document["team"] = map[string]any{"proposer": r.team.Proposer, "id": r.team.ID}
	text = r.item(parties[0], "agreement", parties, map[string]any{"document": document})
	for _, p := range parties {
		last = r.item(p, "signature", parties, map[string]any{"agreement": text.Agreement, "signed_on": r.day(0)})
	}
	return text, last
}

func (r tour) day(n int) string { return r.w.clock.Now().AddDate(0, 0, n).Format(time.DateOnly) }

func (r tour) workOfThree() {
	three := []schemas.AuthorityID{qm, qn, qp}
	r.item(qm, "proposal", three, map[string]any{"proposed_parties": three[1:]})
	r.pair(qn, qm, "acknowledgement", nil)
	r.item(qn, "team-open", three[1:], nil)
	_, signature := r.sign(three)
	r.pair(qn, qm, "confidentiality-limit", nil)

	// What one item rests on is named, as in the examples.
	on := func(parent team.Item) map[string]any {
		return map[string]any{"parent": refJSON(parent.Ref), "references": []any{refJSON(signature.Ref)}}
	}
	seconded := r.item(qn, "secondment", three, nil)
	measure := r.item(qm, "measure-request", three, on(seconded))
	r.item(qp, "evidence-item", three, on(measure))
	r.item(qn, "team-message", three, on(measure))

	r.pair(qn, qm, "use-consent-decision", r.pair(qm, qn, "use-consent-request", nil))
	r.pair(qm, qn, "exculpatory-notice", nil)
	r.pair(qn, qm, "withdrawal-confirmation", r.pair(qm, qn, "withdrawal", nil))

	r.item(qm, "extension", three, map[string]any{"until": r.day(40), "agreed_on": r.day(0)})
	r.item(qm, "member-removal", three, map[string]any{"member": qp, "agreed_on": r.day(0)})
	r.item(qm, "close", three, nil)
	r.item(qn, "evaluation", three, nil)
}

// accession is the way into a team of two: the first request is voted down, as in the example of a vote.
func (r tour) accession() {
	two, three := []schemas.AuthorityID{qm, qn}, []schemas.AuthorityID{qm, qn, qp}
	r.item(qm, "proposal", two, map[string]any{"proposed_parties": two[1:]})
	text, _ := r.sign(two)
	refused := r.item(qp, "accession-request", three, nil)
	r.item(qm, "accession-vote", two, map[string]any{"accession": refJSON(refused.Ref)})
	again := r.item(qp, "accession-request", three, nil)
	for _, leader := range two { // a vote that is not the example's
		made := r.w.desks[leader].approveAll(itemDraft(r.t, leader, "accession-vote", two, map[string]any{
			"team": map[string]any{"proposer": r.team.Proposer, "id": r.team.ID}, "accession": refJSON(again.Ref), "vote": "in-favour",
		}))
		r.w.desks[leader].seal(made[0].ID)
		r.w.carry(r.t)
	}
	r.item(qm, "accession-accept", three, map[string]any{
		"accession": refJSON(again.Ref), "agreement": text.Agreement, "until": text.Document.To, "accepted_on": r.day(0),
	})
}

func (r tour) refusal() {
	two := []schemas.AuthorityID{qm, qn}
	r.item(qm, "proposal", two, map[string]any{"proposed_parties": two[1:]})
	r.pair(qn, qm, "decision", nil)
}
