package lifecycle

import (
	"testing"

	"comity/schemas"
)

// A case with the documents of both States, which QM opened as the State that the name says.
const (
	bothSentencing    = "qm request sentencing-state; qn documents-administering; qm documents-sentencing"
	bothAdministering = "qm request administering-state; qn documents-sentencing; qm documents-administering"
	bothAgreed        = bothSentencing + "; qn decision accepted"
	handedOver        = bothAgreed + "; qm handover done"
	interest          = "qm interest-notice"
)

func TestTransferStories(t *testing.T) {
	holdStories(t, schemas.ChannelTransfer, map[string]string{
		"the main path": `
			qm interest-notice                                                       -> interest, both
			qn acknowledgement                                                       -> interest, both
			qn request administering-state                                           -> requested, both
			qm acknowledgement                                                       -> requested, both
			qn documents-administering                                               -> documents, requesting
			qm documents-sentencing                                                  -> consent, requesting
			qn consent-verification-request                                          -> consent, requesting
			qm consent-verification-result confirmed to consent-verification-request -> consent-verified, requesting
			qn procedure                                                             -> consent-verified, requesting
			qm decision accepted                                                     -> both-agreed, requesting
			qn handover planned                                                      -> both-agreed, requesting
			qm handover done                                                         -> handover, requested
			qn handover received                                                     -> administered, requested
			qn enforcement-report escaped                                            -> administered, requested
			qm pardon-commutation reduced                                            -> administered, requested
			qn enforcement-report completed                                          -> completed, nobody
		`,
		"opened by the sentencing State": `
			qm request sentencing-state     -> requested, both
			qm documents-sentencing         -> documents, requested
			qn documents-administering      -> consent, requested
			qn decision accepted            -> both-agreed, requesting
			qm handover done                -> handover, requested
			qn handover received            -> administered, requested
			qm review-result upheld         -> administered, requested
			qm terminate                    -> sentence-ceased, nobody
			qn enforcement-report completed -> sentence-ceased, nobody
		`,
		"opened by the administering State": `
			qm request administering-state -> requested, both
			qm documents-administering     -> documents, requested
			qn documents-sentencing        -> consent, requested
			qn decision accepted           -> both-agreed, requested
			qn handover done               -> handover, requesting
			qm handover received           -> administered, requesting
			qm pardon-commutation ceases   -> sentence-ceased, nobody
		`,
		"consent revoked": `
			qm request administering-state -> requested, both
			qn consent-revocation          -> consent-revoked, nobody
		`,
		"consent not confirmed": `
			qm request sentencing-state                                                  -> requested, both
			qm documents-sentencing                                                      -> documents, requested
			qn documents-administering                                                   -> consent, requested
			qn consent-verification-request                                              -> consent, both
			qm consent-verification-result not-confirmed to consent-verification-request -> consent-revoked, nobody
		`,
		"refused": `
			qm request administering-state      -> requested, both
			qn supplement-request               -> supplement-pending, requesting
			qm supplement to supplement-request -> requested, both
			qn decision refused                 -> refused, nobody
		`,
		"withdrawn by the one who asked": `
			qm interest-notice                       -> interest, both
			qn request administering-state           -> requested, both
			qn withdrawal whole                      -> withdrawn, requesting
			qm withdrawal-confirmation to withdrawal -> withdrawn, nobody
		`,
		"nobody asked": `
			qm interest-notice -> interest, both
			qm closure         -> closed, nobody
		`,
		"quashed meanwhile": `
			qm request sentencing-state -> requested, both
			qm review-result quashed    -> sentence-ceased, nobody
		`,
		"transit": `
			qm transit           -> sent, requested
			qn acknowledgement   -> acknowledged, requested
			qn decision accepted -> accepted, requesting
			qm closure           -> closed, nobody
		`,
		"transit refused": `
			qm transit          -> sent, requested
			qn decision refused -> refused, nobody
		`,
	})
}

func TestTransferNotPermitted(t *testing.T) {
	holdRefusals(t, schemas.ChannelTransfer, []refusal{
		{"ask in the role of the other State", interest, "qn request sentencing-state", OtherSide},
		{"ask again", bothSentencing, "qn request administering-state", AlreadyOpen},
		{"ask again after a notice", interest + "; qn request administering-state", "qm request sentencing-state", WrongState},
		{"agree with oneself", bothSentencing, "qm decision accepted", StepMissing},
		{"agree before the documents", "qm request sentencing-state", "qn decision accepted", WrongState},
		{"agree while consent is verified", bothAdministering + "; qm consent-verification-request", "qn decision accepted", StandsAgainst},
		{"refuse one's own request", bothSentencing, "qm decision refused", StepMissing},
		{"refuse what was agreed", bothAgreed, "qn decision refused", WrongState},
		{"documents of the other State", "qm request sentencing-state", "qm documents-administering", OtherSide},
		{"verify one's own statement", bothSentencing, "qm consent-verification-request", OtherSide},
		{"verify before the documents", "qm request sentencing-state", "qn consent-verification-request", WrongState},
		{"hand over before both agree", bothSentencing, "qm handover done", WrongState},
		{"hand over for the other State", bothAgreed, "qn handover done", OtherSide},
		{"receive before it is done", bothAgreed, "qn handover received", WrongState},
		{"revoke after the handover", handedOver, "qm consent-revocation", WrongState},
		{"revoke for the other State", bothAgreed, "qn consent-revocation", OtherSide},
		{"withdraw after the handover", handedOver, "qm withdrawal whole", WrongState},
		{"withdraw what the other asked", bothSentencing, "qn withdrawal whole", StepMissing},
		{"review by the administering State", handedOver, "qn review-result quashed", OtherSide},
		{"terminate by the administering State", handedOver, "qn terminate", OtherSide},
		{"pardon by the administering State before it enforces", bothAgreed, "qn pardon-commutation ceases", WrongState},
		{"report before the person is there", handedOver, "qn enforcement-report completed", WrongState},
		{"a notice in a case", interest, "qm interest-notice", AlreadyOpen},
	})
}

func TestTransferCrossing(t *testing.T) {
	holdCrossings(t, schemas.ChannelTransfer, []crossing{
		{"revocation and agreement", bothSentencing + " >< qm consent-revocation; qn decision accepted", "consent-revoked, nobody", "decision"},
		{"documents", "qm request sentencing-state >< qm documents-sentencing; qn documents-administering", "consent, requested", ""},
		{"two requests", interest + " >< qn request administering-state; qm request sentencing-state", "requested, both", "request"},
		{"handover and withdrawal", bothAdministering + "; qn decision accepted >< qm withdrawal whole; qn handover done", "handover, requesting", "withdrawal"},
		{"end of the sentence and completion", handedOver + "; qn handover received >< qn enforcement-report completed; qm terminate", "sentence-ceased, nobody", ""},
	})
}

// A request that says no role opens nothing.
func TestRoleComesFromTheOpening(t *testing.T) {
	c := told(t, schemas.ChannelTransfer, "qm request").derive()
	if c.State != StateUnopened || c.Requesting != "" {
		t.Fatalf("state %s, opened by %s", c.State, c.Requesting)
	}
	holdEssences(t, map[schemas.MessageType]string{
		"transfer.request/1": isAdministering, "transfer.interest-notice/1": "", "transfer.handover/1": "planned", "transfer.review-result/1": "changed",
		"transfer.pardon-commutation/1": "reduced", "transfer.enforcement-report/1": "completed", "transfer.consent-verification-result/1": "confirmed",
	})
}
