package lifecycle

import (
	"errors"
	"fmt"
	"testing"

	"comity/schemas"
)

const (
	acknowledged = "qm request; qn acknowledgement"
	rejected     = acknowledged + "; qn consultation; qm consultation-reply reject to consultation"
	accepted     = acknowledged + "; qn decision accepted"
	inPart       = accepted + "; qn result partial; qm result-receipt to result"
)

func TestStories(t *testing.T) {
	holdStories(t, schemas.ChannelMLA, map[string]string{
		"executed after a supplement, partial result": `
			qm request                          -> sent, requested
			qn acknowledgement                  -> acknowledged, requested
			qn supplement-request               -> supplement-pending, requesting
			qm supplement to supplement-request -> acknowledged, requested
			qn decision accepted                -> accepted, requested
			qn result partial                   -> executing, both
			qm result-receipt to result         -> executing, requested
			qm closure                          -> closed, nobody
		`,
		"executed in full, evidence returned": `
			qm request                                             -> sent, requested
			qn acknowledgement                                     -> acknowledged, requested
			qn decision accepted                                   -> accepted, requested
			qn status-report in-execution                          -> executing, requested
			qn result partial                                      -> executing, both
			qn result full                                         -> result-sent, requesting
			qm result-receipt to result                            -> result-received, requesting
			qm return-of-evidence                                  -> result-received, both
			qn return-receipt to return-of-evidence                -> evidence-returned, requesting
			qm closure                                             -> closed, nobody
			qm use-consent-request                                 -> closed, requested
			qn use-consent-decision granted to use-consent-request -> closed, nobody
		`,
		"refused after a consultation": `
			qm request                                   -> sent, requested
			qn acknowledgement                           -> acknowledged, requested
			qn consultation                              -> consulting, requesting
			qm consultation-reply reject to consultation -> consulting, requested
			qn decision refused                          -> refused, nobody
		`,
		"refused under another treaty": `
			qm request                             -> sent, requested
			qn acknowledgement                     -> acknowledged, requested
			qn decision refused-under-other-treaty -> refused, nobody
		`,
		"terms accepted, then executed": `
			qm request                                   -> sent, requested
			qn acknowledgement                           -> acknowledged, requested
			qn consultation                              -> consulting, requesting
			qm consultation-reply accept to consultation -> conditional, requested
			qn result full                               -> result-sent, requesting
		`,
		"postponed, then accepted": `
			qm request                                   -> sent, requested
			qn acknowledgement                           -> acknowledged, requested
			qn consultation                              -> consulting, requesting
			qm consultation-reply reject to consultation -> consulting, requested
			qn decision postponed                        -> postponed, requested
			qn decision accepted                         -> accepted, requested
		`,
		"conditional": `
			qm request              -> sent, requested
			qn decision conditional -> conditional, requested
		`,
		"not available": `
			qm request                -> sent, requested
			qn acknowledgement        -> acknowledged, requested
			qn decision not-available -> not-available, nobody
		`,
		"withdrawn": `
			qm request                               -> sent, requested
			qn acknowledgement                       -> acknowledged, requested
			qm withdrawal whole                      -> withdrawn, requested
			qn withdrawal-confirmation to withdrawal -> withdrawn, nobody
		`,
		"withdrawn in part": `
			qm request                               -> sent, requested
			qn acknowledgement                       -> acknowledged, requested
			qm withdrawal part                       -> acknowledged, requested
			qn withdrawal-confirmation to withdrawal -> acknowledged, requested
			qn decision accepted                     -> accepted, requested
		`,
		"asked for news": `
			qm request                                      -> sent, requested
			qn acknowledgement                              -> acknowledged, requested
			qn decision accepted                            -> accepted, requested
			qn result partial                               -> executing, both
			qm result-receipt to result                     -> executing, requested
			qm status-query                                 -> executing, requested
			qn status-report awaiting-court to status-query -> executing, requested
			qn costs-consultation                           -> executing, requested
			qn confidentiality-limit                        -> executing, requested
		`,
		"information": `
			qm spontaneous-information                             -> sent, requested
			qn acknowledgement                                     -> acknowledged, requested
			qn use-consent-request                                 -> acknowledged, both
			qm use-consent-decision refused to use-consent-request -> acknowledged, requested
			qn exculpatory-notice                                  -> acknowledged, requested
			qn closure                                             -> closed, nobody
		`,
	})
}

func TestNotPermitted(t *testing.T) {
	holdRefusals(t, schemas.ChannelMLA, []refusal{
		{"refuse without consulting", acknowledged, "qn decision refused", ConsultFirst},
		{"postpone without consulting", acknowledged, "qn decision postponed", ConsultFirst},
		{"refuse before the answer", acknowledged + "; qn consultation", "qn decision refused", ConsultFirst},
		{"refuse after the terms were accepted", acknowledged + "; qn consultation; qm consultation-reply accept to consultation", "qn decision refused", ConsultFirst},
		{"refuse twice on one consultation", rejected + "; qn decision postponed", "qn decision refused", ConsultFirst},
		{"decide for the other side", acknowledged, "qm decision accepted", OtherSide},
		{"acknowledge twice", acknowledged, "qn acknowledgement", WrongState},
		{"accept twice", accepted, "qn decision accepted", WrongState},
		{"result before a decision", acknowledged, "qn result full", WrongState},
		{"close before a result", accepted, "qm closure", WrongState},
		{"close before the receipt", accepted + "; qn result partial", "qm closure", NothingReceived},
		{"supplement that nobody asked for", acknowledged, "qm supplement", NothingToAnswer},
		{"receipt without a result", accepted, "qm result-receipt", NothingToAnswer},
		{"withdraw a closed case", accepted + "; qm withdrawal whole", "qm withdrawal whole", WrongState},
		{"withdraw for the other side", accepted, "qn withdrawal whole", OtherSide},
		{"open an open case", accepted, "qm request", AlreadyOpen},
		{"outcome of no rule", acknowledged, "qn decision granted", UnknownMessage},
		{"type of another channel", acknowledged, "qn jit.decision accepted", UnknownMessage},
		{"no party", acknowledged, "qp decision accepted", NotAParty},
		{"before the case is open", "", "qn decision accepted", NotOpen},
		{"use before anything was received", accepted, "qm use-consent-request", NothingReceived},
		{"closure of information before it was acknowledged", "qm spontaneous-information", "qn closure", WrongState},
	})
}

func TestCrossing(t *testing.T) {
	holdCrossings(t, schemas.ChannelMLA, []crossing{
		{"withdrawal and acceptance", acknowledged + " >< qn decision accepted; qm withdrawal whole", "withdrawn, requested", "decision"},
		{"withdrawal and full result", accepted + " >< qn result full; qm withdrawal whole", "withdrawn, requested", "result"},
		{"withdrawal and acknowledgement", "qm request >< qn acknowledgement; qm withdrawal whole", "withdrawn, requested", "acknowledgement"},
		{"decision and supplement", acknowledged + "; qn supplement-request >< qn decision accepted; qm supplement to supplement-request", "accepted, requested", ""},
		{"accepted terms and refusal", rejected + "; qn consultation >< qn decision refused; qm consultation-reply accept to consultation", "conditional, requested", "decision"},
		{"closure and second result", inPart + " >< qm closure; qn result partial", "closed, nobody", ""},
		{"closure and last result", inPart + " >< qm closure; qn result full", "result-sent, requesting", "closure"},
	})
}

// A message that is not permitted has no effect when it is sent all the same.
func TestNoEffect(t *testing.T) {
	s := told(t, schemas.ChannelMLA, acknowledged+`
		qn decision refused              -| acknowledged, requested
		qm supplement to acknowledgement -| acknowledged, requested
	`)
	s.events = append(s.events, Event{ID: "99", From: "QP/justice", To: qn, Seq: 99, Seen: 99, Type: "mla.withdrawal/1", Outcome: "whole"})
	if c := s.derive(); c.State != StateAcknowledged || s.took() {
		t.Fatal("a message of a third authority had effect")
	}
}

// Evidence that crossed a withdrawal can be sent back although its result had no effect.
func TestReturnAfterWithdrawal(t *testing.T) {
	told(t, schemas.ChannelMLA, `
		qm request; qn decision accepted >< qn result full; qm withdrawal whole <>
		qm return-of-evidence
		qn return-receipt to return-of-evidence -> withdrawn, requested
	`)
}

func TestUnansweredAndNext(t *testing.T) {
	s := told(t, schemas.ChannelMLA, "qm request; qn supplement-request")
	c := s.derive()
	if got := c.Unanswered("mla.supplement/1"); len(got) != 1 || got[0] != s.last().ID {
		t.Fatalf("unanswered: %v", got)
	}
	if got := c.Next(Requesting); fmt.Sprint(got) != "[mla.withdrawal/1 mla.supplement/1 mla.status-query/1 mla.costs-consultation/1]" {
		t.Fatalf("the requesting side may send %v", got)
	}
	if got := c.Unanswered("mla.result-receipt/1"); got != nil {
		t.Fatalf("unanswered results: %v", got)
	}
	empty, err := Derive(schemas.ChannelMLA, nil)
	if err != nil || empty.State != StateUnopened {
		t.Fatalf("no messages: %v, %v", empty.State, err)
	}
	if err := empty.Permits(Requesting, "mla.request/1", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := Derive("none", nil); !errors.Is(err, ErrNoLifecycle) {
		t.Fatalf("a channel without a table: %v", err)
	}
}
