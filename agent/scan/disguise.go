package scan

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// disguises is a second automaton, over letters alone: what stands between them is passed over. It finds words with
// something between their letters, words from back to front, and ROT13.
type disguises struct {
	states *automaton
	forms  []form
}

// form is one disguise of one term.
type form struct {
	term  int
	track Track
	core  []rune // what is looked for, without separators
	gaps  int    // separators that the term itself has
	solid bool   // something must stand between all letters
	start bool   // a word must begin where it begins
	end   bool   // a word must end where it ends
	inner bool   // it stands within another word
}

const (
	// A shorter word is looked for with something between all of its letters only: parts of it are common.
	wholeLetters = 6
	// Several words that are run together are that long at least.
	gluedLetters = 12
	// A shorter word from back to front is often a name: Liza.
	sureTurned = 6
)

func newDisguises(m *matcher) (*disguises, error) {
	d := &disguises{}
	var patterns [][]uint8
	add := func(f form) {
		d.forms = append(d.forms, f)
		patterns = append(patterns, m.letters.encode(f.core))
	}
	for i, t := range m.terms {
		if t.grade != Strong || t.half != whole || t.local || len(t.before) > 0 {
			continue
		}
		core := slices.DeleteFunc(slices.Clone(m.cores[i]), func(r rune) bool { return r == separator })
		gaps := len(m.cores[i]) - len(core)
		if len(core) >= 4 || !alphabetic(core) {
			add(form{term: i, track: Collapsed, core: core, gaps: gaps, solid: t.solid, start: t.start || alphabetic(core) || hangulLetters(core)})
		}
		if t.inner {
			add(form{term: i, track: Collapsed, core: core, gaps: gaps, inner: true})
		}
		if !t.core || len(core) < sureTurned {
			continue
		}
		turned := slices.Clone(core)
		slices.Reverse(turned)
		add(form{term: i, track: Reversed, core: turned, gaps: -1, end: t.start})
		for _, other := range ciphers(core, strings.Contains(shiftedLanguages, " "+t.language+" ")) {
			add(form{term: i, track: Rotated, core: other, gaps: -1, start: t.start})
		}
	}
	var err error
	if d.states, err = newAutomaton(patterns); err != nil {
		return nil, fmt.Errorf("disguises: %w", err)
	}
	d.states.passOver()
	d.states.fitASCII(&m.ascii)
	return d, nil
}

// alphabetic reports words of scripts that write single sounds, which a short word needs to be told from others.
func alphabetic(core []rune) bool {
	return !slices.ContainsFunc(core, func(r rune) bool { return r >= 0x0900 })
}

// hangulLetters reports a word of Hangul, which writes syllables together and words apart.
func hangulLetters(core []rune) bool { return core[0] >= 0x3131 && core[0] <= 0x318E }

// shiftedLanguages are those whose words are looked for shifted by any number of letters, and in the alphabet from its end; those of
// others by thirteen only, which is what people have a key for. Each takes room in the automaton.
const shiftedLanguages = " en fr es it pt de nl "

// ciphers are what a word in Latin letters comes to in simple ciphers: ROT13 and, where all are asked for, the other shifts and Atbash.
func ciphers(core []rune, all bool) [][]rune {
	if slices.ContainsFunc(core, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return nil
	}
	each := func(cipher func(rune) rune) []rune {
		out := make([]rune, len(core))
		for i, r := range core {
			out[i] = 'a' + cipher(r-'a')%26
		}
		return out
	}
	out := [][]rune{each(func(r rune) rune { return r + 13 })}
	if !all {
		return out
	}
	turned := slices.Clone(out[0])
	slices.Reverse(turned)
	out = append(out, turned, each(func(r rune) rune { return 25 - r }))
	for shift := rune(1); shift < 26; shift++ {
		if shift != 13 {
			out = append(out, each(func(r rune) rune { return r + shift }))
		}
	}
	return out
}

// findDisguised lists the hits of one text on the collapsed, reversed and rotated tracks.
func (m *matcher) findDisguised(text string) []Hit {
	var hits []Hit
	m.pass(m.disguised.states, text, func(state uint16, end int) {
		for _, i := range m.disguised.states.found[state-m.disguised.states.hit] {
			if h, real := m.lookDisguised(text, &m.disguised.forms[i], end); real {
				hits = add(hits, h)
			}
		}
	})
	return hits
}

// maxGap bounds what may stand between two letters of a word, in characters: a hyphen, a line end and the marks of a
// quoted reply, but not a sentence.
const maxGap = 8

func (m *matcher) lookDisguised(text string, f *form, end int) (Hit, bool) {
	start, gaps, last, spaced, found := letters(text[:end], f.core)
	if !found || f.start && !wordEdge(text[:start], true) || f.end && !wordEdge(text[end:], false) {
		return Hit{}, false
	}
	switch {
	case f.track != Collapsed && gaps > 0 && gaps < len(f.core)-1:
		return Hit{}, false // two words that meet by chance
	case f.track != Collapsed:
	case f.inner:
		if gaps > f.gaps || wordEdge(text[:start], true) {
			return Hit{}, false // others look at that
		}
	case gaps < f.gaps && len(f.core) >= gluedLetters: // several words run together
	case gaps <= f.gaps:
		return Hit{}, false // the term as it should be
	case alphabetic(f.core) && (f.solid || len(f.core) < wholeLetters) && gaps < len(f.core)-1:
		return Hit{}, false
	case alphabetic(f.core) && gaps == f.gaps+1 && last < 2:
		return Hit{}, false // "refuge e…"
	case !alphabetic(f.core) && !spaced:
		return Hit{}, false // a comma stands between two other words
	}
	t := &m.terms[f.term]
	return Hit{Code: t.code, Grade: t.grade, Term: t.text, Track: f.track, Start: start, End: end}, true
}

// letters walks back from the end of text over the letters of core, and counts the gaps between them, and the letters behind
// the last one. Spaced: the gaps are nothing that ends a sentence or a part of it, as a comma does.
func letters(text string, core []rune) (start, gaps, last int, spaced, found bool) {
	at, left, gap := len(text), len(core), 0
	spaced = true
	for left > 0 && at > 0 {
		r, width := utf8.DecodeLastRuneInString(text[:at])
		for _, f := range slices.Backward(foldRune(r)) {
			switch {
			case f == separator:
				if gap++; gap > maxGap {
					return 0, 0, 0, false, false
				}
				spaced = spaced && !strings.ContainsRune(",，、。．.;；:：!！?？()（）「」『』“”\"《》【】〈〉…", r)
			case left > 0 && core[left-1] == f:
				if gap > 0 && left < len(core) {
					if gaps == 0 {
						last = len(core) - left
					}
					gaps++
				}
				left, gap = left-1, 0
			case left == len(core):
				// the rest of a letter that folds to several
			default:
				return 0, 0, 0, false, false
			}
		}
		at -= width
	}
	return at, gaps, last, spaced, left == 0
}

// wordEdge reports whether no letter stands at the end, or the beginning, of a text.
func wordEdge(text string, atEnd bool) bool {
	for len(text) > 0 {
		var r rune
		var width int
		if atEnd {
			r, width = utf8.DecodeLastRuneInString(text)
			text = text[:len(text)-width]
		} else {
			r, width = utf8.DecodeRuneInString(text)
			text = text[width:]
		}
		if !invisible(r) && !clutter(r) {
			return !wordRune(r)
		}
	}
	return true
}
