package indicator

import (
	"errors"
	"fmt"
	"time"
)

// Period is a time of whole quarters, in UTC: From is its first moment, To the first moment after it.
type Period struct{ From, To time.Time }

// maxYears bounds a period.
const maxYears = 10

// ErrPeriod says that a period is not one that may be published about.
var ErrPeriod = errors.New("the period is not of whole quarters that are over")

// ParsePeriod reads the first and the last day of a period, such as 2026-07-01 and 2026-09-30. Windows that overlap by days
// would give a case away by the difference between them, and so would one that still grows: only whole quarters that are
// over are accepted, ten years at most.
func ParsePeriod(first, last string, now time.Time) (Period, error) {
	from, err := time.Parse(time.DateOnly, first)
	if err != nil {
		return Period{}, fmt.Errorf("%w: %q is not a day, such as 2026-07-01", ErrPeriod, first)
	}
	end, err := time.Parse(time.DateOnly, last)
	if err != nil {
		return Period{}, fmt.Errorf("%w: %q is not a day, such as 2026-09-30", ErrPeriod, last)
	}
	to := end.AddDate(0, 0, 1)
	switch {
	case !quarterBegins(from):
		return Period{}, fmt.Errorf("%w: %s is not the first day of a quarter", ErrPeriod, first)
	case !quarterBegins(to):
		return Period{}, fmt.Errorf("%w: %s is not the last day of a quarter", ErrPeriod, last)
	case !from.Before(to):
		return Period{}, fmt.Errorf("%w: it ends before it begins", ErrPeriod)
	case to.After(now):
		return Period{}, fmt.Errorf("%w: %s is not over", ErrPeriod, last)
	case from.AddDate(maxYears, 0, 0).Before(to):
		return Period{}, fmt.Errorf("%w: it is longer than %d years", ErrPeriod, maxYears)
	}
	return Period{from, to}, nil
}

func quarterBegins(day time.Time) bool { return day.Day() == 1 && (day.Month()-1)%3 == 0 }

// Before is the period of the same number of months that ends where p begins: what communication is measured against.
func (p Period) Before() Period {
	months := (p.To.Year()-p.From.Year())*12 + int(p.To.Month()-p.From.Month())
	return Period{p.From.AddDate(0, -months, 0), p.From}
}

// LastQuarter is the latest quarter that is over.
func LastQuarter(now time.Time) (first, last string) {
	now = now.UTC()
	to := time.Date(now.Year(), (now.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	return to.AddDate(0, -3, 0).Format(time.DateOnly), to.AddDate(0, 0, -1).Format(time.DateOnly)
}

// Contains tells whether a moment lies in the period.
func (p Period) Contains(at time.Time) bool { return !at.Before(p.From) && at.Before(p.To) }
