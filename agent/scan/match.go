package scan

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// matcher is the compiled lexicon: what the fused pass needs, and what it takes to look at a candidate again.
// It does not change after it is made.
type matcher struct {
	terms   []term
	cores   [][]rune // of each term: what the automaton looks for, without the separators at its ends
	letters alphabet
	states  *automaton
	ascii   [utf8.RuneSelf]uint8
	basic   []uint16 // below U+10000: up to two codes, or long
	longer  map[rune][]uint8

	disguised *disguises
	wanted    *cores
	hidden    *hidden
}

// long marks a character that folds to more than two codes.
const long = 0xFFFF

// compiled is made once a process: many scanners share it.
var compiled = sync.OnceValues(func() (*matcher, error) {
	terms, err := readLexicon(lexiconFiles)
	if err != nil {
		return nil, err
	}
	m, err := newMatcher(terms)
	// What an automaton is built from is several times its size, and is not needed again in the life of the process.
	debug.FreeOSMemory()
	return m, err
})

func newMatcher(terms []term) (*matcher, error) {
	m := &matcher{terms: terms, longer: map[rune][]uint8{}}
	folded := make([][]rune, len(terms))
	var stems [][]rune
	for i, t := range terms {
		for _, stem := range t.before {
			stems = append(stems, foldText(stem))
		}
		core := []rune(strings.Trim(string(foldText(t.last)), string(separator)))
		if len(core) < 2 {
			return nil, fmt.Errorf("pattern %q of the lexicon is too short once it is folded", t.text)
		}
		m.cores = append(m.cores, core)
		if t.start {
			folded[i] = append(folded[i], separator)
		}
		folded[i] = append(folded[i], core...)
		if t.end {
			folded[i] = append(folded[i], separator)
		}
	}
	var err error
	if m.letters, err = newAlphabet(slices.Concat(folded, stems)); err != nil {
		return nil, err
	}
	for i := range m.terms {
		t := &m.terms[i]
		for _, stem := range t.before {
			t.stems = append(t.stems, m.letters.encode(foldText(stem)))
		}
		t.light = lightFold(t.last)
	}
	encoded := make([][]uint8, len(folded))
	for i, f := range folded {
		encoded[i] = m.letters.encode(f)
	}
	if m.states, err = newAutomaton(encoded); err != nil {
		return nil, err
	}
	runtime.GC() // before the next one is built
	m.fillTables()
	if m.disguised, err = newDisguises(m); err != nil {
		return nil, err
	}
	m.wanted = newCores(m)
	if m.hidden, err = newHidden(m); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *matcher) fillTables() {
	for r := range rune(utf8.RuneSelf) {
		m.ascii[r] = m.letters.of(foldASCII(r)[0])[0]
	}
	m.states.fitASCII(&m.ascii)
	m.basic = make([]uint16, 0x10000)
	for r := rune(utf8.RuneSelf); r < 0x10000; r++ {
		if ideograph(r) {
			codes := m.letters.of(r)
			m.basic[r] = uint16(codes[0]) | uint16(codes[1])<<8
			continue
		}
		switch codes := m.letters.encode(foldRune(r)); len(codes) {
		case 0:
		case 1:
			m.basic[r] = uint16(codes[0])
		case 2:
			m.basic[r] = uint16(codes[0]) | uint16(codes[1])<<8
		default:
			m.basic[r] = long
			m.longer[r] = codes
		}
	}
}

// ideograph reports characters that fold to themselves, so that start-up need not ask for each.
func ideograph(r rune) bool { return r >= 0x3400 && r <= 0x9FFF || r >= 0xE000 && r <= 0xF8FF }

// codes are the codes of any character, for the few that the tables do not hold.
func (m *matcher) codes(r rune) []uint8 {
	if codes, found := m.longer[r]; found {
		return codes
	}
	return m.letters.encode(foldRune(r))
}

// pass is the fused pass: it folds text and steps the automaton, and calls found with the states that say something and
// the offset behind the last character read.
func (m *matcher) pass(a *automaton, text string, found func(state uint16, end int)) {
	s := m.goOn(a, begin(a), text, found)
	if s = a.step(s, codeSpace); s >= a.hit {
		found(s, len(text))
	}
}

// begin is the state of an automaton before a text, which begins behind a separator.
func begin(a *automaton) uint16 { return a.step(0, codeSpace) }

// goOn passes over a part of a text from the state in which the part before it left the automaton, and returns the next.
func (m *matcher) goOn(a *automaton, s uint16, text string, found func(state uint16, end int)) uint16 {
	next, hit, ascii := a.next, a.hit, &a.ascii
	for i := 0; i < len(text); {
		b := text[i]
		if b < utf8.RuneSelf {
			i++
			s = next[ascii[b]+uint32(s)*strip]
			if s >= hit {
				found(s, i)
			}
			continue
		}
		r, width := decode(text, i)
		i += width
		if r < 0x10000 && m.basic[r] != long {
			pair := m.basic[r]
			s = next[a.column[uint8(pair)]+uint32(s)*strip]
			if pair > 0xFF {
				if s >= hit {
					found(s, i)
				}
				s = next[a.column[uint8(pair>>8)]+uint32(s)*strip]
			}
			if s >= hit && pair != 0 {
				found(s, i)
			}
			continue
		}
		for _, code := range m.codes(r) {
			if s = a.step(s, code); s >= hit {
				found(s, i)
			}
		}
	}
	return s
}

// decode reads a character that is not ASCII. Those of two bytes, which are most, are read without a call.
func decode(text string, i int) (rune, int) {
	if b := text[i]; b < 0xE0 && b >= 0xC2 && i+1 < len(text) && text[i+1]&0xC0 == 0x80 {
		return rune(b&0x1F)<<6 | rune(text[i+1]&0x3F), 2
	}
	return utf8.DecodeRuneInString(text[i:])
}

// find lists the hits of one text on the plain and folded tracks, in order, and the harmless phrases in it.
func (m *matcher) find(text string) (hits, mild []Hit) {
	enough := false
	var halves []halfHit
	m.pass(m.states, text, func(state uint16, end int) {
		if enough {
			return
		}
		for _, i := range m.states.found[state-m.states.hit] {
			switch h, real := m.look(text, int(i), end); {
			case !real:
			case m.terms[i].half != whole:
				if len(halves) < maxHits {
					halves = append(halves, halfHit{h, &m.terms[i]})
				}
			case h.Grade == harmless:
				if len(mild) < maxHits {
					mild = append(mild, h)
				}
			default:
				hits = add(hits, h)
				enough = full(hits)
			}
		}
	})
	for _, h := range pairs(text, halves) {
		hits = add(hits, h)
	}
	return hits, mild
}

// look takes a candidate that ends at end and looks at the clear text again.
func (m *matcher) look(text string, i, end int) (Hit, bool) {
	t, core := &m.terms[i], m.cores[i]
	start, end, there := span(text[:end], core)
	if !there {
		return Hit{}, false
	}
	phrase, preceded := m.precededBy(text[:start], t.stems)
	if !preceded {
		return Hit{}, false
	}
	h := Hit{Code: t.code, Grade: t.grade, Term: t.text, Track: Folded, Start: phrase, End: end, name: t.name}
	if t.local {
		h.local = t.language
	}
	clear := text[start:end]
	if t.shout && !capitals(clear) {
		return Hit{}, false
	}
	switch written := strings.ToLower(norm.NFC.String(clear)); {
	case written == strings.ToLower(t.last):
		h.Track = Plain
	case !t.accents && leftOut(clear, t.last):
		h.local, h.leftOut = t.language, true // in its own language, people leave them out; elsewhere it is another word
	case !t.accents || sameAccents(clear, t.light):
	case capitals(clear):
		h.Grade = Ambiguous
	default:
		return Hit{}, false // another word
	}
	return h, true
}

// span finds where a folded pattern stands that ends, but for separators and invisible characters, where text ends.
func span(text string, core []rune) (start, end int, found bool) {
	at, left, gap := len(text), len(core), false
	end = -1
	for left > 0 && at > 0 {
		r, width := utf8.DecodeLastRuneInString(text[:at])
		for _, f := range slices.Backward(foldRune(r)) {
			switch {
			case f == separator:
				gap = true
				continue
			case left == 0:
				continue // the rest of a letter that folds to several
			case gap && end >= 0:
				if core[left-1] != separator {
					return 0, 0, false
				}
				left--
			}
			gap = false
			if end < 0 && f != core[left-1] {
				continue // the pattern ends within a letter that folds to several
			}
			if left == 0 || core[left-1] != f {
				return 0, 0, false
			}
			if end < 0 {
				end = at
			}
			left--
		}
		at -= width
	}
	return at, end, left == 0
}

// precededBy reports whether the words before a place, which is the end of text, begin with the given stems, in codes, and
// where the first of them does.
func (m *matcher) precededBy(text string, stems [][]uint8) (start int, are bool) {
	start = len(text)
	for _, stem := range slices.Backward(stems) {
		text = strings.TrimRightFunc(text, func(r rune) bool { return !wordRune(r) })
		word := lastWord(text)
		if !m.beginsWith(word, stem) {
			return 0, false
		}
		text = text[:len(text)-len(word)]
		start = len(text)
	}
	return start, true
}

func (m *matcher) beginsWith(word string, stem []uint8) bool {
	for i := 0; i < len(word) && len(stem) > 0; {
		r, width := rune(word[i]), 1
		if r >= utf8.RuneSelf {
			r, width = decode(word, i)
		}
		i += width
		for _, code := range m.codesOf(r) {
			if len(stem) == 0 {
				break
			}
			if code != stem[0] {
				return false
			}
			stem = stem[1:]
		}
	}
	return len(stem) == 0
}

// codesOf are the codes of any character.
func (m *matcher) codesOf(r rune) []uint8 {
	if r < utf8.RuneSelf {
		return m.ascii[r : r+1]
	}
	if r < 0x10000 && m.basic[r] != long {
		switch pair := m.basic[r]; {
		case pair == codeSkip:
			return nil
		case pair > 0xFF:
			return []uint8{uint8(pair), uint8(pair >> 8)}
		default:
			return []uint8{uint8(pair)}
		}
	}
	return m.codes(r)
}

func lastWord(text string) string {
	begin := strings.LastIndexFunc(text, func(r rune) bool { return !wordRune(r) })
	if begin < 0 {
		return text
	}
	_, width := utf8.DecodeRuneInString(text[begin:])
	return text[begin+width:]
}

// leftOut reports text in plain ASCII where the term has other letters.
func leftOut(clear, term string) bool { return isASCII(clear) && !isASCII(term) }

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// sameAccents reports whether a text differs from a term, lightly folded, in no more than case, invisible characters and
// separators.
func sameAccents(clear, light string) bool {
	if isASCII(clear) && !isASCII(light) {
		return false
	}
	return lightFold(clear) == light
}

func lightFold(text string) string {
	var out []rune
	for _, r := range norm.NFC.String(strings.Map(withoutMark, monotonic(norm.NFKD.String(text)))) {
		switch {
		case invisible(r):
		case !wordRune(r):
			if len(out) > 0 && out[len(out)-1] != separator {
				out = append(out, separator)
			}
		default:
			out = append(out, unicode.ToLower(r))
		}
	}
	return string(out)
}

// withoutMark leaves out marks that make no other letter: Arabic vowels, and what is laid over letters.
func withoutMark(r rune) rune {
	switch {
	case r >= 0x64B && r <= 0x652, r == 0x670, r >= 0x334 && r <= 0x338, r >= 0x35C && r <= 0x362, unicode.Is(unicode.Me, r):
		return -1
	}
	return r
}

// monotonic takes the breathings and the three accents of old Greek for the one that it has now.
func monotonic(decomposed string) string {
	if !strings.ContainsAny(decomposed, "\u0313\u0314\u0342\u0345") && !strings.Contains(decomposed, "\u0300") {
		return decomposed
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case 0x313, 0x314, 0x345:
			return -1
		case 0x300, 0x342:
			return 0x301
		}
		return r
	}, decomposed)
}

// capitals reports text that is all in capitals and bears no accents: many languages leave them out there.
func capitals(text string) bool {
	return !strings.ContainsFunc(norm.NFD.String(text), func(r rune) bool {
		return unicode.IsLetter(r) && !unicode.IsUpper(r) || unicode.Is(unicode.M, r)
	})
}
