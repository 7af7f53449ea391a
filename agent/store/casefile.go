package store

import (
	"errors"
	"time"

	"comity/schemas"
)

// CaseFile is where a case stands, derived from its messages and kept so that lists are quick. The messages are the truth.
type CaseFile struct {
	ID         schemas.CaseID
	Peer       schemas.AuthorityID
	Channel    schemas.Channel
	Requesting schemas.AuthorityID
	Requested  schemas.AuthorityID
	State      string
	Open       bool
	OpenedAt   time.Time
	ChangedAt  time.Time
	LookAt     time.Time // when something in it becomes due, or it ends, by time alone; zero for never
	Pace       Pace
	Officer    string    // who works on it, as the assignment has it; "" for nobody. PutCase does not write it
	ClosedAt   time.Time // the last thing in a case that is over; zero while it is open
}

// Pace is how a case went, as far as it has gone: the times at which the requested side did for the first time what was asked
// of it, by its own signed word. Zero is not yet.
type Pace struct {
	StoredAt       time.Time // the opening message, with the requested side by its receipt: the other times count from here
	AcknowledgedAt time.Time
	DecidedAt      time.Time
	ExecutedAt     time.Time
	Supplements    int  // how often it was asked for what was missing
	Late           bool // something of it was or is overdue
}

const caseColumns = `id, peer, channel, requesting, requested, state, open, opened_at, changed_at, look_at,
	stored_at, acknowledged_at, decided_at, executed_at, supplements, late, closed_at`

// caseRead is what is read of a case file: its columns, and who works on it.
const caseRead = caseColumns + `, coalesce((SELECT person FROM assignment WHERE case_id = casefile.id), '')`

// nextDue is the next day of a case's tasks.
const nextDue = `(SELECT coalesce(min(due_at), 0) FROM task WHERE case_id = ?1 AND due_at > 0)`

// PutCase writes a case file, new or changed.
func (t *Tx) PutCase(c *CaseFile) error {
	return t.exec(`INSERT OR REPLACE INTO casefile (`+caseColumns+`, due_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,`+nextDue+`)`,
		c.ID, c.Peer, c.Channel, c.Requesting, c.Requested, c.State, c.Open, millis(c.OpenedAt), millis(c.ChangedAt), millis(c.LookAt),
		millis(c.Pace.StoredAt), millis(c.Pace.AcknowledgedAt), millis(c.Pace.DecidedAt), millis(c.Pace.ExecutedAt), c.Pace.Supplements, c.Pace.Late,
		millis(c.ClosedAt))
}

// DropCase removes the case file of a case with this peer whose opening message no longer counts. One with another peer
// stays: a stranger who names it must not reach it.
func (t *Tx) DropCase(id schemas.CaseID, peer schemas.AuthorityID) error {
	err := t.exec(`DELETE FROM assignment WHERE case_id IN (SELECT id FROM casefile WHERE id = ? AND peer = ?)`, id, peer)
	return errors.Join(err, t.exec(`DELETE FROM casefile WHERE id = ? AND peer = ?`, id, peer))
}

// Case reads one case file, or ErrNotFound.
func (t *Tx) Case(id schemas.CaseID) (*CaseFile, error) {
	found, err := t.cases(`WHERE id = ?`, id)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// CasesByPrefix reads at most limit case files whose id begins with prefix.
func (t *Tx) CasesByPrefix(prefix string, limit int) ([]*CaseFile, error) {
	return t.cases(beginsWith, prefix, limit)
}

// Cases lists at most limit case files, the last changed first.
func (t *Tx) Cases(limit int) ([]*CaseFile, error) {
	return t.CasesAfter(Desk{}, time.Time{}, "", limit)
}

// CasesAfter lists at most limit case files of a desk by the time of their last change, the newest first, behind a place in that
// list; the zero time is before everything.
func (t *Tx) CasesAfter(of Desk, changed time.Time, id schemas.CaseID, limit int) ([]*CaseFile, error) {
	where, args := of.where(`casefile.id`)
	if where != `` {
		where += ` AND `
	}
	at := millis(changed)
	return t.cases(`WHERE `+where+`(? = 0 OR changed_at < ? OR changed_at = ? AND id > ?) ORDER BY changed_at DESC, id LIMIT ?`,
		append(args, at, at, at, id, limit)...)
}

// CasesToLookAt lists at most limit case files in which time alone has changed something by now.
func (t *Tx) CasesToLookAt(now time.Time, limit int) ([]*CaseFile, error) {
	return t.cases(`WHERE look_at > 0 AND look_at <= ? ORDER BY look_at LIMIT ?`, millis(now), limit)
}

// NextCaseAt is when the next case file is to be looked at, zero for none.
func (t *Tx) NextCaseAt() (time.Time, error) {
	var next int64
	err := t.row([]any{&next}, `SELECT coalesce(min(look_at), 0) FROM casefile WHERE look_at > 0`)
	return instant(next), err
}

func (t *Tx) cases(where string, args ...any) ([]*CaseFile, error) {
	return collect(t, scanCase, `SELECT `+caseRead+` FROM casefile `+where, args...)
}

func scanCase(s scanner) (*CaseFile, error) {
	var c CaseFile
	var opened, changed, look, stored, acknowledged, decided, executed, closed int64
	err := s.Scan(&c.ID, &c.Peer, &c.Channel, &c.Requesting, &c.Requested, &c.State, &c.Open, &opened, &changed, &look,
		&stored, &acknowledged, &decided, &executed, &c.Pace.Supplements, &c.Pace.Late, &closed, &c.Officer)
	c.OpenedAt, c.ChangedAt, c.LookAt = instant(opened), instant(changed), instant(look)
	c.Pace.StoredAt, c.Pace.AcknowledgedAt = instant(stored), instant(acknowledged)
	c.Pace.DecidedAt, c.Pace.ExecutedAt = instant(decided), instant(executed)
	c.ClosedAt = instant(closed)
	return &c, err
}

// EachCase hands every case file to do, in no order, one at a time: there may be very many.
func (t *Tx) EachCase(do func(*CaseFile)) error {
	_, err := collect(t, func(s scanner) (struct{}, error) {
		c, err := scanCase(s)
		if err == nil {
			do(c)
		}
		return struct{}{}, err
	}, `SELECT `+caseRead+` FROM casefile`)
	return err
}

// CasesOpened lists the case files that were opened from one time on and before another, by their ids.
func (t *Tx) CasesOpened(from, to time.Time) ([]*CaseFile, error) {
	return t.cases(`WHERE opened_at >= ? AND opened_at < ? ORDER BY id`, millis(from), millis(to))
}

// TrafficCount is how many messages of one channel and direction there were.
type TrafficCount struct {
	Channel   schemas.Channel
	Direction Direction
	N         int
}

// Traffic counts the messages that count in their cases, by the time in their signed header. It reads the whole table.
func (t *Tx) Traffic(from, to time.Time) ([]TrafficCount, error) {
	return collect(t, func(s scanner) (TrafficCount, error) {
		var c TrafficCount
		return c, s.Scan(&c.Channel, &c.Direction, &c.N)
	}, `SELECT channel, direction, count(*) FROM message WHERE state IN ('sent', 'delivered', 'dispatched', 'received') AND sent_at >= ? AND sent_at < ?
		GROUP BY channel, direction ORDER BY channel, direction`, millis(from), millis(to))
}
