package team

import (
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"comity/schemas"
)

func TestFromProposalToActive(t *testing.T) {
	w := &writer{t: t}
	items, _ := w.founding()
	for n, want := range map[int]State{0: Unopened, 1: Proposed, 2: Negotiating, 3: Negotiating, 4: Negotiating, 5: Signed} {
		if got := derive(items[:n], before); got.State != want {
			t.Errorf("after %d items: %s, want %s", n, got.State, want)
		}
	}
	for on, want := range map[schemas.Date]State{before: Signed, "2026-11-02": Active, during: Active, "2027-10-31": Active, after: Expired} {
		if got := derive(items, on); got.State != want || names(got) != "QM QN QP" {
			t.Errorf("on %s: %s of %s, want %s", on, got.State, names(got), want)
		}
	}
}

// Two texts, and the signatures cross: whoever signs which first, the one that all have signed counts, and of two such the later.
func TestSignaturesCross(t *testing.T) {
	w := &writer{t: t}
	first := w.text(qm)
	second := w.write(qn, agreement, all, map[string]any{"document": document(t, map[string]any{"version": 2})})
	signs := []Item{w.sign(qm, first), w.sign(qn, second), w.sign(qp, first), w.sign(qn, first), w.sign(qp, second), w.sign(qm, second)}
	base := []Item{w.write(qm, proposal, all, map[string]any{"proposed_parties": all[1:]}), first, second}
	for n, want := range []string{"", "", "", "", first.Agreement, first.Agreement, second.Agreement} {
		for range 50 {
			items := slices.Concat(base, signs[:n])
			rand.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
			if got := derive(items, before); got.Agreement != want {
				t.Fatalf("after %d signatures the agreement in force is %.8s, want %.8s", n, got.Agreement, want)
			}
		}
	}
}

// document is the text of the example with other members.
func document(t testing.TB, change map[string]any) map[string]any {
	t.Helper()
	var payload struct {
		Body struct {
			Document map[string]any `json:"document"`
		} `json:"body"`
	}
	if err := json.Unmarshal(schemas.Example("jit.agreement/1"), &payload); err != nil {
		t.Fatal(err)
	}
	maps.Copy(payload.Body.Document, change)
	return payload.Body.Document
}

// scene is a set of items whose outcome must not depend on anything but the set.
type scene struct {
	name    string
	items   []Item
	on      schemas.Date
	state   State
	members string
	to      schemas.Date
}

func scenes(t testing.TB) (list []scene) {
	w := &writer{t: t}
	base, text := w.founding()
	end := schemas.Date("2027-10-31")
	add := func(name string, on schemas.Date, state State, members string, to schemas.Date, more ...Item) {
		list = append(list, scene{name, slices.Concat(base, more), on, state, members, to})
	}
	request := w.request(qx, qm)
	votes := []Item{request, w.vote(qm, request, "in-favour", all...), w.vote(qn, request, "in-favour", all...), w.vote(qp, request, "in-favour", all...)}
	accepts := []Item{w.accept(qm, request, text, end, all...), w.accept(qn, request, text, end, all...), w.accept(qp, request, text, end, all...)}
	joins := w.sign(qx, text, qm, qn, qp, qx)
	joined := slices.Concat(votes, accepts, []Item{joins})

	add("a request", during, AccessionVote, "QM QN QP", end, votes[0])
	add("two votes", during, AccessionVote, "QM QN QP", end, votes[:3]...)
	add("a vote against", during, Active, "QM QN QP", end, append(votes[:3:3], w.vote(qp, request, "against", all...))...)
	add("agreed, not accepted by all", during, AccessionVote, "QM QN QP", end, slices.Concat(votes, accepts[:2], []Item{joins})...)
	add("accepted, not signed", during, AccessionVote, "QM QN QP", end, slices.Concat(votes, accepts)...)
	add("joined", during, Active, "QM QN QP QX", end, joined...)
	add("accepted without telling one", during, AccessionVote, "QM QN QP", end,
		request, w.accept(qm, request, text, end, qm, qn), w.accept(qn, request, text, end, qm, qn), joins)

	add("removal by one", during, Active, "QM QN QP", end, w.remove(qm, qp, all...))
	add("removal by all others", during, Active, "QM QN", end, w.remove(qm, qp, all...), w.remove(qn, qp, all...))
	add("removal by different decisions", during, Active, "QM QN QP", end, w.remove(qm, qp, qm, qn, qp), w.remove(qn, qp, qm, qn, qp, qx))
	add("leaves by itself", during, Active, "QM QP", end, w.remove(qn, qn, all...))
	add("each removes the other", during, Active, "QM QN QP", end, w.remove(qm, qn, qm, qn), w.remove(qn, qm, qm, qn))

	gone := []Item{w.remove(qm, qp, all...), w.remove(qn, qp, all...)}
	add("accession against removal", during, AccessionVote, "QM QN", end, slices.Concat(joined, gone)...)
	told := []Item{w.tell(qm, qp, qx, all...), w.tell(qn, qp, qx, all...)}
	add("accession against removal, and the newcomer is told", during, Active, "QM QN QX", end, slices.Concat(joined, gone, told)...)
	later := []Item{w.accept(qm, request, text, end, qm, qn), w.accept(qn, request, text, end, qm, qn)}
	add("accession after removal", during, Active, "QM QN QX", end, slices.Concat(votes, gone, later, []Item{joins})...)
	add("a newcomer is removed", during, Active, "QM QN QP", end, append(joined[:len(joined):len(joined)],
		w.removeNewcomer(qm, request), w.removeNewcomer(qn, request), w.removeNewcomer(qp, request))...)

	far := schemas.Date("2028-04-30")
	ext := func(on schemas.Date, audience ...schemas.AuthorityID) (items []Item) {
		for _, a := range all {
			items = append(items, w.extend(a, far, on, audience...))
		}
		return items
	}
	add("extension by two", after, Expired, "QM QN QP", end, ext(during, all...)[:2]...)
	add("extension by all", after, Extended, "QM QN QP", far, ext(during, all...)...)
	add("extension on the last day", after, Extended, "QM QN QP", far, ext(end, all...)...)
	add("extension after expiry", after, Expired, "QM QN QP", end, ext(after, all...)...)
	add("extension, one consent after expiry", after, Expired, "QM QN QP", end, append(ext(during, all...)[:2], w.extend(qp, far, after, all...))...)
	add("extension against removal", after, Extended, "QM QN", far, append(ext(during, all...)[:2], gone...)...)
	add("extension against accession", during, Active, "QM QN QP QX", end, append(joined[:len(joined):len(joined)], ext(during, all...)...)...)
	add("extension with the newcomer", during, Extended, "QM QN QP QX", far, append(joined[:len(joined):len(joined)],
		append(ext(during, qm, qn, qp, qx), w.extend(qx, far, during, qm, qn, qp, qx))...)...)

	stage := func(from schemas.AuthorityID, s string) Item {
		return w.write(from, closing, all, map[string]any{"stage": s})
	}
	winding := []Item{stage(qm, windingDown), stage(qn, windingDown), stage(qp, windingDown)}
	evaluations := []Item{w.write(qm, evaluation, all, nil), w.write(qn, evaluation, all, nil), w.write(qp, evaluation, all, nil)}
	ended := []Item{stage(qm, final), stage(qn, final), stage(qp, final)}
	add("winding down, by two", during, Active, "QM QN QP", end, winding[:2]...)
	add("winding down", during, Closing, "QM QN QP", end, winding...)
	add("winding down past the last day", after, Expired, "QM QN QP", end, winding...)
	add("evaluated", during, Evaluated, "QM QN QP", end, slices.Concat(winding, evaluations)...)
	add("evaluated after expiry", after, Evaluated, "QM QN QP", end, evaluations...)
	add("closed", during, Closed, "QM QN QP", end, slices.Concat(winding, evaluations, ended)...)
	add("closed without evaluation", during, Closing, "QM QN QP", end, slices.Concat(winding, evaluations[:2], ended)...)
	return list
}

func (w *writer) removeNewcomer(from schemas.AuthorityID, request Item) Item {
	return w.write(from, memberRemoval, []schemas.AuthorityID{qm, qn, qp, qx}, map[string]any{
		"member": qx, "accession": refOf(request.Ref), "agreed_on": during,
	})
}

// Each scene has its outcome whatever the order, and whatever is given twice.
func TestOneOutcome(t *testing.T) {
	for _, s := range scenes(t) {
		t.Run(s.name, func(t *testing.T) {
			want := derive(s.items, s.on)
			if want.State != s.state || names(want) != s.members || want.To != s.to {
				t.Fatalf("%s of %s until %s; want %s of %s until %s", want.State, names(want), want.To, s.state, s.members, s.to)
			}
			items := slices.Clone(s.items)
			for range 100 {
				rand.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
				got := derive(append(items, items[:rand.IntN(len(items))]...), s.on)
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("another order gives %s of %s until %s", got.State, names(got), got.To)
				}
			}
		})
	}
}

// All orders of arrival of the decisive items, one by one: each set on the way has one team, and so has the end.
func TestEveryInterleaving(t *testing.T) {
	w := &writer{t: t}
	base, text := w.founding()
	const end, far = schemas.Date("2027-10-31"), schemas.Date("2028-04-30")
	request := w.request(qx, qm, qn, qp)
	accepts := []Item{w.accept(qm, request, text, end, all...), w.accept(qn, request, text, end, all...), w.accept(qp, request, text, end, all...)}
	removal := []Item{w.remove(qm, qp, all...), w.remove(qn, qp, all...)}
	second := w.write(qn, agreement, all, map[string]any{"document": document(t, map[string]any{"version": 2})})
	extended := []Item{w.extend(qm, far, during, all...), w.extend(qn, far, during, all...), w.extend(qp, far, during, all...)}
	tests := []struct {
		name    string
		before  []Item
		moving  []Item
		on      schemas.Date
		state   State
		members string
	}{
		{"accession against removal", base, append(append(slices.Clone(accepts), w.sign(qx, text, qm, qn, qp, qx)), removal...), during, AccessionVote, "QM QN"},
		{"signatures of two texts", append(slices.Clone(base[:2]), second), []Item{
			w.sign(qm, text), w.sign(qn, second), w.sign(qp, text), w.sign(qn, text), w.sign(qp, second), w.sign(qm, second),
		}, during, Active, "QM QN QP"},
		{"extension against removal, past the last day", base, append(slices.Clone(extended), removal...), after, Extended, "QM QN"},
		{"extension that one agrees too late", base, append(slices.Clone(extended[:2]), w.extend(qp, far, after, all...), w.write(qm, evaluation, all, nil)), after, Expired, "QM QN QP"},
		{"extension against accession", base, append(append(slices.Clone(accepts), w.sign(qx, text, qm, qn, qp, qx)), extended...), after, Expired, "QM QN QP QX"},
	}
	covered := 0
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			seen := map[uint]Team{}
			permute(test.moving, func(order []Item) {
				covered++
				var set uint
				held := slices.Clone(test.before)
				for _, i := range order {
					held = append(held, i)
					set |= 1 << slices.IndexFunc(test.moving, func(x Item) bool { return x.Ref == i.Ref })
					got := derive(held, test.on)
					if known, ok := seen[set]; ok && !reflect.DeepEqual(known, got) {
						t.Fatal("two teams from one set")
					}
					seen[set] = got
				}
			})
			got := seen[1<<len(test.moving)-1]
			if got.State != test.state || names(got) != test.members {
				t.Errorf("%s of %s, want %s of %s", got.State, names(got), test.state, test.members)
			}
			if test.members == "QM QN" && got.StateFor(qp) != MemberRemoved {
				t.Errorf("QP is told that the team is %s", got.StateFor(qp))
			}
		})
	}
	t.Logf("%d interleavings", covered)
}

func permute(items []Item, visit func([]Item)) {
	order := slices.Clone(items)
	var walk func(int)
	walk = func(k int) {
		if k == len(order) {
			visit(order)
			return
		}
		for i := k; i < len(order); i++ {
			order[k], order[i] = order[i], order[k]
			walk(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	walk(0)
}

func wantRefused(t *testing.T, err error, reason Reason) {
	t.Helper()
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok || refused.Reason != reason || refused.Hint == "" {
		t.Errorf("got %v, want %s and a hint", err, reason)
	}
}
