package link

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

const (
	pullBatch     = 16 // messages asked for at a time: of the largest size 24 MiB
	pullTime      = 30 * time.Second
	pullHeartbeat = 5 * time.Second // the server's sign of life on a quiet pull
	askTimeout    = 5 * time.Second
	handlerPause  = 5 * time.Second // before a message that could not be handled comes again
	firstRetry    = 100 * time.Millisecond
	lastRetry     = 5 * time.Second
)

// Delivery is one message of the inbox. It comes again, here or at the next connection, until it is acknowledged.
type Delivery struct {
	// Wire is the sealed message, not yet looked at by anybody.
	Wire []byte
	// Count is 1 for the first delivery that the broker remembers.
	Count uint64
	msg   jetstream.Msg
}

// Ack tells the broker to forget the message, and returns once it has. Call it only when the message and its receipt
// are in the store: nobody else has it afterwards. On an error the message may come again.
func (d Delivery) Ack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := d.msg.DoubleAck(ctx); err != nil {
		return fmt.Errorf("acknowledging a delivery: %w", err)
	}
	return nil
}

// Nak asks the broker to deliver the message again after delay.
func (d Delivery) Nak(delay time.Duration) error {
	if err := d.msg.NakWithDelay(delay); err != nil {
		return fmt.Errorf("returning a delivery: %w", err)
	}
	return nil
}

// Receive hands every message of the inbox to handle until ctx ends, through whatever happens to the connection. The
// order means nothing. handle acknowledges what it has stored; a message for which it returns an error is delivered
// again later. With Config.Parallel above 1 it is called concurrently. While handle works, the broker is told to wait.
// Only one Receive may run at a time. It returns ctx's error.
func (l *Link) Receive(ctx context.Context, handle func(context.Context, Delivery) error) error {
	held := newHeld()
	retry := firstRetry
	for ctx.Err() == nil {
		if l.WaitUp(ctx) != nil {
			break
		}
		err := l.pull(ctx, held, handle)
		if err == nil {
			retry = firstRetry
			continue
		}
		if ctx.Err() == nil && l.Up() {
			l.cfg.Log.Warn("receiving", "err", err)
		}
		sleep(ctx, retry)
		retry = min(2*retry, lastRetry)
	}
	return context.Cause(ctx)
}

// Inbox tells whether the inbox can be opened now. It takes nothing from it.
func (l *Link) Inbox(ctx context.Context) error {
	if _, err := l.js.Consumer(ctx, inboxStream, inboxConsumer); err != nil {
		return fmt.Errorf("opening the inbox: %w", err)
	}
	return nil
}

// pull opens the consumer and asks it for messages until something fails.
func (l *Link) pull(ctx context.Context, held *held, handle func(context.Context, Delivery) error) error {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	consumer, err := l.js.Consumer(ask, inboxStream, inboxConsumer)
	cancel()
	if err != nil {
		return fmt.Errorf("opening the inbox: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var keeper sync.WaitGroup
	keeper.Go(func() { held.keep(ctx, consumer.CachedInfo().Config.AckWait/2) })
	defer keeper.Wait()
	defer stop()
	for {
		if err := l.batch(ctx, consumer, held, handle); err != nil {
			return err
		}
	}
}

// batch is one long pull: it returns when pullBatch messages were handled or pullTime passed, and with an error when
// the connection changed under it.
func (l *Link) batch(ctx context.Context, consumer jetstream.Consumer, held *held, handle func(context.Context, Delivery) error) error {
	changes := l.Changes()
	if !l.Up() {
		return ErrDown
	}
	// Fetch takes the deadline as the length of the pull, so the caller's own must not shine through.
	pull, cancel := context.WithTimeout(context.WithoutCancel(ctx), pullTime)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	go func() { // a pull does not outlive the connection on which it was asked
		select {
		case <-changes:
			cancel()
		case <-ctx.Done():
			cancel()
		case <-done:
		}
	}()
	fetched, err := consumer.Fetch(pullBatch, jetstream.FetchContext(pull), jetstream.FetchHeartbeat(pullHeartbeat))
	if err != nil {
		return fmt.Errorf("pulling: %w", err)
	}
	var handlers errgroup.Group
	handlers.SetLimit(l.cfg.Parallel)
	for msg := range held.through(fetched.Messages()) {
		handlers.Go(func() error {
			defer held.drop(msg)
			l.handle(ctx, msg, handle)
			return nil
		})
	}
	_ = handlers.Wait() // handlers report by themselves
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := fetched.Error(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("pulling: %w", err)
	}
	return nil
}

func (l *Link) handle(ctx context.Context, msg jetstream.Msg, handle func(context.Context, Delivery) error) {
	d := Delivery{Wire: msg.Data(), msg: msg}
	if meta, err := msg.Metadata(); err == nil {
		d.Count = meta.NumDelivered
	}
	err := ctx.Err()
	pause := time.Duration(0) // on the way out: give it back at once
	if err == nil {
		err, pause = handle(ctx, d), handlerPause
	}
	if err == nil {
		return
	}
	if ctx.Err() == nil {
		l.cfg.Log.Error("handling a delivery", "err", err)
	}
	if err := msg.NakWithDelay(pause); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) && l.Up() {
		l.cfg.Log.Warn("returning a delivery", "err", err)
	}
}

// held are the messages that were delivered and not yet handled. The broker would deliver them again after AckWait;
// keep tells it that they are in hand.
type held struct {
	mu   sync.Mutex
	msgs map[jetstream.Msg]struct{}
}

func newHeld() *held { return &held{msgs: make(map[jetstream.Msg]struct{})} }

// through notes each message as soon as it arrives, long before its turn.
func (h *held) through(in <-chan jetstream.Msg) <-chan jetstream.Msg {
	out := make(chan jetstream.Msg, pullBatch)
	go func() {
		defer close(out)
		for msg := range in {
			h.mu.Lock()
			h.msgs[msg] = struct{}{}
			h.mu.Unlock()
			out <- msg // never blocks: a batch has no more
		}
	}()
	return out
}

func (h *held) drop(msg jetstream.Msg) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.msgs, msg)
}

func (h *held) keep(ctx context.Context, every time.Duration) {
	if every <= 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.mu.Lock()
			for msg := range h.msgs {
				_ = msg.InProgress() // lost with the connection, it only brings the message again
			}
			h.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
