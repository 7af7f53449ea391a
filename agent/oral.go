package agent

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/deadline"
	"comity/agent/store"
)

// A request that was made orally, in urgent circumstances, is confirmed in writing forthwith (UNTOC art. 18(14)). Until the
// draft that confirms it has left there is no case that could say so: the task belongs to the draft that will open it.

// taskOral keeps the task of a draft that opens a case, and takes away one that an earlier content of it had. Once the
// message is sealed its case keeps the tasks, and forgets this one.
func (a *Agent) taskOral(tx *store.Tx, m *store.Message) error {
	if !m.Opens() {
		return nil
	}
	due, made, err := a.oralOf(m)
	if err != nil || !made {
		return errors.Join(err, a.untask(tx, m.Case, m.Recipient))
	}
	before, err := tx.TasksOfCase(m.Case)
	if err != nil {
		return err
	}
	task := store.Task{
		Case: m.Case, Kind: string(due.Kind), Of: m.Key, Who: a.me, Waits: m.Recipient, DueAt: due.DueAt, Stage: string(due.At(a.now())),
	}
	after := []store.Task{task}
	return errors.Join(a.alarmTask(tx, task), a.clearTasks(tx, before, after), tx.ReplaceTasks(m.Case, before, after))
}

// oralOf is when the oral request that a draft confirms must be confirmed; made is false where there was none.
func (a *Agent) oralOf(m *store.Message) (due deadline.Deadline, made bool, err error) {
	var draft struct {
		Body struct {
			OralFirst *struct {
				When time.Time `json:"when"`
			} `json:"oral_first"`
		} `json:"body"`
	}
	if json.Unmarshal(m.Payload, &draft) != nil || draft.Body.OralFirst == nil {
		return due, false, nil
	}
	row, err := a.trust.View().Authority(a.me)
	if err != nil {
		return due, false, nil // our own row has gone: nothing can be sent either, and doctor says so
	}
	due, err = a.config.Deadlines.ConfirmOral(draft.Body.OralFirst.When, row)
	return due, err == nil, err
}

// lookAtOral brings the tasks of drafts up to date by the clock, and returns when the next of them changes.
func (a *Agent) lookAtOral(tx *store.Tx) (next time.Time, err error) {
	tasks, err := tx.TasksOfKind(string(deadline.OralConfirmation), choreBatch)
	if err != nil {
		return next, err
	}
	for _, k := range tasks {
		if k.Of.Sender != a.me {
			continue
		}
		m, err := tx.Message(k.Of)
		if err != nil {
			return next, err
		}
		if err := a.taskOral(tx, m); err != nil {
			return next, err
		}
		if due, made, err := a.oralOf(m); err == nil && made {
			next = earliest(next, due.Next(a.now()))
		}
	}
	return next, nil
}
