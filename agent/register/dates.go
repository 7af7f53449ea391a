package register

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"comity/agent/register/name"
)

// A date in a text is looked at as a date of birth, whatever it is.

// textDate is a reading of a date, and where it stands.
type textDate struct {
	born birth
	at   int
}

var (
	yearFirst = regexp.MustCompile(`\b(\d{4})[-./ ](\d{1,2})[-./ ](\d{1,2})\b`)
	yearLast  = regexp.MustCompile(`\b(\d{1,2})[-./ ](\d{1,2})[-./ ](\d{4})\b`)
	inWords   = regexp.MustCompile(`\b(\d{1,2})(?:st|nd|rd|th|er|\.|º)?[ -]+(?:de |of )?(\p{L}{3,12})\.?,?[ -]+(?:de )?(\d{4})\b`)
	monthWord = regexp.MustCompile(`\b(\p{L}{3,12})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\b`)
)

// months by the beginning of their names in the larger European languages, in the letters of name.Words.
var months = monthNames(`jan gen ene ocak styc siech|feb fev subat lut ljut|mar mae mrz mart marz|apr avr abr nisan kwi trav|mai may mag maj mayis|
	jun giu juin cerv haz|jul lug juil temmuz lip|aug aou ago agu avg sierp|sep set eylul wrz ver|oct okt ott out ekim paz|nov kasim lis|
	dec dez dic aralik gru dek`)

func monthNames(list string) map[string]int8 {
	found := map[string]int8{}
	for i, names := range strings.Split(list, "|") {
		for _, n := range strings.Fields(names) {
			found[n] = int8(i + 1)
		}
	}
	return found
}

// monthOf is the month that a word names, or 0: the longest beginning that is known decides.
func monthOf(word string) int8 {
	words := name.Words(word)
	if len(words) == 0 {
		return 0
	}
	for n := min(len(words[0].Letters), 6); n >= 3; n-- {
		if m := months[words[0].Letters[:n]]; m != 0 {
			return m
		}
	}
	return 0
}

// Around a year, so many bytes are looked at.
const (
	beforeYear = 28
	afterYear  = 8
)

// datesIn finds the dates in a text. Where day and month can be exchanged, both readings count.
func datesIn(text string) []textDate {
	text = plainDigits(text)
	var found []textDate
	for at := 0; at+4 <= len(text); at++ {
		if (text[at] != '1' || text[at+1] != '9') && (text[at] != '2' || text[at+1] != '0') || at > 0 && isDigit(text[at-1]) {
			continue
		}
		from, to := runeStart(text, max(0, at-beforeYear)), runeStart(text, min(len(text), at+4+afterYear))
		for _, b := range readDate(text[from:to]) {
			found = append(found, textDate{b, at})
		}
	}
	return found
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// readDate reads the dates in a few words.
func readDate(text string) []birth {
	var found []birth
	add := func(year, month, day int) {
		if year >= 1900 && year < 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31 {
			found = append(found, birth{int16(year), int8(month), int8(day)})
		}
	}
	for _, m := range yearFirst.FindAllStringSubmatch(text, -1) {
		add(number(m[1]), number(m[2]), number(m[3]))
		add(number(m[1]), number(m[3]), number(m[2]))
	}
	for _, m := range yearLast.FindAllStringSubmatch(text, -1) {
		add(number(m[3]), number(m[2]), number(m[1]))
		add(number(m[3]), number(m[1]), number(m[2]))
	}
	for _, m := range inWords.FindAllStringSubmatch(text, -1) {
		add(number(m[3]), int(monthOf(m[2])), number(m[1]))
	}
	for _, m := range monthWord.FindAllStringSubmatch(text, -1) {
		add(number(m[3]), int(monthOf(m[1])), number(m[2]))
	}
	return found
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// plainDigits writes the digits of other scripts as 0 to 9.
func plainDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x80 && unicode.IsDigit(r) {
			return '0' + name.DigitValue(r)
		}
		return r
	}, s)
}
