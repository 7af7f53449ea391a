package team

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"comity/schemas"
)

const (
	qm = schemas.AuthorityID("QM/justice")
	qn = schemas.AuthorityID("QN/justice")
	qp = schemas.AuthorityID("QP/justice")
	qx = schemas.AuthorityID("QX/justice")
	qy = schemas.AuthorityID("QY/justice")
)

var all = []schemas.AuthorityID{qm, qn, qp}

// day is a moment of a day.
func day(d schemas.Date) time.Time {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		panic(err)
	}
	return t.Add(12 * time.Hour)
}

const (
	before = schemas.Date("2026-10-20") // the team is negotiated
	during = schemas.Date("2027-01-15")
	after  = schemas.Date("2027-11-01") // the agreement ends on 2027-10-31
)

// writer writes items as validated payloads, so that the tests read what an agent would.
type writer struct {
	t testing.TB
	n int
}

// write makes an item of a type from its example with other members.
func (w *writer) write(from schemas.AuthorityID, name string, audience []schemas.AuthorityID, change map[string]any) Item {
	w.t.Helper()
	i, err := w.try(from, name, audience, change)
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return i
}

func (w *writer) try(from schemas.AuthorityID, name string, audience []schemas.AuthorityID, change map[string]any) (Item, error) {
	w.t.Helper()
	w.n++
	var payload map[string]any
	if err := json.Unmarshal(schemas.Example(schemas.MessageType("jit."+name+"/1")), &payload); err != nil {
		w.t.Fatal(err)
	}
	body := payload["body"].(map[string]any)
	body["item"] = fmt.Sprintf("1tem%022d", w.n)
	body["audience"] = audience
	delete(body, "parent")
	delete(body, "references")
	if name == memberRemoval {
		delete(body, "accession")
		delete(body, "informed")
	}
	for member, v := range change {
		if v == nil {
			delete(body, member)
		} else {
			body[member] = v
		}
	}
	raw, err := schemas.Canonical(payload)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := schemas.Validate(raw)
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return Read(from, p)
}

// text is the agreement of the three as its example has it.
func (w *writer) text(from schemas.AuthorityID) Item { return w.write(from, agreement, all, nil) }

func (w *writer) sign(from schemas.AuthorityID, text Item, audience ...schemas.AuthorityID) Item {
	if audience == nil {
		audience = all
	}
	return w.write(from, signature, audience, map[string]any{"agreement": text.Agreement, "signed_on": before})
}

// founding is a team of three that all have signed.
func (w *writer) founding() (items []Item, text Item) {
	items = append(items, w.write(qm, proposal, all, map[string]any{"proposed_parties": all[1:]}))
	text = w.text(qm)
	items = append(items, text)
	for _, a := range all {
		items = append(items, w.sign(a, text))
	}
	return items, text
}

func (w *writer) request(from schemas.AuthorityID, to ...schemas.AuthorityID) Item {
	return w.write(from, accessionRequest, append(to, from), nil)
}

func refOf(r Ref) map[string]any { return map[string]any{"author": r.Author, "item": r.Item} }

func (w *writer) vote(from schemas.AuthorityID, request Item, vote string, members ...schemas.AuthorityID) Item {
	return w.write(from, accessionVote, members, map[string]any{"accession": refOf(request.Ref), "vote": vote})
}

func (w *writer) accept(from schemas.AuthorityID, request, text Item, until schemas.Date, members ...schemas.AuthorityID) Item {
	return w.write(from, accessionAccept, append(members[:len(members):len(members)], request.Author), map[string]any{
		"accession": refOf(request.Ref), "agreement": text.Agreement, "until": until, "accepted_on": during,
	})
}

func (w *writer) remove(from, member schemas.AuthorityID, audience ...schemas.AuthorityID) Item {
	return w.write(from, memberRemoval, audience, map[string]any{"member": member, "agreed_on": during})
}

// tell repeats a removal to newcomers who were promised the member.
func (w *writer) tell(from, member schemas.AuthorityID, newcomer schemas.AuthorityID, members ...schemas.AuthorityID) Item {
	return w.write(from, memberRemoval, append(members[:len(members):len(members)], newcomer), map[string]any{
		"member": member, "agreed_on": during, "informed": []schemas.AuthorityID{newcomer},
	})
}

func (w *writer) extend(from schemas.AuthorityID, until, on schemas.Date, audience ...schemas.AuthorityID) Item {
	return w.write(from, extension, audience, map[string]any{"until": until, "agreed_on": on})
}

func names(t Team) string {
	var list []string
	for _, m := range t.Members {
		list = append(list, string(m.Authority.State()))
	}
	return strings.Join(list, " ")
}

func derive(items []Item, on schemas.Date) Team {
	return Derive(ID{qm, "team000000000000000000000a"}, items, day(on))
}
