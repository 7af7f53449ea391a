package scan

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// cores are the words that people disguise, by their folded letters.
type cores struct {
	all []coreWord
	// near has a bit for each three codes that the first four of a word, less one of them, may come to: a word that is one
	// slip away from a core at its beginning shares one of them.
	near    [1 << 16 / 64]uint64
	by      map[[3]uint8][]int32
	doubled map[string]int32 // cores without doubled letters
}

type coreWord struct {
	term  int
	runes []rune
	codes []uint8
}

// A shorter word has too many neighbours that mean something else.
const sureMisspelt = 6

func newCores(m *matcher) *cores {
	c := &cores{by: map[[3]uint8][]int32{}, doubled: map[string]int32{}}
	for i, t := range m.terms {
		core := m.cores[i]
		if !t.core || strings.ContainsRune(string(core), separator) || len(core) < 5 {
			continue
		}
		w := coreWord{term: i, runes: core, codes: m.letters.encode(core)}
		at := int32(len(c.all))
		c.all = append(c.all, w)
		c.doubled[string(undoubled(w.codes))] = at
		if len(core) < sureMisspelt || !t.start || t.accents {
			continue
		}
		for _, key := range nearKeys(w.codes) {
			c.by[key] = append(c.by[key], at)
			h := nearHash(key)
			c.near[h/64] |= 1 << (h % 64)
		}
	}
	return c
}

func nearKeys(codes []uint8) [4][3]uint8 {
	a, b, c, d := codes[0], codes[1], codes[2], codes[3]
	return [4][3]uint8{{b, c, d}, {a, c, d}, {a, b, d}, {a, b, c}}
}

func nearHash(key [3]uint8) uint16 {
	return uint16(bits.RotateLeft32(uint32(key[0])*0x9E37_79B1^uint32(key[1])*0x85EB_CA6B^uint32(key[2])*0xC2B2_AE35, 13) >> 7)
}

func undoubled(codes []uint8) []uint8 {
	out := make([]uint8, 0, len(codes))
	for i, c := range codes {
		if i == 0 || c != codes[i-1] {
			out = append(out, c)
		}
	}
	return out
}

// misspelt finds a core from which a word differs by one slip, by doubled letters, or by the order of its letters. It looks at each part of a word
// that has signs in it.
func (m *matcher) misspelt(word string) []Hit {
	var buffer [wordLimit * 2]uint8
	codes := buffer[:0]
	var hits []Hit
	flush := func() {
		if len(codes) >= 5 {
			if at, found := m.nearest(codes); found {
				hits = append(hits, m.fuzzyHit(at))
			}
			if found, is := m.anagram(codes); is {
				hits = append(hits, Hit{Code: "A1", Grade: Strong, Term: found, Track: Fuzzy})
			}
		}
		codes = codes[:0]
	}
	for i := 0; i < len(word); {
		if b := word[i]; b < utf8.RuneSelf {
			i++
			if code := m.ascii[b]; code == codeSpace {
				flush()
			} else {
				codes = append(codes, code)
			}
			continue
		}
		r, width := decode(word, i)
		i += width
		if r < 0x10000 && m.basic[r] != long {
			switch pair := m.basic[r]; {
			case pair == codeSpace:
				flush()
			case pair > 0xFF:
				codes = append(codes, uint8(pair), uint8(pair>>8))
			case pair != codeSkip:
				codes = append(codes, uint8(pair))
			}
			continue
		}
		codes = append(codes, m.codes(r)...)
	}
	flush()
	return hits
}

func (m *matcher) fuzzyHit(at int32) Hit {
	t := &m.terms[m.wanted.all[at].term]
	return Hit{Code: t.code, Grade: t.grade, Term: t.text, Track: Fuzzy}
}

func (m *matcher) nearest(codes []uint8) (int32, bool) {
	for _, key := range nearKeys(codes) {
		h := nearHash(key)
		if m.wanted.near[h/64]&(1<<(h%64)) == 0 {
			continue
		}
		for _, at := range m.wanted.by[key] {
			if oneSlip(m.wanted.all[at].codes, codes) {
				return at, true
			}
		}
	}
	for i := 1; i < len(codes); i++ {
		if codes[i] == codes[i-1] {
			plain := undoubled(codes)
			for n := 4; n <= len(plain); n++ {
				if at, found := m.wanted.doubled[string(plain[:n])]; found && !hasPrefix(codes, m.wanted.all[at].codes) {
					return at, true
				}
			}
			break
		}
	}
	return 0, false
}

func hasPrefix(codes, prefix []uint8) bool {
	return len(codes) >= len(prefix) && string(codes[:len(prefix)]) == string(prefix)
}

// oneSlip reports whether a word begins with core but for one letter too many, too few, another one, or two that changed
// places. The first letter and the last of core must be there, or the first two changed: else too many honest words
// would do.
func oneSlip(core, word []uint8) bool {
	n, i := len(core), 0
	for i < n && i < len(word) && core[i] == word[i] {
		i++
	}
	switch {
	case i >= n-1 || i >= len(word):
		return false // the core itself, or the last letter is not there
	case i == 0:
		return len(word) >= n && core[0] == word[1] && core[1] == word[0] && hasPrefix(word[2:], core[2:])
	}
	rest, tail := core[i:], word[i:]
	return hasPrefix(tail[1:], rest) || // too many
		hasPrefix(tail, rest[1:]) || // too few
		hasPrefix(tail[1:], rest[1:]) || // another
		len(tail) > 1 && len(rest) > 1 && tail[0] == rest[1] && tail[1] == rest[0] && hasPrefix(tail[2:], rest[2:])
}

// unmask finds a core in a word in which signs stand for letters: each sign for one, or one sign for any number of them.
// Half of the letters must be there, the first among them or the second.
func (m *matcher) unmask(word string) []Hit {
	var pattern []rune // 0 for a sign
	known := 0
	for _, r := range strings.TrimFunc(word, func(r rune) bool { return !wordRune(r) && !strings.ContainsRune("*#?_", r) }) {
		folded := foldRune(r)
		for _, f := range folded {
			if f == separator {
				f = 0
			} else {
				known++
			}
			pattern = append(pattern, f)
		}
	}
	if known < 3 || known == len(pattern) || len(pattern) < 5 {
		return nil
	}
	var hits []Hit
	for at, w := range m.wanted.all {
		if !m.terms[w.term].accents && 2*known >= len(w.runes) && len(pattern) <= 2*len(w.runes)+8 && (masks(pattern, w.runes, true) || masks(pattern, w.runes, false)) {
			hits = append(hits, m.fuzzyHit(int32(at)))
		}
	}
	return hits
}

// masks reports whether a pattern reads as a word that begins with core. Each: every sign is one letter; else a run of
// signs is any number of letters.
func masks(pattern, core []rune, each bool) bool {
	if each {
		same := 0
		for i, r := range core {
			if i >= len(pattern) || pattern[i] != 0 && pattern[i] != r {
				return false
			}
			if pattern[i] == r {
				same++
			}
		}
		return 2*same >= len(core)
	}
	if pattern[0] != core[0] {
		return false
	}
	return glob(pattern, core)
}

// glob reads one run of signs as any number of letters.
func glob(pattern, core []rune) bool {
	begin := slices.Index(pattern, 0)
	end := begin
	for end < len(pattern) && pattern[end] == 0 {
		end++
	}
	tail := pattern[end:]
	if begin > len(core) || len(tail) == 0 || slices.Contains(tail, 0) || !slices.Equal(pattern[:begin], core[:begin]) {
		return false
	}
	for i := begin; i < len(core); i++ {
		if rest := core[i:]; 2*(begin+len(rest)) >= len(core) && len(rest) <= len(tail) && slices.Equal(rest, tail[:len(rest)]) {
			return true
		}
	}
	return false
}
