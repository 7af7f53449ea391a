package lifecycle

import (
	"errors"
	"slices"
	"testing"

	"comity/schemas"
)

func requested() *script {
	return newScriptOn(schemas.ChannelRepatriation).qm("nationality-request", "", "")
}

func verified() *script { return requested().qn("nationality-result", "national-confirmed", "") }

func agreed() *script {
	return verified().qm("return-plan", "", "").qn("decision", "accepted", "return-plan")
}

func TestRepatriationStories(t *testing.T) {
	opened := step{qm, "nationality-request", "", "", StateRequested, byRequested}
	acknowledged := step{qn, "acknowledgement", "", "", StateAcknowledged, byRequested}
	confirmed := step{qn, "nationality-result", "national-confirmed", "", StateVerified, byRequesting}
	for name, steps := range map[string][]step{
		"returned and monitored": {
			opened, acknowledged,
			{qn, "nationality-result", "needs-more", "", StateSupplement, byRequesting},
			{qm, "supplement", "", "nationality-result", StateAcknowledged, byRequested},
			confirmed,
			{qm, "travel-document-request", "", "", StateVerified, byRequested},
			{qn, "travel-document-issued", "", "travel-document-request", StateDocumentIssued, byRequesting},
			{qm, "return-plan", "", "", StateDocumentIssued, byRequested},
			{qn, "decision", "accepted", "return-plan", StateReturnAgreed, byRequested},
			{qn, "arrival-confirmation", "", "", StateReturned, byRequested},
			{qn, "reintegration-report", "", "", StateMonitored, byRequesting},
			{qn, "reintegration-report", "", "", StateMonitored, byRequesting},
			{qm, "closure", "", "", StateClosed, Nobody},
		},
		"not a national": {opened, acknowledged, {qn, "nationality-result", "not-national", "", StateNotNational, Nobody}},
		"interview asked for, supplement asked for": {
			opened,
			{qn, "nationality-result", "interview-requested", "", StateSupplement, byRequesting},
			{qm, "supplement", "", "nationality-result", StateAcknowledged, byRequested},
			{qn, "supplement-request", "", "", StateSupplement, byRequesting},
			{qm, "supplement", "", "supplement-request", StateAcknowledged, byRequested},
			{qn, "nationality-result", "permanent-resident-confirmed", "", StateVerified, byRequesting},
		},
		"document postponed, then issued": {
			opened, confirmed,
			{qm, "travel-document-request", "", "", StateVerified, byRequested},
			{qn, "decision", "postponed", "travel-document-request", StateVerified, byRequesting},
			{qn, "travel-document-issued", "", "travel-document-request", StateDocumentIssued, byRequesting},
		},
		"a plan is refused, another agreed, and changed": {
			opened, confirmed,
			{qm, "return-plan", "", "", StateVerified, byRequested},
			{qn, "decision", "refused", "return-plan", StateVerified, byRequesting},
			{qm, "return-plan", "", "", StateVerified, byRequested},
			{qn, "decision", "accepted", "return-plan", StateReturnAgreed, byRequested},
			{qm, "return-plan", "", "", StateVerified, byRequested},
			{qn, "decision", "accepted", "return-plan", StateReturnAgreed, byRequested},
		},
		"withdrawn": {
			opened, confirmed,
			{qm, "withdrawal", "whole", "", StateWithdrawn, byRequested},
			{qn, "withdrawal-confirmation", "", "withdrawal", StateWithdrawn, Nobody},
		},
		"asked for news": {
			opened, acknowledged,
			{qm, "status-query", "", "", StateAcknowledged, byRequested},
			{qn, "status-report", "under-examination", "status-query", StateAcknowledged, byRequested},
		},
	} {
		t.Run(name, func(t *testing.T) { newScriptOn(schemas.ChannelRepatriation).play(t, steps) })
	}
}

func TestRepatriationNotPermitted(t *testing.T) {
	for _, test := range []struct {
		name    string
		after   *script
		side    Side
		typ     schemas.MessageType
		outcome string
		reason  Reason
	}{
		{"a document before the verification", requested(), Requesting, "repatriation.travel-document-request/1", "", WrongState},
		{"a plan before the verification", requested(), Requesting, "repatriation.return-plan/1", "", WrongState},
		{"an arrival that nobody agreed to", verified().qm("return-plan", "", ""), Requested, "repatriation.arrival-confirmation/1", "", WrongState},
		{"agree to one's own plan", verified().qm("return-plan", "", ""), Requesting, "repatriation.decision/1", "accepted", OtherSide},
		{"agree to no plan", verified(), Requested, "repatriation.decision/1", "accepted", NothingToAnswer},
		{"agree to a document", verified().qm("travel-document-request", "", ""), Requested, "repatriation.decision/1", "accepted", NothingToAnswer},
		{"agree twice", agreed(), Requested, "repatriation.decision/1", "accepted", WrongState},
		{"issue what nobody asked for", verified(), Requested, "repatriation.travel-document-issued/1", "", NothingToAnswer},
		{"supplement to a yes", verified(), Requesting, "repatriation.supplement/1", "", WrongState},
		{"report before the return", agreed(), Requested, "repatriation.reintegration-report/1", "", WrongState},
		{"withdraw after the return", agreed().qn("arrival-confirmation", "", ""), Requesting, "repatriation.withdrawal/1", "whole", WrongState},
		{"close before the return", agreed(), Requesting, "repatriation.closure/1", "", WrongState},
		{"verify for the other side", requested(), Requesting, "repatriation.nationality-result/1", "national-confirmed", OtherSide},
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

func TestRepatriationCrossing(t *testing.T) {
	for _, test := range []struct {
		name  string
		s     *script
		state State
		lost  []string
	}{
		{"withdrawal and result", requested().crossing().qn("nationality-result", "national-confirmed", "").qm("withdrawal", "whole", ""), StateWithdrawn, []string{"nationality-result"}},
		{"withdrawal and agreement", verified().qm("return-plan", "", "").crossing().qn("decision", "accepted", "return-plan").qm("withdrawal", "whole", ""), StateWithdrawn, []string{"decision"}},
		{"withdrawal and arrival", agreed().crossing().qm("withdrawal", "whole", "").qn("arrival-confirmation", "", ""), StateReturned, []string{"withdrawal"}},
		{"new plan and agreement to the old", verified().qm("return-plan", "", "").crossing().qn("decision", "accepted", "return-plan").qm("return-plan", "", ""), StateVerified, []string{"decision"}},
		{"supplement and result", requested().qn("supplement-request", "", "").crossing().qn("nationality-result", "national-confirmed", "").qm("supplement", "", "supplement-request"), StateVerified, nil},
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

// The gates stay at home: no state, no message and no word that moves a case tells of one.
func TestGatesAreNotShared(t *testing.T) {
	gates := []State{"gates", "held-at-gate", "held", "gate"}
	for _, s := range repatriationStories() {
		for state := range s.States {
			if slices.Contains(gates, state) {
				t.Errorf("state %s is shared", state)
			}
		}
	}
}
