package lifecycle

import "sync"

// The states of repatriation (DOMAIN section 3) that other channels do not have.
//
// The gates (voluntary, risk assessment, right to asylum, proceedings, best interests) have no state here. They are
// checked at home before a message leaves, and their outcome must not be seen by the other side: a state such as
// held-at-gate, shared, would tell the State of origin that something about the person stands against a return. A case
// that waits at a gate looks like one that nobody has worked on.
const (
	StateRequested      State = "requested"
	StateVerified       State = "verified"
	StateDocumentIssued State = "document-issued"
	StateReturnAgreed   State = "return-agreed"
	StateReturned       State = "returned"
	StateMonitored      State = "monitored"
	StateNotNational    State = "not-national"
)

// documentIssued: the State of origin has issued a travel document.
const documentIssued mark = 1 << firstOwnMark

// repatriationStories builds the tables once; they are only read.
var repatriationStories = sync.OnceValue(func() []*story { return []*story{repatriationReturn()} })

func repatriationEssence() map[string]string {
	return map[string]string{"nationality-result": "outcome"}
}

// repatriationReturn is the lifecycle of a verification and of the return that may follow it (Trafficking Protocol
// art. 8). The State where the person is now is Requesting, the State of origin Requested.
//
// Nothing follows from silence: the case is verified by a result that says so, and a return is agreed by a decision that
// accepts one plan. A new plan after that needs a new decision. A person who holds a document needs none, so a plan may
// follow the verification directly.
//
// Withdrawal is the one neutral message and possible in each state until the person has returned. It comes before
// whatever it crossed, but for the confirmation of an arrival, which is a fact.
func repatriationReturn() *story {
	verifying := []State{StateRequested, StateAcknowledged}
	planning := []State{StateVerified, StateDocumentIssued, StateReturnAgreed}
	before := []State{StateRequested, StateAcknowledged, StateVerified, StateDocumentIssued, StateReturnAgreed}
	after := []State{StateReturned, StateMonitored}
	open := append(append([]State{}, before...), after...)
	asked := []string{"supplement-request", "nationality-result"}
	ending := []string{"supplement-request", "nationality-result", "travel-document-request", "return-plan", "status-query"}
	return &story{
		Opening: "nationality-request",
		Initial: StateRequested,
		States: map[State]Sides{
			StateRequested: byRequested, StateAcknowledged: byRequested, StateVerified: byRequesting, StateDocumentIssued: byRequesting,
			StateReturnAgreed: byRequested, StateReturned: byRequested, StateMonitored: byRequesting,
			StateClosed: Nobody, StateNotNational: Nobody, StateWithdrawn: Nobody,
		},
		Ends: []State{StateClosed, StateNotNational, StateWithdrawn},
		Overlays: []overlay{
			{State: StateSupplement, In: verifying, Asked: "nationality-result"},
			{State: StateSupplement, In: verifying, Asked: "supplement-request"},
			{In: []State{StateVerified, StateDocumentIssued}, Asked: "return-plan"},
			{In: []State{StateVerified}, Asked: "travel-document-request"},
		},
		Precedence: map[string]int{"arrival-confirmation": -2, "withdrawal": -1, "closure": 1},
		Rules: []rule{
			{Type: "acknowledgement", By: byRequested, From: []State{StateRequested}, To: StateAcknowledged},

			{Type: "supplement-request", By: byRequested, From: verifying, Asks: true},
			{Type: "supplement", By: byRequesting, From: verifying, Answers: "supplement-request"},
			{Type: "supplement", By: byRequesting, From: verifying, Answers: "nationality-result", Said: []string{"needs-more", "interview-requested"}},

			{Type: "nationality-result", By: byRequested, Outcomes: []string{"national-confirmed", "permanent-resident-confirmed"}, From: verifying, To: StateVerified, Settles: asked},
			{Type: "nationality-result", By: byRequested, Outcomes: []string{"not-national"}, From: verifying, To: StateNotNational, Settles: ending},
			{Type: "nationality-result", By: byRequested, Outcomes: []string{"needs-more", "interview-requested"}, From: verifying, To: StateAcknowledged, Asks: true},

			{Type: "travel-document-request", By: byRequesting, From: []State{StateVerified, StateDocumentIssued}, Asks: true},
			{Type: "travel-document-issued", By: byRequested, From: []State{StateVerified}, Answers: "travel-document-request", Again: true, To: StateDocumentIssued, Sets: documentIssued},
			{Type: "travel-document-issued", By: byRequested, From: []State{StateDocumentIssued, StateReturnAgreed}, Answers: "travel-document-request", Again: true, Sets: documentIssued},

			{Type: "return-plan", By: byRequesting, From: []State{StateVerified, StateDocumentIssued}, Asks: true, Settles: []string{"return-plan"}},
			// Plans changed: nothing is agreed any more.
			{Type: "return-plan", By: byRequesting, From: []State{StateReturnAgreed}, Needs: documentIssued, To: StateDocumentIssued, Asks: true},
			{Type: "return-plan", By: byRequesting, From: []State{StateReturnAgreed}, Bars: documentIssued, To: StateVerified, Asks: true},
			{Type: "decision", By: byRequested, Outcomes: []string{"accepted"}, From: []State{StateVerified, StateDocumentIssued}, Answers: "return-plan", To: StateReturnAgreed, Settles: []string{"return-plan"}},
			{Type: "decision", By: byRequested, Outcomes: []string{"postponed", "refused", "not-available"}, From: planning, Answers: "return-plan"},
			{Type: "decision", By: byRequested, Outcomes: []string{"postponed", "refused", "not-available"}, From: planning, Answers: "travel-document-request"},

			{Type: "arrival-confirmation", By: byRequested, From: []State{StateReturnAgreed}, To: StateReturned},
			{Type: "reintegration-report", By: byRequested, From: []State{StateReturned}, To: StateMonitored},
			{Type: "reintegration-report", By: byRequested, From: []State{StateMonitored}},
			{Type: "closure", By: byRequesting, From: after, To: StateClosed, Settles: ending},

			{Type: "status-query", By: byRequesting, From: open, Asks: true},
			{Type: "status-report", By: byRequested, From: open, MayAnswer: "status-query"},
			{Type: "withdrawal", By: byRequesting, Outcomes: []string{"whole"}, From: before, To: StateWithdrawn, Asks: true, Settles: ending},
			{Type: "withdrawal-confirmation", By: byRequested, Answers: "withdrawal"},
		},
	}
}
