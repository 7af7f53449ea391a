package lifecycle

import (
	"slices"
	"testing"

	"comity/schemas"
)

const (
	requested = "qm nationality-request"
	verified  = requested + "; qn nationality-result national-confirmed"
	agreed    = verified + "; qm return-plan; qn decision accepted to return-plan"
)

func TestRepatriationStories(t *testing.T) {
	holdStories(t, schemas.ChannelRepatriation, map[string]string{
		"returned and monitored": `
			qm nationality-request                               -> requested, requested
			qn acknowledgement                                   -> acknowledged, requested
			qn nationality-result needs-more                     -> supplement-pending, requesting
			qm supplement to nationality-result                  -> acknowledged, requested
			qn nationality-result national-confirmed             -> verified, requesting
			qm travel-document-request                           -> verified, requested
			qn travel-document-issued to travel-document-request -> document-issued, requesting
			qm return-plan                                       -> document-issued, requested
			qn decision accepted to return-plan                  -> return-agreed, requested
			qn arrival-confirmation                              -> returned, requested
			qn reintegration-report                              -> monitored, requesting
			qn reintegration-report                              -> monitored, requesting
			qm closure                                           -> closed, nobody
		`,
		"not a national": `
			qm nationality-request             -> requested, requested
			qn acknowledgement                 -> acknowledged, requested
			qn nationality-result not-national -> not-national, nobody
		`,
		"interview asked for, supplement asked for": `
			qm nationality-request                             -> requested, requested
			qn nationality-result interview-requested          -> supplement-pending, requesting
			qm supplement to nationality-result                -> acknowledged, requested
			qn supplement-request                              -> supplement-pending, requesting
			qm supplement to supplement-request                -> acknowledged, requested
			qn nationality-result permanent-resident-confirmed -> verified, requesting
		`,
		"document postponed, then issued": `
			qm nationality-request                               -> requested, requested
			qn nationality-result national-confirmed             -> verified, requesting
			qm travel-document-request                           -> verified, requested
			qn decision postponed to travel-document-request     -> verified, requesting
			qn travel-document-issued to travel-document-request -> document-issued, requesting
		`,
		"a plan is refused, another agreed, and changed": `
			qm nationality-request                   -> requested, requested
			qn nationality-result national-confirmed -> verified, requesting
			qm return-plan                           -> verified, requested
			qn decision refused to return-plan       -> verified, requesting
			qm return-plan                           -> verified, requested
			qn decision accepted to return-plan      -> return-agreed, requested
			qm return-plan                           -> verified, requested
			qn decision accepted to return-plan      -> return-agreed, requested
		`,
		"withdrawn": `
			qm nationality-request                   -> requested, requested
			qn nationality-result national-confirmed -> verified, requesting
			qm withdrawal whole                      -> withdrawn, requested
			qn withdrawal-confirmation to withdrawal -> withdrawn, nobody
		`,
		"asked for news": `
			qm nationality-request                             -> requested, requested
			qn acknowledgement                                 -> acknowledged, requested
			qm status-query                                    -> acknowledged, requested
			qn status-report under-examination to status-query -> acknowledged, requested
		`,
	})
}

func TestRepatriationNotPermitted(t *testing.T) {
	holdRefusals(t, schemas.ChannelRepatriation, []refusal{
		{"a document before the verification", requested, "qm travel-document-request", WrongState},
		{"a plan before the verification", requested, "qm return-plan", WrongState},
		{"an arrival that nobody agreed to", verified + "; qm return-plan", "qn arrival-confirmation", WrongState},
		{"agree to one's own plan", verified + "; qm return-plan", "qm decision accepted", OtherSide},
		{"agree to no plan", verified, "qn decision accepted", NothingToAnswer},
		{"agree to a document", verified + "; qm travel-document-request", "qn decision accepted", NothingToAnswer},
		{"agree twice", agreed, "qn decision accepted", WrongState},
		{"issue what nobody asked for", verified, "qn travel-document-issued", NothingToAnswer},
		{"supplement to a yes", verified, "qm supplement", WrongState},
		{"report before the return", agreed, "qn reintegration-report", WrongState},
		{"withdraw after the return", agreed + "; qn arrival-confirmation", "qm withdrawal whole", WrongState},
		{"close before the return", agreed, "qm closure", WrongState},
		{"verify for the other side", requested, "qm nationality-result national-confirmed", OtherSide},
	})
}

func TestRepatriationCrossing(t *testing.T) {
	holdCrossings(t, schemas.ChannelRepatriation, []crossing{
		{"withdrawal and result", requested + " >< qn nationality-result national-confirmed; qm withdrawal whole", "withdrawn, requested", "nationality-result"},
		{"withdrawal and agreement", verified + "; qm return-plan >< qn decision accepted to return-plan; qm withdrawal whole", "withdrawn, requested", "decision"},
		{"withdrawal and arrival", agreed + " >< qm withdrawal whole; qn arrival-confirmation", "returned, requested", "withdrawal"},
		{"new plan and agreement to the old", verified + "; qm return-plan >< qn decision accepted to return-plan; qm return-plan", "verified, requested", "decision"},
		{"supplement and result", requested + "; qn supplement-request >< qn nationality-result national-confirmed; qm supplement to supplement-request", "verified, requesting", ""},
	})
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
