package relay

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"comity/schemas"
)

// buckets are the token buckets of one Quota, one pair an authority. Only authorities of the directory get one, so
// their number is bounded.
type buckets struct {
	quota Quota
	mu    sync.Mutex
	of    map[schemas.AuthorityID]*bucket
}

type bucket struct{ messages, bytes *rate.Limiter }

func newBuckets(q Quota) *buckets {
	return &buckets{quota: q, of: make(map[schemas.AuthorityID]*bucket)}
}

// take takes one message of size bytes from id's buckets, or nothing and says so.
func (b *buckets) take(id schemas.AuthorityID, size int, at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := b.of[id]
	if own == nil {
		own = &bucket{
			messages: rate.NewLimiter(rate.Limit(b.quota.Messages), b.quota.MessageBurst),
			bytes:    rate.NewLimiter(rate.Limit(b.quota.Bytes), b.quota.ByteBurst),
		}
		b.of[id] = own
	}
	if own.messages.TokensAt(at) < 1 || own.bytes.TokensAt(at) < float64(size) {
		return false
	}
	return own.messages.AllowN(at, 1) && own.bytes.AllowN(at, size)
}

// room bounds what waits for a worker: in all by count and bytes, and for each sender by count, so that one sender's
// flood leaves room for the others.
type room struct {
	cfg    Config
	mu     sync.Mutex
	bytes  int64
	waits  int
	sender map[schemas.AuthorityID]int
}

func newRoom(cfg Config) *room { return &room{cfg: cfg, sender: make(map[schemas.AuthorityID]int)} }

func (r *room) enter(id schemas.AuthorityID, size int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	full := r.waits >= r.cfg.Waiting || r.bytes+int64(size) > r.cfg.WaitingBytes || r.sender[id] >= r.cfg.PerSender
	if full {
		return false
	}
	r.waits++
	r.bytes += int64(size)
	r.sender[id]++
	return true
}

func (r *room) leave(id schemas.AuthorityID, size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waits--
	r.bytes -= int64(size)
	if r.sender[id]--; r.sender[id] == 0 {
		delete(r.sender, id)
	}
}
