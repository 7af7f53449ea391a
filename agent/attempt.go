package agent

import (
	"context"
	"errors"
	"time"

	"comity/agent/api"
	"comity/agent/store"
)

// Bounds of what is kept under idempotency keys.
const (
	attemptsFor      = 24 * time.Hour
	attemptsOfCaller = 1000
)

// BeginAttempt keeps an attempt, unless there is one under its key.
func (a *Agent) BeginAttempt(ctx context.Context, attempt api.Attempt) (kept api.Attempt, fresh bool, err error) {
	kept = attempt
	now := a.now()
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		found, err := tx.Attempt(attempt.Caller, attempt.Key)
		switch {
		case errors.Is(err, store.ErrNotFound):
			fresh = true
			return errors.Join(
				tx.TrimAttempts(now.Add(-attemptsFor), attempt.Caller, attemptsOfCaller-1),
				tx.PutAttempt(&store.Attempt{Caller: attempt.Caller, Key: attempt.Key, Request: attempt.Request, At: now}),
			)
		case err != nil:
			return err
		}
		kept.Request, kept.Status, kept.Answer = found.Request, found.Status, found.Answer
		return nil
	})
	return kept, fresh, err
}

// EndAttempt keeps what was answered.
func (a *Agent) EndAttempt(ctx context.Context, attempt api.Attempt) error {
	return a.store.Update(ctx, func(tx *store.Tx) error {
		if attempt.Status == 0 {
			return tx.DropAttempt(attempt.Caller, attempt.Key)
		}
		return tx.PutAttempt(&store.Attempt{
			Caller: attempt.Caller, Key: attempt.Key, Request: attempt.Request, At: a.now(), Status: attempt.Status, Answer: attempt.Answer,
		})
	})
}
