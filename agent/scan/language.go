package scan

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"unicode"
)

// The language gate says which language a stretch of text is in, and whether the lexicon covers it: a language without words
// in the lexicon would pass unread. Most scripts belong to one language, or to languages that are all covered or all not. In
// the others a naive Bayes classifier over three letters at a time, and over words, compares all languages of which a
// text was to be had, covered or not, and a stretch that is like none of them is not covered either.

// family is a script that several languages share.
type family uint8

const (
	noFamily family = iota
	latinFamily
	cyrillicFamily
	arabicFamily
	devanagariFamily
	ethiopicFamily
	hebrewFamily
	burmeseFamily
	familyCount
)

// block is a range of letters that belongs to a family, or decides by itself.
type block struct {
	first, last rune
	family      family
	language    string // where the family is noFamily: "" is not covered
}

var blocks = []block{
	{'A', 'Z', latinFamily, ""}, {'a', 'z', latinFamily, ""}, {0xAA, 0xAA, latinFamily, ""}, {0xBA, 0xBA, latinFamily, ""},
	{0xC0, 0x2AF, latinFamily, ""}, {0x370, 0x3FF, noFamily, "el"}, {0x400, 0x52F, cyrillicFamily, ""}, {0x531, 0x58F, noFamily, "hy"},
	{0x5D0, 0x5F4, hebrewFamily, ""}, {0x620, 0x6FF, arabicFamily, ""}, {0x750, 0x77F, arabicFamily, ""}, {0x8A0, 0x8FF, arabicFamily, ""},
	{0x900, 0x97F, devanagariFamily, ""}, {0x980, 0x9EF, noFamily, "bn"}, {0x9F0, 0x9F1, noFamily, ""}, {0x9F2, 0x9FF, noFamily, "bn"}, {0xA00, 0xA7F, noFamily, "pa"}, {0xA80, 0xAFF, noFamily, "gu"},
	{0xB80, 0xBFF, noFamily, "ta"}, {0xC00, 0xC7F, noFamily, "te"}, {0xC80, 0xCFF, noFamily, "kn"}, {0xD00, 0xD7F, noFamily, "ml"},
	{0xD80, 0xDFF, noFamily, "si"}, {0xE00, 0xE7F, noFamily, "th"}, {0xE80, 0xEFF, noFamily, "lo"}, {0x1000, 0x109F, burmeseFamily, ""},
	{0x10A0, 0x10FF, noFamily, "ka"}, {0x1100, 0x11FF, noFamily, "ko"}, {0x1200, 0x139F, ethiopicFamily, ""}, {0x1780, 0x17FF, noFamily, "km"},
	{0x1C90, 0x1CBF, noFamily, "ka"}, {0x1E00, 0x1EFF, latinFamily, ""}, {0x1F00, 0x1FFF, noFamily, "el"}, {0x3040, 0x30FF, noFamily, "ja"},
	{0x3130, 0x318F, noFamily, "ko"}, {0x31F0, 0x31FF, noFamily, "ja"}, {0x3400, 0x4DBF, noFamily, "zh"}, {0x4E00, 0x9FFF, noFamily, "zh"},
	{0xAC00, 0xD7A3, noFamily, "ko"}, {0xF900, 0xFAFF, noFamily, "zh"}, {0xFB1D, 0xFB4F, hebrewFamily, ""}, {0xFB50, 0xFDFF, arabicFamily, ""},
	{0xFE70, 0xFEFC, arabicFamily, ""}, {0xFF66, 0xFF9F, noFamily, "ja"}, {0x20000, 0x3FFFF, noFamily, ""},
}

// uncoveredLanguages are named in the lexicon, but with too few words to let their texts pass. Those that the lexicon
// does not name are not covered either.
const uncoveredLanguages = " und wo ff bm tw ee rmn eo tt crh yi ydd rm st tn nd ve ts bo "

//go:embed profiles.bin.gz
var profileData []byte

// profiles are the languages of each family.
type profiles [familyCount]*profile

// profile compares the languages of one family. A feature is a hash of three letters or of a word.
type profile struct {
	languages []string
	covered   []bool
	bits      int
	gains     []uint8 // feature*len(languages) + language: how much more often than on average, in eighths of a bit
}

var loadedProfiles = sync.OnceValues(func() (*profiles, error) {
	z, err := gzip.NewReader(bytes.NewReader(profileData))
	if err != nil {
		return nil, fmt.Errorf("opening the language profiles: %w", err)
	}
	return readProfiles(z)
})

// readProfiles reads, for each family: the number of languages and the bits of a feature; for each language its name, whether
// it is covered, and its features in order, as distances, each with its gain.
func readProfiles(r io.Reader) (*profiles, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading the language profiles: %w", err)
	}
	broken := errors.New("reading the language profiles: cut short")
	next := func() int {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			err = broken
			return 0
		}
		data = data[n:]
		return int(v)
	}
	var all profiles
	for f := latinFamily; f < familyCount; f++ {
		p := &profile{}
		count := next()
		p.bits = next()
		if err != nil || count > 1000 || p.bits > 16 {
			return nil, broken
		}
		p.gains = make([]uint8, count<<p.bits)
		for i := range count {
			n := next()
			if err != nil || n > len(data) {
				return nil, broken
			}
			name := string(data[:n])
			data = data[n:]
			p.languages = append(p.languages, name)
			p.covered = append(p.covered, next() == 1)
			at := 0
			for range next() {
				at += next()
				gain := next()
				if err != nil || at >= 1<<p.bits {
					return nil, broken
				}
				p.gains[at*count+i] = uint8(gain)
			}
		}
		all[f] = p
	}
	return &all, err
}

// features calls use with each feature of a text: every three characters, with a space at the ends of words, and every
// word. The letters must all be small.
func features(letters []rune, bits int, use func(feature int)) {
	shift := 32 - bits
	a, b := rune(' '), rune(' ')
	word := uint32(2166136261)
	length := 0
	for _, r := range append(letters, ' ') {
		if r == ' ' && b == ' ' {
			continue
		}
		h := uint32(a)*0x9E3779B1 ^ uint32(b)*0x85EBCA77 ^ uint32(r)*0xC2B2AE3D
		h ^= h >> 15
		use(int(h * 0x2C1B3C6D >> shift))
		if r == ' ' {
			if length > 0 && length <= 12 {
				use(int(word * 0x297A2D39 >> shift))
			}
			word, length = 2166136261, 0
		} else {
			word = (word ^ uint32(r)) * 16777619
			length++
		}
		a, b = b, r
	}
}

// gainOf is the gain of a feature that makes up share of a language and average of all.
func gainOf(share, average float64) uint8 {
	const smoothing = 0.1
	return uint8(math.Min(255, math.Round(8*math.Log2(1+share/(smoothing*average+1e-7)))))
}

// likeCovered are languages whose words for asylum are those of a covered neighbour.
const likeCovered = " sco nn gag azb abs mai bho mag nr ss rn fkv krl "

// lowerLetters levels a text for the gate: small letters, and one space for whatever else there is.
func lowerLetters(text string) []rune {
	out := make([]rune, 0, len(text))
	for _, r := range text {
		switch {
		case r >= 0x2B0 && r <= 0x2FF:
		case unicode.IsLetter(r) || unicode.Is(unicode.M, r):
			out = append(out, unicode.ToLower(r))
		case invisible(r), r == '\'', r == '’':
		case len(out) > 0 && out[len(out)-1] != ' ':
			out = append(out, ' ')
		}
	}
	return out
}

// kin are languages that the gate takes for each other in a short text.
var kin = []string{
	" rw rn ", " id ms abs ", " hr sr ", " da nb nn ", " cs sk ", " hi ne mr mai bho mag ", " zu xh nr ss nd ", " es gl ast ca pt ", " fi krl fkv ", " tr az gag azb crh ",
	" en sco ", " fa ckb ps ur ", " ru uk be bg mk sr ", " am ti ", " de lb ", " kk ky uz tg tk ",
}

func akin(a, b string) bool {
	if a == b {
		return true
	}
	for _, group := range kin {
		if strings.Contains(group, " "+a+" ") && strings.Contains(group, " "+b+" ") {
			return true
		}
	}
	return false
}

func isUncovered(language string) bool { return strings.Contains(uncoveredLanguages, " "+language+" ") }
