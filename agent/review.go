package agent

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"comity/agent/api"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/powercut"
	"comity/schemas"
)

// A message that policy stops is under review: one word for hold and block, the same for every kind of review, until it is
// returned or leaves. What follows is for protection officers alone.

// finding is what a review keeps of a decision. It holds references, ids and rule ids, never a name.
type finding struct {
	Rules       []string            `json:"rules"`
	Grounds     []api.Ground        `json:"grounds"`
	Why         string              `json:"why"`
	Proposals   []string            `json:"proposals,omitzero"`
	ProtectFrom []schemas.StateCode `json:"protect_from,omitzero"`
}

func findingOf(d policy.Decision) finding {
	f := finding{Rules: ruleNames(d.Rules), Grounds: []api.Ground{}, Why: d.Why, Proposals: d.Proposals, ProtectFrom: d.OriginSet}
	for _, g := range d.Grounds {
		f.Grounds = append(f.Grounds, api.Ground{Rule: string(g.Rule), Verdict: string(g.Verdict), Person: g.Person})
	}
	return f
}

func ruleNames(rules []policy.RuleID) []string {
	names := make([]string, len(rules))
	for i, rule := range rules {
		names[i] = string(rule)
	}
	return names
}

// stop puts a message that policy does not allow under review. Hold and block look the same to everybody but the
// protection officers, and to no peer does it exist.
func (a *Agent) stop(ctx context.Context, decided *store.Message, d policy.Decision) error {
	encoded, err := schemas.Canonical(findingOf(d))
	if err != nil {
		return fmt.Errorf("writing a review: %w", err)
	}
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		m, err := tx.Message(decided.Key)
		if err != nil {
			return err
		}
		if m.State != store.Approved && m.State != store.ToPrint || m.PayloadSHA256 != decided.PayloadSHA256 {
			return errSuperseded
		}
		tx.Step(powercut.Stopped)
		m.State = store.UnderReview
		outcome := d.Outcome
		if outcome != policy.Hold {
			outcome = policy.Block
		}
		return errors.Join(
			tx.PutMessage(m),
			tx.PutReview(&store.Review{Key: m.Key, Outcome: string(outcome), Digest: d.Digest(), Finding: encoded, OpenedAt: a.now()}),
			a.recordHome(tx, eventUnderReview, m.ID, m.PayloadSHA256, ""),
			a.alertHeld(tx, m, d),
			a.audit(tx, []byte(m.ID), store.DecisionStopped, d),
		)
	})
	if errors.Is(err, errSuperseded) {
		return nil
	}
	if err == nil {
		a.changes.tell(api.Event{Message: decided.ID, State: string(store.UnderReview), Case: decided.Case})
	}
	return err
}

// audit records which rules decided, for auditors, and about nobody (AUD-01).
func (a *Agent) audit(tx *store.Tx, about []byte, what string, d policy.Decision) error {
	return tx.AddDecision(about, store.Decision{At: a.now(), What: what, Outcome: string(d.Outcome), Rules: strings.Join(ruleNames(d.Rules), " ")})
}

// Decisions is the audit of decisions, the newest first.
func (a *Agent) Decisions(ctx context.Context, limit int) ([]api.Decision, error) {
	shown := []api.Decision{}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.Decisions(clamp(limit))
		for _, d := range found {
			shown = append(shown, api.Decision{At: d.At, Message: hex.EncodeToString(d.Message), What: d.What, Outcome: d.Outcome, Rules: strings.Fields(d.Rules)})
		}
		return err
	})
	return shown, err
}

// alertHeld tells the protection officers. A live alert of the border pages whoever is on duty (DOMAIN section 6).
func (a *Agent) alertHeld(tx *store.Tx, m *store.Message, d policy.Decision) error {
	kind := AlertHeld
	if isExpress(m) {
		kind = AlertHeldLive
	}
	err := a.alert(tx, kind, string(m.ID), m.Recipient)
	if d.Referral { // ASY-04: access to the asylum procedure, whatever becomes of the message
		err = errors.Join(err, a.alert(tx, AlertReferral, string(m.ID), ""))
	}
	return err
}

// Reviews lists what policy stopped and nobody has decided on.
func (a *Agent) Reviews(ctx context.Context) ([]api.Review, error) {
	shown := []api.Review{}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenReviews(listLimit)
		for _, r := range open {
			one, err := a.showReview(tx, r)
			if err != nil {
				return err
			}
			shown = append(shown, one)
		}
		return err
	})
	return shown, err
}

// Review shows one review, named by the id of its message or the beginning of it, with the content.
func (a *Agent) Review(ctx context.Context, prefix string) (shown api.Review, err error) {
	var persons map[string]*schemas.Identity
	err = a.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.MessagesByPrefix(prefix, 2)
		if err != nil {
			return err
		}
		if err := exactlyOne(len(found), "message"); err != nil {
			return err
		}
		r, err := tx.Review(found[0].Key)
		if errors.Is(err, store.ErrNotFound) {
			return problem(ReasonNotFound, "there is no review of this message", "comity review list shows those that are open")
		}
		if err != nil {
			return err
		}
		if shown, err = a.showReview(tx, r); err != nil {
			return err
		}
		shown.Message.Payload, shown.Home = found[0].Payload, found[0].Home
		persons, err = a.personsOf(tx, found[0])
		return err
	})
	if err == nil {
		shown.Matches = a.matched(ctx, persons)
	}
	return shown, err
}

func (a *Agent) showReview(tx *store.Tx, r *store.Review) (api.Review, error) {
	m, err := tx.Message(r.Key)
	if err != nil {
		return api.Review{}, err
	}
	authors, err := tx.Authors(r.Key)
	if err != nil {
		return api.Review{}, err
	}
	var f finding
	if err := schemas.Decode(r.Finding, &f, schemas.DefaultLimits); err != nil {
		return api.Review{}, fmt.Errorf("reading the review of message %s: %w", r.ID, err)
	}
	shown := api.Review{
		Message: show(m, authors), Outcome: r.Outcome, Rules: f.Rules, Grounds: f.Grounds, Why: f.Why, Proposals: f.Proposals,
		ProtectFrom: f.ProtectFrom, Digest: hex.EncodeToString(r.Digest[:]), OpenedAt: r.OpenedAt,
	}
	releases, err := tx.Releases(r.Key, r.Digest)
	for _, one := range releases {
		shown.ReleasedBy = append(shown.ReleasedBy, one.Person)
	}
	return shown, err
}

// ReleaseHeld is one of the two words that let a held message go. It covers exactly the bytes and the decision that the
// officer has read, and nobody releases what they wrote or approved. The second word puts the message back among the
// approved ones: it leaves at an ordinary tick, if the rules then come to the same decision.
func (a *Agent) ReleaseHeld(ctx context.Context, by string, id schemas.MessageID, r api.Release, proof []byte) (api.Message, error) {
	if err := a.checkReleasable(ctx, by, id, r); err != nil {
		return api.Message{}, err
	}
	return a.onMessage(ctx, id, func(tx *store.Tx, m *store.Message, authors []string) error {
		review, err := a.checkRelease(tx, m, authors, by, r)
		if err != nil {
			return err
		}
		tx.Step(powercut.OfficerWord)
		if err := tx.AddRelease(&store.Release{Key: m.Key, Digest: review.Digest, Person: by, Necessity: r.Necessity, At: a.now(), Proof: proof}); err != nil {
			return err
		}
		words, err := tx.Releases(m.Key, review.Digest)
		if err != nil {
			return err
		}
		err = a.recordHome(tx, eventReleased, m.ID, m.PayloadSHA256, by)
		if len(words) < 2 {
			return err
		}
		m.State = store.Approved
		return errors.Join(err, tx.PutMessage(m), a.closeReview(tx, review, store.ClosedReleased, by))
	})
}

// checkRelease asks what our own records can answer.
func (a *Agent) checkRelease(tx *store.Tx, m *store.Message, authors []string, by string, r api.Release) (*store.Review, error) {
	review, err := openReview(tx, m)
	if err != nil {
		return nil, err
	}
	own, err := a.sameSide(tx, by, append(slices.Clone(authors), m.ApprovedBy))
	if err != nil {
		return nil, err
	}
	together, err := a.sameOfficer(tx, by, m.Key, review.Digest)
	if err != nil {
		return nil, err
	}
	switch {
	case review.Outcome != string(policy.Hold):
		return nil, problem(ReasonBlocked, "nothing releases a message that the rules block", "return it to its author (comity review return), or close the review (comity review block)")
	case r.SHA256 != hexOf(m.PayloadSHA256) || r.Digest != hex.EncodeToString(review.Digest[:]):
		return nil, problem(ReasonOtherBytes, "the message or the decision is not the one that you have read", "comity review show, then release again")
	case own:
		return nil, problem(ReasonFourEyes, "who wrote or approved a message does not release it", "ask another protection officer")
	case together:
		return nil, problem(ReasonFourEyes, "a person and who stands in for them are not two officers", "ask another protection officer")
	}
	return review, nil
}

// sameOfficer tells whether the word that was given already is of somebody for whom this person stands in, or the other way
// round. A second word of the same person replaces the first, and is none of this.
func (a *Agent) sameOfficer(tx *store.Tx, by string, k store.Key, digest store.Hash) (bool, error) {
	words, err := tx.Releases(k, digest)
	if err != nil {
		return false, err
	}
	var others []string
	for _, word := range words {
		if word.Person != by {
			others = append(others, word.Person)
		}
	}
	return a.sameSide(tx, by, others)
}

// checkReleasable asks the rules beforehand whether two such words would let the message go: better a clear answer now
// than a message that comes back.
func (a *Agent) checkReleasable(ctx context.Context, by string, id schemas.MessageID, r api.Release) error {
	var m *store.Message
	var review *store.Review
	necessity := r.Necessity
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		if m, err = a.own(tx, id); err != nil {
			return err
		}
		authors, err := tx.Authors(m.Key)
		if err != nil {
			return err
		}
		if review, err = a.checkRelease(tx, m, authors, by, r); err != nil {
			return err
		}
		words, err := tx.Releases(m.Key, review.Digest)
		for _, word := range words {
			necessity = max(necessity, word.Necessity)
		}
		return err
	})
	if err != nil {
		return err
	}
	assumed := &policy.Release{Digest: review.Digest, By: [2]string{by, "another officer"}, Necessity: necessity}
	d, clearance, err := a.decide(ctx, outgoingOf(m), a.trust.View(), a.now(), assumed)
	if err != nil || clearance != nil {
		return err
	}
	if d.Digest() == review.Digest {
		return problem(ReasonConditions, "as it stands, this message cannot be released", releaseHint(d))
	}
	// What the officer has read is no longer what the rules say: they are shown the new decision before they decide.
	if err := a.decideAgain(ctx, id); err != nil {
		return err
	}
	return problem(ReasonOtherBytes, "the rules come to another decision by now", "the message is judged anew at the next tick: comity review show, then decide")
}

func releaseHint(d policy.Decision) string {
	if len(d.Proposals) > 0 {
		return d.Proposals[0]
	}
	return "comity review show says what would have to be different; return it to its author"
}

// ReturnHeld gives a message under review back to its author, who is told no reason.
func (a *Agent) ReturnHeld(ctx context.Context, by string, id schemas.MessageID) (api.Message, error) {
	return a.onMessage(ctx, id, func(tx *store.Tx, m *store.Message, _ []string) error {
		if m.State != store.UnderReview {
			return wrongState(m, "returned")
		}
		review, err := tx.Review(m.Key)
		if err != nil {
			return err
		}
		m.State, m.ApprovedBy, m.Approval = store.Returned, "", nil
		return errors.Join(
			tx.PutMessage(m),
			a.closeReview(tx, review, store.ClosedReturned, by),
			a.recordHome(tx, eventReturned, m.ID, m.PayloadSHA256, by),
		)
	})
}

// BlockHeld closes the review of a message that must not leave. To everybody else it stays under review: that a decision
// was made is nobody's business.
func (a *Agent) BlockHeld(ctx context.Context, by string, id schemas.MessageID) (api.Message, error) {
	return a.onMessage(ctx, id, func(tx *store.Tx, m *store.Message, _ []string) error {
		review, err := openReview(tx, m)
		if err != nil {
			return err
		}
		return errors.Join(
			a.closeReview(tx, review, store.ClosedBlocked, by),
			a.recordHome(tx, eventBlocked, m.ID, m.PayloadSHA256, by),
		)
	})
}

func openReview(tx *store.Tx, m *store.Message) (*store.Review, error) {
	review, err := tx.Review(m.Key)
	if errors.Is(err, store.ErrNotFound) || err == nil && (m.State != store.UnderReview || !review.ClosedAt.IsZero()) {
		return nil, problem(ReasonState, "no review of this message is open", "comity review list shows those that are")
	}
	return review, err
}

func (a *Agent) closeReview(tx *store.Tx, r *store.Review, how store.Closing, by string) error {
	r.ClosedAt, r.Closing, r.ClosedBy = a.now(), how, by
	return errors.Join(tx.PutReview(r), a.endAlert(tx, AlertHeld, string(r.ID), by), a.endAlert(tx, AlertHeldLive, string(r.ID), by))
}
