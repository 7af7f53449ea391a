package scan

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// inline are the elements of HTML within which a word goes on.
var inline = map[string]bool{
	"a": true, "abbr": true, "b": true, "bdi": true, "bdo": true, "big": true, "cite": true, "code": true, "em": true, "font": true, "i": true, "ins": true,
	"kbd": true, "label": true, "mark": true, "s": true, "small": true, "span": true, "strong": true, "sub": true, "sup": true, "tt": true, "u": true, "wbr": true,
	"del": true, "strike": true, "nobr": true, "acronym": true, "q": true, "var": true, "samp": true, "time": true, "data": true, "ruby": true,
}

// html reads a page: its text with the words whole, and after it what a browser does not show, comments, scripts and the
// values of attributes. What it loads from elsewhere or embeds cannot be read.
func (x *reader) html(page string) {
	var text, hidden strings.Builder
	for i := 0; i < len(page); {
		at := strings.IndexByte(page[i:], '<')
		if at < 0 {
			text.WriteString(page[i:])
			break
		}
		text.WriteString(page[i : i+at])
		i += at
		rest := page[i:]
		switch {
		case strings.HasPrefix(rest, "<!--"):
			end := after(rest, "-->")
			if end < 0 {
				end = len(rest)
			}
			hidden.WriteString(strings.Trim(rest[:end], "<!->"))
			hidden.WriteByte('\n')
			i += end
		case len(rest) > 1 && (rest[1] == '/' || rest[1] == '!' || rest[1] == '?' || kinds[rest[1]]&(lower|upper) != 0):
			end := tagEnd(rest)
			name := tagName(rest)
			if !inline[name] {
				text.WriteByte('\n')
			}
			if values := attributeValues(rest[:end]); values != "" {
				hidden.WriteString(values)
			}
			i += end
			if activeTag(name, rest[:end]) {
				x.miss(Active)
			}
			switch name {
			case "script", "style", "template", "noscript":
				if close := strings.Index(strings.ToLower(page[i:]), "</"+name); close >= 0 && rest[1] != '/' {
					hidden.WriteString(page[i : i+close])
					hidden.WriteByte('\n')
					i += close
				}
			case "object", "embed", "applet", "iframe", "svg", "canvas":
				x.miss(Embedded)
			case "img", "video", "audio", "picture":
				x.miss(Picture)
			}
		default:
			text.WriteByte('<')
			i++
		}
	}
	x.say(html.UnescapeString(text.String()))
	x.note(html.UnescapeString(hidden.String()))
}

var handler = regexp.MustCompile(`(?i)\son[a-z]+\s*=|javascript:`)

// activeTag reports what can change a page after it was read.
func activeTag(name, tag string) bool { return name == "script" || handler.MatchString(tag) }

// tagEnd is the offset behind a tag, whose attributes may hold a > in quotes.
func tagEnd(text string) int {
	quote := byte(0)
	for i := 1; i < len(text); i++ {
		switch b := text[i]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case (b == '"' || b == '\'') && strings.HasSuffix(strings.TrimRight(text[:i], " \t\r\n"), "="):
			quote = b
		case b == '>':
			return i + 1
		}
	}
	return len(text)
}

func tagName(text string) string {
	name := strings.TrimLeft(text[:min(len(text), 32)], "</")
	if end := strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf || kinds[byte(r)]&(lower|upper|digit) == 0 }); end >= 0 {
		name = name[:end]
	}
	return strings.ToLower(name)
}

// attributeValues are the values of a tag's attributes, a line each.
func attributeValues(tag string) string {
	var b strings.Builder
	for {
		at := strings.IndexByte(tag, '=')
		if at < 0 {
			return b.String()
		}
		tag = strings.TrimLeft(tag[at+1:], " \t\r\n")
		value, rest := tag, ""
		if tag != "" && (tag[0] == '"' || tag[0] == '\'') {
			value, rest, _ = strings.Cut(tag[1:], tag[:1])
		} else if end := strings.IndexAny(tag, " \t\r\n>"); end >= 0 {
			value, rest = tag[:end], tag[end:]
		}
		if worded(value) {
			b.WriteString(value)
			b.WriteByte('\n')
		}
		tag = rest
	}
}

// rtf reads rich text: every group, whatever it is for. Objects and pictures in it cannot be read.
func (x *reader) rtf(content []byte) {
	var b strings.Builder
	skip := 0 // characters that stand for the Unicode one before, for old readers
	fallback := 1
	depth := 0
	text := string(content)
	var units []byte // of \' in a row
	flush := func() {
		if len(units) > 0 {
			b.WriteString(fromWindows(units))
			units = units[:0]
		}
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c != '\\' {
			i++
			switch c {
			case '{':
				depth++
			case '}':
				depth--
			}
			if c == '{' || c == '}' || c == '\r' || c == '\n' {
				continue
			}
			flush()
			if skip > 0 {
				skip--
				continue
			}
			b.WriteByte(c)
			continue
		}
		if strings.HasPrefix(text[i:], `\'`) {
			out, n := hexByte(text[i:], 2)
			if n == 0 {
				x.miss(Broken)
				i += 2
				continue
			}
			if i += n; skip > 0 {
				skip--
			} else {
				units = append(units, out...)
			}
			continue
		}
		flush()
		word, number, length := controlWord(text[i:])
		i += length
		switch word {
		case "u":
			if number < 0 {
				number += 1 << 16
			}
			b.WriteRune(rune(number))
			skip = fallback
		case "uc":
			fallback = max(0, min(number, 8))
		case "par", "line", "page", "row", "sect":
			b.WriteByte('\n')
		case "tab", "cell", "~", "emspace", "enspace":
			b.WriteByte(' ')
		case "-":
			b.WriteString("\u00ad")
		case "_":
			b.WriteByte('-')
		case "{", "}", `\`:
			b.WriteString(word)
		case "object", "objdata", "objemb", "objocx":
			x.miss(Embedded)
		case "pict", "shppict":
			x.miss(Picture)
		case "bin":
			x.miss(Embedded)
			i += max(0, min(number, len(text)-i))
		}
	}
	flush()
	if depth != 0 {
		x.miss(Broken) // cut short
	}
	if !utf8.ValidString(b.String()) {
		x.miss(BadEncoding)
	}
	x.say(strings.ToValidUTF8(b.String(), "\ufffd"))
}

// controlWord reads \word123 or \symbol.
func controlWord(text string) (word string, number, length int) {
	i := 1
	for i < len(text) && kinds[text[i]]&(lower|upper) != 0 {
		i++
	}
	if i == 1 {
		if len(text) > 1 {
			return text[1:2], 0, 2
		}
		return "", 0, 1
	}
	word = text[1:i]
	begin := i
	if i < len(text) && text[i] == '-' {
		i++
	}
	for i < len(text) && kinds[text[i]]&digit != 0 && i-begin < 8 {
		i++
	}
	number, _ = strconv.Atoi(text[begin:i])
	if i < len(text) && text[i] == ' ' {
		i++
	}
	return word, number, i
}
