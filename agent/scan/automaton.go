package scan

import (
	"fmt"
	"slices"
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
	for _, r := range slices.Compact(letters) {
		switch {
		case r == separator:
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
type automaton struct {
	next  []uint16 // state<<8 | code
	hit   uint16
	found [][]int32 // of state-hit: indexes of patterns
}

// newAutomaton builds the automaton over encoded patterns. A pattern that begins or ends with a separator is found at the
// edge of a word; a further separator leaves a state that was reached by one where it is.
func newAutomaton(patterns [][]uint8) (*automaton, error) {
	trie := newTrie(patterns)
	if len(trie.next)>>8 > 1<<16 {
		return nil, fmt.Errorf("the lexicon needs %d states, of 65536", len(trie.next)>>8)
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
	t := &trie{}
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

func (t *trie) add() {
	t.next = append(t.next, make([]int32, 256)...)
	t.found = append(t.found, nil)
	t.space = append(t.space, false)
}

// finish fills in every transition, level by level, and numbers the states so that those that found something are last.
func (t *trie) finish() *automaton {
	states := len(t.found)
	fallback := make([]int32, states)
	queue := []int32{}
	for code := range 256 {
		if child := t.next[code]; child != 0 {
			queue = append(queue, child)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		back := fallback[at]
		t.found[at] = append(t.found[at], t.found[back]...)
		for code := range 256 {
			way := &t.next[int(at)<<8|code]
			if *way == 0 {
				*way = t.next[int(back)<<8|code]
				continue
			}
			fallback[*way] = t.next[int(back)<<8|code]
			queue = append(queue, *way)
		}
		if t.space[at] {
			t.next[int(at)<<8|codeSpace] = at
		}
	}
	return t.renumber()
}

func (t *trie) renumber() *automaton {
	states := len(t.found)
	number := make([]uint16, states)
	quiet := 0
	for at := range states {
		if len(t.found[at]) == 0 {
			number[at] = uint16(quiet)
			quiet++
		}
	}
	a := &automaton{next: make([]uint16, states<<8), hit: uint16(quiet)}
	for at := range states {
		if len(t.found[at]) > 0 {
			number[at] = uint16(quiet + len(a.found))
			a.found = append(a.found, t.found[at])
		}
	}
	for at := range states {
		row := a.next[int(number[at])<<8:][:256]
		for code, to := range t.next[at<<8:][:256] {
			row[code] = number[to]
		}
		row[codeSkip] = number[at]
	}
	return a
}
