package link

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"comity/schemas"
)

// Chunks of evidence have an ingress and a stream of their own in the broker. A desk that uses a Link for them alone keeps
// them off the connection of its messages.
const (
	chunkPrefix  = "comity.chunk."
	chunksStream = "chunks"
)

// chunksAtOnce is how many chunks are asked for at a time, and so the most that wait in memory here.
const chunksAtOnce = 4

// SubmitChunk hands the broker one chunk for to. attempt is the want that asked for it. A *Refused with a temporary reason is
// mostly a recipient that takes its time: the same chunk is to be submitted again after a pause. nil says that the broker
// has the chunk in memory, and no more.
func (l *Link) SubmitChunk(ctx context.Context, to schemas.AuthorityID, ch schemas.Channel, attempt schemas.MessageID, wire []byte) error {
	if !l.Up() {
		return fmt.Errorf("submitting a chunk: %w", l.whyDown())
	}
	ctx, cancel := context.WithTimeoutCause(ctx, l.cfg.SubmitTimeout, errNoAnswer)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w := &waiter{subject: chunkPrefix + address(to, ch), cancel: stop}
	l.wait(w)
	defer l.done(w)
	msg := &nats.Msg{Subject: w.subject, Data: wire, Header: nats.Header{attemptHeader: []string{string(attempt)}}}
	answer, err := l.conn.RequestMsgWithContext(ctx, msg)
	if err != nil {
		if errors.Is(context.Cause(ctx), errNoAnswer) {
			l.probe()
		}
		return fmt.Errorf("submitting a chunk: %w", transportError(ctx, err))
	}
	_, err = readAnswer(answer.Data)
	return err
}

// ReceiveChunks is Receive for chunks. A chunk is acknowledged once handle has returned nil, whatever became of it then: what
// is missing the recipient asks for.
func (l *Link) ReceiveChunks(ctx context.Context, handle func(ctx context.Context, wire []byte) error) error {
	return l.receive(ctx, chunksStream, chunksAtOnce, func(ctx context.Context, d Delivery) error {
		if err := handle(ctx, d.Wire); err != nil {
			return err
		}
		if err := d.msg.Ack(); err != nil { // lost with the connection, it only brings the chunk again
			return fmt.Errorf("acknowledging a chunk: %w", err)
		}
		return nil
	})
}
