package deadline

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

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

// Left says whether enough of a sentence is left for a transfer. The set is closed.
type Left string

// What a request for transfer can say of the time left.
const (
	LeftEnough        Left = "enough"
	LeftTooLittle     Left = "too-little"
	LeftExcepted      Left = "too-little-with-exception" // the States may agree all the same (ETS 112 art. 3(2))
	LeftIndeterminate Left = "indeterminate"             // the sentence has no last day
	LeftToEstablish   Left = "to-be-established"         // only the other State knows
)

// TimeLeft is SentenceLeft for a request for transfer, on the day on which it was stored with its recipient, whose row it
// takes: the day that both sides know from the receipt.
func TimeLeft(request Message, recipient *pki.Authority) (Left, error) {
	var body struct {
		Conditions struct {
			TimeLeft struct {
				Duration  string       `json:"duration"`
				EndsOn    schemas.Date `json:"ends_on"`
				Exception bool         `json:"exception"`
			} `json:"time_left"`
		} `json:"conditions"`
	}
	if err := json.Unmarshal(request.Body, &body); err != nil {
		return "", fmt.Errorf("reading the time left in %s %s: the body is not of its type", request.Type, request.ID)
	}
	left := body.Conditions.TimeLeft
	switch {
	case left.Duration == "indeterminate":
		return LeftIndeterminate, nil
	case left.EndsOn == "":
		return LeftToEstablish, nil
	case request.StoredAt.IsZero():
		return "", fmt.Errorf("reckoning the time left in %s %s: there is no receipt yet", request.Type, request.ID)
	}
	enough, err := SentenceLeft(request.StoredAt, left.EndsOn, recipient)
	switch {
	case err != nil:
		return "", fmt.Errorf("reckoning the time left in %s %s: %w", request.Type, request.ID, err)
	case enough:
		return LeftEnough, nil
	case left.Exception:
		return LeftExcepted, nil
	}
	return LeftTooLittle, nil
}
