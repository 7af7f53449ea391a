package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/store"
	"comity/powercut"
	"comity/schemas"
)

const (
	choreBatch = 1000
	// askAgainLast bounds the pause between two requests for the same hole.
	askAgainLast = time.Hour
	// choreLeast keeps what cannot be done now from being tried without a pause.
	choreLeast = time.Second
	// chorePause is how long chores rest between two looks: every message wakes them, and none of them is in a hurry.
	chorePause = 100 * time.Millisecond
	// choreRetry is the pause after a chore that failed.
	choreRetry = 30 * time.Second
)

// doChores asks for what is missing, raises the alarm for what does not come or is overdue, and closes the numbers of
// messages that expired. It sleeps until the next of these is due, and returns when ctx ends.
func (a *Agent) doChores(ctx context.Context) error {
	for {
		next, err := a.chore(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			a.log.Error("chores", slog.Any("error", err))
			next = a.now().Add(choreRetry)
		}
		wait := time.Hour
		if !next.IsZero() {
			wait = min(max(next.Sub(a.now()), choreLeast), wait)
		}
		timer, pause := time.NewTimer(wait), time.NewTimer(chorePause)
		select {
		case <-ctx.Done():
		case <-a.chores:
			select { // whatever else happens until then is looked at together
			case <-ctx.Done():
			case <-pause.C:
			}
		case <-timer.C:
		}
		timer.Stop()
		pause.Stop()
	}
}

// chore does what is due and returns when it must look again, zero for no set time.
func (a *Agent) chore(ctx context.Context) (time.Time, error) {
	var next time.Time
	var voided []*store.Message
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		voided = nil
		tx.Step(powercut.Chores)
		holes, err := a.askForHoles(tx)
		if err != nil {
			return err
		}
		// A recipient whose clock is behind may still take it as valid for a while.
		expired, err := tx.SentBefore(a.now().Add(-envelope.ClockSkew), choreBatch)
		if err != nil {
			return err
		}
		for _, m := range expired {
			if err := a.void(tx, m); err != nil { // such as no key to encrypt to: the others go on
				a.log.Error("closing a number", slog.String("message", string(m.ID)), slog.Any("error", err))
				if err := a.raise(tx, AlarmUnsealable, m.Recipient, string(m.ID)); err != nil {
					return err
				}
			}
		}
		voided = expired
		recalls, err := a.askRecalls(tx)
		if err != nil {
			return err
		}
		ends, err := a.warnOfEnds(tx)
		if err != nil {
			return err
		}
		late, err := a.warnOfLateReceipts(tx)
		if err != nil {
			return err
		}
		looks, err := a.remindSecondLooks(tx)
		if err != nil {
			return err
		}
		cases, err := a.lookAtCases(tx)
		if err != nil {
			return err
		}
		oral, err := a.lookAtOral(tx)
		if err != nil {
			return err
		}
		expiry, err := tx.NextExpiry()
		if !expiry.IsZero() {
			expiry = expiry.Add(envelope.ClockSkew)
		}
		next = earliest(earliest(earliest(holes, looks), earliest(earliest(late, ends), recalls)), earliest(earliest(cases, oral), expiry))
		return err
	})
	for _, m := range voided {
		a.changes.tell(api.Event{Message: m.ID, State: string(m.State), Case: m.Case})
	}
	a.submitted.give()
	return next, err
}

// askForHoles asks each peer for the numbers that have been missing for long enough, as one range, and alarms those that
// still do not come. It returns when the next of either is due.
func (a *Agent) askForHoles(tx *store.Tx) (time.Time, error) {
	holes, err := tx.Holes(choreBatch)
	if err != nil {
		return time.Time{}, err
	}
	now := a.now()
	var next time.Time
	asked := map[schemas.AuthorityID]*envelope.Resend{}
	channels := map[schemas.AuthorityID]schemas.Channel{}
	for _, h := range holes {
		if alarmAt := h.NoticedAt.Add(a.config.Timing.HoleAlarm); !now.Before(alarmAt) {
			if err := a.raise(tx, AlarmHole, h.Peer, fmt.Sprint(h.Seq)); err != nil {
				return next, err
			}
		} else {
			next = earliest(next, alarmAt)
		}
		askAt := h.NoticedAt.Add(a.config.Timing.HoleAsk)
		if h.Asked > 0 {
			askAt = h.AskedAt.Add(backOff(a.config.Timing.HoleAsk, askAgainLast, h.Asked))
		}
		if now.Before(askAt) {
			next = earliest(next, askAt)
			continue
		}
		if err := tx.AskedForHole(h.Peer, h.Seq, now); err != nil {
			return next, err
		}
		next = earliest(next, now.Add(backOff(a.config.Timing.HoleAsk, askAgainLast, h.Asked+1)))
		channels[h.Peer] = h.Channel
		switch r := asked[h.Peer]; {
		case r == nil:
			asked[h.Peer] = &envelope.Resend{First: h.Seq, Last: h.Seq}
		case h.Seq-r.First < envelope.MaxResend:
			r.Last = h.Seq
		}
	}
	for peer, resend := range asked {
		if err := a.ask(tx, peer, channels[peer], *resend); err != nil {
			a.log.Error("asking for missing numbers", slog.String("peer", string(peer)), slog.Any("error", err))
		}
	}
	return next, nil
}

// ask seals a resend request and puts it into the outbox.
func (a *Agent) ask(tx *store.Tx, peer schemas.AuthorityID, channel schemas.Channel, r envelope.Resend) error {
	now := a.now()
	to, err := a.trust.View().EncryptionKey(peer, now)
	if err != nil {
		return fmt.Errorf("asking %s to send again: %w", peer, err)
	}
	sealed, err := envelope.SealResend(envelope.Header{From: a.me, To: peer, Channel: channel, ID: schemas.NewMessageID(), SentAt: now}, r, a.signer(), to)
	if err != nil {
		return err
	}
	a.notices.note(NoticeAsked, peer, now)
	return errors.Join(
		tx.PutParcel(&store.Parcel{
			ID: sealed.Header.ID, Kind: store.KindResend, Peer: peer, Channel: channel, JWSSHA256: store.Hash(sealed.Hash),
			Wire: sealed.Wire, NextAt: now, ExpiresAt: now.Add(a.config.Timing.HoleAlarm),
		}),
		a.recordSigned(tx, envelope.KindResend, sealed.Header, sealed.Hash),
	)
}

// earliest is the earlier of two times of which zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
