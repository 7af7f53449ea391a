package scan

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Words whose letters are all there, and in another order, between others, or at the beginnings of other words.

// hiddenWords are looked for letter by letter. They are long, and no other words have their letters.
const hiddenWords = `asylum asylumseeker refugee refugees refoulement refugie refugies refugiee refugiado refugiada refugiados refugiadas rifugiato rifugiata rifugiati
fluchtling fluchtlinge fluchtlingen fluechtling fluechtlinge asylantrag asylbewerber asylverfahren asielzoeker asielzoekers vluchteling vluchtelingen flygtning
flygtninge asylansoger flyktning flyktninger flykting flyktingar asylsokande turvapaikka pakolainen uchodzca uchodzcy uprchlik uprchlici utecenec utecenci
izbjeglica izbeglica refugiat refugiati menekult menedekkero prieglobstis pabegelis siginmaci multeci bezhenets bezhentsy ubezhishche panahandeh
беженец беженцы беженцев беженка убежище убежища біженець біженці біженців притулок бежанец бежанци`

// hidden is what it takes to find them.
type hidden struct {
	marks    [256]uint64       // of letters, by code: scattered, so that hardly any other words have the same sum
	anagrams map[uint64]string // by the sum of the marks
	initials *automaton
	words    []string // by the pattern of initials
}

// lettersOfHidden is how long a word must be: a shorter one is there by chance now and then.
const lettersOfHidden = 6

func newHidden(m *matcher) (*hidden, error) {
	h := &hidden{anagrams: map[uint64]string{}}
	for code := firstOwn; code < len(h.marks); code++ {
		x := uint64(code) * 0x9E37_79B9_7F4A_7C15
		x ^= x >> 29
		h.marks[code] = x * 0xBF58_476D_1CE4_E5B9
	}
	var patterns [][]uint8
	for _, w := range strings.Fields(hiddenWords) {
		codes := m.letters.encode([]rune(w))
		h.anagrams[h.sum(codes)] = w
		patterns = append(patterns, codes)
		h.words = append(h.words, w)
	}
	var err error
	if h.initials, err = newAutomaton(patterns); err != nil {
		return nil, fmt.Errorf("words hidden in others: %w", err)
	}
	return h, nil
}

func (h *hidden) sum(codes []uint8) (sum uint64) {
	for _, c := range codes {
		sum += h.marks[c]
	}
	return sum
}

// anagram finds a word of the list in the codes of one that has its letters in another order: turned round, cut in the middle,
// woven. The word itself is found by others.
func (m *matcher) anagram(codes []uint8) (string, bool) {
	const longest = 32
	if len(codes) < lettersOfHidden || len(codes) > longest {
		return "", false
	}
	found, is := m.hidden.anagrams[m.hidden.sum(codes)]
	return found, is && !slices.Equal(m.letters.encode([]rune(found)), codes)
}

// withoutFiller takes out a letter that stands behind each other one: axsxyxlxuxm.
func withoutFiller(word string) (string, bool) {
	const fillers, atLeast = 4, 9
	if len(word) < atLeast {
		return "", false
	}
	_, width := utf8.DecodeRuneInString(word)
	filler := word[width]
	if kinds[filler]&(lower|upper) == 0 || strings.Count(word, word[width:width+1]) < fillers {
		return "", false
	}
	out := make([]rune, 0, len(word)/2+1)
	n := 0
	for _, r := range word {
		if n++; n%2 == 1 {
			out = append(out, r)
		} else if r != rune(filler) {
			return "", false
		}
	}
	return string(out), true
}

// withoutTail undoes pig Latin: the letters before the first vowel went to the end, and ay behind them.
func withoutTail(word string) []string {
	const atLeast, most = 8, 3
	stem := word
	if len(stem) < atLeast || stem[len(stem)-2]|0x20 != 'a' || stem[len(stem)-1]|0x20 != 'y' || !isASCII(stem) {
		return nil
	}
	stem = stem[:len(stem)-2]
	var out []string
	for n := 1; n <= most; n++ {
		out = append(out, stem[len(stem)-n:]+stem[:len(stem)-n])
	}
	return out
}

// looksLike are the letters that a digit or a sign may stand for.
var looksLike = map[rune]string{
	'0': "o", '1': "il", '2': "z", '3': "e", '4': "a", '5': "s", '6': "gb", '7': "tl", '8': "b", '9': "gq", '@': "a", '$': "s", '!': "il", '|': "il", '+': "t",
	'(': "c", '<': "c", '€': "e", '£': "l", '¢': "c", '¥': "y", '§': "s", '¡': "i", 'µ': "u", '×': "x", '^': "a", '&': "e", '¿': "u",
}

// drawnLetters are letters that are drawn with several signs; where two letters meet, either may be the longer.
var drawnLetters = func() []*strings.Replacer {
	short := []string{`|_`, "l"}
	long := []string{`|_|`, "u"}
	rest := []string{`/-\`, "a", `/\/\`, "m", `|V|`, "m", `|v|`, "m", `|\/|`, "m", `|\|`, "n", `()`, "o", `[]`, "o", `|3`, "b", `|)`, "d", `|=`, "f", `|2`, "r", `|<`, "k",
		`\/`, "v", `|-|`, "h", `/\`, "a", `ph`, "f"}
	return []*strings.Replacer{
		strings.NewReplacer(slices.Concat(long, short, rest)...),
		strings.NewReplacer(slices.Concat([]string{`|_|_|`, "lu"}, long, short, rest)...),
	}
}()

// leet finds a core in a word in which each digit and sign may be any letter that it looks like. Two letters must be there, so
// that amounts are not read.
func (m *matcher) leet(word string) []Hit {
	const atLeast, longest = 2, 24
	if len(word) > longest {
		return nil
	}
	may := 0
	for i := range len(word) {
		if kinds[word[i]]&(lower|upper|high) != 0 {
			may++
		}
	}
	if may < atLeast {
		return nil
	}
	word = strings.Trim(word, `"'.,;:?`)
	pattern, letters, plain := patternOf(word, func(r rune) (rune, bool) {
		_, sign := looksLike[r]
		return r, sign
	})
	if !plain || letters < atLeast || letters == len(pattern) {
		return nil
	}
	turned := slices.Clone(pattern)
	slices.Reverse(turned)
	var hits []Hit
	for at, w := range m.wanted.all {
		if len(pattern) >= len(w.runes) && (readsAs(pattern, w.runes) || len(w.runes) >= sureTurned && readsAs(turned, w.runes)) {
			hits = append(hits, m.fuzzyHit(int32(at)))
		}
	}
	return hits
}

// patternOf levels the letters of a word and keeps what signs come to; a word with anything else in it is not plain.
func patternOf(word string, sign func(rune) (rune, bool)) (pattern []rune, letters int, plain bool) {
	for _, r := range word {
		if to, is := sign(r); is {
			pattern = append(pattern, to)
			continue
		}
		for _, f := range foldRune(r) {
			if f == separator {
				return nil, 0, false
			}
			letters++
			pattern = append(pattern, f)
		}
	}
	return pattern, letters, true
}

// readsAs reports whether a word begins with core, with two letters of it as they are.
func readsAs(pattern, core []rune) bool {
	same := 0
	for i, want := range core {
		if pattern[i] == want {
			same++
			continue
		}
		if may, sign := looksLike[pattern[i]]; !sign || !strings.ContainsRune(may, want) {
			return false
		}
	}
	return same >= 2 && same < len(core)
}

// vowelless finds a core in a word in which signs stand for its vowels and for nothing else: r*f*g**, r-f-g--.
func (m *matcher) vowelless(word string) []Hit {
	const signs, atLeast, signsAtLeast = "*-_.·•#?~…", 3, 2
	found := 0
	for i := range len(word) {
		if k := kinds[word[i]]; k&(mask|sign) != 0 || word[i] == 0xC2 || word[i] == 0xE2 {
			found++
		}
	}
	if found < signsAtLeast {
		return nil
	}
	pattern, known, plain := patternOf(strings.Trim(word, `"',;:()[]`), func(r rune) (rune, bool) { return 0, strings.ContainsRune(signs, r) })
	if !plain || known < atLeast || known == len(pattern) {
		return nil
	}
	var hits []Hit
	for at, w := range m.wanted.all {
		if len(pattern) < len(w.runes) || len(pattern) > len(w.runes)+2 {
			continue
		}
		if fits(pattern, w.runes) {
			hits = append(hits, m.fuzzyHit(int32(at)))
		}
	}
	return hits
}

func fits(pattern, core []rune) bool {
	masked := 0
	for i, want := range core {
		switch {
		case pattern[i] == want:
		case pattern[i] == 0 && strings.ContainsRune("aeiouy", want):
			masked++
		default:
			return false
		}
	}
	return masked >= 2
}
