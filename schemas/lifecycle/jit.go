package lifecycle

import "sync"

// The states that only joint investigation teams have (DOMAIN section 3). They say how two members stand to one another;
// how the whole team stands follows from the items that all members hold, and package team derives it.
const (
	StateProposed    State = "proposed"
	StateAccession   State = "accession-vote"
	StateNegotiating State = "negotiating"
	StateSigned      State = "signed"
	StateActive      State = "active"
	StateExtended    State = "extended"
	StateClosing     State = "closing"
	StateEvaluated   State = "evaluated"
)

// What needs both sides is marked for the one that came first.
const (
	boundRequesting mark = 1 << (firstOwnMark + iota) // has signed, or accepted the other's accession
	boundRequested
	extendsRequesting
	extendsRequested
	evaluatedRequesting
	evaluatedRequested
	closesRequesting
	closesRequested
)

var jitStories = sync.OnceValue(func() []*story {
	return []*story{
		jitPair("proposal", StateProposed),
		jitPair("accession-request", StateAccession),
		jitPair("team-open", StateNegotiating),
	}
})

// jitPair is the lifecycle of two members of a joint investigation team (UNTOC art. 19), whichever message brought them
// together. What the leaders decide unanimously is settled here between two of them only: the pair goes on once both have
// signed, extended, evaluated or closed. A leader who has not signed is sent no evidence.
//
// Crossing: both sides may send most things, so most things can cross and stand beside one another, two signatures above
// all. A withdrawal comes before whatever it crossed; each side may end the pair at any time, for nobody is kept in a team.
func jitPair(opening string, initial State) *story {
	before := []State{StateNegotiating}
	if initial != StateNegotiating {
		before = append(before, initial)
	}
	working := []State{StateSigned, StateActive, StateExtended}
	winding := append([]State{StateClosing}, working...)
	held := append([]State{StateEvaluated, StateClosed}, winding...)
	open := append(append([]State{StateEvaluated}, before...), winding...)
	s := &story{
		Opening: opening,
		Initial: initial,
		States: map[State]Sides{
			StateNegotiating: Both, StateSigned: Both, StateActive: Both, StateExtended: Both, StateClosing: Both,
			StateEvaluated: Both, StateClosed: Nobody, StateRefused: Nobody, StateNotAvailable: Nobody, StateWithdrawn: Nobody,
		},
		Ends:       []State{StateClosed, StateRefused, StateNotAvailable, StateWithdrawn},
		Precedence: map[string]int{"withdrawal": -1, "close": 1},
		Rules: []rule{
			{Type: "acknowledgement", By: byRequested, From: before},
			{Type: "decision", By: byRequested, Outcomes: []string{"accepted"}, From: before, To: StateNegotiating},
			{Type: "decision", By: byRequested, Outcomes: []string{"postponed"}, From: before},
			{Type: "decision", By: byRequested, Outcomes: []string{"refused"}, From: before, To: StateRefused},
			{Type: "decision", By: byRequested, Outcomes: []string{"not-available"}, From: before, To: StateNotAvailable},
			{Type: "agreement", By: Both, From: before, To: StateNegotiating},
			{Type: "agreement", By: Both, From: working},
			{Type: "team-message", By: Both, From: open},

			{Type: "withdrawal", By: Both, Outcomes: []string{"whole"}, From: open, To: StateWithdrawn, Asks: true, Settles: []string{"use-consent-request"}},
			{Type: "withdrawal", By: Both, Outcomes: []string{"part"}, From: open, Asks: true},
			{Type: "withdrawal-confirmation", By: Both, Answers: "withdrawal"},

			{Type: "use-consent-request", By: Both, From: held, Asks: true},
			{Type: "use-consent-decision", By: Both, Answers: "use-consent-request"},
			{Type: "exculpatory-notice", By: Both, From: held},
			{Type: "confidentiality-limit", By: Both, From: winding},
		},
	}
	if initial != StateNegotiating {
		s.States[initial] = byRequested
	}
	s.Rules = append(s.Rules, needsBoth("signature", nil, before, StateSigned, boundRequesting, boundRequested)...)
	s.Rules = append(s.Rules, needsBoth("accession-accept", nil, before, StateSigned, boundRequesting, boundRequested)...)
	s.Rules = append(s.Rules, rule{Type: "signature", By: Both, From: working}) // of a later text
	// The first item of their common work makes a signed pair an active one.
	for _, name := range []string{"evidence-item", "measure-request", "secondment", "accession-vote", "accession-accept", "member-removal"} {
		from := []State{StateActive, StateExtended}
		if name == "evidence-item" || name == "member-removal" {
			from = append(from, StateClosing)
		}
		s.Rules = append(s.Rules, rule{Type: name, By: Both, From: []State{StateSigned}, To: StateActive}, rule{Type: name, By: Both, From: from})
	}
	s.Rules = append(s.Rules, needsBoth("extension", nil, working, StateExtended, extendsRequesting, extendsRequested)...)
	s.Rules = append(s.Rules,
		rule{Type: "close", By: Both, Outcomes: []string{"winding-down"}, From: working, To: StateClosing},
		rule{Type: "close", By: Both, Outcomes: []string{"winding-down"}, From: []State{StateClosing}})
	s.Rules = append(s.Rules, needsBoth("evaluation", nil, winding, StateEvaluated, evaluatedRequesting, evaluatedRequested)...)
	s.Rules = append(s.Rules, needsBoth("close", []string{"final"}, []State{StateEvaluated}, StateClosed, closesRequesting, closesRequested)...)
	return s
}

// needsBoth are the rows of what counts once both sides have sent it, in either order.
func needsBoth(name string, outcomes []string, from []State, to State, requesting, requested mark) []rule {
	last := rule{Type: name, Outcomes: outcomes, From: from, To: to, Clears: requesting | requested}
	first := rule{Type: name, Outcomes: outcomes, From: from}
	rows := []rule{last, last, first, first}
	rows[0].By, rows[0].Needs = byRequesting, requested
	rows[1].By, rows[1].Needs = byRequested, requesting
	rows[2].By, rows[2].Sets = byRequesting, requesting
	rows[3].By, rows[3].Sets = byRequested, requested
	return rows
}
