package lifecycle

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"comity/schemas"
)

func traced() *script {
	return newScriptOn(schemas.ChannelConfiscation).qm("provisional-request", "", "").qn("acknowledgement", "", "")
}

func TestConfiscationStories(t *testing.T) {
	provisional := step{qm, "provisional-request", "", "", StateTracing, byRequested}
	frozen := step{qn, "freeze-report", "frozen", "", StateFrozen, byRequesting}
	domestic := step{qm, "request", routeDomestic, "", StateFrozen, byRequested}
	for name, steps := range map[string][]step{
		"the main path, route (a)": {
			provisional, frozen, domestic,
			{qn, "status-report", "domestic-case", "", StateDomesticCase, byRequested},
			{qn, "status-report", "order", "", StateOrder, byRequested},
			{qn, "result", "full", "", StateRealised, byRequesting},
			{qm, "result-receipt", "", "result", StateRealised, byRequesting},
			{qm, "disposal-request", "", "", StateDisposalConsults, byRequested},
			{qn, "disposal-decision", "", "disposal-request", StateDisposed, byRequesting},
			{qm, "closure", "", "", StateClosed, Nobody},
		},
		"the main path, route (b), opened by the request": {
			{qm, "request", routeForeign, "", StateTracing, byRequested},
			{qn, "acknowledgement", "", "", StateTracing, byRequested},
			{qn, "decision", "accepted", "", StateTracing, byRequested},
			{qn, "freeze-report", "seized", "", StateFrozen, byRequested},
			{qn, "status-report", "order-registered", "", StateOrderRegistered, byRequested},
			{qn, "result", "partial", "", StateOrderRegistered, Both},
			{qn, "result", "full", "", StateRealised, byRequesting},
			{qn, "disposal-decision", "", "", StateDisposed, byRequesting},
			{qm, "closure", "", "", StateClosed, Nobody},
		},
		"traced only": {
			provisional,
			{qn, "result", provisionalResult, "", StateTracing, Both},
			{qm, "result-receipt", "", "result", StateTracing, byRequested},
			{qm, "closure", "", "", StateClosed, Nobody},
		},
		"expiring, prolonged": {
			provisional, frozen,
			{qn, "freeze-report", "expiring", "", StateFreezeExpiring, byRequesting},
			{qm, "extension-request", "", "", StateFreezeExpiring, Both},
			{qn, "freeze-report", "extended", "extension-request", StateFrozen, byRequesting},
		},
		"expired, released, frozen again": {
			provisional, frozen,
			{qn, "freeze-report", "expiring", "", StateFreezeExpiring, byRequesting},
			{qn, "freeze-report", "released", "", StateReleased, byRequesting},
			{qm, "request", routeForeign, "", StateReleased, byRequested},
			{qn, "freeze-report", "frozen", "", StateFrozen, byRequested},
			{qn, "status-report", "order-registered", "", StateOrderRegistered, byRequested},
		},
		"released at the end": {
			provisional, frozen,
			{qn, "freeze-report", "released", "", StateReleased, byRequesting},
			{qm, "closure", "", "", StateClosed, Nobody},
		},
		"claim of a third party": {
			provisional, frozen, domestic,
			{qn, "status-report", "domestic-case", "", StateDomesticCase, byRequested},
			{qn, "status-report", "third-party-claim", "", StateThirdPartyClaim, byRequested},
			{qn, "status-report", "order", "", StateThirdPartyClaim, byRequested},
			{qn, "freeze-report", "released-in-part", "", StateThirdPartyClaim, byRequested},
			{qn, "status-report", "claims-settled", "", StateOrder, byRequested},
			{qn, "result", "full", "", StateRealised, byRequesting},
		},
		"the court grants no order": {
			provisional, frozen, domestic,
			{qn, "status-report", "domestic-case", "", StateDomesticCase, byRequested},
			{qn, "result", "none", "", StateNotRealised, byRequesting},
			{qm, "result-receipt", "", "result", StateNotRealised, byRequesting},
			{qm, "closure", "", "", StateClosed, Nobody},
			{qn, "freeze-report", "released", "", StateClosed, Nobody},
		},
		"refused after a consultation, then released": {
			provisional, frozen, domestic,
			{qn, "consultation", "", "", StateConsulting, byRequesting},
			{qm, "consultation-reply", "reject", "consultation", StateConsulting, byRequested},
			{qn, "decision", "refused", "", StateRefused, Nobody},
			{qn, "freeze-report", "released", "", StateRefused, Nobody},
		},
		"withdrawn, released": {
			provisional, frozen,
			{qm, "withdrawal", "whole", "", StateWithdrawn, byRequested},
			{qn, "withdrawal-confirmation", "", "withdrawal", StateWithdrawn, Nobody},
			{qn, "freeze-report", "released", "", StateWithdrawn, Nobody},
		},
	} {
		t.Run(name, func(t *testing.T) { newScriptOn(schemas.ChannelConfiscation).play(t, steps) })
	}
}

func TestConfiscationNotPermitted(t *testing.T) {
	frozen := func() *script { return traced().qn("freeze-report", "frozen", "") }
	domestic := func() *script { return frozen().qm("request", routeDomestic, "") }
	ordered := func() *script {
		return domestic().qn("status-report", "domestic-case", "").qn("status-report", "order", "")
	}
	requested := func(route string) *script {
		return newScriptOn(schemas.ChannelConfiscation).qm("request", route, "")
	}
	for _, test := range []struct {
		name    string
		after   *script
		side    Side
		typ     schemas.MessageType
		outcome string
		reason  Reason
	}{
		{"a domestic case that nobody asked for", frozen(), Requested, "confiscation.status-report/1", "domestic-case", StepMissing},
		{"the other route", domestic(), Requested, "confiscation.status-report/1", "order-registered", StepMissing},
		{"the other route, of a case that the request opened", requested(routeForeign), Requested, "confiscation.status-report/1", "domestic-case", UnknownMessage},
		{"an order without a case", domestic(), Requested, "confiscation.status-report/1", "order", WrongState},
		{"ask twice", domestic(), Requesting, "confiscation.request/1", routeForeign, StandsAgainst},
		{"ask twice in a case that the request opened", requested(routeDomestic), Requesting, "confiscation.request/1", routeForeign, AlreadyOpen},
		{"ask for the other side", frozen(), Requested, "confiscation.request/1", routeDomestic, OtherSide},
		{"provisional measures in a case", frozen(), Requesting, "confiscation.provisional-request/1", "", AlreadyOpen},
		{"realise without an order", domestic(), Requested, "confiscation.result/1", "full", WrongState},
		{"realise against an open claim", ordered().qn("status-report", "third-party-claim", ""), Requested, "confiscation.result/1", "full", StandsAgainst},
		{"settle no claim", ordered(), Requested, "confiscation.status-report/1", "claims-settled", StepMissing},
		{"prolong what is not frozen", traced(), Requested, "confiscation.freeze-report/1", "extended", WrongState},
		{"release what is not frozen", traced(), Requested, "confiscation.freeze-report/1", "released", WrongState},
		{"dispose before it is realised", ordered(), Requested, "confiscation.disposal-decision/1", "", WrongState},
		{"ask for the disposal of nothing", ordered(), Requesting, "confiscation.disposal-request/1", "", WrongState},
		{"refuse without consulting", domestic(), Requested, "confiscation.decision/1", "refused", ConsultFirst},
		{"close what nobody traced", traced(), Requesting, "confiscation.closure/1", "", NothingReceived},
		{"withdraw what was realised", ordered().qn("result", "full", ""), Requesting, "confiscation.withdrawal/1", "whole", WrongState},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.after.derive(t).Permits(test.side, test.typ, test.outcome)
			refused, ok := errors.AsType[*NotPermittedError](err)
			if !ok || refused.Reason != test.reason || refused.Hint == "" {
				t.Fatalf("got %#v, want reason %s and a hint", err, test.reason)
			}
		})
	}
}

func TestConfiscationCrossing(t *testing.T) {
	frozen := func() *script { return traced().qn("freeze-report", "frozen", "") }
	realised := func() *script {
		return frozen().qm("request", routeForeign, "").qn("status-report", "order-registered", "").qn("result", "full", "")
	}
	for _, test := range []struct {
		name  string
		s     *script
		state State
		lost  []string
	}{
		{"withdrawal and freeze", traced().crossing().qm("withdrawal", "whole", "").qn("freeze-report", "frozen", ""), StateWithdrawn, []string{"freeze-report"}},
		{"request and release", frozen().crossing().qm("request", routeDomestic, "").qn("freeze-report", "released", ""), StateReleased, nil},
		{"request and expiry", frozen().crossing().qm("request", routeForeign, "").qn("freeze-report", "expiring", ""), StateFreezeExpiring, nil},
		{"what was asked and a decision that did not consider it", realised().crossing().qm("disposal-request", "", "").qn("disposal-decision", "", ""), StateDisposalConsults, []string{"disposal-decision"}},
		{"closure and claim", realised().qm("result-receipt", "", "result").crossing().qm("closure", "", "").qn("status-report", "third-party-claim", ""), StateClosed, nil},
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

// What opens a case is the message that names none, even where one that could have opened it has a lower number.
func TestContinuingIsNotOpening(t *testing.T) {
	s := newScriptOn(schemas.ChannelConfiscation)
	s.sent[qm], s.sent[qn] = 40, 2
	s.qm("provisional-request", "", "").qn("request", routeDomestic, "")
	c := s.derive(t)
	if c.Requesting != qm || c.State != StateTracing || c.Effects[s.last().ref()] {
		t.Fatalf("%s opened it, it is %s", c.Requesting, c.State)
	}
	if got := fmt.Sprint(Case{Channel: schemas.ChannelConfiscation}.Next(Requesting)); got != "[confiscation.provisional-request/1 confiscation.request/1]" {
		t.Fatalf("openings are %s", got)
	}
}

func TestConfiscationEssence(t *testing.T) {
	for typ, want := range map[schemas.MessageType]string{
		"confiscation.request/1":             routeForeign,
		"confiscation.provisional-request/1": "",
		"confiscation.freeze-report/1":       "frozen",
		"confiscation.status-report/1":       "order-registered",
		"confiscation.result/1":              "full",
		"confiscation.decision/1":            "refused",
		"confiscation.disposal-decision/1":   "",
	} {
		p, err := schemas.Validate(schemas.Example(typ))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Essence(p); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", typ, got, err, want)
		}
	}
	traced := &schemas.Payload{Channel: schemas.ChannelConfiscation, Type: "confiscation.result/1", Body: []byte(`{"phase":"provisional-measures","extent":"full"}`)}
	if got, err := Essence(traced); err != nil || got != provisionalResult {
		t.Errorf("a result of tracing: %q, %v", got, err)
	}
}
