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

// raised is a case of one alert that ends in the night.
func raised() *script {
	s := newScriptOn(schemas.ChannelBorder)
	s.now = dusk
	return s.qm("alert", night.Format(time.RFC3339), "")
}

func (s *script) at(now time.Time) *script { s.now = now; return s }

func TestBorderStories(t *testing.T) {
	opened := step{qm, "alert", night.Format(time.RFC3339), "", StateRaised, byRequested}
	acknowledged := step{qn, "acknowledgement", "", "", StateAcknowledged, byRequested}
	hit := step{qn, "hit", "", "", StateHit, byRequesting}
	for name, steps := range map[string][]step{
		"hit, confirmed, intercepted, handed over": {
			opened, acknowledged, hit,
			{qm, "hit-confirmation", "confirmed", "hit", StateConfirmed, byRequested},
			{qn, "alert-response", "intercepted", "", StateActed, Both},
			{qn, "urgent-handover", "", "", StateHandedOver, byRequesting},
			{qm, "closure", "", "", StateClosed, Nobody},
		},
		"false hit, then the right one": {
			opened, hit,
			{qm, "hit-confirmation", "false-hit", "hit", StateFalseHit, byRequested},
			hit,
			{qm, "hit-confirmation", "confirmed", "hit", StateConfirmed, byRequested},
			{qn, "urgent-handover", "", "", StateHandedOver, byRequesting},
			{qm, "closure", "", "", StateClosed, Nobody},
		},
		"passed before anybody confirmed": {
			opened, acknowledged, hit,
			{qn, "alert-response", "passed", "", StateActed, Both},
			{qn, "closure", "", "", StateClosed, Nobody},
		},
		"not seen, asked, withdrawn": {
			opened,
			{qn, "alert-response", "not-seen", "", StateAcknowledged, byRequested},
			{qm, "status-query", "", "", StateAcknowledged, byRequested},
			{qn, "status-report", "in-execution", "status-query", StateAcknowledged, byRequested},
			{qn, "alert-response", "not-seen", "", StateAcknowledged, byRequested},
			{qm, "withdrawal", "whole", "", StateWithdrawn, byRequested},
			{qn, "withdrawal-confirmation", "", "withdrawal", StateWithdrawn, Nobody},
		},
		"document": {
			{qm, "document-check-request", "", "", StateRaised, byRequested},
			{qn, "document-check-result", "", "", StateClosed, Nobody},
		},
		"information": {
			{qm, "information", "", "", StateRaised, byRequested}, acknowledged,
			{qm, "status-query", "", "", StateAcknowledged, byRequested},
			{qn, "closure", "", "", StateClosed, Nobody},
		},
	} {
		t.Run(name, func(t *testing.T) { newScriptOn(schemas.ChannelBorder).at(dusk).play(t, steps) })
	}
}

func TestBorderNotPermitted(t *testing.T) {
	hit := func() *script { return raised().qn("hit", "", "") }
	for _, test := range []struct {
		name    string
		after   *script
		side    Side
		typ     schemas.MessageType
		outcome string
		reason  Reason
	}{
		{"intercept before confirmation", hit(), Requested, "border.alert-response/1", "intercepted", WrongState},
		{"hand over before confirmation", hit(), Requested, "border.urgent-handover/1", "", WrongState},
		{"confirm one's own hit", hit(), Requested, "border.hit-confirmation/1", "confirmed", OtherSide},
		{"confirm no hit", raised(), Requesting, "border.hit-confirmation/1", "confirmed", WrongState},
		{"hand over what was not acted on", raised(), Requesting, "border.urgent-handover/1", "", WrongState},
		{"close what was not acted on", raised(), Requesting, "border.closure/1", "", WrongState},
		{"withdraw what was intercepted", raised().qn("alert-response", "intercepted", ""), Requesting, "border.withdrawal/1", "whole", WrongState},
		{"hit after the end", raised().at(night), Requested, "border.hit/1", "", Expired},
		{"respond after the end", raised().at(night), Requested, "border.alert-response/1", "intercepted", Expired},
		{"withdraw after the end", raised().at(night), Requesting, "border.withdrawal/1", "whole", Expired},
		{"document of an alert", raised(), Requesting, "border.document-check-request/1", "", AlreadyOpen},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.after.derive(t).At(test.after.now).Permits(test.side, test.typ, test.outcome)
			refused, ok := errors.AsType[*NotPermittedError](err)
			if !ok || refused.Reason != test.reason || refused.Hint == "" {
				t.Fatalf("got %#v, want reason %s and a hint", err, test.reason)
			}
		})
	}
}

func TestBorderCrossing(t *testing.T) {
	for _, test := range []struct {
		name  string
		s     *script
		state State
		lost  []string
	}{
		{"withdrawal and interception", raised().crossing().qm("withdrawal", "whole", "").qn("alert-response", "intercepted", ""), StateActed, []string{"withdrawal"}},
		{"withdrawal and hit", raised().crossing().qm("withdrawal", "whole", "").qn("hit", "", ""), StateWithdrawn, nil},
		{"withdrawal and acknowledgement", raised().crossing().qm("withdrawal", "whole", "").qn("acknowledgement", "", ""), StateWithdrawn, []string{"acknowledgement"}},
		{"confirmation and passing", raised().qn("hit", "", "").crossing().qm("hit-confirmation", "confirmed", "hit").qn("alert-response", "passed", ""), StateActed, []string{"hit-confirmation"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := test.s.derive(t)
			var lost []string
			for _, e := range test.s.events {
				if !c.Effects[e.ref()] {
					lost = append(lost, e.Type.Name())
				}
			}
			if c.State != test.state || !slices.Equal(lost, test.lost) {
				t.Fatalf("state %s, without effect %v; want %s, %v", c.State, lost, test.state, test.lost)
			}
		})
	}
}

// An alert ends by itself where nobody has answered it, and only there.
func TestBorderExpiry(t *testing.T) {
	for _, test := range []struct {
		name          string
		s             *script
		before, after State
	}{
		{"raised", raised(), StateRaised, StateExpired},
		{"acknowledged", raised().qn("acknowledgement", "", ""), StateAcknowledged, StateExpired},
		{"false hit", raised().qn("hit", "", "").qm("hit-confirmation", "false-hit", "hit"), StateFalseHit, StateExpired},
		{"hit that waits", raised().qn("hit", "", ""), StateHit, StateHit},
		{"acted", raised().qn("alert-response", "intercepted", ""), StateActed, StateActed},
		{"withdrawn", raised().qm("withdrawal", "whole", ""), StateWithdrawn, StateWithdrawn},
		{"information", newScriptOn(schemas.ChannelBorder).at(dusk).qm("information", "", ""), StateRaised, StateRaised},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := test.s.derive(t)
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
	s := raised().at(night.Add(-time.Minute)).qn("hit", "", "").at(night.Add(time.Minute)).qm("hit-confirmation", "confirmed", "hit")
	if c := s.derive(t).At(s.now); c.State != StateConfirmed {
		t.Errorf("a hit in time, confirmed later: %s", c.State)
	}
	// What was sent after the end has no effect, however the clock of the reader stands.
	s = raised().at(night).qn("alert-response", "intercepted", "")
	if c := s.derive(t); c.State != StateRaised || c.Effects[s.last().ref()] || c.At(night).State != StateExpired {
		t.Errorf("a response after the end: %s", c.State)
	}
	// What was sent before the end counts, although it came later than something sent after it.
	s = raised().crossing().at(night).qm("withdrawal", "whole", "").at(night.Add(-time.Second)).qn("hit", "", "")
	if c := s.derive(t); !c.Effects[s.last().ref()] {
		t.Errorf("a hit in time, crossed by a late withdrawal, has no effect: %s", c.State)
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
			s := newScriptOn(schemas.ChannelBorder).at(dusk).qm("alert", test.expires, "")
			err := CheckExpiry(s.last())
			if refused, ok := errors.AsType[*NotPermittedError](err); ok != test.refused || ok && (refused.Reason != ExpiryOutOfBounds || refused.Hint == "") {
				t.Errorf("%v", err)
			}
			if c := s.derive(t); !c.Expires.Equal(test.ends) {
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
	s := raised().qn("hit", "", "")
	first := s.last().ref()
	s.qm("hit-confirmation", "false-hit", "hit").qn("hit", "", "").qm("hit-confirmation", "confirmed", "hit").qn("alert-response", "intercepted", "")
	if c := s.derive(t); !slices.Equal(c.Erase, []Ref{first}) {
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
