package agent

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/store"
	"comity/schemas"
	"comity/schemas/team"
)

var teamOfThree = team.ID{Proposer: qm, ID: "team000000000000000000000a"}

// itemDraft is the example of a type of the team as a draft, with the identifiers left to the agent.
func itemDraft(t *testing.T, from schemas.AuthorityID, name string, audience []schemas.AuthorityID, change map[string]any) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(schemas.Example(schemas.MessageType("jit."+name+"/1")), &object); err != nil {
		t.Fatal(err)
	}
	delete(object, "case")
	object["to"] = slices.DeleteFunc(slices.Clone(audience), func(a schemas.AuthorityID) bool { return a == from })
	body := object["body"].(map[string]any)
	for _, member := range []string{"item", "parent", "references", "accession", "informed"} {
		delete(body, member)
	}
	body["audience"] = audience
	for member, v := range change {
		body[member] = v
	}
	if body["files"] == nil { // given as nil: an item without a file
		delete(body, "files")
		delete(object, "attachments")
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// approveAll drafts an item and approves every copy.
func (d *desk) approveAll(draft []byte) []api.Message {
	d.t.Helper()
	made, err := d.Draft(d.t.Context(), "officer-1", draft)
	if err != nil {
		d.t.Fatalf("%s drafting: %v %+v", d.me, err, defectsOf(err))
	}
	for _, m := range made {
		if _, err := d.Approve(d.t.Context(), "approver", m.ID, m.SHA256, d.proof(d.t, "approver", api.SignApproval, m.ID, m.SHA256)); err != nil {
			d.t.Fatal(err)
		}
	}
	return made
}

// share sends an item to its audience and carries it there.
func (d *desk) share(name string, audience []schemas.AuthorityID, change map[string]any) team.Ref {
	d.t.Helper()
	made := d.approveAll(itemDraft(d.t, d.me, name, audience, change))
	for _, m := range made {
		d.seal(m.ID)
		if sent := d.message(d.me, m.ID); sent.State != store.Sent {
			d.t.Fatalf("%s: copy of %s for %s is %s %s", d.me, name, sent.Recipient, sent.State, sent.Reason)
		}
	}
	d.w.carry(d.t)
	item, err := readItem(d.message(d.me, made[0].ID))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, m := range made {
		if got := d.w.desks[m.To].message(d.me, m.ID); got.State != store.Received {
			d.t.Fatalf("%s: copy of %s at %s is %s %s", d.me, name, m.To, got.State, got.Reason)
		}
	}
	return item.Ref
}

func (d *desk) team() team.Team {
	d.t.Helper()
	return team.Derive(teamOfThree, d.heldItems(), d.now())
}

// refusesItem drafts what the team must not take.
func (d *desk) refusesItem(name string, audience []schemas.AuthorityID, change map[string]any, reason team.Reason) {
	d.t.Helper()
	_, err := d.Draft(d.t.Context(), "officer-1", itemDraft(d.t, d.me, name, audience, change))
	wantProblem(d.t, err, ReasonTeam)
	if err != nil && !strings.Contains(err.Error(), string(reason)) {
		d.t.Errorf("%s: %s is refused with %v, want %s", d.me, name, err, reason)
	}
}

func refJSON(r team.Ref) map[string]any { return map[string]any{"author": r.Author, "item": r.Item} }

// found sets up a team among some of the three desks, and leaves it active.
func (w *world) found(t *testing.T, parties ...schemas.AuthorityID) (text team.Item) {
	t.Helper()
	text = w.negotiate(t, parties...)
	for _, p := range parties {
		w.desks[p].share("signature", parties, map[string]any{"agreement": text.Agreement, "signed_on": w.clock.Now().Format(time.DateOnly)})
	}
	return text
}

// negotiate proposes a team, opens a case between each two, and puts a text to all.
func (w *world) negotiate(t *testing.T, parties ...schemas.AuthorityID) (text team.Item) {
	t.Helper()
	m := w.desks[parties[0]]
	m.share("proposal", parties, map[string]any{"proposed_parties": parties[1:]})
	for i, a := range parties[1:] { // the proposer has a case with each; each two others open one
		for _, b := range parties[i+2:] {
			w.desks[a].share("team-open", []schemas.AuthorityID{a, b}, nil)
		}
	}
	m.share("agreement", parties, map[string]any{"document": agreementOf(t, parties, w.clock.Now())})
	for _, i := range m.heldItems() {
		if i.Document != nil {
			text = i
		}
	}
	return text
}

func (d *desk) heldItems() (items []team.Item) {
	d.t.Helper()
	err := d.store.View(d.t.Context(), func(tx *store.Tx) error {
		h, err := d.holdings(tx, teamOfThree)
		items = h.items
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return items
}

// agreementOf is the text of the example for these parties, for 20 days from now.
func agreementOf(t *testing.T, parties []schemas.AuthorityID, now time.Time) map[string]any {
	t.Helper()
	var payload struct {
		Body struct {
			Document map[string]any `json:"document"`
		} `json:"body"`
	}
	if err := json.Unmarshal(schemas.Example("jit.agreement/1"), &payload, json.RejectUnknownMembers(false)); err != nil {
		t.Fatal(err)
	}
	text := payload.Body.Document
	var states []schemas.StateCode
	var leaders []map[string]any
	for _, p := range parties {
		states = append(states, p.State())
		leaders = append(leaders, map[string]any{"state": p.State(), "authority": p, "function": "Prosecutor"})
	}
	text["parties"], text["operating_states"], text["leaders"] = parties, states, leaders
	text["from"], text["to"] = now.Format(time.DateOnly), now.AddDate(0, 0, 20).Format(time.DateOnly)
	return text
}

func (d *desk) caseWith(peer schemas.AuthorityID) schemas.CaseID {
	d.t.Helper()
	found, err := d.caseOfTeam(d.t.Context(), teamOfThree, peer)
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}

func pairOf(t *testing.T, d *desk, peer schemas.AuthorityID) (pair store.Pair) {
	t.Helper()
	err := d.store.View(t.Context(), func(tx *store.Tx) (err error) { pair, err = tx.Pair(peer); return err })
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func nextFrom(t *testing.T, d *desk, peer schemas.AuthorityID) uint64 {
	return pairOf(t, d, peer).Received + 1
}

func sentTo(t *testing.T, d *desk, peer schemas.AuthorityID) uint64 { return pairOf(t, d, peer).Sent }

func find(items []team.Item, r team.Ref) (team.Item, bool) {
	i := slices.IndexFunc(items, func(i team.Item) bool { return i.Ref == r })
	if i < 0 {
		return team.Item{}, false
	}
	return items[i], true
}

// numbersFrom lists the numbers of the items of an author, as a desk counts those for itself or for another.
func numbersFrom(t *testing.T, d *desk, author schemas.AuthorityID, to ...schemas.AuthorityID) (numbers []int) {
	t.Helper()
	peer := append(to, author)[0]
	shown, err := d.Case(t.Context(), string(d.caseWith(peer)))
	if err != nil || shown.Team == nil {
		t.Fatalf("the case with %s shows no team: %v", peer, err)
	}
	for _, i := range shown.Team.Items {
		if i.Author == author {
			numbers = append(numbers, i.Number)
		}
	}
	return numbers
}

func isCount(numbers []int) bool {
	for i, n := range numbers {
		if n != i+1 {
			return false
		}
	}
	return len(numbers) > 0
}
