package agent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"comity/agent/api"
	"comity/agent/deadline"
	"comity/agent/store"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// A deadline is a task at home: it reminds, it goes overdue, it is escalated to the duty desk. None changes a case, and
// no peer is told of any.

// retask keeps what of a case is due, and raises or clears the alarms that follow. It returns when the next of it changes by
// time alone.
func (a *Agent) retask(tx *store.Tx, id schemas.CaseID, due []deadline.Deadline) (time.Time, error) {
	var next time.Time
	now := a.now()
	before, err := tx.TasksOfCase(id)
	if err != nil {
		return next, err
	}
	var tasks []store.Task
	for _, d := range due {
		stage := d.At(now)
		if at := d.Next(now); !at.IsZero() {
			next = earliest(next, at)
		}
		if !open(stage) {
			continue
		}
		task := store.Task{
			Case: id, Kind: string(d.Kind), Of: store.Key{Sender: d.Of.From, ID: d.Of.ID}, Who: d.Who, Waits: d.For, DueAt: d.DueAt, Stage: string(stage),
		}
		tasks = append(tasks, task)
		if err := a.alarmTask(tx, task); err != nil {
			return next, err
		}
	}
	return next, errors.Join(a.clearTasks(tx, before, tasks), tx.ReplaceTasks(id, before, tasks))
}

// untask forgets the tasks of a case that no longer exists. A case with another peer is not touched.
func (a *Agent) untask(tx *store.Tx, id schemas.CaseID, peer schemas.AuthorityID) error {
	before, err := tx.TasksOfCase(id)
	if err != nil || len(before) == 0 || before[0].Who != peer && before[0].Waits != peer {
		return err
	}
	return errors.Join(a.clearTasks(tx, before, nil), tx.ReplaceTasks(id, before, nil))
}

// open tells whether somebody still has something to do about a deadline.
func open(s deadline.Stage) bool {
	switch s {
	case deadline.Done, deadline.DoneLate, deadline.Over:
		return false
	}
	return true
}

func overdue(stage string) bool {
	return stage == string(deadline.Overdue) || stage == string(deadline.Escalated)
}

// alarmTask tells our officers of what is overdue, our own or the peer's.
func (a *Agent) alarmTask(tx *store.Tx, k store.Task) error {
	var errs []error
	for _, kind := range a.taskAlarms(k) {
		errs = append(errs, a.raise(tx, kind, a.otherSide(k), taskSubject(k)))
	}
	return errors.Join(errs...)
}

func (a *Agent) clearTasks(tx *store.Tx, before, after []store.Task) error {
	still := map[store.Task][]AlarmKind{}
	for _, k := range after {
		still[nameOfTask(k)] = a.taskAlarms(k)
	}
	var errs []error
	for _, k := range before {
		for _, kind := range a.taskAlarms(k) {
			if !slices.Contains(still[nameOfTask(k)], kind) {
				errs = append(errs, a.clear(tx, kind, a.otherSide(k), taskSubject(k)))
			}
		}
	}
	return errors.Join(errs...)
}

// nameOfTask is a task without what time changes of it.
func nameOfTask(k store.Task) store.Task { return store.Task{Case: k.Case, Kind: k.Kind, Of: k.Of} }

// taskAlarms are the alarms that belong to a task as it stands. What we owe goes to our duty desk once that is open; what
// the peer owes is escalated over there, and here it is only overdue.
func (a *Agent) taskAlarms(k store.Task) []AlarmKind {
	switch {
	case !overdue(k.Stage):
		return nil
	case k.Who != a.me:
		return []AlarmKind{AlarmPeerOverdue}
	case k.Stage == string(deadline.Escalated):
		return []AlarmKind{AlarmOverdue, AlarmEscalated}
	}
	return []AlarmKind{AlarmOverdue}
}

func (a *Agent) otherSide(k store.Task) schemas.AuthorityID {
	if k.Who == a.me {
		return k.Waits
	}
	return k.Who
}

func taskSubject(k store.Task) string { return k.Kind + " " + string(k.Case) }

// deadlines lists what was and is due in a case. One for which a directory row has no calendar is left out and logged:
// the others are still good.
func (a *Agent) deadlines(c lifecycle.Case, messages []*store.Message) []deadline.Deadline {
	due, err := a.config.Deadlines.Due(c, a.timed(messages), a.trust.View().Authority)
	if err != nil {
		a.log.Warn("reckoning deadlines", slog.Any("error", err))
	}
	return due
}

// timed is what a clock needs of the messages that count.
func (a *Agent) timed(messages []*store.Message) (timed []deadline.Message) {
	for _, m := range messages {
		if !m.Counts() || m.Payload == nil { // nil: erased
			continue
		}
		var dated struct {
			Due  schemas.Date   `json:"due"`
			Body jsontext.Value `json:"body"`
		}
		if err := json.Unmarshal(m.Payload, &dated); err != nil { // Validate has passed it: a store that was tampered with
			a.log.Error("reading the dates of a message", slog.String("message", string(m.ID)))
			continue
		}
		timed = append(timed, deadline.Message{
			Event: eventOf(m), StoredAt: m.Arrived(), Urgency: schemas.Urgency(m.Urgency), Due: dated.Due, Body: dated.Body,
		})
	}
	return timed
}

// lookAtCases brings up to date the cases in which time alone has changed something, and returns when the next will.
func (a *Agent) lookAtCases(tx *store.Tx) (time.Time, error) {
	files, err := tx.CasesToLookAt(a.now(), choreBatch)
	if err != nil {
		return time.Time{}, err
	}
	for _, file := range files {
		if err := a.refile(tx, file.ID, file.Peer); err != nil {
			return time.Time{}, err
		}
	}
	return tx.NextCaseAt()
}

// Tasks lists what is due: ours, or with everybody what we wait for too. The next one comes first.
func (a *Agent) Tasks(ctx context.Context, everybody bool, limit int) ([]api.Task, error) {
	return a.TasksAfter(ctx, api.TaskQuery{Everybody: everybody, Limit: limit})
}

// TasksAfter goes on with the list behind a place in it, or with that of a desk.
func (a *Agent) TasksAfter(ctx context.Context, q api.TaskQuery) ([]api.Task, error) {
	behind := q.Task()
	search := store.TaskSearch{
		Kind: q.Kind, Limit: clamp(q.Limit), AfterDue: behind.DueAt, AfterCase: behind.Case, AfterKind: behind.Kind, AfterID: behind.Message,
	}
	if !q.Everybody {
		search.Who = a.me
	}
	var shown []api.Task
	err := a.store.View(ctx, func(tx *store.Tx) error {
		away, err := a.away(tx)
		if err != nil {
			return err
		}
		search.Of = deskOf(q.Whose, away)
		found, err := tx.FindTasks(search)
		for _, k := range found {
			shown = append(shown, api.Task{
				Case: k.Case, Kind: k.Kind, Message: k.Of.ID, Who: k.Who, For: k.Waits, DueAt: k.DueAt, Stage: k.Stage,
				Officer: k.Officer, Deputy: deputyOf(k.Officer, away),
			})
		}
		return err
	})
	return shown, err
}

// showDeadlines is everything that was or is due in a case, done things included.
func (a *Agent) showDeadlines(c lifecycle.Case, messages []*store.Message) []api.Task {
	var shown []api.Task
	now := a.now()
	for _, d := range a.deadlines(c, messages) {
		shown = append(shown, api.Task{
			Kind: string(d.Kind), Message: d.Of.ID, Who: d.Who, For: d.For, DueAt: d.DueAt, Stage: string(d.At(now)), DoneAt: d.Met,
		})
	}
	return shown
}

// showTimeLeft says whether enough of a sentence is left for the transfer that was asked for, on the day on which the
// request was received (ETS 112 art. 3(1)(c)); "" on other channels, and while there is no receipt of the request. Both
// sides reckon it from the same receipt and the same directory row.
func (a *Agent) showTimeLeft(c lifecycle.Case, messages []*store.Message) string {
	if c.Channel != schemas.ChannelTransfer {
		return ""
	}
	var left deadline.Left
	for _, m := range a.timed(messages) {
		if m.Type.Name() != "request" || !c.Effects[lifecycle.Ref{From: m.From, ID: m.ID}] || m.StoredAt.IsZero() {
			continue
		}
		row, err := a.trust.View().Authority(m.To)
		if err == nil {
			left, err = deadline.TimeLeft(m, row)
		}
		if err != nil {
			a.log.Warn("reckoning the time left of a sentence", slog.Any("error", err))
		}
	}
	return string(left)
}
