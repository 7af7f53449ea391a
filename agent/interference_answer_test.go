package agent

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/schemas"
	"comity/schemas/lifecycle"
	"comity/schemas/template"
)

// Where the State of origin may expect an answer, silence would tell: it asked, or a procedure with it had begun. It must be
// given the same for the person under protection as for anybody who is given the same outcome for an ordinary reason.

// exchange is a question or a beginning, and all that follows up to a neutral text of the host.
type exchange struct {
	name string
	asks schemas.AuthorityID // the requesting side
	way  []step
	// alike: what the host says must leave at its first tick, whoever it is about and however the register is (NEU-01). Else two
	// officers may have to release it, which takes as long as an ordinary decision might.
	alike bool
}

// neutral is a message of a type that holds a neutral text in place of words.
func (g *teller) neutral(kind schemas.MessageType, body map[string]any) letter {
	g.t.Helper()
	object := deepClone(readLetter(g.t, schemas.Example(kind), g.now).object).(map[string]any)
	object["body"] = body
	delete(object, "subjects")
	encoded, err := schemas.Canonical(object)
	if err != nil {
		g.t.Fatal(err)
	}
	return readLetter(g.t, encoded, g.now)
}

// neutrals are the texts of the catalogue as messages of a channel.
func (g *teller) neutrals(ch schemas.Channel) (letters []letter, names []string) {
	g.t.Helper()
	for _, t := range template.All() {
		kind := schemas.MessageType(fmt.Sprintf("%s.%s/1", ch, t.Name))
		if !slices.Contains(schemas.Types(), kind) || !t.MayStandIn(kind) {
			continue
		}
		body := map[string]any{"template": string(t.ID)}
		ground, refuses := strings.CutPrefix(string(t.ID), "refusal-")
		reason, postpones := strings.CutPrefix(string(t.ID), "postponement-")
		switch {
		case refuses:
			body["outcome"], body["ground"] = "refused", ground
		case postpones:
			body["outcome"], body["reason"], body["review_at"] = "postponed", reason, "2027-02-01"
		case t.Name == "withdrawal":
			body["scope"], body["reason"] = "whole", "other"
		default:
			body["outcome"] = "not-available"
		}
		letters, names = append(letters, g.neutral(kind, body)), append(names, string(t.ID))
	}
	return letters, names
}

// wayTo is a shortest way through the lifecycle to a letter of one side, that begins with a given one; nil where there is none.
func (g *teller) wayTo(ch schemas.Channel, first, last letter, side lifecycle.Side) []step {
	g.t.Helper()
	letters := append(slices.Clone(g.letters[ch]), last)
	seen := map[string]bool{}
	queue := [][]step{{{first, lifecycle.Requesting, -1, "0"}}}
	for ; len(queue) > 0 && len(queue[0]) < 6; queue = queue[1:] {
		way := queue[0]
		c := caseAfter(g.t, ch, way)
		moment := fmt.Sprint(c.State, c.NextToAct, c.Next(lifecycle.Requesting), c.Next(lifecycle.Requested))
		if seen[moment] {
			continue
		}
		seen[moment] = true
		for _, s := range nextSteps(c, way, letters) {
			longer := append(slices.Clip(way), s)
			if s.side == side && s.kind == last.kind && sameBody(s.object, last.object) {
				return longer
			}
			queue = append(queue, longer)
		}
	}
	return nil
}

func sameBody(a, b map[string]any) bool {
	x, errX := json.Marshal(a["body"], json.Deterministic(true))
	y, errY := json.Marshal(b["body"], json.Deterministic(true))
	return errX == nil && errY == nil && string(x) == string(y)
}

// exchanges lists what the State of origin asks, or the host began, and each neutral text that may end it.
func (g *teller) exchanges() (all []exchange) {
	g.t.Helper()
	for _, ch := range schemas.Channels() {
		if ch == schemas.ChannelJIT || ch == schemas.ChannelBorder { // items of a team are told elsewhere; the border has no neutral decision
			continue
		}
		first := g.letters[ch][slices.IndexFunc(g.letters[ch], func(l letter) bool { return schemas.Opens(l.kind) && strings.HasSuffix(l.kind.Name(), "request") })]
		last, names := g.neutrals(ch)
		for i, l := range last {
			x := exchange{name: string(ch) + " " + names[i], asks: qp}
			side := lifecycle.Requested
			if l.kind.Name() == "withdrawal" {
				x.asks, side = qm, lifecycle.Requesting
			}
			opening := first
			if names[i] == string(template.NeitherConfirmNorDeny) {
				opening.object, x.alike = g.afterVictim(first.object), true
			}
			if x.way = g.wayTo(ch, opening, l, side); x.way == nil {
				g.t.Errorf("there is no way to %s", x.name)
				continue
			}
			all = append(all, x)
		}
	}
	return all
}

// afterVictim makes a request one that asks where a victim is.
func (g *teller) afterVictim(object map[string]any) map[string]any {
	g.t.Helper()
	object = deepClone(object).(map[string]any)
	object["subjects"] = []any{map[string]any{"ref": "p1", "role": "victim", "identity": deepClone(guardedIdentity)}}
	delete(object, "attachments")
	body := object["body"].(map[string]any)
	for _, member := range []string{"video_hearing", "temporary_transfer", "safe_conduct"} {
		delete(body, member)
	}
	if _, lists := body["persons"]; lists {
		body["persons"] = []any{map[string]any{"person": "p1"}}
	}
	body["facts"] = "Where is the victim staying at present?"
	if !isValid(object) {
		g.t.Errorf("%s cannot be made a question after a victim", typeOf(object))
	}
	return object
}

// story plays an exchange, with the person under protection once its first message has left. Officers, where there are any,
// release what came before them.
func (x exchange) story(c condition, officers bool) *story {
	told := &story{name: x.name + ", " + c.name}
	do := func(at time.Duration, by schemas.AuthorityID, what string, deed func(*stage, *desk)) {
		told.acts = append(told.acts, act{at: at, by: by, what: what, deed: deed})
	}
	requested := map[schemas.AuthorityID]schemas.AuthorityID{qm: qp, qp: qm}[x.asks]
	sides := map[lifecycle.Side]schemas.AuthorityID{lifecycle.Requesting: x.asks, lifecycle.Requested: requested}
	do(time.Second, qp, "feed", feed(farRow))
	do(time.Second, qm, "feed", feed(farRow))
	if !c.stale {
		do(25*time.Hour, qm, "feed with a new entry", feed(farRow, guardedRow))
	} else if c.guarded { // fed with it, and never again
		do(time.Hour, qm, "feed with a new entry", feed(farRow, guardedRow))
	}
	do(29*time.Hour, qm, "register "+string(c.mode), turned(c.mode))
	at := 3*time.Minute + 7*time.Second
	for i, s := range x.way {
		m := &missive{label: x.label(i), to: []schemas.AuthorityID{sides[s.side.Other()]}, form: withPerson(s.object, theGuarded)}
		who := theGuarded
		if i == 0 {
			who = nobody // it is not under protection yet
		} else {
			m.in = x.label(0)
		}
		if s.answers >= 0 {
			m.answers = x.label(s.answers)
		}
		told.acts = append(told.acts, act{at: at, by: sides[s.side], about: who, missive: m})
		if officers || sides[s.side] == qp || i == 0 {
			told.acts = append(told.acts, act{at: at + 16*time.Minute, by: sides[s.side], about: who, verdict: &verdict{m.label, released}})
		}
		at = 29*time.Hour + time.Duration(i)*2*time.Hour + 3*time.Minute + 7*time.Second
	}
	told.sort()
	told.length = at + 2*time.Hour
	return told
}

func (x exchange) label(i int) string { return fmt.Sprintf("%d %s", i, x.way[i].kind) }

// fate tells how what the host said left, the neutral text last.
func (s *stage) fate(x exchange) string {
	var fates []string
	for i := range x.way {
		w := s.wrote[x.label(i)]
		switch {
		case w == nil:
			fates = append(fates, "not written")
		case w.by == qp:
		case w.left.IsZero():
			fates = append(fates, "never left")
		case w.held:
			fates = append(fates, "left when released")
		default:
			fates = append(fates, "left at its tick")
		}
	}
	return strings.Join(fates, ", ")
}

// hasEnded tells whether the neutral text left.
func (s *stage) hasEnded(x exchange) bool {
	w := s.wrote[x.label(len(x.way)-1)]
	return w != nil && !w.left.IsZero()
}

// Ordinary answer: what the State of origin is told is told at its tick in the same bytes, whether or not there is somebody
// to protect. A plain run plays the answers that must be alike under all conditions, and some of the others under one.
func TestNonInterferenceOfAnswers(t *testing.T) {
	c := newCompany(t)
	g := newTeller(t, c.start)
	sum := newTally()
	exchanges := g.exchanges()
	all := conditions()
	for i, x := range exchanges {
		switch {
		case x.alike:
			ordinary := c.play(t, x.story(all[0], false), false, leak{}, sum)
			for _, how := range all[1:] {
				told := x.story(how, false)
				s := c.play(t, told, how.guarded, leak{}, sum)
				s.mustEnd(x, told)
				s.mustLookLike(ordinary, told)
			}
		case isFull() || i%4 == 0:
			for _, how := range all[1:] {
				told := x.story(how, true)
				s := c.play(t, told, how.guarded, leak{}, sum)
				s.mustEnd(x, told)
				s.mustLookLike(c.play(t, told.retold(s, origin), false, leak{}, sum), told)
				if !isFull() {
					break
				}
			}
		}
	}
	t.Logf("%d exchanges: %s", len(exchanges), sum)
}

func (s *stage) mustEnd(x exchange, told *story) {
	s.t.Helper()
	s.t.Logf("%s: %s", told.name, s.fate(x))
	if !s.hasEnded(x) {
		s.tell(told)
		s.t.Errorf("%s: no answer leaves", told.name)
	}
}
