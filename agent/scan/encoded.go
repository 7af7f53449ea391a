package scan

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// Shorter runs of these characters are words and numbers.
	base64AtLeast = 8
	hexAtLeast    = 10
)

// decodeBase64 reads runs of base64, wrapped over lines or not, standard or for addresses. It keeps what comes out as text.
func decodeBase64(text string) (view, bool) {
	var w viewBuilder
	last, changed := 0, false
	for i := 0; i < len(text); {
		if !base64Bytes[text[i]] {
			i++
			continue
		}
		begin, inner := i, kind(0)
		for i++; i < len(text) && base64Bytes[text[i]]; i++ {
			inner |= kinds[text[i]]
		}
		// A word has its capital, if any, at its beginning, or is all in capitals; base64 hardly ever does.
		if i-begin == spacedGroup && i < len(text) && text[i] == ' ' && inner&(upper|digit) != 0 {
			if end, out, decoded := unbase64Spaced(text, begin); decoded {
				w.copy(text, last, begin)
				w.put(" "+out+" ", begin, end)
				last, i, changed = end, end, true
			}
			continue
		}
		if i-begin < base64AtLeast || inner&(upper|digit) == 0 || inner&(lower|digit) == 0 {
			continue
		}
		end := i
		out, decoded := "", false
		if end-begin >= wrapAtLeast {
			end, out, decoded = unwrap(text, begin, end)
		}
		if !decoded {
			end = i
			out, decoded = unbase64(text[begin:end])
		}
		if !decoded {
			out, decoded = unbase64Disguised(text[begin:end])
		}
		if !decoded {
			continue
		}
		w.copy(text, last, begin)
		w.put(" "+out+" ", begin, end)
		last, i, changed = end, end, true
	}
	return w.rest(text, last, changed)
}

var base64Bytes = func() (is [256]bool) {
	for _, b := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_") {
		is[b] = true
	}
	return is
}()

// wrapAtLeast is how long a line of wrapped base64 is.
const wrapAtLeast = 16

// unwrap reads base64 that goes on over the following lines, which may be those of a quoted reply. The last line may
// be followed by ordinary words: the longest run of lines that makes text counts.
func unwrap(text string, begin, end int) (int, string, bool) {
	ends := []int{end}
	for {
		at := end
		for at < len(text) && strings.IndexByte("\r\n\t >", text[at]) >= 0 {
			at++
		}
		if at == end || !strings.Contains(text[end:at], "\n") {
			break
		}
		next := at
		for next < len(text) && base64Bytes[text[next]] {
			next++
		}
		if next == at {
			break
		}
		end = next
		ends = append(ends, end)
	}
	const tries = 3
	for n := len(ends) - 1; n > 0 && n >= len(ends)-tries; n-- {
		if out, decoded := unbase64(text[begin:ends[n]]); decoded {
			return ends[n], out, true
		}
	}
	return 0, "", false
}

func unbase64(code string) (string, bool) {
	code = strings.Map(func(r rune) rune {
		switch r {
		case '-':
			return '+'
		case '_':
			return '/'
		case '\r', '\n', '\t', ' ', '>', '=':
			return -1
		}
		return r
	}, code)
	if len(code)%4 == 1 {
		code = code[:len(code)-1]
	}
	b, err := base64.RawStdEncoding.DecodeString(code)
	if err != nil {
		return "", false
	}
	return fromBytes(b)
}

// unbase64Disguised reads base64 from its end, and in ROT13. It must be long, since what is not encoded comes out as
// something now and then.
func unbase64Disguised(code string) (string, bool) {
	const atLeast = 12
	if len(code) < atLeast {
		return "", false
	}
	turned, rotated := []byte(code), []byte(code)
	slices.Reverse(turned)
	for i, b := range rotated {
		switch {
		case b >= 'a' && b <= 'z':
			rotated[i] = 'a' + (b-'a'+13)%26
		case b >= 'A' && b <= 'Z':
			rotated[i] = 'A' + (b-'A'+13)%26
		}
	}
	for _, other := range [][]byte{turned, rotated} {
		if out, decoded := unbase64(strings.TrimLeft(string(other), "=")); decoded && plausible([]byte(out), len(code)) {
			return out, true
		}
	}
	return "", false
}

// spacedGroup is how many signs stand together in base64 that is written in groups.
const spacedGroup = 4

// unbase64Spaced reads base64 in groups of four with a space between.
func unbase64Spaced(text string, begin int) (end int, out string, decoded bool) {
	const groups = 4
	at, found := begin, 0
	for at+spacedGroup <= len(text) && !strings.ContainsFunc(text[at:at+spacedGroup], func(r rune) bool { return r >= utf8.RuneSelf || !base64Bytes[byte(r)] }) {
		end = at + spacedGroup
		found++
		if end >= len(text) || text[end] != ' ' {
			break
		}
		at = end + 1
	}
	if found < groups || end < len(text) && base64Bytes[text[end]] {
		return 0, "", false
	}
	// Ordinary words of four letters may follow.
	for n := found; n >= groups; n-- {
		end = begin + n*(spacedGroup+1) - 1
		if out, decoded = unbase64(text[begin:end]); decoded {
			return end, out, true
		}
	}
	return 0, "", false
}

// fromBytes makes text of bytes in UTF-8 or UTF-16, compressed or not, if they are text.
func fromBytes(b []byte) (string, bool) {
	if unpacked, packed := inflate(b); packed {
		b = unpacked
	}
	if whole := wholeCharacters(b); readable(whole) {
		return string(whole), true
	}
	if len(b) < 6 || len(b)%2 != 0 && len(b) < 8 {
		return "", false
	}
	if out, wide := fromUTF32(b); wide {
		return out, true
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if out := []byte(fromUTF16(b, order)); readable(out) && plausible(out, len(b)) {
			return string(out), true
		}
	}
	return "", false
}

// fromUTF32 makes text of bytes of which four are one character.
func fromUTF32(b []byte) (string, bool) {
	if len(b)%4 != 0 {
		return "", false
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		var out []rune
		for i := 0; i < len(b); i += 4 {
			v := order.Uint32(b[i:])
			if v > utf8.MaxRune {
				break
			}
			out = append(out, rune(v))
		}
		if text := []byte(string(out)); len(out) == len(b)/4 && readable(text) {
			return string(text), true
		}
	}
	return "", false
}

// wholeCharacters takes off the rest of a character that was cut at either end.
func wholeCharacters(b []byte) []byte {
	for n := 0; n < utf8.UTFMax-1 && len(b) > 0 && !utf8.RuneStart(b[0]); n++ {
		b = b[1:]
	}
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if utf8.RuneStart(b[len(b)-n]) {
			if !utf8.FullRune(b[len(b)-n:]) {
				b = b[:len(b)-n]
			}
			break
		}
	}
	return b
}

func fromUTF16(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff")
}

// plausible reports text of one or two scripts: random bytes read as UTF-16 scatter over all of them.
func plausible(text []byte, size int) bool {
	blocks := map[rune]bool{}
	count := 0
	for _, r := range string(text) {
		count++
		if r >= utf8.RuneSelf {
			blocks[r>>9] = true
		}
	}
	return len(blocks) <= 1+count/8 && count <= size
}

// decodeHex reads runs of hexadecimal digits, with or without something between the pairs.
func decodeHex(text string) (view, bool) {
	var w viewBuilder
	last, changed := 0, false
	for i := 0; i < len(text); {
		if !hexDigit(text[i]) || i > 0 && kinds[text[i-1]]&(lower|upper|digit) != 0 {
			i++
			continue
		}
		begin := i
		digits := make([]byte, 0, 64)
		end := i
		for i < len(text) {
			switch {
			case i+1 < len(text) && hexDigit(text[i]) && hexDigit(text[i+1]):
				digits = append(digits, text[i], text[i+1])
				i += 2
				end = i
				continue
			case len(digits) > 0 && hexGap(text[i:]) > 0:
				i += hexGap(text[i:])
				continue
			case len(digits) == 0 && (strings.HasPrefix(text[i:], "0x") || strings.HasPrefix(text[i:], "0X")):
				i += 2
				continue
			}
			break
		}
		if end == begin {
			i = begin + 1
			continue
		}
		i = end
		if len(digits) < hexAtLeast {
			continue
		}
		b, err := hex.DecodeString(string(digits))
		if err != nil {
			continue
		}
		out, decoded := fromBytes(b)
		slices.Reverse(digits)
		if b, err = hex.DecodeString(string(digits)); err == nil {
			if other, turned := fromBytes(b); turned {
				out, decoded = out+" "+other, true
			}
		}
		if !decoded {
			continue
		}
		w.copy(text, last, begin)
		w.put(" "+out+" ", begin, end)
		last, changed = end, true
	}
	return w.rest(text, last, changed)
}

// hexGap is the length of what stands between two pairs of digits: the h of assemblers, some signs, and what says that a
// hexadecimal number follows.
func hexGap(text string) int {
	const most = 3
	at := 0
	if len(text) > 0 && kinds[text[0]]&(lower|upper|digit|high) != 0 && text[0]|0x20 != 'h' {
		return 0
	}
	if at < len(text) && (text[at]|0x20) == 'h' {
		at++
	}
	for n := 0; n < most && at < len(text) && strings.IndexByte(" :-,;|._/=\n\t'\"", text[at]) >= 0; n++ {
		at++
	}
	for _, prefix := range []string{"0x", "0X", `\x`, "&h", "&H", "$", "#"} {
		if strings.HasPrefix(text[at:], prefix) {
			at += len(prefix)
			break
		}
	}
	if at == 0 || at+1 >= len(text) || !hexDigit(text[at]) || !hexDigit(text[at+1]) {
		return 0
	}
	return at
}

func hexDigit(b byte) bool { return hexDigits[b] }

var hexDigits = func() (is [256]bool) {
	for _, b := range []byte("0123456789abcdefABCDEF") {
		is[b] = true
	}
	return is
}()
