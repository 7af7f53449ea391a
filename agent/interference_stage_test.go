package agent

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/store"
	"comity/schemas"
)

// A stage is one world while it plays a story: real desks, real envelopes, a clock that stands still between two moments,
// and a broker that the story can make slow or lossy. Everything that a desk does by itself happens through the agent's own
// functions, at the moments at which it would.

// written is what became of a missive.
type written struct {
	by           schemas.AuthorityID
	ids          []schemas.MessageID // one for each recipient
	clean        bool                // it was written anew
	approved     time.Time           // when it last had all that it needs to leave
	held         bool                // policy stopped it once
	left         time.Time           // zero: never
	leftApproved time.Time
	leftClean    bool
}

// flight is an envelope that the broker has accepted and not delivered.
type flight struct {
	parcel    *store.Parcel
	from      schemas.AuthorityID
	submitted time.Time
}

type pairOfDesks struct{ from, to schemas.AuthorityID }

type stage struct {
	*company
	t       *testing.T
	began   time.Time
	guarded bool // the person in question is under protection here
	ticks   map[schemas.AuthorityID]ticks
	chores  map[schemas.AuthorityID]time.Time // when each must be done next
	ahead   map[schemas.AuthorityID]ahead
	events  map[schemas.AuthorityID]<-chan api.Event
	wrote   map[string]*written
	labels  map[schemas.MessageID]string
	backups map[string][]byte
	flying  []flight
	cut     map[pairOfDesks]bool // nothing is delivered from one to the other
	loses   map[pairOfDesks]int  // so many of the next envelopes are lost
	view    *view
	leak    leak
	faulty  bool // there is a leak
	tally   *tally
	refused []string // what could not be drafted, and why
}

// tally counts what was played, over all worlds.
type tally struct {
	worlds, envelopes, seen  int
	held, freed, never, moot int
	comparisons, facts       int
	rules                    map[string]int // that stopped something of the host, and how often
}

func newTally() *tally { return &tally{rules: map[string]int{}} }

func (t *tally) String() string {
	return fmt.Sprintf("%d worlds with %d envelopes, %d of them for the State of origin; %d comparisons of %d facts; "+
		"%d messages held, %d of them left later, %d never; %d acts that no longer fitted; stopped by %v",
		t.worlds, t.envelopes, t.seen, t.comparisons, t.facts, t.held, t.freed, t.never, t.moot, t.rules)
}

// newStage clears the desks away and begins anew.
func (c *company) newStage(t *testing.T, guarded bool) *stage {
	t.Helper()
	c.clock.Advance(c.start.Sub(c.clock.Now()))
	s := &stage{
		company: c, t: t, began: c.start, guarded: guarded,
		ticks: map[schemas.AuthorityID]ticks{}, chores: map[schemas.AuthorityID]time.Time{}, ahead: map[schemas.AuthorityID]ahead{}, events: map[schemas.AuthorityID]<-chan api.Event{},
		wrote: map[string]*written{}, labels: map[schemas.MessageID]string{}, backups: map[string][]byte{},
		cut: map[pairOfDesks]bool{}, loses: map[pairOfDesks]int{}, view: newView(origin, c.start), tally: newTally(),
	}
	for _, id := range c.cast {
		d := c.desks[id]
		d.t = t
		d.restore(t, c.empty)
		d.emptyRegister(t)
		d.order = s.byLabel
		d.changes, d.notices, d.log = newChanges(), newNotices(), slog.New(slog.DiscardHandler)
		d.measureAnew(t)
		d.recalledBy.Clear()
		d.jobs, d.fetches = newJobs(), newFetches()
		d.compared.Store(false)
		s.ticks[id] = d.newTicks()
		if isOf(id, origin) {
			s.events[id], _ = d.Watch()
			d.log = slog.New(slog.NewTextHandler(&logOf{s, id}, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
		}
	}
	return s
}

// byLabel is an order in which the messages of one tick leave that does not depend on what else waits, nor on what was drawn.
func (s *stage) byLabel(leave []*store.Message) {
	slices.SortFunc(leave, func(a, b *store.Message) int {
		key := func(m *store.Message) string { return s.labels[m.ID] + " to " + string(m.Recipient) }
		return strings.Compare(key(a), key(b))
	})
}

// logOf puts a desk's log into the view.
type logOf struct {
	*stage
	id schemas.AuthorityID
}

func (l *logOf) Write(line []byte) (int, error) {
	l.view.note(string(l.id)+" logs", fact{"at", l.view.when(l.clock.Now())}, fact{"line", string(line)})
	return len(line), nil
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// play plays a story to its end, and returns what the State of origin saw of it.
func (c *company) play(t *testing.T, told *story, guarded bool, l leak, sum *tally) *stage {
	t.Helper()
	s := c.newStage(t, guarded)
	s.leak, s.tally = l, sum
	s.faulty = l.submits != nil || l.holds != nil || l.frees != nil || l.feeds != nil
	sum.worlds++
	for _, a := range told.acts {
		s.until(a.at)
		s.act(a)
		s.moment()
	}
	s.until(told.length)
	s.closeView(told)
	return s
}

// until lets the world run up to a moment: it stops wherever a desk has something to do by itself.
func (s *stage) until(at time.Duration) {
	s.t.Helper()
	end := s.began.Add(at)
	for range 100_000 {
		next := end
		for _, id := range s.cast {
			if due := s.nextOf(s.desks[id]); !due.IsZero() && due.Before(next) {
				next = due
			}
		}
		if now := s.clock.Now(); next.After(now) {
			s.clock.Advance(next.Sub(now))
			s.passTicks()
		}
		if !next.Before(end) {
			return
		}
		s.moment()
	}
	s.t.Fatal("the world never reaches the next act")
}

// passTicks lets ticks go by at which nothing waited.
func (s *stage) passTicks() {
	now := s.clock.Now()
	for _, id := range s.cast {
		for _, t := range []*tick{s.ticks[id].urgent, s.ticks[id].routine} {
			if t.next.Before(now) {
				t.due(now.Add(-time.Nanosecond), false)
			}
		}
	}
}

// ahead is what a desk has before it, as its store says; it is read again once the desk has done something.
type ahead struct {
	urgent, routine bool      // approved messages wait for a tick
	parcels         time.Time // when the outbox has something due; zero: never
}

func (s *stage) stir(d *desk) { delete(s.ahead, d.me) }

// aheadOf is what a desk has before it.
func (s *stage) aheadOf(d *desk) ahead {
	s.t.Helper()
	if known, ok := s.ahead[d.me]; ok {
		return known
	}
	var a ahead
	err := d.store.View(s.t.Context(), func(tx *store.Tx) error {
		waiting, err := tx.MessagesIn(store.Out, store.Approved, "", listLimit)
		if err != nil {
			return err
		}
		for _, m := range waiting {
			a.routine = a.routine || m.Urgency == string(schemas.Routine)
			a.urgent = a.urgent || m.Urgency != string(schemas.Routine)
		}
		for _, lane := range []store.Lane{store.Express, store.Ordinary} {
			at, err := tx.NextParcelAt(lane)
			if err != nil {
				return err
			}
			a.parcels = earliest(a.parcels, at)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.ahead[d.me] = a
	return a
}

// nextOf is when a desk has something to do by itself, zero for no set time.
func (s *stage) nextOf(d *desk) time.Time {
	s.t.Helper()
	a := s.aheadOf(d)
	next := earliest(a.parcels, s.chores[d.me])
	if a.urgent {
		next = earliest(next, s.ticks[d.me].urgent.next)
	}
	if a.routine {
		next = earliest(next, s.ticks[d.me].routine.next)
	}
	return next
}

// moment has every desk do what is due at this moment, and the broker carry what they send, until all are at rest.
func (s *stage) moment() {
	s.t.Helper()
	now := s.clock.Now()
	for _, id := range s.cast {
		d := s.desks[id]
		a := s.aheadOf(d)
		leaves := s.ticks[id].due(now, false)
		if !a.urgent && !a.routine {
			continue
		}
		for _, urgency := range leaves {
			d.releaseAll(s.t.Context(), urgency, anyMessage)
			s.stir(d)
		}
		s.lookForHeld(d)
	}
	for range 100 {
		moved := false
		for _, id := range s.cast {
			moved = s.doChores(s.desks[id]) || moved
			moved = s.submit(s.desks[id]) || moved
		}
		moved = s.deliver() || moved
		moved = s.carryChunks() || moved
		s.hearEvents()
		if !moved {
			return
		}
	}
	s.t.Fatal("the desks never come to rest")
}

// doChores does what the agent's own loop of chores would do now.
func (s *stage) doChores(d *desk) bool {
	s.t.Helper()
	due := !s.chores[d.me].IsZero() && !s.chores[d.me].After(s.clock.Now())
	select {
	case <-d.Agent.chores:
		due = true
	default:
	}
	if !due {
		return false
	}
	s.stir(d)
	next, err := d.chore(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if !next.IsZero() && !next.After(s.clock.Now()) { // as the loop itself does not spin
		next = s.clock.Now().Add(choreLeast)
	}
	s.chores[d.me] = next
	return true
}

// hearEvents notes what the State's own desks are told to refresh.
func (s *stage) hearEvents() {
	for _, id := range s.cast {
		for heard := s.events[id]; heard != nil; {
			select {
			case e := <-heard:
				facts, _ := s.view.factsOf(e)
				s.view.note(string(id)+" hears", append([]fact{{"at", s.view.when(s.clock.Now())}}, facts...)...)
				continue
			default:
			}
			break
		}
	}
}

// closeView notes what the State's desks hold at the end, and what in the view was drawn in this world.
func (s *stage) closeView(told *story) {
	s.t.Helper()
	for _, id := range s.cast {
		d := s.desks[id]
		if isOf(id, origin) {
			if err := s.view.lookAtDesk(d); err != nil {
				s.t.Fatal(err)
			}
		}
		s.drawnAt(d)
	}
	for fixed := range told.tokens() {
		delete(s.view.drawn, fixed)
	}
	for _, w := range s.wrote {
		if isOf(w.by, origin) || !w.held {
			continue
		}
		s.tally.held++
		if w.left.IsZero() {
			s.tally.never++
		} else {
			s.tally.freed++
		}
	}
}

// drawnAt tells the view which identifiers and hashes a desk made or holds.
func (s *stage) drawnAt(d *desk) {
	s.t.Helper()
	err := d.store.View(s.t.Context(), func(tx *store.Tx) error {
		messages, err := tx.Messages(store.Filter{Limit: listLimit})
		if err != nil {
			return err
		}
		for _, m := range messages {
			facts, _ := s.view.factsOf(m)
			for _, f := range facts {
				s.view.drew(f.value)
			}
			if item, err := readItem(m); err == nil { // over a body that holds its identifier
				s.view.drew(fmt.Sprint(item.SHA256, " ", item.Agreement))
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}
