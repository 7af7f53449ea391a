package register

import (
	"math"
	"slices"
)

// index is what look-ups read: a large segment that is seldom built anew, and a small one with what changed since. Neither it
// nor the segments are ever changed; a change makes another index.
type index struct {
	base, fresh  *segment
	hidden       map[*entry]bool // of base: replaced or removed since
	byID         map[EntryID]*entry
	distinctions map[distinction]digest // to the content of the entry that was decided on
	decided      map[digest][]*entry    // by the person: the entries in distinctions
	common       map[uint64]float64     // how many persons have one of the commonest words in their names, by its keys
}

// distinction is one decision: this person is not that entry.
type distinction struct {
	entry  EntryID
	person digest
}

// rebuildAfter is how many changes the small segment takes, beside one in 64 of all entries.
const rebuildAfter = 256

func (k *keys) newIndex(entries []*entry, distinctions map[distinction]digest) *index {
	ix := &index{base: newSegment(entries), fresh: newSegment(nil), byID: make(map[EntryID]*entry, len(entries)), common: k.commonWords()}
	for _, e := range entries {
		ix.byID[e.id] = e
	}
	ix.decide(distinctions)
	return ix
}

// decide keeps the decisions on entries that are still as they were decided on.
func (ix *index) decide(distinctions map[distinction]digest) {
	ix.distinctions, ix.decided = map[distinction]digest{}, map[digest][]*entry{}
	for pair, on := range distinctions {
		if e := ix.byID[pair.entry]; e != nil && e.card.Content == on {
			ix.distinctions[pair] = on
			ix.decided[pair.person] = append(ix.decided[pair.person], e)
		}
	}
}

// all lists the entries.
func (ix *index) all() []*entry {
	entries := make([]*entry, 0, ix.size())
	for _, e := range ix.base.entries {
		if !ix.hidden[e] {
			entries = append(entries, e)
		}
	}
	return append(entries, ix.fresh.entries...)
}

func (ix *index) size() int { return len(ix.byID) }

// segments are those to be searched. An entry that is hidden in the first must be passed over.
func (ix *index) segments() [2]*segment { return [2]*segment{ix.base, ix.fresh} }

func (ix *index) byRef(ref digest) *entry {
	if e := ix.fresh.byRef[ref]; e != nil {
		return e
	}
	if e := ix.base.byRef[ref]; e != nil && !ix.hidden[e] {
		return e
	}
	return nil
}

// linked is who is linked with an entry, by either's record.
func (ix *index) linked(e *entry) []*entry {
	var found []*entry
	for _, ref := range e.card.Linked {
		if other := ix.byRef(ref); other != nil {
			found = append(found, other)
		}
	}
	for _, s := range ix.segments() {
		for _, other := range s.linkedBy[e.ref] {
			if !ix.hidden[other] && !slices.Contains(found, other) {
				found = append(found, other)
			}
		}
	}
	return found
}

// priorPersons is how many persons the first guess at a word's frequency weighs as much as.
const priorPersons = 1000

// count of the entries that have a word with this hash; those that are hidden count as well.
func (ix *index) count(hash uint64) int { return len(ix.base.with(hash)) + len(ix.fresh.with(hash)) }

// share of all persons who have a key of a word, of whom so many are registered. A small register says little of that, so it starts from how often keys of that
// length, and the commonest words, are met anywhere.
func (ix *index) share(key uint64, w wordCode, count int) float64 {
	prior, common := ix.common[key]
	if !common {
		prior = w.prior(0.25)
	}
	return (float64(count) + priorPersons*prior) / float64(ix.size()+priorPersons)
}

// shareOfWord is the same for a word as it is spelled.
func (ix *index) shareOfWord(w wordCode) float64 {
	prior, common := ix.common[w.letters]
	if !common {
		prior = w.prior(0.06)
	}
	return (float64(ix.count(w.letters)) + priorPersons*prior) / float64(ix.size()+priorPersons)
}

// prior guesses a share from the number of sounds. A word with digits, or in Chinese, is met by chance as seldom as it looks.
func (w *wordCode) prior(ofNone float64) float64 {
	if w.shape == (bloom{}) {
		return 1e-5
	}
	return ofNone * math.Pow(0.25, float64(min(w.size, 7)))
}

// change makes the index of after a change. gone are entries of ix that are replaced or removed.
func (ix *index) change(k *keys, put, gone []*entry, decided map[distinction]digest) *index {
	away := make(map[*entry]bool, len(gone))
	for _, e := range gone {
		away[e] = true
	}
	distinctions := make(map[distinction]digest, len(ix.distinctions)+len(decided))
	for _, some := range []map[distinction]digest{ix.distinctions, decided} {
		for pair, on := range some {
			distinctions[pair] = on
		}
	}
	remain := func(entries []*entry) []*entry {
		return slices.DeleteFunc(slices.Clone(entries), func(e *entry) bool { return away[e] })
	}
	if len(ix.fresh.entries)+len(ix.hidden)+len(put)+len(gone) > rebuildAfter+len(ix.base.entries)/64 {
		return k.newIndex(append(remain(ix.all()), put...), distinctions)
	}
	next := &index{base: ix.base, fresh: newSegment(append(remain(ix.fresh.entries), put...)), common: ix.common}
	next.hidden = make(map[*entry]bool, len(ix.hidden)+len(gone))
	for _, e := range append(gone, keysOf(ix.hidden)...) {
		if ix.base.byRef[e.ref] == e {
			next.hidden[e] = true
		}
	}
	next.byID = make(map[EntryID]*entry, len(ix.byID)+len(put))
	for id, e := range ix.byID {
		if !away[e] {
			next.byID[id] = e
		}
	}
	for _, e := range put {
		next.byID[e.id] = e
	}
	next.decide(distinctions)
	return next
}

func keysOf(set map[*entry]bool) []*entry {
	list := make([]*entry, 0, len(set))
	for e := range set {
		list = append(list, e)
	}
	return list
}
