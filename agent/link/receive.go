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
	leastBatch    = 16 // messages asked for at a time: of the largest size 24 MiB
	mostBatch     = 64
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
	return l.receive(ctx, inboxStream, min(max(leastBatch, l.cfg.Parallel), mostBatch), handle)
}

func (l *Link) receive(ctx context.Context, stream string, batch int, handle func(context.Context, Delivery) error) error {
	r := &receiving{link: l, stream: stream, size: batch, handle: handle, held: make(map[jetstream.Msg]struct{})}
	r.handlers.SetLimit(l.cfg.Parallel)
	defer r.handlers.Wait() // whatever ends Receive, no handler outlives it
	retry := firstRetry
	for ctx.Err() == nil {
		if l.WaitUp(ctx) != nil {
			break
		}
		err := r.pull(ctx)
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

// receiving is one call of Receive.
type receiving struct {
	link     *Link
	stream   string
	size     int // of a batch
	handle   func(context.Context, Delivery) error
	handlers errgroup.Group

	// held are the messages that were delivered and not yet handled. The broker would deliver them again after
	// AckWait; keep tells it that they are in hand.
	mu   sync.Mutex
	held map[jetstream.Msg]struct{}
}

// pull opens the consumer and asks it for messages until something fails.
func (r *receiving) pull(ctx context.Context) error {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	consumer, err := r.link.js.Consumer(ask, r.stream, inboxConsumer)
	cancel()
	if err != nil {
		return fmt.Errorf("opening the inbox: %w", err)
	}
	pulling, stop := context.WithCancel(ctx)
	var keeper sync.WaitGroup
	keeper.Go(func() { r.keep(pulling, consumer.CachedInfo().Config.AckWait/2) })
	defer keeper.Wait()
	defer stop()
	for {
		if err := r.batch(ctx, consumer); err != nil {
			return err
		}
	}
}

// batch is one long pull: it returns when as many messages were handed out, not yet handled, or when pullTime has
// passed, and with an error when the connection changed under it.
func (r *receiving) batch(ctx context.Context, consumer jetstream.Consumer) error {
	changes := r.link.Changes()
	if !r.link.Up() {
		return ErrDown
	}
	// Fetch takes the deadline as the length of the pull, so the caller's own must not shine through.
	pull, cancel := context.WithTimeout(context.WithoutCancel(ctx), pullTime)
	defer cancel()
	go func() { // a pull does not outlive the connection on which it was asked
		select {
		case <-changes:
			cancel()
		case <-ctx.Done():
			cancel()
		case <-pull.Done():
		}
	}()
	fetched, err := consumer.Fetch(r.size, jetstream.FetchContext(pull), jetstream.FetchHeartbeat(pullHeartbeat))
	if err != nil {
		return fmt.Errorf("pulling: %w", err)
	}
	for msg := range r.noted(fetched.Messages(), r.size) {
		r.handlers.Go(func() error { // waits while Parallel handlers are at work
			defer r.drop(msg)
			r.one(ctx, msg)
			return nil
		})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := fetched.Error(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("pulling: %w", err)
	}
	return nil
}

func (r *receiving) one(ctx context.Context, msg jetstream.Msg) {
	d := Delivery{Wire: msg.Data(), msg: msg}
	if meta, err := msg.Metadata(); err == nil {
		d.Count = meta.NumDelivered
	}
	err := ctx.Err()
	pause := time.Duration(0) // on the way out: give it back at once
	if err == nil {
		err, pause = r.handle(ctx, d), handlerPause
	}
	if err == nil {
		return
	}
	if ctx.Err() == nil {
		r.link.cfg.Log.Error("handling a delivery", "err", err)
	}
	if err := msg.NakWithDelay(pause); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) && r.link.Up() {
		r.link.cfg.Log.Warn("returning a delivery", "err", err)
	}
}

// noted passes messages on and notes each as soon as it arrives, long before its turn.
func (r *receiving) noted(in <-chan jetstream.Msg, size int) <-chan jetstream.Msg {
	out := make(chan jetstream.Msg, size)
	go func() {
		defer close(out)
		for msg := range in {
			r.mu.Lock()
			r.held[msg] = struct{}{}
			r.mu.Unlock()
			out <- msg // never waits: a batch has no more
		}
	}()
	return out
}

func (r *receiving) drop(msg jetstream.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.held, msg)
}

func (r *receiving) keep(ctx context.Context, every time.Duration) {
	if every <= 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.mu.Lock()
			for msg := range r.held {
				_ = msg.InProgress() // lost with the connection, it only brings the message again
			}
			r.mu.Unlock()
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
