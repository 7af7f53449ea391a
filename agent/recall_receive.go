package agent

import (
	"context"
	"errors"
	"time"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/schemas"
)

// What a desk that has lost something does with what arrives meanwhile (recall.go).

// errWaits has the broker deliver again later: what a number is can only be said once the peer has told what it has.
var errWaits = errors.New("it waits until the peer has said what this desk has lost")

// given is a receipt of ours that came back with its number.
type given struct {
	jws    []byte
	header envelope.Header
	hash   envelope.Hash
	said   envelope.Receipt
}

// returned tells whether an envelope holds a message of our own.
func (a *Agent) returned(wire []byte) (schemas.AuthorityID, *envelope.Opened, bool) {
	outer, err := envelope.Parse(wire)
	if err != nil {
		return "", nil, false
	}
	opened, err := outer.OpenReturned(a.desk())
	return outer.Route().From, opened, err == nil
}

// asOf is the time for which what was opened must hold: now, and for what we have receipted before, when we did.
func (a *Agent) asOf(opened *envelope.Opened) time.Time {
	now := a.now()
	claims := opened.Claims()
	if !a.recalling.Load() || claims.Seq == 0 {
		return now
	}
	var vouched store.Vouched
	err := a.store.View(context.Background(), func(tx *store.Tx) (err error) {
		vouched, err = tx.Vouched(claims.From, claims.Seq)
		return err
	})
	if err != nil || vouched.JWS != store.Hash(opened.Hash()) {
		return now
	}
	said, err := a.ownReceipt(vouched.Receipt, claims.From)
	if err != nil {
		return now
	}
	return said.StoredAt
}

// afterRecall looks at a number in the light of what was lost: our own receipt for it may be back, and until the peer has
// said everything it must wait.
func (a *Agent) afterRecall(tx *store.Tx, n numbered) (_ numbered, wait bool, err error) {
	header := n.authentic.Header
	pair, err := tx.Pair(header.From)
	if err != nil {
		return n, false, err
	}
	if a.recalling.Load() {
		if n.given, err = a.givenFor(tx, n); err != nil {
			return n, false, err
		}
		r, err := a.openRecall(tx, header.From)
		if err != nil {
			return n, false, err
		}
		if n.given != nil {
			return a.asGiven(n), false, nil
		}
		if r != nil && (!r.Listed || header.Seen > pair.Sent) && header.Seq > pair.Received {
			return n, true, nil
		}
	}
	if header.Seen > pair.Sent {
		wait, err = a.suspect(tx, header.From, header.Channel, header.Seen)
	}
	return n, wait, err
}

// givenFor is our receipt for exactly these bytes, nil where none is back.
func (a *Agent) givenFor(tx *store.Tx, n numbered) (*given, error) {
	header := n.authentic.Header
	vouched, err := tx.Vouched(header.From, header.Seq)
	if errors.Is(err, store.ErrNotFound) || err == nil && vouched.JWS != store.Hash(n.authentic.Hash) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	opened, err := envelope.Reopen(vouched.Receipt)
	if err != nil {
		return nil, err
	}
	said, err := a.ownReceipt(vouched.Receipt, header.From)
	if err != nil {
		return nil, err
	}
	return &given{jws: vouched.Receipt, header: opened.Claims(), hash: opened.Hash(), said: said}, nil
}

// asGiven makes of a number what our receipt says that it was. A message that could not be read again stays with what
// is said of it now, and has another receipt.
func (a *Agent) asGiven(n numbered) numbered {
	switch {
	case n.given.said.Outcome == envelope.Rejected:
		n.fate, n.rejection = store.FateRejected, n.given.said.Reason
		if n.message != nil {
			n.message.State, n.message.Reason = store.Rejected, string(n.rejection)
		}
	case n.fate == store.FateRejected:
		n.given = nil
	}
	return n
}

// receiptFor is the receipt for a number: the one that it had, or a new one.
func (a *Agent) receiptFor(tx *store.Tx, n numbered, now time.Time) (store.Arrival, error) {
	peer, seq := n.authentic.Header.From, n.authentic.Header.Seq
	if n.given == nil {
		return a.receipt(tx, n.authentic, n.rejection, now)
	}
	to, err := a.trust.View().EncryptionKey(peer, now)
	if err != nil {
		return store.Arrival{}, err
	}
	wire, err := envelope.SealAgain(n.given.jws, to)
	if err != nil { // the peer has another key by now: it has the receipt, and another asks for nothing
		return a.receipt(tx, n.authentic, n.rejection, now)
	}
	return store.Arrival{
			Peer: peer, Seq: seq, Prev: store.Hash(n.authentic.Header.Prev), Receipt: n.given.jws, ReceiptID: n.given.header.ID, Wire: wire,
		}, errors.Join(
			tx.DropVouched(peer, seq),
			tx.PutParcel(&store.Parcel{ // the peer has it, and sends its bytes again until it has it once more
				ID: n.given.header.ID, Kind: store.KindReceipt, Lane: laneOfReceipt(n.authentic.Header.Channel), Peer: peer, Channel: n.authentic.Header.Channel,
				Subject: n.id, JWSSHA256: store.Hash(n.given.hash), Wire: wire, Attempts: 1, NextAt: now, ExpiresAt: now.Add(receiptLife),
			}),
			a.recordSigned(tx, envelope.KindReceipt, n.given.header, n.given.hash),
		)
}

// beyondUs tells whether a receipt must wait because it knows of numbers that are not here.
func (a *Agent) beyondUs(tx *store.Tx, h envelope.Header, r envelope.Receipt) (wait bool, err error) {
	pair, err := tx.Pair(h.From)
	if err != nil {
		return false, err
	}
	knows := max(r.Seq, uint64(r.Checkpoint.Size))
	if knows <= pair.Sent {
		return false, nil
	}
	return a.suspect(tx, h.From, h.Channel, knows)
}
