package link

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"comity/schemas"
)

// Refused is the broker's clear word that it did not take a message.
type Refused struct{ Reason schemas.RefusalReason }

func (r *Refused) Error() string { return "the broker refused the message: " + string(r.Reason) }

// Submit hands the broker one sealed message for to and returns the acceptance, a JWS that the caller verifies and
// keeps. The broker has then stored the message durably. Submitting the same attempt again within two minutes is
// accepted again and stored once; a caller that wants the bytes stored again, because the recipient asks for them,
// gives another attempt.
//
// A *Refused is the broker's decision. Any other error leaves open whether the message was accepted.
func (l *Link) Submit(ctx context.Context, to schemas.AuthorityID, ch schemas.Channel, attempt schemas.MessageID, wire []byte) ([]byte, error) {
	if !l.Up() {
		return nil, fmt.Errorf("submitting: %w", l.whyDown())
	}
	if limit := l.MaxSubmission(); int64(len(wire)) > limit-attemptRoom {
		return nil, &Refused{Reason: schemas.RefusedTooLarge} // the server would cut the connection instead
	}
	ctx, cancel := context.WithTimeoutCause(ctx, l.cfg.SubmitTimeout, fmt.Errorf("%w within %v", errNoAnswer, l.cfg.SubmitTimeout))
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w := &waiter{subject: submitSubject(to, ch), cancel: stop}
	l.wait(w)
	defer l.done(w)

	msg := &nats.Msg{Subject: w.subject, Data: wire, Header: nats.Header{attemptHeader: []string{string(attempt)}}}
	answer, err := l.conn.RequestMsgWithContext(ctx, msg)
	if err != nil {
		if errors.Is(context.Cause(ctx), errNoAnswer) {
			l.probe()
		}
		return nil, fmt.Errorf("submitting: %w", transportError(ctx, err))
	}
	return readAnswer(answer.Data)
}

var errNoAnswer = errors.New("no answer")

// probe tells a silent broker from a connection that is dead at the other end, of which the system may hear in minutes or
// never, and gives the dead one up.
func (l *Link) probe() {
	if !l.probing.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer l.probing.Store(false)
		if l.Up() && errors.Is(l.conn.FlushTimeout(l.cfg.ProbeTimeout), nats.ErrTimeout) && l.Up() {
			l.cfg.Log.Warn("the connection is dead at the other end")
			_ = l.conn.ForceReconnect() // fails only where the connection is closed for good
		}
	}()
}

// attemptRoom is for the header that goes with the message.
const attemptRoom = 256

// readAnswer tells a refusal, a JSON object, from an acceptance, which begins with base64url.
func readAnswer(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, errors.New("submitting: an empty answer")
	}
	if data[0] != '{' {
		return data, nil
	}
	reason, err := schemas.ParseRefusal(data)
	if err != nil {
		return nil, fmt.Errorf("submitting: %w", err)
	}
	return nil, &Refused{Reason: reason}
}

func transportError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w: no relay listens", ErrDown)
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrReconnectBufExceeded):
		return fmt.Errorf("%w: %w", ErrDown, err)
	}
	return err
}

func (l *Link) whyDown() error {
	if err := l.Err(); err != nil {
		return err
	}
	return ErrDown
}

func (l *Link) wait(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[w] = struct{}{}
}

func (l *Link) done(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, w)
}
