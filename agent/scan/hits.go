package scan

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxHits bounds what is kept of one text: a report is for people. Strong hits are kept before others.
const maxHits = 64

// halfHit is half of a pair.
type halfHit struct {
	Hit
	term *term
}

// pairReach is how far apart the halves of a pair may stand, in bytes.
const pairReach = 120

// pairs lists the hits that two halves make in one sentence.
func pairs(text string, halves []halfHit) []Hit {
	var hits []Hit
	for i, a := range halves {
		for _, b := range halves[i+1:] {
			from, to := a.Hit, b.Hit
			if from.Start > to.Start {
				from, to = to, from
			}
			if a.term.half == b.term.half || a.term.pair != b.term.pair || to.Start-from.End > pairReach {
				continue
			}
			if to.Start > from.End && strings.ContainsAny(text[from.End:to.Start], ".!?。") {
				continue
			}
			h := from
			h.End, h.Term = max(from.End, to.End), a.term.text+" … "+b.term.text
			hits = append(hits, h)
		}
	}
	return hits
}

// soften applies harmless phrases to the hits that stand in them. A strong word becomes an ambiguous one: a phrase never
// silences it. What is only ambiguous, or nearly a word, means nothing there.
func soften(hits, mild []Hit) []Hit {
	if len(mild) == 0 {
		return hits
	}
	kept := hits[:0]
	for _, h := range hits {
		switch in := slices.ContainsFunc(mild, func(p Hit) bool { return p.Start < h.End && h.Start < p.End }); {
		case in && (h.Grade == Ambiguous || h.Track == Fuzzy):
			continue
		case in:
			h.Grade = Ambiguous
		}
		kept = append(kept, h)
	}
	return kept
}

// add keeps one hit of each code at a place, the longest, and bounds their number.
func add(hits []Hit, h Hit) []Hit {
	for i := len(hits) - 1; i >= 0 && i >= len(hits)-8; i-- {
		same := hits[i].Code == h.Code && hits[i].local == h.local && hits[i].Start <= h.Start && h.Start < hits[i].End
		if !same {
			continue
		}
		if h.Strong() && !hits[i].Strong() || h.Strong() == hits[i].Strong() && h.End > hits[i].End {
			hits[i] = h
		}
		return hits
	}
	if len(hits) < maxHits {
		return append(hits, h)
	}
	least := 0
	for i := range hits {
		if hits[i].rank() < hits[least].rank() {
			least = i
		}
	}
	if hits[least].rank() < h.rank() {
		hits[least] = h
	}
	return hits
}

// rank orders hits by what must not be lost: a hit that counts in one language only may still fall away.
func (h Hit) rank() int {
	rank := 0
	if h.Strong() {
		rank = 1
	}
	if h.local == "" {
		rank += 2
	}
	return rank
}

// full reports that no further hit can change anything.
func full(hits []Hit) bool {
	return len(hits) == maxHits && !slices.ContainsFunc(hits, func(h Hit) bool { return h.rank() < 3 })
}

// namesSomebody reports a hit that stands where a name does: it has a capital, and so has a word beside it.
func namesSomebody(text string, h Hit) bool {
	before := lastWord(strings.TrimRight(text[:h.Start], " "))
	after := strings.TrimLeft(text[h.End:], " ")
	return capital(text[h.Start:]) && (capital(before) || capital(after))
}

// capital reports a word that begins with a capital and goes on with small letters.
func capital(word string) bool {
	r, width := utf8.DecodeRuneInString(word)
	next, _ := utf8.DecodeRuneInString(word[width:])
	return traitsOf(r)&isUpper != 0 && traitsOf(next)&isLetter != 0 && traitsOf(next)&isUpper == 0
}

// saysSomething reports whether a place stands in a sentence and not among names.
func saysSomething(stretches []stretch, at int) bool {
	return slices.ContainsFunc(stretches, func(s stretch) bool { return s.start <= at && at < s.end && s.language != "" })
}
