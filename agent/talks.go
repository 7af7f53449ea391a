package agent

import (
	"context"
	"sync"
	"time"
)

// talks is which messages are on their way through this desk: a chunk of a file lets them by, on the line and on the disk alike.
// The zero value is a desk without any. It is safe for concurrent use.
type talks struct {
	mu   sync.Mutex
	now  int
	over chan struct{} // closed when the last that is on its way now is through; nil when none is
	last time.Time     // when one last was
}

const (
	// quietFor is the longest that a chunk waits for messages to be through: what a transfer is slower by under load.
	quietFor = 100 * time.Millisecond
	// afterwards is how long a message is taken to be still on its way when this desk has done its part.
	afterwards = 30 * time.Millisecond
)

func (t *talks) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now++; t.now == 1 {
		t.over = make(chan struct{})
	}
}

func (t *talks) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = time.Now()
	if t.now--; t.now == 0 {
		close(t.over)
		t.over = nil
	}
}

// touch is a message that is about to be on its way.
func (t *talks) touch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = time.Now()
}

// look is what to wait for: for messages to be through, or else for some time; zero where it is quiet.
func (t *talks) look() (over <-chan struct{}, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over != nil {
		return t.over, quietFor
	}
	return nil, max(0, afterwards-time.Since(t.last))
}

// letBy waits while messages are on their way, but not for ever.
func (t *talks) letBy(ctx context.Context) {
	for until := time.Now().Add(quietFor); ; {
		over, wait := t.look()
		if wait = min(wait, time.Until(until)); wait <= 0 {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-over:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}
