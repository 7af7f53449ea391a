package register

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"comity/agent/register/name"
	"comity/schemas"
)

// documentNumber is a number as it is compared: its letters and digits in upper case.
func documentNumber(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return unicode.ToUpper(r)
		case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			return r
		case unicode.IsLetter(r):
			return unicode.ToUpper(r)
		case unicode.IsDigit(r):
			return '0' + name.DigitValue(r)
		}
		return -1
	}, s)
}

// looks writes a number with the letters that are taken for digits, and the other way round, as one.
var looks = strings.NewReplacer("O", "0", "Q", "0", "I", "1", "L", "1", "Z", "2", "S", "5", "B", "8")

func (m *mac) document(number string, issuer schemas.StateCode) documentCode {
	return documentCode{number: m.digest(forDocument, number), look: m.digest(forDocument, "look "+looks.Replace(number)), issuer: issuer}
}

// The shortest numbers that are looked for in texts, and those that are certain there without an issuer beside them.
const (
	leastNumber   = 5
	certainNumber = 7
	mostNumber    = 24
)

// machineLines are the lengths of the lines of a machine-readable zone (ICAO 9303), with where in which the number stands.
var machineLines = map[int][2]int{44: {0, 9}, 36: {0, 9}, 30: {5, 14}}

// machineNumber is the document number in a machine-readable line.
func machineNumber(line string) string {
	place, ok := machineLines[len(line)]
	if !ok || !strings.Contains(line, "<") {
		return ""
	}
	return documentNumber(line[place[0]:place[1]])
}

// numbersIn yields what may be document numbers in a text: words with digits, joined with their neighbours where people leave
// spaces, and the numbers in machine-readable zones.
func numbersIn(text string, each func(number string)) {
	type piece struct {
		text  string
		digit bool
	}
	var recent []piece // the last pieces, the newest last
	for field := range strings.FieldsFuncSeq(text, betweenNumbers) {
		if plainWord(field) {
			recent = recent[:0]
			continue
		}
		if n := machineNumber(field); n != "" {
			each(n)
			continue
		}
		p := piece{text: documentNumber(strings.Trim(field, "."))}
		p.digit = strings.ContainsAny(p.text, "0123456789")
		if p.text == "" || len(p.text) > mostNumber || !p.digit && len(p.text) > 3 {
			recent = recent[:0]
			continue
		}
		recent = append(recent, p)
		recent = recent[max(0, len(recent)-4):]
		joined, digits := "", false
		for i := len(recent) - 1; i >= 0; i-- {
			joined, digits = recent[i].text+joined, digits || recent[i].digit
			if digits && len(joined) >= leastNumber && len(joined) <= mostNumber {
				each(joined)
			}
		}
	}
}

// betweenNumbers tells what no number goes on over.
func betweenNumbers(r rune) bool {
	if r < utf8.RuneSelf {
		return between[r]
	}
	return unicode.IsSpace(r) || r == '№'
}

var between = func() (set [utf8.RuneSelf]bool) {
	for _, r := range "\t\n\v\f\r ,;:()[]{}\"'|=#" {
		set[r] = true
	}
	return set
}()

// plainWord tells of a word that is no part of a number, nor a line of a machine-readable zone: it has more than three letters of
// ASCII and no digit. Most of a text is of these.
func plainWord(field string) bool {
	letters := 0
	for i := range len(field) {
		switch b := field[i]; {
		case b >= utf8.RuneSelf || b >= '0' && b <= '9' || b == '<':
			return false
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z':
			letters++
		}
	}
	return letters > 3
}

// certain tells whether a number alone names a person: short numbers are met by chance.
func certain(number string) bool {
	return len(number) >= certainNumber || len(number) == certainNumber-1 && strings.ContainsFunc(number, unicode.IsLetter)
}
