package scan

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Text that was written or read in the wrong character set, and characters that act on what stands before them.

// decodeControls obeys backspaces, leaves out the escape sequences of terminals, and other control characters with them.
func decodeControls(text string) (view, bool) {
	at := 0
	for at < len(text) && !isControl(rune(text[at])) {
		at++
	}
	if at == len(text) {
		return view{}, false
	}
	var w viewBuilder
	last := 0
	for i := at; i < len(text); i++ {
		if !isControl(rune(text[i])) {
			continue
		}
		from, to := i, i+1
		switch text[i] {
		case '\b', 0x7F:
			if i > last {
				_, width := utf8.DecodeLastRuneInString(text[last:i])
				from -= width
			}
		case 0x1B:
			to = escapeEnd(text, i)
		}
		w.copy(text, last, from)
		w.mark(to)
		last, i = to, to-1
	}
	w.copy(text, last, len(text))
	return w.view(), true
}

func isControl(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7F }

// escapeEnd is where a terminal's escape sequence ends: ESC [ parameters letter.
func escapeEnd(text string, at int) int {
	const longest = 32
	end := at + 1
	if end < len(text) && text[end] == '[' {
		for end++; end < len(text) && end < at+longest; end++ {
			if text[end] >= '@' && text[end] <= '~' {
				return end + 1
			}
		}
	}
	return min(end, len(text))
}

// decodeUTF7 reads +base64- of RFC 2152, which is UTF-16.
func decodeUTF7(text string) (view, bool) {
	if !strings.Contains(text, "+A") && !strings.Contains(text, "+B") {
		return view{}, false
	}
	const atLeast = 3
	var w viewBuilder
	last, changed := 0, false
	for i := 0; i < len(text); i++ {
		if text[i] != '+' {
			continue
		}
		end := i + 1
		for end < len(text) && text[end] != '-' && text[end] != '=' && text[end] != '_' && text[end] != '+' && base64Bytes[text[end]] {
			end++
		}
		if end-i <= atLeast {
			continue
		}
		b, err := base64.RawStdEncoding.DecodeString(text[i+1 : end])
		if err != nil || len(b) < 2 {
			continue
		}
		out := fromUTF16(b[:len(b)&^1], binary.BigEndian)
		if strings.ContainsRune(out, utf8.RuneError) || strings.ContainsFunc(out, isControl) {
			continue
		}
		if end < len(text) && text[end] == '-' {
			end++
		}
		w.copy(text, last, i)
		w.put(out, i, end)
		last, i, changed = end, end-1, true
	}
	return w.rest(text, last, changed)
}

// windows are the bytes of Windows-1252 that are not those of Latin-1.
var windows = map[rune]byte{
	'€': 0x80, '‚': 0x82, 'ƒ': 0x83, '„': 0x84, '…': 0x85, '†': 0x86, '‡': 0x87, 'ˆ': 0x88, '‰': 0x89, 'Š': 0x8A, '‹': 0x8B, 'Œ': 0x8C, 'Ž': 0x8E, '‘': 0x91,
	'’': 0x92, '“': 0x93, '”': 0x94, '•': 0x95, '–': 0x96, '—': 0x97, '˜': 0x98, '™': 0x99, 'š': 0x9A, '›': 0x9B, 'œ': 0x9C, 'ž': 0x9E, 'Ÿ': 0x9F,
}

// mojibakeLikely reports a letter of the upper half of Latin-1 before a sign of its lower half or of Windows-1252: what the first two
// bytes of a character come to.
func mojibakeLikely(text string) bool {
	for i := strings.IndexByte(text, 0xC3); i >= 0 && i+2 < len(text); {
		switch text[i+2] {
		case 0xC2, 0xE2, 0xC5, 0xC6, 0xCB:
			return true
		}
		next := strings.IndexByte(text[i+1:], 0xC3)
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// decodeMojibake reads UTF-8 that was taken for Latin-1 or Windows-1252: rÃ©fugiÃ©.
func decodeMojibake(text string) (view, bool) {
	if !mojibakeLikely(text) {
		return view{}, false
	}
	var w viewBuilder
	last, changed := 0, false
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		begin := i
		var b []byte
		for i < len(text) && text[i] >= utf8.RuneSelf {
			r, width := utf8.DecodeRuneInString(text[i:])
			c, known := windows[r]
			if !known {
				if r > 0xFF {
					break
				}
				c = byte(r)
			}
			b = append(b, c)
			i += width
		}
		if i == begin {
			_, width := utf8.DecodeRuneInString(text[i:])
			i += width
			continue
		}
		if len(b) < 2 || !utf8.Valid(b) {
			continue
		}
		w.copy(text, last, begin)
		w.put(string(b), begin, i)
		last, changed = i, true
	}
	return w.rest(text, last, changed)
}

// latinKeys and cyrillicKeys are the same keys of a keyboard under two layouts.
const (
	latinKeys    = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
	cyrillicKeys = "йцукенгшщзхъфывапролджэячсмитьбюё"
)

var toCyrillicKeys = func() map[rune]rune {
	keys := map[rune]rune{}
	cyrillic := []rune(cyrillicKeys)
	for i, r := range latinKeys {
		keys[r] = cyrillic[i]
	}
	return keys
}()

// otherKeys reads a word that was typed for Russian on a Latin layout: signs stand where letters do.
func otherKeys(word string, seen kind) (string, bool) {
	const atLeast = 5
	if seen&(sign|symbol) == 0 || seen&(lower|upper) == 0 || seen&(digit|high) != 0 || len(word) < atLeast {
		return "", false
	}
	keys := 0
	for i := range len(word) {
		switch word[i] {
		case ',', ';', '\'', '[', ']', '`', '.':
			keys++
		}
	}
	if keys == 0 {
		return "", false
	}
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		if to, found := toCyrillicKeys[r]; found {
			return to
		}
		return r
	}, word), true
}

// codepageLikely reports three letters of the upper half of Latin-1 in a row, or a letter Р or С in every second place: the first
// bytes of Cyrillic in UTF-8.
func codepageLikely(text string) bool {
	for i := strings.IndexByte(text, 0xC3); i >= 0 && i+5 < len(text); {
		if text[i+2] == 0xC3 && text[i+4] == 0xC3 {
			return true
		}
		next := strings.IndexByte(text[i+2:], 0xC3)
		if next < 0 {
			break
		}
		i += 2 + next
	}
	lead := func(i int) bool {
		return i+1 < len(text) && text[i] == 0xD0 && (text[i+1] == 0xA0 || text[i+1] == 0xA1)
	}
	for i := strings.IndexByte(text, 0xD0); i >= 0 && i+6 < len(text); i++ {
		if lead(i) && (lead(i+4) || lead(i+5)) {
			return true
		}
	}
	return false
}

// decodeCodepages reads Cyrillic whose code page was taken for another: Windows-1251 and KOI8-R for Latin-1, UTF-8 for Windows-1251.
func decodeCodepages(text string) (view, bool) {
	const atLeast = 5
	if !codepageLikely(text) {
		return view{}, false
	}
	var w viewBuilder
	last, changed := 0, false
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		begin := i
		var latin, windows []byte
		for i < len(text) && text[i] >= utf8.RuneSelf {
			r, width := utf8.DecodeRuneInString(text[i:])
			i += width
			if r <= 0xFF {
				latin = append(latin, byte(r))
			}
			if b, known := charmap.Windows1251.EncodeRune(r); known {
				windows = append(windows, b)
			}
		}
		word := text[begin:i]
		n := utf8.RuneCountInString(word)
		out := ""
		switch {
		case n >= atLeast && len(latin) == n:
			for _, page := range []*charmap.Charmap{charmap.Windows1251, charmap.KOI8R} {
				b, _ := page.NewDecoder().Bytes(latin) // every byte is some character
				out += " " + string(b)
			}
		case n >= atLeast && len(windows) == n && utf8.Valid(windows):
			out = string(windows)
		default:
			continue
		}
		w.copy(text, last, begin)
		w.put(out, begin, i)
		last, changed = i, true
	}
	return w.rest(text, last, changed)
}

// decodePunycode reads the labels of internationalised names, RFC 3492.
func decodePunycode(text string) (view, bool) {
	const prefix = "xn--"
	if !strings.Contains(text, prefix) {
		return view{}, false
	}
	var w viewBuilder
	last, changed := 0, false
	for i := 0; ; {
		at := strings.Index(text[i:], prefix)
		if at < 0 {
			break
		}
		begin := i + at
		end := begin + len(prefix)
		for end < len(text) && (kinds[text[end]]&(lower|upper|digit) != 0 || text[end] == '-') {
			end++
		}
		i = end
		out, decoded := unpunycode(text[begin+len(prefix) : end])
		if !decoded {
			continue
		}
		w.copy(text, last, begin)
		w.put(out, begin, end)
		last, changed = end, true
	}
	return w.rest(text, last, changed)
}

// unpunycode is the decoding procedure of RFC 3492 section 6.2.
func unpunycode(label string) (string, bool) {
	const base, tmin, tmax, skew, damp, longest = 36, 1, 26, 38, 700, 63
	if len(label) > longest {
		return "", false
	}
	n, bias := 128, 72
	var out []rune
	if at := strings.LastIndexByte(label, '-'); at > 0 {
		out = []rune(label[:at])
		label = label[at+1:]
	}
	for i := 0; len(label) > 0; {
		before, weight := i, 1
		for k := base; ; k += base {
			if len(label) == 0 {
				return "", false
			}
			value := punycodeDigit(label[0])
			label = label[1:]
			if value < 0 || weight > 1<<20 {
				return "", false
			}
			i += value * weight
			t := min(max(k-bias, tmin), tmax)
			if value < t {
				break
			}
			weight *= base - t
		}
		size := len(out) + 1
		delta := (i - before) / 2
		if before == 0 {
			delta = (i - before) / damp
		}
		delta += delta / size
		k := 0
		for ; delta > (base-tmin)*tmax/2; k += base {
			delta /= base - tmin
		}
		bias = k + (base-tmin+1)*delta/(delta+skew)
		n += i / size
		i %= size
		if n > utf8.MaxRune {
			return "", false
		}
		out = append(out[:i], append([]rune{rune(n)}, out[i:]...)...)
		i++
	}
	return string(out), true
}

func punycodeDigit(b byte) int {
	switch {
	case b >= 'a' && b <= 'z':
		return int(b - 'a')
	case b >= 'A' && b <= 'Z':
		return int(b - 'A')
	case b >= '0' && b <= '9':
		return int(b-'0') + 26
	}
	return -1
}
