package lifecycle

import (
	"fmt"
	"testing"

	"comity/schemas"
)

const (
	traced   = "qm provisional-request; qn acknowledgement"
	frozen   = traced + "; qn freeze-report frozen"
	domestic = frozen + "; qm request domestic-order"
	ordered  = domestic + "; qn status-report domestic-case; qn status-report order"
	realised = frozen + "; qm request enforce-foreign-order; qn status-report order-registered; qn result full"
)

func TestConfiscationStories(t *testing.T) {
	holdStories(t, schemas.ChannelConfiscation, map[string]string{
		"the main path, route (a)": `
			qm provisional-request                   -> tracing, requested
			qn freeze-report frozen                  -> frozen, requesting
			qm request domestic-order                -> frozen, requested
			qn status-report domestic-case           -> domestic-case, requested
			qn status-report order                   -> order, requested
			qn result full                           -> realised, requesting
			qm result-receipt to result              -> realised, requesting
			qm disposal-request                      -> disposal-consultation, requested
			qn disposal-decision to disposal-request -> disposed, requesting
			qm closure                               -> closed, nobody
		`,
		"the main path, route (b), opened by the request": `
			qm request enforce-foreign-order  -> tracing, requested
			qn acknowledgement                -> tracing, requested
			qn decision accepted              -> tracing, requested
			qn freeze-report seized           -> frozen, requested
			qn status-report order-registered -> order-registered, requested
			qn result partial                 -> order-registered, both
			qn result full                    -> realised, requesting
			qn disposal-decision              -> disposed, requesting
			qm closure                        -> closed, nobody
		`,
		"traced only": `
			qm provisional-request      -> tracing, requested
			qn result provisional       -> tracing, both
			qm result-receipt to result -> tracing, requested
			qm closure                  -> closed, nobody
		`,
		"expiring, prolonged": `
			qm provisional-request                         -> tracing, requested
			qn freeze-report frozen                        -> frozen, requesting
			qn freeze-report expiring                      -> freeze-expiring, requesting
			qm extension-request                           -> freeze-expiring, both
			qn freeze-report extended to extension-request -> frozen, requesting
		`,
		"expired, released, frozen again": `
			qm provisional-request            -> tracing, requested
			qn freeze-report frozen           -> frozen, requesting
			qn freeze-report expiring         -> freeze-expiring, requesting
			qn freeze-report released         -> released, requesting
			qm request enforce-foreign-order  -> released, requested
			qn freeze-report frozen           -> frozen, requested
			qn status-report order-registered -> order-registered, requested
		`,
		"released at the end": `
			qm provisional-request    -> tracing, requested
			qn freeze-report frozen   -> frozen, requesting
			qn freeze-report released -> released, requesting
			qm closure                -> closed, nobody
		`,
		"claim of a third party": `
			qm provisional-request             -> tracing, requested
			qn freeze-report frozen            -> frozen, requesting
			qm request domestic-order          -> frozen, requested
			qn status-report domestic-case     -> domestic-case, requested
			qn status-report third-party-claim -> third-party-claim, requested
			qn status-report order             -> third-party-claim, requested
			qn freeze-report released-in-part  -> third-party-claim, requested
			qn status-report claims-settled    -> order, requested
			qn result full                     -> realised, requesting
		`,
		"the court grants no order": `
			qm provisional-request         -> tracing, requested
			qn freeze-report frozen        -> frozen, requesting
			qm request domestic-order      -> frozen, requested
			qn status-report domestic-case -> domestic-case, requested
			qn result none                 -> not-realised, requesting
			qm result-receipt to result    -> not-realised, requesting
			qm closure                     -> closed, nobody
			qn freeze-report released      -> closed, nobody
		`,
		"refused after a consultation, then released": `
			qm provisional-request                       -> tracing, requested
			qn freeze-report frozen                      -> frozen, requesting
			qm request domestic-order                    -> frozen, requested
			qn consultation                              -> consulting, requesting
			qm consultation-reply reject to consultation -> consulting, requested
			qn decision refused                          -> refused, nobody
			qn freeze-report released                    -> refused, nobody
		`,
		"withdrawn, released": `
			qm provisional-request                   -> tracing, requested
			qn freeze-report frozen                  -> frozen, requesting
			qm withdrawal whole                      -> withdrawn, requested
			qn withdrawal-confirmation to withdrawal -> withdrawn, nobody
			qn freeze-report released                -> withdrawn, nobody
		`,
	})
}

func TestConfiscationNotPermitted(t *testing.T) {
	holdRefusals(t, schemas.ChannelConfiscation, []refusal{
		{"a domestic case that nobody asked for", frozen, "qn status-report domestic-case", StepMissing},
		{"the other route", domestic, "qn status-report order-registered", StepMissing},
		{"the other route, of a case that the request opened", "qm request enforce-foreign-order", "qn status-report domestic-case", UnknownMessage},
		{"an order without a case", domestic, "qn status-report order", WrongState},
		{"ask twice", domestic, "qm request enforce-foreign-order", StandsAgainst},
		{"ask twice in a case that the request opened", "qm request domestic-order", "qm request enforce-foreign-order", AlreadyOpen},
		{"ask for the other side", frozen, "qn request domestic-order", OtherSide},
		{"provisional measures in a case", frozen, "qm provisional-request", AlreadyOpen},
		{"realise without an order", domestic, "qn result full", WrongState},
		{"realise against an open claim", ordered + "; qn status-report third-party-claim", "qn result full", StandsAgainst},
		{"settle no claim", ordered, "qn status-report claims-settled", StepMissing},
		{"prolong what is not frozen", traced, "qn freeze-report extended", WrongState},
		{"release what is not frozen", traced, "qn freeze-report released", WrongState},
		{"dispose before it is realised", ordered, "qn disposal-decision", WrongState},
		{"ask for the disposal of nothing", ordered, "qm disposal-request", WrongState},
		{"refuse without consulting", domestic, "qn decision refused", ConsultFirst},
		{"close what nobody traced", traced, "qm closure", NothingReceived},
		{"withdraw what was realised", ordered + "; qn result full", "qm withdrawal whole", WrongState},
	})
}

func TestConfiscationCrossing(t *testing.T) {
	holdCrossings(t, schemas.ChannelConfiscation, []crossing{
		{"withdrawal and freeze", traced + " >< qm withdrawal whole; qn freeze-report frozen", "withdrawn, requested", "freeze-report"},
		{"request and release", frozen + " >< qm request domestic-order; qn freeze-report released", "released, requested", ""},
		{"request and expiry", frozen + " >< qm request enforce-foreign-order; qn freeze-report expiring", "freeze-expiring, requesting", ""},
		{"what was asked and a decision that did not consider it", realised + " >< qm disposal-request; qn disposal-decision", "disposal-consultation, both", "disposal-decision"},
		{"closure and claim", realised + "; qm result-receipt to result >< qm closure; qn status-report third-party-claim", "closed, nobody", ""},
	})
}

// What opens a case is the message that names none, even where one that could have opened it has a lower number.
func TestContinuingIsNotOpening(t *testing.T) {
	s := told(t, schemas.ChannelConfiscation, "")
	s.sent[qm], s.sent[qn] = 40, 2
	s.tell(`
		qm provisional-request
		qn request domestic-order -| tracing, requested
	`)
	if got := fmt.Sprint(Case{Channel: schemas.ChannelConfiscation}.Next(Requesting)); got != "[confiscation.provisional-request/1 confiscation.request/1]" {
		t.Fatalf("openings are %s", got)
	}
}

func TestConfiscationEssence(t *testing.T) {
	holdEssences(t, map[schemas.MessageType]string{
		"confiscation.request/1":             routeForeign,
		"confiscation.provisional-request/1": "",
		"confiscation.freeze-report/1":       "frozen",
		"confiscation.status-report/1":       "order-registered",
		"confiscation.result/1":              "full",
		"confiscation.decision/1":            "refused",
		"confiscation.disposal-decision/1":   "",
	})
	traced := &schemas.Payload{Channel: schemas.ChannelConfiscation, Type: "confiscation.result/1", Body: []byte(`{"phase":"provisional-measures","extent":"full"}`)}
	if got, err := Essence(traced); err != nil || got != provisionalResult {
		t.Errorf("a result of tracing: %q, %v", got, err)
	}
}
