package register

import (
	"cmp"
	"slices"
)

// segment holds entries and finds them by keyed hashes. It is never changed once it is built.
type segment struct {
	entries  []*entry
	births   []birth             // of entries
	postings []uint32            // places in entries, list behind list
	byHash   map[uint64]list     // of a key of a word, or of its spelling
	byNumber map[digest][]uint32 // by what numbers look like
	byBirth  map[birth][]uint32
	byRef    map[digest]*entry
	linkedBy map[digest][]*entry // who names this ref among its links
}

// list is a part of postings.
type list struct{ from, to uint32 }

func newSegment(entries []*entry) *segment {
	s := &segment{
		entries: entries, byHash: map[uint64]list{}, byNumber: map[digest][]uint32{},
		byBirth: map[birth][]uint32{}, byRef: make(map[digest]*entry, len(entries)), linkedBy: map[digest][]*entry{},
	}
	s.births = make([]birth, len(entries))
	var all []posting
	for i, e := range entries {
		at := uint32(i)
		s.byRef[e.ref], s.births[i] = e, e.who.born
		for _, ref := range e.card.Linked {
			s.linkedBy[ref] = append(s.linkedBy[ref], e)
		}
		for _, d := range e.who.documents {
			s.byNumber[d.look] = append(s.byNumber[d.look], at)
		}
		if e.who.born.known() {
			s.byBirth[e.who.born] = append(s.byBirth[e.who.born], at)
		}
		for _, n := range e.who.names {
			for _, w := range n.words {
				for _, k := range w.keys {
					all = append(all, posting{k, at})
				}
				all = append(all, posting{w.letters, at})
			}
		}
	}
	s.sortPostings(all)
	return s
}

// posting says that an entry has a word with this hash.
type posting struct {
	hash uint64
	at   uint32
}

func (s *segment) sortPostings(all []posting) {
	slices.SortFunc(all, func(a, b posting) int {
		if a.hash != b.hash {
			return cmp.Compare(a.hash, b.hash)
		}
		return cmp.Compare(a.at, b.at)
	})
	all = slices.Compact(all)
	s.postings = make([]uint32, len(all))
	for from := 0; from < len(all); {
		to := from
		for ; to < len(all) && all[to].hash == all[from].hash; to++ {
			s.postings[to] = all[to].at
		}
		s.byHash[all[from].hash] = list{uint32(from), uint32(to)}
		from = to
	}
}

// with lists the entries that have a word with this hash.
func (s *segment) with(hash uint64) []uint32 {
	l := s.byHash[hash]
	return s.postings[l.from:l.to]
}
