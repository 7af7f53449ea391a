package store

import (
	"strings"
	"time"

	"comity/schemas"
)

// CaseSearch narrows a list of case files; empty members do not.
type CaseSearch struct {
	Text        string // the beginning of an id, or a part of the peer's name
	Channel     schemas.Channel
	State       string
	Peer        schemas.AuthorityID
	Open        *bool
	Of          Desk
	Owes        schemas.AuthorityID // with something that this authority owes
	DueBefore   time.Time           // with something that was due before
	Sort        CaseSort
	Limit, Skip int
}

// CaseSort is the order of a list of case files. The set is closed.
type CaseSort string

// The orders.
const (
	ByChange  CaseSort = ""       // the last changed first
	ByOpening CaseSort = "opened" // the last opened first
	ByDue     CaseSort = "due"    // what is due next first
)

var caseOrders = map[CaseSort]string{
	ByChange: `changed_at DESC, casefile.id`, ByOpening: `opened_at DESC, casefile.id`, ByDue: `due_at = 0, due_at, casefile.id`,
}

// FindCases lists case files and how many there are in all.
func (t *Tx) FindCases(q CaseSearch) (found []*CaseFile, total int, err error) {
	list, count, args := q.queries()
	if err := t.row([]any{&total}, count, args[:len(args)-2]...); err != nil {
		return nil, 0, err
	}
	ids, err := collect(t, func(s scanner) (id schemas.CaseID, err error) { return id, s.Scan(&id) }, list, args...)
	if err != nil {
		return nil, 0, err
	}
	for _, id := range ids { // the rows of one page only: a sort of whole rows takes several times as long
		file, err := t.Case(id)
		if err != nil {
			return nil, 0, err
		}
		found = append(found, file)
	}
	return found, total, nil
}

// queries are what is asked for a page of the list, and for the number of all; the count takes all arguments but the last two.
func (q CaseSearch) queries() (list, count string, args []any) {
	var where []string
	add := func(condition string, values ...any) { where, args = append(where, condition), append(args, values...) }
	if q.Text != "" {
		add(`(substr(casefile.id, 1, length(?)) = ? OR instr(lower(peer), lower(?)) > 0)`, q.Text, q.Text, q.Text)
	}
	if q.Channel != "" {
		add(`channel = ?`, q.Channel)
	}
	if q.State != "" {
		add(`state = ?`, q.State)
	}
	if q.Peer != "" {
		add(`peer = ?`, q.Peer)
	}
	if q.Open != nil {
		add(`open = ?`, *q.Open)
	}
	if where, args := q.Of.where(`casefile.id`); where != `` {
		add(where, args...)
	}
	if q.Owes != "" {
		add(`casefile.id IN (SELECT case_id FROM task WHERE who = ?)`, q.Owes)
	}
	if !q.DueBefore.IsZero() {
		add(`(due_at = 0) = 0 AND due_at < ?`, millis(q.DueBefore))
	}
	condition := ``
	if len(where) > 0 {
		condition = `WHERE ` + strings.Join(where, ` AND `)
	}
	order := caseOrders[q.Sort]
	if q.Sort == ByDue && !q.DueBefore.IsZero() {
		order = `due_at, casefile.id` // each has a day, and SQLite does not see that the first step is then always the same
	}
	list = `SELECT casefile.id FROM casefile ` + condition + ` ORDER BY ` + order + ` LIMIT ? OFFSET ?`
	return list, `SELECT count(*) FROM casefile ` + condition, append(args, q.Limit, q.Skip)
}

// CaseStates lists the states in which case files are.
func (t *Tx) CaseStates() ([]string, error) {
	return collect(t, func(s scanner) (state string, err error) { return state, s.Scan(&state) },
		`SELECT DISTINCT state FROM casefile ORDER BY state`)
}

// Todo is a task with what the message that started it says of itself.
type Todo struct {
	Task
	Urgency string
	Type    schemas.MessageType
}

// Todos lists at most limit tasks of an authority that have a day, the next one first.
func (t *Tx) Todos(who schemas.AuthorityID, limit int) ([]Todo, error) {
	return collect(t, func(s scanner) (Todo, error) {
		var d Todo
		var due int64
		err := s.Scan(&d.Case, &d.Kind, &d.Of.Sender, &d.Of.ID, &d.Who, &d.Waits, &due, &d.Stage, &d.Urgency, &d.Type)
		d.DueAt = instant(due)
		return d, err
	}, `SELECT case_id, kind, next.sender, next.id, who, waits, due_at, stage,
			coalesce((SELECT urgency FROM message WHERE message.sender = next.sender AND message.id = next.id), ''),
			coalesce((SELECT type FROM message WHERE message.sender = next.sender AND message.id = next.id), '')
		FROM (SELECT * FROM task WHERE who = ?1 AND due_at > 0 ORDER BY due_at LIMIT ?2) AS next ORDER BY due_at, case_id, kind, next.id`, who, limit)
}

// TodoCount counts the tasks of an authority.
type TodoCount struct{ All, Overdue, New, Urgent int }

// CountTodos counts what an authority owes: in all, what was due before now, what waits to be acknowledged, and in how many
// cases it was asked urgently.
func (t *Tx) CountTodos(who schemas.AuthorityID, now time.Time) (c TodoCount, err error) {
	err = t.row([]any{&c.All, &c.Overdue, &c.New}, `SELECT count(*), coalesce(sum(due_at > 0 AND due_at < ?), 0),
		coalesce(sum(kind = 'acknowledgement'), 0) FROM task WHERE who = ?`, millis(now), who)
	if err != nil {
		return c, err
	}
	err = t.row([]any{&c.Urgent}, `SELECT count(DISTINCT case_id) FROM message WHERE direction = 'in' AND state = 'received' AND urgency IN ('urgent', 'immediate')
		AND EXISTS (SELECT 1 FROM task WHERE task.case_id = message.case_id AND who = ?)`, who)
	return c, err
}

// CountIn counts the messages of one direction in a state.
func (t *Tx) CountIn(d Direction, s State) (n int, err error) {
	err = t.row([]any{&n}, `SELECT count(*) FROM message WHERE direction = ? AND state = ?`, d, s)
	return n, err
}

// StageCount counts the open cases of a channel in a state.
type StageCount struct {
	Channel schemas.Channel
	State   string
	N       int
}

// CountStages counts the open cases by channel and state.
func (t *Tx) CountStages() ([]StageCount, error) {
	return collect(t, func(s scanner) (StageCount, error) {
		var c StageCount
		err := s.Scan(&c.Channel, &c.State, &c.N)
		return c, err
	}, `SELECT channel, state, count(*) FROM casefile WHERE open GROUP BY channel, state ORDER BY channel, count(*) DESC, state`)
}

// OpenedAt lists when each open case was opened.
func (t *Tx) OpenedAt() ([]time.Time, error) {
	return collect(t, func(s scanner) (time.Time, error) {
		var at int64
		err := s.Scan(&at)
		return instant(at), err
	}, `SELECT opened_at FROM casefile WHERE open`)
}

// MonthCount counts the cases that were opened in a month (UTC), by whether who asked.
type MonthCount struct {
	Month    string // 2026-11
	Sent     int
	Received int
}

// CountMonths counts the cases that were opened since.
func (t *Tx) CountMonths(who schemas.AuthorityID, since time.Time) ([]MonthCount, error) {
	return collect(t, func(s scanner) (MonthCount, error) {
		var c MonthCount
		err := s.Scan(&c.Month, &c.Sent, &c.Received)
		return c, err
	}, `SELECT strftime('%Y-%m', opened_at / 1000, 'unixepoch') AS month, sum(requesting = ?1), sum(requesting <> ?1)
		FROM casefile WHERE opened_at >= ?2 GROUP BY month ORDER BY month`, who, millis(since))
}

// Step is a message that moved one of the cases that were opened last.
type Step struct {
	Type  schemas.MessageType
	After time.Duration // since the case was opened
}

// Steps lists the messages of the last cases that were opened, with when each was sent.
func (t *Tx) Steps(cases int) ([]Step, error) {
	return collect(t, func(s scanner) (Step, error) {
		var step Step
		var ms int64
		err := s.Scan(&step.Type, &ms)
		step.After = time.Duration(ms) * time.Millisecond
		return step, err
	}, `SELECT type, min(sent_at) - last.opened_at FROM (SELECT id, opened_at FROM casefile ORDER BY opened_at DESC LIMIT ?) AS last
		JOIN message INDEXED BY message_case ON case_id = last.id AND case_id <> ''
		WHERE sent_at > 0 AND sent_at >= last.opened_at GROUP BY last.id, type`, cases)
}

// MessagesOfLastCases reads the bare messages of the cases of a channel that changed last, the newest first.
func (t *Tx) MessagesOfLastCases(channel schemas.Channel, cases, limit int) ([]*Message, error) {
	return t.bareMessages(`WHERE case_id <> '' AND case_id IN (SELECT id FROM casefile WHERE channel = ? ORDER BY changed_at DESC LIMIT ?)
		ORDER BY max(drafted_at, sent_at) DESC, id LIMIT ?`, channel, cases, limit)
}
