package scan

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a byte may be in a word. A word is what stands between spaces.
type kind uint8

const (
	lower kind = 1 << iota
	upper
	digit
	mask   // stands for a letter that people do not want to write
	symbol // looks like a letter
	high   // not ASCII
	sign   // other punctuation
)

var kinds = func() (k [256]kind) {
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z':
			k[c] = lower
		case c >= 'A' && c <= 'Z':
			k[c] = upper
		case c >= '0' && c <= '9':
			k[c] = digit
		case strings.IndexByte("*#?_~^%", byte(c)) >= 0:
			k[c] = mask
		case strings.IndexByte("@$!|+(<", byte(c)) >= 0:
			k[c] = symbol
		case c >= utf8.RuneSelf:
			k[c] = high
		case c > ' ':
			k[c] = sign
		}
	}
	return k
}()

// wordLimit bounds the words that are repaired: what is longer is a code, and codes are decoded elsewhere.
const wordLimit = 96

// findRepaired lists the hits of one text in words that had to be repaired: they are misspelt, masked, mix scripts, use digits
// for letters, run several words together, or stand in the first letters of others. It also says what else the words are like.
func (m *matcher) findRepaired(text string) ([]Hit, signal) {
	var hits []Hit
	signals := signalReader{}
	spelledOut := newAcrostics(m)
	for i := 0; i < len(text); {
		for i < len(text) && kinds[text[i]] == 0 {
			if text[i] < ' ' {
				signals.space(text[i])
				spelledOut.space(text[i])
			}
			i++
		}
		if i == len(text) {
			break
		}
		start, seen, turns, changes := i, kind(0), false, 0
		var before kind
		for i < len(text) {
			k := kinds[text[i]]
			if k == 0 {
				break
			}
			if k != before {
				changes++
				turns = turns || before&lower != 0 && k&(upper|digit) != 0 || before&digit != 0 && k&(lower|upper) != 0
			}
			seen |= k
			before = k
			i++
		}
		word := text[start:i]
		signals.word(word, seen, changes)
		for _, h := range spelledOut.word(text, start, i, turns) {
			hits = add(hits, h)
		}
		if len(word) < 4 || len(word) > wordLimit || seen&(lower|upper|high) == 0 {
			continue
		}
		for _, h := range m.repair(word, seen, turns) {
			h.Start, h.End = start, i
			hits = add(hits, h)
		}
	}
	return hits, signals.seen
}

// repair tries each way in which a word of this kind may have been disguised.
func (m *matcher) repair(word string, seen kind, turns bool) []Hit {
	var hits []Hit
	try := func(track Track, repaired string) {
		if repaired == word || repaired == "" {
			return
		}
		found, _ := m.find(repaired)
		for _, h := range found {
			if h.local != "" && !h.leftOut {
				continue
			}
			h.Track = track
			hits = append(hits, h)
		}
	}
	leads := kindsOfLeads(word, seen)
	bare := word
	if seen&(sign|symbol) != 0 {
		bare = withoutBrackets(word)
	}
	if seen&high != 0 && leads&^leadSign&(leads&^leadSign-1) != 0 && mixesScripts(word) {
		try(Fuzzy, asLatin(word))
		try(Fuzzy, asCyrillic(word))
	}
	if turns {
		try(Collapsed, divided(word))
	}
	if seen&(digit|symbol) != 0 {
		readings := unleet(word)
		if seen&high != 0 {
			readings = append(readings, unleet(asLatin(word))...)
		}
		if seen&digit != 0 {
			readings = append(readings, strings.Map(noDigit, word))
		}
		for _, reading := range readings {
			try(Fuzzy, reading)
		}
	}
	if seen&(digit|symbol|mask) != 0 || leads&leadSign != 0 && (strings.IndexByte(word, 0xC2) >= 0 || strings.Contains(word, "€")) {
		hits = append(hits, m.leet(bare)...)
	}
	if seen&(sign|symbol) != 0 && (strings.IndexByte(word, '\\') >= 0 || strings.IndexByte(word, '|') >= 0) {
		for _, drawn := range drawnLetters {
			plain := drawn.Replace(bare)
			try(Fuzzy, plain)
			hits = append(hits, m.leet(plain)...)
		}
	}
	if seen&upper != 0 && seen&(lower|high) != 0 && strings.IndexByte(word[1:], 'I') >= 0 {
		try(Fuzzy, strings.ReplaceAll(word, "I", "l"))
	}
	if other, typed := otherKeys(bare, seen); typed {
		try(Decoded, other)
	}
	if plain, filled := withoutFiller(bare); filled {
		try(Fuzzy, plain)
	}
	for _, turned := range withoutTail(bare) {
		try(Fuzzy, turned)
	}
	if seen&(mask|sign) != 0 || leads&leadSign != 0 {
		hits = append(hits, m.vowelless(word)...)
	}
	if seen&mask != 0 || (seen&(sign|symbol) != 0 || leads&leadSign != 0) && runsOfSigns(word) {
		hits = append(hits, m.unmask(word)...)
	}
	return append(hits, m.misspelt(word)...)
}

// withoutBrackets takes off what stands around a word: brackets, quotation marks, and what ends a sentence.
func withoutBrackets(word string) string {
	for len(word) > 0 && around[word[0]]&1 != 0 {
		word = word[1:]
	}
	for len(word) > 0 && around[word[len(word)-1]]&2 != 0 {
		word = word[:len(word)-1]
	}
	return word
}

// around has 1 for what may stand before a word and 2 for what may stand behind it.
var around = func() (is [256]uint8) {
	for _, b := range []byte("([{\"'") {
		is[b] |= 1
	}
	for _, b := range []byte(")]}\"'.,;:?") {
		is[b] |= 2
	}
	return is
}()

// The first bytes of characters tell the scripts of most words without decoding them.
const (
	leadLatin = 1 << iota
	leadGreek
	leadCyrillic
	leadOther
	leadSign // may be a sign
)

var leadKinds = func() (kinds [256]uint8) {
	for b := 0xC2; b < 0xF5; b++ {
		switch {
		case b >= 0xC3 && b <= 0xCA:
			kinds[b] = leadLatin
		case b == 0xCD || b == 0xCE || b == 0xCF:
			kinds[b] = leadGreek
		case b >= 0xD0 && b <= 0xD4:
			kinds[b] = leadCyrillic
		case b == 0xC2 || b == 0xE2 || b == 0xE3 || b >= 0xEF:
			kinds[b] = leadSign | leadOther
		default:
			kinds[b] = leadOther | leadLatin // E1 has Latin letters as well
		}
	}
	return kinds
}()

func kindsOfLeads(word string, seen kind) uint8 {
	if seen&high == 0 {
		return leadLatin
	}
	var all uint8
	if seen&(lower|upper) != 0 {
		all = leadLatin
	}
	for i := range len(word) {
		all |= leadKinds[word[i]]
	}
	return all
}

// divided puts spaces where a small letter meets a capital, and where letters meet digits: file names run words together.
func divided(word string) string {
	var b strings.Builder
	var before rune
	for _, r := range word {
		switch {
		case unicode.IsLower(before) && unicode.IsUpper(r), unicode.IsDigit(before) != unicode.IsDigit(r) && before != 0:
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

var leet = map[rune]string{
	'0': "o", '1': "i", '2': "z", '3': "e", '4': "a", '5': "s", '6': "g", '7': "t", '8': "b", '9': "g", '@': "a", '$': "s",
	'!': "i", '|': "i", '+': "t", '(': "c", '<': "c", '€': "e", '£': "l", '¢': "c", '¥': "y", '§': "s", '¡': "i", 'µ': "u", '×': "x",
}

func noDigit(r rune) rune {
	if r >= '0' && r <= '9' {
		return -1
	}
	return r
}

// unleet reads digits and symbols as the letters that they look like: 1 is i or l, 9 is g or q.
func unleet(word string) []string {
	trimmed := strings.TrimRight(strings.TrimLeft(word, `!(<|+"'.,;:`), `!|+"'.,;:`)
	letters := 0
	for _, r := range trimmed {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	if letters == 0 || letters == len(trimmed) {
		return nil
	}
	readings := make([]string, 2)
	for i, l := range []string{"i", "l"} {
		readings[i] = strings.Map(func(r rune) rune {
			to, found := leet[r]
			switch {
			case !found:
				return r
			case to == "i":
				return rune(l[0])
			}
			return rune(to[0])
		}, trimmed)
	}
	if readings[0] == readings[1] {
		return readings[:1]
	}
	return readings
}

// runsOfSigns reports words with two signs in a row between letters, or signs that are not ASCII.
func runsOfSigns(word string) bool {
	before := true
	for _, r := range strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }) {
		letter := wordRune(r) || r == '’' || r == '‑' || r == '–'
		if unicode.IsSpace(r) {
			return false
		}
		if !letter && (!before || r >= utf8.RuneSelf) {
			return true
		}
		before = letter
	}
	return false
}
