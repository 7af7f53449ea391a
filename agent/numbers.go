package agent

import (
	"errors"
	"fmt"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki/journal"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// advance moves the contiguous number of a pair over what has arrived, notes holes, checks the hash chain, and judges each
// message whose causal past is now complete. latest is the number that has just been stored, which came on channel. It returns
// the cases whose set changed.
func (a *Agent) advance(tx *store.Tx, pair store.Pair, latest store.Arrival, channel schemas.Channel) ([]schemas.CaseID, error) {
	for missing := max(pair.Highest, pair.Received) + 1; missing < latest.Seq; missing++ {
		hole := store.Hole{Peer: pair.Peer, Seq: missing, Channel: channel, NoticedAt: a.now()}
		if err := tx.AddHole(hole); err != nil {
			return nil, err
		}
	}
	if latest.Seq < pair.Highest {
		a.notices.note(NoticeOutOfOrder, pair.Peer, a.now())
	}
	pair.Highest = max(pair.Highest, latest.Seq)
	if err := a.closeHole(tx, pair.Peer, latest.Seq); err != nil {
		return nil, err
	}
	if err := a.checkChain(tx, latest, pair.Highest); err != nil {
		return nil, err
	}
	var touched []schemas.CaseID
	for pair.Received < pair.Highest {
		if pair.Received+1 != latest.Seq { // the latest was judged, and put into its log, on arrival
			next, err := tx.ArrivalHead(pair.Peer, pair.Received+1)
			if errors.Is(err, store.ErrNotFound) {
				break
			}
			if err != nil {
				return nil, err
			}
			if err := a.recordNumber(tx, journal.Number{From: pair.Peer, To: a.me, Seq: next.Seq, JWS: next.JWSSHA256}); err != nil {
				return nil, err
			}
			id, err := a.judge(tx, next)
			if err != nil {
				return nil, err
			}
			if id != "" {
				touched = append(touched, id)
			}
		}
		pair.Received++
	}
	return touched, tx.PutPair(pair)
}

func (a *Agent) closeHole(tx *store.Tx, peer schemas.AuthorityID, seq uint64) error {
	return errors.Join(tx.CloseHole(peer, seq), a.clear(tx, AlarmHole, peer, fmt.Sprint(seq)))
}

// checkChain holds a number against its two neighbours, as far as they are here. What does not fit is an alarm and no
// reason to refuse: the bytes are signed, and which of the two is the odd one only a person can find out. No number above
// highest has arrived.
func (a *Agent) checkChain(tx *store.Tx, latest store.Arrival, highest uint64) error {
	follows := func(this, before store.Arrival) error {
		if this.Prev == before.JWSSHA256 {
			return nil
		}
		return a.raise(tx, AlarmChain, latest.Peer, fmt.Sprint(this.Seq))
	}
	if latest.Seq == 1 {
		if err := follows(latest, store.Arrival{}); err != nil {
			return err
		}
	} else if before, err := tx.ArrivalHead(latest.Peer, latest.Seq-1); err == nil {
		if err := follows(latest, before); err != nil {
			return err
		}
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if latest.Seq >= highest {
		return nil
	}
	next, err := tx.ArrivalHead(latest.Peer, latest.Seq+1)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return follows(next, latest)
}

// judge decides whether a message that was stored out of order has a place in its case, now that everything its sender had
// said and seen before is here. The verdict follows from bytes that both sides hold, so both come to the same one, in
// whatever order things arrived; a second receipt tells the sender. It returns the case of a message that lost its place.
func (a *Agent) judge(tx *store.Tx, arrival store.Arrival) (schemas.CaseID, error) {
	if arrival.Fate != store.FateStored {
		return "", nil
	}
	m, err := tx.BareMessage(store.Key{Sender: arrival.Peer, ID: arrival.ID})
	if err != nil {
		return "", err
	}
	reason, err := a.placeOf(tx, m)
	if err != nil || reason == "" {
		return "", err
	}
	m.State, m.Reason = store.Rejected, string(reason)
	header := envelope.Header{From: m.Sender, To: a.me, Channel: m.Channel, ID: m.ID, Seq: m.Seq, Prev: envelope.Hash(m.Prev)}
	rejected, err := a.receipt(tx, envelope.Authentic{Kind: envelope.KindMessage, Header: header, Hash: envelope.Hash(m.JWSSHA256)}, reason, a.now())
	if err != nil {
		return "", err
	}
	rejected.ID, rejected.JWSSHA256, rejected.Fate = arrival.ID, arrival.JWSSHA256, store.FateRejected
	m.Receipt = rejected.Receipt
	verdict, err := tx.Parcel(rejected.ReceiptID)
	if err != nil {
		return "", err
	}
	verdict.Kind = store.KindVerdict
	return m.Case, errors.Join(tx.PutArrival(rejected), tx.PutMessage(m), tx.PutParcel(verdict))
}

// placeOf is empty for a message that its case takes.
func (a *Agent) placeOf(tx *store.Tx, m *store.Message) (envelope.Rejection, error) {
	if m.Opens() {
		if lifecycle.CheckExpiry(eventOf(m)) != nil {
			return envelope.RejectedState, nil
		}
		return "", nil
	}
	state, messages, err := a.derive(tx, m.Case, m.Sender, asHeldBy(m.Sender, m.Seq, m.Seen))
	if errors.Is(err, errNoCase) {
		return envelope.RejectedParty, nil // unknown here, or another pair's: the answer is the same for both
	}
	if err != nil {
		return "", err
	}
	if ofOtherTeam(m, messages) {
		return envelope.RejectedParty, nil
	}
	if state.PermitsEvent(eventOf(m)) != nil {
		return envelope.RejectedState, nil
	}
	return "", nil
}
