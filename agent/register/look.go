package register

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"comity/schemas"
)

// Limits of one question.
const (
	MaxPersons   = 256
	MaxTexts     = 4096
	MaxTextBytes = 16 << 20 // of all texts
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
	l := &lookUp{ctx: ctx, index: s.index, keys: r.keys, mac: r.keys.mac(), now: now}
	defer r.keys.release(l.mac)
	a := Answer{Fresh: r.fresh(s, now), Persons: make([][]Match, len(q.Persons))}
	for i := range q.Persons {
		if a.Persons[i], err = l.person(&q.Persons[i]); err != nil {
			return Answer{}, fmt.Errorf("looking up: %w", err)
		}
	}
	if a.Named, err = l.texts(q); err != nil {
		return Answer{}, fmt.Errorf("looking up: %w", err)
	}
	return a, nil
}

func (q *Question) bound() error {
	size := 0
	for _, t := range q.Texts {
		size += len(t)
	}
	if len(q.Persons) > MaxPersons || len(q.Texts) > MaxTexts || size > MaxTextBytes {
		return ErrTooMuch
	}
	return nil
}

// lookUp is one question on its way.
type lookUp struct {
	ctx   context.Context
	index *index
	keys  *keys
	mac   *mac
	now   time.Time
}

func (l *lookUp) person(id *schemas.Identity) ([]Match, error) {
	if err := l.ctx.Err(); err != nil {
		return nil, err
	}
	asked := l.mac.identity(id)
	found := map[*entry]bool{} // to whether it is certain
	for _, d := range asked.documents {
		for _, e := range l.index.byDocument[d.number] {
			found[e] = true
		}
	}
	for _, n := range asked.names {
		for _, k := range n.keys {
			for _, e := range l.index.byKey[k] {
				if _, known := found[e]; !known && alike(&n, asked.born, e) {
					found[e] = false
				}
			}
		}
	}
	who := l.keys.person(id)
	var matches []Match
	for e, certain := range found {
		if _, decided := l.index.distinctions[distinction{e.id, who}]; decided && !certain {
			continue
		}
		matches = append(matches, l.matches(e, certain)...)
	}
	sortMatches(matches)
	return matches, nil
}

// alike compares a name, with the birth date, to an entry.
func alike(n *nameCode, born birth, e *entry) bool {
	need := 0.80
	switch born.like(e.codes.born) {
	case dateEqual:
		need = 0.45
	case dateNear:
		need = 0.60
	case dateDiffers, dateSameYear:
		need = 0.95
	}
	for i := range e.codes.names {
		if n.whole.dice(&e.codes.names[i].whole) >= need {
			return true
		}
	}
	return false
}

func (l *lookUp) texts(q Question) ([]Match, error) {
	var matches []Match
	for i, text := range q.Texts {
		found := map[*entry]bool{}
		for _, word := range strings.Fields(text) {
			if n := documentNumber(word); len(n) >= 6 {
				for _, e := range l.index.byDocument[l.mac.digest(forDocument, []byte(n))] {
					found[e] = true
				}
			}
		}
		words := strings.Fields(text)
		for at := range words {
			if err := l.ctx.Err(); err != nil {
				return nil, err
			}
			for size := 2; size <= 5 && at+size <= len(words); size++ {
				n := l.mac.name(parts(strings.Join(words[at:at+size], " ")))
				for _, k := range n.keys[:min(1, len(n.keys))] {
					for _, e := range l.index.byKey[k] {
						if _, known := found[e]; !known && alike(&n, birth{}, e) {
							found[e] = false
						}
					}
				}
			}
		}
		for e, certain := range found {
			for _, m := range l.matches(e, certain) {
				m.Text = i
				matches = append(matches, m)
			}
		}
	}
	sortMatches(matches)
	return matches, nil
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
