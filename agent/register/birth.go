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
func (b birth) full() bool  { return b.year != 0 && b.month != 0 && b.day != 0 }

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
	dateUnknown  likeness = iota // one of them is not known
	dateDiffers                  //
	dateSameYear                 //
	dateNear                     // as near as a slip of the pen, or as an unknown day
	dateEqual                    //
)

func (b birth) like(o birth) likeness {
	switch {
	case !b.known() || !o.known():
		return dateUnknown
	case b == o && b.full():
		return dateEqual
	case b.near(o):
		return dateNear
	case b.year == o.year:
		return dateSameYear
	}
	return dateDiffers
}

// near: day and month exchanged, one digit wrong, the neighbouring year, or a date that only stands for its year (1 January, or
// parts that are not known).
func (b birth) near(o birth) bool {
	gap := b.year - o.year
	if gap < 0 {
		gap = -gap
	}
	if b.vague() || o.vague() {
		return gap <= 1
	}
	if b.year == o.year && b.day == o.month && b.month == o.day {
		return true
	}
	if b.month == o.month && b.day == o.day {
		return gap <= 1 || digitsApart(int(b.year), int(o.year)) <= 1
	}
	if b.year != o.year {
		return false
	}
	return b.month == o.month && digitsApart(int(b.day), int(o.day)) <= 1 || b.day == o.day && digitsApart(int(b.month), int(o.month)) <= 1
}

func (b birth) vague() bool { return b.month == 0 || b.day == 0 || b.month == 1 && b.day == 1 }

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
