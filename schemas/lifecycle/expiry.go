package lifecycle

import (
	"slices"
	"time"
)

// Some cases end by themselves at a moment that the message which opened them names. Derive has no clock: it holds each
// message against the time at which it was sent, and Case.At says what people see now.

// CheckExpiry holds the expiry that an opening message gives itself against the time at which it is sent: later, and by
// no more than its lifecycle allows. The sender asks before sealing, the recipient on arrival; a case that is opened
// all the same ends no later than it may. The error is a *NotPermittedError.
func CheckExpiry(e Event) error {
	for _, s := range stories(e.Type.Channel()) {
		if !s.opens(e) || s.Expires == 0 {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, e.Outcome)
		if err != nil || !at.After(e.SentAt) || at.After(e.SentAt.Add(s.Expires)) {
			return &NotPermittedError{
				State: StateUnopened, Type: e.Type, Reason: ExpiryOutOfBounds,
				Hint: "expires_at must be later than the moment of sending, by at most " + s.Expires.String(),
			}
		}
	}
	return nil
}

// expiry is when a case that e opens ends by itself, zero where it does not.
func (s *story) expiry(e Event) time.Time {
	if s.Expires == 0 || e.SentAt.IsZero() {
		return time.Time{}
	}
	latest := e.SentAt.Add(s.Expires)
	at, err := time.Parse(time.RFC3339Nano, e.Outcome)
	if err != nil || at.After(latest) {
		return latest
	}
	return at
}

// lapsed tells whether a case that stands where it does has ended by itself at a moment. The zero moment asks about the
// table alone.
func (c *Case) lapsed(at time.Time) bool {
	return !c.Expires.IsZero() && !at.IsZero() && !at.Before(c.Expires) && slices.Contains(c.story.Lapses, c.main)
}

// At is the case as it stands at a moment: an alert that nobody answered is over once its own time has come, without a
// further message. Both sides read the moment inside the message, so they agree but for their clocks; whether a later
// message has effect depends on the time at which it was sent, not on who looks when.
func (c Case) At(now time.Time) Case {
	c.at = now
	if c.story != nil && c.lapsed(now) {
		c.State, c.Open, c.NextToAct = StateExpired, false, Nobody
	}
	return c
}
