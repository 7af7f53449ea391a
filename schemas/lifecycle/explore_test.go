package lifecycle

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"comity/schemas"
)

// explorer walks all that can happen in the cases of one table: two sides write what their own view permits, at any
// moment, and each letter arrives at any later one, before or after those written earlier. Worlds that two paths lead
// to are entered once; the paths are counted.
type explorer struct {
	channel schemas.Channel
	story   *story
	derive  func(schemas.Channel, []Event) (Case, error)
	moves   []move
	index   map[move]int
	types   map[string]schemas.MessageType
	answers map[string]map[string]bool // which types a type answers
	limit   int                        // letters that may be written from the starting point on
	lawless int                        // how many of them may be unlawful
	probing bool                       // each unlawful letter is also tried against the case itself

	views    map[string]*Case
	letters  map[string][]*letter
	outcomes map[string]*Case  // the one case of each set of messages
	paths    map[string]uint64 // of each world: ways to go on from there until nothing is left to happen
	rejected int
}

func explore(ch schemas.Channel, s *story) *explorer {
	x := &explorer{
		channel: ch, story: s, derive: Derive, index: map[move]int{}, types: map[string]schemas.MessageType{},
		answers: map[string]map[string]bool{},
		views:   map[string]*Case{}, letters: map[string][]*letter{}, outcomes: map[string]*Case{}, paths: map[string]uint64{},
	}
	add := func(m move) {
		if _, known := x.index[m]; !known {
			x.index[m] = len(x.moves)
			x.moves = append(x.moves, m)
			x.types[m.name] = schemas.MessageType(string(ch) + "." + m.name + "/1")
		}
	}
	for _, r := range s.Rules {
		if x.answers[r.Type] == nil {
			x.answers[r.Type] = map[string]bool{}
		}
		if kind := cmp.Or(r.Answers, r.MayAnswer); kind != "" {
			x.answers[r.Type][kind] = true
		}
		for _, outcome := range r.Outcomes {
			add(move{r.Type, outcome})
		}
		if r.Outcomes == nil {
			add(move{r.Type, ""})
		} else {
			add(move{r.Type, "an-outcome-of-no-rule"})
		}
	}
	add(move{s.Opening, s.As})
	return x
}

// opened is the world in which the opening letter is written and on its way.
func (x *explorer) opened() *world {
	return x.send(&world{}, 0, x.write(0, 0, letter{move: move{x.story.Opening, x.story.As}, lawful: true}))
}

// divergence is what must never be found.
type divergence struct {
	kind divergenceKind
	text string
}

type divergenceKind string

const (
	sidesDiffer  divergenceKind = "the sides differ"
	orderMatters divergenceKind = "the order of arrival matters"
	revised      divergenceKind = "what a recipient found was revised"
	lostAlone    divergenceKind = "a lawful message that crossed nothing has no effect"
	unlawfulTook divergenceKind = "an unlawful message moved the case"
	twoVerdicts  divergenceKind = "sender and recipient judge a message differently"
)

func (d *divergence) Error() string { return string(d.kind) + d.text }

func diverged(kind divergenceKind, w *world) error { return &divergence{kind, w.tell()} }

// visit goes on from a world in every way and returns how many ways there are.
func (x *explorer) visit(w *world, left int) (uint64, error) {
	key := x.key(w)
	if n, known := x.paths[key]; known {
		return n, nil
	}
	var total uint64
	follow := func(next *world, left int) error {
		if err := x.stable(w, next); err != nil {
			return err
		}
		n, err := x.visit(next, left)
		total += n
		return err
	}
	for side := range 2 {
		for i := range w.rows[1-side] {
			if w.got[side]&(1<<i) != 0 {
				continue
			}
			next := x.deliver(w, side, i)
			if err := errors.Join(x.judged(w, next, side), x.agree(next)); err != nil {
				return 0, err
			}
			if err := follow(next, left); err != nil {
				return 0, err
			}
		}
		if left == 0 {
			continue
		}
		letters, err := x.candidates(w, side)
		if err != nil {
			return 0, err
		}
		for _, l := range letters {
			if !l.lawful && w.unlawful == x.lawless {
				continue
			}
			if err := follow(x.send(w, side, l), left-1); err != nil {
				return 0, err
			}
		}
	}
	total = max(total, 1)
	x.paths[key] = total
	return total, nil
}

// stable holds what a side found about letters that it had without a hole against what it finds one event later.
func (x *explorer) stable(w, next *world) error {
	for side := range 2 {
		seen := w.contiguous(side)
		before, err := x.view(w.rows, side, len(w.rows[side]), seen)
		if err != nil {
			return err
		}
		after, err := x.view(next.rows, side, len(next.rows[side]), next.contiguous(side))
		if err != nil {
			return err
		}
		for i := range seen {
			ref := w.rows[1-side][i].event.ref()
			if before.Effects[ref] != after.Effects[ref] {
				return diverged(revised, next)
			}
		}
	}
	return nil
}

// judged holds the recipient's verdict about each letter whose past became complete against the sender's. The recipient
// computes it from what it holds, in the order in which it came to hold it.
func (x *explorer) judged(w, next *world, side int) error {
	for i := w.contiguous(side); i < next.contiguous(side); i++ {
		l := next.rows[1-side][i]
		var past []Event
		for _, o := range next.order[side] {
			if o.lawful && (o.from == side && o.place < l.seen || o.from != side && o.place < i) {
				past = append(past, o.event)
			}
		}
		c, err := x.derive(x.channel, past)
		if err != nil {
			return err
		}
		opening := i == 0 && side == 1
		if lawful := opening || permitted(&c, l.event); lawful != l.lawful {
			return diverged(twoVerdicts, next)
		}
		if !l.lawful {
			x.rejected++
		}
	}
	return nil
}

// agree holds the two sides against each other where both have everything, and against every other way to get there.
func (x *explorer) agree(w *world) error {
	if !w.quiet() {
		return nil
	}
	var cases [2]*Case
	for side := range 2 {
		held := make([]Event, 0, len(w.order[side]))
		for _, l := range w.order[side] {
			if l.lawful {
				held = append(held, l.event)
			}
		}
		c, err := x.derive(x.channel, held)
		if err != nil {
			return err
		}
		cases[side] = &c
	}
	if !sameCase(cases[0], cases[1]) {
		return diverged(sidesDiffer, w)
	}
	key := string(x.setKey(w))
	if known := x.outcomes[key]; known != nil {
		if !sameCase(known, cases[0]) {
			return diverged(orderMatters, w)
		}
		return nil
	}
	x.outcomes[key] = cases[0]
	return x.lostOnlyToCrossing(w, cases[0])
}

func (x *explorer) lostOnlyToCrossing(w *world, c *Case) error {
	for side, row := range w.rows {
		for i, l := range row {
			crossed := slices.ContainsFunc(w.rows[1-side][l.seen:], func(other *letter) bool { return other.seen <= i })
			if l.lawful && !crossed && !c.Effects[l.event.ref()] {
				return diverged(lostAlone, w)
			}
		}
	}
	return nil
}

// inert sends an unlawful letter past the verdict, straight into the case where it stands.
func (x *explorer) inert(w *world, side int, l *letter) error {
	seen := w.contiguous(side)
	before, err := x.view(w.rows, side, len(w.rows[side]), seen)
	if err != nil {
		return err
	}
	if before.story == nil {
		return nil // the case is not open to this side, whatever it writes
	}
	e := l.event
	after, err := x.derive(x.channel, append(x.past(w.rows, side, len(w.rows[side]), seen), e))
	if err != nil {
		return err
	}
	effect, recorded := after.Effects[e.ref()]
	delete(after.Effects, e.ref())
	if effect || !recorded || !sameCase(before, &after) {
		return diverged(unlawfulTook, x.send(w, side, l))
	}
	return nil
}

// standingPoints are the shortest ways, with nothing crossing, to everything that a case of this table can look like:
// from each of them letters can cross. A fine look tells apart what people are not shown as a state. reached are the
// states on the way.
func (x *explorer) standingPoints(fine bool) (points []*world, reached map[State]bool, err error) {
	const longest = 16
	reached = map[State]bool{}
	looks, known := map[string]bool{}, map[string]bool{}
	queue := []*world{x.deliver(x.opened(), 1, 0)}
	for len(queue) > 0 {
		w := queue[0]
		queue = queue[1:]
		c, err := x.view(w.rows, 0, len(w.rows[0]), len(w.rows[1]))
		if err != nil {
			return nil, nil, err
		}
		inside := fmt.Sprint(c.main, c.marks, x.waiting(c, fine))
		if known[inside] {
			continue
		}
		known[inside], reached[c.main] = true, true
		look := fmt.Sprint(c.State, c.main)
		if fine {
			look = fmt.Sprint(c.State, c.main, c.marks, c.NextToAct)
		}
		if !looks[look] {
			looks[look] = true
			points = append(points, w)
		}
		if len(w.rows[0])+len(w.rows[1]) == longest {
			continue
		}
		for side := range 2 {
			letters, err := x.candidates(w, side)
			if err != nil {
				return nil, nil, err
			}
			for _, l := range letters {
				if l.lawful {
					queue = append(queue, x.deliver(x.send(w, side, l), 1-side, len(w.rows[side])))
				}
			}
		}
	}
	return points, reached, nil
}

// waiting lists the kinds of question that are open: all, or those that show or whose answer moves the case.
func (x *explorer) waiting(c *Case, all bool) (kinds []string) {
	matters := func(kind string) bool {
		return slices.ContainsFunc(x.story.Overlays, func(o overlay) bool { return o.Asked == kind }) ||
			slices.ContainsFunc(x.story.Rules, func(r rule) bool { return r.Answers == kind && (r.To != "" || r.Sets|r.Clears != 0) })
	}
	for _, q := range c.questions {
		if q.open && !slices.Contains(kinds, q.kind) && (all || matters(q.kind)) {
			kinds = append(kinds, q.kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// tally is what an exploration covered.
type tally struct {
	interleavings uint64
	worlds, sets  int
	rejected      int
}

// begin forgets what was found near another starting point. A map that is cleared would stay as large as it ever was.
func (x *explorer) begin() {
	x.views, x.letters = map[string]*Case{}, map[string][]*letter{}
	x.outcomes, x.paths = map[string]*Case{}, map[string]uint64{}
}

// from explores everything within limit letters from a starting point. What the views and candidates near it are, and that
// the unlawful ones are inert, stays known for the next time until begin.
func (x *explorer) from(w *world, limit, lawless int) (tally, error) {
	x.limit, x.lawless = limit, lawless
	x.outcomes, x.paths = map[string]*Case{}, map[string]uint64{}
	x.rejected, x.probing = 0, true
	defer func() { x.probing = false }()
	n, err := x.visit(w, limit)
	return tally{n, len(x.paths), len(x.outcomes), x.rejected}, err
}

func (t *tally) add(other tally) {
	t.interleavings += other.interleavings
	t.worlds += other.worlds
	t.sets += other.sets
	t.rejected += other.rejected
}

// depth says how far an exploration goes: worlds bounds the one from the opening letter, crossing is how many letters
// are written from each standing point on.
type depth struct {
	worlds, crossing, runs int
	fine                   bool
}

// passes are the depths of one run, by name. The second of COMITY_FULL=1 tells more standing points apart and goes further
// from each opening; a few minutes on two cores.
func passes() map[string]depth {
	normal := depth{worlds: 30_000, crossing: 2, runs: 50}
	switch {
	case os.Getenv("COMITY_FULL") != "":
		return map[string]depth{"crossing": normal, "fine": {worlds: 300_000, crossing: 1, runs: 2000, fine: true}}
	case testing.Short():
		return map[string]depth{"short": {worlds: 3_000, crossing: 1, runs: 20}}
	}
	return map[string]depth{"crossing": normal}
}

// For each table: whatever two sides write by their own lights and however it is delayed and disordered on the way, they
// end in the same case.
func TestExplore(t *testing.T) {
	if os.Getenv("COMITY_FULL") == "" {
		// An exploration keeps what it found and throws away as much again: half a gigabyte buys a third of the time. The
		// finer one keeps too much for that.
		percent := debug.SetGCPercent(400)
		t.Cleanup(func() { debug.SetGCPercent(percent) })
	}
	for _, ch := range schemas.Channels() {
		t.Run(string(ch), func(t *testing.T) {
			t.Parallel()
			for name, d := range passes() {
				var covered atomic.Uint64
				t.Cleanup(func() {
					t.Logf("%s, %s: %d interleavings covered in %d tables", ch, name, covered.Load(), len(stories(ch)))
				})
				for _, s := range stories(ch) {
					t.Run(strings.TrimSuffix(s.Opening+"."+s.As, ".")+"/"+name, func(t *testing.T) {
						t.Parallel()
						covered.Add(exploreTable(t, ch, s, d))
					})
				}
			}
		})
	}
}

// exploreTable covers one table: from the opening letter on, from everything that its cases can look like, and at random.
func exploreTable(t *testing.T, ch schemas.Channel, s *story, d depth) uint64 {
	x := explore(ch, s)
	total, deepest, err := x.exhaust(d)
	if err != nil {
		t.Fatal(err)
	}
	points, reached, err := x.standingPoints(d.fine)
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range slices.Sorted(maps.Keys(s.States)) {
		if !reached[state] {
			t.Errorf("no lawful sequence leads to state %s", state)
		}
	}
	for _, w := range points {
		x.begin()
		lawful, err := x.from(w, d.crossing, 0)
		if err != nil {
			t.Fatal(err)
		}
		unlawful, err := x.from(w, d.crossing-1, 1)
		if err != nil {
			t.Fatal(err)
		}
		total.add(lawful)
		total.add(unlawful)
	}
	letters, err := x.wander(d.runs)
	if err != nil {
		t.Fatal(err)
	}
	if total.interleavings < 1000 && !testing.Short() {
		t.Errorf("only %d interleavings", total.interleavings)
	}
	t.Logf("%d interleavings covered (%d moments, %d sets of messages): all of %d letters from the opening and all of %d from "+
		"%d standing points; %d rejections of unlawful letters; %d random cases of %d letters; none diverged",
		total.interleavings, total.worlds, total.sets, deepest, d.crossing, len(points), total.rejected, d.runs, letters)
	return total.interleavings
}

// exhaust explores from the opening letter on, one letter deeper each time, as long as the worlds are likely to fit.
func (x *explorer) exhaust(d depth) (total tally, deepest int, err error) {
	x.begin()
	start, before := x.opened(), 1
	for limit := 1; ; limit++ {
		part, err := x.from(start, limit, 0)
		if err != nil {
			return total, limit, err
		}
		total = part // of the deepest alone: it holds all shorter ones
		if part.worlds*(part.worlds/before+1) > d.worlds || limit == 8 {
			return total, limit, nil
		}
		before = part.worlds
	}
}

// wander plays long random cases with everything at once: delays, disorder, crossings and unlawful letters. It returns the
// number of letters.
func (x *explorer) wander(runs int) (letters int, err error) {
	for seed := range runs {
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		x.begin()
		w := x.opened()
		for range 60 {
			if w, err = x.wanderOn(w, rng); err != nil {
				return letters, fmt.Errorf("seed %d: %w", seed, err)
			}
		}
		for !w.quiet() {
			if w, err = x.arrive(w, rng.IntN(2), rng); err != nil {
				return letters, fmt.Errorf("seed %d: %w", seed, err)
			}
		}
		letters += len(w.rows[0]) + len(w.rows[1])
	}
	return letters, nil
}

func (x *explorer) wanderOn(w *world, rng *rand.Rand) (*world, error) {
	side := rng.IntN(2)
	if rng.IntN(5) < 3 || len(w.rows[side]) > 28 {
		return x.arrive(w, side, rng)
	}
	list, err := x.candidates(w, side)
	if err != nil {
		return nil, err
	}
	wantLawful := rng.IntN(8) != 0
	list = slices.DeleteFunc(slices.Clone(list), func(l *letter) bool { return l.lawful != wantLawful })
	if len(list) == 0 {
		return w, nil
	}
	l := list[rng.IntN(len(list))]
	if slices.ContainsFunc(x.story.Rules, func(r rule) bool {
		return r.Type == l.name && slices.Contains(x.story.Ends, r.To)
	}) && rng.IntN(4) != 0 {
		l = list[rng.IntN(len(list))] // cases should last
	}
	next := x.send(w, side, l)
	return next, x.stable(w, next)
}

func (x *explorer) arrive(w *world, side int, rng *rand.Rand) (*world, error) {
	var coming []int
	for i := range w.rows[1-side] {
		if w.got[side]&(1<<i) == 0 {
			coming = append(coming, i)
		}
	}
	if len(coming) == 0 {
		return w, nil
	}
	next := x.deliver(w, side, coming[rng.IntN(len(coming))])
	return next, errors.Join(x.judged(w, next, side), x.stable(w, next), x.agree(next))
}
