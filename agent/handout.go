package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"comity/agent/api"
	"comity/agent/casefile"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/powercut"
	"comity/schemas"
)

// The file of a case that the rules do not let go to a reader is under review like a message: one neutral word for hold and
// block, to everybody but the protection officers, two of whom release it. A release covers one reader, exactly these
// messages, and what the rules say of each of them now: another message in the case is another decision.

// heldMessage is what a review keeps of one message that stands in the way. It holds references, ids and rule ids, never a name.
type heldMessage struct {
	From    schemas.AuthorityID `json:"from"`
	ID      schemas.MessageID   `json:"id"`
	Outcome string              `json:"outcome"`
	finding
}

// handoutFinding is what a review of the file of a case keeps.
type handoutFinding struct {
	Messages int           `json:"messages"`
	Held     []heldMessage `json:"held"`
}

// judgement is what the rules say of handing out all of a case to one reader.
type judgement struct {
	outcome policy.Outcome // allow, hold or block
	digest  store.Hash
	finding handoutFinding
}

// whyWithheld is what stands for the decision about a message that was withheld on arrival.
const whyWithheld = "It was withheld on arrival: nothing releases it but the two officers who clear it."

// weigh asks the rules about every message, as if it were sent to the reader now. words are what two officers have released;
// nil where nobody has.
func (a *Agent) weigh(ctx context.Context, dossier *dossier, reader casefile.Reader, words *policy.Release) (judgement, error) {
	j := judgement{outcome: policy.Allow, finding: handoutFinding{Messages: len(dossier.messages), Held: []heldMessage{}}}
	hash := sha256.New()
	fmt.Fprintf(hash, "comity handout\n%s\n%s\n%s\n", dossier.ID, dossier.Peer, reader)
	for _, m := range dossier.messages {
		d, err := a.weighOne(ctx, dossier, m, reader, words)
		if err != nil {
			return j, err
		}
		digest := d.Digest()
		fmt.Fprintf(hash, "message %s %s %x %x %s %v\n", m.Sender, m.ID, m.JWSSHA256, digest, m.Screening, m.Payload == nil)
		for _, f := range dossier.files[m.Key] {
			fmt.Fprintf(hash, "file %s %s %s %v\n", f.manifest.ID, f.manifest.SHA256, f.absent, f.withheld())
		}
		switch d.Outcome {
		case policy.Allow:
			continue
		case policy.Hold:
		default: // what is invalid is not released either
			d.Outcome = policy.Block
		}
		if j.outcome != policy.Block {
			j.outcome = d.Outcome
		}
		j.finding.Held = append(j.finding.Held, heldMessage{From: m.Sender, ID: m.ID, Outcome: string(d.Outcome), finding: findingOf(d)})
	}
	j.digest = store.Hash(hash.Sum(nil))
	return j, nil
}

func (a *Agent) weighOne(
	ctx context.Context, dossier *dossier, m *store.Message, reader casefile.Reader, words *policy.Release,
) (policy.Decision, error) {
	if m.Direction == store.In && (m.Screening != store.ScreenClear || slices.ContainsFunc(dossier.files[m.Key], enclosedFile.withheld)) {
		return policy.Decision{Outcome: policy.Block, Why: whyWithheld}, nil
	}
	if m.Payload == nil { // erased: there is nothing to read
		return policy.Decision{Outcome: policy.Allow}, nil
	}
	f, err := a.exportFacts(ctx, dossier, m, reader)
	if err != nil {
		return policy.Decision{}, fmt.Errorf("gathering what a decision rests on: %w", err)
	}
	f.Directory, f.At = &handedOut{View: a.trust.View(), reader: reader.Authority(), payload: m.Payload}, a.now()
	d, _ := a.policy.Decide(ctx, f)
	if words != nil && d.Outcome == policy.Hold { // they released the whole, which names this decision
		f.Release = &policy.Release{Digest: d.Digest(), By: words.By, Necessity: words.Necessity}
		d, _ = a.policy.Decide(ctx, f)
	}
	return d, a.store.Update(ctx, func(tx *store.Tx) error { return a.audit(tx, []byte(m.ID), store.DecisionAsked, d) })
}

// mayRead lets the file of a case go if the rules allow all of it, or if two officers have released exactly this. Otherwise it
// is under review, and the refusal says no more than that.
func (a *Agent) mayRead(ctx context.Context, by string, d *dossier, reader casefile.Reader) error {
	j, err := a.weigh(ctx, d, reader, nil)
	if err != nil {
		return err
	}
	if j.outcome == policy.Allow {
		return a.dropHandout(ctx, d.CaseFile, reader)
	}
	words, err := a.askHandout(ctx, by, d.CaseFile, reader, j)
	if err != nil {
		return err
	}
	released, err := a.weigh(ctx, d, reader, words)
	if err == nil && (released.outcome != policy.Allow || released.digest != j.digest) {
		err = underReview(d.CaseFile, reader) // something changed between the two: whoever asks again opens it anew
	}
	return err
}

func underReview(file *store.CaseFile, reader casefile.Reader) error {
	return problem(ReasonReview, fmt.Sprintf("the file of case %s for %s is under review", file.ID, reader),
		"nothing is handed out before protection officers have decided; give the same command again later")
}

// askHandout opens the review of a decision, unless it has been decided on. It returns the words of those who released it;
// whoever takes the file out is another person.
func (a *Agent) askHandout(ctx context.Context, by string, file *store.CaseFile, reader casefile.Reader, j judgement) (words *policy.Release, err error) {
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		h, err := tx.Handout(file.ID, file.Peer, string(reader))
		if errors.Is(err, store.ErrNotFound) {
			h, err = &store.Handout{ID: schemas.NewMessageID(), Case: file.ID, Peer: file.Peer, Reader: string(reader)}, nil
		}
		if err != nil {
			return err
		}
		if h.Digest != j.digest || h.Closing == store.ClosedDiscarded {
			return a.openHandout(tx, h, j, by)
		}
		switch h.Closing {
		case store.ClosedReleased:
			if words, err = wordsOf(tx, h); words != nil {
				err = a.takesOut(tx, by, words)
			}
		case store.ClosedReturned:
			err = problem(ReasonReview, fmt.Sprintf("the file of case %s is not handed out for %s as it stands", file.ID, reader),
				"what may go to this reader can be sent, message by message")
		}
		return err
	})
	if err == nil && words == nil {
		err = underReview(file, reader)
	}
	return words, err
}

// openHandout writes a decision that nobody has decided on. Words for the one before count no more.
func (a *Agent) openHandout(tx *store.Tx, h *store.Handout, j judgement, by string) error {
	encoded, err := schemas.Canonical(j.finding)
	if err != nil {
		return fmt.Errorf("writing a review: %w", err)
	}
	tx.Step(powercut.Stopped)
	h.Outcome, h.Digest, h.Finding, h.AskedBy, h.OpenedAt = string(j.outcome), j.digest, encoded, by, a.now()
	h.ClosedAt, h.Closing, h.ClosedBy = time.Time{}, "", ""
	return errors.Join(
		tx.PutHandout(h),
		a.recordHome(tx, eventUnderReview, h.ID, h.Digest, by),
		a.alert(tx, AlertHandout, string(h.ID), h.Peer),
	)
}

// dropHandout ends the review of what the rules let go by now.
func (a *Agent) dropHandout(ctx context.Context, file *store.CaseFile, reader casefile.Reader) error {
	return a.store.Update(ctx, func(tx *store.Tx) error {
		h, err := tx.Handout(file.ID, file.Peer, string(reader))
		if errors.Is(err, store.ErrNotFound) || err == nil && !h.ClosedAt.IsZero() {
			return nil
		}
		if err != nil {
			return err
		}
		return a.closeHandout(tx, h, store.ClosedDiscarded, "")
	})
}

func (a *Agent) closeHandout(tx *store.Tx, h *store.Handout, how store.Closing, by string) error {
	h.ClosedAt, h.Closing, h.ClosedBy = a.now(), how, by
	return errors.Join(tx.PutHandout(h), a.endAlert(tx, AlertHandout, string(h.ID), by))
}

// Handouts lists the files of cases that nobody has decided on, the oldest first, for protection officers.
func (a *Agent) Handouts(ctx context.Context) ([]api.Handout, error) {
	shown := []api.Handout{}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenHandouts(listLimit)
		for _, h := range open {
			one, err := showHandout(tx, h)
			if err != nil {
				return err
			}
			shown = append(shown, one)
		}
		return err
	})
	return shown, err
}

// Handout shows one, whether it is open or not, for protection officers.
func (a *Agent) Handout(ctx context.Context, id schemas.MessageID) (shown api.Handout, err error) {
	err = a.store.View(ctx, func(tx *store.Tx) error {
		h, err := handoutNamed(tx, id)
		if err == nil {
			shown, err = showHandout(tx, h)
		}
		return err
	})
	return shown, err
}

func handoutNamed(tx *store.Tx, id schemas.MessageID) (*store.Handout, error) {
	h, err := tx.HandoutByID(id)
	if errors.Is(err, store.ErrNotFound) {
		err = problem(ReasonNotFound, "there is no review of a case file with this id", "comity review export list shows those that are open")
	}
	return h, err
}

func showHandout(tx *store.Tx, h *store.Handout) (api.Handout, error) {
	var f handoutFinding
	if err := schemas.Decode(h.Finding, &f, schemas.Limits{Bytes: maxHandout, Depth: 6}); err != nil {
		return api.Handout{}, fmt.Errorf("reading the review of a case file: %w", err)
	}
	shown := api.Handout{
		ID: h.ID, Case: h.Case, Peer: h.Peer, Reader: h.Reader, AskedBy: h.AskedBy, Outcome: h.Outcome, Messages: f.Messages, Held: []api.HeldMessage{},
		Digest: hex.EncodeToString(h.Digest[:]), OpenedAt: h.OpenedAt, Closing: string(h.Closing),
	}
	for _, held := range f.Held {
		shown.Held = append(shown.Held, api.HeldMessage{
			From: held.From, ID: held.ID, Outcome: held.Outcome, Rules: held.Rules, Grounds: held.Grounds, Why: held.Why, ProtectFrom: held.ProtectFrom,
		})
	}
	words, err := tx.HandoutWords(h)
	for _, w := range words {
		shown.ReleasedBy = append(shown.ReleasedBy, w.Person)
	}
	return shown, err
}

// maxHandout bounds what a review keeps of the file of a case.
const maxHandout = 16 << 20

// ReturnHandout closes a review without a release. Whoever asks again is told that it stays, and no reason.
func (a *Agent) ReturnHandout(ctx context.Context, by string, id schemas.MessageID) (api.Handout, error) {
	return a.endHandout(ctx, by, id, store.ClosedReturned, eventReturned)
}

// BlockHandout closes the review of a file that must not be handed out. To everybody else it stays under review.
func (a *Agent) BlockHandout(ctx context.Context, by string, id schemas.MessageID) (api.Handout, error) {
	return a.endHandout(ctx, by, id, store.ClosedBlocked, eventBlocked)
}

func (a *Agent) endHandout(ctx context.Context, by string, id schemas.MessageID, how store.Closing, event string) (api.Handout, error) {
	return a.onHandout(ctx, id, func(tx *store.Tx, h *store.Handout) error {
		if !h.ClosedAt.IsZero() && h.Closing != store.ClosedBlocked {
			return problem(ReasonState, "no review of this case file is open", "comity review export list shows those that are")
		}
		return errors.Join(a.closeHandout(tx, h, how, by), a.recordHome(tx, event, h.ID, h.Digest, by))
	})
}

func (a *Agent) onHandout(ctx context.Context, id schemas.MessageID, change func(*store.Tx, *store.Handout) error) (shown api.Handout, err error) {
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		h, err := handoutNamed(tx, id)
		if err != nil {
			return err
		}
		if err := change(tx, h); err != nil {
			return err
		}
		shown, err = showHandout(tx, h)
		return err
	})
	return shown, err
}
