package register

import (
	"strconv"
	"strings"
	"time"
)

// birth is a date of birth in parts; 0 is a part that is not known.
type birth struct {
	year       int16
	month, day int8
}

func (b birth) known() bool { return b.year != 0 }

// parseBirth reads YYYY-MM-DD, YYYY-MM or YYYY, with 00 for what is not known. Anything else is not known.
func parseBirth(s string) birth {
	fields := strings.Split(s, "-")
	if len(fields) > 3 || len(fields[0]) != 4 {
		return birth{}
	}
	var n [3]int
	for i, f := range fields {
		v, err := strconv.Atoi(f)
		if err != nil || v < 0 || i > 0 && len(f) != 2 {
			return birth{}
		}
		n[i] = v
	}
	if n[0] < 1850 || n[0] > 2150 || n[1] > 12 || n[2] > 31 || n[1] == 0 && n[2] != 0 {
		return birth{}
	}
	return birth{int16(n[0]), int8(n[1]), int8(n[2])}
}

// under tells whether a person born then may be younger than age on a day. What is not known of the date counts as late.
func (b birth) under(age int, on time.Time) bool {
	if !b.known() {
		return false
	}
	month, day := int(b.month), int(b.day)
	if month == 0 {
		month = 12
	}
	if day == 0 {
		day = 31
	}
	return time.Date(int(b.year)+age, time.Month(month), day, 0, 0, 0, 0, time.UTC).After(on)
}

// likeness of two dates of birth.
type likeness int

const (
	dateUnknown   likeness = iota // one of them is not known
	dateDiffers                   //
	dateSameYear                  //
	dateNear                      // one digit wrong
	dateSlip                      // day and month exchanged, or the neighbouring year
	dateYear                      // one of them only stands for its year (1 January, or parts that are not known), and that is equal
	dateAboutYear                 // and that is the neighbouring year
	dateBothYear                  // both only stand for their year, and are equal
	dateEqual                     //
)

// dateBits is what dates of birth say. They are never a veto: one in twenty is wrong in some file.
var dateBits = [...]float64{
	dateUnknown: 0, dateDiffers: -4, dateSameYear: 0, dateNear: 4.5, dateSlip: 8, dateYear: 4.5, dateAboutYear: 3, dateBothYear: 8,
	dateEqual: 14,
}

func (b birth) like(o birth) likeness {
	if !b.known() || !o.known() {
		return dateUnknown
	}
	gap := b.year - o.year
	if gap < 0 {
		gap = -gap
	}
	switch {
	case b == o && b.vague():
		return dateBothYear
	case b == o:
		return dateEqual
	case (b.vague() || o.vague()) && gap == 0:
		return dateYear
	case (b.vague() || o.vague()) && gap == 1:
		return dateAboutYear
	case gap == 0 && b.day == o.month && b.month == o.day, gap <= 1 && b.month == o.month && b.day == o.day:
		return dateSlip
	case b.month == o.month && b.day == o.day && digitsApart(int(b.year), int(o.year)) <= 1,
		gap == 0 && b.month == o.month && digitsApart(int(b.day), int(o.day)) <= 1,
		gap == 0 && b.day == o.day && digitsApart(int(b.month), int(o.month)) <= 1:
		return dateNear
	case gap == 0:
		return dateSameYear
	}
	return dateDiffers
}

// vague: a date that only stands for its year.
func (b birth) vague() bool { return b.month == 0 || b.day == 0 || b.month == 1 && b.day == 1 }

// slips are the dates, this one among them, that are equal or one slip of the pen away.
func (b birth) slips() []birth {
	found := []birth{b}
	if b.vague() {
		return found
	}
	return append(found, birth{b.year, b.day, b.month}, birth{b.year - 1, b.month, b.day}, birth{b.year + 1, b.month, b.day})
}

func digitsApart(a, b int) int {
	apart := 0
	for range 4 {
		if a%10 != b%10 {
			apart++
		}
		a, b = a/10, b/10
	}
	return apart
}
