package agent

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"comity/schemas"
)

// Every step of a message is proved by a signed document, and the case shows it: what was submitted, accepted by the broker,
// stored, rejected or voided; and what the authority does then is a message with the same steps.
func TestACaseShowsWhatIsProvedOfEachMessage(t *testing.T) {
	w, in := aCaseForCourt(t)
	steps := func(d *desk) (found []string) {
		t.Helper()
		file, err := d.Case(t.Context(), string(in))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range file.Messages {
			line := fmt.Sprintf("%s %d %s:", m.From.State(), m.Number, m.Type.Name())
			for _, s := range m.Steps {
				if s.At.IsZero() || len(s.SHA256) != 64 {
					t.Errorf("%s: %+v", d.me, s)
				}
				line += " " + s.What + " by " + s.By
				if s.Reason != "" {
					line += " (" + s.Reason + ")"
				}
			}
			found = append(found, line)
		}
		return found
	}
	const accepted = " accepted-by-broker by broker"
	want := []string{
		"QM 0 status-query:", // not sealed: nothing is proved of it
		"QM 1 request: signed by QM/justice" + accepted + " stored by QN/justice",
		"QM 2 status-query: signed by QM/justice" + accepted + " stored by QN/justice",
		"QN 1 acknowledgement: signed by QN/justice stored by QM/justice",
		"QM 3 status-query: signed by QM/justice" + accepted + " voided by QN/justice",
		"QM 4 status-query: signed by QM/justice" + accepted + " rejected by QN/justice (expired)",
		"QM 6 status-query: signed by QM/justice" + accepted,
	}
	if got := steps(w.desks[qm]); !slices.Equal(got, want) {
		t.Errorf("QM shows\n%q, want\n%q", got, want)
	}
	want = []string{
		"QM 1 request: signed by QM/justice stored by QN/justice",
		"QM 2 status-query: signed by QM/justice stored by QN/justice",
		"QN 1 acknowledgement: signed by QN/justice" + accepted + " stored by QM/justice",
	}
	if got := steps(w.desks[qn]); !slices.Equal(got, want) {
		t.Errorf("QN shows\n%q, want\n%q", got, want)
	}
	for _, d := range w.desks { // each of these documents has its leaf
		if report, err := d.VerifyJournal(t.Context(), nil); err != nil || len(report.Defects) > 0 {
			t.Errorf("%s: %+v, %v", d.me, report.Defects, err)
		}
	}
}

// An officer is warned of a receipt that is late at each of the times that are configured, with one warning at a time, and
// no more once it is there.
func TestALateReceiptIsWarnedOfAtEachTime(t *testing.T) {
	configured := []time.Duration{20 * time.Minute, 3 * time.Hour}
	for name, times := range map[string][]time.Duration{"by default": {time.Hour, 12 * time.Hour, 24 * time.Hour}, "as configured": configured} {
		t.Run(name, func(t *testing.T) {
			w := newWorldOf(t, qm, qn)
			m := w.desks[qm]
			if name != "by default" {
				m.config.Timing.ReceiptLate = times
			}
			if !slices.Equal(m.config.Timing.ReceiptLate, times) {
				t.Fatalf("the times are %v", m.config.Timing.ReceiptLate)
			}
			sent := m.send(draft(t, qn, "request", "", ""))
			began, up := w.clock.Now(), []string(nil)
			at := func(after time.Duration, want ...string) {
				t.Helper()
				w.clock.Advance(after - w.clock.Now().Sub(began))
				w.renew(t)
				m.chores()
				if up = m.transportAlarms(); !slices.Equal(up, want) {
					t.Errorf("after %v: %v, want %v", after, up, want)
				}
			}
			for i, after := range times {
				var before []string
				if i > 0 {
					before = []string{lateAlarm(sent.ID, times[i-1])}
				}
				at(after-time.Second, before...)
				at(after, lateAlarm(sent.ID, after))
			}
			w.carry(t)
			if up = m.transportAlarms(); len(up) > 0 {
				t.Errorf("with its receipt: %v", up)
			}
		})
	}
}

func lateAlarm(id schemas.MessageID, after time.Duration) string {
	return string(AlarmLate) + " " + string(id) + " after " + after.String()
}
