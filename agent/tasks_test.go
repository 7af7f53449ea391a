package agent

import (
	"testing"
	"time"

	"comity/agent/api"
	"comity/schemas"
)

// stages is what is due in a case as one desk sees it: kind, who and stage.
func (d *desk) stages(id schemas.CaseID) map[string]string {
	d.t.Helper()
	file, err := d.Case(d.t.Context(), string(id))
	if err != nil {
		d.t.Fatal(err)
	}
	stages := map[string]string{}
	for _, k := range file.Deadlines {
		stages[k.Kind+" "+string(k.Who)] = k.Stage
	}
	return stages
}

func TestWhatIsDueIsTheSameTruthOnBothSides(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	w.clock.Advance(9 * time.Hour) // Monday 19:00: duty desks are open from 08:00 to 17:00
	id := m.send(draft(t, qn, "request", "", "")).Case
	w.carry(t)
	const acknowledgement = "acknowledgement QN/justice"
	check := func(stage string) {
		t.Helper()
		for _, d := range []*desk{m, n} {
			if got := d.stages(id)[acknowledgement]; got != stage {
				t.Errorf("%s sees the acknowledgement %q, want %q", d.me, got, stage)
			}
		}
	}
	check("running")
	tasks, err := n.Tasks(t.Context(), false, 0)
	if err != nil || !hasTask(tasks, "acknowledgement") {
		t.Errorf("QN's tasks: %+v, %v", tasks, err)
	}
	if tasks, err := m.Tasks(t.Context(), false, 0); err != nil || hasTask(tasks, "acknowledgement") {
		t.Errorf("QM owes no acknowledgement: %+v, %v", tasks, err)
	}
	if tasks, err := m.Tasks(t.Context(), true, 0); err != nil || !hasTask(tasks, "acknowledgement") {
		t.Errorf("QM waits for one: %+v, %v", tasks, err)
	}

	w.clock.Advance(24 * time.Hour) // the example is urgent
	m.chores()
	n.chores()
	check("overdue")
	if up := n.alarms(); !hasAlarm(up, "overdue acknowledgement "+string(id)) || hasAlarm(up, "escalated") {
		t.Errorf("QN's alarms while its duty desk is closed: %v", up)
	}
	w.clock.Advance(14 * time.Hour) // Wednesday 09:00
	m.chores()
	n.chores()
	check("escalated")
	if up := n.alarms(); !hasAlarm(up, "overdue acknowledgement "+string(id)) || !hasAlarm(up, "escalated acknowledgement "+string(id)) {
		t.Errorf("QN's alarms: %v", up)
	}
	if up := m.alarms(); !hasAlarm(up, "peer-overdue acknowledgement "+string(id)) || hasAlarm(up, "escalated") {
		t.Errorf("QM's alarms: %v", up)
	}

	w.feed(t)
	n.send(draft(t, qm, "acknowledgement", id, ""))
	w.carry(t)
	check("done-late")
	for _, d := range []*desk{m, n} {
		if up := d.alarms(); hasAlarm(up, "overdue acknowledgement") || hasAlarm(up, "peer-overdue acknowledgement") || hasAlarm(up, "escalated acknowledgement") {
			t.Errorf("%s still alarms: %v", d.me, up)
		}
	}
}

// The six months of a transfer are counted on the day on which the request was received, the same on both sides.
func TestTimeLeftIsReckonedOnTheDayOfReceipt(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	left := func(d *desk, id schemas.CaseID) string {
		t.Helper()
		file, err := d.Case(t.Context(), string(id))
		if err != nil {
			t.Fatal(err)
		}
		return file.TimeLeft
	}
	lastDay := w.clock.Now().AddDate(0, 6, 0).Format(time.DateOnly) // enough today, one day short tomorrow
	for days, want := range []string{"enough", "too-little"} {
		id := m.send(draft(t, qn, "transfer.request", "", "", func(body map[string]any) {
			body["conditions"].(map[string]any)["time_left"] = map[string]any{"duration": "determinate", "ends_on": lastDay, "exception": false}
		})).Case
		if got := left(m, id); got != "" {
			t.Errorf("before anybody has received the request: %q", got)
		}
		sent := w.clock.Now()
		w.clock.Advance(time.Duration(days) * 24 * time.Hour)
		w.carry(t)
		if here, there := left(m, id), left(n, id); here != want || there != want {
			t.Errorf("sent on %s and received %d days later: %q here, %q there, want %q", sent.Format(time.DateOnly), days, here, there, want)
		}
	}
	if got := left(m, m.send(draft(t, qn, "request", "", "")).Case); got != "" {
		t.Errorf("a case of another channel: %q", got)
	}
}

func hasTask(tasks []api.Task, kind string) bool {
	for _, k := range tasks {
		if k.Kind == kind {
			return true
		}
	}
	return false
}
