package scan

import (
	"encoding/base64"
	"encoding/hex"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// disguise is one way of the list in which people hide a word.
type disguise struct {
	name  string
	apply func(word string) string
	track Track // that finds it; "" where several may
}

// between puts something between the letters of a word.
func between(word, what string) string { return strings.Join(strings.Split(word, ""), what) }

// inMiddle puts something in the middle of a word.
func inMiddle(word, what string) string {
	r := []rune(word)
	return string(r[:len(r)/2]) + what + string(r[len(r)/2:])
}

func shift(word string, a rune) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return a + r - 'a'
		}
		return r
	}, word)
}

// shifted moves letters along the alphabet; what has others has no such form.
func shifted(by rune) func(string) string {
	return func(word string) string {
		if !isASCII(word) {
			return ""
		}
		return strings.Map(func(r rune) rune { return 'a' + (r-'a'+by)%26 }, word)
	}
}

func replace(pairs ...string) func(string) string {
	r := strings.NewReplacer(pairs...)
	return r.Replace
}

func backwards(word string) string {
	r := []rune(word)
	slices.Reverse(r)
	return string(r)
}

func base(word string) string { return base64.StdEncoding.EncodeToString([]byte(word)) }

func base16(word string) string {
	units := utf16.Encode([]rune(word))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = append(b, byte(u), byte(u>>8))
	}
	return base64.StdEncoding.EncodeToString(b)
}

func wrapped(code string) string {
	var lines []string
	for len(code) > 44 {
		lines = append(lines, code[:44])
		code = code[44:]
	}
	return strings.Join(append(lines, code), "\r\n")
}

func escaped(format func(rune) string) func(string) string {
	return func(word string) string {
		var b strings.Builder
		for _, r := range word {
			b.WriteString(format(r))
		}
		return b.String()
	}
}

const sixteen = "0123456789abcdef"

func hex4(r rune) string {
	return string([]byte{sixteen[r>>12&15], sixteen[r>>8&15], sixteen[r>>4&15], sixteen[r&15]})
}

// disguiseList are the ways of the list, each with the track that must find it.
var disguiseList = []disguise{
	{"zero-width space", func(w string) string { return between(w, "\u200b") }, Folded},
	{"zero-width joiner", func(w string) string { return between(w, "\u200d") }, Folded},
	{"word joiner", func(w string) string { return inMiddle(w, "\u2060") }, Folded},
	{"soft hyphen", func(w string) string { return inMiddle(w, "\u00ad") }, Folded},
	{"variation selectors", func(w string) string { return between(w, "\ufe0f") }, Folded},
	{"combining clutter", func(w string) string { return between(w, "\u0336\u0301") }, Folded},
	{"fullwidth", func(w string) string { return shift(w, 'ａ') }, Folded},
	{"mathematical bold", func(w string) string { return shift(w, 0x1D41A) }, Folded},
	{"mathematical monospace", func(w string) string { return shift(w, 0x1D68A) }, Folded},
	{"circled", func(w string) string { return shift(w, 'ⓐ') }, Folded},
	{"negative squared", func(w string) string { return shift(w, 0x1F170) }, Folded},
	{"regional indicators", func(w string) string { return shift(w, 0x1F1E6) }, Folded},
	{"cyrillic homoglyphs", replace("a", "а", "e", "е", "o", "о", "s", "ѕ", "u", "υ", "y", "у", "i", "і"), Folded},
	{"cyrillic capitals", func(w string) string {
		return replace("A", "А", "E", "Е", "M", "М", "T", "Т", "K", "К")(strings.ToUpper(w))
	}, ""},
	{"greek homoglyphs", replace("a", "α", "o", "ο", "i", "ι", "u", "υ", "e", "ε"), ""},
	{"small capitals", replace("a", "ᴀ", "s", "ꜱ", "y", "ʏ", "l", "ʟ", "u", "ᴜ", "m", "ᴍ", "r", "ʀ", "e", "ᴇ", "f", "ꜰ", "g", "ɢ"), Folded},
	{"leet", replace("a", "4", "e", "3", "s", "5", "i", "1", "o", "0"), Fuzzy},
	{"leet symbols", replace("a", "@", "s", "$", "e", "3"), Fuzzy},
	{"spaces", func(w string) string { return between(w, " ") }, Collapsed},
	{"points", func(w string) string { return between(w, ".") }, Collapsed},
	{"hyphens", func(w string) string { return between(w, "-") }, Collapsed},
	{"underscores", func(w string) string { return between(w, "_") }, ""},
	{"slashes", func(w string) string { return between(w, "/") }, Collapsed},
	{"emoji", func(w string) string { return inMiddle(w, "😀") }, Collapsed},
	{"one space", func(w string) string { return inMiddle(w, " ") }, Collapsed},
	{"hyphen and line break", func(w string) string { return inMiddle(w, "-\n") }, Collapsed},
	{"quoted reply", func(w string) string { return "> " + inMiddle(w, "-\n> > ") }, Collapsed},
	{"line break", func(w string) string { return inMiddle(w, "\n") }, Collapsed},
	{"right-to-left override", func(w string) string { return "\u202e" + backwards(w) + "\u202c" }, ""},
	{"reversed", backwards, Reversed},
	{"rot13", shifted(13), Rotated},
	{"upside down", func(w string) string {
		return backwards(replace("a", "ɐ", "b", "q", "e", "ǝ", "f", "ɟ", "g", "ƃ", "l", "l", "m", "ɯ", "u", "n", "r", "ɹ", "y", "ʎ", "i", "ᴉ", "d", "p", "t", "ʇ", "n", "u")(w))
	}, Decoded},
	{"decimal entities", escaped(func(r rune) string { return "&#" + itoa(r) + ";" }), Decoded},
	{"hexadecimal entities", escaped(func(r rune) string { return "&#x" + hex4(r) + ";" }), Decoded},
	{"entities without semicolon", escaped(func(r rune) string { return "&#" + itoa(r) }), Decoded},
	{"double entities", escaped(func(r rune) string { return "&amp;#" + itoa(r) + ";" }), Decoded},
	{"tags", func(w string) string { return inMiddle(w, "<b></b>") }, Decoded},
	{"comment", func(w string) string { return inMiddle(w, "<!-- x -->") }, Decoded},
	{"percent", func(w string) string { return eachByte(w, "%") }, Decoded},
	{"one percent", func(w string) string { return url.PathEscape(w[:1]) + "%" + hex.EncodeToString([]byte(w[1:2])) + w[2:] }, Decoded},
	{"quoted-printable", func(w string) string { return strings.ToUpper(eachByte(w, "=")) }, Decoded},
	{"soft line break", func(w string) string { return inMiddle(w, "=\r\n") }, ""},
	{"unicode escapes", func(w string) string {
		var b strings.Builder
		for _, u := range utf16.Encode([]rune(w)) {
			b.WriteString(`\u` + hex4(rune(u)))
		}
		return b.String()
	}, Decoded},
	{"hex escapes", escaped(func(r rune) string { return `\x` + hex4(r)[2:] }), Decoded},
	{"braced escapes", escaped(func(r rune) string { return `\u{` + strconv.FormatInt(int64(r), 16) + `}` }), Decoded},
	{"code points", escaped(func(r rune) string { return "U+" + strings.ToUpper(hex4(r)) + " " }), Decoded},
	{"base64", func(w string) string { return base(w + " granted") }, Decoded},
	{"base64 of a word", base, Decoded},
	{"base64 UTF-16", func(w string) string { return base16("the " + w) }, Decoded},
	{"nested base64", func(w string) string { return base(base("about " + w + " and more")) }, Decoded},
	{"wrapped base64", func(w string) string {
		return wrapped(base("a text that is long enough to be wrapped, which is about " + w + " and more"))
	}, Decoded},
	{"hex", func(w string) string { return hex.EncodeToString([]byte(w)) }, Decoded},
	{"spaced hex", func(w string) string { return inPairs(hex.EncodeToString([]byte(w)), " ") }, Decoded},
	{"RFC 2047 B", func(w string) string { return mime.BEncoding.Encode("utf-8", w+" é") }, Decoded},
	{"RFC 2047 Q", func(w string) string { return mime.QEncoding.Encode("utf-8", w+" é") }, ""},
	{"unicode tags", escaped(func(r rune) string { return string(r + 0xE0000) }), Decoded},
	{"Braille", func(w string) string {
		return strings.Map(func(r rune) rune {
			for dots, letter := range braille {
				if letter == r {
					return 0x2800 + dots
				}
			}
			return r
		}, w)
	}, Folded},
	{"decimal numbers", escaped(func(r rune) string { return itoa(r) + " " }), Decoded},
	{"binary numbers", escaped(func(r rune) string { return "0" + strconv.FormatInt(int64(r), 2) + " " }), Decoded},
	{"places in the alphabet", escaped(func(r rune) string { return itoa(r-'a'+1) + "-" }), Decoded},
	{"digits between", func(w string) string { return w[:2] + "1" + w[2:4] + "7" + w[4:] }, Fuzzy},
	{"homoglyphs and leet", replace("a", "а", "e", "3", "s", "5", "u", "υ", "g", "9"), Fuzzy},
	{"reversed and spaced", func(w string) string { return between(backwards(w), " ") }, Reversed},
	{"wiki brackets", func(w string) string { return "[[" + inMiddle(w, "]]") }, ""},
	{"bold in the middle", func(w string) string { return inMiddle(w, "**") }, ""},
	{"camel case", func(w string) string { return "my" + strings.ToUpper(w[:1]) + w[1:] + "File" }, Collapsed},
	{"digits around", func(w string) string { return "2026" + w + "01" }, Collapsed},
	{"letter missing", func(w string) string { return w[:2] + w[3:] }, Fuzzy},
	{"letters swapped", func(w string) string { return w[:2] + w[3:4] + w[2:3] + w[4:] }, Fuzzy},
	{"another letter", func(w string) string { return w[:3] + "x" + w[4:] }, Fuzzy},
	{"a letter too many", func(w string) string { return w[:3] + "h" + w[3:] }, Fuzzy},
	{"doubled letters", func(w string) string { return replace("s", "sss", "u", "uu", "l", "ll", "f", "fff")(w) }, Fuzzy},
	{"masked", func(w string) string { return w[:1] + "**" + w[3:] }, Fuzzy},
	{"masked short", func(w string) string { return w[:2] + "*" + w[len(w)-2:] }, Fuzzy},
	{"masked with hash", func(w string) string { return w[:2] + "#" + w[3:] }, Fuzzy},
}

func eachByte(word, sign string) string {
	var b strings.Builder
	for i := range len(word) {
		b.WriteString(sign + hex.EncodeToString([]byte{word[i]}))
	}
	return b.String()
}

func itoa(r rune) string {
	if r < 10 {
		return string('0' + r)
	}
	return itoa(r/10) + string('0'+r%10)
}

func inPairs(code, what string) string {
	var pairs []string
	for len(code) > 1 {
		pairs = append(pairs, code[:2])
		code = code[2:]
	}
	return strings.Join(pairs, what)
}

func TestDisguises(t *testing.T) {
	s := newScanner(t)
	for _, d := range slices.Concat(disguiseList, cipherList) {
		for _, word := range []string{"asylum", "refugee"} {
			for _, frame := range [][2]string{{"", ""}, {"the note says ", " and no more."}, {"(", ")"}} {
				text := frame[0] + d.apply(word) + frame[1]
				r := scanText(t, s, text)
				if r.Verdict == Pass {
					t.Errorf("%s: %q passes", d.name, text)
					continue
				}
				if d.track != "" && frame[0] == "" && !slices.ContainsFunc(r.Hits, func(h Hit) bool { return h.Track == d.track }) {
					t.Errorf("%s: %q found on %v, not on %s", d.name, text, r.Hits, d.track)
				}
			}
		}
	}
}
