package lifecycle

import (
	"sync"
	"time"
)

// The states of the border channel (DOMAIN section 3) that other channels do not have. StateExpired is the end of an
// alert whose time is over; StateFalseHit is shown until the alert is hit again, answered or over.
const (
	StateRaised     State = "raised"
	StateHit        State = "hit"
	StateConfirmed  State = "confirmed"
	StateFalseHit   State = "false-hit"
	StateActed      State = "acted"
	StateHandedOver State = "handed-over"
	StateExpired    State = "expired"
)

// MaxAlertLife bounds an alert. It is part of what both sides compute, so it is no setting of one authority.
const MaxAlertLife = 72 * time.Hour

// borderStories builds the tables once; they are only read.
var borderStories = sync.OnceValue(func() []*story {
	return []*story{borderAlert(), borderDocumentCheck(), borderNotice("information"), borderNotice("carrier-notice"), borderNotice("entry-denial-information")}
})

func borderEssence() map[string]string {
	return map[string]string{
		"alert": "expires_at", "alert-response": "outcome", "hit-confirmation": "outcome",
	}
}

// borderAlert is the lifecycle of an alert (Trafficking Protocol arts. 10(1), 11(6)). The side that raised it is
// Requesting.
//
// A hit is provisional. Until its author's confirmation the table lets the side that found it report that it passed, and
// nothing else: the one thing that is done meanwhile is safeguarding, which the hit itself tells. A false hit does not
// end the alert, because what was meant may still come; what the hit said is to be erased at both sides (Case.Erase).
//
// An alert ends by itself (Expires). A hit that waits for its confirmation outlives the alert, and so does whatever was
// confirmed or done: only an alert that nobody has answered lapses.
//
// Crossing: a withdrawal comes before whatever it crossed, except that an interception or a hit is a fact: it comes
// before the withdrawal and stands. What was intercepted is then handed over or closed, not withdrawn.
func borderAlert() *story {
	watching := []State{StateRaised, StateAcknowledged, StateFalseHit}
	open := []State{StateRaised, StateAcknowledged, StateHit, StateConfirmed, StateFalseHit, StateActed, StateHandedOver}
	ending := []string{"hit", "status-query"}
	return &story{
		Opening: "alert",
		Initial: StateRaised,
		Expires: MaxAlertLife,
		Lapses:  watching,
		States: map[State]Sides{
			StateRaised: byRequested, StateAcknowledged: byRequested, StateFalseHit: byRequested, StateConfirmed: byRequested,
			StateHit: byRequesting, StateActed: Both, StateHandedOver: byRequesting,
			StateClosed: Nobody, StateWithdrawn: Nobody,
		},
		Ends:       []State{StateClosed, StateWithdrawn},
		Precedence: map[string]int{"hit": -2, "alert-response": -2, "withdrawal": -1, "closure": 1},
		Rules: []rule{
			{Type: "acknowledgement", By: byRequested, From: []State{StateRaised}, To: StateAcknowledged},
			{Type: "hit", By: byRequested, From: watching, To: StateHit, Asks: true},
			{Type: "hit-confirmation", By: byRequesting, Outcomes: []string{"confirmed"}, From: []State{StateHit}, Answers: "hit", To: StateConfirmed},
			{Type: "hit-confirmation", By: byRequesting, Outcomes: []string{"false-hit"}, From: []State{StateHit}, Answers: "hit", To: StateFalseHit, Erases: true},

			{Type: "alert-response", By: byRequested, Outcomes: []string{"intercepted"}, From: []State{StateRaised, StateAcknowledged, StateFalseHit, StateConfirmed}, To: StateActed},
			{Type: "alert-response", By: byRequested, Outcomes: []string{"passed"}, From: []State{StateRaised, StateAcknowledged, StateFalseHit, StateHit, StateConfirmed}, To: StateActed, Settles: []string{"hit"}},
			{Type: "alert-response", By: byRequested, Outcomes: []string{"not-seen"}, From: []State{StateRaised}, To: StateAcknowledged},
			{Type: "alert-response", By: byRequested, Outcomes: []string{"not-seen"}, From: []State{StateAcknowledged, StateFalseHit}},
			{Type: "urgent-handover", By: byRequested, From: []State{StateConfirmed, StateActed}, To: StateHandedOver},
			{Type: "urgent-handover", By: byRequesting, From: []State{StateActed}, To: StateHandedOver},
			{Type: "closure", By: Both, From: []State{StateActed, StateHandedOver}, To: StateClosed, Settles: ending},

			{Type: "withdrawal", By: byRequesting, Outcomes: []string{"whole"}, From: []State{StateRaised, StateAcknowledged, StateHit, StateConfirmed, StateFalseHit}, To: StateWithdrawn, Asks: true, Settles: ending},
			{Type: "withdrawal-confirmation", By: byRequested, Answers: "withdrawal"},
			{Type: "status-query", By: byRequesting, From: open, Asks: true},
			{Type: "status-report", By: byRequested, From: open, MayAnswer: "status-query"},
		},
	}
}

// borderDocumentCheck is the lifecycle of a question about a document (Trafficking Protocol art. 13). The result ends
// it: a check leaves nothing to be decided.
func borderDocumentCheck() *story {
	open := []State{StateRaised, StateAcknowledged}
	ending := []string{"status-query"}
	return &story{
		Opening:    "document-check-request",
		Initial:    StateRaised,
		States:     map[State]Sides{StateRaised: byRequested, StateAcknowledged: byRequested, StateClosed: Nobody, StateWithdrawn: Nobody},
		Ends:       []State{StateClosed, StateWithdrawn},
		Precedence: map[string]int{"withdrawal": -1},
		Rules: []rule{
			{Type: "acknowledgement", By: byRequested, From: []State{StateRaised}, To: StateAcknowledged},
			{Type: "document-check-result", By: byRequested, From: open, To: StateClosed, Settles: ending},
			{Type: "withdrawal", By: byRequesting, Outcomes: []string{"whole"}, From: open, To: StateWithdrawn, Asks: true, Settles: ending},
			{Type: "withdrawal-confirmation", By: byRequested, Answers: "withdrawal"},
			{Type: "status-query", By: byRequesting, From: open, Asks: true},
			{Type: "status-report", By: byRequested, From: open, MayAnswer: "status-query"},
		},
	}
}

// borderNotice is the lifecycle of what a border agency tells without being asked (Trafficking Protocol arts. 10(1),
// 11(2) to (5)). The informed side closes it; a mistake is withdrawn.
func borderNotice(opening string) *story {
	open := []State{StateRaised, StateAcknowledged}
	ending := []string{"status-query"}
	return &story{
		Opening:    opening,
		Initial:    StateRaised,
		States:     map[State]Sides{StateRaised: byRequested, StateAcknowledged: byRequested, StateClosed: Nobody, StateWithdrawn: Nobody},
		Ends:       []State{StateClosed, StateWithdrawn},
		Precedence: map[string]int{"withdrawal": -1, "closure": 1},
		Rules: []rule{
			{Type: "acknowledgement", By: byRequested, From: []State{StateRaised}, To: StateAcknowledged},
			{Type: "closure", By: byRequested, From: []State{StateAcknowledged}, To: StateClosed, Settles: ending},
			{Type: "withdrawal", By: byRequesting, Outcomes: []string{"whole"}, From: open, To: StateWithdrawn, Asks: true, Settles: ending},
			{Type: "withdrawal-confirmation", By: byRequested, Answers: "withdrawal"},
			{Type: "status-query", By: byRequesting, From: open, Asks: true}, // what came of it
			{Type: "status-report", By: byRequested, From: open, MayAnswer: "status-query"},
		},
	}
}
