package agent

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/schemas"
)

// storm is two desks between which everything that can happen to a parcel does: it is late, doubled, overtaken, lost after
// the broker accepted it, or arrives when its time is over.
type storm struct {
	*world
	r    *rand.Rand
	bag  []*store.Parcel
	acts []func()
}

// Whatever happens to parcels, in the end both sides have one state and one set, nobody waits and nobody is alarmed. The
// seeds are some on which this was once not so.
func TestNoStormPartsTheTwoSides(t *testing.T) {
	seeds := []uint64{12, 20, 41}
	if os.Getenv("COMITY_FULL") != "" {
		seeds = nil
		for seed := range uint64(300) {
			seeds = append(seeds, seed)
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := &storm{world: newWorldOf(t, qm, qn), r: rand.New(rand.NewPCG(seed, 99))}
			m, n := s.desks[qm], s.desks[qn]
			for _, d := range s.desks {
				d.config.Timing.ValidFor = 10 * time.Minute
			}
			id := m.send(draft(t, qn, "request", "", "")).Case
			if seed%2 == 0 {
				s.carry(t)
			}
			s.write(t, id)
			for range 40 {
				s.blow()
			}
			s.settle(t)
			if a, b := m.state(id), n.state(id); a != b {
				t.Errorf("QM sees %q, QN sees %q", a, b)
			} else if a != "" && m.counted(id) != n.counted(id) {
				t.Errorf("the sets differ:\nQM %s\nQN %s", m.counted(id), n.counted(id))
			}
			if up := append(m.transportAlarms(), n.transportAlarms()...); len(up) != 0 {
				t.Errorf("alarms: %v", up)
			}
			if depth := outboxDepth(t, m) + outboxDepth(t, n); depth != 0 {
				t.Errorf("%d rows are left in the outboxes", depth)
			}
		})
	}
}

// A message of ours that expired while its receipt was lost still stands for a peer that goes on from it.
func TestWhatExpiredWithoutAReceiptStillOpensItsCase(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	request := m.send(draft(t, qn, "request", "", ""))
	n.take(m.outgoing()[0].Wire)
	n.outgoing() // the receipt is lost
	w.clock.Advance(m.config.Timing.ValidFor + envelope.ClockSkew + time.Minute)
	w.renew(t)
	m.chores()
	if got := m.message(qm, request.ID); got.State != store.Expired {
		t.Fatalf("the request is %s", got.State)
	}
	answer := n.send(draft(t, qm, "acknowledgement", request.Case, ""))
	m.take(answer.Wire) // ahead of the receipt that answers the void
	if r := lastReceipt(t, m, n); r.Outcome != envelope.Stored {
		t.Errorf("the answer is %s %s", r.Outcome, r.Reason)
	}
	w.clock.Advance(m.config.Timing.ResendFirst) // the void was taken for the receipt's sake and is sent again
	w.carry(t)
	w.agree(t, request.Case, "acknowledged", qm, qn)
}

// Who was told that a message is stored asks for no other receipt. The verdict that its case does not take it is therefore
// sent again by itself, and in the end given up.
func TestAVerdictIsSentAgain(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	request := m.send(draft(t, qn, "request", "", ""))
	w.carry(t)
	seen := func(h map[string]any) { h["seen"] = 1 }
	first := n.forge(qm, payloadOf(t, draft(t, qm, "acknowledgement", request.Case, "")), 1, envelope.Hash{}, seen)
	m.take(n.forge(qm, payloadOf(t, draft(t, qm, "closure", request.Case, "")), 2, hashInside(t, m, first), seen))
	m.outgoing()
	m.take(first)
	verdicts := func() (wires [][]byte) {
		for _, p := range m.outgoing() {
			if p.Kind == store.KindVerdict {
				wires = append(wires, p.Wire)
			}
		}
		return wires
	}
	sent := verdicts()
	for range 48 {
		w.clock.Advance(time.Hour)
		sent = append(sent, verdicts()...)
	}
	const want = 8 // over some hours
	if len(sent) != want || !bytes.Equal(sent[0], sent[len(sent)-1]) {
		t.Errorf("it was sent %d times, want %d times the same bytes", len(sent), want)
	}
	if depth := outboxDepth(t, m); depth != 0 {
		t.Errorf("%d rows are left in the outbox", depth)
	}
}

// write says what the two may write, each when its own view of the case allows it.
func (s *storm) write(t *testing.T, id schemas.CaseID) {
	for _, side := range []struct {
		by, to schemas.AuthorityID
		names  []string
	}{
		{qm, qn, []string{"status-query", "closure", "costs-consultation", "withdrawal"}},
		{qn, qm, []string{"acknowledgement", "supplement-request", "decision", "consultation", "result", "status-report"}},
	} {
		for _, name := range side.names {
			s.acts = append(s.acts, func() {
				if name != "withdrawal" || s.r.IntN(4) == 0 { // cases should last
					s.desks[side.by].try(draft(t, side.to, name, id, "", accepting(name)))
				}
			})
		}
	}
}

// blow lets somebody write, time pass or both look for what is due, and then something happens to each parcel under way.
func (s *storm) blow() {
	switch k := s.r.IntN(10); {
	case k < 5:
		s.acts[s.r.IntN(len(s.acts))]()
	case k < 7:
		s.clock.Advance(time.Duration(s.r.IntN(400)) * time.Second)
	case k < 8:
		s.desks[qm].chores()
		s.desks[qn].chores()
	}
	s.bag = append(append(s.bag, s.desks[qm].outgoing()...), s.desks[qn].outgoing()...)
	s.r.Shuffle(len(s.bag), func(i, j int) { s.bag[i], s.bag[j] = s.bag[j], s.bag[i] })
	var left []*store.Parcel
	for _, p := range s.bag {
		switch k := s.r.IntN(10); {
		case k < 4:
			left = append(left, p)
		case k < 6: // lost
		default:
			s.desks[p.Peer].take(p.Wire)
			if k == 9 {
				s.desks[p.Peer].take(p.Wire)
			}
		}
	}
	s.bag = left
}

// settle is the calm afterwards: two days in which nothing more is lost.
func (s *storm) settle(t *testing.T) {
	for range 48 {
		s.clock.Advance(time.Hour + time.Minute)
		s.desks[qm].chores()
		s.desks[qn].chores()
		for _, p := range s.bag {
			s.desks[p.Peer].take(p.Wire)
		}
		s.bag = nil
		s.carry(t)
	}
}
