package lifecycle

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"comity/schemas"
)

const (
	qm = schemas.AuthorityID("QM/justice")
	qn = schemas.AuthorityID("QN/justice")
)

// script writes the messages of a case the way two desks would: each side numbers its own, and says what it has seen.
type script struct {
	channel schemas.Channel
	events  []Event
	now     time.Time                      // at which the messages are sent, zero where that does not matter
	sent    map[schemas.AuthorityID]uint64 // numbers used
	blind   bool                           // what is written now crosses: its sender has seen nothing of the other's new messages
	seen    map[schemas.AuthorityID]uint64
	named   map[string]schemas.MessageID
}

func newScript() *script { return newScriptOn(schemas.ChannelMLA) }

func newScriptOn(ch schemas.Channel) *script {
	return &script{
		channel: ch,
		sent:    map[schemas.AuthorityID]uint64{qm: 40, qn: 7}, // numbers belong to the pair, not to the case
		seen:    map[schemas.AuthorityID]uint64{qm: 7, qn: 40},
		named:   map[string]schemas.MessageID{},
	}
}

// say adds a message; "type outcome" names it, and a later one refers to it by that text.
func (s *script) say(from schemas.AuthorityID, name, outcome, inReplyTo string) *script {
	to := qm
	if from == qm {
		to = qn
	}
	s.sent[from]++
	if !s.blind {
		s.seen[from] = s.sent[to]
	}
	id := schemas.MessageID(fmt.Sprintf("%026d", len(s.events)+1))
	s.events = append(s.events, Event{
		ID: id, From: from, To: to, Seq: s.sent[from], Seen: s.seen[from],
		Type: schemas.MessageType(string(s.channel) + "." + name + "/1"), InReplyTo: s.named[inReplyTo], Outcome: outcome,
		SentAt: s.now, Continues: len(s.events) > 0,
	})
	s.named[name] = id
	return s
}

func (s *script) qm(name, outcome, inReplyTo string) *script {
	return s.say(qm, name, outcome, inReplyTo)
}
func (s *script) qn(name, outcome, inReplyTo string) *script {
	return s.say(qn, name, outcome, inReplyTo)
}

// crossing makes what follows cross: neither side sees the other's messages until meet.
func (s *script) crossing() *script {
	s.blind, s.seen[qm], s.seen[qn] = true, s.sent[qn], s.sent[qm]
	return s
}

func (s *script) meet() *script { s.blind = false; return s }

func (s *script) last() Event { return s.events[len(s.events)-1] }

func (s *script) derive(t testing.TB) Case {
	t.Helper()
	c, err := Derive(s.channel, s.events)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type step struct {
	from              schemas.AuthorityID
	name, outcome, re string
	state             State
	next              Sides
}

func TestStories(t *testing.T) {
	opened := step{qm, "request", "", "", StateSent, byRequested}
	acknowledged := step{qn, "acknowledgement", "", "", StateAcknowledged, byRequested}
	accepted := step{qn, "decision", "accepted", "", StateAccepted, byRequested}
	stories := map[string][]step{
		"executed after a supplement, partial result": {
			opened, acknowledged,
			{qn, "supplement-request", "", "", StateSupplement, byRequesting},
			{qm, "supplement", "", "supplement-request", StateAcknowledged, byRequested},
			accepted,
			{qn, "result", "partial", "", StateExecuting, Both},
			{qm, "result-receipt", "", "result", StateExecuting, byRequested},
			{qm, "closure", "", "", StateClosed, Nobody},
		},
		"executed in full, evidence returned": {
			opened, acknowledged, accepted,
			{qn, "status-report", "in-execution", "", StateExecuting, byRequested},
			{qn, "result", "partial", "", StateExecuting, Both},
			{qn, "result", "full", "", StateResultSent, byRequesting},
			{qm, "result-receipt", "", "result", StateResultReceived, byRequesting},
			{qm, "return-of-evidence", "", "", StateResultReceived, Both},
			{qn, "return-receipt", "", "return-of-evidence", StateEvidenceReturned, byRequesting},
			{qm, "closure", "", "", StateClosed, Nobody},
			{qm, "use-consent-request", "", "", StateClosed, byRequested},
			{qn, "use-consent-decision", "granted", "use-consent-request", StateClosed, Nobody},
		},
		"refused after a consultation": {
			opened, acknowledged,
			{qn, "consultation", "", "", StateConsulting, byRequesting},
			{qm, "consultation-reply", "reject", "consultation", StateConsulting, byRequested},
			{qn, "decision", "refused", "", StateRefused, Nobody},
		},
		"refused under another treaty": {
			opened, acknowledged,
			{qn, "decision", refusedUnderOtherTreaty, "", StateRefused, Nobody},
		},
		"terms accepted, then executed": {
			opened, acknowledged,
			{qn, "consultation", "", "", StateConsulting, byRequesting},
			{qm, "consultation-reply", "accept", "consultation", StateConditional, byRequested},
			{qn, "result", "full", "", StateResultSent, byRequesting},
		},
		"postponed, then accepted": {
			opened, acknowledged,
			{qn, "consultation", "", "", StateConsulting, byRequesting},
			{qm, "consultation-reply", "reject", "consultation", StateConsulting, byRequested},
			{qn, "decision", "postponed", "", StatePostponed, byRequested},
			accepted,
		},
		"conditional":   {opened, {qn, "decision", "conditional", "", StateConditional, byRequested}},
		"not available": {opened, acknowledged, {qn, "decision", "not-available", "", StateNotAvailable, Nobody}},
		"withdrawn": {
			opened, acknowledged,
			{qm, "withdrawal", "whole", "", StateWithdrawn, byRequested},
			{qn, "withdrawal-confirmation", "", "withdrawal", StateWithdrawn, Nobody},
		},
		"withdrawn in part": {
			opened, acknowledged,
			{qm, "withdrawal", "part", "", StateAcknowledged, byRequested},
			{qn, "withdrawal-confirmation", "", "withdrawal", StateAcknowledged, byRequested},
			accepted,
		},
		"asked for news": {
			opened, acknowledged, accepted,
			{qn, "result", "partial", "", StateExecuting, Both},
			{qm, "result-receipt", "", "result", StateExecuting, byRequested},
			{qm, "status-query", "", "", StateExecuting, byRequested},
			{qn, "status-report", "awaiting-court", "status-query", StateExecuting, byRequested},
			{qn, "costs-consultation", "", "", StateExecuting, byRequested},
			{qn, "confidentiality-limit", "", "", StateExecuting, byRequested},
		},
		"information": {
			{qm, "spontaneous-information", "", "", StateSent, byRequested}, acknowledged,
			{qn, "use-consent-request", "", "", StateAcknowledged, byRequested | byRequesting},
			{qm, "use-consent-decision", "refused", "use-consent-request", StateAcknowledged, byRequested},
			{qn, "exculpatory-notice", "", "", StateAcknowledged, byRequested},
			{qn, "closure", "", "", StateClosed, Nobody},
		},
	}
	for name, steps := range stories {
		t.Run(name, func(t *testing.T) { newScript().play(t, steps) })
	}
}

// play holds each step against what the table permits and what it should lead to.
func (s *script) play(t *testing.T, steps []step) {
	for i, step := range steps {
		before := s.derive(t)
		s.say(step.from, step.name, step.outcome, step.re)
		if i > 0 {
			if err := before.PermitsEvent(s.last()); err != nil {
				t.Fatalf("step %d %s %s: %v", i, step.name, step.outcome, err)
			}
		}
		c := s.derive(t)
		if c.State != step.state || c.NextToAct != step.next || !c.Effects[s.last().ref()] {
			t.Fatalf("step %d %s %s: state %s, next %s, effect %t; want %s, %s", i, step.name, step.outcome,
				c.State, c.NextToAct, c.Effects[s.last().ref()], step.state, step.next)
		}
		if ended := slices.Contains(c.story.Ends, step.state); c.Open == ended {
			t.Fatalf("step %d: open is %t in state %s", i, c.Open, c.State)
		}
		if c.Requesting != qm || c.Requested != qn {
			t.Fatalf("sides are %s and %s", c.Requesting, c.Requested)
		}
	}
}

func TestNotPermitted(t *testing.T) {
	acknowledged := func() *script { return newScript().qm("request", "", "").qn("acknowledgement", "", "") }
	accepted := func() *script { return acknowledged().qn("decision", "accepted", "") }
	tests := []struct {
		name    string
		after   *script
		side    Side
		typ     schemas.MessageType
		outcome string
		reason  Reason
	}{
		{"refuse without consulting", acknowledged(), Requested, "mla.decision/1", "refused", ConsultFirst},
		{"postpone without consulting", acknowledged(), Requested, "mla.decision/1", "postponed", ConsultFirst},
		{"refuse before the answer", acknowledged().qn("consultation", "", ""), Requested, "mla.decision/1", "refused", ConsultFirst},
		{"refuse after the terms were accepted", acknowledged().qn("consultation", "", "").qm("consultation-reply", "accept", "consultation"), Requested, "mla.decision/1", "refused", ConsultFirst},
		{"refuse twice on one consultation", acknowledged().qn("consultation", "", "").qm("consultation-reply", "reject", "consultation").qn("decision", "postponed", ""), Requested, "mla.decision/1", "refused", ConsultFirst},
		{"decide for the other side", acknowledged(), Requesting, "mla.decision/1", "accepted", OtherSide},
		{"acknowledge twice", acknowledged(), Requested, "mla.acknowledgement/1", "", WrongState},
		{"accept twice", accepted(), Requested, "mla.decision/1", "accepted", WrongState},
		{"result before a decision", acknowledged(), Requested, "mla.result/1", "full", WrongState},
		{"close before a result", accepted(), Requesting, "mla.closure/1", "", WrongState},
		{"close before the receipt", accepted().qn("result", "partial", ""), Requesting, "mla.closure/1", "", NothingReceived},
		{"supplement that nobody asked for", acknowledged(), Requesting, "mla.supplement/1", "", NothingToAnswer},
		{"receipt without a result", accepted(), Requesting, "mla.result-receipt/1", "", NothingToAnswer},
		{"withdraw a closed case", accepted().qm("withdrawal", "whole", ""), Requesting, "mla.withdrawal/1", "whole", WrongState},
		{"withdraw for the other side", accepted(), Requested, "mla.withdrawal/1", "whole", OtherSide},
		{"open an open case", accepted(), Requesting, "mla.request/1", "", AlreadyOpen},
		{"outcome of no rule", acknowledged(), Requested, "mla.decision/1", "granted", UnknownMessage},
		{"type of another channel", acknowledged(), Requested, "jit.decision/1", "accepted", UnknownMessage},
		{"no party", acknowledged(), 0, "mla.decision/1", "accepted", NotAParty},
		{"before the case is open", newScript(), Requested, "mla.decision/1", "accepted", NotOpen},
		{"use before anything was received", accepted(), Requesting, "mla.use-consent-request/1", "", NothingReceived},
		{"closure of information before it was acknowledged", newScript().qm("spontaneous-information", "", ""), Requested, "mla.closure/1", "", WrongState},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.after.derive(t).Permits(test.side, test.typ, test.outcome)
			refused, ok := errors.AsType[*NotPermittedError](err)
			if !ok || refused.Reason != test.reason || refused.Hint == "" {
				t.Fatalf("got %#v, want reason %s and a hint", err, test.reason)
			}
		})
	}
}

// A message that is not permitted has no effect when it is sent all the same.
func TestNoEffect(t *testing.T) {
	s := newScript().qm("request", "", "").qn("acknowledgement", "", "").qn("decision", "refused", "")
	c := s.derive(t)
	if c.State != StateAcknowledged || c.Effects[s.last().ref()] {
		t.Fatalf("a refusal without consultation led to %s", c.State)
	}
	s.qm("supplement", "", "acknowledgement")
	if c := s.derive(t); c.Effects[s.last().ref()] {
		t.Fatal("a supplement to no supplement request had effect")
	}
	s.events = append(s.events, Event{ID: "99", From: "QP/justice", To: qn, Seq: 99, Seen: 99, Type: "mla.withdrawal/1", Outcome: "whole"})
	if c := s.derive(t); c.State != StateAcknowledged || c.Effects[s.last().ref()] {
		t.Fatal("a message of a third authority had effect")
	}
}

func TestCrossing(t *testing.T) {
	acknowledged := func() *script { return newScript().qm("request", "", "").qn("acknowledgement", "", "") }
	tests := []struct {
		name  string
		s     *script
		state State
		lost  []string // the types without effect
	}{
		{"withdrawal and acceptance", acknowledged().crossing().qn("decision", "accepted", "").qm("withdrawal", "whole", ""), StateWithdrawn, []string{"decision"}},
		{"withdrawal and full result", acknowledged().qn("decision", "accepted", "").crossing().qn("result", "full", "").qm("withdrawal", "whole", ""), StateWithdrawn, []string{"result"}},
		{"withdrawal and acknowledgement", newScript().qm("request", "", "").crossing().qn("acknowledgement", "", "").qm("withdrawal", "whole", ""), StateWithdrawn, []string{"acknowledgement"}},
		{"decision and supplement", acknowledged().qn("supplement-request", "", "").crossing().qn("decision", "accepted", "").qm("supplement", "", "supplement-request"), StateAccepted, nil},
		{"accepted terms and refusal", acknowledged().qn("consultation", "", "").qm("consultation-reply", "reject", "consultation").
			qn("consultation", "", "").crossing().qn("decision", "refused", "").qm("consultation-reply", "accept", "consultation"), StateConditional, []string{"decision"}},
		{"closure and second result", acknowledged().qn("decision", "accepted", "").qn("result", "partial", "").qm("result-receipt", "", "result").
			crossing().qm("closure", "", "").qn("result", "partial", ""), StateClosed, nil},
		{"closure and last result", acknowledged().qn("decision", "accepted", "").qn("result", "partial", "").qm("result-receipt", "", "result").
			crossing().qm("closure", "", "").qn("result", "full", ""), StateResultSent, []string{"closure"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := test.s.derive(t)
			if c.State != test.state {
				t.Fatalf("state %s, want %s", c.State, test.state)
			}
			var lost []string
			for _, e := range test.s.events {
				if !c.Effects[e.ref()] {
					lost = append(lost, e.Type.Name())
				}
			}
			if fmt.Sprint(lost) != fmt.Sprint(test.lost) {
				t.Fatalf("without effect: %v, want %v", lost, test.lost)
			}
		})
	}
}

// Evidence that crossed a withdrawal can be sent back although its result had no effect.
func TestReturnAfterWithdrawal(t *testing.T) {
	s := newScript().qm("request", "", "").qn("decision", "accepted", "").
		crossing().qn("result", "full", "").qm("withdrawal", "whole", "").
		meet().qm("return-of-evidence", "", "").qn("return-receipt", "", "return-of-evidence")
	if c := s.derive(t); c.State != StateWithdrawn || !c.Effects[s.last().ref()] {
		t.Fatalf("state %s, effect %t", c.State, c.Effects[s.last().ref()])
	}
}

func TestUnansweredAndNext(t *testing.T) {
	s := newScript().qm("request", "", "").qn("supplement-request", "", "")
	c := s.derive(t)
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
