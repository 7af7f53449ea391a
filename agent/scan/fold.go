package scan

import (
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// separator stands for every run of spaces, punctuation and symbols. It is no letter, so nothing else folds to it.
const separator = ' '

// foldRune is what one character comes to: compatibility letters, accents, case and letters that look alike are levelled.
// Nothing is left of a character that cannot be seen.
//
// Only the combining classes 1, 10 to 36 and 200 to 240 are taken off: the vowel signs of Indic scripts, Thai and
// Burmese have others and make the word.
func foldRune(r rune) []rune {
	if r < 0x80 {
		return foldASCII(r)
	}
	if invisible(r) {
		return nil
	}
	if base, found := regionalLetter(r); found {
		return []rune{base}
	}
	if out, found := confusable[unicode.ToLower(r)]; found {
		return []rune{out}
	}
	var out []rune
	for _, d := range norm.NFKD.String(string(r)) {
		out = appendFolded(out, d)
	}
	return out
}

func foldASCII(r rune) []rune {
	switch {
	case r >= 'A' && r <= 'Z':
		return []rune{r + 'a' - 'A'}
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		return []rune{r}
	}
	return []rune{separator}
}

// appendFolded folds one character of a decomposition.
func appendFolded(out []rune, r rune) []rune {
	if r < 0x80 {
		return append(out, foldASCII(r)...)
	}
	if invisible(r) || clutter(r) {
		return out
	}
	r = unicode.ToLower(r)
	if spelled, found := spelledOut[r]; found {
		return append(out, []rune(spelled)...)
	}
	if same, found := sameLetter(r); found {
		r = same
	}
	if alike, found := confusable[r]; found {
		r = alike
	}
	if !unicode.In(r, unicode.L, unicode.M, unicode.N) {
		return append(out, separator)
	}
	return append(out, r)
}

// clutter reports marks that are heaped on letters without making another one.
func clutter(r rune) bool {
	if !unicode.Is(unicode.M, r) {
		return false
	}
	if unicode.Is(unicode.Me, r) {
		return true // circles, keys and the like around a letter
	}
	class := norm.NFC.PropertiesString(string(r)).CCC()
	return class == 1 || class >= 10 && class <= 36 || class >= 200 && class <= 240
}

// invisible are the default-ignorable code points, and the Arabic tatweel, which only lengthens a word.
func invisible(r rune) bool {
	switch {
	case r == 0x00AD, r == 0x034F, r == 0x061C, r == 0x0640, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5,
		r >= 0x180B && r <= 0x180F, r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F,
		r == 0x3164, r >= 0xFE00 && r <= 0xFE0F, r == 0xFEFF, r == 0xFFA0, r >= 0xFFF0 && r <= 0xFFF8,
		r >= 0x1BCA0 && r <= 0x1BCA3, r >= 0x1D173 && r <= 0x1D17A, r >= 0xE0000 && r <= 0xE0FFF:
		return true
	}
	return false
}

// braille are the letters by their dots.
var braille = map[rune]rune{
	0x01: 'a', 0x03: 'b', 0x09: 'c', 0x19: 'd', 0x11: 'e', 0x0B: 'f', 0x1B: 'g', 0x13: 'h', 0x0A: 'i', 0x1A: 'j', 0x05: 'k', 0x07: 'l', 0x0D: 'm',
	0x1D: 'n', 0x15: 'o', 0x0F: 'p', 0x1F: 'q', 0x17: 'r', 0x0E: 's', 0x1E: 't', 0x25: 'u', 0x27: 'v', 0x3A: 'w', 0x2D: 'x', 0x3D: 'y', 0x35: 'z',
}

// regionalLetter reads the symbols of which flags are made, letters in squares and circles that have no decomposition,
// and Braille.
func regionalLetter(r rune) (rune, bool) {
	switch {
	case r >= 0x1F1E6 && r <= 0x1F1FF:
		return 'a' + r - 0x1F1E6, true
	case r >= 0x1F150 && r <= 0x1F169:
		return 'a' + r - 0x1F150, true
	case r >= 0x1F170 && r <= 0x1F189:
		return 'a' + r - 0x1F170, true
	case r > 0x2800 && r <= 0x283F:
		letter, found := braille[r-0x2800]
		return letter, found
	}
	return 0, false
}

// spelledOut are letters without a decomposition for which people type others.
var spelledOut = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'þ': "th", 'ł': "l", 'ħ': "h", 'ı': "i", 'ŋ': "n",
	'ŧ': "t", 'ƙ': "k", 'ɓ': "b", 'ɗ': "d", 'ƴ': "y", 'ɲ': "n",
}

// sameLetter levels letters that are written one for the other: the final sigma, forms of Arabic letters that differ by
// keyboard, Ethiopic homophones, and the syllables of Hangul by its letters.
func sameLetter(r rune) (rune, bool) {
	switch r {
	case 'ς':
		return 'σ', true
	case 'ک', 'ڪ':
		return 'ك', true
	case 'ی', 'ى', 'ې', 'ے':
		return 'ي', true
	case 'ہ', 'ھ', 'ە', 'ة', 'ۃ':
		return 'ه', true
	}
	if r >= 0x1200 && r <= 0x137F {
		return ethiopic(r)
	}
	if r >= 0x1100 && r <= 0x11FF {
		return hangul(r)
	}
	return 0, false
}

// ethiopic maps the rows of letters that have come to sound alike: ሐ and ኀ to ሀ, ሠ to ሰ, ዐ to አ, ፀ to ጸ, ቐ to ቀ.
func ethiopic(r rune) (rune, bool) {
	row, order := r&^7, r&7
	for _, same := range [...][2]rune{
		{0x1210, 0x1200}, {0x1280, 0x1200}, {0x1220, 0x1230}, {0x12D0, 0x12A0}, {0x1340, 0x1338}, {0x1250, 0x1240},
	} {
		if row == same[0] {
			return same[1] | order, true
		}
	}
	return 0, false
}

// hangul maps the conjoining letters, leading and trailing, to the letters that stand alone.
func hangul(r rune) (rune, bool) {
	const leading, trailing = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ", "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
	switch {
	case r >= 0x1100 && r < 0x1100+19:
		return []rune(leading)[r-0x1100], true
	case r >= 0x1161 && r < 0x1161+21:
		return 'ㅏ' + r - 0x1161, true
	case r >= 0x11A8 && r < 0x11A8+27:
		return []rune(trailing)[r-0x11A8], true
	}
	return 0, false
}

// foldText folds a whole string, with runs of separators drawn together: for patterns and short spans.
func foldText(text string) []rune {
	var out []rune
	for _, r := range text {
		for _, f := range foldRune(r) {
			if f == separator && len(out) > 0 && out[len(out)-1] == separator {
				continue
			}
			out = append(out, f)
		}
	}
	return out
}
