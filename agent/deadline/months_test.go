package deadline

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"comity/pki"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// watcher is the part of an agent that the package is made for: it sleeps until the next stage of any deadline or until
// something changed, and writes down each stage that it sees.
type watcher struct {
	file    *file
	changed chan struct{}
	log     []string
}

func (w *watcher) run(t *testing.T, done <-chan struct{}) {
	seen := map[string]Stage{}
	for {
		_, found := w.file.due()
		var next time.Time
		for _, d := range found {
			now := time.Now()
			id := fmt.Sprintf("%s of %s", d.Kind, d.Of.ID)
			if stage := d.At(now); seen[id] != stage {
				seen[id] = stage
				if stage != Running {
					w.log = append(w.log, fmt.Sprintf("%s %s: %s", now.UTC().Format("2006-01-02 15:04"), id, stage))
				}
			}
			if n := d.Next(now); !n.IsZero() && (next.IsZero() || n.Before(next)) {
				next = n
			}
		}
		var wake <-chan time.Time
		if !next.IsZero() {
			wake = time.After(time.Until(next))
		}
		select {
		case <-wake:
		case <-w.changed:
		case <-done:
			return
		}
	}
}

// Half a year of a case that goes slowly, by the clock: what is due comes due at its own minute, no sooner and no later.
func TestMonths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watcher{file: open(t, schemas.ChannelMLA), changed: make(chan struct{})}
		done := make(chan struct{})
		say := func(after time.Duration, from schemas.AuthorityID, name, outcome string, change ...func(*Message)) {
			time.Sleep(after)
			synctest.Wait()
			w.file.says(from, time.Now().UTC().Format(time.RFC3339), name, outcome, append(change, func(m *Message) { m.StoredAt = m.SentAt })...)
			w.changed <- struct{}{}
		}
		go w.run(t, done)
		const dayLong = 24 * time.Hour
		// The bubble begins on Saturday, 2000-01-01 00:00Z.
		say(2*dayLong+9*time.Hour, qm, "request", "")         // Monday 3 January
		say(15*dayLong, qn, "acknowledgement", "")            // Tuesday 18: eight days late
		say(10*dayLong, qn, "supplement-request", "")         // Friday 28
		say(70*dayLong, qm, "supplement", "", replyTo("m3"))  // 7 April: parked before
		say(5*dayLong, qn, "decision", "accepted")            // 12 April
		say(20*dayLong, qn, "status-report", "in-execution")  // 2 May
		say(28*dayLong, qn, "result", "full")                 // 30 May
		say(dayLong, qm, "result-receipt", "", replyTo("m7")) // 31 May
		say(dayLong, qm, "closure", "")                       // 1 June
		time.Sleep(90 * dayLong)
		synctest.Wait()
		close(done)
		synctest.Wait()
		want := []string{
			"2000-01-07 04:00 acknowledgement of m1: due-soon",
			"2000-01-10 23:00 acknowledgement of m1: overdue",
			"2000-01-11 07:00 acknowledgement of m1: escalated",
			"2000-01-18 09:00 acknowledgement of m1: done-late",
			"2000-01-18 16:00 decision of m1: due-soon",
			"2000-01-28 09:00 decision of m1: paused",
			"2000-02-15 05:00 supplement of m3: due-soon",
			"2000-02-29 05:00 supplement of m3: overdue",
			"2000-02-29 13:00 supplement of m3: escalated",
			"2000-02-27 19:00 supplement-parked of m3: due-soon",
			"2000-03-29 05:00 supplement-parked of m3: over",
			"2000-04-07 09:00 supplement of m3: done-late",
			"2000-04-07 09:00 supplement-parked of m3: done-late",
			"2000-04-07 09:00 decision of m1: due-soon", // seventy days did not count
			"2000-04-27 15:30 status-report of m5: due-soon",
			"2000-04-12 09:00 decision of m1: done",
			"2000-05-17 15:30 status-report of m6: due-soon",
			"2000-05-27 15:30 execution of m5: due-soon",
			"2000-05-30 09:00 execution of m5: done",
		}
		slices.Sort(want)
		got := slices.Sorted(slices.Values(w.log))
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// The two sides of a case hold the same messages in another order, and find the same.
func TestBothSidesFindTheSame(t *testing.T) {
	f := open(t, schemas.ChannelMLA).says(qm, "2026-11-23T22:30:00Z", "request", "", func(m *Message) { m.Due = "2027-02-01" }).
		says(qn, "2026-11-25T10:00:00Z", "acknowledgement", "").
		says(qn, "2026-12-01T10:00:00Z", "supplement-request", "").
		says(qm, "2026-12-02T10:00:00Z", "status-query", "").
		says(qn, "2026-12-03T10:00:00Z", "supplement-request", "").
		says(qm, "2026-12-06T09:59:00Z", "supplement", "", replyTo("m3")).
		says(qm, "2026-12-07T09:59:00Z", "supplement", "", replyTo("m5")).
		says(qn, "2026-12-08T10:00:00Z", "decision", "accepted")
	c, want := f.due()
	rng := rand.New(rand.NewPCG(1, 3))
	for range 200 {
		rng.Shuffle(len(f.messages), func(i, j int) { f.messages[i], f.messages[j] = f.messages[j], f.messages[i] })
		got, err := Defaults().Due(c, f.messages, directory)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("another order, other deadlines: %v\n%v\n%v", err, lines(got), lines(want))
		}
	}
}

// What had no effect neither starts nor stops anything.
func TestWithoutEffect(t *testing.T) {
	f := open(t, schemas.ChannelMLA).says(qm, "2026-11-23T10:00:00Z", "request", "")
	_, want := f.due()
	f.says(qn, "2026-11-24T10:00:00Z", "decision", "refused") // without a consultation
	var events []lifecycle.Event
	for _, m := range f.messages {
		events = append(events, m.Event)
	}
	c, err := lifecycle.Derive(schemas.ChannelMLA, events)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Defaults().Due(c, f.messages, directory); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v: %v", err, lines(got))
	}
}

// A directory that does not know when an authority works costs the deadlines of that authority, and is told.
func TestDirectoryWithoutCalendar(t *testing.T) {
	f := open(t, schemas.ChannelMLA).says(qm, "2026-11-23T10:00:00Z", "request", "").says(qn, "2026-11-24T10:00:00Z", "supplement-request", "")
	c, _ := f.due()
	found, err := Defaults().Due(c, f.messages, func(id schemas.AuthorityID) (*pki.Authority, error) {
		a, err := directory(id)
		if id == qn {
			a.TimeZone = "Europe/Atlantis"
		}
		return a, err
	})
	if !errors.Is(err, ErrCalendar) || strings.Contains(err.Error(), "Atlantis") {
		t.Errorf("the error is %v", err)
	}
	if len(found) == 0 || slices.ContainsFunc(found, func(d Deadline) bool { return d.Who == qn }) {
		t.Errorf("found %v", lines(found))
	}
}

func TestStages(t *testing.T) {
	d := Deadline{From: at(t, "2026-11-01T00:00:00Z"), RemindAt: at(t, "2026-11-02T00:00:00Z"), DueAt: at(t, "2026-11-03T00:00:00Z"), EscalateAt: at(t, "2026-11-04T00:00:00Z")}
	met := func(when string) Deadline { d := d; d.Met = at(t, when); return d }
	lapses, paused := d, d
	lapses.Lapses, lapses.EscalateAt, paused.Paused = true, time.Time{}, true
	for _, test := range []struct {
		d         Deadline
		at        string
		want      Stage
		wantSleep string
	}{
		{d, "2026-11-01T23:59:59Z", Running, "2026-11-02T00:00:00Z"},
		{d, "2026-11-02T00:00:00Z", Reminded, "2026-11-03T00:00:00Z"},
		{d, "2026-11-03T00:00:00Z", Overdue, "2026-11-04T00:00:00Z"},
		{d, "2026-11-04T00:00:00Z", Escalated, ""},
		{lapses, "2026-11-03T00:00:00Z", Over, ""},
		{paused, "2026-11-09T00:00:00Z", Paused, ""},
		{met("2026-11-02T23:59:59Z"), "2026-11-09T00:00:00Z", Done, ""},
		{met("2026-11-03T00:00:00Z"), "2026-11-09T00:00:00Z", DoneLate, ""},
	} {
		now := at(t, test.at)
		if got := test.d.At(now); got != test.want {
			t.Errorf("at %s: %s, want %s", test.at, got, test.want)
		}
		next := ""
		if n := test.d.Next(now); !n.IsZero() {
			next = n.Format(time.RFC3339)
		}
		if next != test.wantSleep {
			t.Errorf("at %s the next stage comes %q, want %q", test.at, next, test.wantSleep)
		}
	}
}
