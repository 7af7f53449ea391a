package relay

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"comity/pki"
	"comity/powercut"
	"comity/schemas"
)

// Chunks of evidence take the same steps as messages (package comment), on a connection, a queue and streams of their own, so
// that no message ever stands behind one. Three things differ: what the broker reads is the head of the chunk; they are
// stored in memory, a window for each pair, because the recipient asks again for what is lost; and there is no signed
// acceptance, since a chunk is receipted by nobody but with the whole file.

// Windows is what the relay of chunks asks of the bus, beside Sender. It is called concurrently.
type Windows interface {
	// Sender is the authority that holds the account.
	Sender(account string) (schemas.AuthorityID, bool)
	// Chunks is the subject on which chunks of one authority wait for another.
	Chunks(from, to schemas.AuthorityID) (subject string, ok bool)
}

// ChunkConfig is what the relay of chunks needs. Zero values have the defaults named.
type ChunkConfig struct {
	// Quota bounds each sender: 2,000 chunks and 1 GiB a second, bursts of 4,000 and 1 GiB.
	Quota Quota
	// Waiting is how many chunks may be in this process at the same time, PerSender how many of these one sender's.
	// Default 48 and 8.
	Waiting, PerSender int
	View               func() *pki.View
	Now                func() time.Time
	// Error is told what an operator must know. Default: nobody.
	Error func(reason schemas.RefusalReason, err error)
}

// Chunks is a running relay of chunks.
type Chunks struct {
	cfg     ChunkConfig
	windows Windows
	conn    *nats.Conn
	js      jetstream.JetStream
	sub     *nats.Subscription
	room    *room
	quota   *buckets
	busy    sync.WaitGroup

	mu      sync.Mutex
	stopped bool
}

const (
	chunksIngress = "y.*.>"
	// fullPatience is how long a chunk waits here for its recipient to take others; then its sender waits.
	fullPatience = 200 * time.Millisecond
	fullPause    = 2 * time.Millisecond // doubled each time: to try costs as much as to store
)

// StartChunks listens on conn, which it owns from here on.
func StartChunks(conn *nats.Conn, windows Windows, cfg ChunkConfig) (*Chunks, error) {
	if cfg.View == nil {
		return nil, errors.New("starting the relay of chunks: a view is needed")
	}
	cfg.Quota = cfg.Quota.or(Quota{Messages: 2000, MessageBurst: 4000, Bytes: 1 << 30, ByteBurst: 1 << 30})
	cfg.Waiting, cfg.PerSender = or(cfg.Waiting, 48), or(cfg.PerSender, 8)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Error == nil {
		cfg.Error = func(schemas.RefusalReason, error) {}
	}
	bounds := Config{Waiting: cfg.Waiting, WaitingBytes: int64(cfg.Waiting) * schemas.MaxChunkWire, PerSender: cfg.PerSender}
	c := &Chunks{cfg: cfg, windows: windows, conn: conn, room: newRoom(bounds), quota: newBuckets(cfg.Quota)}
	var err error
	if c.js, err = jetstream.New(conn); err != nil {
		return nil, fmt.Errorf("starting the relay of chunks: %w", err)
	}
	if c.sub, err = conn.QueueSubscribe(chunksIngress, "relay", c.receive); err == nil {
		err = errors.Join(c.sub.SetPendingLimits(cfg.Waiting, cfg.Waiting*schemas.MaxChunkWire), conn.Flush())
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("starting the relay of chunks: %w", err)
	}
	return c, nil
}

// Close finishes what it has begun and takes nothing more.
func (c *Chunks) Close() {
	if c.sub != nil {
		_ = c.sub.Unsubscribe() // fails only where the connection is gone, which is as good
	}
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	c.busy.Wait()
	_ = c.conn.FlushTimeout(time.Second)
	c.conn.Close()
}

// receive is called for one chunk after another, and so must not wait.
func (c *Chunks) receive(msg *nats.Msg) {
	if !strings.HasPrefix(msg.Reply, serviceReply) {
		return
	}
	// 1. The account proves the sender.
	from, ok := c.windows.Sender(accountOf(msg.Subject))
	if !ok {
		c.answer(msg, schemas.RefusedSenderMismatch)
		return
	}
	c.mu.Lock()
	enters := !c.stopped && c.room.enter(from, len(msg.Data))
	if enters {
		c.busy.Add(1)
	}
	c.mu.Unlock()
	if !enters {
		c.answer(msg, schemas.RefusedUnavailable)
		return
	}
	go func() { // so many at the most as there is room for
		defer c.busy.Done()
		ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
		defer cancel()
		reason, err := c.judge(ctx, from, msg)
		c.room.leave(from, len(msg.Data))
		if err != nil {
			c.cfg.Error(reason, err)
		}
		c.answer(msg, reason)
	}()
}

// judge takes one chunk through steps 2 to 8.
func (c *Chunks) judge(ctx context.Context, from schemas.AuthorityID, msg *nats.Msg) (schemas.RefusalReason, error) {
	wire, now := msg.Data, c.cfg.Now()
	// 2. Size, before anything is parsed.
	if len(wire) > schemas.MaxChunkWire {
		return schemas.RefusedTooLarge, nil
	}
	// 3. The sender's quota.
	if !c.quota.take(from, len(wire), now) {
		return schemas.RefusedQuota, nil
	}
	// 4. The head of the chunk.
	route, body, err := schemas.DecodeChunk(wire)
	if err != nil {
		return schemas.RefusedMalformed, nil
	}
	attempt := msg.Header.Get(AttemptHeader)
	if _, err := schemas.ParseMessageID(attempt); err != nil {
		return schemas.RefusedMalformed, nil
	}
	// 5, 6. The route.
	if reason := judgeRoute(c.cfg.View(), from, msg.Subject, schemas.Route{From: route.From, To: route.To, Channel: route.Channel}, now); reason != "" {
		return reason, nil
	}
	subject, ok := c.windows.Chunks(from, route.To)
	if !ok {
		return schemas.RefusedUnknownRecipient, nil
	}
	// 7, 8. Into the window of the pair, once there is room in it.
	return c.store(ctx, subject, chunkID(route, schemas.MessageID(attempt), len(body)), wire)
}

// chunkID is what NATS compares within a stream: the sender's own, and another for each time that the recipient asks.
func chunkID(r schemas.ChunkRoute, attempt schemas.MessageID, size int) string {
	id := sha256.Sum256([]byte(strings.Join([]string{
		"comity chunk", string(r.From), string(attempt), string(r.File), strconv.Itoa(int(r.Index)), strconv.Itoa(size)}, "\n")))
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// store waits a little while the window is full.
func (c *Chunks) store(ctx context.Context, subject, id string, wire []byte) (schemas.RefusalReason, error) {
	patience := time.Now().Add(fullPatience)
	for pause := fullPause; ; pause *= 2 {
		msg := &nats.Msg{Subject: subject, Data: wire, Header: nats.Header{duplicateHint: []string{id}}}
		err := powercut.Around(powercut.RelayStored, func() error {
			_, err := c.js.PublishMsg(ctx, msg)
			return err
		})
		if err == nil {
			return "", nil
		}
		var refused *jetstream.APIError
		if !errors.As(err, &refused) || !strings.Contains(refused.Description, "maximum messages per subject") {
			return schemas.RefusedUnavailable, fmt.Errorf("storing a chunk: %w", err)
		}
		if time.Now().After(patience) {
			return schemas.RefusedQuota, nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// chunkTaken is the whole answer where a chunk was taken: it proves nothing, and nothing rests on it.
var chunkTaken = []byte("+")

func (c *Chunks) answer(msg *nats.Msg, reason schemas.RefusalReason) {
	body := chunkTaken
	if reason != "" {
		var err error
		if body, err = json.Marshal(schemas.Refusal{Refused: reason}); err != nil {
			c.cfg.Error(reason, err)
			return
		}
	}
	if err := msg.Respond(body); err != nil {
		c.cfg.Error(reason, fmt.Errorf("answering for a chunk: %w", err))
	}
}
