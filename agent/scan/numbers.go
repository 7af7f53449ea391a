package scan

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// codesAtLeast is how many numbers in a row may be letters: fewer are dates and amounts.
const codesAtLeast = 5

// decodeNumbers reads rows of numbers that stand for letters: decimal, binary and octal ASCII, the place in the alphabet or in a square
// of five, the keys of a telephone; and long numbers that are such a row without anything between. What comes out is scanned like
// any text, so an honest row of numbers does no harm.
func decodeNumbers(text string) (view, bool) {
	if !strings.ContainsAny(text, "0123456789") {
		return view{}, false
	}
	var w viewBuilder
	last, changed := 0, false
	for i := 0; i < len(text); {
		if kinds[text[i]]&digit == 0 || i > 0 && kinds[text[i-1]]&(lower|upper|digit) != 0 {
			i++
			continue
		}
		begin := i
		numbers, end := rowOfNumbers(text, i)
		i = end
		out := ""
		switch {
		case len(numbers) >= codesAtLeast:
			out = lettersOf(numbers)
		case len(numbers) == 1:
			out = lettersOfOne(numbers[0])
		}
		if out == "" {
			continue
		}
		w.copy(text, last, begin)
		w.put(" "+out+" ", begin, end)
		last, changed = end, true
	}
	return w.rest(text, last, changed)
}

// rowOfNumbers reads numbers with a few signs between them.
func rowOfNumbers(text string, at int) (numbers []string, end int) {
	for at < len(text) {
		from := at
		for at < len(text) && kinds[text[at]]&digit != 0 {
			at++
		}
		if at == from {
			break
		}
		numbers = append(numbers, text[from:at])
		end = at
		gap := numberGap(text[at:])
		if gap == 0 {
			break
		}
		at += gap
	}
	return numbers, end
}

// numberGap is the length of what stands between two numbers of a row: signs, and the name of the function that makes a
// character of a number.
func numberGap(text string) int {
	at := skipSigns(text, 0)
	if at == 0 || at >= len(text) {
		return 0
	}
	if text[at]|0x20 == 'c' {
		for _, name := range []string{"chr(", "char(", "Chr(", "CHR(", "ChrW(", "CHAR("} {
			if strings.HasPrefix(text[at:], name) {
				return skipSigns(text, at+len(name))
			}
		}
	}
	return at
}

// rowSigns are what may stand between the numbers of a row.
var rowSigns = func() (is [256]bool) {
	for _, b := range []byte(" ,.;:-/|\n\t()[]{}<>=+&#'\"") {
		is[b] = true
	}
	return is
}()

func skipSigns(text string, at int) int {
	const most = 6
	for n := 0; n < most && at < len(text) && rowSigns[text[at]]; n++ {
		at++
	}
	return at
}

// lettersOf reads a row in each way in which every number is a letter or a space.
func lettersOf(numbers []string) string {
	var readings []string
	for _, base := range []struct {
		base, digits, shift int
	}{{10, 0, 0}, {2, 8, 0}, {2, 7, 0}, {8, 3, 0}, {8, 4, 0}, {2, 5, 'a'}, {2, 5, 'a' - 1}, {10, 0, 'a' - 1}, {10, 0, 'a'}} {
		var b strings.Builder
		letters := 0
		for _, n := range numbers {
			v, err := strconv.ParseUint(n, base.base, 16)
			c := rune(v) + rune(base.shift)
			if err != nil || base.digits > 0 && len(n) != base.digits || !letterCode(c, base.shift > 0) {
				break
			}
			b.WriteRune(c)
			letters++
		}
		if letters == len(numbers) {
			readings = append(readings, b.String())
		}
	}
	for _, read := range []func(string) byte{inSquare, inTapSquare, onKeypad} {
		if out := eachNumber(numbers, read); out != "" {
			readings = append(readings, out)
		}
	}
	return strings.Join(readings, " ")
}

// letterCode reports codes of letters and spaces; in is for places in the alphabet, which has no more than it has.
func letterCode(c rune, in bool) bool {
	if in || c < utf8.RuneSelf {
		return c == ' ' && !in || c < utf8.RuneSelf && kinds[byte(c)]&(lower|upper) != 0
	}
	return traitsOf(c)&isLetter != 0
}

func eachNumber(numbers []string, read func(string) byte) string {
	out := make([]byte, 0, len(numbers))
	for _, n := range numbers {
		c := read(n)
		if c == 0 {
			return ""
		}
		out = append(out, c)
	}
	return string(out)
}

// inSquare reads the row and the column of a letter in a square of five by five, in which i is also j; in that of prisoners who
// knock on walls c is also k.
func inSquare(number string) byte { return square(number, "abcdefghiklmnopqrstuvwxyz") }

func inTapSquare(number string) byte { return square(number, "abcdefghijlmnopqrstuvwxyz") }

func square(number, letters string) byte {
	if len(number) != 2 || number[0] < '1' || number[0] > '5' || number[1] < '1' || number[1] > '5' {
		return 0
	}
	return letters[int(number[0]-'1')*5+int(number[1]-'1')]
}

// onKeypad reads how often a key of a telephone was pressed.
func onKeypad(number string) byte {
	keys := [...]string{"abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"}
	key := number[0]
	if key < '2' || strings.Trim(number, number[:1]) != "" {
		return 0
	}
	letters := keys[key-'2']
	if len(number) > len(letters) {
		return 0
	}
	return letters[len(number)-1]
}

// lettersOfOne reads a long number as a row: bits, pairs that are places in the alphabet, decimal ASCII.
func lettersOfOne(number string) string {
	const shortest, longest = 10, 4096
	if len(number) < shortest || len(number) > longest {
		return ""
	}
	for _, size := range []int{8, 7} {
		if len(number)%size == 0 && len(number) >= codesAtLeast*size && strings.Trim(number, "01") == "" {
			if out := lettersOf(cutEvery(number, size)); out != "" {
				return out
			}
		}
	}
	var readings []string
	if len(number)%2 == 0 {
		if out := lettersOf(cutEvery(number, 2)); out != "" {
			readings = append(readings, out)
		}
	}
	if out := lettersOf(decimalASCII(number)); out != "" {
		readings = append(readings, out)
	}
	return strings.Join(readings, " ")
}

func cutEvery(number string, size int) []string {
	var parts []string
	for ; len(number) >= size; number = number[size:] {
		parts = append(parts, number[:size])
	}
	return parts
}

// decimalASCII cuts a number into codes of two and three digits: those of three begin with 1, or with 0.
func decimalASCII(number string) []string {
	var parts []string
	for len(number) > 1 {
		size := 2
		if (number[0] == '1' || number[0] == '0') && len(number) > 2 {
			size = 3
		}
		parts = append(parts, number[:size])
		number = number[size:]
	}
	return parts
}

// opaqueAtLeast is how long a run of base64 is that does not come out as text and is too long for a hash.
const opaqueAtLeast = 96

// packed reports base64 that begins as archives do, and other compressed files that nothing here unpacks: xz, 7z, zip, rar, zstd, lzma.
func packed(code string) bool {
	for _, head := range []string{"/Td6WFo", "N3q8ryc", "UEsDB", "UmFyIRo", "KLUv/", "XQAAgA", "XQAAAA"} {
		if strings.HasPrefix(code, head) {
			return true
		}
	}
	return false
}

// conceals reports what hides bytes: more invisible characters in a row, or more changes between spaces and tabs, than any text
// has.
func conceals(text string) bool {
	const inRow, changes = 8, 8
	invisibles, changed := 0, 0
	for i := 0; i < len(text); {
		b := text[i]
		if b < utf8.RuneSelf {
			if invisibles, i = 0, i+1; b != ' ' && b != '\t' {
				changed = 0
			} else if i < len(text) && (text[i] == ' ' || text[i] == '\t') && text[i] != b {
				if changed++; changed >= changes {
					return true
				}
			}
			continue
		}
		r, width := decode(text, i)
		i += width
		changed = 0
		if b < 0xE2 || !invisible(r) || r == 0xFEFF {
			invisibles = 0
		} else if invisibles++; invisibles >= inRow || invisibles > 2 && r >= 0xE0100 {
			return true
		}
	}
	return false
}

// opaque reports a long run of what must be base64 and does not come out as text: a file or a cipher that is written into a
// text, which nobody can read.
func opaque(text string) bool {
	for i := 0; i < len(text); {
		begin := i
		var lowers, uppers, digits int
		for i < len(text) && base64Bytes[text[i]] {
			switch k := kinds[text[i]]; {
			case k&lower != 0:
				lowers++
			case k&upper != 0:
				uppers++
			case k&digit != 0:
				digits++
			}
			i++
		}
		n := i - begin
		if n >= base64AtLeast && packed(text[begin:i]) {
			return true
		}
		if n >= opaqueAtLeast && lowers*5 > n && uppers*5 > n && digits*20 > n {
			if _, decoded := unbase64(text[begin:i]); !decoded {
				return true
			}
		}
		if i == begin {
			i++
		}
	}
	return false
}
