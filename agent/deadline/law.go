package deadline

import (
	"fmt"
	"time"

	"comity/pki"
	"comity/schemas"
)

// ConfirmOral is when a request that was made orally must be confirmed in writing at the latest (UNTOC art. 18(14)): the
// task of whoever has not sent it yet. Due lists the same deadline, met, once the request is sent.
func (t Table) ConfirmOral(when time.Time, row *pki.Authority) (Deadline, error) {
	p, err := placeOf(row)
	if err != nil {
		return Deadline{}, err
	}
	d := t.oral(p, when, row.ID)
	d.RemindAt = d.From.Add(d.DueAt.Sub(d.From) / 100 * time.Duration(t.RemindPercent))
	d.EscalateAt = p.open(d.DueAt)
	return d, nil
}

// ImmunityUntil is the first moment at which safe conduct no longer protects (UNTOC art. 18(27)): the end of the last of
// so many consecutive days after the day on which the person was officially told that the presence is no longer required,
// in the State that told so. Article 18(27) says 15 where nothing else was agreed.
func ImmunityUntil(told time.Time, days int, row *pki.Authority) (time.Time, error) {
	p, err := placeOf(row)
	if err != nil {
		return time.Time{}, err
	}
	if days < 1 || days > longestTerm {
		return time.Time{}, fmt.Errorf("days of safe conduct: %w", ErrTerm)
	}
	return p.after(told, ConsecutiveDays(days)), nil
}

// SentenceLeft tells whether six months of a sentence are still to be served when the request for transfer is received
// (ETS 112 art. 3(1)(c)): by the day of receipt where it was received, and the last day of the sentence. A month ends
// with the day of the same number, or with its last day. An indeterminate sentence has no last day and is not asked about.
func SentenceLeft(received time.Time, lastDay schemas.Date, row *pki.Authority) (bool, error) {
	p, err := placeOf(row)
	if err != nil {
		return false, err
	}
	last, err := parseDay(lastDay)
	if err != nil {
		return false, fmt.Errorf("last day of the sentence: %w", err)
	}
	return !last.before(p.day(received).months(6)), nil
}

// months is the day of the same number n months later, or the last of that month.
func (d day) months(n int) day {
	first := dayOf(time.Date(d.year, d.month+time.Month(n), 1, 12, 0, 0, 0, time.UTC))
	last := dayOf(time.Date(first.year, first.month+1, 0, 12, 0, 0, 0, time.UTC))
	return day{first.year, first.month, min(d.day, last.day)}
}
