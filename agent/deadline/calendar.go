package deadline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // an agent's machine may have no zones; the zone decides what day it is, so it must not be missing

	"comity/pki"
	"comity/schemas"
)

// ErrCalendar says that a directory row does not say when its authority works: an unknown time zone, or no working day
// in a year.
var ErrCalendar = errors.New("the directory row has no usable calendar")

// place is when an authority works: its zone, its days off, its duty desk.
type place struct {
	zone    *time.Location
	weekend [7]bool // by time.Weekday
	off     map[day]bool
	desk    pki.DutyDesk
}

// day is a day of the calendar, without a zone.
type day struct {
	year  int
	month time.Month
	day   int
}

func dayOf(t time.Time) day {
	y, m, d := t.Date()
	return day{y, m, d}
}

func (d day) add(n int) day { return dayOf(time.Date(d.year, d.month, d.day+n, 12, 0, 0, 0, time.UTC)) }

func (d day) weekday() time.Weekday {
	return time.Date(d.year, d.month, d.day, 12, 0, 0, 0, time.UTC).Weekday()
}

func (d day) before(o day) bool {
	return d.year < o.year || d.year == o.year && (d.month < o.month || d.month == o.month && d.day < o.day)
}

var weekdays = map[pki.Weekday]time.Weekday{
	"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
}

func placeOf(row *pki.Authority) (*place, error) {
	zone, err := time.LoadLocation(row.TimeZone)
	if err != nil || row.TimeZone == "" || strings.EqualFold(row.TimeZone, "local") {
		return nil, fmt.Errorf("time zone of %s: %w", row.ID, ErrCalendar)
	}
	p := &place{zone: zone, off: map[day]bool{}, desk: row.DutyDesk}
	for _, d := range row.Calendar.Weekend {
		p.weekend[weekdays[d]] = true
	}
	if !slices.Contains(p.weekend[:], false) {
		return nil, fmt.Errorf("weekend of %s: %w", row.ID, ErrCalendar)
	}
	for _, h := range row.Calendar.Holidays {
		d, err := parseDay(schemas.Date(h.Date))
		if err != nil {
			return nil, fmt.Errorf("holidays of %s: %w", row.ID, ErrCalendar)
		}
		p.off[d] = true
	}
	return p, nil
}

func parseDay(date schemas.Date) (day, error) {
	t, err := time.Parse(time.DateOnly, string(date))
	if err != nil {
		return day{}, fmt.Errorf("not a date: %w", schemas.ErrForm)
	}
	return dayOf(t), nil
}

func (p *place) works(d day) bool { return !p.weekend[d.weekday()] && !p.off[d] }

// day is the day at a moment.
func (p *place) day(t time.Time) day { return dayOf(t.In(p.zone)) }

// start is the first moment of a day. Where clocks are put forward at midnight that is 01:00, and where they are put back
// it is the midnight after which the day before does not return.
func (p *place) start(d day) time.Time {
	const step = 15 * time.Minute // every zone changes its clock at a multiple
	guess := time.Date(d.year, d.month, d.day, 0, 0, 0, 0, p.zone)
	first := guess.Add(-3 * time.Hour)
	for t := first; t.Before(guess.Add(3 * time.Hour)); t = t.Add(step) {
		if p.day(t).before(d) {
			first = t.Add(step)
		}
	}
	return first.UTC()
}

// end is the first moment after a day.
func (p *place) end(d day) time.Time { return p.start(d.add(1)) }

// after is when a term that began at a moment is over: the first moment that is too late.
func (p *place) after(from time.Time, t Term) time.Time {
	if e := t.elapsed(); e > 0 {
		return from.Add(e).UTC()
	}
	d := p.day(from)
	switch t.unit {
	case workingDays:
		for range t.n {
			d = p.working(d.add(1))
		}
	case days:
		d = p.working(d.add(t.n))
	case consecutiveDays:
		d = d.add(t.n)
	}
	return p.end(d)
}

// before is the start of the day that lies a term before a moment.
func (p *place) before(until time.Time, t Term) time.Time {
	if e := t.elapsed(); e > 0 {
		return until.Add(-e).UTC()
	}
	d := p.day(until)
	switch t.unit {
	case workingDays:
		for range t.n {
			for d = d.add(-1); !p.works(d); d = d.add(-1) {
			}
		}
	default:
		d = d.add(-t.n)
	}
	return p.start(d)
}

// working is d, or the next day on which the authority works. A row lists fewer holidays than longestTerm, and has a
// working weekday, so there is one.
func (p *place) working(d day) day {
	for !p.works(d) {
		d = d.add(1)
	}
	return d
}

// open is the first moment from t on at which the duty desk is open. A desk without hours opens with the next working day.
func (p *place) open(t time.Time) time.Time {
	if p.desk.Always {
		return t.UTC()
	}
	first := p.day(t)
	if len(p.desk.Hours) == 0 {
		return later(t, p.start(p.working(first)))
	}
	var best time.Time
	for d, n := first, 0; n < 2*longestTerm && best.IsZero(); d, n = d.add(1), n+1 {
		if p.off[d] {
			continue
		}
		for _, h := range p.desk.Hours {
			if !slices.ContainsFunc(h.Days, func(w pki.Weekday) bool { return weekdays[w] == d.weekday() }) {
				continue
			}
			opens, closes := p.clock(d, h.Open), p.clock(d, h.Close)
			if opens.IsZero() || !t.Before(closes) {
				continue
			}
			if at := later(t, opens); best.IsZero() || at.Before(best) {
				best = at
			}
		}
	}
	if best.IsZero() { // hours on no day
		return later(t, p.start(p.working(first)))
	}
	return best
}

// clock is the moment of a time of day, "08:00".
func (p *place) clock(d day, at string) time.Time {
	t, err := time.Parse("15:04", at)
	if err != nil {
		return time.Time{}
	}
	return time.Date(d.year, d.month, d.day, t.Hour(), t.Minute(), 0, 0, p.zone)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a.UTC()
	}
	return b.UTC()
}
