package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/pki"
	"comity/pki/journal"
	"comity/powercut"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

const (
	releaseBatch    = 1000 // messages of one urgency that leave at one tick
	releaseChunk    = 256  // of them decided on before the first of these is sealed
	releaseParallel = 32   // of them decided on, and then sealed, at the same time; they share commits
)

// releaseAtOnce is step 3 for immediate messages of the border channel alone: somebody stands at the crossing. It has a
// loop of its own, so that a tick with many messages does not hold them up. It returns when ctx ends.
func (a *Agent) releaseAtOnce(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.released[store.Express]:
			a.release(ctx, schemas.Immediate, isExpress)
		}
	}
}

func isExpress(m *store.Message) bool { return laneOf(m) == store.Express }

func laneOf(m *store.Message) store.Lane {
	if m.Urgency == string(schemas.Immediate) {
		return laneOfReceipt(m.Channel)
	}
	return store.Ordinary
}

// laneOfReceipt is for what answers a message by itself: on the border channel somebody may stand and wait for it.
func laneOfReceipt(ch schemas.Channel) store.Lane {
	if ch == schemas.ChannelBorder {
		return store.Express
	}
	return store.Ordinary
}

// releaseAtTicks is step 3. Approved messages leave at ticks, which are multiples of an interval and so tell nobody when
// a person approved or a review ended. It returns when ctx ends.
func (a *Agent) releaseAtTicks(ctx context.Context) error {
	ticks := a.newTicks()
	for {
		timer := time.NewTimer(ticks.wait(a.now()))
		woken := false
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-a.released[store.Ordinary]:
			woken = true
		case <-timer.C:
		}
		timer.Stop()
		runtime.Gosched() // who was approved together leaves together
		for _, urgency := range a.approvedOf(ctx, ticks.due(a.now(), woken)) {
			a.release(ctx, urgency, anyMessage)
		}
	}
}

// approvedOf are those of the urgencies of which something is approved.
func (a *Agent) approvedOf(ctx context.Context, due []schemas.Urgency) (some []schemas.Urgency) {
	if len(due) == 0 || !a.link.Up() {
		return nil
	}
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		some, err = tx.AnyIn(store.Out, store.Approved, due)
		return err
	})
	if err != nil && ctx.Err() == nil {
		a.log.Error("reading approved messages", slog.Any("error", err))
	}
	return some
}

// ticks are the next moments at which messages of each urgency leave.
type ticks struct{ urgent, routine *tick }

func (a *Agent) newTicks() ticks {
	return ticks{urgent: newTick(a.config.Urgent, a.now()), routine: newTick(a.config.Routine, a.now())}
}

func (t ticks) wait(now time.Time) time.Duration { return min(t.urgent.wait(now), t.routine.wait(now)) }

// due is what leaves now.
func (t ticks) due(now time.Time, woken bool) (leaves []schemas.Urgency) {
	if t.urgent.due(now, woken) {
		leaves = append(leaves, schemas.Immediate, schemas.Urgent)
	}
	if t.routine.due(now, woken) {
		leaves = append(leaves, schemas.Routine)
	}
	return leaves
}

// tick is the next moment at which messages of one urgency leave. An interval of zero is a tick at every wake.
type tick struct {
	every time.Duration
	next  time.Time
}

func newTick(every time.Duration, now time.Time) *tick {
	t := &tick{every: every}
	if every > 0 {
		t.next = now.Truncate(every).Add(every)
	}
	return t
}

func (t *tick) wait(now time.Time) time.Duration {
	if t.every == 0 {
		return time.Hour // a wake comes first
	}
	return max(t.next.Sub(now), 0)
}

func (t *tick) due(now time.Time, woken bool) bool {
	if t.every == 0 {
		return woken
	}
	if now.Before(t.next) {
		return false
	}
	t.next = now.Truncate(t.every).Add(t.every)
	return true
}

func anyMessage(*store.Message) bool { return true }

// release lets the approved messages of one urgency go that may. With the link down they stay: what is decided now must
// leave now.
func (a *Agent) release(ctx context.Context, urgency schemas.Urgency, may func(*store.Message) bool) {
	if a.link.Up() {
		a.releaseAll(ctx, urgency, may)
	}
}

// shuffled is the order in which messages leave at one tick: one that tells nothing of when they were approved.
func shuffled(waiting []*store.Message) {
	rand.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
}

func (a *Agent) releaseAll(ctx context.Context, urgency schemas.Urgency, may func(*store.Message) bool) {
	var waiting []*store.Message
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		waiting, err = tx.MessagesIn(store.Out, store.Approved, string(urgency), releaseBatch)
		return err
	})
	if err != nil {
		a.log.Error("reading approved messages", slog.Any("error", err))
		return
	}
	waiting = slices.DeleteFunc(waiting, func(m *store.Message) bool { return !may(m) })
	a.order(waiting)
	for some := range slices.Chunk(waiting, releaseChunk) {
		a.releaseSome(ctx, some)
		a.submitted.give() // they go out while the next ones are decided on
		a.chores.give()
	}
}

// releaseSome is steps 4 and 5 for some of the messages of a tick. All are decided on before the first is sealed, and those
// that may go are sealed in a new order, with one time: how long a decision took, which may depend on who is known to the
// register, shows in no number and in no sent_at.
func (a *Agent) releaseSome(ctx context.Context, some []*store.Message) {
	at := a.now()
	var mu sync.Mutex
	var leave []*store.Message
	allowed := map[*store.Message]*cleared{}
	for few := range slices.Chunk(some, releaseParallel) {
		found := a.gatherAll(ctx, few)
		a.eachOf(few, func(m *store.Message) error {
			c, err := a.clearOne(ctx, m, at, found[m])
			if c != nil {
				mu.Lock()
				defer mu.Unlock()
				leave, allowed[m] = append(leave, m), c
			}
			return err
		})
	}
	a.order(leave)
	a.eachOf(leave, func(m *store.Message) error { return a.sealOne(ctx, m, allowed[m]) })
}

// eachOf does something with several messages at the same time, and logs what fails.
func (a *Agent) eachOf(messages []*store.Message, do func(*store.Message) error) {
	var group errgroup.Group
	group.SetLimit(a.parallel)
	for _, m := range messages {
		group.Go(func() error {
			if err := do(m); err != nil {
				a.log.Error("releasing a message", slog.String("message", string(m.ID)), slog.Any("error", err))
			}
			return nil
		})
	}
	group.Wait()
}

// cleared is a message that may leave now.
type cleared struct {
	decision  policy.Decision
	clearance *policy.Clearance
	view      *pki.View
	at        time.Time
}

// clearOne is step 4 for one message: decided again on the facts of this moment. It is nil for what must not leave, or not yet.
func (a *Agent) clearOne(ctx context.Context, m *store.Message, at time.Time, g gathered) (*cleared, error) {
	c := &cleared{view: a.trust.View(), at: at}
	if c.view.Expired(at) { // nobody can be proved: it waits for the next trust list, and nobody has to review it for that
		return nil, a.cannotSeal(ctx, m, errTrustEnded)
	}
	var err error
	if c.decision, c.clearance, err = a.decideOn(ctx, g, c.view, c.at); err != nil {
		return nil, err
	}
	if c.clearance == nil {
		return nil, a.stop(ctx, m, c.decision)
	}
	if settled, err := a.audienceSettled(ctx, m, c.view, c.at); err != nil || !settled {
		return nil, err
	}
	return c, nil
}

// sealOne is step 5 for one message. What goes on paper is not sealed: it waits for a person who prints it.
func (a *Agent) sealOne(ctx context.Context, m *store.Message, c *cleared) error {
	if c.clearance.OnPaper() {
		return a.setToPrint(ctx, m, c.at)
	}
	to, err := c.view.EncryptionKey(m.Recipient, c.at)
	if err != nil {
		return a.cannotSeal(ctx, m, err)
	}
	if err := a.keepTrust(ctx, c.view, m.Recipient); err != nil {
		return a.cannotSeal(ctx, m, err)
	}
	var sent *store.Message
	a.talking.touch()
	err = a.store.Update(ctx, func(tx *store.Tx) (err error) {
		sent, err = a.sealAndCommit(tx, m, c.decision, c.clearance, to, c.at)
		return err
	})
	if errors.Is(err, errSuperseded) {
		return nil
	}
	if err != nil {
		return a.cannotSeal(ctx, m, err)
	}
	if sent.State == store.Sent {
		a.metrics.sealed(sent)
	}
	a.changes.tell(api.Event{Message: sent.ID, State: string(sent.State), Case: sent.Case})
	return nil
}

// errTrustEnded says that there is no trust list by which anybody could be proved.
var errTrustEnded = errors.New("the trust list has expired")

// errSuperseded says that the message is no longer what was decided on: edited, discarded or sealed meanwhile.
var errSuperseded = errors.New("the message changed meanwhile")

// sealAndCommit numbers and seals in one transaction with everything that follows from it.
func (a *Agent) sealAndCommit(tx *store.Tx, decided *store.Message, d policy.Decision, c *policy.Clearance, to pki.Proof, now time.Time) (*store.Message, error) {
	m, err := tx.BareMessage(decided.Key)
	if err != nil {
		return nil, err
	}
	if m.State != store.Approved || m.PayloadSHA256 != decided.PayloadSHA256 {
		return nil, errSuperseded
	}
	if lost, err := a.openRecall(tx, m.Recipient); err != nil || lost != nil {
		return m, err // until the peer has said which numbers were used, none may be
	}
	tx.Step(powercut.Sealed)
	pair, err := tx.Pair(m.Recipient)
	if err != nil {
		return nil, err
	}
	if permitted, err := a.stillPermitted(tx, m, spot{place: pair.Sent + 1, seen: pair.Received}, now); err != nil || !permitted {
		return m, err
	}
	if permitted, err := a.teamPermits(tx, m); err != nil || !permitted {
		return m, err
	}
	sealed, err := envelope.Seal(c, envelope.Header{
		From: a.me, To: m.Recipient, Channel: m.Channel, ID: m.ID, SentAt: now, ValidUntil: now.Add(a.config.Timing.ValidFor),
		Seq: pair.Sent + 1, Prev: envelope.Hash(pair.SentHash), Seen: pair.Received,
	}, m.Payload, a.signer(), to)
	if err != nil {
		return nil, err
	}
	m.State, m.Seq, m.Seen, m.Prev = store.Sent, sealed.Header.Seq, sealed.Header.Seen, store.Hash(sealed.Header.Prev)
	m.JWS, m.JWSSHA256, m.Wire = sealed.JWS, store.Hash(sealed.Hash), sealed.Wire
	m.SentAt, m.ValidUntil, m.SealedAt = sealed.Header.SentAt, sealed.Header.ValidUntil, now
	pair.Sent, pair.SentHash = m.Seq, m.JWSSHA256
	return m, errors.Join(
		tx.PutMessage(m),
		tx.PutPair(pair),
		tx.PutParcel(&store.Parcel{
			ID: m.ID, Kind: store.KindMessage, Lane: laneOf(m), Peer: m.Recipient, Channel: m.Channel, Subject: m.ID, JWSSHA256: m.JWSSHA256, Seq: m.Seq,
			Sender: m.Sender, NextAt: now, ExpiresAt: m.ValidUntil,
		}),
		noteItems(tx, m),
		a.audit(tx, []byte(m.ID), store.DecisionSent, d),
		a.refile(tx, m.Case, m.Recipient),
		a.recordSigned(tx, envelope.KindMessage, sealed.Header, sealed.Hash),
		a.recordNumber(tx, journal.Number{From: a.me, To: m.Recipient, Seq: m.Seq, JWS: m.JWSSHA256}),
		a.clear(tx, AlarmUnsealable, m.Recipient, string(m.ID)),
	)
}

// spot is where a message of ours will stand: behind what we sent to its recipient, after what we have seen from there.
type spot struct {
	place, seen uint64
	paper       bool
}

// stillPermitted asks the lifecycle with exactly what the recipient will judge by: our numbers so far and the peer's
// contiguous ones. A message that a crossing one overtook goes back to its author with a reason from the case alone.
func (a *Agent) stillPermitted(tx *store.Tx, m *store.Message, at spot, now time.Time) (bool, error) {
	e := eventOf(m)
	e.SentAt = now.UTC().Truncate(time.Second) // as the signed header will say
	var err error
	reason := ReasonNotPermitted
	if m.Opens() {
		err = lifecycle.CheckExpiry(e)
	} else {
		var state lifecycle.Case
		var messages []*store.Message
		state, messages, err = a.derive(tx, m.Case, m.Recipient, asSeenBy(a.me, at.place, at.seen))
		if err == nil {
			err = state.PermitsEvent(e)
		}
		if err == nil && !at.paper && anyOnPaper(messages) {
			reason, err = ReasonCase, errOnPaper
		}
	}
	if err == nil {
		return true, nil
	}
	m.State, m.Reason, m.ApprovedBy, m.Approval = store.Returned, reason, "", nil
	return false, errors.Join(tx.PutMessage(m), a.recordHome(tx, eventReturned, m.ID, m.PayloadSHA256, ""))
}

// cannotSeal leaves the message approved, to be tried at the next tick, and tells an officer.
func (a *Agent) cannotSeal(ctx context.Context, m *store.Message, cause error) error {
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		return a.raise(tx, AlarmUnsealable, m.Recipient, string(m.ID))
	})
	return errors.Join(fmt.Errorf("sealing for %s: %w", m.Recipient, cause), err)
}
