package agent

import (
	"sync"

	"comity/agent/api"
)

// changes tells those who listen that a message or a case changed. A listener that does not keep up loses the oldest and
// must read the list again: nothing waits for a slow one.
type changes struct {
	mu        sync.Mutex
	listeners map[chan api.Event]struct{}
}

// listenerBuffer is how many events a listener may lag behind.
const listenerBuffer = 256

func newChanges() *changes { return &changes{listeners: map[chan api.Event]struct{}{}} }

func (c *changes) tell(e api.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for listener := range c.listeners {
		select {
		case listener <- e:
		default:
			select { // make room; only this function sends, under the lock
			case <-listener:
			default:
			}
			listener <- e
		}
	}
}

func (c *changes) listen() (events <-chan api.Event, stop func()) {
	listener := make(chan api.Event, listenerBuffer)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners[listener] = struct{}{}
	return listener, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.listeners, listener)
	}
}

// Watch hands out what changes from now on. stop must be called.
func (a *Agent) Watch() (events <-chan api.Event, stop func()) { return a.changes.listen() }
