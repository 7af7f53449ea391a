package scan

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"
)

// The automaton reads folded text as codes of one byte: invisible characters have none, a run of separators is one, letters
// that stand in no pattern are all the same. Letters below U+0700 have a code of their own; the rest, scripts with many
// letters, have two, a lead and a trail, from ranges of their own so that no pattern can begin in the middle of a letter.
const (
	codeSkip  = 0
	codeSpace = 1
	codeOther = 2
	firstOwn  = 3
	firstLead = 160
	firstTail = 192
)

const leads, tails = firstTail - firstLead, 256 - firstTail

// alphabet says which codes a folded letter has.
type alphabet map[rune][2]uint8

func newAlphabet(patterns [][]rune) (alphabet, error) {
	var letters []rune
	for _, p := range patterns {
		letters = append(letters, p...)
	}
	slices.Sort(letters)
	a := alphabet{separator: {codeSpace, codeSkip}}
	own, pair := firstOwn, 0
	// The small letters of ASCII come first, so that they share a strip with the separator.
	for r := 'a'; r <= 'z'; r++ {
		a[r] = [2]uint8{uint8(own), codeSkip}
		own++
	}
	for _, r := range slices.Compact(letters) {
		switch {
		case r == separator, r >= 'a' && r <= 'z':
		case r < 0x700 && own < firstLead:
			a[r] = [2]uint8{uint8(own), codeSkip}
			own++
		case pair < leads*tails:
			a[r] = [2]uint8{uint8(firstLead + pair/tails), uint8(firstTail + pair%tails)}
			pair++
		default:
			return nil, fmt.Errorf("the lexicon has more than %d letters", len(a))
		}
	}
	return a, nil
}

func (a alphabet) of(r rune) [2]uint8 {
	if codes, known := a[r]; known {
		return codes
	}
	return [2]uint8{codeOther, codeSkip}
}

// encode writes folded text in codes.
func (a alphabet) encode(folded []rune) []uint8 {
	var out []uint8
	for _, r := range folded {
		codes := a.of(r)
		out = append(out, codes[0])
		if codes[1] != codeSkip {
			out = append(out, codes[1])
		}
	}
	return out
}

// automaton is an Aho-Corasick automaton with every transition written out. States from hit on have found something.
//
// The table is cut into strips of 32 codes, and each strip holds its part of all states, in the order of their depth. A text in
// one script then moves within one strip, in which the states that it often comes to are neighbours: that is what makes
// the pass fast, since most of a table of this size does not fit into the nearest cache.
type automaton struct {
	next   []uint16              // column[code] + state*strip
	column [256]uint32           // where the strip of a code begins, and the place of the code in it
	ascii  [utf8.RuneSelf]uint32 // column of the code of each byte of ASCII, by fitASCII
	hit    uint16
	found  [][]int32 // of state-hit: indexes of patterns
	settle func()    // once the table is as it stays
}

// fitASCII looks up once where each byte of ASCII has its column, by its code.
func (a *automaton) fitASCII(codes *[utf8.RuneSelf]uint8) {
	for b, code := range codes {
		a.ascii[b] = a.column[code]
	}
}

const strip = 32

// step is the transition of one state by one code.
func (a *automaton) step(state uint16, code uint8) uint16 {
	return a.next[a.column[code]+uint32(state)*strip]
}

// newAutomaton builds the automaton over encoded patterns. A pattern that begins or ends with a separator is found at the
// edge of a word; a further separator leaves a state that was reached by one where it is.
func newAutomaton(patterns [][]uint8) (*automaton, error) {
	trie := newTrie(patterns)
	if len(trie.found) > 1<<16 {
		return nil, fmt.Errorf("the lexicon needs %d states, of 65536", len(trie.found))
	}
	return trie.finish(), nil
}

// trie is the automaton while it grows; 0 is the root, and no way.
type trie struct {
	next  []int32
	found [][]int32
	space []bool // reached by a separator
}

func newTrie(patterns [][]uint8) *trie {
	states := countStates(patterns)
	t := &trie{next: make([]int32, 0, states<<8), found: make([][]int32, 0, states), space: make([]bool, 0, states)}
	t.add()
	for i, p := range patterns {
		at := int32(0)
		for _, code := range p {
			way := &t.next[int(at)<<8|int(code)]
			if *way == 0 {
				*way = int32(len(t.found))
				at = *way
				t.add()
				t.space[at] = code == codeSpace
				continue
			}
			at = *way
		}
		t.found[at] = append(t.found[at], int32(i))
	}
	return t
}

// countStates is how many different beginnings the patterns have: a table of this size is not grown while it is filled.
func countStates(patterns [][]uint8) int {
	sorted := slices.Clone(patterns)
	slices.SortFunc(sorted, bytes.Compare)
	n := 1
	var before []uint8
	for _, p := range sorted {
		same := 0
		for same < len(p) && same < len(before) && p[same] == before[same] {
			same++
		}
		n += len(p) - same
		before = p
	}
	return n
}

func (t *trie) add() {
	t.next = t.next[:len(t.next)+256]
	t.found = append(t.found, nil)
	t.space = append(t.space, false)
}

// finish fills in every transition, level by level.
func (t *trie) finish() *automaton {
	fallback := make([]int32, len(t.found))
	queue := make([]int32, 1, len(t.found)) // the root
	for n := 0; n < len(queue); n++ {
		at := queue[n]
		back := fallback[at]
		row, backRow := t.next[int(at)<<8:][:256], t.next[int(back)<<8:][:256]
		if at != 0 {
			t.found[at] = append(t.found[at], t.found[back]...)
		}
		for code := range row {
			switch child := row[code]; {
			case child == 0:
				row[code] = backRow[code]
			case at == 0:
				queue = append(queue, child)
			default:
				fallback[child] = backRow[code]
				queue = append(queue, child)
			}
		}
		if t.space[at] {
			row[codeSpace] = at
		}
	}
	return t.cut(queue)
}

// cut numbers the states by depth, those that found something last, and lays the table out in strips.
func (t *trie) cut(byDepth []int32) *automaton {
	states := len(t.found)
	number := make([]uint16, states)
	a := &automaton{}
	a.next, a.settle = outOfHeap(states * 256)
	for _, at := range byDepth {
		if len(t.found[at]) == 0 {
			number[at] = a.hit
			a.hit++
		}
	}
	for _, at := range byDepth {
		if len(t.found[at]) > 0 {
			number[at] = a.hit + uint16(len(a.found))
			a.found = append(a.found, t.found[at])
		}
	}
	for code := range a.column {
		a.column[code] = uint32(code/strip*states*strip + code%strip)
	}
	for at := range states {
		n := uint32(number[at]) * strip
		for code, to := range t.next[at<<8:][:256] {
			a.next[a.column[code]+n] = number[to]
		}
		a.next[a.column[codeSkip]+n] = number[at]
	}
	a.settle()
	return a
}

// passOver makes separators leave every state where it is.
func (a *automaton) passOver() {
	for s := range len(a.next) / 256 {
		a.next[a.column[codeSpace]+uint32(s)*strip] = uint16(s)
	}
	a.settle()
}
