package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"comity/agent/retention"
	"comity/agent/store"
	"comity/powercut"
	"comity/schemas"
)

// Steps 3 and 4 of an erasure (retain.go): the transaction in which the content goes, and what that leaves on the disk.

// eraseCase is step 3. by is "" where nobody had to confirm it.
func (a *Agent) eraseCase(tx *store.Tx, s standing, by string) error {
	now := a.now()
	for _, m := range s.messages {
		if err := a.giveUpUnsent(tx, m, by); err != nil {
			return err
		}
		if m.Payload != nil {
			if err := a.recordHome(tx, eventErased, m.ID, m.PayloadSHA256, by); err != nil {
				return err
			}
		}
	}
	for _, e := range s.files {
		if e.State == store.EvidenceErased {
			continue
		}
		if err := a.custody(tx, e, custodyErased, by); err != nil {
			return err
		}
	}
	handouts, err := tx.HandoutsOfCase(s.file.ID)
	for _, h := range handouts {
		if h.ClosedAt.IsZero() {
			err = errors.Join(err, a.closeHandout(tx, h, store.ClosedDiscarded, ""))
		}
	}
	return errors.Join(err,
		tx.EraseCase(store.Erasure{Case: s.file.ID, Closed: s.file.ClosedAt, At: now}),
		a.recordHome(tx, eventErased, schemas.MessageID(s.file.ID), s.digest, by),
	)
}

// giveUpUnsent ends what never left and now never can: a draft, whatever stood in its way.
func (a *Agent) giveUpUnsent(tx *store.Tx, m *store.Message, by string) error {
	if !slices.Contains([]store.State{store.InReview, store.UnderReview, store.Returned}, m.State) {
		return nil
	}
	review, err := tx.Review(m.Key)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	case review.ClosedAt.IsZero():
		if err := a.closeReview(tx, review, store.ClosedDiscarded, ""); err != nil {
			return err
		}
	}
	m.State, m.ApprovedBy, m.Approval = store.Discarded, "", nil
	return errors.Join(tx.PutMessage(m), a.recordHome(tx, eventDiscarded, m.ID, m.PayloadSHA256, by))
}

// finishErasures is step 4 for every erasure that lacks it: also for one that a power cut left half done.
func (a *Agent) finishErasures(ctx context.Context) error {
	var left []store.Erasure
	var marked bool
	files := map[schemas.CaseID][]*store.Evidence{}
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		if marked, err = tx.LeftToWipe(); err != nil {
			return err
		}
		if left, err = tx.ErasuresLeft(retentionBatch); err != nil {
			return err
		}
		for _, e := range left {
			if files[e.Case], err = tx.EvidenceOfCase(e.Case, maxEvidence); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(left) == 0 && !marked {
		return err
	}
	powercut.Before(powercut.ErasedFiles)
	for _, e := range left {
		for _, f := range files[e.Case] {
			forget := a.spool.Forget
			if f.Owner != a.me {
				forget = func(id schemas.FileID) error { return a.spool.ForgetReceived(f.Owner, id) }
			}
			if err := forget(f.Manifest.ID); err != nil {
				return fmt.Errorf("deleting an erased file of evidence: %w", err)
			}
		}
	}
	powercut.After(powercut.ErasedFiles)
	if err := powercut.Around(powercut.ErasedPages, func() error { return a.store.Wipe(ctx) }); err != nil {
		return err
	}
	return a.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.Wiped(); err != nil {
			return err
		}
		for _, e := range left {
			if err := tx.ErasureGone(e.Case, a.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// retain has what was erased go from the disk, also what a power cut left, and where nobody has to confirm it, erases what is
// due. Cases that are confirmed one after the other go from the disk together. It returns when ctx ends.
func (a *Agent) retain(ctx context.Context) error {
	for {
		if err := a.retainOnce(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("erasing what is due", slog.Any("error", err))
		}
		timer, pause := time.NewTimer(retentionAgain), time.NewTimer(erasurePause)
		select {
		case <-ctx.Done():
		case <-a.erased:
			select {
			case <-ctx.Done():
			case <-pause.C:
			}
		case <-timer.C:
		}
		timer.Stop()
		pause.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

func (a *Agent) retainOnce(ctx context.Context) error {
	if a.config.Retention.Confirm == retention.Automatic {
		err := a.store.Update(ctx, func(tx *store.Tx) error {
			due, err := a.dueCases(tx, erasuresAtOnce)
			for _, s := range due {
				if s.waits == "" {
					err = errors.Join(err, a.eraseCase(tx, s, ""))
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return a.finishErasures(ctx)
}
