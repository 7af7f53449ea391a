package agent

import (
	"errors"
	"fmt"
	"strings"

	"comity/agent/api"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/schemas"
)

// What people do on a stage, through the same functions as their commands.

func (s *stage) act(a act) {
	s.t.Helper()
	d := s.desks[a.by]
	s.stir(d)
	switch {
	case a.missive != nil:
		s.write(d, a.missive)
	case a.verdict != nil:
		s.rule(d, a.verdict)
	default:
		a.deed(s, d)
	}
}

// write drafts and approves, where the desk may: what it may not write, nobody writes.
func (s *stage) write(d *desk, m *missive) {
	s.t.Helper()
	in, answers, ready := s.place(d, m)
	if !ready {
		s.tally.moot++
		return
	}
	form := m.form
	if m.fit != nil {
		form = deepClone(form).(map[string]any)
		if !m.fit(s, d, form["body"].(map[string]any)) {
			s.tally.moot++
			return
		}
	}
	content, err := m.draftOf(form, in, answers)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(m.files) > 0 {
		content = s.withFiles(d, in, content, m.files)
	}
	made, err := d.Draft(s.t.Context(), "officer-1", content)
	if err != nil {
		s.notWritten(m, err)
		return
	}
	w := &written{by: d.me}
	for _, one := range made {
		w.ids = append(w.ids, one.ID)
		s.labels[one.ID] = m.label
		s.view.drew(string(one.ID) + " " + string(one.Case))
		if isOf(d.me, s.view.state) {
			s.view.label(string(one.ID), m.label+" to "+string(one.To))
		}
	}
	s.wrote[m.label] = w
	s.approve(d, w)
	if m.settled {
		s.settle(d, w)
	}
	d.releaseAll(s.t.Context(), schemas.Immediate, isExpress)
	s.lookForHeld(d)
}

// notWritten notes that a draft was refused at home, which a story foresees where an act no longer fits.
func (s *stage) notWritten(m *missive, err error) {
	s.t.Helper()
	p, ok := errors.AsType[*api.Problem](err)
	if !ok {
		s.t.Fatalf("drafting %s: %v", m.label, err)
	}
	s.tally.moot++
	s.refused = append(s.refused, fmt.Sprint(m.label, ": ", p.Reason, p.Defects))
}

// place finds the case of a missive and what it answers, as far as the desk has them.
func (s *stage) place(d *desk, m *missive) (in schemas.CaseID, answers schemas.MessageID, ready bool) {
	s.t.Helper()
	if m.in != "" && !m.team {
		opening := s.heldAt(d, m.in)
		if opening == nil {
			return "", "", false
		}
		in = opening.Case
	}
	if m.answers != "" {
		answered := s.heldAt(d, m.answers)
		if answered == nil {
			return "", "", false
		}
		answers = answered.ID
	}
	return in, answers, true
}

// heldAt is the copy of a missive that a desk holds, nil where it has none.
func (s *stage) heldAt(d *desk, label string) *store.Message {
	s.t.Helper()
	w := s.wrote[label]
	if w == nil {
		return nil
	}
	for _, id := range w.ids {
		m, err := d.find(w.by, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			s.t.Fatal(err)
		}
		if m.Counts() {
			return m
		}
	}
	return nil
}

func (s *stage) approve(d *desk, w *written) {
	s.t.Helper()
	for _, id := range w.ids {
		m := d.message(d.me, id)
		var err error
		if schemas.SingleSignature(m.Type) {
			_, err = d.SignAlone(s.t.Context(), "officer-1", id, hexOf(m.PayloadSHA256), []byte("proof"))
		} else {
			_, err = d.Approve(s.t.Context(), "approver", id, hexOf(m.PayloadSHA256), []byte("proof"))
		}
		if err != nil {
			s.t.Fatalf("%s approving %s: %v", d.me, s.labels[id], err)
		}
	}
	w.approved = s.clock.Now()
}

// settle has two officers release what would be held at its tick, before it waits for it.
func (s *stage) settle(d *desk, w *written) {
	s.t.Helper()
	for _, id := range w.ids {
		m := d.message(d.me, id)
		decision, clearance, err := d.decide(s.t.Context(), outgoingOf(m), d.trust.View(), d.now(), nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if clearance != nil {
			continue
		}
		if err := d.stop(s.t.Context(), m, decision); err != nil {
			s.t.Fatal(err)
		}
		if decision.Outcome != policy.Hold || !s.releaseHeld(d, id) {
			s.t.Errorf("%s left in one world, and is stopped for good in the other: %v", s.labels[id], decision.Rules)
		}
	}
}

// lookForHeld notes which missives of a desk policy has stopped.
func (s *stage) lookForHeld(d *desk) {
	s.t.Helper()
	for _, label := range sortedKeys(s.wrote) {
		w := s.wrote[label]
		if w.by != d.me || w.held || !w.left.IsZero() {
			continue
		}
		for _, id := range w.ids {
			m, err := d.find(d.me, id)
			if err != nil || m.State != store.UnderReview { // not found: a backup from before was restored
				continue
			}
			w.held = true
			s.countRules(d, id)
			if s.leak.holds != nil {
				s.leak.holds(s, d, m)
			}
		}
	}
}

func (s *stage) countRules(d *desk, id schemas.MessageID) {
	s.t.Helper()
	review, err := d.Review(s.t.Context(), string(id))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, rule := range review.Rules {
		if isOf(d.me, host) {
			s.tally.rules[rule]++
		}
	}
}

// rule is what two protection officers decide. Where nothing is under review there is nothing to decide.
func (s *stage) rule(d *desk, v *verdict) {
	s.t.Helper()
	w := s.wrote[v.label]
	if w == nil || w.by != d.me {
		return
	}
	ruled := false
	for _, id := range w.ids {
		m, err := d.find(d.me, id)
		if err != nil || m.State != store.UnderReview {
			continue
		}
		switch v.says {
		case released:
			ruled = s.releaseHeld(d, id) || ruled
		case returned:
			if _, err := d.ReturnHeld(s.t.Context(), "guard-1", id); err != nil {
				s.t.Fatal(err)
			}
			ruled = true
		case blocked:
			if _, err := d.BlockHeld(s.t.Context(), "guard-1", id); err != nil && !isProblem(err, ReasonState) {
				s.t.Fatal(err)
			}
		}
	}
	if !ruled {
		return
	}
	w.approved = s.clock.Now()
	if s.leak.frees != nil && v.says == released {
		s.leak.frees(s, d, w)
	}
	d.releaseAll(s.t.Context(), schemas.Immediate, isExpress)
}

// releaseHeld has two officers release one held message. What they may not release stays.
func (s *stage) releaseHeld(d *desk, id schemas.MessageID) bool {
	s.t.Helper()
	for _, officer := range []string{"guard-1", "guard-2"} {
		review, err := d.Review(s.t.Context(), string(id))
		if err != nil {
			s.t.Fatal(err)
		}
		r := api.Release{SHA256: review.Message.SHA256, Digest: review.Digest, Necessity: "the recipient's own procedure needs it"}
		if _, err = d.ReleaseHeld(s.t.Context(), officer, id, r, []byte("proof")); err != nil {
			if isProblem(err, ReasonBlocked) || isProblem(err, ReasonConditions) || isProblem(err, ReasonOtherBytes) || isProblem(err, ReasonState) {
				return false
			}
			s.t.Fatal(err)
		}
	}
	return true
}

func isProblem(err error, reason string) bool {
	p, ok := errors.AsType[*api.Problem](err)
	return ok && p.Reason == reason
}

// rewrite has the author write anew what came back, without what it had to come back for.
func (s *stage) rewrite(d *desk, m *missive) {
	s.t.Helper()
	w := s.wrote[m.label]
	if w == nil || m.clean == nil || len(w.ids) != 1 || !w.left.IsZero() {
		return
	}
	stopped, err := d.find(d.me, w.ids[0])
	if err != nil || stopped.State != store.Returned {
		return
	}
	in, answers, ready := s.place(d, m)
	if !ready {
		return
	}
	content, err := m.draftOf(m.clean, in, answers)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := d.Edit(s.t.Context(), "officer-1", w.ids[0], content); err != nil {
		s.notWritten(m, err)
		return
	}
	w.clean = true
	s.approve(d, w)
	d.releaseAll(s.t.Context(), schemas.Immediate, isExpress)
}

// feed hands a desk its nightly feed: with the person in question where they are under protection here.
func feed(rows ...string) func(*stage, *desk) {
	return func(s *stage, d *desk) {
		s.t.Helper()
		var content []string
		for _, row := range rows {
			if guarded := strings.Contains(row, guardedRef); !guarded || s.guarded {
				content = append(content, row)
			}
		}
		s.importFeed(d, strings.Join(content, "\n"))
	}
}

func (s *stage) importFeed(d *desk, content string) {
	s.t.Helper()
	ctx := s.t.Context()
	report, err := d.ImportRegister(ctx, "guard-1", "jsonl", []byte(content))
	if isProblem(err, ReasonRegister) { // it is out of reach: the feed is lost
		return
	}
	if err != nil || len(report.Bad) > 0 {
		s.t.Fatalf("feeding the register of %s: %v %+v", d.me, err, report.Bad)
	}
	r, err := d.register.get(ctx)
	d.lookAtRegister(ctx, r, err)
	if s.leak.feeds != nil {
		s.leak.feeds(s, d)
	}
}

// turned has a desk's register behave in another way from now on.
func turned(m registerMode) func(*stage, *desk) {
	return func(_ *stage, d *desk) { d.turn(m) }
}
