package scan

import (
	"bytes"
	"compress/gzip"
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// cipherList are disguises that the list of the design implies and does not name: thought of when its own were caught, without a
// look at how. EVALUATION.md says how many passed when they were first read.
var cipherList = []disguise{
	{"morse", eachLetter(" ", morseOf), Decoded},
	{"morse with slashes", eachLetter("/", morseOf), Decoded},
	{"morse in other signs", func(w string) string { return replace(".", "·", "-", "−")(eachLetter(" ", morseOf)(w)) }, Decoded},
	{"aviation spelling", eachLetter(" ", spell(aviation)), ""},
	{"aviation spelling, tied", eachLetter("-", spell(aviation)), Decoded},
	{"German spelling", eachLetter(", ", spell(germanTelephone)), ""},
	{"keys of a telephone", eachLetter(" ", pressed), Decoded},
	{"first letters of words", eachLetter(" ", func(r rune) string { return string(r) + "bout" }), Collapsed},
	{"first letters of lines", func(w string) string {
		if !isASCII(w) {
			return ""
		}
		return "\n" + eachLetter("\n", func(r rune) string { return string(r) + "bout three more" })(w) + "\n"
	}, Collapsed},
	{"numbered letters", listed(". ", "\n"), ""},
	{"numbered letters in a line", listed(")", " "), ""},
	{"shifted by one", shifted(1), Rotated},
	{"shifted by three", shifted(3), Rotated},
	{"shifted back", shifted(25), Rotated},
	{"alphabet from its end", eachLetter("", func(r rune) string { return string('a' + 'z' - r) }), Rotated},
	{"ROT47", eachLetter("", func(r rune) string { return string('2' + r - 'a') }), Decoded},
	{"pig Latin", pigLatin, ""},
	{"letters of a word in pairs changed", swapped, Fuzzy},
	{"woven", func(w string) string { return every(w, 0, 2) + every(w, 1, 2) }, Fuzzy},
	{"first and last letter kept", func(w string) string { return w[:1] + backwards(w[1:len(w)-1]) + w[len(w)-1:] }, ""},
	{"cut and joined the other way", func(w string) string { return w[3:] + w[:3] }, Fuzzy},
	{"a letter between", func(w string) string { return between(w, "x") }, Fuzzy},
	{"within another word", func(w string) string { return "pre" + w + "post" }, Collapsed},
	{"vowels masked", replace("a", "*", "e", "*", "i", "*", "o", "*", "u", "*"), ""},
	{"drawn letters", replace("a", `/-\`, "u", "|_|", "m", "|V|", "g", "9"), ""},
	{"signs like letters", replace("a", "^", "e", "€", "s", "§", "l", "£"), Fuzzy},
	{"keys", func(w string) string { return between(w, "\u20e3") + "\u20e3" }, Folded},
	{"circles around", func(w string) string { return between(w, "\u20dd") }, Folded},
	{"Cyrillic thousands", func(w string) string { return between(w, "\u0489") }, Folded},
	{"backspace", func(w string) string { return inMiddle(w, "x\b") }, Decoded},
	{"terminal colours", func(w string) string { return inMiddle(w, "\x1b[0m") }, Decoded},
	{"comment of a program", func(w string) string { return inMiddle(w, "/* x */") }, Decoded},
	{"base64 from its end", func(w string) string { return backwards(base("the " + w + " file")) }, Decoded},
	{"base64 rotated", func(w string) string {
		return strings.Map(rotate13, base("the "+w+" file"))
	}, Decoded},
	{"base64 in groups", func(w string) string { return inGroups(base("the "+w+" files"), 4) }, Decoded},
	{"gzip in base64", func(w string) string { return base64.StdEncoding.EncodeToString(gzipped("the " + w + " file")) }, Decoded},
	{"base32", func(w string) string { return base32.StdEncoding.EncodeToString([]byte(w)) }, Decoded},
	{"base58", func(w string) string { return base58("the " + w) }, Decoded},
	{"base85 of Adobe", func(w string) string {
		out := make([]byte, 64)
		return "<~" + string(out[:ascii85.Encode(out, []byte("the "+w))]) + "~>"
	}, Decoded},
	{"uuencode", func(w string) string { return "begin 644 x\n" + uuLineOf("the "+w) + "\n`\nend" }, Decoded},
	{"hexadecimal list", eachLetter(", ", func(r rune) string { return "0x" + hex4(r)[2:] }), Decoded},
	{"hexadecimal with h", eachLetter(" ", func(r rune) string { return strings.ToUpper(hex4(r)[2:]) + "h" }), Decoded},
	{"base64 in hex", func(w string) string { return hex.EncodeToString([]byte(base(w))) }, Decoded},
	{"bits without spaces", eachLetter("", func(r rune) string { return "0" + strconv.FormatInt(int64(r), 2) }), Decoded},
	{"places in the alphabet without spaces", eachLetter("", func(r rune) string { return itoa(r - 'a' + 101)[1:] }), Decoded},
	{"square of five", eachLetter(" ", inFives), Decoded},
	{"function calls", escaped(func(r rune) string { return "chr(" + itoa(r) + ")+" }), Decoded},
	{"escapes of style sheets", escaped(func(r rune) string { return `\00` + hex4(r) }), Decoded},
	{"braced hexadecimal escapes", escaped(func(r rune) string { return `\x{` + hex4(r)[2:] + `}` }), Decoded},
	{"UTF-7", func(w string) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(w)) {
			b = append(b, byte(u>>8), byte(u))
		}
		return "+" + base64.RawStdEncoding.EncodeToString(b) + "-"
	}, Decoded},
	{"hex with points", func(w string) string { return inPairs(hex.EncodeToString([]byte(w)), ".") }, ""},
	{"hex from its end", func(w string) string { return backwards(hex.EncodeToString([]byte(w))) }, Decoded},
	{"UTF-32 in hex", escaped(func(r rune) string { return "0000" + hex4(r) }), Decoded},
	{"base64 in groups with points", func(w string) string {
		return strings.ReplaceAll(inGroups(base("the "+w+" filed"), 4), " ", ".")
	}, ""},
	{"five bits", eachLetter(" ", func(r rune) string { return strconv.FormatInt(int64(32+r-'a'+1), 2)[1:] }), Decoded},
	{"octal", eachLetter(" ", func(r rune) string { return "0" + strconv.FormatInt(int64(r), 8) }), Decoded},
	{"spelled references", escaped(func(r rune) string { return "&# " + itoa(r) + " ; " }), Decoded},
	{"rotated from its end", func(w string) string { return backwards(shifted(13)(w)) }, Rotated},
	{"digits from its end", func(w string) string { return backwards(replace("a", "4", "e", "3", "o", "0")(w)) }, ""},
	{"digits and spaces", func(w string) string { return between(replace("a", "4", "e", "3", "o", "0")(w), " ") }, ""},
	{"digits and points", func(w string) string { return between(replace("a", "4", "e", "3", "o", "0")(w), ".") }, ""},
	{"I for l", replace("l", "I", "m", "rn"), ""},
	{"first letters of sentences", func(w string) string {
		if !isASCII(w) {
			return ""
		}
		return "so. " + eachLetter(" ", func(r rune) string { return strings.ToUpper(string(r)) + "nd so it went on." })(w)
	}, Collapsed},
	{"last letters of lines", func(w string) string {
		if !isASCII(w) {
			return ""
		}
		return "\n" + eachLetter("\n", func(r rune) string { return "and so it went on" + string(r) })(w) + "\nx"
	}, Collapsed},
	{"capitals within words", eachLetter(" ", func(r rune) string { return "th" + strings.ToUpper(string(r)) + "n" }), Collapsed},
	{"what is not shown", func(w string) string { return inMiddle(w, `<span style="display: none">zz</span>`) }, ""},
	{"a row of a table", listed(" | ", " |\n"), ""},
}

// eachLetter writes each letter of a word in another way; what has letters beyond ASCII has none.
func eachLetter(separator string, write func(rune) string) func(string) string {
	return func(word string) string {
		if !isASCII(word) {
			return ""
		}
		var parts []string
		for _, r := range word {
			parts = append(parts, write(r))
		}
		return strings.Join(parts, separator)
	}
}

func morseOf(r rune) string {
	for code, letter := range morse {
		if letter == byte(r) {
			return code
		}
	}
	return ""
}

const (
	aviation        = "alfa bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu"
	germanTelephone = "Anton Berta Cäsar Dora Emil Friedrich Gustav Heinrich Ida Julius Kaufmann Ludwig Martha Nordpol Otto Paula Quelle Richard Samuel Theodor Ulrich Viktor Wilhelm Xaver Ypsilon Zacharias"
)

func spell(alphabet string) func(rune) string {
	words := strings.Fields(alphabet)
	return func(r rune) string { return words[r-'a'] }
}

func pressed(r rune) string {
	for key, letters := range []string{"abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"} {
		if at := strings.IndexRune(letters, r); at >= 0 {
			return strings.Repeat(string(rune('2'+key)), at+1)
		}
	}
	return ""
}

func listed(sign, separator string) func(string) string {
	return func(word string) string {
		n := rune(0)
		return eachLetter(separator, func(r rune) string { n++; return itoa(n) + sign + string(r) })(word)
	}
}

func pigLatin(word string) string {
	if !isASCII(word) {
		return ""
	}
	if at := strings.IndexAny(word, "aeiou"); at > 0 {
		return word[at:] + word[:at] + "ay"
	}
	return word + "way"
}

func swapped(word string) string {
	if !isASCII(word) {
		return ""
	}
	b := []byte(word)
	for i := 1; i < len(b); i += 2 {
		b[i-1], b[i] = b[i], b[i-1]
	}
	return string(b)
}

func every(word string, from, step int) string {
	var out []rune
	for i, r := range []rune(word) {
		if i%step == from {
			out = append(out, r)
		}
	}
	return string(out)
}

func rotate13(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return 'a' + (r-'a'+13)%26
	case r >= 'A' && r <= 'Z':
		return 'A' + (r-'A'+13)%26
	}
	return r
}

func inGroups(code string, size int) string { return strings.Join(cutEvery(code, size), " ") }

func gzipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text)) // into memory
	z.Close()
	return b.Bytes()
}

func base58(text string) string {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	digits := []byte{0}
	for _, b := range []byte(text) {
		carry := int(b)
		for i := range digits {
			carry += int(digits[i]) << 8
			digits[i] = byte(carry % 58)
			carry /= 58
		}
		for ; carry > 0; carry /= 58 {
			digits = append(digits, byte(carry%58))
		}
	}
	var out []byte
	for i := range digits {
		out = append(out, alphabet[digits[len(digits)-1-i]])
	}
	return string(out)
}

func uuLineOf(text string) string {
	sign := func(v byte) byte { return ' ' + v&0x3F }
	out := []byte{sign(byte(len(text)))}
	for b := []byte(text + "\x00\x00"); len(b) > 2; b = b[3:] {
		out = append(out, sign(b[0]>>2), sign(b[0]<<4|b[1]>>4), sign(b[1]<<2|b[2]>>6), sign(b[2]))
	}
	return string(out)
}

func inFives(r rune) string {
	at := strings.IndexRune("abcdefghiklmnopqrstuvwxyz", r)
	if r == 'j' {
		at = 8
	}
	return itoa(rune(at/5+1)) + itoa(rune(at%5+1))
}

// TestWrongCharacterSets reads words as they come out of a program that took one character set for another.
func TestWrongCharacterSets(t *testing.T) {
	s := newScanner(t)
	for _, text := range []string{"le statut de rÃ©fugiÃ© est refusé", "http://xn--rfugi-bsae.test/", "ÑÑÐ°ÑÑÑ Ð±ÐµÐ¶ÐµÐ½ÐµÑ",
		"статус áåæåíåö", "статус ÂÅÖÅÎÅÃ", "статус Р±РµР¶РµРЅРµС†", "e,t;bot", "фындгь"} {
		if r := scanText(t, s, text); r.Verdict == Pass {
			t.Errorf("%q passes", text)
		}
	}
}

// TestWhatConcealsIsNotRead holds what hides bytes where nobody sees any, and archives that are written into a text.
func TestWhatConcealsIsNotRead(t *testing.T) {
	s := newScanner(t)
	for name, text := range map[string]string{
		"zero-width bits":     "in the file" + strings.Repeat("\u200b\u200c\u200c\u200b", 6) + " of May",
		"spaces and tabs":     "in the file" + strings.Repeat(" \t", 24) + "of May",
		"variation selectors": "in the file\U000e0151\U000e0163\U000e0169\U000e015c of May",
		"xz in base64":        "see /Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj of May",
	} {
		if r := scanText(t, s, text); r.Verdict != Hold || len(r.Unscannable) == 0 || r.Unscannable[0].Reason != Opaque {
			t.Errorf("%s: %s %v, want hold because it is opaque", name, r.Verdict, r.Unscannable)
		}
	}
	if r := scanText(t, s, "The family \U0001F468\u200d\U0001F469\u200d\U0001F467 crossed,\t\t\tin 2 cars;    at 6:15. می\u200cخواهد"); len(r.Unscannable) > 0 {
		t.Errorf("honest text is opaque: %v", r.Unscannable)
	}
}

// TestHonestTextIsNoCipher keeps what looks like a cipher and is none from being held: lists, numbers, codes, spelling words.
func TestHonestTextIsNoCipher(t *testing.T) {
	s := newScanner(t)
	for _, text := range []string{
		"1. a) the seizure; 2. b) the hearing; 3. c) the transfer of the file.",
		"Alfa Romeo Giulia, Lima to Quebec, hotel India, November, Oscar Papa, golf club, Romeo, Sierra Tango.",
		"Account 0417310226, IBAN QM12 0000 1111 2222 3333, amount 97 115 121, pages 11 12 13 14 15 21 22, 23, 24 and 25.",
		"See the annexes -- A, B, C ... and so on. - - - ... --- ...",
		"Order no. MFRGG2LT-2026, batch 7YKZiH3z, key AB12CD34EF, version 1.2.3-rc.4+build5.",
		"She said today: okay, Monday by the bay, away from the highway; payday is Friday.",
		"The plate TEST-123 | lane 4 | 06:15 | heading north.",
		`C:\cases\2026\annex_b.pdf and \\server\share\file.txt`,
	} {
		if r := scanText(t, s, text); r.Verdict != Pass {
			t.Errorf("%q: %s %+v", text, r.Verdict, r.Hits)
		}
	}
}
