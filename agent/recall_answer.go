package agent

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/time/rate"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki"
	"comity/powercut"
	"comity/schemas"
)

// How a desk answers a peer that has lost what it had (recall.go). It gives back only what the peer once sent or signed.

// A page may give back messages of the largest size, so how many a peer may have is bounded. One that was restored in earnest
// asks for the next when it has the last.
const (
	recallsAtOnce    = 50
	recallsPerSecond = 5
)

func (a *Agent) mayRecall(peer schemas.AuthorityID) bool {
	limiter, _ := a.recalledBy.LoadOrStore(peer, rate.NewLimiter(recallsPerSecond, recallsAtOnce))
	return limiter.(*rate.Limiter).AllowN(a.now(), 1)
}

// takeRecall answers with one page, and with the messages that it names.
func (a *Agent) takeRecall(ctx context.Context, v *envelope.Verified, r envelope.Recall) error {
	peer := v.Header().From
	if !a.mayRecall(peer) {
		return nil // it asks again
	}
	a.notices.note(NoticePeerRestored, peer, a.now())
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		tx.Step(powercut.GaveBack)
		if err := a.recordSigned(tx, envelope.KindRecall, v.Header(), v.Hash()); err != nil {
			return err
		}
		return a.answerRecall(tx, v.Header(), r)
	})
	if err != nil {
		return fmt.Errorf("giving %s back what it lost: %w", peer, err)
	}
	a.submitted.give()
	return nil
}

func (a *Agent) answerRecall(tx *store.Tx, asked envelope.Header, r envelope.Recall) error {
	peer, now := asked.From, a.now()
	pair, err := tx.Pair(peer)
	if err != nil {
		return err
	}
	to, err := a.trust.View().EncryptionKey(peer, now)
	if err != nil {
		return err
	}
	s := envelope.Standing{Sent: pair.Sent, Highest: pair.Highest, Next: r}
	header := func() envelope.Header {
		return envelope.Header{From: a.me, To: peer, Channel: asked.Channel, ID: schemas.NewMessageID(), SentAt: now}
	}
	// 1. The peer's numbers, and the messages themselves as far as they are here.
	arrivals, err := tx.Arrivals(peer, r.SentAfter+1, envelope.MaxStanding)
	if err != nil {
		return err
	}
	for _, arrived := range arrivals {
		k := envelope.Known{Seq: arrived.Seq, ID: arrived.ID, JWS: envelope.Hash(arrived.JWSSHA256), Prev: envelope.Hash(arrived.Prev), Receipt: arrived.Receipt}
		m, err := tx.Message(store.Key{Sender: peer, ID: arrived.ID})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && m.JWS != nil && m.JWSSHA256 == arrived.JWSSHA256 {
			k.Returned = true
			if err := a.giveBack(tx, header(), m.JWS, to); err != nil {
				return err
			}
		}
		s.Yours, s.Next.SentAfter = append(s.Yours, k), arrived.Seq
	}
	s.More = len(arrivals) == envelope.MaxStanding && s.Next.SentAfter < pair.Highest
	// 2. The receipts that it gave for our numbers.
	for len(s.Receipts) < envelope.MaxStanding && s.Next.ReceivedAfter < pair.Sent {
		some, err := tx.MessagesNumbered(a.me, peer, s.Next.ReceivedAfter+1, envelope.MaxStanding)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		for _, m := range some {
			if len(s.Receipts) == envelope.MaxStanding {
				break
			}
			s.Next.ReceivedAfter = m.Seq
			if m.Receipt != nil {
				s.Receipts = append(s.Receipts, m.Receipt)
			}
		}
	}
	s.More = s.More || s.Next.ReceivedAfter < pair.Sent
	sealed, err := envelope.SealStanding(header(), s, a.signer(), to)
	if err != nil {
		return err
	}
	return a.putControl(tx, store.KindStanding, envelope.KindStanding, sealed, now.Add(receiptLife))
}

// giveBack puts a message of the peer's own into the outbox, around the bytes that it once signed.
func (a *Agent) giveBack(tx *store.Tx, h envelope.Header, jws []byte, to pki.Proof) error {
	wire, err := envelope.SealReturned(h, jws, to)
	if err != nil {
		return err
	}
	return tx.PutParcel(&store.Parcel{
		ID: h.ID, Kind: store.KindReturned, Peer: h.To, Channel: h.Channel, JWSSHA256: store.Hash(envelope.HashJWS(jws)), Wire: wire,
		NextAt: a.now(), ExpiresAt: a.now().Add(receiptLife),
	})
}
