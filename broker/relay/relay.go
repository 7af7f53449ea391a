package relay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"comity/powercut"
	"comity/schemas"
)

// AttemptHeader may name the attempt: a sender that submits the same bytes again on purpose, because the recipient
// asked for them, gives each attempt another id. Without it the attempt is the message.
const AttemptHeader = "Comity-Attempt"

const (
	ingress       = "x.*.>"
	serviceReply  = "_R_." // the server's own name for where the asker's account is answered
	storeTimeout  = 10 * time.Second
	duplicateHint = "Nats-Msg-Id"
)

// Relay is a running relay.
type Relay struct {
	cfg       Config
	accounts  Accounts
	conn      *nats.Conn
	js        jetstream.JetStream
	sub       *nats.Subscription
	queue     chan work
	room      *room
	sender    *buckets
	recipient *buckets
	workers   sync.WaitGroup

	mu      sync.Mutex
	stopped bool // no more work enters queue
	stats   Stats
}

// Stats counts what became of submissions since the start.
type Stats struct {
	Accepted uint64
	Refused  map[schemas.RefusalReason]uint64
}

type work struct {
	from schemas.AuthorityID
	msg  *nats.Msg
}

// Start listens on conn, which it owns from here on. It returns once the server knows of it, so that no submission
// finds nobody.
func Start(conn *nats.Conn, accounts Accounts, cfg Config) (*Relay, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Relay{
		cfg: cfg, accounts: accounts, conn: conn, queue: make(chan work, cfg.Waiting),
		room: newRoom(cfg), sender: newBuckets(cfg.Sender), recipient: newBuckets(cfg.Recipient),
		stats: Stats{Refused: make(map[schemas.RefusalReason]uint64)},
	}
	if r.js, err = jetstream.New(conn); err != nil {
		return nil, fmt.Errorf("starting the relay: %w", err)
	}
	for range cfg.Workers {
		r.workers.Go(r.work)
	}
	if r.sub, err = conn.QueueSubscribe(ingress, "relay", r.receive); err == nil {
		err = errors.Join(r.sub.SetPendingLimits(cfg.Waiting, int(cfg.WaitingBytes)), conn.Flush())
	}
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("starting the relay: %w", err)
	}
	return r, nil
}

// Close finishes what it has begun and takes nothing more. What was not answered, its sender submits again.
func (r *Relay) Close() {
	if r.sub != nil {
		_ = r.sub.Unsubscribe() // fails only where the connection is gone, which is as good
	}
	r.mu.Lock()
	if !r.stopped {
		r.stopped = true
		close(r.queue)
	}
	r.mu.Unlock()
	r.workers.Wait()
	_ = r.conn.FlushTimeout(time.Second) // the last answers; who gets none submits again
	r.conn.Close()
}

// Stats is a copy.
func (r *Relay) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Stats{Accepted: r.stats.Accepted, Refused: maps.Clone(r.stats.Refused)}
}

// receive is called for one message after another, and so must not wait.
func (r *Relay) receive(msg *nats.Msg) {
	// A reply that the server did not make would be a subject of CORE's that somebody chose.
	if !strings.HasPrefix(msg.Reply, serviceReply) {
		return
	}
	// 1. The account proves the sender.
	from, ok := r.accounts.Sender(accountOf(msg.Subject))
	if !ok {
		r.refuse(msg, schemas.RefusedSenderMismatch)
		return
	}
	if !r.enqueue(work{from, msg}) {
		r.refuse(msg, schemas.RefusedUnavailable)
	}
}

func (r *Relay) enqueue(w work) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || !r.room.enter(w.from, len(w.msg.Data)) {
		return false
	}
	r.queue <- w // room counts no more than the queue holds
	return true
}

func (r *Relay) work() {
	for w := range r.queue {
		ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
		acceptance, reason, err := r.judge(ctx, w)
		cancel()
		r.room.leave(w.from, len(w.msg.Data))
		if err != nil {
			r.cfg.Log.Error("relay", "reason", reason, "err", err)
		}
		if reason != "" {
			r.refuse(w.msg, reason)
			continue
		}
		r.count("")
		powercut.Before(powercut.RelayAnswered)
		r.respond(w.msg, acceptance)
		powercut.After(powercut.RelayAnswered)
	}
}

func (r *Relay) refuse(msg *nats.Msg, reason schemas.RefusalReason) {
	r.count(reason)
	body, err := json.Marshal(schemas.Refusal{Refused: reason})
	if err != nil {
		r.cfg.Log.Error("relay: encoding a refusal", "err", err)
		return
	}
	r.respond(msg, body)
}

func (r *Relay) respond(msg *nats.Msg, body []byte) {
	if err := msg.Respond(body); err != nil {
		r.cfg.Log.Error("relay: answering", "err", err)
	}
}

func (r *Relay) count(refused schemas.RefusalReason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if refused == "" {
		r.stats.Accepted++
		return
	}
	r.stats.Refused[refused]++
}

// accountOf is the second token of x.<account>.<to-state>.<to-authority>.<channel>.
func accountOf(subject string) string {
	_, rest, _ := strings.Cut(subject, ".")
	account, _, _ := strings.Cut(rest, ".")
	return account
}
