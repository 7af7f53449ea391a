package scan

import (
	"strings"
)

// Signs that stand for letters one by one: Morse, and the words by which letters are spelled on the telephone. What comes out
// is scanned like any text, so an honest row of them does no harm.

// lettersAtLeast is how many letters in a row may be a word.
const lettersAtLeast = 5

var morse = func() map[string]byte {
	codes := map[string]byte{}
	for i, code := range strings.Fields(".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..") {
		codes[code] = 'a' + byte(i)
	}
	return codes
}()

// decodeMorse reads rows of dots and dashes, in the signs that people have for them, with spaces, slashes or bars between
// the letters.
func decodeMorse(text string) (view, bool) {
	var w viewBuilder
	last, changed := 0, false
	begin, end := -1, 0
	var letters, code []byte
	flush := func() {
		if len(letters) >= lettersAtLeast {
			w.copy(text, last, begin)
			w.put(" "+string(letters)+" ", begin, end)
			last, changed = end, true
		}
		letters, code, begin = letters[:0], code[:0], -1
	}
	letter := func(at int) bool {
		if len(code) == 0 {
			return true
		}
		l, known := morse[string(code)]
		code = code[:0]
		if known {
			letters, end = append(letters, l), at
		}
		return known
	}
	for i, r := range text {
		switch {
		case strings.ContainsRune(".·•∙*", r) || strings.ContainsRune("-_−–—", r):
			if begin < 0 {
				begin = i
			}
			if strings.ContainsRune(".·•∙*", r) {
				code = append(code, '.')
			} else {
				code = append(code, '-')
			}
			if len(code) > 4 {
				flush()
			}
		case strings.ContainsRune(" /|\n\t", r):
			if !letter(i) {
				flush()
			}
		default:
			letter(i)
			flush()
		}
	}
	letter(len(text))
	flush()
	return w.rest(text, last, changed)
}

// spellingWords are the words of spelling alphabets, of aviation and of German, French, Italian, Dutch and Spanish telephones, with
// accents and without.
const spellingWords = `alfa alpha bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar papa quebec romeo sierra tango
uniform victor whiskey whisky xray yankee zulu able baker dog easy fox george how item jig king love nan oboe peter queen roger sugar tare uncle william
anton berta caesar cäsar casar cesar dora emil friedrich gustav heinrich ida julius kaufmann konrad ludwig martha nordpol otto paula quelle richard samuel siegfried theodor
ulrich viktor wilhelm xanthippe xaver ypsilon zacharias zeppelin
anatole berthe celestin célestin desire désiré eugene eugène francois françois gaston henri irma joseph kleber louis marcel nicolas oscar pierre quintal raoul suzanne therese thérèse ursule xavier yvonne zoe
ancona bologna como domodossola empoli firenze genova imola livorno milano napoli otranto padova roma savona torino udine venezia
antonio barcelona carmen dolores enrique francia gerona historia ines jose lorenzo madrid navarra oviedo paris querido ramon sabado tarragona valencia zaragoza
anna bernard cornelis dirk eduard ferdinand gerard hendrik izaak jan karel lodewijk maria nico pieter quirinus rudolf simon teunis utrecht`

// spelledShape has a bit for the first letter, the third and the length of each spelling word: most other words are told from them
// by a look at it.
var spelled, spelledShape = func() (map[string]bool, [26 * 26]uint32) {
	words, shape := map[string]bool{}, [26 * 26]uint32{}
	for _, w := range strings.Fields(spellingWords) {
		words[w] = true
		if len(w) > 2 && w[2] >= 'a' && w[2] <= 'z' {
			shape[int(w[0]-'a')*26+int(w[2]-'a')] |= 1 << len(w)
		}
	}
	return words, shape
}()

// decodeSpelling reads rows of such words by their first letters.
func decodeSpelling(text string) (view, bool) {
	var w viewBuilder
	last, changed := 0, false
	begin, end := -1, 0
	var letters []byte
	flush := func() {
		if len(letters) >= lettersAtLeast {
			w.copy(text, last, begin)
			w.put(" "+string(letters)+" ", begin, end)
			last, changed = end, true
		}
		letters, begin = letters[:0], -1
	}
	for i := 0; i < len(text); {
		if kinds[text[i]]&(lower|upper) == 0 {
			if kinds[text[i]]&high != 0 {
				flush()
			}
			i++
			continue
		}
		from := i
		for i < len(text) && kinds[text[i]]&(lower|upper|high) != 0 {
			i++
		}
		first, is := spellingWord(text[from:i])
		if !is {
			if len(letters) > 0 {
				flush()
			}
			continue
		}
		if begin < 0 {
			begin = from
		}
		letters, end = append(letters, first), i
	}
	flush()
	return w.rest(text, last, changed)
}

func spellingWord(word string) (byte, bool) {
	const shortest, longest = 3, 12
	if len(word) < shortest || len(word) > longest {
		return 0, false
	}
	first, third := word[0]|0x20-'a', word[2]|0x20-'a'
	if first >= 26 || third < 26 && spelledShape[int(first)*26+int(third)]&(1<<len(word)) == 0 {
		return 0, false
	}
	return 'a' + first, spelled[strings.ToLower(word)]
}

// decodeShifted reads words in ROT47, in which small letters become capitals, digits and signs, but no two of them the same.
func decodeShifted(text string) (view, bool) {
	return replaceWords(text, 6, func(word string) (string, bool) {
		odd := false
		word = strings.Trim(word, "()[]{}.,!")
		for i := range len(word) {
			if word[i] < '2' || word[i] > 'K' {
				return "", false
			}
			odd = odd || word[i] < 'A'
		}
		if !odd {
			return "", false
		}
		out := make([]byte, len(word))
		for i := range len(word) {
			out[i] = word[i] - '2' + 'a'
		}
		return string(out), true
	})
}

// replaceWords puts what read makes of a word, which is what stands between spaces and quotation marks, in its place.
func replaceWords(text string, atLeast int, read func(word string) (string, bool)) (view, bool) {
	var w viewBuilder
	last, changed := 0, false
	for i := 0; i < len(text); {
		for i < len(text) && (kinds[text[i]] == 0 || text[i] == '"' || text[i] == '\'') {
			i++
		}
		begin := i
		for i < len(text) && kinds[text[i]] != 0 && text[i] != '"' && text[i] != '\'' {
			i++
		}
		if i-begin < atLeast {
			continue
		}
		out, decoded := read(text[begin:i])
		if !decoded {
			continue
		}
		w.copy(text, last, begin)
		w.put(" "+out+" ", begin, i)
		last, changed = i, true
	}
	return w.rest(text, last, changed)
}
