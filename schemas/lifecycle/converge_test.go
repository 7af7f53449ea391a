package lifecycle

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"comity/schemas"
)

// Every order in which the same messages arrive gives the same case.
func TestEveryOrderOfArrival(t *testing.T) {
	s := told(t, schemas.ChannelMLA, acknowledged+`; qn consultation ><
		qm consultation-reply reject to consultation; qn decision accepted; qm withdrawal part; qn result partial`)
	want := s.derive()
	n := 0
	permute(s.events, func(events []Event) {
		n++
		got, err := Derive(schemas.ChannelMLA, events)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("order %v: %v, state %s, want %s", ids(events), err, got.State, want.State)
		}
	})
	if n != 5040 {
		t.Fatalf("%d orders", n)
	}
}

func permute(events []Event, visit func([]Event)) {
	var walk func(int)
	walk = func(k int) {
		if k == len(events) {
			visit(events)
			return
		}
		for i := k; i < len(events); i++ {
			events[k], events[i] = events[i], events[k]
			walk(k + 1)
			events[k], events[i] = events[i], events[k]
		}
	}
	walk(0)
}

func ids(events []Event) (out []schemas.MessageID) {
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}

// desk is one side in the simulation: what it holds, what is on the way to it, and what it found about each message of
// the other side at the moment when it held all lower numbers.
type desk struct {
	me, peer schemas.AuthorityID
	side     Side
	seq      uint64
	held     []Event
	coming   []Event
	numbers  map[uint64]bool
	found    map[Ref]bool
	reached  map[State]bool // shared by all runs
}

func newDesk(me, peer schemas.AuthorityID, side Side, reached map[State]bool) *desk {
	return &desk{me: me, peer: peer, side: side, numbers: map[uint64]bool{}, found: map[Ref]bool{}, reached: reached}
}

func (d *desk) contiguous() uint64 {
	n := uint64(0)
	for d.numbers[n+1] {
		n++
	}
	return n
}

func (d *desk) view(t testing.TB) Case {
	c, err := Derive(schemas.ChannelMLA, d.held)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// receive takes one of the messages on the way, not necessarily the oldest.
func (d *desk) receive(t testing.TB, rng *rand.Rand) {
	if len(d.coming) == 0 {
		return
	}
	i := rng.IntN(len(d.coming))
	e := d.coming[i]
	d.coming = append(d.coming[:i], d.coming[i+1:]...)
	d.held = append(d.held, e)
	d.numbers[e.Seq] = true
	top := d.contiguous()
	c := d.view(t)
	for _, e := range d.held {
		if _, known := d.found[e.ref()]; e.From == d.peer && e.Seq <= top && !known {
			d.found[e.ref()] = c.Effects[e.ref()]
		}
	}
}

// move is something that a desk can try to send. Moves are drawn from the tables, so that each row is reached; those that
// end a case come rarely, so that cases last.
type move struct{ name, outcome string }

func moves(s *story) []move {
	var list []move
	for _, r := range s.Rules {
		weight := 8
		if slices.Contains(s.Ends, r.To) && r.Type != "closure" {
			weight = 1
		}
		outcomes := r.Outcomes
		if outcomes == nil {
			outcomes = []string{""}
		}
		for range weight {
			for _, o := range outcomes {
				list = append(list, move{r.Type, o})
			}
		}
	}
	return list
}

// send tries a few moves and sends the first that the desk's own view permits. Now and then it sends what is not.
func (d *desk) send(t testing.TB, rng *rand.Rand, list []move, to *desk) {
	c := d.view(t)
	d.reached[c.main] = true
	lawless := rng.IntN(20) == 0
	for range 6 {
		m := list[rng.IntN(len(list))]
		e := Event{From: d.me, To: d.peer, Seq: d.seq + 1, Seen: d.contiguous(), Type: schemas.MessageType("mla." + m.name + "/1"), Outcome: m.outcome}
		e.ID = schemas.MessageID(fmt.Sprintf("%s%05d", d.me.State().Lower(), e.Seq))
		if open := c.Unanswered(e.Type); len(open) > 0 {
			e.InReplyTo = open[rng.IntN(len(open))]
		}
		if _, refused := c.permits(d.side, e, false); refused != nil && !lawless {
			continue
		}
		d.dispatch(e, to)
		return
	}
}

func (d *desk) dispatch(e Event, to *desk) {
	d.seq = e.Seq
	d.held = append(d.held, e)
	to.coming = append(to.coming, e)
}

// Two desks that send what their own view permits, with every delay and disorder on the way, agree at the end; what a
// recipient found of a message when it held all lower numbers is never revised; and a lawful message loses its effect
// only to one that crossed it.
func TestTwoDesksConverge(t *testing.T) {
	t.Parallel()
	runs := 5000
	if testing.Short() {
		runs = 400
	}
	ends, reached := map[State]int{}, map[State]bool{}
	for seed := range runs {
		rng := rand.New(rand.NewPCG(uint64(seed), 18))
		a, b := newDesk(qm, qn, Requesting, reached), newDesk(qn, qm, Requested, reached)
		opening := []string{"request", "request", "request", "spontaneous-information"}[rng.IntN(4)]
		list := moves(mlaStories()[0])
		if opening != "request" {
			list = moves(mlaStories()[1])
		}
		a.dispatch(Event{ID: "opening", From: qm, To: qn, Seq: 1, Type: schemas.MessageType("mla." + opening + "/1")}, b)
		for range 10 + rng.IntN(60) {
			switch rng.IntN(5) {
			case 0:
				a.send(t, rng, list, b)
			case 1:
				b.send(t, rng, list, a)
			case 2:
				a.receive(t, rng)
			default:
				b.receive(t, rng)
			}
		}
		for len(a.coming)+len(b.coming) > 0 {
			a.receive(t, rng)
			b.receive(t, rng)
		}
		atA, atB := a.view(t), b.view(t)
		if !reflect.DeepEqual(atA, atB) {
			t.Fatalf("seed %d: %s at one side, %s at the other", seed, atA.State, atB.State)
		}
		for _, d := range []*desk{a, b} {
			for ref, effect := range d.found {
				if atA.Effects[ref] != effect {
					t.Fatalf("seed %d: what %s found about %v was revised to %t", seed, d.me, ref, !effect)
				}
			}
		}
		if len(atA.Effects) != len(a.held) {
			t.Fatalf("seed %d: %d messages, %d effects", seed, len(a.held), len(atA.Effects))
		}
		ends[atA.State]++
		reached[atA.main] = true
	}
	for _, s := range mlaStories() {
		for state := range s.States {
			if !reached[state] && !testing.Short() {
				t.Errorf("no run came to state %s", state)
			}
		}
	}
	t.Logf("%d runs: %v", runs, ends)
}

// Numbers that contradict each other come from a sender who lies. They must not break anything, and the result must
// not depend on the order of arrival.
func TestContradictingNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 18))
	list := moves(mlaStories()[0])
	for range 2000 {
		events := []Event{{ID: "opening", From: qm, To: qn, Seq: 1, Type: "mla.request/1"}}
		for range rng.IntN(12) {
			m := list[rng.IntN(len(list))]
			from, to := qm, qn
			if rng.IntN(2) == 0 {
				from, to = qn, qm
			}
			events = append(events, Event{
				ID: schemas.MessageID(fmt.Sprint(rng.IntN(6))), From: from, To: to, Seq: uint64(rng.IntN(6)), Seen: uint64(rng.IntN(9)),
				Type: schemas.MessageType("mla." + m.name + "/1"), Outcome: m.outcome, InReplyTo: schemas.MessageID(fmt.Sprint(rng.IntN(6))),
			})
		}
		want, err := Derive(schemas.ChannelMLA, events)
		if err != nil {
			t.Fatal(err)
		}
		rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		got, err := Derive(schemas.ChannelMLA, append(events, events...))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: the order or a repetition mattered: %s and %s", err, want.State, got.State)
		}
	}
}
