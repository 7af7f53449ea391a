package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki"
	"comity/powercut"
	"comity/schemas"
)

// A desk whose database was restored from a backup lacks what came after, and peers do not: were it to go on, it would use
// numbers a second time. So it compares first, with each peer (envelope.Recall):
//
//  1. It asks what the peer has of ours, and seals nothing for the peer until it knows.
//  2. The peer names each number of ours that it has, with its receipt for it, and gives the signed messages back; it
//     gives back the receipts that we gave it, too (recall_answer.go).
//  3. Each number of ours gets its place again, in order (recall_own.go). A number that nobody has is closed by a void.
//  4. The peer's numbers are asked for like any that is missing. One for which our own receipt is back is taken as of then,
//     whatever has expired or ended since, and needs no other receipt: what was receipted stays receipted.
//
// The copy that a backup is says so of itself. A file that was put back by other means shows when a peer has seen numbers
// that this desk never used; then that peer alone is asked, because it may lie, and only our own signature on what it
// gives back proves that the database is an old one.

const (
	recallFirst = time.Minute // between two questions to a peer that does not answer, doubled up to recallLast
	recallLast  = time.Hour
	// recallAgain is how long a peer is not suspected again after it had nothing to show.
	recallAgain = time.Hour
)

// recallAll begins to compare with every peer there is: those of the store, and all whom an agreement lets us write to,
// because what is lost may be the first that we ever sent.
func (a *Agent) recallAll(tx *store.Tx, why store.Why) error {
	view, now := a.trust.View(), a.now()
	channels := map[schemas.AuthorityID]schemas.Channel{}
	for _, peer := range view.Authorities() {
		if peer.ID == a.me || peer.Kind == pki.KindNotConnected {
			continue
		}
		for _, channel := range schemas.Channels() {
			if _, err := view.Route(a.me, peer.ID, channel, now); err == nil {
				channels[peer.ID] = channel
				break
			}
		}
	}
	pairs, err := tx.Pairs()
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		if _, ok := channels[pair.Peer]; !ok {
			channels[pair.Peer] = schemas.ChannelMLA // no route now; it is asked once there is one
		}
	}
	for peer, channel := range channels {
		if err := a.beginRecall(tx, peer, channel, why); err != nil {
			return err
		}
	}
	return nil
}

// beginRecall begins to compare with one peer, unless that goes on already.
func (a *Agent) beginRecall(tx *store.Tx, peer schemas.AuthorityID, channel schemas.Channel, why store.Why) error {
	r, err := tx.Recall(peer)
	switch {
	case errors.Is(err, store.ErrNotFound):
		r = &store.Recall{Peer: peer, Channel: channel}
	case err != nil:
		return err
	case r.Open():
		if why == store.WhyRestored && r.Why != why { // the suspicion has proved true: no end is put to it
			r.Why = why
			return tx.PutRecall(r)
		}
		return nil
	case why == store.WhyRestored:
		return nil
	}
	*r = store.Recall{Peer: peer, Channel: channel, Why: why, BeganAt: a.now()}
	if err := a.restartRecall(tx, r); err != nil {
		return err
	}
	a.recalling.Store(true)
	a.chores.give()
	return tx.PutRecall(r)
}

// restartRecall sets the next question to what is missing now.
func (a *Agent) restartRecall(tx *store.Tx, r *store.Recall) error {
	pair, err := tx.Pair(r.Peer)
	if err != nil {
		return err
	}
	r.ReceivedAfter, r.SentAfter, r.Listed = pair.Received, pair.Sent, false
	open, err := tx.FirstUnreceiptedNumber(a.me, r.Peer)
	if open > 0 { // one whose receipt is lost may have become something else since, such as a void
		r.SentAfter = min(r.SentAfter, open-1)
	}
	return err
}

// suspect is for a peer that knows of a number of ours which is not here: the peer lies, or this desk has lost what it
// sent. It tells whether the answer must wait until the peer has been asked.
func (a *Agent) suspect(tx *store.Tx, peer schemas.AuthorityID, channel schemas.Channel, number uint64) (wait bool, err error) {
	r, err := tx.Recall(peer)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	if err == nil && r.Open() {
		return true, nil
	}
	if err := a.raise(tx, AlarmHistory, peer, fmt.Sprint(number)); err != nil {
		return false, err
	}
	if r != nil && a.now().Sub(r.DoneAt) < recallAgain {
		return false, nil
	}
	return true, a.beginRecall(tx, peer, channel, store.WhySuspicion)
}

// recalls reads whether there is anything to compare. Most desks never have: then no message costs a look.
func (a *Agent) noteRecalls(ctx context.Context) error {
	return a.store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Recalls()
		if err != nil {
			return err
		}
		any, err := tx.AnyVouched()
		for _, r := range all {
			any = any || r.Open()
		}
		a.recalling.Store(any)
		return err
	})
}

// openRecall is the comparison with a peer that goes on, nil where there is none.
func (a *Agent) openRecall(tx *store.Tx, peer schemas.AuthorityID) (*store.Recall, error) {
	if !a.recalling.Load() {
		return nil, nil
	}
	r, err := tx.Recall(peer)
	if errors.Is(err, store.ErrNotFound) || err == nil && !r.Open() {
		return nil, nil
	}
	return r, err
}

// askRecalls asks each peer that has not answered, and returns when the next must be asked.
func (a *Agent) askRecalls(tx *store.Tx) (time.Time, error) {
	var next time.Time
	if !a.recalling.Load() {
		return next, nil
	}
	all, err := tx.Recalls()
	if err != nil {
		return next, err
	}
	now := a.now()
	for _, r := range all {
		if !r.Open() {
			continue
		}
		if end := r.BeganAt.Add(a.config.Timing.HoleAlarm); r.Why == store.WhySuspicion && !now.Before(end) {
			// Whoever claims to have seen what we never sent, and then does not show it, must not keep us from writing.
			if err := a.endRecall(tx, r); err != nil {
				return next, err
			}
			continue
		} else if r.Why == store.WhySuspicion {
			next = earliest(next, end)
		}
		if r.Asked > 0 {
			if at := r.AskedAt.Add(backOff(recallFirst, recallLast, r.Asked-1)); now.Before(at) {
				next = earliest(next, at)
				continue
			}
			if err := a.restartRecall(tx, r); err != nil {
				return next, err
			}
		}
		if err := a.askRecall(tx, r); err != nil {
			a.log.Error("recalling what was lost", slog.String("peer", string(r.Peer)), slog.Any("error", err))
		}
		r.Asked, r.AskedAt = r.Asked+1, now
		if err := tx.PutRecall(r); err != nil {
			return next, err
		}
		next = earliest(next, now.Add(backOff(recallFirst, recallLast, r.Asked-1)))
	}
	return next, nil
}

func (a *Agent) askRecall(tx *store.Tx, r *store.Recall) error {
	to, err := a.trust.View().EncryptionKey(r.Peer, a.now())
	if err != nil {
		return err
	}
	header := envelope.Header{From: a.me, To: r.Peer, Channel: r.Channel, ID: schemas.NewMessageID(), SentAt: a.now()}
	sealed, err := envelope.SealRecall(header, envelope.Recall{ReceivedAfter: r.ReceivedAfter, SentAfter: r.SentAfter}, a.signer(), to)
	if err != nil {
		return err
	}
	return a.putControl(tx, store.KindRecall, envelope.KindRecall, sealed, a.now().Add(recallLast))
}

// putControl puts a control message that has no receipt into the outbox, with its evidence.
func (a *Agent) putControl(tx *store.Tx, kind store.Kind, signed envelope.Kind, sealed *envelope.Sealed, until time.Time) error {
	h := sealed.Header
	return errors.Join(
		tx.PutParcel(&store.Parcel{
			ID: h.ID, Kind: kind, Peer: h.To, Channel: h.Channel, JWSSHA256: store.Hash(sealed.Hash), Wire: sealed.Wire, NextAt: a.now(), ExpiresAt: until,
		}),
		a.recordSigned(tx, signed, h, sealed.Hash),
	)
}

// takeStanding takes one page of what a peer has.
func (a *Agent) takeStanding(ctx context.Context, v *envelope.Verified, s envelope.Standing) error {
	peer := v.Header().From
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		tx.Step(powercut.Recalled)
		r, err := a.openRecall(tx, peer)
		if err != nil || r == nil { // nobody asked: it changes nothing
			return err
		}
		if err := a.recordSigned(tx, envelope.KindStanding, v.Header(), v.Hash()); err != nil {
			return err
		}
		for _, k := range s.Yours {
			if err := a.noteLost(tx, peer, k); err != nil {
				return err
			}
		}
		for _, receipt := range s.Receipts {
			if err := a.noteVouched(tx, peer, receipt); err != nil {
				return err
			}
		}
		if s.More {
			r.ReceivedAfter, r.SentAfter = s.Next.ReceivedAfter, s.Next.SentAfter
			r.Asked, r.AskedAt = 1, a.now()
			return errors.Join(tx.PutRecall(r), a.askRecall(tx, r))
		}
		r.Listed, r.Highest = true, s.Highest
		if err := errors.Join(tx.PutRecall(r), a.missUpTo(tx, r, s.Sent)); err != nil {
			return err
		}
		return a.replace(tx, r)
	})
	return a.recalled(ctx, err)
}

// recalled ends what changes a comparison.
func (a *Agent) recalled(ctx context.Context, err error) error {
	if err != nil {
		return fmt.Errorf("comparing with a peer: %w", err)
	}
	a.submitted.give()
	a.released.give()
	a.chores.give()
	return a.noteRecalls(ctx)
}

// noteVouched keeps a receipt of ours that a peer gave back, if it is ours.
func (a *Agent) noteVouched(tx *store.Tx, peer schemas.AuthorityID, receipt []byte) error {
	r, err := a.ownReceipt(receipt, peer)
	if err != nil {
		return a.raise(tx, AlarmReceipt, peer, "not-ours")
	}
	if _, err := tx.ArrivalHead(peer, r.Seq); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return tx.PutVouched(store.Vouched{Peer: peer, Seq: r.Seq, JWS: store.Hash(r.JWS), Receipt: receipt})
}

// ownReceipt proves that a receipt is one that this desk gave the peer.
func (a *Agent) ownReceipt(jws []byte, peer schemas.AuthorityID) (envelope.Receipt, error) {
	opened, err := envelope.Reopen(jws)
	if err != nil {
		return envelope.Receipt{}, err
	}
	v, err := opened.Verify(a.trust.View(), opened.Claims().SentAt)
	if err != nil {
		return envelope.Receipt{}, err
	}
	r, ok := v.Receipt()
	if !ok || v.Header().From != a.me || v.Header().To != peer {
		return envelope.Receipt{}, errors.New("no receipt of this desk's to this peer")
	}
	return r, nil
}

// missUpTo notes every number of the peer's that is not here, and asks for those at once.
func (a *Agent) missUpTo(tx *store.Tx, r *store.Recall, sent uint64) error {
	pair, err := tx.Pair(r.Peer)
	if err != nil || sent <= pair.Received {
		return err
	}
	sent = min(sent, pair.Received+maxAhead)
	resend := envelope.Resend{}
	for seq := pair.Received + 1; seq <= sent; seq++ {
		if _, err := tx.ArrivalHead(r.Peer, seq); !errors.Is(err, store.ErrNotFound) {
			if err != nil {
				return err
			}
			continue
		}
		if err := tx.AddHole(store.Hole{Peer: r.Peer, Seq: seq, Channel: r.Channel, NoticedAt: a.now()}); err != nil {
			return err
		}
		if resend.First == 0 {
			resend.First = seq
		}
		if seq-resend.First < envelope.MaxResend {
			resend.Last = seq
			if err := tx.AskedForHole(r.Peer, seq, a.now()); err != nil {
				return err
			}
		}
	}
	pair.Highest = max(pair.Highest, sent)
	if err := tx.PutPair(pair); err != nil || resend.First == 0 {
		return err
	}
	return a.ask(tx, r.Peer, r.Channel, resend)
}

// conclude ends a comparison once everything that the peer named has its place.
func (a *Agent) conclude(tx *store.Tx, r *store.Recall) error {
	pair, err := tx.Pair(r.Peer)
	if err != nil || !r.Listed || pair.Sent < r.Highest {
		return err
	}
	return a.endRecall(tx, r)
}

func (a *Agent) endRecall(tx *store.Tx, r *store.Recall) error {
	r.DoneAt = a.now()
	if err := errors.Join(tx.PutRecall(r), tx.DropAllLost(r.Peer)); err != nil {
		return err
	}
	if r.Listed {
		err := errors.Join(tx.ClearAlarmsAbout(string(AlarmHistory), r.Peer, "", a.now()), tx.DropWitness(r.Peer, string(AlarmHistory)))
		if err != nil {
			return err
		}
	}
	all, err := tx.Recalls()
	if err != nil {
		return err
	}
	for _, one := range all {
		if one.Open() && one.Why == store.WhyRestored {
			return nil
		}
	}
	return errors.Join(tx.ForgetCopy(), tx.ClearAlarmsOf(string(AlarmRestored), a.now()))
}

// checkHistory says plainly that the database is an old one, and how far the peers have made up for it.
func (a *Agent) checkHistory(tx *store.Tx) ([]api.Check, error) {
	copied, err := tx.CopiedAt()
	if err != nil || copied.IsZero() {
		return nil, err
	}
	all, err := tx.Recalls()
	if err != nil {
		return nil, err
	}
	answered, waits := 0, ""
	for _, r := range all {
		switch {
		case !r.Open():
			answered++
		case waits == "":
			waits = ", waits for " + string(r.Peer)
		}
	}
	if waits != "" && len(all)-answered > 1 {
		waits += " and others"
	}
	return []api.Check{{
		Name:   "history",
		Detail: fmt.Sprintf("the database was restored, as of %s: %d of %d peers have given back what came after%s", day(copied), answered, len(all), waits),
		Hint:   "messages to a peer that has not answered wait; drafts, approvals and decisions made since are lost",
	}}, nil
}
