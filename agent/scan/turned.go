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
		if n := strings.IndexAny(text[begin:], end+"\u2069\n"); n >= 0 {
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
