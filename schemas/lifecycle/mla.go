package lifecycle

import "sync"

// The states of mutual legal assistance (DOMAIN section 3). StateNotAvailable is the end after a decision that says
// no more than that.
const (
	StateUnopened         State = "unopened" // messages are held, but not yet the one that opens the case
	StateSent             State = "sent"
	StateAcknowledged     State = "acknowledged"
	StateSupplement       State = "supplement-pending"
	StateConsulting       State = "consulting"
	StateAccepted         State = "accepted"
	StateConditional      State = "conditional"
	StatePostponed        State = "postponed"
	StateExecuting        State = "executing"
	StateResultSent       State = "result-sent"
	StateResultReceived   State = "result-received"
	StateEvidenceReturned State = "evidence-returned"
	StateClosed           State = "closed"
	StateRefused          State = "refused"
	StateNotAvailable     State = "not-available"
	StateWithdrawn        State = "withdrawn"
)

const (
	byRequesting = Sides(Requesting)
	byRequested  = Sides(Requested)
)

// mlaStories builds the tables once; they are only read.
var mlaStories = sync.OnceValue(func() []*story { return []*story{mlaRequest(), mlaInformation()} })

// mlaRequest is the lifecycle of a request (UNTOC art. 18).
//
// Refusing and postponing (18(26)): the table demands a consultation that the requesting side has answered, and each
// decision uses the consultation up. Only the ground treaty-other, which is not one of article 18, does without. Where
// the requesting side accepts the terms they bind: the case is conditional, and refusing needs a new consultation. A
// side that does not answer keeps the case consulting; it has asked for something and is the one that waits.
//
// Crossing: a withdrawal comes before whatever it crossed, so a decision or a result that crossed it has no effect. A
// supplement or a reply comes before the decision that it crossed; the decision stands if it is still permitted. A
// closure comes after the result that it crossed.
func mlaRequest() *story {
	undecided := []State{StateSent, StateAcknowledged, StateConditional, StatePostponed}
	before := []State{StateSent, StateAcknowledged, StateAccepted, StateConditional, StatePostponed, StateExecuting}
	performing := []State{StateAccepted, StateConditional, StateExecuting}
	open := []State{
		StateSent, StateAcknowledged, StateAccepted, StateConditional, StatePostponed, StateExecuting,
		StateResultSent, StateResultReceived, StateEvidenceReturned,
	}
	waiting := []string{"supplement-request", "consultation"}
	ending := []string{"supplement-request", "consultation", "status-query", "result"}
	return &story{
		Opening: "request",
		Initial: StateSent,
		States: map[State]Sides{
			StateSent: byRequested, StateAcknowledged: byRequested, StateAccepted: byRequested, StateConditional: byRequested,
			StatePostponed: byRequested, StateExecuting: byRequested,
			StateResultSent: byRequesting, StateResultReceived: byRequesting, StateEvidenceReturned: byRequesting,
			StateClosed: Nobody, StateRefused: Nobody, StateNotAvailable: Nobody, StateWithdrawn: Nobody,
		},
		Ends: []State{StateClosed, StateRefused, StateNotAvailable, StateWithdrawn},
		Overlays: []overlay{
			{State: StateConsulting, Asked: "consultation", Mark: consulted, Next: byRequested},
			{State: StateSupplement, Asked: "supplement-request"},
		},
		Precedence: map[string]int{"withdrawal": -1, "closure": 1},
		Rules: []rule{
			{Type: "acknowledgement", By: byRequested, From: []State{StateSent}, To: StateAcknowledged},

			{Type: "supplement-request", By: byRequested, From: before, Asks: true},
			{Type: "supplement", By: byRequesting, From: open, Answers: "supplement-request", Again: true},

			{Type: "consultation", By: byRequested, From: before, Asks: true},
			{Type: "consultation-reply", By: byRequesting, Outcomes: []string{"accept"}, From: before, Answers: "consultation", To: StateConditional, Clears: consulted},
			{Type: "consultation-reply", By: byRequesting, Outcomes: []string{"reject"}, From: before, Answers: "consultation", Sets: consulted},

			{Type: "decision", By: byRequested, Outcomes: []string{"accepted", "partial"}, From: undecided, To: StateAccepted, Clears: consulted, Settles: waiting},
			{Type: "decision", By: byRequested, Outcomes: []string{"conditional"}, From: undecided, To: StateConditional, Clears: consulted, Settles: waiting},
			{Type: "decision", By: byRequested, Outcomes: []string{"postponed"}, From: before, Needs: consulted, To: StatePostponed, Clears: consulted, Settles: waiting},
			{Type: "decision", By: byRequested, Outcomes: []string{"refused"}, From: before, Needs: consulted, To: StateRefused, Clears: consulted, Settles: ending},
			{Type: "decision", By: byRequested, Outcomes: []string{refusedUnderOtherTreaty}, From: before, To: StateRefused, Clears: consulted, Settles: ending},
			{Type: "decision", By: byRequested, Outcomes: []string{"not-available"}, From: before, To: StateNotAvailable, Clears: consulted, Settles: ending},

			{Type: "status-report", By: byRequested, Outcomes: []string{"in-execution"}, From: []State{StateAccepted, StateConditional}, MayAnswer: "status-query", To: StateExecuting, Clears: consulted},
			{Type: "status-report", By: byRequested, From: open, MayAnswer: "status-query"},
			{Type: "status-query", By: byRequesting, From: open, Asks: true},

			{Type: "result", By: byRequested, Outcomes: []string{"partial"}, From: performing, To: StateExecuting, Asks: true, Clears: consulted, Settles: []string{"consultation"}},
			{Type: "result", By: byRequested, Outcomes: []string{"full", "none"}, From: performing, To: StateResultSent, Asks: true, Clears: consulted, Settles: waiting},
			{Type: "result-receipt", By: byRequesting, From: []State{StateResultSent}, Answers: "result", Said: []string{"full", "none"}, To: StateResultReceived, Sets: hasReceived},
			{Type: "result-receipt", By: byRequesting, Answers: "result", Sets: hasReceived},
			{Type: "return-of-evidence", By: byRequesting, Needs: hasReceived, Asks: true},
			{Type: "return-of-evidence", By: byRequesting, From: []State{StateWithdrawn}, Asks: true}, // of a result that crossed the withdrawal
			{Type: "return-receipt", By: byRequested, From: []State{StateResultReceived}, Answers: "return-of-evidence", To: StateEvidenceReturned},
			{Type: "return-receipt", By: byRequested, Answers: "return-of-evidence"},
			{Type: "closure", By: byRequesting, From: []State{StateResultReceived, StateEvidenceReturned}, To: StateClosed, Settles: ending},
			{Type: "closure", By: byRequesting, From: []State{StateExecuting}, Needs: hasReceived, To: StateClosed, Clears: consulted, Settles: ending},

			{Type: "withdrawal", By: byRequesting, Outcomes: []string{"whole"}, From: open, To: StateWithdrawn, Asks: true, Clears: consulted, Settles: ending},
			{Type: "withdrawal", By: byRequesting, Outcomes: []string{"part"}, From: open, Asks: true},
			{Type: "withdrawal-confirmation", By: byRequested, Answers: "withdrawal"},

			{Type: "use-consent-request", By: byRequesting, Needs: hasReceived, Asks: true},
			{Type: "use-consent-decision", By: byRequested, Answers: "use-consent-request"},
			{Type: "exculpatory-notice", By: byRequesting, Needs: hasReceived},
			{Type: "confidentiality-limit", By: byRequested, From: open},
			{Type: "costs-consultation", By: Both, From: open},
		},
	}
}

// mlaInformation is the lifecycle of information given without a request (UNTOC art. 18(4)-(5)). The informing side is
// Requesting, because it opened the case; the duties of a recipient of evidence are those of the other side here.
func mlaInformation() *story {
	open := []State{StateSent, StateAcknowledged}
	ending := []string{"supplement-request"}
	return &story{
		Opening:    "spontaneous-information",
		Initial:    StateSent,
		States:     map[State]Sides{StateSent: byRequested, StateAcknowledged: byRequested, StateClosed: Nobody, StateWithdrawn: Nobody},
		Ends:       []State{StateClosed, StateWithdrawn},
		Overlays:   []overlay{{State: StateSupplement, Asked: "supplement-request"}},
		Precedence: map[string]int{"withdrawal": -1, "closure": 1},
		Rules: []rule{
			{Type: "acknowledgement", By: byRequested, From: []State{StateSent}, To: StateAcknowledged},
			{Type: "supplement-request", By: byRequested, From: open, Asks: true},
			{Type: "supplement", By: byRequesting, From: open, Answers: "supplement-request", Again: true},
			{Type: "use-consent-request", By: byRequested, Asks: true},
			{Type: "use-consent-decision", By: byRequesting, Answers: "use-consent-request"},
			{Type: "exculpatory-notice", By: byRequested},
			{Type: "confidentiality-limit", By: byRequested, From: open},
			{Type: "closure", By: byRequested, From: []State{StateAcknowledged}, To: StateClosed, Settles: ending},
			{Type: "withdrawal", By: byRequesting, Outcomes: []string{"whole"}, From: open, To: StateWithdrawn, Asks: true, Settles: ending},
			{Type: "withdrawal", By: byRequesting, Outcomes: []string{"part"}, From: open, Asks: true},
			{Type: "withdrawal-confirmation", By: byRequested, Answers: "withdrawal"},
		},
	}
}
