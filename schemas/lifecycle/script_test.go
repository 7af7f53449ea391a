package lifecycle

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/schemas"
)

// Cases are told in rows, one a message, on lines of their own or between semicolons:
//
//	qm request
//	qn decision accepted
//	qn result partial            -> executing, both
//	qm result-receipt to result  -> executing, requested
//
// A row says who sends, the type, the word that moves the case (Essence), and after "to" which type it answers: the last of
// that name. After "->" stand the state to which it leads and who acts next; "-|" says the same of a message that is not
// permitted there and has no effect. From "><" on messages cross, neither side sees the other's, until "<>"; "at" and a time
// says when what follows is sent. QM opens every case.

const (
	qm = schemas.AuthorityID("QM/justice")
	qn = schemas.AuthorityID("QN/justice")
)

// script writes the messages of a case the way two desks would: each side numbers its own, and says what it has seen.
type script struct {
	t       testing.TB
	channel schemas.Channel
	events  []Event
	now     time.Time                      // at which the messages are sent, zero where that does not matter
	sent    map[schemas.AuthorityID]uint64 // numbers used
	blind   bool                           // what is written now crosses: its sender has seen nothing of the other's new messages
	seen    map[schemas.AuthorityID]uint64
	named   map[string]schemas.MessageID
	held    int // rows that were held against what they say
}

// told is a script of rows.
func told(t testing.TB, ch schemas.Channel, rows string) *script {
	s := &script{
		t: t, channel: ch,
		sent:  map[schemas.AuthorityID]uint64{qm: 40, qn: 7}, // numbers belong to the pair, not to the case
		seen:  map[schemas.AuthorityID]uint64{qm: 7, qn: 40},
		named: map[string]schemas.MessageID{},
	}
	return s.tell(rows)
}

// tell goes on with more rows, and holds each against what it says of itself.
func (s *script) tell(rows string) *script {
	s.t.Helper()
	for row := range strings.FieldsFuncSeq(strings.NewReplacer("><", ";><;", "<>", ";<>;").Replace(rows), func(r rune) bool { return r == ';' || r == '\n' }) {
		if row = strings.TrimSpace(row); row != "" {
			s.row(row)
		}
	}
	return s
}

func (s *script) row(row string) {
	s.t.Helper()
	message, want, lawful := strings.Cut(row, "->")
	unlawful := false
	if !lawful {
		message, want, unlawful = strings.Cut(row, "-|")
	}
	switch words := strings.Fields(message); words[0] {
	case "><":
		s.blind, s.seen[qm], s.seen[qn] = true, s.sent[qn], s.sent[qm]
	case "<>":
		s.blind = false
	case "at":
		at, err := time.Parse(time.RFC3339, words[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.now = at
	default:
		before := s.derive()
		s.say(words)
		if lawful || unlawful {
			s.hold(row, before, strings.TrimSpace(want), lawful)
		}
	}
}

// hold checks the last message against what its row says of it.
func (s *script) hold(row string, before Case, want string, lawful bool) {
	s.t.Helper()
	s.held++
	opening := len(s.events) == 1
	if err := before.PermitsEvent(s.last()); !opening && (err == nil) != lawful {
		s.t.Fatalf("%s: permitted: %v", row, err)
	}
	c := s.derive()
	if got := stands(c); got != want || c.Effects[s.last().ref()] != lawful {
		s.t.Fatalf("%s: %s, effect %t", row, got, c.Effects[s.last().ref()])
	}
	if ended := slices.Contains(c.story.Ends, c.State); c.Open == ended {
		s.t.Fatalf("%s: open is %t", row, c.Open)
	}
	if c.Requesting != qm || c.Requested != qn {
		s.t.Fatalf("%s: sides are %s and %s", row, c.Requesting, c.Requested)
	}
}

func stands(c Case) string { return fmt.Sprintf("%s, %s", c.State, c.NextToAct) }

// say adds a message: who, type, and where there are any the word that moves the case and "to" the type that it answers.
func (s *script) say(words []string) {
	s.t.Helper()
	from, to := qm, qn
	if words[0] == "qn" {
		from, to = qn, qm
	}
	var reply schemas.MessageID
	if answer := slices.Index(words, "to"); answer > 0 {
		reply, words = s.named[words[answer+1]], words[:answer]
		if reply == "" {
			s.t.Fatalf("%v answers nothing", words)
		}
	}
	if len(words) < 2 || len(words) > 3 || words[0] != "qm" && words[0] != "qn" {
		s.t.Fatalf("%v is no row", words)
	}
	s.sent[from]++
	if !s.blind {
		s.seen[from] = s.sent[to]
	}
	e := Event{
		ID: schemas.MessageID(fmt.Sprintf("%026d", len(s.events)+1)), From: from, To: to, Seq: s.sent[from], Seen: s.seen[from],
		Type: s.typ(words[1]), InReplyTo: reply, Outcome: strings.Join(words[2:], ""), SentAt: s.now, Continues: len(s.events) > 0,
	}
	s.events = append(s.events, e)
	s.named[words[1]] = e.ID
}

// typ is the type of this name, of the script's own channel where it names none.
func (s *script) typ(name string) schemas.MessageType {
	if !strings.Contains(name, ".") {
		name = string(s.channel) + "." + name
	}
	return schemas.MessageType(name + "/1")
}

func (s *script) last() Event { return s.events[len(s.events)-1] }

// took tells whether the last message had effect.
func (s *script) took() bool { return s.derive().Effects[s.last().ref()] }

func (s *script) derive() Case {
	s.t.Helper()
	c, err := Derive(s.channel, s.events)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// holdStories plays stories, by name; each row says what comes of it.
func holdStories(t *testing.T, ch schemas.Channel, stories map[string]string) {
	for name, rows := range stories {
		t.Run(name, func(t *testing.T) {
			if told(t, ch, rows).held == 0 {
				t.Fatal("no row says what comes of it")
			}
		})
	}
}

// crossing is a case in which messages crossed: where it stands then, and the types of those that have no effect.
type crossing struct{ name, rows, stands, lost string }

func holdCrossings(t *testing.T, ch schemas.Channel, crossings []crossing) {
	for _, test := range crossings {
		t.Run(test.name, func(t *testing.T) {
			s := told(t, ch, test.rows)
			c := s.derive()
			var lost []string
			for _, e := range s.events {
				if !c.Effects[e.ref()] {
					lost = append(lost, e.Type.Name())
				}
			}
			if stands(c) != test.stands || !slices.Equal(lost, strings.Fields(test.lost)) {
				t.Fatalf("%s, without effect %v; want %s, %s", stands(c), lost, test.stands, test.lost)
			}
		})
	}
}

// refusal is a message that is not permitted after some rows, and why. Whoever is neither qm nor qn is no party.
type refusal struct {
	name, after, says string
	reason            Reason
}

func holdRefusals(t *testing.T, ch schemas.Channel, refusals []refusal) {
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			s, words := told(t, ch, test.after), strings.Fields(test.says)
			side := map[string]Side{"qm": Requesting, "qn": Requested}[words[0]]
			err := s.derive().At(s.now).Permits(side, s.typ(words[1]), strings.Join(words[2:], ""))
			refused, ok := errors.AsType[*NotPermittedError](err)
			if !ok || refused.Reason != test.reason || refused.Hint == "" {
				t.Fatalf("got %#v, want reason %s and a hint", err, test.reason)
			}
		})
	}
}

// holdEssences holds what moves a case against the example of each type.
func holdEssences(t *testing.T, want map[schemas.MessageType]string) {
	for typ, word := range want {
		p, err := schemas.Validate(schemas.Example(typ))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Essence(p); err != nil || got != word {
			t.Errorf("%s: %q, %v; want %q", typ, got, err, word)
		}
	}
}
