package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"comity/agent/api"
	"comity/agent/store"
	"comity/powercut"
	"comity/schemas"
)

// Approve is step 2: a second person, who wrote no part of the message, approves exactly the bytes whose SHA-256 they
// name in hexadecimal. proof is their signed command, kept with the message.
func (a *Agent) Approve(ctx context.Context, by string, id schemas.MessageID, sha256 string, proof []byte) (api.Message, error) {
	return a.onMessage(ctx, id, func(tx *store.Tx, m *store.Message, authors []string) error {
		own, err := a.sameSide(tx, by, authors)
		switch {
		case err != nil:
			return err
		case m.State != store.InReview:
			return wrongState(m, "approved")
		case len(authors) == 0 || own:
			return problem(ReasonFourEyes, "who wrote a message does not approve it, nor who stands in for them", "ask a colleague with the role approver")
		case sha256 != hexOf(m.PayloadSHA256):
			return problem(ReasonOtherBytes, "the message is not the one that you have read: it was edited since", "comity message show, then approve again")
		}
		tx.Step(powercut.Approved)
		m.State, m.ApprovedBy, m.ApprovedAt, m.Approval = store.Approved, by, a.now(), proof
		return errors.Join(tx.PutMessage(m), a.recordHome(tx, eventApproved, m.ID, m.PayloadSHA256, by))
	})
}

// secondLookWithin is how long a message that left with one signature may wait for another pair of eyes (DOMAIN section 6).
const secondLookWithin = 12 * time.Hour

// SignAlone is step 2 for the types of message that may leave with one signature: its author signs the exact bytes, and
// another person looks at them afterwards.
func (a *Agent) SignAlone(ctx context.Context, by string, id schemas.MessageID, sha256 string, proof []byte) (api.Message, error) {
	return a.onMessage(ctx, id, func(tx *store.Tx, m *store.Message, authors []string) error {
		switch {
		case m.State != store.InReview:
			return wrongState(m, "signed")
		case !schemas.SingleSignature(m.Type) || onPaper(a.trust.View(), m.Recipient):
			return problem(ReasonFourEyes, fmt.Sprintf("%s needs a second person before it leaves", m.Type), "ask a colleague with the role approver")
		case len(authors) != 1 || authors[0] != by:
			return problem(ReasonFourEyes, "only its one author signs a message alone", "draft it anew, or ask a colleague with the role approver")
		case sha256 != hexOf(m.PayloadSHA256):
			return problem(ReasonOtherBytes, "the message is not the one that you have read: it was edited since", "comity message show, then sign again")
		}
		tx.Step(powercut.SignedAlone)
		m.State, m.ApprovedBy, m.ApprovedAt, m.Approval = store.Approved, by, a.now(), proof
		return errors.Join(
			tx.PutMessage(m),
			tx.PutSecondLook(store.SecondLook{Key: m.Key, DueAt: a.now().Add(secondLookWithin)}),
			a.recordHome(tx, eventSignedAlone, m.ID, m.PayloadSHA256, by),
		)
	})
}

// LookAgain records that a second person has read a message that left with one signature.
func (a *Agent) LookAgain(ctx context.Context, by string, id schemas.MessageID, sha256 string, proof []byte) (api.Message, error) {
	return a.onMessage(ctx, id, func(tx *store.Tx, m *store.Message, authors []string) error {
		own, err := a.sameSide(tx, by, authors)
		if err != nil {
			return err
		}
		owed, err := tx.SecondLook(m.Key)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return problem(ReasonState, "this message did not leave with one signature", "")
		case err != nil:
			return err
		case owed.Person != "":
			return problem(ReasonState, "somebody has looked at this message already", "")
		case own:
			return problem(ReasonFourEyes, "the second look is another person's", "ask a colleague with the role approver")
		case sha256 != hexOf(m.PayloadSHA256):
			return problem(ReasonOtherBytes, "the message is not the one that you have read", "comity message show, then look again")
		}
		tx.Step(powercut.LookedAgain)
		owed.Person, owed.At, owed.Proof = by, a.now(), proof
		return errors.Join(
			tx.PutSecondLook(owed),
			a.clear(tx, AlarmSecondLook, "", string(m.ID)),
			a.recordHome(tx, eventLookedAgain, m.ID, m.PayloadSHA256, by),
		)
	})
}

// remindSecondLooks raises the alarm for looks that are overdue, and returns when the next will be.
func (a *Agent) remindSecondLooks(tx *store.Tx) (time.Time, error) {
	owed, err := tx.SecondLooksOwed(choreBatch)
	if err != nil {
		return time.Time{}, err
	}
	for _, l := range owed {
		if l.DueAt.After(a.now()) {
			return l.DueAt, nil
		}
		if err := a.raise(tx, AlarmSecondLook, "", string(l.ID)); err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, nil
}

// onMessage changes one of our messages and tells who listens.
func (a *Agent) onMessage(ctx context.Context, id schemas.MessageID, change func(*store.Tx, *store.Message, []string) error) (api.Message, error) {
	var m *store.Message
	var authors []string
	err := a.store.Update(ctx, func(tx *store.Tx) (err error) {
		if m, err = a.own(tx, id); err != nil {
			return err
		}
		if authors, err = tx.Authors(m.Key); err != nil {
			return err
		}
		if err := change(tx, m, authors); err != nil {
			return err
		}
		authors, err = tx.Authors(m.Key)
		return err
	})
	if err != nil {
		return api.Message{}, err
	}
	a.changes.tell(api.Event{Message: m.ID, State: string(m.State), Case: m.Case})
	if m.State == store.Approved {
		a.released.approved(m)
	}
	a.chores.give()
	return show(m, authors), nil
}
