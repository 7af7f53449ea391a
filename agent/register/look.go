package register

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"comity/agent/register/name"
	"comity/schemas"
)

// Limits of one question.
const (
	MaxPersons   = 256
	MaxTexts     = 4096
	MaxTextBytes = 16 << 20 // of all texts
	MaxNames     = 100      // of one person, and as many documents; more than a record has, for aliases
	MaxNameBytes = 4 << 10
)

// ErrTooMuch says that a question is too large to be answered whole.
var ErrTooMuch = errors.New("the question is larger than the register answers")

// Look answers a question. Any error means that nothing is known.
func (r *Register) Look(ctx context.Context, q Question) (Answer, error) {
	if err := q.bound(); err != nil {
		return Answer{}, err
	}
	s, err := r.current(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("looking up: %w", err)
	}
	now := r.config.Now()
	l := &lookUp{ctx: ctx, index: s.index, keys: r.keys, mac: r.keys.mac(), now: now, enough: enough(s.index.size()), decided: map[*entry][]nameCode{}}
	defer r.keys.release(l.mac)
	l.work = workspaces.Get().(*workspace)
	defer l.work.release()
	a := Answer{Fresh: r.fresh(s, now), Persons: make([][]Match, len(q.Persons))}
	for i := range q.Persons {
		if a.Persons[i], err = l.person(&q.Persons[i]); err != nil {
			return Answer{}, fmt.Errorf("looking up: %w", err)
		}
	}
	if a.Named, err = l.texts(q.Texts); err != nil {
		return Answer{}, fmt.Errorf("looking up: %w", err)
	}
	return a, nil
}

func (q *Question) bound() error {
	size := 0
	for _, t := range q.Texts {
		size += len(t)
	}
	for i := range q.Persons {
		if tooLarge(&q.Persons[i]) {
			return ErrTooMuch
		}
	}
	if len(q.Persons) > MaxPersons || len(q.Texts) > MaxTexts || size > MaxTextBytes {
		return ErrTooMuch
	}
	return nil
}

// tooLarge tells of an identity that is not read whole.
func tooLarge(id *schemas.Identity) bool {
	long := func(n string) bool { return len(n) > MaxNameBytes }
	return len(id.Names)+len(id.FormerNames) > MaxNames || len(id.Documents) > MaxNames ||
		slices.ContainsFunc(id.Names, long) || slices.ContainsFunc(id.FormerNames, long) ||
		slices.ContainsFunc(id.Documents, func(d schemas.IdentityDocument) bool { return long(d.Number) })
}

// lookUp is one question on its way.
type lookUp struct {
	ctx   context.Context
	index *index
	keys  *keys
	mac   *mac
	now   time.Time

	enough float64 // bits, for a person to be held to be the one of an entry
	work   *workspace

	// Names of persons in the question who were decided not to be an entry: they do not name it in a text either.
	decided map[*entry][]nameCode
}

func sortMatches(matches []Match) {
	slices.SortFunc(matches, func(a, b Match) int {
		if c := a.Text - b.Text; c != 0 {
			return c
		}
		if c := strings.Compare(string(a.Entry), string(b.Entry)); c != 0 {
			return c
		}
		if a.Inherited == b.Inherited {
			return 0
		}
		if b.Inherited {
			return -1
		}
		return 1
	})
}

// workspace is room that look-ups hand on to each other. Nothing of a question stays in it.
type workspace struct {
	counts []counted
	last   []lastSeen
	round  uint32
	room   [64]overlay
	reader name.Reader // of this question's texts
	known  []askedWord // the words that it has read, by its count
	words  []askedWord // of the piece of a text that is being read
}

var workspaces = sync.Pool{New: func() any { return &workspace{} }}

func (w *workspace) release() {
	w.reader.Forget()
	clear(w.known)
	w.known = w.known[:0]
	clear(w.room[:])
	clear(w.words[:cap(w.words)])
	workspaces.Put(w)
}

// counted is what of a name an entry has: the word that it was met by last, how many words, how many of them spelled alike, and
// what they are worth at most, in 1/64 bits.
type counted struct {
	word, words, alike uint8
	bits               uint16
}

// counting is room to count entries in, all zero. Who takes it leaves it so.
func (w *workspace) counting(n int) []counted {
	if len(w.counts) < n {
		w.counts = make([]counted, n)
	}
	return w.counts
}

// lastSeen is by which word of a text an entry was met last, and what that and the one before it are worth at most, in 1/64 bits.
// It counts in its own round only.
type lastSeen struct {
	round       uint32
	word        int32
	own, before uint16
	alike       bool // spelled alike
	small       bool // none of the two begins with a capital, in a text that knows them
}

func (w *workspace) lastSeen(n int) ([]lastSeen, uint32) {
	if w.round++; len(w.last) < n || w.round == 0 {
		w.last, w.round = make([]lastSeen, n), 1
	}
	return w.last, w.round
}
