package agent

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"comity/agent/api"
	"comity/agent/console"
	"comity/agent/store"
	"comity/schemas"
)

// What the console needs of the agent beyond its desk: lists that are searched and counted where they are kept.

// FindCases is one page of the cases that fit.
func (a *Agent) FindCases(ctx context.Context, q console.CaseQuery) (console.CasePage, error) {
	search := store.CaseSearch{
		Text: q.Text, Channel: q.Channel, State: q.State, Peer: q.Peer, Sort: store.CaseSort(q.Sort),
		Limit: console.PageSize, Skip: max(q.Page-1, 0) * console.PageSize,
	}
	if q.Open != "" {
		open := q.Open == "open"
		search.Open = &open
	}
	switch q.Due {
	case "mine":
		search.Owes = a.me
	case "overdue":
		search.DueBefore = a.now()
	}
	var page console.CasePage
	err := a.store.View(ctx, func(tx *store.Tx) error {
		away, err := a.away(tx)
		if err != nil {
			return err
		}
		search.Of = deskOf(q.Whose, away)
		found, total, err := tx.FindCases(search)
		if err != nil {
			return err
		}
		page.Total = total
		known, err := a.statistics.of(func() (console.Statistics, error) { return a.countStatistics(tx, a.now()) })
		if err != nil {
			return err
		}
		page.States = known.States
		for _, c := range found {
			row := console.CaseRow{Case: showCase(c, away)}
			tasks, err := tx.TasksOfCase(c.ID)
			if err != nil {
				return err
			}
			if i := slices.IndexFunc(tasks, func(k store.Task) bool { return !k.DueAt.IsZero() }); i >= 0 {
				row.Due = console.Due{Kind: tasks[i].Kind, Stage: tasks[i].Stage, Who: tasks[i].Who, At: tasks[i].DueAt}
			}
			page.Rows = append(page.Rows, row)
		}
		return nil
	})
	return page, err
}

// Bounds of the overview.
const (
	overviewTasks  = 12
	overviewMonths = 12
	overviewCases  = 1000 // whose times are looked at
)

// Overview is what there is to do, and how the cases stand.
func (a *Agent) Overview(ctx context.Context, person string) (console.Overview, error) {
	var o console.Overview
	now := a.now()
	err := a.store.View(ctx, func(tx *store.Tx) error {
		count, err := tx.CountTodos(a.me, now)
		if err != nil {
			return err
		}
		o.Due, o.Overdue, o.New, o.Urgent = count.All, count.Overdue, count.New, count.Urgent
		if o.InReview, err = tx.CountIn(store.Out, store.InReview); err != nil {
			return err
		}
		if o.Own, o.Unassigned, err = a.countOwn(tx, person); err != nil {
			return err
		}
		if o.Tasks, err = a.todos(tx); err != nil {
			return err
		}
		o.Statistics, err = a.statistics.of(func() (console.Statistics, error) { return a.countStatistics(tx, now) })
		return err
	})
	return o, err
}

// countStatistics counts how the cases stand.
func (a *Agent) countStatistics(tx *store.Tx, now time.Time) (o console.Statistics, err error) {
	if o.States, err = tx.CaseStates(); err != nil {
		return o, err
	}
	stages, err := tx.CountStages()
	if err != nil {
		return o, err
	}
	for _, s := range stages {
		o.Stages = append(o.Stages, console.StageCount(s))
	}
	opened, err := tx.OpenedAt()
	if err != nil {
		return o, err
	}
	o.Ages = ageClasses(opened, now)
	months, err := tx.CountMonths(a.me, time.Date(now.UTC().Year(), now.UTC().Month()-overviewMonths+1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		return o, err
	}
	for _, m := range months {
		o.Months = append(o.Months, console.MonthCount(m))
	}
	steps, err := tx.Steps(overviewCases)
	o.Times = turnarounds(steps)
	return o, err
}

// statistics are kept for a hundred times as long as it took to count them, so that whoever looks at the overview again and again
// costs the desk no more than a hundredth of its time.
type statistics struct {
	mu    sync.Mutex
	last  console.Statistics
	until time.Time
}

func (s *statistics) of(count func() (console.Statistics, error)) (console.Statistics, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	began := time.Now()
	if began.Before(s.until) {
		return s.last, nil
	}
	counted, err := count()
	if err != nil {
		return counted, err
	}
	s.last, s.until = counted, time.Now().Add(100*time.Since(began))
	return counted, nil
}

func (a *Agent) todos(tx *store.Tx) (list []console.Todo, err error) {
	found, err := tx.Todos(a.me, overviewTasks)
	for _, d := range found {
		list = append(list, console.Todo{
			Task:    api.Task{Case: d.Case, Kind: d.Kind, Message: d.Of.ID, Who: d.Who, For: d.Waits, DueAt: d.DueAt, Stage: d.Stage},
			Urgency: d.Urgency, Type: d.Type, Peer: a.otherSide(d.Task),
		})
	}
	return list, err
}

// ageClasses sorts cases into the classes of console.AgeBounds.
func ageClasses(opened []time.Time, now time.Time) []int {
	counts := make([]int, len(console.AgeBounds)+1)
	for _, at := range opened {
		days := int(now.Sub(at) / (24 * time.Hour))
		class := slices.IndexFunc(console.AgeBounds, func(bound int) bool { return days < bound })
		if class < 0 {
			class = len(console.AgeBounds)
		}
		counts[class]++
	}
	return counts
}

// turnarounds is the median and the 90th percentile of each step, by the nearest rank.
func turnarounds(steps []store.Step) (list []console.Turnaround) {
	for _, name := range []string{"acknowledgement", "decision", "result"} {
		var took []time.Duration
		for _, s := range steps {
			if s.Type.Name() == name {
				took = append(took, s.After)
			}
		}
		slices.Sort(took)
		t := console.Turnaround{Step: name, N: len(took)}
		if len(took) > 0 {
			rank := func(q float64) time.Duration { return took[int(math.Ceil(q*float64(len(took))))-1] }
			t.Median, t.P90 = rank(0.5), rank(0.9)
		}
		list = append(list, t)
	}
	return list
}

// CheckDraft says what Draft would refuse, without keeping anything. It reads no file and asks no rule.
func (a *Agent) CheckDraft(ctx context.Context, draft []byte) error {
	copies, err := a.parseCopies(ctx, draft)
	if err != nil {
		return err
	}
	return a.store.View(ctx, func(tx *store.Tx) error {
		if err := a.checkTeamDraft(tx, copies); err != nil {
			return err
		}
		for _, d := range copies {
			if err := a.checkDraft(tx, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// InState lists messages of ours in one state, oldest first, without their content.
func (a *Agent) InState(ctx context.Context, state string, limit int) ([]api.Message, error) {
	return a.listed(ctx, func(tx *store.Tx) ([]*store.Message, error) {
		return tx.MessagesIn(store.Out, store.State(state), "", clamp(limit))
	})
}

// OnChannel lists the messages of the cases of a channel that changed last, newest first, without their content.
func (a *Agent) OnChannel(ctx context.Context, channel schemas.Channel, limit int) ([]api.Message, error) {
	return a.listed(ctx, func(tx *store.Tx) ([]*store.Message, error) {
		return tx.MessagesOfLastCases(channel, clamp(limit)/2, clamp(limit))
	})
}

func (a *Agent) listed(ctx context.Context, read func(*store.Tx) ([]*store.Message, error)) (shown []api.Message, err error) {
	err = a.store.View(ctx, func(tx *store.Tx) error {
		found, err := read(tx)
		if err != nil {
			return err
		}
		for _, m := range found {
			authors, err := tx.Authors(m.Key)
			if err != nil {
				return err
			}
			shown = append(shown, show(m, authors))
		}
		return nil
	})
	return shown, err
}

// maxUnfinished bounds the forms that one person keeps for later.
const maxUnfinished = 50

// Unfinished lists the forms that a person goes on with later.
func (a *Agent) Unfinished(ctx context.Context, person string) (list []console.Unfinished, err error) {
	err = a.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.Unfinished(person)
		for _, u := range found {
			list = append(list, console.Unfinished{ID: u.ID, Type: u.Type, Form: u.Form, ChangedAt: u.ChangedAt})
		}
		return err
	})
	return list, err
}

// KeepUnfinished keeps a form for later.
func (a *Agent) KeepUnfinished(ctx context.Context, person string, u console.Unfinished) error {
	return a.store.Update(ctx, func(tx *store.Tx) error {
		kept, err := tx.Unfinished(person)
		if err != nil {
			return err
		}
		known := slices.ContainsFunc(kept, func(k *store.Unfinished) bool { return k.ID == u.ID })
		if !known && len(kept) >= maxUnfinished {
			return problem(ReasonUnavailable, "there are as many unfinished drafts as one person may keep", "finish or drop one of them")
		}
		return tx.PutUnfinished(&store.Unfinished{ID: u.ID, Person: person, Type: u.Type, Form: u.Form, ChangedAt: a.now()})
	})
}

// DropUnfinished forgets a form.
func (a *Agent) DropUnfinished(ctx context.Context, person, id string) error {
	return a.store.Update(ctx, func(tx *store.Tx) error { return tx.DropUnfinished(person, id) })
}
