package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"comity/agent/register"
	"comity/schemas"
)

// standing is one person as one entry of the register shows them, or as nobody registered. Somebody who is like three
// entries has four standings; the worst counts.
type standing struct {
	*person
	match   register.Match
	status  register.Status
	certain bool // rests on an equal document number, on the gate record, or on there being no entry
	origins origins
}

// protected tells whether the person is in P by register or gate record. Unknown is neither.
func (s standing) protected() bool {
	return s.status != register.None && s.status != register.Unknown
}

// sure are the States of the origin set that do not rest on likeness.
func (s standing) sure() stateSet {
	if s.certain {
		return s.origins.all()
	}
	return s.person.origins.all()
}

// line says everything that the rules know of the standing, for the digest of a decision.
func (s standing) line() string {
	return fmt.Sprintf("%s %s %q %s %t %t %t %v %v", s.ref, s.role, s.match.Entry, s.status, s.certain, s.match.Inherited, s.match.Witness,
		s.origins.all(), s.match.Consents)
}

// known is what the register said.
type known struct {
	standings []standing
	// unchecked: there are texts, and whom they name is not known.
	unchecked bool
}

// askRegister asks about all persons and texts at once. A register that is missing, fails, is slow or stale leaves unknown
// who has no entry.
func askRegister(ctx context.Context, r Register, persons []*person, texts []string, gate *Gate) known {
	var question register.Question
	var asked []*person
	for _, p := range persons {
		if p.identifiable() {
			asked = append(asked, p)
			question.Persons = append(question.Persons, p.sought())
		}
	}
	question.Texts = slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return strings.TrimSpace(text) == "" })
	var answer register.Answer
	if len(asked)+len(question.Texts) > 0 {
		var err error
		answer, err = ask(ctx, func(ctx context.Context) (register.Answer, error) {
			if r == nil {
				return register.Answer{}, errNobodyToAsk
			}
			return r.Look(ctx, question)
		})
		if err != nil || len(answer.Persons) != len(asked) {
			answer = register.Answer{Persons: make([][]register.Match, len(asked))}
		}
	}
	k := known{unchecked: len(question.Texts) > 0 && !answer.Fresh}
	for _, p := range persons {
		var matches []register.Match
		if i := slices.Index(asked, p); i >= 0 {
			matches = answer.Persons[i]
		}
		k.standings = append(k.standings, standingsOf(p, matches, answer.Fresh)...)
		if own, ok := gateStanding(p, gate); ok {
			k.standings = append(k.standings, own)
		}
	}
	k.standings = append(k.standings, namedStandings(answer.Named, k.standings)...)
	return k
}

// standingsOf is what the register says of one person whom the message identifies, or of one whom it does not.
func standingsOf(p *person, matches []register.Match, fresh bool) []standing {
	nobody := standing{person: p, status: register.None, certain: true, origins: p.origins}
	if p.identifiable() && !fresh {
		nobody.status = register.Unknown
	}
	list := []standing{nobody}
	for _, m := range matches {
		list = append(list, matched(p, m))
	}
	if fresh && slices.ContainsFunc(matches, func(m register.Match) bool { return m.Certain }) {
		return list[1:] // somebody who is certainly registered is not nobody
	}
	return list
}

func matched(p *person, m register.Match) standing {
	s := standing{person: p, match: m, status: m.Status, certain: m.Certain, origins: p.origins}
	s.origins.other = union(s.origins.other, stateSet(m.Origins))
	s.origins.feared = union(s.origins.feared, stateSet(m.Feared))
	return s
}

// gateStanding is the status that the gate record gives a person of the message whom the return is about.
func gateStanding(p *person, gate *Gate) (standing, bool) {
	if gate == nil || gate.AsylumStatus == "" || gate.AsylumStatus == register.None || !p.here || p.ref == "document" {
		return standing{}, false
	}
	return standing{person: p, status: gate.AsylumStatus, certain: true, origins: p.origins}, true
}

// namedStandings are persons whom the text names and who are not subjects whose entry is found already.
func namedStandings(matches []register.Match, found []standing) []standing {
	var list []standing
	for _, m := range matches {
		if slices.ContainsFunc(found, func(s standing) bool { return s.match.Entry == m.Entry && s.certain == m.Certain && s.here }) {
			continue
		}
		p := &person{ref: "named", role: schemas.RoleOther, here: true, named: true}
		p.identity.Names = []string{""} // the register knows the name; nobody else needs to
		list = append(list, matched(p, m))
	}
	return list
}
