package agent

import (
	"slices"
	"testing"
	"time"

	"comity/agent/api"
)

// An oral request is confirmed within 24 hours: the task begins with the draft, and ends when that has left or is given up.
func TestAnOralRequestIsConfirmedInWriting(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	made := w.clock.Now().Add(-20 * time.Hour)
	oral := draft(t, qn, "request", "", "", func(body map[string]any) {
		body["oral_first"] = map[string]any{"when": made.Format(time.RFC3339), "to": "duty desk"}
	})
	task := func() (found api.Task, is bool) {
		t.Helper()
		tasks, err := m.Tasks(t.Context(), false, 0)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(tasks, func(k api.Task) bool { return k.Kind == "oral-confirmation" })
		if i < 0 {
			return found, false
		}
		return tasks[i], true
	}
	one := m.write(oral)
	k, is := task()
	if !is || k.Message != one.ID || k.Who != qm || k.For != qn || !k.DueAt.Equal(made.Add(24*time.Hour)) || k.Stage != "due-soon" {
		t.Fatalf("the task of the draft: %+v, %v", k, is)
	}
	w.clock.Advance(4*time.Hour + time.Minute)
	m.chores()
	if k, _ := task(); k.Stage != "escalated" {
		t.Errorf("after 24 hours it is %s", k.Stage)
	}
	if up := m.alarms(); !hasAlarm(up, "overdue oral-confirmation") || !hasAlarm(up, "escalated oral-confirmation") {
		t.Errorf("alarms: %v", up)
	}
	m.seal(one.ID)
	if k, is := task(); is {
		t.Errorf("after the message has left: %+v", k)
	}
	if up := m.alarms(); hasAlarm(up, "overdue oral") || hasAlarm(up, "escalated oral") {
		t.Errorf("alarms after the message has left: %v", up)
	}
	if got := m.stages(one.Case)["oral-confirmation QM/justice"]; got != "done-late" {
		t.Errorf("the case says %q", got)
	}

	t.Run("given up", func(t *testing.T) {
		given := m.write(oral)
		if _, err := m.Discard(t.Context(), "officer-1", given.ID); err != nil {
			t.Fatal(err)
		}
		if k, is := task(); is {
			t.Errorf("after the draft was given up: %+v", k)
		}
	})
	t.Run("edited", func(t *testing.T) {
		edited := m.write(oral)
		written := draft(t, qn, "request", "", "", func(body map[string]any) { delete(body, "oral_first") })
		if _, err := m.Edit(t.Context(), "officer-1", edited.ID, written); err != nil {
			t.Fatal(err)
		}
		if k, is := task(); is {
			t.Errorf("after the draft speaks of no oral request: %+v", k)
		}
		if up := m.alarms(); hasAlarm(up, "overdue oral") {
			t.Errorf("alarms: %v", up)
		}
	})
}
