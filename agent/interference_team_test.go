package agent

import (
	"slices"
	"time"

	"comity/schemas"
	"comity/schemas/team"
)

// A joint investigation team in a story: of three from the beginning, or of two that the State of origin joins later. All
// teams of the examples have one name, so a story tells of one.

// item adds an item of the team. fit completes the body when it is written; where it returns false, the author lacks what it
// would name.
func (p *plot) item(at time.Duration, by schemas.AuthorityID, who about, name string, audience []schemas.AuthorityID, person bool, fit func(*stage, *desk, map[string]any) bool) string {
	p.t.Helper()
	object := deepClone(readLetter(p.t, schemas.Example(schemas.MessageType("jit."+name+"/1")), p.now).object).(map[string]any)
	body := object["body"].(map[string]any)
	for _, member := range []string{"item", "parent", "references", "accession", "informed"} {
		delete(body, member)
	}
	body["audience"] = audience
	delete(object, "subjects")
	if person {
		object["subjects"] = []any{map[string]any{"ref": "p1", "role": "suspect", "identity": map[string]any{}}}
	}
	m := &missive{
		label: p.label("jit." + name), team: true, form: withPerson(object, who), fit: fit,
		to: slices.DeleteFunc(slices.Clone(audience), func(id schemas.AuthorityID) bool { return id == by }),
	}
	p.missive(at, by, who, m)
	return m.label
}

// team tells a team, and what it works on.
func (p *plot) team(at time.Duration, who about) {
	p.t.Helper()
	two, three := []schemas.AuthorityID{qm, qn}, []schemas.AuthorityID{qm, qn, qp}
	if p.one(2) {
		at = p.found(at, who, three)
		p.work(at, who, three, two)
		return
	}
	at = p.found(at, who, two)
	at = p.work(at, who, two, two)
	at = p.accede(at, who, two, three)
	p.work(at, who, three, two)
}

// next is long enough after for a tick and the way to the others.
func (p *plot) next(at time.Duration) time.Duration { return p.after(at, 16, 40) }

// found is everything up to a team that is at work.
func (p *plot) found(at time.Duration, who about, parties []schemas.AuthorityID) time.Duration {
	p.item(at, parties[0], who, "proposal", parties, false, with("proposed_parties", parties[1:]))
	for i, a := range parties[1:] {
		for _, b := range parties[i+2:] {
			at = p.next(at)
			p.item(at, a, who, "team-open", []schemas.AuthorityID{a, b}, false, nil)
		}
	}
	at = p.next(at)
	p.item(at, parties[0], who, "agreement", parties, false, agreementAmong(parties))
	for _, party := range parties {
		at = p.next(at)
		p.item(at, party, who, "signature", parties, false, signed)
	}
	return p.next(at)
}

// accede has the State of origin ask to join, the members vote and accept, and the newcomer sign.
func (p *plot) accede(at time.Duration, who about, before, after []schemas.AuthorityID) time.Duration {
	request := p.item(at, qp, who, "accession-request", after, false, nil)
	accession := func(s *stage, d *desk, body map[string]any) bool {
		ref, found := s.itemOf(d, request)
		body["accession"] = refJSON(ref)
		return found
	}
	for _, member := range before {
		at = p.next(at)
		p.item(at, member, who, "accession-vote", before, false, all(accession, with("vote", "in-favour")))
	}
	for _, member := range before {
		at = p.next(at)
		p.item(at, member, who, "accession-accept", after, false, all(accession, func(s *stage, d *desk, body map[string]any) bool {
			text, found := d.textInForce()
			if !found {
				return false
			}
			body["agreement"], body["until"], body["accepted_on"] = text.Agreement, text.Document.To, s.today()
			return true
		}))
	}
	at = p.next(at)
	p.item(at, before[0], who, "agreement", []schemas.AuthorityID{before[0], qp}, false, agreementAmong(before))
	at = p.next(at)
	p.item(at, qp, who, "signature", after, false, signed)
	return p.next(at)
}

// work is items for all and for some, with and without a person, and answers to them.
func (p *plot) work(at time.Duration, who about, members, some []schemas.AuthorityID) time.Duration {
	var labels []string
	for range 2 + p.IntN(4) {
		audience := members
		if p.one(4) {
			audience = some
		}
		by := audience[p.IntN(len(audience))]
		name := []string{"evidence-item", "team-message", "measure-request"}[p.IntN(3)]
		answered := ""
		if name == "team-message" && len(labels) > 0 {
			answered = labels[p.IntN(len(labels))]
		}
		label := p.item(at, by, who, name, audience, name == "measure-request" || p.one(2), func(s *stage, d *desk, body map[string]any) bool {
			if answered == "" {
				return true
			}
			ref, found := s.itemOf(d, answered)
			body["parent"] = refJSON(ref)
			return found
		})
		labels = append(labels, label)
		at = p.next(at)
	}
	return at
}

func with(member string, value any) func(*stage, *desk, map[string]any) bool {
	return func(_ *stage, _ *desk, body map[string]any) bool { body[member] = value; return true }
}

func all(fits ...func(*stage, *desk, map[string]any) bool) func(*stage, *desk, map[string]any) bool {
	return func(s *stage, d *desk, body map[string]any) bool {
		for _, fit := range fits {
			if !fit(s, d, body) {
				return false
			}
		}
		return true
	}
}

// agreementAmong puts the text of the example to the parties.
func agreementAmong(parties []schemas.AuthorityID) func(*stage, *desk, map[string]any) bool {
	return func(s *stage, _ *desk, body map[string]any) bool {
		body["document"] = agreementOf(s.t, parties, s.clock.Now())
		return true
	}
}

// signed signs the text that the desk holds.
func signed(s *stage, d *desk, body map[string]any) bool {
	text, found := d.textInForce()
	if !found {
		return false
	}
	body["agreement"], body["signed_on"] = text.Agreement, s.today()
	return true
}

func (s *stage) today() string { return s.clock.Now().UTC().Format(time.DateOnly) }

// textInForce is the last text of the team's agreement that a desk holds.
func (d *desk) textInForce() (text team.Item, found bool) {
	for _, i := range d.heldItems() {
		if i.Document != nil {
			text, found = i, true
		}
	}
	return text, found
}

// itemOf names an item as those do who hold it.
func (s *stage) itemOf(d *desk, label string) (team.Ref, bool) {
	s.t.Helper()
	m := s.heldAt(d, label)
	if m == nil {
		return team.Ref{}, false
	}
	item, err := readItem(m)
	return item.Ref, err == nil
}
