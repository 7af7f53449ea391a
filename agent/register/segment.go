package register

import (
	"cmp"
	"slices"
)

// segment holds entries and finds them by keyed hashes. It is never changed once it is built.
type segment struct {
	entries  []*entry
	postings []uint32 // places in entries, list behind list
	byKey    map[uint64]list
	byWord   map[uint64]uint32   // how many entries have a word in this spelling
	byNumber map[digest][]uint32 // by what numbers look like
	byBirth  map[birth][]uint32
	byRef    map[digest]*entry
	linkedBy map[digest][]*entry // who names this ref among its links
}

// list is a part of postings.
type list struct{ from, to uint32 }

func newSegment(entries []*entry) *segment {
	s := &segment{
		entries: entries, byKey: map[uint64]list{}, byWord: map[uint64]uint32{}, byNumber: map[digest][]uint32{},
		byBirth: map[birth][]uint32{}, byRef: make(map[digest]*entry, len(entries)), linkedBy: map[digest][]*entry{},
	}
	var keys []posting
	var words []uint64
	for i, e := range entries {
		at := uint32(i)
		s.byRef[e.ref] = e
		for _, ref := range e.card.Linked {
			s.linkedBy[ref] = append(s.linkedBy[ref], e)
		}
		for _, d := range e.who.documents {
			s.byNumber[d.look] = append(s.byNumber[d.look], at)
		}
		if e.who.born.known() {
			s.byBirth[e.who.born] = append(s.byBirth[e.who.born], at)
		}
		words = words[:0]
		for _, n := range e.who.names {
			for _, w := range n.words {
				for _, k := range w.keys {
					keys = append(keys, posting{k, at})
				}
				words = append(words, w.letters)
			}
		}
		slices.Sort(words)
		for _, w := range slices.Compact(words) {
			s.byWord[w]++
		}
	}
	s.sortPostings(keys)
	return s
}

// posting says that an entry has a key.
type posting struct {
	key uint64
	at  uint32
}

func (s *segment) sortPostings(keys []posting) {
	slices.SortFunc(keys, func(a, b posting) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.at, b.at)) })
	keys = slices.Compact(keys)
	s.postings = make([]uint32, len(keys))
	for i, p := range keys {
		s.postings[i] = p.at
		l, known := s.byKey[p.key]
		if !known {
			l.from = uint32(i)
		}
		l.to = uint32(i) + 1
		s.byKey[p.key] = l
	}
}

// withKey lists the entries that have a key.
func (s *segment) withKey(key uint64) []uint32 {
	l := s.byKey[key]
	return s.postings[l.from:l.to]
}
