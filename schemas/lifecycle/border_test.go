package lifecycle

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"comity/schemas"
)

var (
	dusk  = time.Date(2026, 11, 2, 18, 0, 0, 0, time.UTC)
	night = dusk.Add(12 * time.Hour)
)

// Of one alert that ends in the night.
const (
	atDusk  = "at 2026-11-02T18:00:00Z; "
	raised  = atDusk + "qm alert 2026-11-03T06:00:00Z"
	hit     = raised + "; qn hit"
	atNight = raised + "; at 2026-11-03T06:00:00Z"
)

func TestBorderStories(t *testing.T) {
	holdStories(t, schemas.ChannelBorder, map[string]string{
		"hit, confirmed, intercepted, handed over": `
			at 2026-11-02T18:00:00Z
			qm alert 2026-11-03T06:00:00Z        -> raised, requested
			qn acknowledgement                   -> acknowledged, requested
			qn hit                               -> hit, requesting
			qm hit-confirmation confirmed to hit -> confirmed, requested
			qn alert-response intercepted        -> acted, both
			qn urgent-handover                   -> handed-over, requesting
			qm closure                           -> closed, nobody
		`,
		"false hit, then the right one": `
			at 2026-11-02T18:00:00Z
			qm alert 2026-11-03T06:00:00Z        -> raised, requested
			qn hit                               -> hit, requesting
			qm hit-confirmation false-hit to hit -> false-hit, requested
			qn hit                               -> hit, requesting
			qm hit-confirmation confirmed to hit -> confirmed, requested
			qn urgent-handover                   -> handed-over, requesting
			qm closure                           -> closed, nobody
		`,
		"passed before anybody confirmed": `
			at 2026-11-02T18:00:00Z
			qm alert 2026-11-03T06:00:00Z -> raised, requested
			qn acknowledgement            -> acknowledged, requested
			qn hit                        -> hit, requesting
			qn alert-response passed      -> acted, both
			qn closure                    -> closed, nobody
		`,
		"not seen, asked, withdrawn": `
			at 2026-11-02T18:00:00Z
			qm alert 2026-11-03T06:00:00Z                 -> raised, requested
			qn alert-response not-seen                    -> acknowledged, requested
			qm status-query                               -> acknowledged, requested
			qn status-report in-execution to status-query -> acknowledged, requested
			qn alert-response not-seen                    -> acknowledged, requested
			qm withdrawal whole                           -> withdrawn, requested
			qn withdrawal-confirmation to withdrawal      -> withdrawn, nobody
		`,
		"document": `
			at 2026-11-02T18:00:00Z
			qm document-check-request -> raised, requested
			qn document-check-result  -> closed, nobody
		`,
		"information": `
			at 2026-11-02T18:00:00Z
			qm information     -> raised, requested
			qn acknowledgement -> acknowledged, requested
			qm status-query    -> acknowledged, requested
			qn closure         -> closed, nobody
		`,
	})
}

func TestBorderNotPermitted(t *testing.T) {
	holdRefusals(t, schemas.ChannelBorder, []refusal{
		{"intercept before confirmation", hit, "qn alert-response intercepted", WrongState},
		{"hand over before confirmation", hit, "qn urgent-handover", WrongState},
		{"confirm one's own hit", hit, "qn hit-confirmation confirmed", OtherSide},
		{"confirm no hit", raised, "qm hit-confirmation confirmed", WrongState},
		{"hand over what was not acted on", raised, "qm urgent-handover", WrongState},
		{"close what was not acted on", raised, "qm closure", WrongState},
		{"withdraw what was intercepted", raised + "; qn alert-response intercepted", "qm withdrawal whole", WrongState},
		{"hit after the end", atNight, "qn hit", Expired},
		{"respond after the end", atNight, "qn alert-response intercepted", Expired},
		{"withdraw after the end", atNight, "qm withdrawal whole", Expired},
		{"document of an alert", raised, "qm document-check-request", AlreadyOpen},
	})
}

func TestBorderCrossing(t *testing.T) {
	holdCrossings(t, schemas.ChannelBorder, []crossing{
		{"withdrawal and interception", raised + " >< qm withdrawal whole; qn alert-response intercepted", "acted, both", "withdrawal"},
		{"withdrawal and hit", raised + " >< qm withdrawal whole; qn hit", "withdrawn, requested", ""},
		{"withdrawal and acknowledgement", raised + " >< qm withdrawal whole; qn acknowledgement", "withdrawn, requested", "acknowledgement"},
		{"confirmation and passing", raised + "; qn hit >< qm hit-confirmation confirmed to hit; qn alert-response passed", "acted, both", "hit-confirmation"},
	})
}

// An alert ends by itself where nobody has answered it, and only there.
func TestBorderExpiry(t *testing.T) {
	for _, test := range []struct {
		name          string
		rows          string
		before, after State
	}{
		{"raised", raised, StateRaised, StateExpired},
		{"acknowledged", raised + "; qn acknowledgement", StateAcknowledged, StateExpired},
		{"false hit", hit + "; qm hit-confirmation false-hit to hit", StateFalseHit, StateExpired},
		{"hit that waits", hit, StateHit, StateHit},
		{"acted", raised + "; qn alert-response intercepted", StateActed, StateActed},
		{"withdrawn", raised + "; qm withdrawal whole", StateWithdrawn, StateWithdrawn},
		{"information", atDusk + "qm information", StateRaised, StateRaised},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := told(t, schemas.ChannelBorder, test.rows).derive()
			if got := c.At(night.Add(-time.Second)); got.State != test.before {
				t.Errorf("before: %s", got.State)
			}
			got := c.At(night)
			if got.State != test.after {
				t.Errorf("after: %s", got.State)
			}
			if got.State == StateExpired && (got.Open || got.NextToAct != Nobody || len(got.Next(Requested))+len(got.Next(Requesting)) > 0) {
				t.Errorf("an expired case goes on: open %t, next %s, %v", got.Open, got.NextToAct, got.Next(Requested))
			}
		})
	}
	// A hit that was found in time is confirmed after the alert's end, and then acted on.
	s := told(t, schemas.ChannelBorder, raised+`
		at 2026-11-03T05:59:00Z
		qn hit
		at 2026-11-03T06:01:00Z
		qm hit-confirmation confirmed to hit
	`)
	if c := s.derive().At(s.now); c.State != StateConfirmed {
		t.Errorf("a hit in time, confirmed later: %s", c.State)
	}
	// What was sent after the end has no effect, however the clock of the reader stands.
	s = told(t, schemas.ChannelBorder, atNight+"; qn alert-response intercepted -| raised, requested")
	if c := s.derive(); c.State != StateRaised || s.took() || c.At(night).State != StateExpired {
		t.Errorf("a response after the end: %s", c.State)
	}
	// What was sent before the end counts, although it came later than something sent after it.
	s = told(t, schemas.ChannelBorder, raised+" >< at 2026-11-03T06:00:00Z; qm withdrawal whole; at 2026-11-03T05:59:59Z; qn hit")
	if !s.took() {
		t.Errorf("a hit in time, crossed by a late withdrawal, has no effect: %s", s.derive().State)
	}
}

func TestExpiryIsBounded(t *testing.T) {
	for _, test := range []struct {
		name    string
		expires string
		ends    time.Time
		refused bool
	}{
		{"an hour", dusk.Add(time.Hour).Format(time.RFC3339Nano), dusk.Add(time.Hour), false},
		{"as long as may be", dusk.Add(MaxAlertLife).Format(time.RFC3339Nano), dusk.Add(MaxAlertLife), false},
		{"a second more", dusk.Add(MaxAlertLife + time.Second).Format(time.RFC3339Nano), dusk.Add(MaxAlertLife), true},
		{"a year", "2027-11-02T18:00:00Z", dusk.Add(MaxAlertLife), true},
		{"at once", dusk.Format(time.RFC3339Nano), dusk, true},
		{"before it was sent", "2025-11-02T18:00:00Z", time.Date(2025, 11, 2, 18, 0, 0, 0, time.UTC), true},
		{"no time", "soon", dusk.Add(MaxAlertLife), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := told(t, schemas.ChannelBorder, atDusk+"qm alert "+test.expires)
			err := CheckExpiry(s.last())
			if refused, ok := errors.AsType[*NotPermittedError](err); ok != test.refused || ok && (refused.Reason != ExpiryOutOfBounds || refused.Hint == "") {
				t.Errorf("%v", err)
			}
			if c := s.derive(); !c.Expires.Equal(test.ends) {
				t.Errorf("ends %s, want %s", c.Expires, test.ends)
			}
		})
	}
	if err := CheckExpiry(Event{Type: "mla.request/1", SentAt: dusk}); err != nil {
		t.Errorf("a request without expiry: %v", err)
	}
}

// What a false hit said is erased at both sides, and nothing else.
func TestBorderErase(t *testing.T) {
	s := told(t, schemas.ChannelBorder, hit)
	first := s.last().ref()
	s.tell("qm hit-confirmation false-hit to hit; qn hit; qm hit-confirmation confirmed to hit; qn alert-response intercepted")
	if c := s.derive(); !slices.Equal(c.Erase, []Ref{first}) {
		t.Errorf("to be erased: %v, want %v", c.Erase, first)
	}
}

// The order of arrival does not matter where times decide, either.
func TestBorderOrderOfArrival(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 72))
	list := moves(borderStories()[0])
	reached := map[State]bool{}
	for run := range 3000 {
		events := []Event{{ID: "opening", From: qm, To: qn, Seq: 1, Type: "border.alert/1", Outcome: night.Format(time.RFC3339), SentAt: dusk}}
		for range rng.IntN(9) {
			m := list[rng.IntN(len(list))]
			from, to := qm, qn
			if rng.IntN(3) > 0 {
				from, to = qn, qm
			}
			events = append(events, Event{
				ID: schemas.MessageID(fmt.Sprint(rng.IntN(6))), From: from, To: to, Seq: uint64(rng.IntN(6)), Seen: uint64(rng.IntN(9)), Continues: true,
				Type: schemas.MessageType("border." + m.name + "/1"), Outcome: m.outcome, InReplyTo: schemas.MessageID(fmt.Sprint(rng.IntN(6))),
				SentAt: dusk.Add(time.Duration(rng.IntN(20)) * time.Hour),
			})
		}
		want, err := Derive(schemas.ChannelBorder, events)
		if err != nil {
			t.Fatal(err)
		}
		reached[want.At(night).State] = true
		rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		got, err := Derive(schemas.ChannelBorder, append(events, events...))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("run %d: %v: the order or a repetition mattered: %s and %s", run, err, want.State, got.State)
		}
	}
	if !reached[StateExpired] || !reached[StateHit] {
		t.Errorf("reached only %v", reached)
	}
}
