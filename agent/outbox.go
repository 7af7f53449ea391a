package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"comity/agent/link"
	"comity/agent/store"
	"comity/powercut"
	"comity/schemas"
)

const (
	outboxParallel = 64
	retryFirst     = time.Second // after a failed or refused submission, doubled up to retryLast
	retryLast      = time.Minute
	resendLast     = time.Hour // between two submissions while the receipt is missing
)

// emptyOutbox is step 6, again and again: what is due in a lane is handed to the broker, and a message stays until its
// receipt. The lanes run beside each other, so that a live alert waits for nothing. It returns when ctx ends.
func (a *Agent) emptyOutbox(ctx context.Context, lane store.Lane) error {
	submitted, f := a.submitted[lane], newFlights()
	defer f.under.Wait()
	for {
		runtime.Gosched() // who is about to add something that was committed together is looked at together
		changed := a.link.Changes()
		next, more, err := a.handOver(ctx, lane, f)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the outbox: %w", err)
		}
		wait := time.Hour
		if !next.IsZero() && a.link.Up() {
			wait = max(next.Sub(a.now()), 0)
		}
		timer := time.NewTimer(wait)
		for again := true; again; {
			select {
			case <-ctx.Done():
			case <-submitted:
			case <-changed:
			case <-timer.C:
			case <-f.landed: // makes room for what was left, and the last one to land ends what kept the next moment unknown
				again = !more && f.count() > 0
				continue
			}
			again = false
		}
		timer.Stop()
	}
}

// handOver begins to hand in what is due and not under way. It returns when the next is due, zero where something else
// will wake the lane before (the end of what is under way, or the link), and whether more may be due than there was room for.
func (a *Agent) handOver(ctx context.Context, lane store.Lane, f *flights) (next time.Time, more bool, err error) {
	room := outboxParallel - f.count()
	if !a.link.Up() || room < outboxParallel/2 {
		return next, true, nil
	}
	var due []*store.Parcel
	err = a.store.View(ctx, func(tx *store.Tx) error {
		ids, err := tx.DueIDs(lane, a.now(), outboxParallel)
		if err != nil {
			return err
		}
		more = len(ids) == outboxParallel
		for _, id := range ids {
			if f.has(id) {
				continue
			}
			if len(due) == room {
				more = true
				break
			}
			p, err := tx.Parcel(id)
			if err != nil {
				return err
			}
			due = append(due, p)
		}
		if len(ids) == 0 {
			next, err = tx.NextParcelAt(lane)
		}
		return err
	})
	for _, p := range due {
		f.begin(p.ID, func() {
			if err := a.submit(ctx, p); err != nil && ctx.Err() == nil {
				a.log.Warn("submitting", slog.String("id", string(p.ID)), slog.String("kind", string(p.Kind)), slog.Any("error", err))
			}
		})
	}
	return next, more, err
}

// flights are the parcels of a lane that are being handed to the broker. Each is planned anew before its flight ends, so
// that none is taken up twice for one time that it was due.
type flights struct {
	landed signal
	under  sync.WaitGroup

	mu sync.Mutex
	of map[schemas.MessageID]struct{}
}

func newFlights() *flights {
	return &flights{landed: newSignal(), of: map[schemas.MessageID]struct{}{}}
}

func (f *flights) begin(id schemas.MessageID, fly func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.of[id] = struct{}{}
	f.under.Go(func() {
		defer f.end(id)
		fly()
	})
}

func (f *flights) end(id schemas.MessageID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.of, id)
	f.landed.give()
}

func (f *flights) has(id schemas.MessageID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, flies := f.of[id]
	return flies
}

func (f *flights) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.of)
}

// submit hands one parcel to the broker and plans what follows.
func (a *Agent) submit(ctx context.Context, p *store.Parcel) error {
	a.talking.begin()
	defer a.talking.end()
	var acceptance []byte
	err := powercut.Around(powercut.Submitted, func() (err error) {
		acceptance, err = a.link.Submit(ctx, p.Peer, p.Channel, attemptOf(p), p.Wire)
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return a.answered(ctx, p, acceptance, err)
}

// answered plans what follows from the broker's answer to a submission, or from the want of one.
func (a *Agent) answered(ctx context.Context, p *store.Parcel, acceptance []byte, err error) error {
	var refused *link.Refused
	switch {
	case errors.As(err, &refused):
		a.failures.end(p.ID)
		return a.plan(ctx, p, func(tx *store.Tx, row *store.Parcel) error { return a.refusedByBroker(tx, row, refused.Reason) })
	case err == nil:
		err = a.checkAcceptance(p, acceptance)
	}
	if err != nil {
		a.notices.note(NoticeNoAcceptance, p.Peer, a.now())
		failed := a.failures.again(p.ID)
		plan := a.plan(ctx, p, func(tx *store.Tx, row *store.Parcel) error {
			row.NextAt = a.now().Add(backOff(retryFirst, retryLast, failed))
			return errors.Join(tx.PlanParcel(row), a.alarmOfAcceptance(tx, p.Peer, err))
		})
		return errors.Join(err, plan)
	}
	a.failures.end(p.ID)
	return a.store.UpdateSoon(ctx, func(tx *store.Tx) error {
		planned := a.planIn(tx, p, func(tx *store.Tx, row *store.Parcel) error { return a.accepted(tx, row) })
		return errors.Join(planned, a.keepAcceptance(tx, p, acceptance))
	})
}

// attemptOf names the attempt to the broker. The first one has the envelope's id, so that a retry after a lost answer is
// stored once. What is sent again on purpose is another attempt: the broker would suppress it, and the peer has asked for
// it.
func attemptOf(p *store.Parcel) schemas.MessageID {
	if p.Attempts > 0 {
		return schemas.NewMessageID()
	}
	return p.ID
}

// failures counts the submissions in a row that had no answer to rely on, so that their pauses grow. It does not outlive
// the process: after a restart the first pause is the shortest again.
type failures struct {
	mu sync.Mutex
	of map[schemas.MessageID]int
}

// again counts one more and returns how many came before it.
func (f *failures) again(id schemas.MessageID) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil {
		f.of = map[schemas.MessageID]int{}
	}
	before := f.of[id]
	f.of[id]++
	return before
}

func (f *failures) end(id schemas.MessageID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.of, id)
}

// plan changes when an outbox row is handed in next, unless a receipt has meanwhile removed it.
func (a *Agent) plan(ctx context.Context, p *store.Parcel, change func(*store.Tx, *store.Parcel) error) error {
	return a.store.UpdateSoon(ctx, func(tx *store.Tx) error { return a.planIn(tx, p, change) })
}

func (a *Agent) planIn(tx *store.Tx, p *store.Parcel, change func(*store.Tx, *store.Parcel) error) error {
	tx.Step(powercut.Planned)
	row, err := tx.ParcelPlan(p.ID)
	if errors.Is(err, store.ErrNotFound) {
		a.failures.end(p.ID)
		return nil
	}
	if err != nil {
		return err
	}
	return change(tx, row)
}

// verdictAttempts is how often a verdict is sent, with growing pauses. Its recipient has a receipt already and asks for no
// other, and were this one lost the two sides would differ for good.
const verdictAttempts = 8

// accepted notes that the broker holds the bytes. A message or void waits for the recipient's own word and is sent again
// without it; a verdict is sent some times more; everything else is done.
func (a *Agent) accepted(tx *store.Tx, p *store.Parcel) error {
	again := p.Kind == store.KindMessage || p.Kind == store.KindVoid || p.Kind == store.KindVerdict && p.Attempts+1 < verdictAttempts
	if !again {
		return tx.DropParcel(p.ID)
	}
	if p.Attempts > 0 && p.Refused == "" {
		a.notices.note(NoticeSentAgain, p.Peer, a.now())
	}
	p.NextAt = a.now().Add(backOff(a.config.Timing.ResendFirst, resendLast, p.Attempts))
	p.Attempts++
	p.Refused = ""
	if err := tx.PlanParcel(p); err != nil {
		return err
	}
	return a.clear(tx, AlarmRefused, p.Peer, string(p.ID))
}

// keepAcceptance keeps the first acceptance of a message and leaves its evidence, also where the recipient's receipt was
// faster and nothing waits for the broker any more.
func (a *Agent) keepAcceptance(tx *store.Tx, p *store.Parcel, acceptance []byte) error {
	if p.Kind != store.KindMessage {
		return nil
	}
	m := &store.Message{Key: store.Key{Sender: a.me, ID: p.ID}, Recipient: p.Peer, Seq: p.Seq} // all that the evidence speaks of
	first, err := tx.Accept(m.Key, acceptance)
	if err != nil || !first {
		return err
	}
	return a.record(tx, acceptedEvent(m, acceptance))
}

// refusedByBroker keeps the row: its number is used, and an agreement or a quota may come back. What no waiting can mend
// is an alarm at once.
func (a *Agent) refusedByBroker(tx *store.Tx, p *store.Parcel, reason schemas.RefusalReason) error {
	p.Refused = string(reason)
	p.NextAt = a.now().Add(backOff(retryFirst, retryLast, p.Attempts))
	p.Attempts++
	if !a.now().Before(p.ExpiresAt) && p.Kind != store.KindMessage && p.Kind != store.KindVoid {
		return tx.DropParcel(p.ID)
	}
	if err := tx.PlanParcel(p); err != nil || reason.Temporary() {
		return err
	}
	return a.raise(tx, AlarmRefused, p.Peer, string(p.ID))
}

// backOff doubles from first up to last.
func backOff(first, last time.Duration, attempts int) time.Duration {
	return min(first<<min(attempts, 20), last)
}
