package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/store"
	"comity/deploy/samples"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// trips counts the types whose examples went from one desk to another.
type trips struct {
	mu   sync.Mutex
	made map[schemas.MessageType]bool
}

func (r *trips) note(kind schemas.MessageType) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made[kind] = true
}

// The example of every type is drafted at one desk, approved, sealed, and found byte for byte at another, in a case that
// permits it and in which both then stand alike.
func TestEveryExampleGoesFromDeskToDesk(t *testing.T) {
	r := &trips{made: map[schemas.MessageType]bool{}}
	t.Run("channels", func(t *testing.T) { // returns when all of them are done
		for _, ch := range schemas.Channels() {
			t.Run(string(ch), func(t *testing.T) {
				t.Parallel()
				if ch == schemas.ChannelJIT {
					r.tellTeams(t)
				} else {
					r.tellChannel(t, ch)
				}
			})
		}
	})
	missing := slices.DeleteFunc(schemas.Types(), func(kind schemas.MessageType) bool { return r.made[kind] })
	t.Logf("%d of %d types made the trip", len(r.made), len(schemas.Types()))
	if len(missing) > 0 {
		t.Errorf("no example of these made the trip: %v", missing)
	}
}

// tellChannel plays for each type the shortest way to it, each in a case of its own.
func (r *trips) tellChannel(t *testing.T, ch schemas.Channel) {
	ids := []schemas.AuthorityID{qm, qn}
	if ch == schemas.ChannelBorder {
		ids = []schemas.AuthorityID{qmBorder, qnBorder}
	}
	w := newWorldOf(t, ids...)
	ways := waysTo(t, ch, lettersOf(t, ch, w.clock.Now()))
	for _, kind := range schemas.Types() {
		if kind.Channel() != ch {
			continue
		}
		way := ways[kind]
		if way == nil {
			t.Errorf("the lifecycle has no way to the example of %s", kind)
			continue
		}
		t.Run(string(kind), func(t *testing.T) { r.play(t, w, ids, way) })
	}
}

// letter is what a side can be given to write: the example of a type, or a sample that moves a case in another way.
type letter struct {
	kind    schemas.MessageType
	essence string
	example bool
	object  map[string]any // without "to", case and what it answers
}

// step is a letter by one side, in answer to an earlier step or to none (-1).
type step struct {
	letter
	side    lifecycle.Side
	answers int
	id      schemas.MessageID // in the search alone: the desks draw their own
}

// lettersOf lists the examples of a channel first, so that a way made of examples is found before one of samples.
func lettersOf(t *testing.T, ch schemas.Channel, now time.Time) (letters []letter) {
	t.Helper()
	for _, kind := range schemas.Types() {
		if kind.Channel() == ch {
			l := readLetter(t, schemas.Example(kind), now)
			l.example = true
			letters = append(letters, l)
		}
	}
	files, err := fs.Glob(samples.Files, string(ch)+"-*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("channel %s has %d samples, %v", ch, len(files), err)
	}
	for _, file := range files {
		content, err := samples.Draft(file, now)
		if err != nil {
			t.Fatal(err)
		}
		l := readLetter(t, content, now)
		if !slices.ContainsFunc(letters, func(o letter) bool { return o.kind == l.kind && o.essence == l.essence }) {
			letters = append(letters, l)
		}
	}
	return letters
}

func readLetter(t *testing.T, content []byte, now time.Time) letter {
	t.Helper()
	var l letter
	if err := json.Unmarshal(content, &l.object); err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"to", "case", "in_reply_to"} {
		delete(l.object, member)
	}
	l.kind = typeOf(l.object)
	body := l.object["body"].(map[string]any)
	if l.kind == "border.alert/1" { // it ends by itself, and the clock of the desks is not that of the example
		body["expires_at"] = now.Add(24 * time.Hour).Format(time.RFC3339)
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	l.essence, err = lifecycle.Essence(&schemas.Payload{Channel: l.kind.Channel(), Type: l.kind, Body: encoded})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// waysTo finds a shortest way to the example of each type of a channel: breadth first through the lifecycle alone. Two
// moments are taken for the same where the case shows the same and either side may send the same.
func waysTo(t *testing.T, ch schemas.Channel, letters []letter) map[schemas.MessageType][]step {
	t.Helper()
	ways, seen := map[schemas.MessageType][]step{}, map[string]bool{}
	types := len(slices.DeleteFunc(schemas.Types(), func(kind schemas.MessageType) bool { return kind.Channel() != ch }))
	var queue [][]step
	for _, l := range letters {
		if schemas.Opens(l.kind) {
			queue = append(queue, []step{{l, lifecycle.Requesting, -1, "0"}})
		}
	}
	for ; len(queue) > 0 && len(ways) < types; queue = queue[1:] {
		way := queue[0]
		if last := way[len(way)-1]; last.example && ways[last.kind] == nil {
			ways[last.kind] = way
		}
		c := caseAfter(t, ch, way)
		moment := fmt.Sprint(c.Opened, c.State, c.NextToAct, c.Next(lifecycle.Requesting), c.Next(lifecycle.Requested))
		if !seen[moment] {
			seen[moment] = true
			for _, s := range nextSteps(c, way, letters) {
				queue = append(queue, append(slices.Clip(way), s))
			}
		}
	}
	return ways
}

// nextSteps are all steps that a case permits.
func nextSteps(c lifecycle.Case, way []step, letters []letter) (next []step) {
	for _, side := range []lifecycle.Side{lifecycle.Requesting, lifecycle.Requested} {
		types := c.Next(side)
		for _, l := range letters {
			if !slices.Contains(types, l.kind) {
				continue
			}
			kinds, required := schemas.Answers(l.kind)
			var answered []int
			if !required {
				answered = append(answered, -1)
			}
			open := c.Unanswered(l.kind) // the oldest is answered first
			if i := slices.IndexFunc(way, func(s step) bool {
				return s.side != side && slices.Contains(kinds, s.kind) && slices.Contains(open, s.id)
			}); i >= 0 {
				answered = append(answered, i)
			}
			for _, i := range answered {
				s := step{l, side, i, schemas.MessageID(fmt.Sprint(len(way)))}
				if c.PermitsEvent(eventAt(append(slices.Clip(way), s), len(way))) == nil {
					next = append(next, s)
				}
			}
		}
	}
	return next
}

func caseAfter(t *testing.T, ch schemas.Channel, way []step) lifecycle.Case {
	t.Helper()
	var events []lifecycle.Event
	for i := range way {
		events = append(events, eventAt(way, i))
	}
	c, err := lifecycle.Derive(ch, events)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// eventAt is step i of a way in which each step was written with all before it seen.
func eventAt(way []step, i int) lifecycle.Event {
	s := way[i]
	sides := map[lifecycle.Side]schemas.AuthorityID{lifecycle.Requesting: qm, lifecycle.Requested: qn}
	e := lifecycle.Event{
		ID: s.id, From: sides[s.side], To: sides[s.side.Other()],
		Type: s.kind, Outcome: s.essence, Continues: i > 0,
	}
	for _, before := range way[:i] {
		if before.side == s.side {
			e.Seq++
		} else {
			e.Seen++
		}
	}
	e.Seq++
	if s.answers >= 0 {
		e.InReplyTo = way[s.answers].id
	}
	return e
}

// play sends a way through two desks, the first one requesting.
func (r *trips) play(t *testing.T, w *world, ids []schemas.AuthorityID, way []step) {
	var in schemas.CaseID
	var told []string
	sent := make([]*store.Message, len(way))
	for i, s := range way {
		from, to := ids[0], ids[1]
		if s.side == lifecycle.Requested {
			from, to = to, from
		}
		object := map[string]any{"to": []schemas.AuthorityID{to}, "home": recordsAtHome()}
		for member, v := range s.object {
			object[member] = v
		}
		if in != "" {
			object["case"] = string(in)
		}
		if s.answers >= 0 {
			object["in_reply_to"] = string(sent[s.answers].ID)
		}
		told = append(told, strings.TrimSpace(fmt.Sprint(s.side, " ", s.kind, " ", s.essence)))
		content, err := schemas.Canonical(object)
		if err != nil {
			t.Fatal(err)
		}
		sent[i] = w.trip(t, from, to, content)
		in = sent[i].Case
		w.agree(t, in, string(caseAfter(t, s.kind.Channel(), way[:i+1]).State), ids...)
		if s.example {
			sameAsExample(t, s.kind, sent[i].Payload)
			r.note(s.kind)
		}
	}
	t.Log(strings.Join(told, ", "))
}

// trip takes a draft from one desk to another, with as many signatures as its type needs, and compares what was approved
// with what arrived.
func (w *world) trip(t *testing.T, from, to schemas.AuthorityID, content []byte) *store.Message {
	t.Helper()
	d := w.desks[from]
	made, err := d.Draft(t.Context(), "officer-1", content)
	if err != nil {
		t.Fatalf("%s drafting: %v %+v", from, err, defectsOf(err))
	}
	m := made[0]
	if schemas.SingleSignature(m.Type) {
		_, err = d.SignAlone(t.Context(), "officer-1", m.ID, m.SHA256, d.proof(t, "officer-1", api.SignAlone, m.ID, m.SHA256))
	} else {
		_, err = d.Approve(t.Context(), "approver", m.ID, m.SHA256, d.proof(t, "approver", api.SignApproval, m.ID, m.SHA256))
	}
	if err != nil {
		t.Fatalf("%s approving %s: %v", from, m.Type, err)
	}
	d.sealReviewed(m.ID)
	w.carry(t)
	return w.arrived(t, from, to, m.ID, m.SHA256)
}

// arrived compares both ends of a message whose approver named approved as its SHA-256.
func (w *world) arrived(t *testing.T, from, to schemas.AuthorityID, id schemas.MessageID, approved string) *store.Message {
	t.Helper()
	sent, got := w.desks[from].message(from, id), w.desks[to].message(from, id)
	if sent.State != store.Delivered || got.State != store.Received {
		t.Fatalf("%s is %s %s with its sender, %s %s with its recipient", sent.Type, sent.State, sent.Reason, got.State, got.Reason)
	}
	if sum := sha256.Sum256(got.Payload); hex.EncodeToString(sum[:]) != approved || !bytes.Equal(got.Payload, sent.Payload) {
		t.Errorf("%s arrived as other bytes than were approved", sent.Type)
	}
	if _, err := schemas.Validate(got.Payload); err != nil {
		t.Errorf("%s is not valid where it arrived: %v", sent.Type, err)
	}
	if sent.Receipt == nil || !bytes.Equal(sent.Receipt, got.Receipt) || sent.JWSSHA256 != got.JWSSHA256 {
		t.Errorf("the two do not hold one receipt for %s", sent.Type)
	}
	if a, b := w.desks[from].state(sent.Case), w.desks[to].state(sent.Case); a != b || a == "" {
		t.Errorf("after %s the case is %q at %s, and %q at %s", sent.Type, a, from, b, to)
	}
	if a, b := w.desks[from].counted(sent.Case), w.desks[to].counted(sent.Case); a != b || strings.Contains(a, "effect=false") {
		t.Errorf("the case is made of\n%s\nat %s, and of\n%s\nat %s", a, from, b, to)
	}
	return sent
}

// sameAsExample compares a payload with the example of its type, but for what names other messages, the moment at which an
// alert ends, and members of the body that had to be fitted.
func sameAsExample(t *testing.T, kind schemas.MessageType, payload []byte, fitted ...string) {
	t.Helper()
	plain := func(raw []byte) string {
		l := readLetter(t, raw, time.Time{})
		for _, member := range fitted {
			delete(l.object["body"].(map[string]any), member)
		}
		text, err := schemas.Canonical(l.object)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got, want := plain(payload), plain(schemas.Example(kind)); got != want {
		t.Errorf("what was sent is not the example of %s:\n%s\n%s", kind, got, want)
	}
}
