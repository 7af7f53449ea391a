package agent

import (
	"errors"
	"time"

	"comity/agent/store"
)

// maxWarnings bounds how often an officer is warned about one message.
const maxWarnings = 10

// warnOfLateReceipts tells an officer which messages have waited too long for their receipt, at each of the times that
// the configuration names. It returns when the next warning is due.
func (a *Agent) warnOfLateReceipts(tx *store.Tx) (time.Time, error) {
	var next time.Time
	now := a.now()
	for warned, after := range a.config.Timing.ReceiptLate {
		late, err := tx.UnreceiptedSince(now.Add(-after), warned, choreBatch)
		if err != nil {
			return next, err
		}
		for _, m := range late {
			if err := a.clearLate(tx, m); err != nil {
				return next, err
			}
			m.Warned++
			if err := errors.Join(tx.PutMessage(m), a.raise(tx, AlarmLate, m.Recipient, lateSubject(m, after))); err != nil {
				return next, err
			}
		}
		first, err := tx.FirstUnreceipted(warned)
		if err != nil {
			return next, err
		}
		if !first.IsZero() {
			next = earliest(next, first.Add(after))
		}
	}
	return next, nil
}

// lateSubject names the message, and how long it has waited at least.
func lateSubject(m *store.Message, after time.Duration) string {
	return string(m.ID) + " after " + after.String()
}

// clearLate ends the warning that is up about a message, if there is one.
func (a *Agent) clearLate(tx *store.Tx, m *store.Message) error {
	if m.Warned == 0 {
		return nil
	}
	return tx.ClearAlarmsAbout(string(AlarmLate), m.Recipient, string(m.ID), a.now())
}
