package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/policy"
	"comity/agent/register"
	"comity/agent/store"
	"comity/pki/jose"
	"comity/schemas"
)

// A stage is one world while it plays a story: real desks, real envelopes, a clock that stands still between two moments,
// and a broker that the story can make slow or lossy. Everything that a desk does by itself happens through the agent's own
// functions, at the moments at which it would.

const (
	qpBorder = schemas.AuthorityID("QP/border")
	host     = schemas.StateCode("QM") // where the person in question is
	origin   = schemas.StateCode("QP") // whence, and who must not learn of it
)

// company is desks that play one story after the other. Keys, certificates and rules are dear and stay; the databases are
// new in each world.
type company struct {
	*world
	t     *testing.T
	cast  []schemas.AuthorityID // in the order in which they act at one moment
	empty []byte                // a database with all its tables and nothing in them
	start time.Time
}

func newCompany(t *testing.T) *company {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "comity"); err == nil { // where there is one: each commit is synced
		os.RemoveAll(dir)
		t.Setenv("TMPDIR", "/dev/shm")
	}
	c := &company{t: t, cast: []schemas.AuthorityID{qm, qn, qp, qmBorder, qpBorder}}
	c.world = newWorldOf(t, c.cast...)
	c.start = c.clock.Now()
	for _, id := range c.cast {
		d := c.desks[id]
		d.order, d.parallel = byContent, 1
		d.config.Routine, d.config.Urgent = 15*time.Minute, time.Minute
		rules, err := openRulebook(nil, policy.Config{Register: &switched{guardedRegister: d.register}, Scanner: d.scanner, Patience: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		d.policy = rules
	}
	c.desks[qm].closeStore(t)
	var err error
	if c.empty, err = os.ReadFile(c.desks[qm].databasePath()); err != nil {
		t.Fatal(err)
	}
	c.desks[qm].openStore(t)
	return c
}

// byContent is an order in which the messages of one tick leave that does not depend on what else waits.
func byContent(waiting []*store.Message) {
	slices.SortStableFunc(waiting, func(a, b *store.Message) int {
		key := func(m *store.Message) string { return string(m.Recipient) + string(m.Type) + string(m.Payload) }
		return strings.Compare(key(a), key(b))
	})
}

func (d *desk) databasePath() string { return filepath.Join(d.config.Data, "agent.db") }

func (d *desk) closeStore(t *testing.T) {
	t.Helper()
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) openStore(t *testing.T) {
	t.Helper()
	columns, err := store.ReadColumns(d.config.Keys.Store)
	if err != nil {
		t.Fatal(err)
	}
	if d.store, err = store.Open(context.Background(), d.databasePath(), columns); err != nil {
		t.Fatal(err)
	}
}

// backUp is the database as it is now; restore puts it back.
func (d *desk) backUp(t *testing.T) []byte {
	t.Helper()
	d.closeStore(t)
	content, err := os.ReadFile(d.databasePath())
	if err != nil {
		t.Fatal(err)
	}
	d.openStore(t)
	return content
}

func (d *desk) restore(t *testing.T, content []byte) {
	t.Helper()
	d.closeStore(t)
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(d.databasePath() + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(d.databasePath(), content, 0o600); err != nil {
		t.Fatal(err)
	}
	d.openStore(t)
}

// registerMode is how a desk's protection register behaves towards its rules.
type registerMode string

const (
	registerUp   registerMode = "up"
	registerDown registerMode = "down"
	registerSlow registerMode = "slow" // slower than the rules wait
)

var errSwitchedOff = errors.New("the register is out of reach")

// switched stands between a desk's rules and its register.
type switched struct {
	*guardedRegister
	mode registerMode
}

func (s *switched) Look(ctx context.Context, q register.Question) (register.Answer, error) {
	switch s.mode {
	case registerDown:
		return register.Answer{}, errSwitchedOff
	case registerSlow: // the rules have run out of patience; waiting for it in earnest would show nothing more
		return register.Answer{}, context.DeadlineExceeded
	}
	return s.guardedRegister.Look(ctx, q)
}

// newRegister gives a desk an empty register that was never fed.
func (d *desk) emptyRegister(t *testing.T) {
	t.Helper()
	if err := d.register.close(); err != nil {
		t.Fatal(err)
	}
	config := RegisterConfig(d.config, d.now)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(config.Path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	r, err := register.Create(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	d.register.mu.Lock()
	d.register.config, d.register.open, d.register.err = config, r, nil
	d.register.mu.Unlock()
	d.policy.config.Register.(*switched).mode = registerUp
}

func (d *desk) mode() registerMode { return d.policy.config.Register.(*switched).mode }

// turn sets how a register behaves. One that is down is down for labels too.
func (d *desk) turn(m registerMode) {
	d.policy.config.Register.(*switched).mode = m
	d.register.mu.Lock()
	defer d.register.mu.Unlock()
	d.register.config.Path = RegisterConfig(d.config, d.now).Path
	if m == registerDown && d.register.open != nil {
		d.register.open.Close()
		d.register.open, d.register.config.Path = nil, ""
	}
	d.register.err = nil
}

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
		d.changes, d.log = newChanges(), slog.New(slog.DiscardHandler)
		d.compared.Store(false)
		s.ticks[id] = d.newTicks()
		if isOf(id, origin) {
			s.events[id], _ = d.Watch()
			d.log = slog.New(slog.NewTextHandler(&logOf{s, id}, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
		}
	}
	return s
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

// submit hands the broker what is due in a desk's outbox.
func (s *stage) submit(d *desk) (moved bool) {
	s.t.Helper()
	ctx := s.t.Context()
	if at := s.aheadOf(d).parcels; at.IsZero() || at.After(s.clock.Now()) {
		return false
	}
	s.stir(d)
	for _, lane := range []store.Lane{store.Express, store.Ordinary} {
		var due []*store.Parcel
		err := d.store.View(ctx, func(tx *store.Tx) (err error) {
			due, err = tx.DueParcels(lane, d.now(), outboxBatch)
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, p := range due {
			moved = true
			if s.leak.submits != nil && !s.leak.submits(s, d, p) {
				s.accept(d, p)
				continue
			}
			s.noteLeft(d, p)
			s.view.drew(string(p.ID) + " " + hexOf(p.JWSSHA256))
			s.flying = append(s.flying, flight{p, d.me, s.clock.Now()})
			acceptance := s.accept(d, p)
			if isOf(d.me, origin) {
				s.lookAtParcel(fmt.Sprintf("%s submits a %s to %s", d.me, p.Kind, p.Peer), p, s.view.signedFacts(acceptance)...)
			}
		}
	}
	return moved
}

// accept is the broker's signed word, checked as the agent checks it.
func (s *stage) accept(d *desk, p *store.Parcel) []byte {
	s.t.Helper()
	said := schemas.Acceptance{From: d.me, To: p.Peer, ID: p.ID, SHA256: sha256Hex(p.Wire), AcceptedAt: s.clock.Now().UTC().Truncate(time.Second)}
	payload, err := schemas.Canonical(said)
	if err != nil {
		s.t.Fatal(err)
	}
	signing := s.scheme.Broker.Signing
	acceptance, err := jose.Sign(signing.Key, jose.Thumbprint(signing.Certificate), jose.TypAcceptance, nil, payload)
	if err != nil {
		s.t.Fatal(err)
	}
	err = errors.Join(
		d.checkAcceptance(p, acceptance),
		d.plan(s.t.Context(), p, func(tx *store.Tx, row *store.Parcel) error { return d.accepted(tx, row, acceptance) }),
	)
	if err != nil {
		s.t.Fatal(err)
	}
	return acceptance
}

// noteLeft remembers when a message first left.
func (s *stage) noteLeft(d *desk, p *store.Parcel) {
	w := s.wrote[s.labels[p.ID]]
	if p.Kind != store.KindMessage || w == nil || !w.left.IsZero() {
		return
	}
	w.left, w.leftApproved, w.leftClean = s.clock.Now(), w.approved, w.clean
}

// deliver hands desks what the broker holds for them, in the order in which it came.
func (s *stage) deliver() (moved bool) {
	s.t.Helper()
	flying := s.flying
	s.flying = nil
	for _, f := range flying {
		pair := pairOfDesks{f.from, f.parcel.Peer}
		if s.cut[pair] {
			s.flying = append(s.flying, f)
			continue
		}
		moved = true
		if s.loses[pair] > 0 {
			s.loses[pair]--
			continue
		}
		s.tally.envelopes++
		if isOf(f.parcel.Peer, origin) {
			s.tally.seen++
			s.lookAtParcel(fmt.Sprintf("%s is sent a %s by %s", f.parcel.Peer, f.parcel.Kind, f.from), f.parcel, fact{"submitted at", s.view.when(f.submitted)})
		}
		d := s.desks[f.parcel.Peer]
		s.stir(d)
		s.take(d, f.parcel.Wire)
	}
	return moved
}

// take has a desk receive an envelope, and look at what came of it.
func (s *stage) take(d *desk, wire []byte) {
	s.t.Helper()
	if err := d.accept(s.t.Context(), wire); err != nil && !s.faulty { // what a planted fault has broken may fail
		s.t.Fatalf("%s accepting: %v", d.me, err)
	}
	if err := d.screenWaiting(s.t.Context()); err != nil {
		s.t.Fatalf("%s screening: %v", d.me, err)
	}
	if d.mode() != registerSlow { // else it does not come to an end, beside everything else that the desk does
		_ = d.labelWaiting(s.t.Context()) // nor does anybody hear of an end that it comes to
	}
}

func (s *stage) lookAtParcel(what string, p *store.Parcel, more ...fact) {
	s.t.Helper()
	recipient := s.scheme.Authority(p.Peer).Encryption.Key
	if err := s.view.lookAtWire(what, s.clock.Now(), p.Wire, recipient, more...); err != nil {
		s.t.Fatal(err)
	}
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
