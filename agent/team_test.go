package agent

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki"
	"comity/schemas"
	"comity/schemas/team"
)

func TestATeamOfThree(t *testing.T) {
	w := newWorld(t)
	m, n, p := w.desks[qm], w.desks[qn], w.desks[qp]
	three := []schemas.AuthorityID{qm, qn, qp}
	text := w.found(t, three...)
	for _, d := range []*desk{m, n, p} {
		if got := d.team(); got.State != team.Active || len(got.Members) != 3 || got.Agreement != text.Agreement {
			t.Fatalf("%s sees a team that is %s with %d members", d.me, got.State, len(got.Members))
		}
	}

	// Evidence for all, an item for one, and what must not refer to it.
	toAll := m.share("evidence-item", three, nil)
	pair := []schemas.AuthorityID{qm, qn}
	bilateral := m.share("team-message", pair, nil)
	m.refusesItem("team-message", three, map[string]any{"references": []any{refJSON(bilateral)}}, team.ReferenceNotSent)
	n.refusesItem("team-message", three, map[string]any{"parent": refJSON(bilateral)}, team.BeyondParent)
	n.refusesItem("team-message", three, map[string]any{"references": []any{refJSON(bilateral)}}, team.ReferenceNotSent)
	p.refusesItem("team-message", three, map[string]any{"parent": refJSON(bilateral)}, team.UnknownItem)
	n.share("team-message", pair, map[string]any{"parent": refJSON(bilateral)})
	p.share("team-message", three, map[string]any{"parent": refJSON(toAll)})

	// QP sees neither the item nor a gap where it would stand.
	if _, ok := find(p.heldItems(), bilateral); ok {
		t.Fatal("QP holds an item that was for others")
	}
	// Without the file: QN sent the same one for QM alone, onward none.
	m.share("team-message", three, map[string]any{"references": []any{refJSON(toAll)}, "files": nil})
	for _, d := range []*desk{n, p} {
		if got, want := numbersFrom(t, d, qm), numbersFrom(t, m, qm, d.me); !slices.Equal(got, want) || !isCount(got) {
			t.Errorf("%s numbers the items from QM %v, QM numbers them %v", d.me, got, want)
		}
	}
	for _, d := range []*desk{m, n, p} {
		if up := d.alarms(); len(up) > 0 {
			t.Errorf("%s has alarms: %v", d.me, up)
		}
	}

	// Removal: from the next item on QP is sent nothing, and knows why.
	for _, d := range []*desk{m, n} {
		d.share("member-removal", three, map[string]any{"member": qp, "agreed_on": w.clock.Now().Format(time.DateOnly)})
	}
	m.refusesItem("evidence-item", three, nil, team.AudienceStranger)
	p.refusesItem("evidence-item", three, nil, team.NotAMember)
	m.share("evidence-item", pair, nil)
	if got := p.team().StateFor(qp); got != team.MemberRemoved {
		t.Errorf("QP is told that the team is %s", got)
	}

	// Expiry: the team can be read, evaluated and closed.
	w.clock.Advance(21 * 24 * time.Hour)
	w.renew(t)
	for _, d := range []*desk{m, n} {
		if got := d.team().State; got != team.Expired {
			t.Errorf("%s sees a team that is %s", d.me, got)
		}
		d.refusesItem("evidence-item", pair, nil, team.ReadOnly)
		d.refusesItem("team-message", pair, nil, team.ReadOnly)
		d.share("evaluation", pair, nil)
	}
	if got := m.team().State; got != team.Evaluated {
		t.Errorf("after both evaluations the team is %s", got)
	}
}

// QP joins a team of two: it is sent nothing from before, and nobody may refer it to that.
func TestAccessionBringsNoHistory(t *testing.T) {
	w := newWorld(t)
	m, n, p := w.desks[qm], w.desks[qn], w.desks[qp]
	two, three := []schemas.AuthorityID{qm, qn}, []schemas.AuthorityID{qm, qn, qp}
	text := w.found(t, two...)
	old := m.share("evidence-item", two, nil)
	request := p.share("accession-request", three, nil)
	accession := map[string]any{"accession": refJSON(request)}
	m.refusesItem("accession-accept", three, map[string]any{
		"accession": refJSON(request), "agreement": text.Agreement, "until": text.Document.To, "accepted_on": w.clock.Now().Format(time.DateOnly),
	}, team.NotAgreed)
	for _, d := range []*desk{m, n} {
		d.share("accession-vote", two, map[string]any{"accession": accession["accession"], "vote": "in-favour"})
	}
	for _, d := range []*desk{m, n} {
		d.share("accession-accept", three, map[string]any{
			"accession": refJSON(request), "agreement": text.Agreement, "until": text.Document.To, "accepted_on": w.clock.Now().Format(time.DateOnly),
		})
	}
	m.refusesItem("evidence-item", three, nil, team.AudienceStranger) // it has not signed yet
	m.share("agreement", []schemas.AuthorityID{qm, qp}, map[string]any{"document": agreementOf(t, two, w.clock.Now())})
	p.share("signature", three, map[string]any{"agreement": text.Agreement, "signed_on": w.clock.Now().Format(time.DateOnly)})
	for _, d := range []*desk{m, n, p} {
		if got := d.team(); got.State != team.Active || len(got.Members) != 3 || got.To != text.Document.To {
			t.Fatalf("%s sees a team that is %s with %d members until %s", d.me, got.State, len(got.Members), got.To)
		}
	}
	if _, ok := find(p.heldItems(), old); ok {
		t.Fatal("the newcomer was sent history")
	}
	m.refusesItem("team-message", three, map[string]any{"references": []any{refJSON(old)}}, team.ReferenceNotSent)
	m.share("evidence-item", three, nil)
}

// Nothing is sealed for anybody until every copy is approved.
func TestAnItemWaitsUntilItsAudienceIsSettled(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	three := []schemas.AuthorityID{qm, qn, qp}
	w.found(t, three...)
	made, err := m.Draft(t.Context(), "officer-1", itemDraft(t, qm, "evidence-item", three, nil))
	if err != nil || len(made) != 2 {
		t.Fatalf("%d copies, %v", len(made), err)
	}
	approve := func(i int) {
		if _, err := m.Approve(t.Context(), "approver", made[i].ID, made[i].SHA256, nil); err != nil {
			t.Fatal(err)
		}
	}
	approve(0)
	m.seal(made[0].ID)
	if got := m.message(qm, made[0].ID); got.State != store.Approved || got.Seq != 0 {
		t.Fatalf("one copy is %s with number %d while the other is unapproved", got.State, got.Seq)
	}
	edited := strings.Replace(string(itemDraft(t, qm, "evidence-item", []schemas.AuthorityID{qm, qn}, map[string]any{"item": schemas.NewMessageID()})),
		`"channel"`, `"case":"`+string(made[0].Case)+`","channel"`, 1)
	_, err = m.Edit(t.Context(), "officer-1", made[0].ID, []byte(edited))
	wantProblem(t, err, ReasonTeam)
	approve(1)
	given, err := m.Draft(t.Context(), "officer-1", itemDraft(t, qm, "evidence-item", three, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Discard(t.Context(), "officer-1", given[0].ID); err != nil {
		t.Fatal(err)
	}
	if got := m.message(qm, given[1].ID); got.State != store.Discarded {
		t.Errorf("one copy was given up and the other is %s", got.State)
	}
	for _, copied := range made {
		m.seal(copied.ID)
		if got := m.message(qm, copied.ID); got.State != store.Sent {
			t.Fatalf("copy is %s %s", got.State, got.Reason)
		}
	}
	// Each copy has its own case, and the same body.
	one, two := m.message(qm, made[0].ID), m.message(qm, made[1].ID)
	a, errA := readItem(one)
	b, errB := readItem(two)
	if errA != nil || errB != nil || a.SHA256 != b.SHA256 || one.Case == two.Case {
		t.Errorf("the copies are not one item in two cases: %v, %v", errA, errB)
	}
}

// What policy stops for one is sealed for nobody, whichever copy is looked at first.
func TestAnItemStoppedForOneLeavesForNobody(t *testing.T) {
	for first := range 2 {
		w := newWorld(t)
		m := w.desks[qm]
		three := []schemas.AuthorityID{qm, qn, qp}
		w.found(t, three...)
		made := m.approveAll(itemDraft(t, qm, "evidence-item", three, nil))
		w.scheme.EditTrustList(t, func(list *pki.TrustList) {
			list.Agreements = slices.DeleteFunc(list.Agreements, func(a pki.Agreement) bool {
				return slices.Contains(a.Parties, "QM") && slices.Contains(a.Parties, "QP")
			})
		})
		w.publish(t)
		m.seal(made[first].ID)
		m.seal(made[1-first].ID)
		for _, copied := range made {
			got := m.message(qm, copied.ID)
			want := store.Approved
			if got.Recipient == qp {
				want = store.UnderReview
			}
			if got.State != want || got.Seq != 0 || got.Wire != nil {
				t.Errorf("the copy for %s is %s with number %d", got.Recipient, got.State, got.Seq)
			}
		}
		if n := outboxDepth(t, m); n != 0 {
			t.Errorf("%d rows in the outbox", n)
		}
	}
}

// The three sign at the same time, and everything arrives in any order, some of it twice: they end in one team.
func TestSignaturesCrossBetweenThree(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 3))
		w := newWorld(t)
		three := []schemas.AuthorityID{qm, qn, qp}
		var bag []*store.Parcel
		text := w.negotiate(t, three...)
		for _, a := range three {
			d := w.desks[a]
			made := d.approveAll(itemDraft(t, a, "signature", three, map[string]any{
				"agreement": text.Agreement, "signed_on": w.clock.Now().Format(time.DateOnly),
			}))
			for _, m := range made {
				d.seal(m.ID)
			}
			bag = append(bag, d.outgoing()...)
		}
		for len(bag) > 0 {
			r.Shuffle(len(bag), func(i, j int) { bag[i], bag[j] = bag[j], bag[i] })
			bag = deliverSome(w, bag, r)
		}
		w.carry(t)
		for _, a := range three {
			d := w.desks[a]
			if got := d.team(); got.State != team.Active || got.Agreement != text.Agreement || len(got.Members) != 3 {
				t.Errorf("seed %d: %s sees a team that is %s with %d members", seed, a, got.State, len(got.Members))
			}
			for _, b := range three {
				if a != b && d.state(d.caseWith(b)) != "signed" {
					t.Errorf("seed %d: the case of %s with %s is %s", seed, a, b, d.state(d.caseWith(b)))
				}
			}
		}
	}
}

// What changes between draft and release counts: an item approved before a removal does not reach the one who left.
func TestRemovalStopsWhatWasApproved(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	three := []schemas.AuthorityID{qm, qn, qp}
	w.found(t, three...)
	waiting := m.approveAll(itemDraft(t, qm, "evidence-item", three, nil))
	for _, d := range []*desk{m, n} {
		d.share("member-removal", three, map[string]any{"member": qp, "agreed_on": w.clock.Now().Format(time.DateOnly)})
	}
	for _, copied := range waiting {
		m.seal(copied.ID)
		if got := m.message(qm, copied.ID); got.State == store.Sent || got.Seq != 0 {
			t.Errorf("the copy for %s was sealed", got.Recipient)
		}
	}
	if got := m.message(qm, waiting[0].ID); got.State != store.Returned || got.Reason != ReasonTeam {
		t.Errorf("the item is %s %s, and its author is not told", got.State, got.Reason)
	}
}

// A peer's agent that asks nothing cannot put an item where it does not belong.
func TestAPeersIllegalItemIsRejected(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	w.found(t, qm, qn)
	pairCase := n.caseWith(qm)
	others := map[string]struct {
		change map[string]any
		reason envelope.Rejection
	}{
		"an audience without us": {map[string]any{"audience": []schemas.AuthorityID{qn, qp}}, envelope.RejectedParty},
		"an audience without it": {map[string]any{"audience": []schemas.AuthorityID{qm, qp}}, envelope.RejectedSchema},
		"a team of another case": {map[string]any{"audience": []schemas.AuthorityID{qm, qn}, "team": map[string]any{"proposer": qn, "id": teamOfThree.ID}}, envelope.RejectedParty},
	}
	for name, other := range others {
		t.Run(name, func(t *testing.T) {
			item := itemDraft(t, qn, "team-message", []schemas.AuthorityID{qm, qn}, other.change)
			var object map[string]any
			if err := json.Unmarshal(item, &object); err != nil {
				t.Fatal(err)
			}
			delete(object, "to")
			object["case"] = string(pairCase)
			object["body"].(map[string]any)["item"] = schemas.NewMessageID()
			payload, err := schemas.Canonical(object)
			if err != nil {
				t.Fatal(err)
			}
			seq := nextFrom(t, m, qn)
			m.take(n.forge(qm, payload, seq, chainOf(t, m, qn), func(h map[string]any) {
				h["channel"], h["seen"] = "jit", sentTo(t, m, qn)
			}))
			if r := lastReceipt(t, m, n); r.Outcome != envelope.Rejected || r.Reason != other.reason {
				t.Errorf("the sender is told %s, want %s", fmt.Sprint(r.Outcome, r.Reason), other.reason)
			}
		})
	}
	if got := m.team(); got.State != team.Active {
		t.Errorf("the team is %s", got.State)
	}
}
