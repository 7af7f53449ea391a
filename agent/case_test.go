package agent

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki"
	"comity/schemas"
)

func TestACaseFromRequestToClosure(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	request := m.send(draft(t, qn, "request", "", ""))
	id := request.Case
	w.carry(t)
	w.agree(t, id, "sent", qm, qn)
	if got := m.message(qm, request.ID); got.State != store.Delivered || got.Receipt == nil {
		t.Fatalf("request is %s after the receipt", got.State)
	}
	steps := []struct {
		by, to schemas.AuthorityID
		name   string
		reply  bool // to the last message
		state  string
	}{
		{qn, qm, "acknowledgement", false, "acknowledged"},
		{qn, qm, "supplement-request", false, "supplement-pending"},
		{qm, qn, "supplement", true, "acknowledged"},
		{qn, qm, "decision", false, "accepted"},
		{qn, qm, "result", false, "executing"},
		{qm, qn, "result-receipt", true, "executing"},
		{qm, qn, "closure", false, "closed"},
	}
	last := request
	for _, step := range steps {
		var reply schemas.MessageID
		if step.reply {
			reply = last.ID
		}
		last = w.desks[step.by].send(draft(t, step.to, step.name, id, reply, accepting(step.name)))
		w.carry(t)
		w.agree(t, id, step.state, qm, qn)
	}
	for _, d := range []*desk{m, n} {
		if up := d.alarms(); len(up) > 0 {
			t.Errorf("%s has alarms: %v", d.me, up)
		}
		if depth := outboxDepth(t, d); depth != 0 {
			t.Errorf("%s still has %d rows in its outbox", d.me, depth)
		}
	}
}

// accepting makes the examples of the story fit: a decision that accepts, a result that is partial.
func accepting(name string) func(map[string]any) {
	return func(body map[string]any) {
		switch name {
		case "decision":
			for key := range body {
				delete(body, key)
			}
			body["outcome"] = "accepted"
		case "result":
			body["extent"] = "partial"
		case "withdrawal":
			body["scope"] = "whole"
			delete(body, "part")
		}
	}
}

func hasAlarm(up []string, kind string) bool {
	return slices.ContainsFunc(up, func(a string) bool { return strings.HasPrefix(a, kind) })
}

func outboxDepth(t *testing.T, d *desk) (n int) {
	t.Helper()
	if err := d.store.View(t.Context(), func(tx *store.Tx) (err error) { n, err = tx.OutboxDepth(); return err }); err != nil {
		t.Fatal(err)
	}
	return n
}

// Whatever is delayed, reordered or doubled, both sides end in one state with one set of messages.
func TestOrderNeverDecides(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t)
			m, n := w.desks[qm], w.desks[qn]
			id := m.send(draft(t, qn, "request", "", "")).Case
			if seed%2 == 0 { // the rest runs with the opening delivered, or in flight with everything else
				w.carry(t)
			}
			var bag []*store.Parcel
			script := []func(){
				func() { m.try(draft(t, qn, "status-query", id, "")) },
				func() { m.try(draft(t, qn, "status-query", id, "")) },
				func() { n.try(draft(t, qm, "acknowledgement", id, "")) },
				func() { n.try(draft(t, qm, "supplement-request", id, "")) },
				func() { n.try(draft(t, qm, "decision", id, "", accepting("decision"))) },
				func() { m.try(draft(t, qn, "withdrawal", id, "", accepting("withdrawal"))) },
			}
			for _, act := range script {
				act()
				bag = append(bag, m.outgoing()...)
				bag = append(bag, n.outgoing()...)
				r.Shuffle(len(bag), func(i, j int) { bag[i], bag[j] = bag[j], bag[i] })
				bag = deliverSome(w, bag, r)
			}
			for len(bag) > 0 {
				bag = append(deliverSome(w, bag, r), append(m.outgoing(), n.outgoing()...)...)
			}
			w.carry(t)
			if a, b := m.state(id), n.state(id); a != b || a != "withdrawn" {
				t.Errorf("QM sees %q, QN sees %q", a, b)
			}
			if a, b := m.counted(id), n.counted(id); a != b {
				t.Errorf("the sets differ:\nQM %s\nQN %s", a, b)
			}
		})
	}
}

// deliverSome delivers about half of the bag, a third of it twice.
func deliverSome(w *world, bag []*store.Parcel, r *rand.Rand) []*store.Parcel {
	var left []*store.Parcel
	for _, p := range bag {
		if r.IntN(2) == 0 {
			left = append(left, p)
			continue
		}
		w.desks[p.Peer].take(p.Wire)
		if r.IntN(3) == 0 {
			w.desks[p.Peer].take(p.Wire)
		}
	}
	return left
}

// try sends a message if the case, as this desk sees it, allows it.
func (d *desk) try(content []byte) {
	d.t.Helper()
	made, err := d.Draft(d.t.Context(), "officer-1", content)
	if err != nil {
		return
	}
	if _, err := d.Approve(d.t.Context(), "approver", made[0].ID, made[0].SHA256, nil); err != nil {
		d.t.Fatal(err)
	}
	d.seal(made[0].ID)
}

// counted is the set of messages from which a desk derives a case.
func (d *desk) counted(id schemas.CaseID) string {
	d.t.Helper()
	file, err := d.Case(context.Background(), string(id))
	if err != nil {
		d.t.Fatal(err)
	}
	var set []string
	for _, m := range file.Messages {
		if m.State == string(store.Sent) || m.State == string(store.Delivered) || m.State == string(store.Received) {
			set = append(set, fmt.Sprintf("%s %s %d effect=%v", m.From, m.Type, m.Number, !m.NoEffect))
		}
	}
	slices.Sort(set)
	return strings.Join(set, "\n")
}

func TestFourEyes(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	ctx := t.Context()
	made, err := m.Draft(ctx, "officer-1", draft(t, qn, "request", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	one := made[0]
	_, err = m.Approve(ctx, "officer-1", one.ID, one.SHA256, nil)
	wantProblem(t, err, ReasonFourEyes)
	_, err = m.Approve(ctx, "approver", one.ID, strings.Repeat("0", 64), nil)
	wantProblem(t, err, ReasonOtherBytes)
	if _, err := m.Approve(ctx, "approver", one.ID, one.SHA256, nil); err != nil {
		t.Fatal(err)
	}
	// An edit undoes the approval, and makes the editor an author too.
	edited, err := m.Edit(ctx, "officer-2", one.ID, draft(t, qn, "request", "", "", func(body map[string]any) { body["purpose"] = "Another purpose." }))
	if err != nil {
		t.Fatal(err)
	}
	if edited.State != string(store.InReview) || edited.ApprovedBy != "" || edited.SHA256 == one.SHA256 {
		t.Errorf("after an edit: %+v", edited)
	}
	for _, author := range []string{"officer-1", "officer-2"} {
		_, err = m.Approve(ctx, author, one.ID, edited.SHA256, nil)
		wantProblem(t, err, ReasonFourEyes)
	}
	_, err = m.Approve(ctx, "approver", one.ID, one.SHA256, nil)
	wantProblem(t, err, ReasonOtherBytes)
	if err := m.releaseOne(ctx, m.message(qm, one.ID)); err != nil {
		t.Fatal(err)
	}
	if got := m.message(qm, one.ID); got.State != store.InReview || got.Seq != 0 {
		t.Errorf("an unapproved message was released: %s", got.State)
	}
	if _, err := m.Discard(ctx, "officer-1", one.ID); err != nil {
		t.Error(err)
	}
	_, err = m.Approve(ctx, "approver", one.ID, edited.SHA256, nil)
	wantProblem(t, err, ReasonState)
}

func TestADraftIsCheckedAgainstTheRecipient(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	id := m.send(draft(t, qn, "request", "", "")).Case
	w.carry(t)
	french := []byte(strings.Replace(string(draft(t, qn, "request", "", "")), `"language":"en"`, `"language":"zz"`, 1))
	tests := []struct {
		name   string
		draft  []byte
		reason string
	}{
		{"unknown recipient", draft(t, "QZ/justice", "request", "", ""), ReasonRecipient},
		{"an authority without the channel", draft(t, "QN/border", "request", "", ""), ReasonRoute},
		{"a language that it does not accept", french, ReasonLanguage},
		{"a case that does not exist", draft(t, qn, "status-query", "00000000000000000000000000", ""), ReasonCase},
		{"a case with another", draft(t, qp, "status-query", id, ""), ReasonCase},
		{"a reply to nothing", draft(t, qn, "supplement", id, "00000000000000000000000000"), ReasonCase},
		{"not this side's turn", draft(t, qn, "acknowledgement", id, ""), ReasonNotPermitted},
		{"to itself", draft(t, qm, "request", "", ""), ReasonInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := m.Draft(t.Context(), "officer-1", tt.draft)
			wantProblem(t, err, tt.reason)
		})
	}
	if found, err := m.Messages(t.Context(), api.Query{State: string(store.InReview)}); err != nil || len(found) != 0 {
		t.Errorf("refused drafts left %d rows, %v", len(found), err)
	}
}

func TestEverythingThatTheRecipientAsksForIsNamedAtOnce(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	w.scheme.EditEntry(t, "QN", func(rows []pki.Authority) {
		for i := range rows {
			rows[i].Requires = []pki.Requirement{
				{Type: "mla.request/1", Member: "/body/urgency_contact", Why: "our courts sit at night"},
				{Type: "mla.request/1", Member: "/body/purpose", Why: "the example has it"},
				{Type: "mla.decision/1", Member: "/body/never", Why: "another type"},
			}
		}
	})
	w.publish(t)
	bad := strings.NewReplacer(`"language":"en"`, `"language":"zz"`, `"instrument":"untoc"`, `"instrument":"lisbon-1990"`).Replace(string(draft(t, qn, "request", "", "")))
	_, err := m.Draft(t.Context(), "officer-1", []byte(bad))
	wantProblem(t, err, ReasonInstrument)
	var pointers []string
	for _, d := range defectsOf(err) {
		pointers = append(pointers, d.Pointer)
	}
	if want := []string{"/legal_basis/0/instrument", "/language", "/body/urgency_contact"}; !slices.Equal(pointers, want) {
		t.Errorf("defects at %v, want %v", pointers, want)
	}
}

// A version that the recipient does not read is not sent, however it was named.
func TestATypeThatTheRecipientDoesNotReadIsNotSent(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	w.scheme.EditEntry(t, "QN", func(rows []pki.Authority) {
		for i := range rows {
			rows[i].Types = slices.DeleteFunc(slices.Clone(rows[i].Types), func(t schemas.MessageType) bool { return t == "mla.request/1" })
		}
	})
	w.publish(t)
	_, err := m.Draft(t.Context(), "officer-1", draft(t, qn, "request", "", ""))
	wantProblem(t, err, ReasonType)
	if found := defectsOf(err); len(found) != 1 || found[0].Pointer != "/type" || found[0].Rule != ruleType {
		t.Errorf("defects: %+v", found)
	}
	unnamed := strings.Replace(string(draft(t, qn, "request", "", "")), "mla.request/1", "mla.request", 1)
	_, err = m.Draft(t.Context(), "officer-1", []byte(unnamed))
	wantProblem(t, err, ReasonInvalid)
	if _, err := m.Draft(t.Context(), "officer-1", draft(t, qp, "request", "", "")); err != nil {
		t.Errorf("to another recipient: %v", err)
	}
}

// The Convention itself is a basis only where both sides take it as one.
func TestUNTOCAsTreatyBasis(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	w.scheme.EditTrustList(t, func(l *pki.TrustList) {
		for i := range l.Agreements {
			l.Agreements[i].Instruments = []string{"lisbon-1990"}
		}
	})
	for _, state := range []schemas.StateCode{"QM", "QN"} {
		w.publish(t)
		_, err := m.Draft(t.Context(), "officer-1", draft(t, qn, "request", "", ""))
		wantProblem(t, err, ReasonInstrument)
		w.scheme.EditEntry(t, state, func(rows []pki.Authority) {
			for i := range rows {
				rows[i].UNTOCBasis = true
			}
		})
	}
	w.publish(t)
	if _, err := m.Draft(t.Context(), "officer-1", draft(t, qn, "request", "", "")); err != nil {
		t.Errorf("both take it: %v %+v", err, defectsOf(err))
	}
}

func TestAMalformedDraftIsRefusedWholeAndEchoesNothing(t *testing.T) {
	w := newWorld(t)
	m := w.desks[qm]
	bad := `{"to":["QN/justice","TESTPERSON ALPHA-01"],"channel":"mla","type":"mla.request/1","urgency":"TESTPERSON BRAVO-02",
		"TESTPERSON CHARLIE-03":1,"subjects":[{"ref":"p1","role":"suspect","identity":{"names":["TESTPERSON ALPHA-01"],"birth_date":"TESTPERSON"}}],
		"body":{"assistance":["TESTPERSON DELTA-04"]}}`
	_, err := m.Draft(t.Context(), "officer-1", []byte(bad))
	wantProblem(t, err, ReasonInvalid)
	defects := defectsOf(err)
	var pointers []string
	for _, d := range defects {
		pointers = append(pointers, d.Pointer)
	}
	for _, want := range []string{"/to/1", "/urgency", "/language", "/legal_basis", "/subjects/0/identity/birth_date", "/body/purpose"} {
		if !slices.Contains(pointers, want) {
			t.Errorf("no defect at %s among %v", want, pointers)
		}
	}
	if shown := fmt.Sprintf("%v %+v %s", err, defects, w.log.String()); strings.Contains(shown, "TESTPERSON") {
		t.Error("an error or a log line echoes a personal value")
	}
}

func TestWhatPolicyStopsDoesNotExistOutside(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	held := m.write(draft(t, qn, "request", "", ""))
	// The agreement ends between approval and release.
	list := w.scheme.List()
	agreements := list.Agreements
	w.scheme.EditTrustList(t, withoutAgreements)
	w.publish(t)
	m.seal(held.ID)
	got := m.message(qm, held.ID)
	if got.State != store.UnderReview || got.Seq != 0 || got.Wire != nil {
		t.Fatalf("stopped message: state %s, number %d, sealed %v", got.State, got.Seq, got.Wire != nil)
	}
	shown, err := m.Message(t.Context(), string(held.ID))
	if err != nil || shown.Reason != "" || strings.Contains(fmt.Sprint(shown), "ROUTE") {
		t.Errorf("ordinary roles are shown more than one neutral word: %+v, %v", shown, err)
	}
	if len(m.outgoing()) != 0 {
		t.Error("a stopped message reached the outbox")
	}
	// The next message has the first number: no gap tells of the one that was stopped.
	w.scheme.EditTrustList(t, withAgreements(agreements))
	w.publish(t)
	next := m.send(draft(t, qn, "request", "", ""))
	if next.Seq != 1 || next.Prev != (store.Hash{}) {
		t.Errorf("the next message has number %d", next.Seq)
	}
	w.carry(t)
	if _, err := n.find(qm, held.ID); err == nil {
		t.Error("the recipient knows the stopped message")
	}
	if back, err := m.ReturnHeld(t.Context(), "protection-1", held.ID); err != nil || back.State != string(store.Returned) {
		t.Errorf("returning it: %+v, %v", back, err)
	}
}

// What arrives between approval and release counts: a message that its case no longer takes goes back to its author, with a
// reason from the case alone, and no number is used for it.
func TestWhatTheCaseNoLongerTakesGoesBack(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	id := m.send(draft(t, qn, "request", "", "")).Case
	w.carry(t)
	decided := n.write(draft(t, qm, "decision", id, "", accepting("decision")))
	withdrawal := m.send(draft(t, qn, "withdrawal", id, "", accepting("withdrawal")))
	w.carry(t)
	n.seal(decided.ID)
	got := n.message(qn, decided.ID)
	if got.State != store.Returned || got.Reason != ReasonNotPermitted || got.Seq != 0 || got.ApprovedBy != "" || got.Wire != nil {
		t.Errorf("it is %s %q with number %d, approved by %q", got.State, got.Reason, got.Seq, got.ApprovedBy)
	}
	w.carry(t)
	w.agree(t, id, "withdrawn", qm, qn)
	if confirmed := n.send(draft(t, qm, "withdrawal-confirmation", id, withdrawal.ID)); confirmed.Seq != 1 {
		t.Errorf("the next message has number %d", confirmed.Seq)
	}
}

func TestAPeersIllegalMessageChangesNothing(t *testing.T) {
	w := newWorld(t)
	m, n, p := w.desks[qm], w.desks[qn], w.desks[qp]
	request := m.send(draft(t, qn, "request", "", ""))
	w.carry(t)
	ack := payloadOf(t, draft(t, qm, "acknowledgement", request.Case, ""))
	closure := payloadOf(t, draft(t, qm, "closure", request.Case, ""))

	// QN, which may not close, does so in and out of order: the verdict is one.
	seen := func(h map[string]any) { h["seen"] = 1 }
	first := n.forge(qm, ack, 1, envelope.Hash{}, seen)
	second := n.forge(qm, closure, 2, hashInside(t, m, first), seen)
	m.take(second)
	w.agree(t, request.Case, "sent", qm)
	m.take(first)
	w.agree(t, request.Case, "acknowledged", qm)
	rejected := m.byNumber(qn, 2)
	if rejected.State != store.Rejected || rejected.Reason != string(envelope.RejectedState) {
		t.Errorf("illegal closure is %s %s", rejected.State, rejected.Reason)
	}
	if r := lastReceipt(t, m, n); r.Outcome != envelope.Rejected || r.Reason != envelope.RejectedState {
		t.Errorf("its sender is told %+v", r)
	}

	// QP is no party to the case of QM and QN, and cannot learn whether it exists.
	for i, id := range []schemas.CaseID{request.Case, "00000000000000000000000000"} {
		m.take(p.forge(qm, payloadOf(t, draft(t, qm, "acknowledgement", id, "")), uint64(i+1), chainOf(t, m, qp)))
		if r := lastReceipt(t, m, p); r.Outcome != envelope.Rejected || r.Reason != envelope.RejectedParty {
			t.Errorf("case %d: the stranger is told %+v", i, r)
		}
	}
	w.agree(t, request.Case, "acknowledged", qm)
}
