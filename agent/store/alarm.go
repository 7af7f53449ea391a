package store

import (
	"time"

	"comity/schemas"
)

// Alarm is something that a person must look at. It holds no content: a peer, and a number or an id.
type Alarm struct {
	Kind      string
	Peer      schemas.AuthorityID
	Subject   string
	RaisedAt  time.Time
	ClearedAt time.Time
}

// RaiseAlarm raises an alarm, or raises it again after it was cleared. It reports whether it was not up already.
func (t *Tx) RaiseAlarm(a Alarm) (bool, error) {
	result, err := t.sql.ExecContext(t.ctx, `INSERT INTO alarm (kind, peer, subject, raised_at) VALUES (?1,?2,?3,?4)
		ON CONFLICT (kind, peer, subject) DO UPDATE SET raised_at = ?4, cleared_at = 0 WHERE cleared_at > 0`,
		a.Kind, a.Peer, a.Subject, millis(a.RaisedAt))
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// ClearAlarm ends an alarm; one that is not up is no error.
func (t *Tx) ClearAlarm(kind string, peer schemas.AuthorityID, subject string, at time.Time) error {
	return t.exec(`UPDATE alarm SET cleared_at = ? WHERE kind = ? AND peer = ? AND subject = ? AND cleared_at = 0`,
		millis(at), kind, peer, subject)
}

// ClearAlarmsAbout ends the alarms of a kind and peer whose subject begins with about.
func (t *Tx) ClearAlarmsAbout(kind string, peer schemas.AuthorityID, about string, at time.Time) error {
	return t.exec(`UPDATE alarm SET cleared_at = ? WHERE kind = ? AND peer = ? AND substr(subject, 1, length(?)) = ? AND cleared_at = 0`,
		millis(at), kind, peer, about, about)
}

// Alarms lists at most limit alarms, those that are up first, then the newest.
func (t *Tx) Alarms(limit int) ([]Alarm, error) {
	return collect(t, func(s scanner) (Alarm, error) {
		var a Alarm
		var raised, cleared int64
		err := s.Scan(&a.Kind, &a.Peer, &a.Subject, &raised, &cleared)
		a.RaisedAt, a.ClearedAt = instant(raised), instant(cleared)
		return a, err
	}, `SELECT kind, peer, subject, raised_at, cleared_at FROM alarm ORDER BY cleared_at > 0, raised_at DESC LIMIT ?`, limit)
}

// ClearAlarmsOf ends every alarm of a kind.
func (t *Tx) ClearAlarmsOf(kind string, at time.Time) error {
	return t.exec(`UPDATE alarm SET cleared_at = ? WHERE kind = ? AND cleared_at = 0`, millis(at), kind)
}

// AlarmsUp counts the alarms that are up, by kind.
func (t *Tx) AlarmsUp() (map[string]int, error) {
	counts := map[string]int{}
	_, err := collect(t, func(s scanner) (struct{}, error) {
		var kind string
		var n int
		err := s.Scan(&kind, &n)
		counts[kind] = n
		return struct{}{}, err
	}, `SELECT kind, count(*) FROM alarm WHERE cleared_at = 0 GROUP BY kind`)
	return counts, err
}
