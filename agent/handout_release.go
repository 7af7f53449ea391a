package agent

import (
	"context"
	"encoding/hex"
	"errors"

	"comity/agent/api"
	"comity/agent/casefile"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/powercut"
	"comity/schemas"
)

// ReleaseHandout is one of the two words that let the file of a case go to its reader. It covers exactly the decision that the
// officer has read, and nobody releases what they asked for.
func (a *Agent) ReleaseHandout(ctx context.Context, by string, id schemas.MessageID, r api.HandoutRelease, proof []byte) (api.Handout, error) {
	if err := a.checkHandout(ctx, by, id, r); err != nil {
		return api.Handout{}, err
	}
	return a.onHandout(ctx, id, func(tx *store.Tx, h *store.Handout) error {
		if err := a.releasable(tx, h, by, r); err != nil {
			return err
		}
		tx.Step(powercut.OfficerWord)
		err := errors.Join(
			tx.AddHandoutWord(store.HandoutWord{Handout: h.ID, Digest: h.Digest, Person: by, Necessity: r.Necessity, At: a.now(), Proof: proof}),
			a.recordHome(tx, eventReleased, h.ID, h.Digest, by),
		)
		if err != nil {
			return err
		}
		words, err := wordsOf(tx, h)
		if err != nil || words == nil {
			return err
		}
		return a.closeHandout(tx, h, store.ClosedReleased, by)
	})
}

// releasable asks what our own records can answer.
func (a *Agent) releasable(tx *store.Tx, h *store.Handout, by string, r api.HandoutRelease) error {
	words, err := tx.HandoutWords(h)
	if err != nil {
		return err
	}
	var others []string
	for _, w := range words {
		if w.Person != by { // a second word of the same person replaces the first
			others = append(others, w.Person)
		}
	}
	together, err := a.sameSide(tx, by, others)
	if err != nil {
		return err
	}
	own, err := a.sameSide(tx, by, []string{h.AskedBy})
	if err != nil {
		return err
	}
	switch {
	case !h.ClosedAt.IsZero():
		return problem(ReasonState, "no review of this case file is open", "comity review export list shows those that are")
	case h.Outcome != string(policy.Hold):
		return problem(ReasonBlocked, "nothing releases what the rules block", "return it (comity review export return), or close the review (comity review export block)")
	case r.Digest != hex.EncodeToString(h.Digest[:]):
		return problem(ReasonOtherBytes, "the decision is not the one that you have read", "comity review export show, then release again")
	case own:
		return problem(ReasonFourEyes, "who asked for the file of a case does not release it, nor who stands in for them", "ask another protection officer")
	case together:
		return problem(ReasonFourEyes, "a person and who stands in for them are not two officers", "ask another protection officer")
	}
	return nil
}

// checkHandout asks the rules beforehand whether two such words would let the file go.
func (a *Agent) checkHandout(ctx context.Context, by string, id schemas.MessageID, r api.HandoutRelease) error {
	var h *store.Handout
	assumed := &policy.Release{By: [2]string{by, "another officer"}, Necessity: r.Necessity}
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		if h, err = handoutNamed(tx, id); err != nil {
			return err
		}
		if err := a.releasable(tx, h, by, r); err != nil {
			return err
		}
		words, err := tx.HandoutWords(h)
		for _, w := range words {
			assumed.Necessity = max(assumed.Necessity, w.Necessity)
		}
		return err
	})
	if err != nil {
		return err
	}
	d, err := a.exchanged(ctx, string(h.Case))
	if err != nil {
		return err
	}
	now, err := a.weigh(ctx, d, casefile.Reader(h.Reader), nil)
	if err != nil {
		return err
	}
	if now.outcome == policy.Allow {
		if err := a.dropHandout(ctx, d.CaseFile, casefile.Reader(h.Reader)); err != nil {
			return err
		}
		return problem(ReasonState, "the rules let this file go by now", "comity case export hands it out")
	}
	if now.digest != h.Digest { // what the officer has read is no longer what the rules say: they are shown that first
		if err := a.store.Update(ctx, func(tx *store.Tx) error { return a.openHandout(tx, h, now, h.AskedBy) }); err != nil {
			return err
		}
		return problem(ReasonOtherBytes, "the rules come to another decision by now", "comity review export show, then decide")
	}
	then, err := a.weigh(ctx, d, casefile.Reader(h.Reader), assumed)
	if err == nil && then.outcome != policy.Allow {
		err = problem(ReasonConditions, "as it stands, this file cannot be released", handoutHint(then))
	}
	return err
}

func handoutHint(j judgement) string {
	for _, held := range j.finding.Held {
		if len(held.Proposals) > 0 {
			return held.Proposals[0]
		}
	}
	return "comity review export show says what would have to be different; return it"
}

// wordsOf are the words of two officers for the decision that stands, nil where there are fewer.
func wordsOf(tx *store.Tx, h *store.Handout) (*policy.Release, error) {
	words, err := tx.HandoutWords(h)
	if err != nil || len(words) < 2 {
		return nil, err
	}
	r := &policy.Release{By: [2]string{words[0].Person, words[1].Person}}
	for _, w := range words {
		r.Necessity = max(r.Necessity, w.Necessity)
	}
	return r, nil
}

// takesOut refuses the file of a case to whoever released it, and to who stands in for them.
func (a *Agent) takesOut(tx *store.Tx, by string, words *policy.Release) error {
	own, err := a.sameSide(tx, by, words.By[:])
	if err == nil && own {
		err = problem(ReasonFourEyes, "who released the file of a case does not take it out, nor who stands in for them", "ask another approver")
	}
	return err
}
