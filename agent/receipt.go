package agent

import (
	"context"
	"errors"
	"fmt"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/store"
	"comity/powercut"
	"comity/schemas"
)

// takeReceipt is step 9: the recipient's own signed word lets the outbox go.
func (a *Agent) takeReceipt(ctx context.Context, v *envelope.Verified, r envelope.Receipt) error {
	var changed *store.Message
	var before store.State
	void := false
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		changed, void = nil, false
		tx.Step(powercut.Receipted)
		peer := v.Header().From
		if err := a.witness(tx, v, r); err != nil {
			return err
		}
		if wait, err := a.beyondUs(tx, v.Header(), r); err != nil || wait {
			return err // the peer gives it back with what it is about
		}
		m, err := tx.BareMessageByNumber(a.me, peer, r.Seq)
		if errors.Is(err, store.ErrNotFound) {
			return a.raise(tx, AlarmReceipt, peer, fmt.Sprint(r.Seq))
		}
		if err != nil {
			return err
		}
		switch {
		case r.ID == m.ID && store.Hash(r.JWS) == m.JWSSHA256:
			changed, before = m, m.State
			return a.settle(tx, m, v, r)
		case m.VoidID != "" && r.ID == m.VoidID && store.Hash(r.JWS) == m.VoidSHA256:
			changed, void = m, true
			return a.settleVoid(tx, m, v)
		default: // signed by the peer, and about bytes that we never sent under this number
			return a.raise(tx, AlarmReceipt, peer, fmt.Sprint(r.Seq))
		}
	})
	if err != nil {
		return fmt.Errorf("taking a receipt of %s: %w", v.Header().From, err)
	}
	if changed != nil && !void {
		a.metrics.receipted(before, changed)
	}
	if changed != nil {
		a.changes.tell(api.Event{Message: changed.ID, State: string(changed.State), Case: changed.Case})
	}
	return nil
}

// settle takes the first receipt of a message. A second one counts where it is a rejection by the case, which a
// recipient can only tell once everything before the message is there; the two may overtake each other.
func (a *Agent) settle(tx *store.Tx, m *store.Message, v *envelope.Verified, r envelope.Receipt) error {
	byCase := r.Reason == envelope.RejectedState || r.Reason == envelope.RejectedParty
	first := m.State == store.Sent || m.State == store.Expired
	if !first && !(m.State == store.Delivered && byCase) {
		// A copy, or what an earlier rejection already settled. It answers bytes that were sent again for a peer that asked.
		return tx.DropParcel(m.ID)
	}
	m.State, m.Reason = store.Delivered, ""
	if r.Outcome == envelope.Rejected {
		m.State, m.Reason = store.Rejected, string(r.Reason)
	}
	m.Receipt, m.StoredAt, m.ReceiptedAt = v.JWS(), r.StoredAt, a.now()
	err := errors.Join(
		tx.PutMessage(m),
		tx.DropParcel(m.ID),
		a.recordSigned(tx, envelope.KindReceipt, v.Header(), v.Hash()),
		a.refile(tx, m.Case, m.Recipient),
		a.clear(tx, AlarmExpired, m.Recipient, string(m.ID)),
		a.clear(tx, AlarmRefused, m.Recipient, string(m.ID)),
		a.clearLate(tx, m),
		a.returnEvidence(tx, m),
	)
	if m.VoidID != "" { // it was delivered after all: the void has nothing to close
		err = errors.Join(err, tx.DropParcel(m.VoidID))
	}
	return err
}

// settleVoid takes the receipt that closes a number.
func (a *Agent) settleVoid(tx *store.Tx, m *store.Message, v *envelope.Verified) error {
	if m.State != store.Expired {
		return tx.DropParcel(m.VoidID) // a copy
	}
	m.State, m.Receipt, m.ReceiptedAt = store.Voided, v.JWS(), a.now()
	return errors.Join(
		tx.PutMessage(m),
		tx.DropParcel(m.VoidID),
		a.recordSigned(tx, envelope.KindReceipt, v.Header(), v.Hash()),
		a.clear(tx, AlarmExpired, m.Recipient, string(m.ID)),
	)
}

// takeResend sends numbers again that the peer lacks: the same bytes, never filtered anew, for they count as disclosed.
// A number that waits in the outbox is only brought forward.
func (a *Agent) takeResend(ctx context.Context, v *envelope.Verified, r envelope.Resend) error {
	peer := v.Header().From
	a.notices.note(NoticeAskedByPeer, peer, a.now())
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		tx.Step(powercut.AskedAgain)
		pair, err := tx.Pair(peer)
		if err != nil {
			return err
		}
		for seq := r.First; seq <= min(r.Last, pair.Sent); seq++ {
			m, err := tx.MessageByNumber(a.me, peer, seq)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if err := a.sendAgain(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sending again to %s: %w", peer, err)
	}
	a.submitted.give()
	return nil
}

func (a *Agent) sendAgain(tx *store.Tx, m *store.Message) error {
	if m.Wire == nil { // erased: the peer's signed receipt is what is left of it
		return nil
	}
	p := &store.Parcel{
		ID: m.ID, Kind: store.KindMessage, Lane: laneOf(m), Peer: m.Recipient, Channel: m.Channel, Subject: m.ID, JWSSHA256: m.JWSSHA256,
		Seq: m.Seq, Wire: m.Wire, Attempts: 1, ExpiresAt: m.ValidUntil,
	}
	switch {
	case m.VoidID == "":
	case m.State == store.Voided || m.State == store.Expired:
		p.ID, p.Kind, p.JWSSHA256 = m.VoidID, store.KindVoid, m.VoidSHA256
	default:
		// It was delivered after all, and the sealed bytes that are kept are the void's: they would close a number whose
		// message the peer has signed for. A peer that has lost it since has it back by recall.
		return nil
	}
	waiting, err := tx.Parcel(p.ID)
	switch {
	case err == nil:
		p = waiting
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	p.NextAt, p.Attempts = a.now(), max(p.Attempts, 1)
	return tx.PutParcel(p)
}

// void closes the number of a message that expired without a receipt, so that no hole stays behind it. Whether it was
// delivered is not known: if it was, the recipient answers with the receipt that was lost.
func (a *Agent) void(tx *store.Tx, m *store.Message) error {
	now := a.now()
	to, err := a.trust.View().EncryptionKey(m.Recipient, now)
	if err != nil {
		return fmt.Errorf("sealing a void for %s: %w", m.Recipient, err)
	}
	sealed, err := envelope.SealVoid(envelope.Header{
		From: a.me, To: m.Recipient, Channel: m.Channel, ID: schemas.NewMessageID(), SentAt: now, Seq: m.Seq, Prev: envelope.Hash(m.Prev),
	}, envelope.Void{ID: m.ID, JWS: envelope.Hash(m.JWSSHA256)}, a.signer(), to)
	if err != nil {
		return err
	}
	m.State, m.VoidID, m.VoidSHA256, m.Wire = store.Expired, sealed.Header.ID, store.Hash(sealed.Hash), sealed.Wire
	return errors.Join(
		tx.PutMessage(m),
		tx.DropParcel(m.ID),
		tx.PutParcel(&store.Parcel{
			ID: m.VoidID, Kind: store.KindVoid, Peer: m.Recipient, Channel: m.Channel, Subject: m.ID, JWSSHA256: m.VoidSHA256, Seq: m.Seq,
			Wire: m.Wire, NextAt: now, ExpiresAt: now.Add(envelope.MaxValidity),
		}),
		a.refile(tx, m.Case, m.Recipient),
		a.recordSigned(tx, envelope.KindVoid, sealed.Header, sealed.Hash),
		a.raise(tx, AlarmExpired, m.Recipient, string(m.ID)),
		a.clearLate(tx, m),
	)
}
