package lifecycle

import "sync"

// The states of confiscation (DOMAIN section 3). StateNotRealised is where a case stands when nothing could be
// confiscated or realised: the property was gone, or the order was not granted.
const (
	StateTracing          State = "tracing"
	StateFrozen           State = "frozen"
	StateFreezeExpiring   State = "freeze-expiring"
	StateReleased         State = "released"
	StateDomesticCase     State = "domestic-case"    // UNTOC art. 13(1)(a)
	StateOrder            State = "order"            // 13(1)(a), granted
	StateOrderRegistered  State = "order-registered" // 13(1)(b)
	StateThirdPartyClaim  State = "third-party-claim"
	StateRealised         State = "realised"
	StateNotRealised      State = "not-realised"
	StateDisposalConsults State = "disposal-consultation"
	StateDisposed         State = "disposed"
)

// The marks of confiscation.
const (
	confiscationAsked mark = 1 << (firstOwnMark + iota) // a request under article 13(1) was made
	foreignOrder                                        // it asks for the enforcement of a foreign order, 13(1)(b)
	freezeExpiring                                      // a freeze is about to end
	claimOpen                                           // a third party claims rights in good faith, 13(8)
)

// provisionalResult is the outcome of a result of provisional measures. It moves nothing, whatever its extent: only a
// result of the confiscation itself can make a case realised.
const provisionalResult = "provisional"

// confiscationStories builds the tables once. A case begins with provisional measures, or with the request itself; its
// route is what the request says.
var confiscationStories = sync.OnceValue(func() []*story {
	return []*story{
		confiscationStory("provisional-request", "", 0),
		confiscationStory("request", routeDomestic, confiscationAsked).without("request", StateOrderRegistered),
		confiscationStory("request", routeForeign, confiscationAsked|foreignOrder).without("request", StateDomesticCase, StateOrder),
	}
})

// The routes of article 13(1), letters (a) and (b) in this order.
const (
	routeDomestic = "domestic-order"
	routeForeign  = "enforce-foreign-order"
)

// confiscationStory is the lifecycle of a case under articles 13 and 14.
//
// Freezing does not wait for a decision: a freeze-report moves the case as soon as there is a freeze. The stages of the
// two routes are told by status-reports, and a stage of the route that was not asked for has no effect. A freeze that
// was released can be made again, and the case can go on without one.
//
// Article 18(26) applies here too (13(3)): the table demands a consultation that the requesting side has answered before
// a refusal or a postponement, and accepted terms use it up. A postponement moves nothing, so that a freeze is seen to
// last.
//
// While a third party's claim is open (13(8)) the confiscation cannot be reported as realised in full.
//
// Crossing: a withdrawal comes before whatever it crossed. A disposal-decision that crossed a disposal-request has no
// effect, since it did not consider what was asked (14(2)): from then on a decision must answer the request. What was
// frozen can be reported as released after the case has ended, so that nobody is left in doubt.
func confiscationStory(opening, as string, begins mark) *story {
	before := []State{StateTracing, StateFrozen, StateReleased}
	frozen := []State{StateFrozen, StateDomesticCase, StateOrder, StateOrderRegistered}
	performing := []State{StateTracing, StateFrozen, StateReleased, StateDomesticCase, StateOrder, StateOrderRegistered}
	ordered := []State{StateOrder, StateOrderRegistered}
	contested := []State{StateFrozen, StateDomesticCase, StateOrder, StateOrderRegistered, StateRealised, StateDisposalConsults}
	open := []State{
		StateTracing, StateFrozen, StateReleased, StateDomesticCase, StateOrder, StateOrderRegistered,
		StateRealised, StateNotRealised, StateDisposalConsults, StateDisposed,
	}
	ends := []State{StateClosed, StateRefused, StateNotAvailable, StateWithdrawn}
	waiting := []string{"supplement-request", "consultation"}
	ending := []string{"supplement-request", "consultation", "status-query", "extension-request", "result"}
	return &story{
		Opening: opening,
		As:      as,
		Initial: StateTracing,
		Begins:  begins,
		States: map[State]Sides{
			StateTracing: byRequested, StateFrozen: byRequesting, StateReleased: byRequesting,
			StateDomesticCase: byRequested, StateOrder: byRequested, StateOrderRegistered: byRequested,
			StateRealised: byRequesting, StateNotRealised: byRequesting, StateDisposalConsults: byRequested, StateDisposed: byRequesting,
			StateClosed: Nobody, StateRefused: Nobody, StateNotAvailable: Nobody, StateWithdrawn: Nobody,
		},
		Ends: ends,
		Overlays: []overlay{
			{State: StateConsulting, Asked: "consultation", Mark: consulted, Next: byRequested},
			{State: StateSupplement, Asked: "supplement-request"},
			{State: StateThirdPartyClaim, Mark: claimOpen, Next: byRequested},
			{State: StateFreezeExpiring, Mark: freezeExpiring, Next: byRequesting},
			{In: []State{StateFrozen, StateReleased}, Mark: confiscationAsked, Next: byRequested},
		},
		Precedence: map[string]int{"withdrawal": -1, "closure": 1},
		Rules: []rule{
			{Type: "acknowledgement", By: byRequested, From: performing},
			{Type: "request", By: byRequesting, Outcomes: []string{routeDomestic}, From: before, Bars: confiscationAsked, Sets: confiscationAsked},
			{Type: "request", By: byRequesting, Outcomes: []string{routeForeign}, From: before, Bars: confiscationAsked, Sets: confiscationAsked | foreignOrder},

			{Type: "supplement-request", By: byRequested, From: performing, Asks: true},
			{Type: "supplement", By: byRequesting, From: open, Answers: "supplement-request", Again: true},
			{Type: "consultation", By: byRequested, From: performing, Asks: true},
			{Type: "consultation-reply", By: byRequesting, Outcomes: []string{"accept"}, From: performing, Answers: "consultation", Clears: consulted},
			{Type: "consultation-reply", By: byRequesting, Outcomes: []string{"reject"}, From: performing, Answers: "consultation", Sets: consulted},

			{Type: "decision", By: byRequested, Outcomes: []string{"accepted", "partial", "conditional"}, From: before, Clears: consulted, Settles: waiting},
			{Type: "decision", By: byRequested, Outcomes: []string{"postponed"}, From: performing, Needs: consulted, Clears: consulted, Settles: waiting},
			{Type: "decision", By: byRequested, Outcomes: []string{"refused"}, From: performing, Needs: consulted, To: StateRefused, Clears: consulted, Settles: ending},
			{Type: "decision", By: byRequested, Outcomes: []string{refusedUnderOtherTreaty}, From: performing, To: StateRefused, Clears: consulted, Settles: ending},
			{Type: "decision", By: byRequested, Outcomes: []string{"not-available"}, From: performing, To: StateNotAvailable, Clears: consulted, Settles: ending},

			{Type: "freeze-report", By: byRequested, Outcomes: []string{"frozen", "seized"}, From: []State{StateTracing, StateReleased}, MayAnswer: "extension-request", To: StateFrozen},
			{Type: "freeze-report", By: byRequested, Outcomes: []string{"frozen", "seized", "extended"}, From: frozen, MayAnswer: "extension-request", Clears: freezeExpiring, Settles: []string{"extension-request"}},
			{Type: "freeze-report", By: byRequested, Outcomes: []string{"expiring"}, From: frozen, MayAnswer: "extension-request", Sets: freezeExpiring},
			{Type: "freeze-report", By: byRequested, Outcomes: []string{"released"}, From: frozen, MayAnswer: "extension-request", To: StateReleased, Clears: freezeExpiring, Settles: []string{"extension-request"}},
			{Type: "freeze-report", By: byRequested, Outcomes: []string{"released-in-part"}, From: frozen, MayAnswer: "extension-request"},
			{Type: "freeze-report", By: byRequested, Outcomes: []string{"released", "released-in-part"}, From: ends, MayAnswer: "extension-request"},
			{Type: "extension-request", By: byRequesting, From: frozen, Asks: true},

			{Type: "status-report", By: byRequested, Outcomes: []string{"domestic-case"}, From: before, Needs: confiscationAsked, Bars: foreignOrder, MayAnswer: "status-query", To: StateDomesticCase},
			{Type: "status-report", By: byRequested, Outcomes: []string{"order"}, From: []State{StateDomesticCase}, MayAnswer: "status-query", To: StateOrder},
			{Type: "status-report", By: byRequested, Outcomes: []string{"order-registered"}, From: before, Needs: confiscationAsked | foreignOrder, MayAnswer: "status-query", To: StateOrderRegistered},
			{Type: "status-report", By: byRequested, Outcomes: []string{"third-party-claim"}, From: contested, MayAnswer: "status-query", Sets: claimOpen},
			{Type: "status-report", By: byRequested, Outcomes: []string{"claims-settled"}, From: open, Needs: claimOpen, MayAnswer: "status-query", Clears: claimOpen},
			{Type: "status-report", By: byRequested, Outcomes: []string{"under-examination", "awaiting-supplement", "awaiting-court", "tracing", "in-execution"}, From: open, MayAnswer: "status-query"},
			{Type: "status-query", By: byRequesting, From: open, Asks: true},

			{Type: "result", By: byRequested, Outcomes: []string{provisionalResult}, From: performing, Asks: true},
			{Type: "result", By: byRequested, Outcomes: []string{"partial"}, From: ordered, Asks: true},
			{Type: "result", By: byRequested, Outcomes: []string{"full"}, From: ordered, Bars: claimOpen, To: StateRealised, Asks: true, Clears: consulted | freezeExpiring, Settles: waiting},
			{Type: "result", By: byRequested, Outcomes: []string{"none"}, From: performing, Needs: confiscationAsked, To: StateNotRealised, Asks: true, Clears: consulted | freezeExpiring | claimOpen, Settles: waiting},
			{Type: "result-receipt", By: byRequesting, Answers: "result", Sets: hasReceived},

			{Type: "disposal-request", By: byRequesting, From: []State{StateRealised, StateDisposalConsults}, To: StateDisposalConsults, Asks: true},
			{Type: "disposal-decision", By: byRequested, From: []State{StateRealised}, MayAnswer: "disposal-request", Bars: claimOpen, To: StateDisposed},
			{Type: "disposal-decision", By: byRequested, From: []State{StateDisposalConsults}, Answers: "disposal-request", Bars: claimOpen, To: StateDisposed, Settles: []string{"disposal-request"}},
			{Type: "closure", By: byRequesting, From: []State{StateDisposed, StateNotRealised, StateReleased}, To: StateClosed, Clears: consulted, Settles: ending},
			{Type: "closure", By: byRequesting, From: []State{StateTracing, StateFrozen, StateRealised}, Needs: hasReceived, To: StateClosed, Clears: consulted, Settles: ending},

			{Type: "withdrawal", By: byRequesting, Outcomes: []string{"whole"}, From: performing, To: StateWithdrawn, Asks: true, Clears: consulted, Settles: ending},
			{Type: "withdrawal", By: byRequesting, Outcomes: []string{"part"}, From: performing, Asks: true},
			{Type: "withdrawal-confirmation", By: byRequested, Answers: "withdrawal"},

			{Type: "return-of-evidence", By: byRequesting, Needs: hasReceived, Asks: true},
			{Type: "return-of-evidence", By: byRequesting, From: []State{StateWithdrawn}, Asks: true}, // of a result that crossed the withdrawal
			{Type: "return-receipt", By: byRequested, Answers: "return-of-evidence"},
			{Type: "use-consent-request", By: byRequesting, Needs: hasReceived, Asks: true},
			{Type: "use-consent-decision", By: byRequested, Answers: "use-consent-request"},
			{Type: "exculpatory-notice", By: byRequesting, Needs: hasReceived},
			{Type: "confidentiality-limit", By: byRequested, From: open},
			{Type: "costs-consultation", By: Both, From: open},
		},
	}
}
