package lifecycle

import (
	"errors"
	"slices"
	"testing"

	"comity/schemas"
)

// both has the documents of both States, in a case that QM opened as the State that it says to be.
func both(as string) *script {
	s := newScriptOn(schemas.ChannelTransfer).qm("request", as, "")
	if as == isSentencing {
		return s.qn("documents-administering", "", "").qm("documents-sentencing", "", "")
	}
	return s.qn("documents-sentencing", "", "").qm("documents-administering", "", "")
}

func TestTransferStories(t *testing.T) {
	for name, steps := range map[string][]step{
		"the main path": {
			{qm, "interest-notice", "", "", StateInterest, Both},
			{qn, "acknowledgement", "", "", StateInterest, Both},
			{qn, "request", isAdministering, "", StateRequested, Both},
			{qm, "acknowledgement", "", "", StateRequested, Both},
			{qn, "documents-administering", "", "", StateDocuments, byRequesting},
			{qm, "documents-sentencing", "", "", StateConsent, byRequesting},
			{qn, "consent-verification-request", "", "", StateConsent, byRequesting},
			{qm, "consent-verification-result", "confirmed", "consent-verification-request", StateConsentVerified, byRequesting},
			{qn, "procedure", "", "", StateConsentVerified, byRequesting},
			{qm, "decision", "accepted", "", StateBothAgreed, byRequesting},
			{qn, "handover", "planned", "", StateBothAgreed, byRequesting},
			{qm, "handover", "done", "", StateHandover, byRequested},
			{qn, "handover", "received", "", StateAdministered, byRequested},
			{qn, "enforcement-report", "escaped", "", StateAdministered, byRequested},
			{qm, "pardon-commutation", "reduced", "", StateAdministered, byRequested},
			{qn, "enforcement-report", "completed", "", StateCompleted, Nobody},
		},
		"opened by the sentencing State": {
			{qm, "request", isSentencing, "", StateRequested, Both},
			{qm, "documents-sentencing", "", "", StateDocuments, byRequested},
			{qn, "documents-administering", "", "", StateConsent, byRequested},
			{qn, "decision", "accepted", "", StateBothAgreed, byRequesting},
			{qm, "handover", "done", "", StateHandover, byRequested},
			{qn, "handover", "received", "", StateAdministered, byRequested},
			{qm, "review-result", "upheld", "", StateAdministered, byRequested},
			{qm, "terminate", "", "", StateSentenceCeased, Nobody},
			{qn, "enforcement-report", "completed", "", StateSentenceCeased, Nobody},
		},
		"opened by the administering State": {
			{qm, "request", isAdministering, "", StateRequested, Both},
			{qm, "documents-administering", "", "", StateDocuments, byRequested},
			{qn, "documents-sentencing", "", "", StateConsent, byRequested},
			{qn, "decision", "accepted", "", StateBothAgreed, byRequested},
			{qn, "handover", "done", "", StateHandover, byRequesting},
			{qm, "handover", "received", "", StateAdministered, byRequesting},
			{qm, "pardon-commutation", "ceases", "", StateSentenceCeased, Nobody},
		},
		"consent revoked": {
			{qm, "request", isAdministering, "", StateRequested, Both},
			{qn, "consent-revocation", "", "", StateConsentRevoked, Nobody},
		},
		"consent not confirmed": {
			{qm, "request", isSentencing, "", StateRequested, Both},
			{qm, "documents-sentencing", "", "", StateDocuments, byRequested},
			{qn, "documents-administering", "", "", StateConsent, byRequested},
			{qn, "consent-verification-request", "", "", StateConsent, Both},
			{qm, "consent-verification-result", "not-confirmed", "consent-verification-request", StateConsentRevoked, Nobody},
		},
		"refused": {
			{qm, "request", isAdministering, "", StateRequested, Both},
			{qn, "supplement-request", "", "", StateSupplement, byRequesting},
			{qm, "supplement", "", "supplement-request", StateRequested, Both},
			{qn, "decision", "refused", "", StateRefused, Nobody},
		},
		"withdrawn by the one who asked": {
			{qm, "interest-notice", "", "", StateInterest, Both},
			{qn, "request", isAdministering, "", StateRequested, Both},
			{qn, "withdrawal", "whole", "", StateWithdrawn, byRequesting},
			{qm, "withdrawal-confirmation", "", "withdrawal", StateWithdrawn, Nobody},
		},
		"nobody asked":      {{qm, "interest-notice", "", "", StateInterest, Both}, {qm, "closure", "", "", StateClosed, Nobody}},
		"quashed meanwhile": {{qm, "request", isSentencing, "", StateRequested, Both}, {qm, "review-result", "quashed", "", StateSentenceCeased, Nobody}},
		"transit": {
			{qm, "transit", "", "", StateSent, byRequested},
			{qn, "acknowledgement", "", "", StateAcknowledged, byRequested},
			{qn, "decision", "accepted", "", StateAccepted, byRequesting},
			{qm, "closure", "", "", StateClosed, Nobody},
		},
		"transit refused": {{qm, "transit", "", "", StateSent, byRequested}, {qn, "decision", "refused", "", StateRefused, Nobody}},
	} {
		t.Run(name, func(t *testing.T) { newScriptOn(schemas.ChannelTransfer).play(t, steps) })
	}
}

func TestTransferNotPermitted(t *testing.T) {
	interest := func() *script { return newScriptOn(schemas.ChannelTransfer).qm("interest-notice", "", "") }
	agreed := func() *script { return both(isSentencing).qn("decision", "accepted", "") }
	done := func() *script { return agreed().qm("handover", "done", "") }
	for _, test := range []struct {
		name    string
		after   *script
		side    Side
		typ     schemas.MessageType
		outcome string
		reason  Reason
	}{
		{"ask in the role of the other State", interest(), Requested, "transfer.request/1", isSentencing, OtherSide},
		{"ask again", both(isSentencing), Requested, "transfer.request/1", isAdministering, AlreadyOpen},
		{"ask again after a notice", interest().qn("request", isAdministering, ""), Requesting, "transfer.request/1", isSentencing, WrongState},
		{"agree with oneself", both(isSentencing), Requesting, "transfer.decision/1", "accepted", StepMissing},
		{"agree before the documents", newScriptOn(schemas.ChannelTransfer).qm("request", isSentencing, ""), Requested, "transfer.decision/1", "accepted", WrongState},
		{"agree while consent is verified", both(isAdministering).qm("consent-verification-request", "", ""), Requested, "transfer.decision/1", "accepted", StandsAgainst},
		{"refuse one's own request", both(isSentencing), Requesting, "transfer.decision/1", "refused", StepMissing},
		{"refuse what was agreed", agreed(), Requested, "transfer.decision/1", "refused", WrongState},
		{"documents of the other State", newScriptOn(schemas.ChannelTransfer).qm("request", isSentencing, ""), Requesting, "transfer.documents-administering/1", "", OtherSide},
		{"verify one's own statement", both(isSentencing), Requesting, "transfer.consent-verification-request/1", "", OtherSide},
		{"verify before the documents", newScriptOn(schemas.ChannelTransfer).qm("request", isSentencing, ""), Requested, "transfer.consent-verification-request/1", "", WrongState},
		{"hand over before both agree", both(isSentencing), Requesting, "transfer.handover/1", "done", WrongState},
		{"hand over for the other State", agreed(), Requested, "transfer.handover/1", "done", OtherSide},
		{"receive before it is done", agreed(), Requested, "transfer.handover/1", "received", WrongState},
		{"revoke after the handover", done(), Requesting, "transfer.consent-revocation/1", "", WrongState},
		{"revoke for the other State", agreed(), Requested, "transfer.consent-revocation/1", "", OtherSide},
		{"withdraw after the handover", done(), Requesting, "transfer.withdrawal/1", "whole", WrongState},
		{"withdraw what the other asked", both(isSentencing), Requested, "transfer.withdrawal/1", "whole", StepMissing},
		{"review by the administering State", done(), Requested, "transfer.review-result/1", "quashed", OtherSide},
		{"terminate by the administering State", done(), Requested, "transfer.terminate/1", "", OtherSide},
		{"pardon by the administering State before it enforces", agreed(), Requested, "transfer.pardon-commutation/1", "ceases", WrongState},
		{"report before the person is there", done(), Requested, "transfer.enforcement-report/1", "completed", WrongState},
		{"a notice in a case", interest(), Requesting, "transfer.interest-notice/1", "", AlreadyOpen},
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

func TestTransferCrossing(t *testing.T) {
	interest := func() *script { return newScriptOn(schemas.ChannelTransfer).qm("interest-notice", "", "") }
	for _, test := range []struct {
		name  string
		s     *script
		state State
		next  Sides
		lost  []string
	}{
		{"revocation and agreement", both(isSentencing).crossing().qm("consent-revocation", "", "").qn("decision", "accepted", ""), StateConsentRevoked, Nobody, []string{"decision"}},
		{"documents", newScriptOn(schemas.ChannelTransfer).qm("request", isSentencing, "").crossing().qm("documents-sentencing", "", "").qn("documents-administering", "", ""), StateConsent, byRequested, nil},
		{"two requests", interest().crossing().qn("request", isAdministering, "").qm("request", isSentencing, ""), StateRequested, Both, []string{"request"}},
		{"handover and withdrawal", both(isAdministering).qn("decision", "accepted", "").crossing().qm("withdrawal", "whole", "").qn("handover", "done", ""), StateHandover, byRequesting, []string{"withdrawal"}},
		{"end of the sentence and completion", both(isSentencing).qn("decision", "accepted", "").qm("handover", "done", "").qn("handover", "received", "").
			crossing().qn("enforcement-report", "completed", "").qm("terminate", "", ""), StateSentenceCeased, Nobody, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := test.s.derive(t)
			var lost []string
			for _, e := range test.s.events {
				if !c.Effects[e.ref()] {
					lost = append(lost, e.Type.Name())
				}
			}
			if c.State != test.state || c.NextToAct != test.next || !slices.Equal(lost, test.lost) {
				t.Fatalf("state %s, %s next, without effect %v; want %s, %s, %v", c.State, c.NextToAct, lost, test.state, test.next, test.lost)
			}
		})
	}
}

// A request that says no role opens nothing.
func TestRoleComesFromTheOpening(t *testing.T) {
	c := newScriptOn(schemas.ChannelTransfer).qm("request", "", "").derive(t)
	if c.State != StateUnopened || c.Requesting != "" {
		t.Fatalf("state %s, opened by %s", c.State, c.Requesting)
	}
	for typ, want := range map[schemas.MessageType]string{
		"transfer.request/1": isAdministering, "transfer.interest-notice/1": "", "transfer.handover/1": "planned", "transfer.review-result/1": "changed",
		"transfer.pardon-commutation/1": "reduced", "transfer.enforcement-report/1": "completed", "transfer.consent-verification-result/1": "confirmed",
	} {
		p, err := schemas.Validate(schemas.Example(typ))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Essence(p); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", typ, got, err, want)
		}
	}
}
