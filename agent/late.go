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

// lookAtEnds is how often it is looked at what is near its end.
const lookAtEnds = time.Minute

// ends is when that was done last and must be done next. Whoever does the chores owns it.
type ends struct{ looked, next time.Time }

// warnOfEnds tells an officer of what will stop everything when it ends, from two weeks before. It returns when it must
// look again.
func (a *Agent) warnOfEnds(tx *store.Tx) (time.Time, error) {
	now := a.now()
	if since := now.Sub(a.ends.looked); since >= 0 && since < lookAtEnds {
		return a.ends.next, nil
	}
	all := map[string]time.Time{
		"tls-certificate": a.identity.TLS.Leaf.NotAfter, "signing-certificate": a.identity.SigningCertificate.NotAfter,
		"encryption-certificate": a.identity.EncryptionCertificate.NotAfter,
	}
	if list := a.trust.View().TrustList(); list != nil {
		all["trust-list"] = list.ExpiresAt
	}
	next := now.Add(time.Hour)
	for what, end := range all {
		var err error
		if from := end.Add(-soon); now.Before(from) {
			next = earliest(next, from)
			err = a.clear(tx, AlarmExpires, "", what)
		} else {
			err = a.raise(tx, AlarmExpires, "", what)
		}
		if err != nil {
			return next, err
		}
	}
	a.ends = ends{now, next}
	return next, nil
}
