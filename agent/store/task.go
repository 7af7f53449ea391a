package store

import (
	"time"

	"comity/schemas"
)

// Task is something that is due in a case and not done yet.
type Task struct {
	Case  schemas.CaseID
	Kind  string // closed set: agent/deadline
	Of    Key    // the message that started it
	Who   schemas.AuthorityID
	Waits schemas.AuthorityID
	DueAt time.Time // zero while paused
	Stage string
}

// TaskRow is a task in a list, with who works on its case.
type TaskRow struct {
	Task
	Officer string // "" for nobody
}

// ReplaceTasks writes what is due in a case now, in place of what was, which is mostly the same.
func (t *Tx) ReplaceTasks(id schemas.CaseID, before, tasks []Task) error {
	type name struct {
		kind string
		of   Key
	}
	was, changed := map[name]Task{}, false
	for _, k := range before {
		was[name{k.Kind, k.Of}] = k
	}
	for _, k := range tasks {
		old, there := was[name{k.Kind, k.Of}]
		delete(was, name{k.Kind, k.Of})
		if there && sameTask(old, k) {
			continue
		}
		changed = true
		err := t.exec(`INSERT INTO task (case_id, kind, sender, id, who, waits, due_at, stage) VALUES (?,?,?,?,?,?,?,?)
			ON CONFLICT (case_id, kind, sender, id) DO UPDATE SET who = excluded.who, waits = excluded.waits, due_at = excluded.due_at, stage = excluded.stage`,
			id, k.Kind, k.Of.Sender, k.Of.ID, k.Who, k.Waits, millis(k.DueAt), k.Stage)
		if err != nil {
			return err
		}
	}
	for gone := range was {
		err := t.exec(`DELETE FROM task WHERE case_id = ? AND kind = ? AND sender = ? AND id = ?`, id, gone.kind, gone.of.Sender, gone.of.ID)
		if err != nil {
			return err
		}
	}
	if !changed && len(was) == 0 {
		return nil
	}
	return t.exec(`UPDATE casefile SET due_at = `+nextDue+` WHERE id = ?1`, id)
}

func sameTask(a, b Task) bool {
	due := millis(a.DueAt) == millis(b.DueAt)
	a.DueAt, b.DueAt = time.Time{}, time.Time{}
	return due && a == b
}

// TasksOfCase lists what is due in a case.
func (t *Tx) TasksOfCase(id schemas.CaseID) ([]Task, error) {
	return t.tasks(`WHERE case_id = ? ORDER BY due_at, kind, id`, id)
}

// Tasks lists at most limit tasks of one authority, the next one first; paused ones last. An empty who means any.
func (t *Tx) Tasks(who schemas.AuthorityID, limit int) ([]Task, error) {
	return t.tasks(`WHERE ?1 = '' OR who = ?1 ORDER BY due_at = 0, due_at, case_id, kind, id LIMIT ?2`, who, limit)
}

// TaskSearch narrows a list of tasks; empty members do not.
type TaskSearch struct {
	Who   schemas.AuthorityID
	Of    Desk
	Kind  string
	Limit int
	// The list goes on behind this task; its case is empty at the beginning.
	AfterDue  time.Time
	AfterCase schemas.CaseID
	AfterKind string
	AfterID   schemas.MessageID
}

// FindTasks lists tasks in the order of Tasks.
func (t *Tx) FindTasks(q TaskSearch) ([]TaskRow, error) {
	where, args := q.Of.where(`case_id`)
	if where != `` {
		where += ` AND `
	}
	due := millis(q.AfterDue)
	args = append(args, q.Who, q.Who, q.Kind, q.Kind, q.AfterCase, due == 0, due, q.AfterCase, q.AfterKind, q.AfterID, q.Limit)
	return collect(t, func(s scanner) (TaskRow, error) {
		var k TaskRow
		var due int64
		err := s.Scan(&k.Case, &k.Kind, &k.Of.Sender, &k.Of.ID, &k.Who, &k.Waits, &due, &k.Stage, &k.Officer)
		k.DueAt = instant(due)
		return k, err
	}, `SELECT case_id, kind, sender, id, who, waits, due_at, stage, coalesce((SELECT person FROM assignment WHERE assignment.case_id = task.case_id), '')
		FROM task WHERE `+where+`(? = '' OR who = ?) AND (? = '' OR kind = ?) AND (? = '' OR (due_at = 0, due_at, case_id, kind, id) > (?, ?, ?, ?, ?))
		ORDER BY due_at = 0, due_at, case_id, kind, id LIMIT ?`, args...)
}

// TasksOfKind lists at most limit tasks of one kind, the next one first.
func (t *Tx) TasksOfKind(kind string, limit int) ([]Task, error) {
	return t.tasks(`WHERE kind = ?1 ORDER BY due_at = 0, due_at, case_id, id LIMIT ?2`, kind, limit)
}

func (t *Tx) tasks(where string, args ...any) ([]Task, error) {
	return collect(t, func(s scanner) (Task, error) {
		var k Task
		var due int64
		err := s.Scan(&k.Case, &k.Kind, &k.Of.Sender, &k.Of.ID, &k.Who, &k.Waits, &due, &k.Stage)
		k.DueAt = instant(due)
		return k, err
	}, `SELECT case_id, kind, sender, id, who, waits, due_at, stage FROM task `+where, args...)
}

// TaskCount is how many tasks are alike.
type TaskCount struct {
	Kind       string
	Who, Waits schemas.AuthorityID
	Channel    schemas.Channel
	Stage      string
	N          int
}

// CountTasks counts the tasks of the cases that are open. A task of a draft, which has no case yet, is not among them.
func (t *Tx) CountTasks() ([]TaskCount, error) {
	return collect(t, func(s scanner) (TaskCount, error) {
		var c TaskCount
		return c, s.Scan(&c.Kind, &c.Who, &c.Waits, &c.Channel, &c.Stage, &c.N)
	}, `SELECT task.kind, who, waits, channel, stage, count(*) FROM task JOIN casefile ON casefile.id = task.case_id
		GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5`)
}
