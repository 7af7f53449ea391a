package scan

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// upsideDown are letters that look like others on their head.
var upsideDown = func() map[rune]rune {
	turned := map[rune]rune{}
	for i, r := range []rune("ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz") {
		turned[r] = 'a' + rune(i)
	}
	for r, to := range map[rune]rune{
		'ɓ': 'g', 'ᵷ': 'g', 'ı': 'i', 'ɿ': 'r', 'ן': 'l', 'ꞁ': 'l', 'ʅ': 'l', '⅂': 'l', 'Ɐ': 'a', '∀': 'a', 'Ɔ': 'c', 'Ǝ': 'e', 'Ⅎ': 'f', '⅁': 'g', 'ſ': 'j',
		'Ʞ': 'k', '˥': 'l', 'Ꞁ': 'l', '⊥': 't', '∩': 'u', 'Λ': 'v', '⅄': 'y', 'Ɯ': 'm', 'ɘ': 'e', 'ᴚ': 'r', 'Ʌ': 'v', 'ʁ': 'r',
	} {
		turned[r] = to
	}
	return turned
}()

// decodeTurned reads text that stands on its head, from its end and, for those who forgot to turn the order, from its
// beginning.
func decodeTurned(text string) (view, bool) {
	if !slices.ContainsFunc([]string{"\xc6", "\xc7\x9d", "\xc9", "\xca", "\xe2\x85", "\xe2\x88", "\xe2\xb1", "\xea\x9e"}, func(s string) bool { return strings.Contains(text, s) }) {
		return view{}, false
	}
	odd := 0
	turned := make([]rune, 0, len(text))
	for _, r := range text {
		if to, found := upsideDown[r]; found {
			if r >= utf8.RuneSelf {
				odd++
			}
			r = to
		}
		turned = append(turned, r)
	}
	if odd < 2 {
		return view{}, false
	}
	straight := string(turned)
	slices.Reverse(turned)
	return view{text: string(turned) + "\n" + straight, marks: []mark{{0, 0}, {1, len(text)}}}, true
}

// decodeInvisible takes out what cannot be seen, and reads wide letters and signs as ordinary ones, so that what is encoded
// beneath is decoded. Words alone do not need it: they are folded.
func decodeInvisible(text string) (view, bool) {
	if !slices.ContainsFunc([]string{"\xc2\xad", "\xe2\x80", "\xe2\x81", "\xef\xb8", "\xef\xbb", "\xef\xbc", "\xef\xbd", "\xcd\x8f", "\xe1\xa0"}, func(s string) bool { return strings.Contains(text, s) }) {
		return view{}, false
	}
	var w viewBuilder
	last, changed := 0, false
	for i, r := range text {
		width := utf8.RuneLen(r)
		switch {
		case r == 0x202E || r == 0x202C || r >= 0xE0000:
			continue // they are read by others
		case width > 0 && invisible(r):
			w.copy(text, last, i)
			w.mark(i + width)
		case r >= 0xFF01 && r <= 0xFF5E:
			w.copy(text, last, i)
			w.put(string(r-0xFF01+'!'), i, i+width)
		default:
			continue
		}
		last, changed = i+width, true
	}
	return w.rest(text, last, changed)
}

// decodeRightToLeft reads what stands behind an override or an isolate in the order in which it is seen.
func decodeRightToLeft(text string) (view, bool) {
	const override, end = "\u202e", "\u202c"
	begin := strings.Index(text, override)
	if begin < 0 {
		return view{}, false
	}
	var w viewBuilder
	last := 0
	for begin >= 0 {
		stop := len(text)
		if n := strings.IndexAny(text[begin:], end+"\u2069"); n >= 0 {
			stop = begin + n
		}
		w.copy(text, last, begin)
		backwards := []rune(text[begin+len(override) : stop])
		slices.Reverse(backwards)
		w.put(string(backwards), begin, stop)
		last = stop
		next := strings.Index(text[last:], override)
		if next < 0 {
			break
		}
		begin = last + next
	}
	w.copy(text, last, len(text))
	return w.view(), true
}
