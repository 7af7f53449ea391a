package name

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// MaxWords bounds the words of one name.
const MaxWords = 12

// Word is one word of a name.
type Word struct {
	Letters string   // in lower-case Latin letters and digits, or as it is where the script has no table
	Keys    []string // of its consonants: words that may be the same name share one
}

// Words folds a name. Case, accents, punctuation and the script make no difference; the order is kept.
func Words(s string) []Word {
	var words []Word
	for _, letters := range split(s) {
		words = append(words, Word{Letters: letters, Keys: keysOf(letters)})
		if len(words) == MaxWords {
			break
		}
	}
	return words
}

// split gives the words in Latin letters. Digits belong to the word before them: "ALPHA-01" is one word.
func split(s string) []string {
	var words []string
	var b strings.Builder
	end := func() {
		if b.Len() > 0 {
			words = append(words, b.String())
			b.Reset()
		}
	}
	for _, r := range norm.NFKD.String(s) {
		r = unicode.ToLower(r)
		latin, known := romanise(r)
		switch {
		case r >= '0' && r <= '9':
			if b.Len() == 0 && len(words) > 0 {
				b.WriteString(words[len(words)-1])
				words = words[:len(words)-1]
			}
			b.WriteRune(r)
		case r >= 'a' && r <= 'z':
			b.WriteRune(r)
		case known:
			b.WriteString(latin)
		case unicode.Is(unicode.M, r), r == '\'', r == '’', r == '`', unicode.Is(unicode.Cf, r):
		case unicode.IsLetter(r):
			b.WriteRune(r)
		default:
			end()
		}
	}
	end()
	return words
}

func romanise(r rune) (string, bool) {
	if r < 0x80 {
		return "", false
	}
	if latin, ok := letters[r]; ok {
		return latin, true
	}
	if r >= 0x1200 && r < 0x1200+rune(8*len(ethiopic)) {
		row := ethiopic[(r-0x1200)/8]
		return strings.TrimPrefix(row, "-") + ethiopicVowels[(r-0x1200)%8], true
	}
	if r >= 0x0900 && r < 0x0d80 {
		latin, ok := indic[0x0900+(r-0x0900)%0x80]
		return latin, ok
	}
	return "", false
}

// keysOf reduces letters to classes of consonants.
func keysOf(letters string) []string {
	var b strings.Builder
	last := byte(0)
	for i := 0; i < len(letters); i++ {
		c := letters[i]
		switch c {
		case 'a', 'e', 'i', 'o', 'u', 'y', 'w', 'h':
			continue
		case 'd':
			c = 't'
		case 'b':
			c = 'p'
		case 'v':
			c = 'f'
		case 'g', 'q', 'c', 'x':
			c = 'k'
		case 'z', 'j':
			c = 's'
		}
		if c != last || c >= '0' && c <= '9' {
			b.WriteByte(c)
		}
		last = c
	}
	if b.Len() == 0 {
		return []string{letters}
	}
	return []string{b.String()}
}
