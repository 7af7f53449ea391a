package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"comity/agent"
	"comity/agent/api"
	"comity/schemas"
)

// journey is how one message went.
type journey struct {
	approved time.Time // when the approver's word was handed in
	sealed   time.Time // by the agent's own record, in whole milliseconds: up to one too early
	received time.Time // when the agent said that the receipt is verified and stored
}

// oneAtATime sends messages one after the other, each when the receipt of the last is there, for no longer than limit.
func (s *scheme) oneAtATime(ctx context.Context, messages []prepared, limit time.Duration) (Load, error) {
	begun, ended := time.Now(), stopwatch()
	var journeys []journey
	for _, m := range messages {
		if time.Since(begun) > limit {
			break
		}
		j, err := s.send(ctx, m)
		if err != nil {
			return Load{}, err
		}
		journeys = append(journeys, j)
	}
	took := ended()
	err := s.sealedAt(ctx, messages, journeys)
	return loadOf(journeys, took), err
}

// steadily has so many senders at work, each with one message under way. What has not been taken up when until has come is
// not sent.
func (s *scheme) steadily(ctx context.Context, messages []prepared, senders int, until time.Time, say func(string, ...any)) (Load, error) {
	journeys := make([]journey, len(messages))
	next := make(chan int)
	group, running := errgroup.WithContext(ctx)
	for range min(senders, len(messages)) {
		group.Go(func() error {
			for i := range next {
				var err error
				if journeys[i], err = s.send(running, messages[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	ended, told, sent := stopwatch(), time.Now(), 0
	group.Go(func() error {
		defer close(next)
		for i := range messages {
			if over(until) {
				say("the time is up with %d of %d", i, len(messages))
				return nil
			}
			select {
			case next <- i:
				sent++
			case <-running.Done():
				return nil
			}
			if time.Since(told) > 5*time.Second {
				told = time.Now()
				say("%d of %d", i, len(messages))
			}
		}
		return nil
	})
	err := group.Wait()
	took := ended()
	journeys = journeys[:sent]
	if err == nil {
		err = s.sealedAt(ctx, messages, journeys)
	}
	return loadOf(journeys, took), err
}

// send has a message approved and waits for the recipient's receipt.
func (s *scheme) send(ctx context.Context, m prepared) (journey, error) {
	ctx, cancel := context.WithTimeout(ctx, deliveryLimit)
	defer cancel()
	delivered := s.states.await(m.id)
	j := journey{approved: time.Now()}
	if err := s.approve(ctx, m); err != nil {
		return j, fmt.Errorf("approving message %s: %w", m.id, err)
	}
	state, err := s.delivered(ctx, m.id, delivered)
	j.received = time.Now()
	if err != nil {
		return j, err
	}
	if state != "delivered" {
		return j, fmt.Errorf("message %s is %s and will not be delivered", m.id, state)
	}
	return j, nil
}

// sealedAt asks the agent when each message was sealed, once the load is over.
func (s *scheme) sealedAt(ctx context.Context, messages []prepared, journeys []journey) error {
	for i := range journeys {
		m, err := s.from.Message(ctx, string(messages[i].id))
		if err != nil {
			return err
		}
		journeys[i].sealed = m.ReceiptedAt.Add(-time.Duration(m.ReceiptMillis) * time.Millisecond)
		s.numbered = append(s.numbered, m.ID)
	}
	return nil
}

// lookAgain is how often a sender looks for itself: an agent drops events of a listener that does not keep up. It is long beside
// what a message takes on a slow machine, which all who look would make slower still.
const lookAgain = 10 * time.Second

func (s *scheme) delivered(ctx context.Context, id schemas.MessageID, told <-chan string) (string, error) {
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	defer s.states.forget(id)
	for {
		select {
		case state := <-told:
			return state, nil
		case <-ctx.Done():
			return "", fmt.Errorf("message %s has no receipt: %w", id, ctx.Err())
		case <-ticker.C:
			m, err := s.from.Message(ctx, string(id))
			if err != nil || final(m.State) {
				return m.State, err
			}
		}
	}
}

func final(state string) bool {
	switch state {
	case "delivered", "rejected", "under-review", "returned", "expired":
		return true
	}
	return false
}

// states tells each sender when its message stands where it stays.
type states struct {
	mu      sync.Mutex
	waiting map[schemas.MessageID]chan string
}

func newStates() *states { return &states{waiting: map[schemas.MessageID]chan string{}} }

func (s *states) await(id schemas.MessageID) <-chan string {
	told := make(chan string, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[id] = told
	return told
}

func (s *states) forget(id schemas.MessageID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
}

// follow listens to the sending agent until ctx ends.
func (s *states) follow(ctx context.Context, a *agent.Agent) error {
	events, stop := a.Watch()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-events:
			s.tell(e)
		}
	}
}

func (s *states) tell(e api.Event) {
	if !final(e.State) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if told, ok := s.waiting[e.Message]; ok {
		select {
		case told <- e.State:
		default: // it was told already
		}
	}
}
