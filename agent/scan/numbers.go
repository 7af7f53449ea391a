package scan

import (
	"strconv"
	"strings"
)

// codesAtLeast is how many numbers in a row may be letters: fewer are dates and amounts.
const codesAtLeast = 5

// decodeNumbers reads rows of numbers that stand for letters: decimal, binary and octal ASCII, and the place in the alphabet. What
// comes out is scanned like any text, so an honest row of numbers does no harm.
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
		if len(numbers) < codesAtLeast {
			continue
		}
		out := lettersOf(numbers)
		if out == "" {
			continue
		}
		w.copy(text, last, begin)
		w.put(" "+out+" ", begin, end)
		last, changed = end, true
	}
	if !changed {
		return view{}, false
	}
	w.copy(text, last, len(text))
	return w.view(), true
}

// rowOfNumbers reads numbers with at most two signs between them.
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
		gap := 0
		for at < len(text) && gap < 2 && strings.IndexByte(" ,.;:-/|\n\t", text[at]) >= 0 {
			at++
			gap++
		}
		if gap == 0 {
			break
		}
	}
	return numbers, end
}

// lettersOf reads a row in the first way in which every number is a letter or a space.
func lettersOf(numbers []string) string {
	for _, base := range []struct {
		base, digits, shift int
	}{{10, 0, 0}, {2, 8, 0}, {2, 7, 0}, {8, 3, 0}, {10, 0, 'a' - 1}} {
		var b strings.Builder
		letters := 0
		for _, n := range numbers {
			v, err := strconv.ParseUint(n, base.base, 8)
			c := int(v) + base.shift
			if err != nil || base.digits > 0 && len(n) != base.digits || c != ' ' && kinds[byte(c)]&(lower|upper) == 0 && c < 0xC0 {
				break
			}
			b.WriteRune(rune(c)) // of Latin-1
			letters++
		}
		if letters == len(numbers) {
			return b.String()
		}
	}
	return ""
}

// opaqueAtLeast is how long a run of base64 is that does not come out as text and is too long for a hash.
const opaqueAtLeast = 96

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
