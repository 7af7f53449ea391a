package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/powercut"
	"comity/schemas"
)

// The inbound screen stands between the receipt, which never waits for it, and the first person who reads a message. It
// asks one question, of the message's own content: is this asylum data about a person whose origin set contains this
// State? Whatever follows for peers (the breach notice) follows from that; what our register knows, no peer is ever
// shown.
//
// It has two loops of its own, because a register may be slow or out of reach: the first looks at the content and asks
// no register, and the second writes the labels into it. So neither a receipt nor a breach notice, nor anything else that
// leaves by itself, waits for the register; only our own people do.

// screenAll looks at the content of what has arrived. It returns when ctx ends.
func (a *Agent) screenAll(ctx context.Context) error {
	return screening(ctx, a.arrived, a.screenWaiting)
}

// labelAll registers whom the messages protect that were looked at. It returns when ctx ends.
func (a *Agent) labelAll(ctx context.Context) error { return screening(ctx, a.looked, a.labelWaiting) }

// screening does work whenever it is woken, and again after a pause where some of it failed.
func screening(ctx context.Context, wake signal, work func(context.Context) error) error {
	for {
		wait := time.Hour
		if work(ctx) != nil {
			wait = choreRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// screenWaiting looks at what nobody has looked at. What cannot be looked at stays unread and is tried again.
func (a *Agent) screenWaiting(ctx context.Context) error {
	return a.each(ctx, (*store.Tx).MessagesToScreen, a.screen)
}

// labelWaiting writes the labels that wait for the register.
func (a *Agent) labelWaiting(ctx context.Context) error {
	return a.each(ctx, (*store.Tx).MessagesToLabel, a.label)
}

// each does something with every message of a list, several at the same time: they share commits.
func (a *Agent) each(ctx context.Context, list func(*store.Tx, int) ([]*store.Message, error), do func(context.Context, *store.Message) error) error {
	for {
		var waiting []*store.Message
		err := a.store.View(ctx, func(tx *store.Tx) (err error) {
			waiting, err = list(tx, choreBatch)
			return err
		})
		if err != nil {
			return err
		}
		var group errgroup.Group
		group.SetLimit(receiveParallel)
		for _, m := range waiting {
			group.Go(func() error {
				err := do(ctx, m)
				if err != nil && ctx.Err() == nil {
					a.log.Error("screening", slog.Any("error", err))
				}
				return err
			})
		}
		if err := group.Wait(); err != nil || len(waiting) < choreBatch {
			return err
		}
	}
}

// screen looks at one received message.
func (a *Agent) screen(ctx context.Context, m *store.Message) error {
	found, err := policy.Screen(ctx, a.scanner, m.Payload, a.me.State())
	if err != nil {
		return fmt.Errorf("screening message %s of %s: %w", m.ID, m.Sender, err)
	}
	if err := a.store.UpdateSoon(ctx, func(tx *store.Tx) error { return a.screened(tx, m.Key, found) }); err != nil {
		return fmt.Errorf("screening message %s of %s: %w", m.ID, m.Sender, err)
	}
	a.changes.tell(api.Event{Message: m.ID, State: string(store.Received), Case: m.Case})
	if !found.Quarantine {
		a.notifier.Wake() // of what is withheld no mail tells, not even that there is any
	}
	if found.Quarantine {
		a.submitted.give() // the notice to the sender
	}
	if len(found.Labels) > 0 {
		a.looked.give()
	}
	return nil
}

// screened notes the outcome, with what sticks to the message and its files.
func (a *Agent) screened(tx *store.Tx, k store.Key, found policy.Screening) error {
	m, err := tx.BareMessage(k)
	if err != nil || m.Screening != store.ScreenPending {
		return err
	}
	tx.Step(powercut.Screened)
	m.Screening = store.ScreenClear
	if len(found.Labels) > 0 {
		m.Screening = store.ScreenClearing
	}
	if err := noteItems(tx, m); err != nil {
		return err
	}
	if !found.Quarantine {
		return tx.PutMessage(m)
	}
	m.Screening = store.ScreenQuarantined
	if len(found.Labels) > 0 {
		m.Screening = store.ScreenQuarantining
	}
	if m.Paper == 0 { // whoever wrote on paper is not connected: the officers decide what they are told, and how
		err = a.tellBreach(tx, m)
	}
	return errors.Join(
		err,
		tx.PutMessage(m),
		a.alert(tx, AlertQuarantined, string(m.ID), m.Sender),
		a.recordHome(tx, eventQuarantined, m.ID, m.PayloadSHA256, ""),
	)
}

// label registers whom one message protects. A label that is lost would let out what it protects: the register first, then
// the mark that this is done. A second time after a crash writes the same labels again.
func (a *Agent) label(ctx context.Context, m *store.Message) error {
	found, err := policy.Screen(ctx, a.scanner, m.Payload, a.me.State())
	if err != nil {
		return fmt.Errorf("screening message %s of %s: %w", m.ID, m.Sender, err)
	}
	for _, label := range found.Labels {
		err := powercut.Around(powercut.Registered, func() error {
			return a.register.Label(ctx, label.Who, label.ProtectFrom, string(m.Sender)+"/"+string(m.ID))
		})
		if err != nil {
			a.alertNow(ctx, AlertRegister, "label", m.Sender)
			return fmt.Errorf("registering whom message %s of %s protects: %w", m.ID, m.Sender, err)
		}
	}
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		tx.Step(powercut.Labelled)
		m, err := tx.Message(m.Key)
		if err != nil {
			return err
		}
		switch m.Screening {
		case store.ScreenClearing:
			m.Screening = store.ScreenClear
		case store.ScreenQuarantining:
			m.Screening = store.ScreenQuarantined
		}
		return tx.PutMessage(m)
	})
	if err != nil {
		return fmt.Errorf("labelling by message %s of %s: %w", m.ID, m.Sender, err)
	}
	a.changes.tell(api.Event{Message: m.ID, State: string(store.Received), Case: m.Case})
	return nil
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
		a.recordSigned(tx, envelope.KindBreach, sealed.Header, sealed.Hash),
	)
}

// takeBreach is a peer's notice about a message of ours. It can only be told to the protection officers: what was
// disclosed cannot be called back.
func (a *Agent) takeBreach(ctx context.Context, v *envelope.Verified, b envelope.Breach) error {
	peer := v.Header().From
	return a.store.Update(ctx, func(tx *store.Tx) error {
		m, err := tx.BareMessageByNumber(a.me, peer, b.Seq)
		if errors.Is(err, store.ErrNotFound) || err == nil && (m.ID != b.ID || m.JWSSHA256 != store.Hash(b.JWS)) {
			return a.raise(tx, AlarmReceipt, peer, fmt.Sprint(b.Seq)) // signed by the peer, and about bytes that we never sent
		}
		if err != nil {
			return err
		}
		return errors.Join(
			a.alert(tx, AlertBreach, string(m.ID), peer),
			a.recordSigned(tx, envelope.KindBreach, v.Header(), v.Hash()),
		)
	})
}

// ClearWithheld is one of the two words that let people read a received message that was withheld, or files of one that were, such
// as what only looked like what it was taken for. A word covers the message and exactly the files that are withheld now. No peer
// is told, and the custody of a file has no step of it: that it was withheld is nobody's business.
func (a *Agent) ClearWithheld(ctx context.Context, by string, id schemas.MessageID, proof []byte) (api.Message, error) {
	var m *store.Message
	err := a.store.Update(ctx, func(tx *store.Tx) (err error) {
		if m, err = withheld(tx, id); err != nil {
			return err
		}
		files, err := withheldFiles(tx, m)
		if err != nil {
			return err
		}
		digest := withheldDigest(m, files)
		switch together, err := a.sameOfficer(tx, by, m.Key, digest); {
		case err != nil:
			return err
		case together:
			return problem(ReasonFourEyes, "a person and who stands in for them are not two officers", "ask another protection officer")
		}
		word := &store.Release{Key: m.Key, Digest: digest, Person: by, At: a.now(), Proof: proof}
		if err := errors.Join(tx.AddRelease(word), a.recordHome(tx, eventCleared, m.ID, digest, by)); err != nil {
			return err
		}
		words, err := tx.Releases(m.Key, digest)
		if err != nil || len(words) < 2 {
			return err
		}
		for _, e := range files {
			e.State, e.ChangedAt = store.EvidenceComplete, a.now()
			if err := tx.PutEvidence(e); err != nil {
				return err
			}
		}
		switch m.Screening {
		case store.ScreenQuarantining:
			m.Screening = store.ScreenClearing
		case store.ScreenQuarantined:
			m.Screening = store.ScreenClear
		}
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
		if m.Screening == store.ScreenQuarantined || m.Screening == store.ScreenQuarantining {
			return m, nil
		}
		files, err := withheldFiles(tx, m)
		if err != nil || len(files) > 0 {
			return m, err
		}
	}
	return nil, problem(ReasonNotFound, "no message with this id is withheld", "comity review alerts lists them")
}

// withheldFiles are the files of a received message that are kept from people.
func withheldFiles(tx *store.Tx, m *store.Message) (files []*store.Evidence, err error) {
	if m.Direction != store.In {
		return nil, nil
	}
	for _, f := range evidenceNamed(m.Payload) {
		e, err := tx.Evidence(m.Sender, f.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if e.State == store.EvidenceWithheld {
			files = append(files, e)
		}
	}
	return files, nil
}

// withheldDigest is what an officer's word is for: the message, and the files of it that are withheld. One more is another decision.
func withheldDigest(m *store.Message, files []*store.Evidence) store.Hash {
	if len(files) == 0 {
		return m.JWSSHA256
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "comity withheld\n%x\n", m.JWSSHA256)
	for _, e := range files {
		fmt.Fprintf(hash, "file %s %x\n", e.Manifest.ID, e.SHA256)
	}
	return store.Hash(hash.Sum(nil))
}
