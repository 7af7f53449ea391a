package scan

import (
	"html"
	"mime"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeTags reads the code points for language tags, which are ASCII that nobody sees.
func decodeTags(text string) (view, bool) {
	if !strings.Contains(text, "\xf3\xa0") {
		return view{}, false
	}
	var w viewBuilder
	last, changed := 0, false
	for i, r := range text {
		if r >= 0xE0020 && r <= 0xE007E {
			w.copy(text, last, i)
			w.put(string(r-0xE0000), i, i+4)
			last, changed = i+4, true
		}
	}
	return w.rest(text, last, changed)
}

// decodeEntities reads the character references of HTML. Doubled ones take two rounds.
func decodeEntities(text string) (view, bool) {
	if !strings.Contains(text, "&") {
		return view{}, false
	}
	const longest = 32
	var w viewBuilder
	last, changed := 0, false
	for i := 0; i < len(text); {
		at := strings.IndexByte(text[i:], '&')
		if at < 0 {
			break
		}
		i += at
		window := text[i:min(len(text), i+longest)]
		end := strings.IndexByte(window, ';')
		if end < 0 && strings.HasPrefix(window, "&#") {
			end = 2 + strings.IndexFunc(window[2:]+" ", func(r rune) bool { return !strings.ContainsRune("xX0123456789abcdefABCDEF", r) }) - 1
		}
		if end > 1 {
			if out := html.UnescapeString(window[:end+1]); out != window[:end+1] {
				w.copy(text, last, i)
				w.put(out, i, i+end+1)
				i += end + 1
				last, changed = i, true
				continue
			}
		}
		i++
	}
	return w.rest(text, last, changed)
}

// decodeComments takes out tags and comments, of HTML and of wikis, that stand within words.
func decodeComments(text string) (view, bool) {
	if !strings.ContainsAny(text, "<[{") && !strings.Contains(text, "/*") {
		return view{}, false
	}
	var w viewBuilder
	last, changed := 0, false
	lastComment := strings.LastIndex(text, "-->")
	for i := 0; i < len(text); i++ {
		end := -1
		switch rest := text[i:]; {
		case strings.HasPrefix(rest, "<!--"):
			if i < lastComment {
				end = after(rest, "-->")
			}
		case rest[0] == '<' && len(rest) > 1 && (rest[1] == '/' || rest[1] == '!' || rest[1] == '?' || kinds[rest[1]]&(lower|upper) != 0):
			end = after(rest[:min(len(rest), 1024)], ">")
			if end > 0 && rest[1] != '/' && unseen(rest[:end]) {
				if closing := after(rest[end:min(len(rest), end+1024)], "</"); closing > 0 {
					end += closing + max(0, after(rest[end+closing:min(len(rest), end+closing+64)], ">"))
				}
			}
		case rest[0] == '[' && len(rest) > 1 && (rest[1] == '/' || kinds[rest[1]]&(lower|upper) != 0):
			end = after(rest[:min(len(rest), 64)], "]")
		case strings.HasPrefix(rest, "{{"):
			end = after(rest[:min(len(rest), 256)], "}}")
		case strings.HasPrefix(rest, "/*"):
			end = after(rest[:min(len(rest), 256)], "*/")
		}
		if end < 0 {
			continue
		}
		w.copy(text, last, i)
		i += end
		w.mark(i)
		last, changed = i, true
		i--
	}
	return w.rest(text, last, changed)
}

// unseen reports a tag whose content is not shown.
func unseen(tag string) bool {
	tag = strings.ToLower(strings.ReplaceAll(tag, " ", ""))
	for _, style := range []string{"display:none", "visibility:hidden", "font-size:0", "opacity:0"} {
		if strings.Contains(tag, style) {
			return true
		}
	}
	return false
}

// after is the offset behind the first closing, or -1.
func after(text, closing string) int {
	at := strings.Index(text, closing)
	if at < 0 {
		return -1
	}
	return at + len(closing)
}

// decodeRFC2047 reads the encoded words of mail headers; what stands between two of them is nothing.
func decodeRFC2047(text string) (view, bool) {
	if !strings.Contains(text, "=?") {
		return view{}, false
	}
	var w viewBuilder
	last, changed := 0, false
	decoder := mime.WordDecoder{}
	for i := 0; i < len(text); {
		at := strings.Index(text[i:], "=?")
		if at < 0 {
			break
		}
		i += at
		end := encodedWordEnd(text[i:])
		if end < 0 {
			i += 2
			continue
		}
		out, err := decoder.Decode(text[i : i+end])
		if err != nil {
			i += 2
			continue
		}
		if !changed || strings.TrimSpace(text[last:i]) != "" {
			w.copy(text, last, i)
		}
		w.put(out, i, i+end)
		i += end
		last, changed = i, true
	}
	return w.rest(text, last, changed)
}

// encodedWordEnd is the length of =?charset?encoding?text?=.
func encodedWordEnd(text string) int {
	window := text[:min(len(text), 512)]
	at := 2
	for range 2 {
		next := strings.IndexByte(window[at:], '?')
		if next < 0 {
			return -1
		}
		at += next + 1
	}
	end := strings.Index(window[at:], "?=")
	if end < 0 {
		return -1
	}
	return at + end + 2
}

// decodeQuotedPrintable reads =E9 and the = at the end of a line.
func decodeQuotedPrintable(text string) (view, bool) {
	if !strings.Contains(text, "=") {
		return view{}, false
	}
	return replaceEscapes(text, '=', func(rest string) (string, int) {
		switch {
		case strings.HasPrefix(rest, "=\r\n"):
			return "", 3
		case strings.HasPrefix(rest, "=\n"):
			return "", 2
		}
		return hexByte(rest, 1)
	})
}

// decodePercent reads %C3%A9, and %u00E9.
func decodePercent(text string) (view, bool) {
	if !strings.Contains(text, "%") {
		return view{}, false
	}
	return replaceEscapes(text, '%', func(rest string) (string, int) {
		if len(rest) > 1 && (rest[1] == 'u' || rest[1] == 'U') {
			return codePoint(rest, 2, 4)
		}
		return hexByte(rest, 1)
	})
}

// decodeEscapes reads the escapes of programming languages: \u0061, \u{61}, \U00000061, \x61, \141, and U+0061.
func decodeEscapes(text string) (view, bool) {
	if !strings.Contains(text, `\`) && !strings.Contains(text, "U+") && !strings.Contains(text, "u+") {
		return view{}, false
	}
	v, changed := replaceEscapes(text, '\\', func(rest string) (string, int) {
		if len(rest) < 2 {
			return "", 0
		}
		switch rest[1] {
		case 'u':
			if len(rest) > 2 && rest[2] == '{' {
				return braced(rest)
			}
			return utf16Escape(rest)
		case 'U':
			return codePoint(rest, 2, 8)
		case 'x', 'X':
			if len(rest) > 2 && rest[2] == '{' {
				return braced(rest)
			}
			return hexByte(rest, 2)
		case '0', '1', '2', '3':
			if len(rest) >= 4 {
				if n, err := strconv.ParseUint(rest[1:4], 8, 8); err == nil {
					return string([]byte{byte(n)}), 4
				}
			}
		case '\'':
			return hexByte(rest, 2) // RTF
		}
		return "", 0
	})
	if changed {
		return v, true
	}
	return replaceEscapes(strings.ReplaceAll(text, "u+", "U+"), 'U', func(rest string) (string, int) {
		if !strings.HasPrefix(rest, "U+") {
			return "", 0
		}
		out, n := codePoint(rest, 2, 4)
		if n > 0 && len(rest) > n && rest[n] == ' ' {
			n++
		}
		return out, n
	})
}

// braced reads a code point in braces behind \u or \x.
func braced(rest string) (string, int) {
	end := strings.IndexByte(rest[:min(len(rest), 12)], '}')
	if end <= 3 {
		return "", 0
	}
	out, n := codePoint(rest[:end], 3, end-3)
	if n > 0 {
		n++
	}
	return out, n
}

// decodeStyleEscapes reads the escapes of CSS: a backslash, up to six hexadecimal digits, and a space that belongs to them.
func decodeStyleEscapes(text string) (view, bool) {
	if strings.Count(text, `\`) < 2 {
		return view{}, false
	}
	return replaceEscapes(text, '\\', func(rest string) (string, int) {
		const shortest, longest = 2, 6
		digits := 0
		for digits < longest && 1+digits < len(rest) && hexDigit(rest[1+digits]) {
			digits++
		}
		if digits < shortest {
			return "", 0
		}
		out, n := codePoint(rest, 1, digits)
		if n > 0 && n < len(rest) && rest[n] == ' ' {
			n++
		}
		return out, n
	})
}

// replaceEscapes puts what read makes of each escape in its place. Bytes that do not make up UTF-8 in the end are taken for
// Latin-1.
func replaceEscapes(text string, sign byte, read func(rest string) (string, int)) (view, bool) {
	var w viewBuilder
	last, changed := 0, false
	for i := 0; i < len(text); {
		at := strings.IndexByte(text[i:], sign)
		if at < 0 {
			break
		}
		i += at
		begin, run := i, ""
		for i < len(text) && text[i] == sign {
			out, n := read(text[i:])
			if n == 0 {
				break
			}
			run += out
			i += n
			if len(run) > 256 && utf8.ValidString(run) {
				break
			}
		}
		if i == begin {
			i++
			continue
		}
		w.copy(text, last, begin)
		w.put(asUTF8(run), begin, i)
		last, changed = i, true
	}
	return w.rest(text, last, changed)
}

func asUTF8(bytes string) string {
	if utf8.ValidString(bytes) {
		return bytes
	}
	out := make([]rune, len(bytes))
	for i := range len(bytes) {
		out[i] = rune(bytes[i])
	}
	return string(out)
}

// utf16Escape reads \uXXXX, of which two may make one character.
func utf16Escape(rest string) (string, int) {
	out, n := codePoint(rest, 2, 4)
	if n == 0 || len(rest) < 12 || rest[6:8] != `\u` {
		return out, n
	}
	first, _ := strconv.ParseUint(rest[2:6], 16, 32)
	second, err := strconv.ParseUint(rest[8:12], 16, 32)
	if err != nil || !utf16.IsSurrogate(rune(first)) {
		return out, n
	}
	return string(utf16.DecodeRune(rune(first), rune(second))), 12
}

func hexByte(rest string, at int) (string, int) {
	if len(rest) < at+2 {
		return "", 0
	}
	n, err := strconv.ParseUint(rest[at:at+2], 16, 8)
	if err != nil {
		return "", 0
	}
	return string([]byte{byte(n)}), at + 2
}

func codePoint(rest string, at, digits int) (string, int) {
	if len(rest) < at+digits {
		return "", 0
	}
	n, err := strconv.ParseUint(rest[at:at+digits], 16, 32)
	if err != nil || n > utf8.MaxRune {
		return "", 0
	}
	return string(rune(n)), at + digits
}
