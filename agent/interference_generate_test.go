package agent

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/schemas"
	"comity/schemas/lifecycle"
)

// Stories are drawn from a seed: some threads, each a walk through the lifecycle of a channel with the examples and samples
// of the program, told at the same time; and around them what may go wrong at a desk, in a register and on a line.

// guardedRef is how the feeds name the person in question.
const guardedRef = "asy-guarded"

var (
	guardedIdentity = map[string]any{
		"names": []any{"TESTPERSON PAPA-07"}, "birth_date": "2001-04-17", "sex": "female", "nationalities": []any{"QP"},
		"documents": []any{map[string]any{"kind": "passport", "number": "QP7730142", "issuer": "QP"}},
	}
	otherIdentity = map[string]any{
		"names": []any{"TESTPERSON QUEBEC-21"}, "birth_date": "1979-09-02", "sex": "male", "nationalities": []any{"QP"},
		"documents": []any{map[string]any{"kind": "passport", "number": "QP1188205", "issuer": "QP"}},
	}
)

// feedRow is a row of a feed about a person.
func feedRow(ref, status string, identity map[string]any, more map[string]any) string {
	row := maps.Clone(identity)
	row["ref"], row["status"] = ref, status
	maps.Copy(row, more)
	encoded, err := schemas.Canonical(row)
	if err != nil {
		panic(err) // a constant of this file
	}
	return string(encoded)
}

var guardedRow = feedRow(guardedRef, "pending", guardedIdentity, map[string]any{"feared_states": []any{"QP"}})

// guardedRows are the ways in which the register may know the person in question, the last as the child of somebody.
func guardedRows() []string {
	return []string{
		guardedRow,
		feedRow(guardedRef, "fear-expressed", guardedIdentity, nil),
		feedRow(guardedRef, "granted", guardedIdentity, nil),
		feedRow(guardedRef, "rejected-final", guardedIdentity, map[string]any{"informed_of_sharing": true}),
		feedRow(guardedRef, "rejected-appealable", guardedIdentity, map[string]any{"suspensive_remedy": true}),
		feedRow(guardedRef, "withdrawn", guardedIdentity, map[string]any{
			"withdrawal": map[string]any{"explicit": true, "counselled": true, "recorded_on": "2026-11-02"}}),
		feedRow(guardedRef+"-mother", "pending", map[string]any{"names": []any{"TESTPERSON MIKE-40"}, "birth_date": "1975-05-05", "nationalities": []any{"QP"}},
			map[string]any{"linked": []any{guardedRef}}) + "\n" + feedRow(guardedRef, "none", guardedIdentity, map[string]any{"linked": []any{guardedRef + "-mother"}}),
	}
}

// guardedForms are the ways in which a letter may name the person in question.
func guardedForms() []map[string]any {
	without := func(member string) map[string]any {
		form := maps.Clone(guardedIdentity)
		delete(form, member)
		return form
	}
	turned := without("documents")
	turned["names"] = []any{"PAPA-07 TESTPERSON"}
	return []map[string]any{guardedIdentity, guardedIdentity, without("documents"), without("names"), turned}
}

// farRow is somebody under protection whom no story mentions: a register is never empty.
var farRow = feedRow("asy-far", "granted", map[string]any{
	"names": []any{"TESTPERSON ZULU-99"}, "birth_date": "1966-12-30", "nationalities": []any{"QP"},
}, nil)

// teller draws stories.
type teller struct {
	t       *testing.T
	now     time.Time
	letters map[schemas.Channel][]letter
}

func newTeller(t *testing.T, now time.Time) *teller {
	t.Helper()
	g := &teller{t: t, now: now, letters: map[schemas.Channel][]letter{}}
	for _, ch := range schemas.Channels() {
		if ch != schemas.ChannelJIT {
			g.letters[ch] = lettersOf(t, ch, now)
		}
	}
	return g
}

// plot is one story while it is drawn.
type plot struct {
	*teller
	*rand.Rand
	story    *story
	names    int
	teamTold bool
}

// story draws the story of a seed.
func (g *teller) story(seed uint64) *story {
	g.t.Helper()
	p := &plot{teller: g, Rand: rand.New(rand.NewPCG(seed, 4)), story: &story{name: fmt.Sprintf("story %d", seed)}}
	channels := schemas.Channels()
	first := channels[int(seed)%len(channels)] // so that some stories in a row cover all
	p.thread(first, theGuarded)
	p.thread(channels[p.IntN(len(channels))], someoneElse)
	if p.one(2) {
		p.thread(channels[p.IntN(len(channels))], theGuarded)
	}
	if p.one(2) {
		p.thread(channels[p.IntN(len(channels))], someoneElse)
	}
	p.registers()
	p.troubles()
	p.story.sort()
	p.story.length = p.story.acts[len(p.story.acts)-1].at.Truncate(time.Minute) + 3*time.Hour
	return p.story
}

// one is true once in n.
func (p *plot) one(n int) bool { return p.IntN(n) == 0 }

// after is a moment some minutes later that is no tick.
func (p *plot) after(at time.Duration, least, most int) time.Duration {
	return at.Truncate(time.Minute) + time.Duration(least+p.IntN(most-least+1))*time.Minute + time.Duration(7+p.IntN(45))*time.Second
}

func (p *plot) label(what string) string {
	p.names++
	return fmt.Sprintf("%s #%d", what, p.names)
}

func (p *plot) do(at time.Duration, by schemas.AuthorityID, who about, what string, deed func(*stage, *desk)) {
	p.story.acts = append(p.story.acts, act{at: at, by: by, about: who, deed: deed, what: what})
}

// thread tells one case.
func (p *plot) thread(ch schemas.Channel, who about) {
	p.t.Helper()
	at := p.after(0, 5, 240)
	if ch == schemas.ChannelJIT && !p.teamTold {
		p.teamTold = true
		p.team(at, who)
		return
	}
	if ch == schemas.ChannelJIT {
		ch = schemas.ChannelMLA
	}
	sides := p.sides(ch)
	letters := p.letters[ch]
	openings := slices.DeleteFunc(slices.Clone(letters), func(l letter) bool { return !schemas.Opens(l.kind) })
	way := []step{{openings[p.IntN(len(openings))], lifecycle.Requesting, -1, "0"}}
	for range 2 + p.IntN(6) {
		next := nextSteps(caseAfter(p.t, ch, way), way, letters)
		if len(next) == 0 {
			break
		}
		way = append(way, next[p.IntN(len(next))])
	}
	var labels []string
	for _, s := range way {
		m := &missive{label: p.label(string(s.kind)), to: []schemas.AuthorityID{sides[s.side.Other()]}, form: p.named(withPerson(s.object, who), who)}
		m.clean = withoutPersons(m.form)
		if len(labels) > 0 {
			m.in = labels[0]
		}
		if s.answers >= 0 {
			m.answers = labels[s.answers]
		}
		labels = append(labels, m.label)
		p.missive(at, sides[s.side], who, m)
		switch at = p.after(at, 0, 50); { // at times before the one before has come
		case len(labels) == 1:
			at = p.after(at, 60, 120)
		case p.one(3):
			at = p.after(at, 30, 300)
		}
	}
}

// sides are who speaks to whom: the host and the State of origin, and now and then a third.
func (p *plot) sides(ch schemas.Channel) map[lifecycle.Side]schemas.AuthorityID {
	pairs := [][2]schemas.AuthorityID{{qm, qp}, {qp, qm}, {qm, qp}, {qp, qm}, {qm, qn}, {qn, qp}}
	if ch == schemas.ChannelBorder {
		pairs = [][2]schemas.AuthorityID{{qmBorder, qpBorder}, {qpBorder, qmBorder}}
	}
	pair := pairs[p.IntN(len(pairs))]
	return map[lifecycle.Side]schemas.AuthorityID{lifecycle.Requesting: pair[0], lifecycle.Requested: pair[1]}
}

// missive adds a message, and what protection officers may decide if it comes before them.
func (p *plot) missive(at time.Duration, by schemas.AuthorityID, who about, m *missive) {
	p.story.acts = append(p.story.acts, act{at: at, by: by, about: who, missive: m})
	later := p.after(at, 16, 90)
	rule := func(at time.Duration, says ruling) {
		p.story.acts = append(p.story.acts, act{at: at, by: by, about: who, verdict: &verdict{m.label, says}})
	}
	if who != theGuarded || isOf(by, origin) { // the story goes on
		rule(p.after(at, 16, 25), released)
		return
	}
	switch p.IntN(8) {
	case 0, 1, 2, 3:
		rule(later, released)
	case 4, 5:
		rule(later, returned)
		p.do(p.after(later, 1, 60), by, who, "write "+m.label+" anew", func(s *stage, d *desk) { s.rewrite(d, m) })
	case 6:
		rule(later, blocked)
	default: // nobody decides
	}
}

// named has a form name the person in question in another way, now and then in its words.
func (p *plot) named(form map[string]any, who about) map[string]any {
	if who != theGuarded {
		return form
	}
	other := deepClone(form).(map[string]any)
	subjects, _ := other["subjects"].([]any)
	forms := guardedForms()
	identity := forms[p.IntN(len(forms))]
	for _, s := range subjects {
		if subject := s.(map[string]any); subject["identity"] != nil {
			subject["identity"] = deepClone(identity)
		}
	}
	body := other["body"].(map[string]any)
	for _, member := range sortedKeys(body) {
		if text, worded := body[member].(string); worded && strings.Contains(text, " ") && p.one(5) {
			body[member] = text + " It is about TESTPERSON PAPA-07, passport QP7730142."
		}
	}
	if !isValid(other) {
		return form
	}
	return other
}

// withPerson is an example about a person of the story.
func withPerson(object map[string]any, who about) map[string]any {
	identity := otherIdentity
	if who == theGuarded {
		identity = guardedIdentity
	}
	object = deepClone(object).(map[string]any)
	subjects, _ := object["subjects"].([]any)
	placed := false
	for _, s := range subjects {
		subject := s.(map[string]any)
		if _, identified := subject["identity"]; !identified {
			continue
		}
		delete(subject, "identity")
		if !placed { // one person once
			subject["identity"], placed = deepClone(identity), true
		}
	}
	if home := homeFor(object); home != nil {
		object["home"] = home
	}
	// A synthetic file is one that nobody can read, and is held for that alone: it travels only where it must.
	bare := maps.Clone(object)
	if delete(bare, "attachments"); isValid(bare) {
		return bare
	}
	return object
}

// isValid tells whether a draft could be sent, were there a case for it.
func isValid(object map[string]any) bool {
	whole := maps.Clone(object)
	whole["to"] = []any{string(qp)}
	if kind := typeOf(object); !schemas.Opens(kind) {
		whole["case"] = string(fixedID('c'))
		if kinds, _ := schemas.Answers(kind); len(kinds) > 0 {
			whole["in_reply_to"] = string(fixedID('m'))
		}
	}
	encoded, err := schemas.Canonical(whole)
	if err != nil {
		return false
	}
	_, err = schemas.ParseDraft(encoded, nil)
	return err == nil
}

// homeFor is what an author records so that nothing but the person's protection speaks against a message.
func homeFor(object map[string]any) map[string]any {
	home, persons := map[string]any{}, map[string]any{}
	subjects, _ := object["subjects"].([]any)
	for _, s := range subjects {
		subject := s.(map[string]any)
		persons[subject["ref"].(string)] = map[string]any{"name_by_choice": true, "necessity": "the recipient must know whom it is about"}
	}
	if len(persons) > 0 {
		home["persons"] = persons
	}
	if typeOf(object).Channel() == schemas.ChannelRepatriation {
		home["gate"] = map[string]any{
			"voluntary": true, "informed_of_right_to_asylum": true, "risk_assessment": "low", "proceedings": "none",
			"child": map[string]any{"best_interests_determined": true, "guardian": true},
		}
	}
	if len(home) == 0 {
		return nil
	}
	return home
}

// withoutPersons is what an author writes where the first form came back: about somebody whom it does not identify.
func withoutPersons(object map[string]any) map[string]any {
	object = deepClone(object).(map[string]any)
	subjects, _ := object["subjects"].([]any)
	for _, s := range subjects {
		delete(s.(map[string]any), "identity")
	}
	if !isValid(object) {
		return nil
	}
	return object
}

func deepClone(v any) any {
	switch one := v.(type) {
	case map[string]any:
		clone := make(map[string]any, len(one))
		for name, inner := range one {
			clone[name] = deepClone(inner)
		}
		return clone
	case []any:
		clone := make([]any, len(one))
		for i, inner := range one {
			clone[i] = deepClone(inner)
		}
		return clone
	}
	return v
}

// registers feeds every desk, and has the host's register change, fail and come back.
func (p *plot) registers() {
	hosts := []schemas.AuthorityID{qm, qmBorder}
	midway := p.one(3) // the person asks for protection while cases are open
	known := guardedRows()[p.IntN(len(guardedRows()))]
	for _, id := range []schemas.AuthorityID{qm, qn, qp, qmBorder, qpBorder} {
		rows := []string{farRow}
		if slices.Contains(hosts, id) && !midway {
			rows = append(rows, known)
		}
		p.do(time.Second, id, nobody, "feed", feed(rows...))
	}
	if midway {
		at := p.after(0, 60, 500)
		for _, id := range hosts {
			p.do(at, id, nobody, "feed with a new entry", feed(farRow, known))
		}
	}
	for _, id := range hosts {
		if p.one(2) {
			continue
		}
		mode := registerSlow
		if p.one(2) {
			mode = registerDown
		}
		at := p.after(0, 30, 600)
		p.do(at, id, nobody, "register "+string(mode), turned(mode))
		p.do(p.after(at, 20, 240), id, nobody, "register up", turned(registerUp))
	}
}

// troubles are lines that are cut, envelopes that are lost, and backups that are restored.
func (p *plot) troubles() {
	pairs := []pairOfDesks{{qm, qp}, {qp, qm}, {qn, qp}, {qmBorder, qpBorder}, {qpBorder, qmBorder}}
	for range p.IntN(3) {
		pair := pairs[p.IntN(len(pairs))]
		at := p.after(0, 10, 500)
		p.do(at, pair.from, nobody, "the line is cut", func(s *stage, _ *desk) { s.cut[pair] = true })
		p.do(p.after(at, 5, 120), pair.from, nobody, "the line is mended", func(s *stage, _ *desk) { s.cut[pair] = false })
	}
	if p.one(3) {
		pair, n := pairs[p.IntN(len(pairs))], 1+p.IntN(2)
		p.do(p.after(0, 10, 500), pair.from, nobody, "envelopes are lost", func(s *stage, _ *desk) { s.loses[pair] = n })
	}
	if p.one(3) {
		id := []schemas.AuthorityID{qp, qm, qn, qpBorder, qmBorder}[p.IntN(5)]
		at := p.after(0, 30, 400)
		p.do(at, id, nobody, "backup", func(s *stage, d *desk) { s.backups[string(d.me)] = d.backUp(s.t) })
		p.do(p.after(at, 30, 300), id, nobody, "restored backup", func(s *stage, d *desk) { d.restore(s.t, s.backups[string(d.me)]) })
	}
}
