package lifecycle

import "sync"

// The states of the transfer of sentenced persons (DOMAIN section 3), beside those it shares with other channels.
const (
	StateInterest        State = "interest"
	StateDocuments       State = "documents" // one State has furnished its documents
	StateConsent         State = "consent"   // both have, and with them the declaration of consent
	StateConsentVerified State = "consent-verified"
	StateBothAgreed      State = "both-agreed"
	StateHandover        State = "handover"
	StateAdministered    State = "administered"
	StateCompleted       State = "completed"
	StateConsentRevoked  State = "consent-revoked"
	StateSentenceCeased  State = "sentence-ceased"
)

// The marks of a transfer.
const (
	askedBySentencing      mark = 1 << (firstOwnMark + iota) // the sentencing State requested the transfer
	askedByAdministering                                     // the administering State did
	sentencingDocuments                                      // only the documents of the sentencing State are here
	administeringDocuments                                   // only those of the administering State
	verifyingConsent                                         // the administering State asked to verify the consent
)

// What the sender of a request says it is.
const (
	isSentencing    = "sentencing-state"
	isAdministering = "administering-state"
)

// transferStories builds the tables once. Either State may open a case (ETS 112 art. 2(3)), so the requesting side of the
// case is the sentencing State in one table and the administering State in another; what the opening says chooses
// between them. A notice of interest comes from the sentencing State.
var transferStories = sync.OnceValue(func() []*story {
	return []*story{
		transferStory("interest-notice", "", byRequesting),
		transferStory("request", isSentencing, byRequesting),
		transferStory("request", isAdministering, byRequested),
		transitStory(),
	}
})

// transferEssence names the members that move a transfer.
func transferEssence() map[string]string {
	return map[string]string{
		"request": "sender_is", "consent-verification-result": "outcome", "handover": "status", "enforcement-report": "kind",
		"pardon-commutation": "effect", "review-result": "outcome",
	}
}

// transferStory is the lifecycle of a transfer in which sentencing is the side of the sentencing State. The rows speak of
// the two States by their roles in the Convention, never by who opened the case; whoever asked, the other decides.
//
// A request that says the wrong role of its sender has no effect. Of two requests that crossed after a notice of interest
// the one of the sentencing State stands, and the other State decides on it.
//
// Consent comes before everything: a revocation precedes whatever it crossed, and so does the news that the sentence has
// ceased. While a verification is open the sentencing State cannot agree; the administering State, which asked for it,
// can. From the handover on consent cannot be revoked any more, and a withdrawal that crossed the news of the handover has
// no effect: the person has crossed the border.
func transferStory(opening, as string, sentencing Sides) *story {
	administering := Both &^ sentencing
	undecided := []State{StateRequested, StateDocuments, StateConsent, StateConsentVerified}
	consented := []State{StateConsent, StateConsentVerified}
	agreeing := []State{StateRequested, StateDocuments, StateConsent, StateConsentVerified, StateBothAgreed}
	before := []State{StateInterest, StateRequested, StateDocuments, StateConsent, StateConsentVerified, StateBothAgreed}
	enforcing := []State{StateHandover, StateAdministered}
	open := []State{
		StateInterest, StateRequested, StateDocuments, StateConsent, StateConsentVerified, StateBothAgreed, StateHandover, StateAdministered,
	}
	verification := []string{"consent-verification-request"}
	ending := []string{"supplement-request", "consultation", "status-query", "consent-verification-request"}
	s := &story{
		Opening: opening,
		As:      as,
		Initial: StateRequested,
		States: map[State]Sides{
			StateInterest: Both, StateRequested: Both, StateDocuments: administering, StateConsent: sentencing, StateConsentVerified: sentencing,
			StateBothAgreed: sentencing, StateHandover: administering, StateAdministered: administering, StateCompleted: Nobody,
			StateConsentRevoked: Nobody, StateRefused: Nobody, StateSentenceCeased: Nobody, StateWithdrawn: Nobody, StateClosed: Nobody,
		},
		Ends: []State{StateCompleted, StateConsentRevoked, StateRefused, StateSentenceCeased, StateWithdrawn, StateClosed},
		Overlays: []overlay{
			{State: StateSupplement, Asked: "supplement-request"},
			{In: []State{StateDocuments}, Mark: administeringDocuments, Next: sentencing},
			{In: consented, Mark: askedBySentencing, Next: administering},
		},
		Precedence: map[string]int{"handover": -4, "consent-revocation": -3, "terminate": -2, "withdrawal": -1, "closure": 1},
		Rules: []rule{
			{Type: "request", By: sentencing, Outcomes: []string{isSentencing}, From: []State{StateInterest}, To: StateRequested, Sets: askedBySentencing},
			{Type: "request", By: administering, Outcomes: []string{isAdministering}, From: []State{StateInterest}, To: StateRequested, Sets: askedByAdministering},
			{Type: "acknowledgement", By: administering, From: []State{StateInterest}},
			{Type: "acknowledgement", By: administering, From: undecided, Needs: askedBySentencing},
			{Type: "acknowledgement", By: sentencing, From: undecided, Needs: askedByAdministering},

			{Type: "documents-sentencing", By: sentencing, From: []State{StateRequested}, To: StateDocuments, Sets: sentencingDocuments},
			{Type: "documents-sentencing", By: sentencing, From: []State{StateDocuments}, Needs: administeringDocuments, To: StateConsent, Clears: administeringDocuments},
			{Type: "documents-sentencing", By: sentencing, From: agreeing}, // more of them
			{Type: "documents-administering", By: administering, From: []State{StateRequested}, To: StateDocuments, Sets: administeringDocuments},
			{Type: "documents-administering", By: administering, From: []State{StateDocuments}, Needs: sentencingDocuments, To: StateConsent, Clears: sentencingDocuments},
			{Type: "documents-administering", By: administering, From: agreeing},

			{Type: "consent-verification-request", By: administering, From: []State{StateConsent}, Bars: verifyingConsent, Asks: true, Sets: verifyingConsent},
			{Type: "consent-verification-result", By: sentencing, Outcomes: []string{"confirmed"}, From: []State{StateConsent}, Answers: "consent-verification-request", To: StateConsentVerified, Clears: verifyingConsent},
			{Type: "consent-verification-result", By: sentencing, Outcomes: []string{"not-confirmed"}, From: consented, Answers: "consent-verification-request", To: StateConsentRevoked, Settles: ending},
			{Type: "consent-revocation", By: sentencing, From: before, To: StateConsentRevoked, Settles: ending},

			{Type: "procedure", By: administering, From: agreeing},
			{Type: "decision", By: administering, Outcomes: []string{"accepted"}, From: consented, Needs: askedBySentencing, To: StateBothAgreed, Clears: verifyingConsent, Settles: verification},
			{Type: "decision", By: sentencing, Outcomes: []string{"accepted"}, From: consented, Needs: askedByAdministering, Bars: verifyingConsent, To: StateBothAgreed},
			{Type: "decision", By: administering, Outcomes: []string{"refused"}, From: undecided, Needs: askedBySentencing, To: StateRefused, Settles: ending},
			{Type: "decision", By: sentencing, Outcomes: []string{"refused"}, From: undecided, Needs: askedByAdministering, To: StateRefused, Settles: ending},

			{Type: "handover", By: Both, Outcomes: []string{"planned"}, From: []State{StateBothAgreed}},
			{Type: "handover", By: sentencing, Outcomes: []string{"done"}, From: []State{StateBothAgreed}, To: StateHandover},
			{Type: "handover", By: administering, Outcomes: []string{"received"}, From: []State{StateHandover}, To: StateAdministered},

			{Type: "enforcement-report", By: administering, Outcomes: []string{"completed"}, From: []State{StateAdministered}, To: StateCompleted, Settles: ending},
			{Type: "enforcement-report", By: administering, Outcomes: []string{"escaped", "special-report"}, From: []State{StateAdministered}},
			{Type: "enforcement-report", By: administering, Outcomes: []string{"completed"}, From: []State{StateSentenceCeased}}, // the person was released
			{Type: "pardon-commutation", By: sentencing, Outcomes: []string{"ceases"}, From: open, To: StateSentenceCeased, Settles: ending},
			{Type: "pardon-commutation", By: administering, Outcomes: []string{"ceases"}, From: enforcing, To: StateSentenceCeased, Settles: ending},
			{Type: "pardon-commutation", By: sentencing, Outcomes: []string{"reduced"}, From: open},
			{Type: "pardon-commutation", By: administering, Outcomes: []string{"reduced"}, From: enforcing},
			{Type: "review-result", By: sentencing, Outcomes: []string{"quashed"}, From: open, To: StateSentenceCeased, Settles: ending},
			{Type: "review-result", By: sentencing, Outcomes: []string{"upheld", "changed"}, From: open},
			{Type: "terminate", By: sentencing, From: open, To: StateSentenceCeased, Settles: ending},

			{Type: "withdrawal", By: sentencing, Outcomes: []string{"whole"}, From: agreeing, Needs: askedBySentencing, To: StateWithdrawn, Asks: true, Settles: ending},
			{Type: "withdrawal", By: administering, Outcomes: []string{"whole"}, From: agreeing, Needs: askedByAdministering, To: StateWithdrawn, Asks: true, Settles: ending},
			{Type: "withdrawal", By: sentencing, Outcomes: []string{"whole"}, From: []State{StateInterest}, To: StateWithdrawn, Asks: true, Settles: ending},
			{Type: "withdrawal-confirmation", By: Both, Answers: "withdrawal"},
			{Type: "closure", By: byRequesting, From: []State{StateInterest}, To: StateClosed, Settles: ending},

			{Type: "supplement-request", By: Both, From: before, Asks: true},
			{Type: "supplement", By: Both, From: open, Answers: "supplement-request", Again: true},
			{Type: "consultation", By: Both, From: before, Asks: true},
			{Type: "consultation-reply", By: Both, From: before, Answers: "consultation"},
			{Type: "status-query", By: Both, From: open, Asks: true},
			{Type: "status-report", By: Both, From: open, MayAnswer: "status-query"},
			{Type: "use-consent-request", By: Both, Asks: true},
			{Type: "use-consent-decision", By: Both, Answers: "use-consent-request"},
			{Type: "confidentiality-limit", By: Both, From: open},
			{Type: "costs-consultation", By: Both, From: open},
		},
	}
	switch as {
	case isSentencing:
		s.Begins = askedBySentencing
	case isAdministering:
		s.Begins = askedByAdministering
	default:
		s.Initial = StateInterest
		return s
	}
	return s.without("request", StateInterest, StateClosed)
}

// transitStory is the lifecycle of a request to let a sentenced person through (ETS 112 art. 16), to a third State.
func transitStory() *story {
	undecided := []State{StateSent, StateAcknowledged}
	open := []State{StateSent, StateAcknowledged, StateAccepted}
	ending := []string{"supplement-request", "status-query"}
	return &story{
		Opening: "transit",
		Initial: StateSent,
		States: map[State]Sides{
			StateSent: byRequested, StateAcknowledged: byRequested, StateAccepted: byRequesting,
			StateClosed: Nobody, StateRefused: Nobody, StateWithdrawn: Nobody,
		},
		Ends:       []State{StateClosed, StateRefused, StateWithdrawn},
		Overlays:   []overlay{{State: StateSupplement, Asked: "supplement-request"}},
		Precedence: map[string]int{"withdrawal": -1, "closure": 1},
		Rules: []rule{
			{Type: "acknowledgement", By: byRequested, From: []State{StateSent}, To: StateAcknowledged},
			{Type: "decision", By: byRequested, Outcomes: []string{"accepted"}, From: undecided, To: StateAccepted, Settles: []string{"supplement-request"}},
			{Type: "decision", By: byRequested, Outcomes: []string{"refused"}, From: undecided, To: StateRefused, Settles: ending},
			{Type: "closure", By: byRequesting, From: []State{StateAccepted}, To: StateClosed, Settles: ending},
			{Type: "withdrawal", By: byRequesting, Outcomes: []string{"whole"}, From: open, To: StateWithdrawn, Asks: true, Settles: ending},
			{Type: "withdrawal-confirmation", By: byRequested, Answers: "withdrawal"},
			{Type: "supplement-request", By: byRequested, From: undecided, Asks: true},
			{Type: "supplement", By: byRequesting, From: open, Answers: "supplement-request", Again: true},
			{Type: "status-query", By: byRequesting, From: open, Asks: true},
			{Type: "status-report", By: byRequested, From: open, MayAnswer: "status-query"},
			{Type: "costs-consultation", By: Both, From: open},
		},
	}
}
