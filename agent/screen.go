package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/schemas"
)

// The inbound screen stands between the receipt, which never waits for it, and the first person who reads a message. It
// asks one question, of the message's own content: is this asylum data about a person whose origin set contains this
// State? Whatever follows for peers (the breach notice) follows from that; what our register knows, no peer is ever
// shown.

// screen looks at one received message. On an error the message stays unread and is looked at again.
func (a *Agent) screen(ctx context.Context, m *store.Message) error {
	found, err := policy.Screen(ctx, a.scanner, m.Payload, a.me.State())
	if err != nil {
		return fmt.Errorf("screening message %s of %s: %w", m.ID, m.Sender, err)
	}
	// A label that is lost would let out what it protects: the register first, then the mark that this is done. A second
	// screening after a crash writes the same labels again.
	for _, label := range found.Labels {
		if err := a.register.Label(ctx, label.Who, label.ProtectFrom, string(m.Sender)+"/"+string(m.ID)); err != nil {
			a.alertNow(ctx, AlertRegister, "label", m.Sender)
			return fmt.Errorf("registering whom message %s of %s protects: %w", m.ID, m.Sender, err)
		}
	}
	err = a.store.Update(ctx, func(tx *store.Tx) error { return a.screened(tx, m.Key, found) })
	if err != nil {
		return fmt.Errorf("screening message %s of %s: %w", m.ID, m.Sender, err)
	}
	a.changes.tell(api.Event{Message: m.ID, State: string(store.Received), Case: m.Case})
	a.submitted.give()
	return nil
}

// screened notes the outcome, with what sticks to the message and its files.
func (a *Agent) screened(tx *store.Tx, k store.Key, found policy.Screening) error {
	m, err := tx.Message(k)
	if err != nil || m.Screening != store.ScreenPending {
		return err
	}
	m.Screening = store.ScreenClear
	if err := noteItems(tx, m); err != nil {
		return err
	}
	if !found.Quarantine {
		return tx.PutMessage(m)
	}
	m.Screening = store.ScreenQuarantined
	return errors.Join(
		tx.PutMessage(m),
		a.alert(tx, AlertQuarantined, string(m.ID), m.Sender),
		a.recordHome(tx, eventQuarantined, m.ID, m.PayloadSHA256, ""),
		a.tellBreach(tx, m),
	)
}

// tellBreach seals the notice to the sender. It names the message and says nothing of what was found in it.
func (a *Agent) tellBreach(tx *store.Tx, m *store.Message) error {
	now := a.now()
	to, err := a.trust.View().EncryptionKey(m.Sender, now)
	if err != nil {
		return fmt.Errorf("telling %s of a breach: %w", m.Sender, err)
	}
	header := envelope.Header{From: a.me, To: m.Sender, Channel: m.Channel, ID: schemas.NewMessageID(), SentAt: now}
	sealed, err := envelope.SealBreach(header, envelope.Breach{ID: m.ID, Seq: m.Seq, JWS: envelope.Hash(m.JWSSHA256)}, a.signer(), to)
	if err != nil {
		return err
	}
	return errors.Join(
		tx.PutParcel(&store.Parcel{
			ID: sealed.Header.ID, Kind: store.KindBreach, Lane: laneOfReceipt(m.Channel), Peer: m.Sender, Channel: m.Channel, Subject: m.ID,
			JWSSHA256: store.Hash(sealed.Hash), Wire: sealed.Wire, NextAt: now, ExpiresAt: now.Add(receiptLife),
		}),
		a.recordSigned(tx, m.Sender, envelope.KindBreach, sealed.Header, sealed.Hash),
	)
}

// takeBreach is a peer's notice about a message of ours. It can only be told to the protection officers: what was
// disclosed cannot be called back.
func (a *Agent) takeBreach(ctx context.Context, v *envelope.Verified, b envelope.Breach) error {
	peer := v.Header().From
	return a.store.Update(ctx, func(tx *store.Tx) error {
		m, err := tx.MessageByNumber(a.me, peer, b.Seq)
		if errors.Is(err, store.ErrNotFound) || err == nil && (m.ID != b.ID || m.JWSSHA256 != store.Hash(b.JWS)) {
			return a.raise(tx, AlarmReceipt, peer, fmt.Sprint(b.Seq)) // signed by the peer, and about bytes that we never sent
		}
		if err != nil {
			return err
		}
		return errors.Join(
			a.alert(tx, AlertBreach, string(m.ID), peer),
			a.recordSigned(tx, peer, envelope.KindBreach, v.Header(), v.Hash()),
		)
	})
}

// screenWaiting looks at what was stored when the agent last ended, or could not be looked at then.
func (a *Agent) screenWaiting(ctx context.Context) error {
	var waiting []*store.Message
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		waiting, err = tx.MessagesToScreen(choreBatch)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range waiting {
		if err := a.screen(ctx, m); err != nil && ctx.Err() == nil {
			a.log.Error("screening", slog.Any("error", err))
		}
	}
	return nil
}

// ClearWithheld is one of the two words that let people read a received message that was withheld, such as one that only
// looked like what it was taken for. No peer is told.
func (a *Agent) ClearWithheld(ctx context.Context, by string, id schemas.MessageID, proof []byte) (api.Message, error) {
	var m *store.Message
	err := a.store.Update(ctx, func(tx *store.Tx) (err error) {
		if m, err = withheld(tx, id); err != nil {
			return err
		}
		word := &store.Release{Key: m.Key, Digest: m.JWSSHA256, Person: by, At: a.now(), Proof: proof}
		if err := errors.Join(tx.AddRelease(word), a.recordHome(tx, eventCleared, m.ID, m.JWSSHA256, by)); err != nil {
			return err
		}
		words, err := tx.Releases(m.Key, m.JWSSHA256)
		if err != nil || len(words) < 2 {
			return err
		}
		m.Screening = store.ScreenClear
		return errors.Join(tx.PutMessage(m), a.endAlert(tx, AlertQuarantined, string(m.ID), by))
	})
	if err != nil {
		return api.Message{}, err
	}
	a.changes.tell(api.Event{Message: m.ID, State: string(store.Received), Case: m.Case})
	return show(m, nil), nil
}

func withheld(tx *store.Tx, id schemas.MessageID) (*store.Message, error) {
	found, err := tx.MessagesByPrefix(string(id), 20) // an id is unique within its sender only
	if err != nil {
		return nil, err
	}
	for _, m := range found {
		if m.Screening == store.ScreenQuarantined {
			return m, nil
		}
	}
	return nil, problem(ReasonNotFound, "no message with this id is withheld", "comity review alerts lists them")
}
