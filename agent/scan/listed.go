package scan

import (
	"strings"
	"unicode/utf8"
)

// decodeSingles joins characters that stand apart, once with the digits among them, which may be letters, and once without, since
// they may number them.
func decodeSingles(text string) (view, bool) {
	var w viewBuilder
	last, changed := 0, false
	begin, end := -1, 0
	var all, letters []rune
	flush := func() {
		if len(letters) >= 2 && len(all) >= lettersAtLeast {
			w.copy(text, last, begin)
			w.put(" "+string(all)+" "+string(letters)+" ", begin, end)
			last, changed = end, true
		}
		all, letters, begin = all[:0], letters[:0], -1
	}
	before := ' '
	for i := 0; i < len(text); {
		r, width := utf8.DecodeRuneInString(text[i:])
		next, _ := utf8.DecodeRuneInString(text[i+width:])
		switch {
		case !wordRune(r) && r != '@' && r != '$':
		case wordRune(before) || i+width < len(text) && wordRune(next):
			if traitsOf(r)&isNumber == 0 {
				flush() // a word; a longer number may count lines
			}
		default:
			if begin < 0 {
				begin = i
			}
			all, end = append(all, r), i+width
			if traitsOf(r)&isLetter != 0 {
				letters = append(letters, r)
			}
		}
		before = r
		i += width
	}
	flush()
	return w.rest(text, last, changed)
}

// decodeListed reads letters that are numbered, one after another: 1. a 2. s 3. y.
func decodeListed(text string) (view, bool) {
	if !strings.ContainsAny(text, "123456789") {
		return view{}, false
	}
	var w viewBuilder
	last, changed := 0, false
	for i := 0; i < len(text); i++ {
		if kinds[text[i]]&digit == 0 || i > 0 && kinds[text[i-1]]&(lower|upper|digit) != 0 {
			continue
		}
		letters, end := listedLetters(text, i)
		if len(letters) < lettersAtLeast {
			for i+1 < len(text) && kinds[text[i+1]]&digit != 0 {
				i++
			}
			continue
		}
		w.copy(text, last, i)
		w.put(" "+letters+" ", i, end)
		last, changed = end, true
		i = end - 1
	}
	return w.rest(text, last, changed)
}

// listedLetters reads number, signs, letter, signs, as often as they follow.
func listedLetters(text string, at int) (letters string, end int) {
	var b strings.Builder
	end = at
	skip := func(signs string, most int) int {
		n := 0
		for at < len(text) && n < most && strings.IndexByte(signs, text[at]) >= 0 {
			at++
			n++
		}
		return n
	}
	for at < len(text) {
		if skip("0123456789", 3) == 0 || skip(".):-=/# \t(", 4) == 0 || at >= len(text) {
			break
		}
		r, width := utf8.DecodeRuneInString(text[at:])
		next, _ := utf8.DecodeRuneInString(text[at+width:])
		if traitsOf(r)&isLetter == 0 || traitsOf(next)&isLetter != 0 {
			break
		}
		b.WriteRune(r)
		at += width
		end = at
		skip(" ,;.\r\n\t|)", 4)
	}
	return b.String(), end
}
