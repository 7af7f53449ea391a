package agent

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki/journal"
	"comity/powercut"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// How the numbers that this desk used and lost get their places again (recall.go).

const eventRecalled = "recalled" // a number of ours that a peer gave back

// noteLost keeps what a peer says of a number of ours. The message may have come back before.
func (a *Agent) noteLost(tx *store.Tx, peer schemas.AuthorityID, k envelope.Known) error {
	l, err := tx.Lost(peer, k.Seq)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if l.JWS != nil && l.JWSHash != store.Hash(k.JWS) {
		return a.raise(tx, AlarmFork, peer, fmt.Sprint(k.Seq)) // it names another message than it gives back
	}
	l.Known, l.Returned, l.ID, l.JWSHash, l.Prev, l.Receipt = true, k.Returned, k.ID, store.Hash(k.JWS), store.Hash(k.Prev), k.Receipt
	return tx.PutLost(l)
}

// takeReturned takes a message of our own that a peer gives back. Our own signature proves it.
func (a *Agent) takeReturned(ctx context.Context, peer schemas.AuthorityID, opened *envelope.Opened) error {
	v, err := opened.Verify(a.trust.View(), opened.Claims().SentAt)
	if err != nil {
		return err
	}
	h := v.Header()
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		tx.Step(powercut.Recalled)
		r, err := a.openRecall(tx, peer)
		if err != nil || r == nil {
			return err
		}
		pair, err := tx.Pair(peer)
		if err != nil || h.Seq <= pair.Sent {
			return err
		}
		if r.Why == store.WhySuspicion { // we have signed what is not here: the database is an old one
			if err := errors.Join(tx.MarkCopy(a.now()), a.noticeCopy(tx)); err != nil {
				return err
			}
			r.Why = store.WhyRestored
		}
		l, err := tx.Lost(peer, h.Seq)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if l.Known && l.JWSHash != store.Hash(v.Hash()) {
			return a.raise(tx, AlarmFork, peer, fmt.Sprint(h.Seq))
		}
		l.JWS, l.JWSHash = v.JWS(), store.Hash(v.Hash())
		if err := tx.PutLost(l); err != nil {
			return err
		}
		return a.replace(tx, r)
	})
	return a.recalled(ctx, err)
}

// replace puts numbers of ours back, in order, as far as they are here.
func (a *Agent) replace(tx *store.Tx, r *store.Recall) error {
	pair, err := tx.Pair(r.Peer)
	if err != nil {
		return err
	}
	var touched []schemas.CaseID
	for r.Listed && pair.Sent < r.Highest {
		m, err := a.replaceOne(tx, r, &pair)
		if err != nil {
			return err
		}
		if m == nil {
			break
		}
		touched = append(touched, m.Case)
		if err := tx.PutPair(pair); err != nil {
			return err
		}
	}
	if err := a.resettle(tx, r.Peer); err != nil {
		return err
	}
	if err := a.refileAll(tx, touched, r.Peer); err != nil {
		return err
	}
	return a.conclude(tx, r)
}

// replaceOne puts the next number back, nil where its message is still on its way.
func (a *Agent) replaceOne(tx *store.Tx, r *store.Recall, pair *store.Pair) (*store.Message, error) {
	seq := pair.Sent + 1
	l, err := tx.Lost(r.Peer, seq)
	if errors.Is(err, store.ErrNotFound) || err == nil && !l.Known {
		return a.closeLost(tx, r, pair)
	}
	if err != nil || l.Returned && l.JWS == nil {
		return nil, err
	}
	if seq > 1 && l.Prev != pair.SentHash {
		// The peer has gone on from another number than we have: two histories were begun. A person must look.
		return nil, errors.Join(a.raise(tx, AlarmChain, r.Peer, fmt.Sprint(seq)), a.endRecall(tx, r))
	}
	m, err := a.lostMessage(tx, r, l)
	if err != nil {
		return nil, err
	}
	pair.Sent, pair.SentHash = seq, l.JWSHash
	err = errors.Join(
		tx.PutMessage(m),
		a.recordNumber(tx, journal.Number{From: a.me, To: r.Peer, Seq: seq, JWS: envelope.Hash(l.JWSHash)}),
		a.recordSigned(tx, envelope.KindMessage, headerOf(m), envelope.Hash(m.JWSSHA256)),
		a.recordHome(tx, eventRecalled, m.ID, m.JWSSHA256, ""),
		tx.DropLost(r.Peer, seq),
	)
	if err == nil && m.Payload != nil {
		err = noteItems(tx, m)
	}
	if err != nil {
		return nil, err
	}
	if err := a.settleLost(tx, m, l.Receipt); err != nil {
		return nil, err
	}
	a.changes.tell(api.Event{Message: m.ID, State: string(m.State), Case: m.Case})
	return m, nil
}

// lostMessage is the row of a number: read from the signed message, or with nothing in it where the peer has none.
func (a *Agent) lostMessage(tx *store.Tx, r *store.Recall, l store.Lost) (*store.Message, error) {
	m := &store.Message{Key: store.Key{Sender: a.me, ID: l.ID}}
	if before, err := tx.Message(m.Key); err == nil {
		m = before // it was drafted or approved before the backup: who did stays known
		if m.State == store.UnderReview {
			if review, err := openReview(tx, m); err == nil {
				if err := a.closeReview(tx, review, store.ClosedReleased, ""); err != nil {
					return nil, err
				}
			}
		}
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	m.Recipient, m.Direction, m.State, m.Channel = r.Peer, store.Out, store.Sent, r.Channel
	m.Seq, m.Prev, m.JWSSHA256 = l.Seq, l.Prev, l.JWSHash
	if l.JWS == nil {
		return m, nil
	}
	opened, err := envelope.Reopen(l.JWS)
	if err != nil {
		return nil, err
	}
	v, err := opened.Verify(a.trust.View(), opened.Claims().SentAt)
	if err != nil {
		return nil, err
	}
	h := v.Header()
	m.Channel, m.Seen, m.SentAt, m.ValidUntil, m.SealedAt = h.Channel, h.Seen, h.SentAt, h.ValidUntil, h.SentAt
	m.JWS, m.Payload, m.PayloadSHA256 = v.JWS(), v.Payload(), sha256.Sum256(v.Payload())
	if to, err := a.trust.View().EncryptionKey(r.Peer, a.now()); err == nil {
		m.Wire, _ = envelope.SealAgain(l.JWS, to) // where the peer's key has changed the bytes cannot be sent again
	}
	p, err := schemas.Validate(v.Payload())
	if err != nil {
		return m, nil // of a version that this program does not read any more: the bytes are kept
	}
	m.Type, m.Case, m.InReplyTo, m.Urgency, m.Language = p.Type, p.Case, p.InReplyTo, string(p.Urgency), string(p.Language)
	if m.Case == "" {
		m.Case = schemas.CaseOpenedBy(m.Sender, m.Recipient, m.ID)
	}
	if m.Outcome, err = lifecycle.Essence(p); err != nil {
		return nil, err
	}
	m.Team, err = teamOf(a.me, p)
	return m, err
}

// settleLost gives a number the receipt that the peer has given before.
func (a *Agent) settleLost(tx *store.Tx, m *store.Message, receipt []byte) error {
	opened, err := envelope.Reopen(receipt)
	if err != nil {
		return a.raise(tx, AlarmReceipt, m.Recipient, fmt.Sprint(m.Seq))
	}
	v, err := opened.Verify(a.trust.View(), opened.Claims().SentAt)
	if err != nil {
		return a.raise(tx, AlarmReceipt, m.Recipient, fmt.Sprint(m.Seq))
	}
	said, ok := v.Receipt()
	if !ok || v.Header().From != m.Recipient || v.Header().To != a.me || said.Seq != m.Seq {
		return a.raise(tx, AlarmReceipt, m.Recipient, fmt.Sprint(m.Seq))
	}
	if said.ID == m.ID && store.Hash(said.JWS) == m.JWSSHA256 {
		return a.settle(tx, m, v, said)
	}
	// It closed the number with a void.
	m.VoidID, m.VoidSHA256, m.State, m.Wire = said.ID, store.Hash(said.JWS), store.Expired, nil
	void := headerOf(m)
	void.ID = m.VoidID
	return errors.Join(
		a.recordSigned(tx, envelope.KindVoid, void, envelope.Hash(m.VoidSHA256)),
		tx.DropParcel(m.ID),
		a.settleVoid(tx, m, v),
	)
}

// resettle takes what a peer says of numbers that are here and have no receipt.
func (a *Agent) resettle(tx *store.Tx, peer schemas.AuthorityID) error {
	open, err := tx.FirstUnreceiptedNumber(a.me, peer)
	if err != nil || open == 0 {
		return err
	}
	messages, err := tx.MessagesNumbered(a.me, peer, open, choreBatch)
	if err != nil {
		return err
	}
	for _, m := range messages {
		l, err := tx.Lost(peer, m.Seq)
		if errors.Is(err, store.ErrNotFound) || err == nil && (!l.Known || l.JWSHash != m.JWSSHA256) {
			continue
		}
		if err != nil {
			return err
		}
		if m.Receipt == nil {
			if err := a.settleLost(tx, m, l.Receipt); err != nil {
				return err
			}
		}
		if err := tx.DropLost(peer, m.Seq); err != nil {
			return err
		}
	}
	return nil
}

// closeLost closes a number that we used and that nobody has: it was lost on its way too. Its hash stands in the number
// after it, if that is known; else any will do, because nobody can have another.
func (a *Agent) closeLost(tx *store.Tx, r *store.Recall, pair *store.Pair) (*store.Message, error) {
	seq := pair.Sent + 1
	var hash store.Hash
	after, err := tx.Lost(r.Peer, seq+1)
	switch {
	case err == nil && after.Known:
		hash = after.Prev
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return nil, err
	default:
		rand.Read(hash[:])
	}
	now := a.now()
	m := &store.Message{
		Key: store.Key{Sender: a.me, ID: schemas.NewMessageID()}, Recipient: r.Peer, Direction: store.Out, State: store.Sent, Channel: r.Channel,
		Seq: seq, Prev: pair.SentHash, JWSSHA256: hash, SentAt: now, SealedAt: now,
	}
	pair.Sent, pair.SentHash = seq, hash
	return m, errors.Join(
		tx.PutMessage(m),
		a.recordNumber(tx, journal.Number{From: a.me, To: r.Peer, Seq: seq, JWS: envelope.Hash(hash)}),
		a.recordSigned(tx, envelope.KindMessage, headerOf(m), envelope.Hash(hash)),
		a.void(tx, m),
	)
}
