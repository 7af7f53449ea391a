package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/link"
	"comity/agent/store"
	"comity/pki"
	"comity/pki/journal"
	"comity/powercut"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// receiveParallel is how many deliveries are opened at the same time. Order never decides acceptance, and those that
// end together share a commit.
const receiveParallel = 32

// maxAhead bounds how far a number may run ahead of what has arrived: a dishonest peer must not make us note holes
// without end.
const maxAhead = 10_000

// receiveAll is step 8 for everything that comes. It returns when ctx ends.
func (a *Agent) receiveAll(ctx context.Context) error {
	err := a.link.Receive(ctx, a.receive)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// receive acknowledges a delivery once it is committed; on an error the delivery comes again.
func (a *Agent) receive(ctx context.Context, d link.Delivery) error {
	a.talking.begin()
	defer a.talking.end()
	if err := a.accept(ctx, d.Wire); err != nil {
		return err
	}
	return powercut.Around(powercut.Acknowledged, func() error { return d.Ack(ctx) })
}

// accept takes sealed bytes through step 8. When it returns nil, whatever follows from them is on disk.
func (a *Agent) accept(ctx context.Context, wire []byte) error {
	// Verify and open. What nobody can be shown to have sent is kept out, with an alarm and no answer.
	verified, err := a.verify(wire)
	if envelope.ReasonOf(err) == envelope.HeaderMismatch && a.recalling.Load() {
		if from, ours, ok := a.returned(wire); ok {
			return a.takeReturned(ctx, from, ours)
		}
	}
	authentic := envelope.AuthenticOf(err)
	switch {
	case err == nil:
		if err := a.keepTrust(ctx, a.trust.View(), verified.Header().From); err != nil {
			return err
		}
		return a.take(ctx, verified)
	case envelope.ReasonOf(err) == envelope.DirectoryStale:
		return err // our own trust list has expired: the broker keeps the bytes until somebody can be proved again
	case authentic != nil && authentic.Kind.Numbered():
		return a.takeRejected(ctx, *authentic, rejectionOf(err))
	default:
		return a.putAside(ctx, wire, err)
	}
}

func (a *Agent) verify(wire []byte) (*envelope.Verified, error) {
	outer, err := envelope.Parse(wire)
	if err != nil {
		return nil, err
	}
	opened, err := outer.Open(a.desk())
	if err != nil {
		return nil, err
	}
	return opened.Verify(a.trust.View(), a.asOf(opened))
}

// rejectionOf names to the sender why signed bytes of its own are refused.
func rejectionOf(err error) envelope.Rejection {
	switch envelope.ReasonOf(err) {
	case envelope.Expired:
		return envelope.RejectedExpired
	case envelope.NotYetValid:
		return envelope.RejectedEarly
	default:
		return envelope.RejectedContent
	}
}

// putAside drops bytes that cannot be answered. The hash stays in the home log.
func (a *Agent) putAside(ctx context.Context, wire []byte, cause error) error {
	reason := string(envelope.ReasonOf(cause))
	if reason == "" {
		return cause
	}
	a.log.Warn("bytes in the inbox refused", slog.String("reason", reason))
	return a.store.Update(ctx, func(tx *store.Tx) error {
		tx.Step(powercut.PutAside)
		return errors.Join(
			a.raise(tx, AlarmUnreadable, "", reason),
			a.recordHome(tx, eventRefused, "", sha256.Sum256(wire), ""),
		)
	})
}

// take commits what was verified, each kind in one transaction.
func (a *Agent) take(ctx context.Context, v *envelope.Verified) error {
	if receipt, ok := v.Receipt(); ok {
		return a.takeReceipt(ctx, v, receipt)
	}
	if resend, ok := v.Resend(); ok {
		return a.takeResend(ctx, v, resend)
	}
	if breach, ok := v.Breach(); ok {
		return a.takeBreach(ctx, v, breach)
	}
	if recall, ok := v.Recall(); ok {
		return a.takeRecall(ctx, v, recall)
	}
	if standing, ok := v.Standing(); ok {
		return a.takeStanding(ctx, v, standing)
	}
	if want, ok := v.Want(); ok {
		return a.takeWant(ctx, v, want)
	}
	if completion, ok := v.Completion(); ok {
		return a.takeCompletion(ctx, v, completion)
	}
	n := numbered{authentic: v.Authentic(), id: v.Header().ID, link: v.Link()}
	if void, ok := v.Void(); ok {
		n.fate, n.id = store.FateVoid, void.ID
	} else {
		var err error
		if n.fate, n.message, n.rejection, err = a.examine(v); err != nil {
			return err
		}
	}
	return a.takeNumbered(ctx, n)
}

// takeRejected commits a number whose bytes are authentic and refused.
func (a *Agent) takeRejected(ctx context.Context, authentic envelope.Authentic, reason envelope.Rejection) error {
	return a.takeNumbered(ctx, numbered{
		authentic: authentic, id: authentic.Header.ID, link: authentic.Hash, fate: store.FateRejected, rejection: reason,
	})
}

// examine decides from the message's bytes and from what both sides can see, and from nothing else. Where this desk's own
// copy of the public documents has run out it cannot tell, and fails: the broker keeps the message until it can.
func (a *Agent) examine(v *envelope.Verified) (store.Fate, *store.Message, envelope.Rejection, error) {
	header := v.Header()
	payload, err := schemas.Validate(v.Payload())
	switch {
	case errors.Is(err, schemas.ErrUnknownType) || errors.Is(err, schemas.ErrUnsupportedVersion):
		return store.FateRejected, nil, envelope.RejectedVersion, nil
	case err != nil:
		return store.FateRejected, nil, envelope.RejectedSchema, nil
	case payload.Channel != header.Channel:
		return store.FateRejected, nil, envelope.RejectedChannelSwap, nil
	}
	_, err = a.trust.View().Route(header.From, a.me, header.Channel, header.SentAt)
	switch pki.ReasonOf(err) {
	case pki.ReasonTrustListExpired, pki.ReasonTrustListMissing, pki.ReasonEntryExpired:
		return "", nil, "", fmt.Errorf("looking up the route of a message: %w", err)
	}
	if err != nil {
		return store.FateRejected, nil, envelope.RejectedRoute, nil
	}
	if reason := a.teamRejects(header.From, payload); reason != "" {
		return store.FateRejected, nil, reason, nil
	}
	outcome, err := lifecycle.Essence(payload)
	if err != nil {
		return store.FateRejected, nil, envelope.RejectedSchema, nil
	}
	teamName, err := teamOf(header.From, payload)
	if err != nil {
		return store.FateRejected, nil, envelope.RejectedSchema, nil
	}
	m := &store.Message{
		Key: store.Key{Sender: header.From, ID: header.ID}, Recipient: a.me, Direction: store.In, State: store.Received,
		Channel: payload.Channel, Type: payload.Type, Case: payload.Case, InReplyTo: payload.InReplyTo, Team: teamName, Outcome: outcome,
		Urgency: string(payload.Urgency), Language: string(payload.Language), Payload: v.Payload(), PayloadSHA256: sha256.Sum256(v.Payload()),
		Seq: header.Seq, Seen: header.Seen, Prev: store.Hash(header.Prev), JWS: v.JWS(), JWSSHA256: store.Hash(v.Hash()),
		SentAt: header.SentAt, ValidUntil: header.ValidUntil, Screening: store.ScreenPending,
	}
	if payload.Case == "" {
		m.Case = schemas.CaseOpenedBy(m.Sender, m.Recipient, m.ID)
	}
	return store.FateStored, m, "", nil
}

// numbered is a number of a peer and what becomes of it.
type numbered struct {
	authentic envelope.Authentic
	id        schemas.MessageID // of a void: of the message that it closes
	link      envelope.Hash     // what the next number's prev must be
	fate      store.Fate
	message   *store.Message // with FateStored only
	rejection envelope.Rejection
	given     *given // our own receipt for it, where it was given before and lost
}

// takeNumbered commits a number: message, case, receipt and evidence in one transaction.
func (a *Agent) takeNumbered(ctx context.Context, n numbered) error {
	header := n.authentic.Header
	var touched []schemas.CaseID
	waits, first := false, false
	err := a.store.Update(ctx, func(tx *store.Tx) (err error) {
		touched, first = nil, false
		tx.Step(powercut.Received)
		if n, waits, err = a.afterRecall(tx, n); err != nil || waits {
			return err
		}
		known, err := tx.ArrivalsLike(header.From, header.Seq, n.id)
		if err != nil {
			return err
		}
		if len(known) > 0 {
			return a.takeAgain(tx, n, known)
		}
		first = true
		touched, err = a.takeFirst(tx, n)
		return err
	})
	if err == nil && waits {
		a.chores.give()
		err = errWaits
	}
	if err != nil {
		return fmt.Errorf("storing number %d of %s: %w", header.Seq, header.From, err)
	}
	if first {
		a.metrics.stored(n)
	}
	if n.message != nil && len(touched) <= 1 {
		a.submitted[laneOfReceipt(header.Channel)].give() // the receipt goes out; nothing of what follows holds it up
	} else {
		a.submitted.give() // and whatever was judged now, on other channels too
	}
	a.chores.give()
	a.arrived.give()
	a.fetches.wake.give()
	for _, id := range touched {
		if n.message == nil || id != n.message.Case { // of a new message the screen tells, once it may be read
			a.changes.tell(api.Event{Message: header.ID, State: string(store.Received), Case: id})
		}
	}
	return nil
}

// takeFirst is for a number and an id that never came before.
func (a *Agent) takeFirst(tx *store.Tx, n numbered) ([]schemas.CaseID, error) {
	header := n.authentic.Header
	pair, err := tx.Pair(header.From)
	if err != nil {
		return nil, err
	}
	if header.Seen > pair.Sent {
		// The peer lies, or this desk has lost what it sent: after a restored backup an officer must know before anything else.
		return nil, errors.Join(
			a.raise(tx, AlarmHistory, header.From, fmt.Sprint(header.Seen)),
			a.answer(tx, n, envelope.RejectedNumber),
		)
	}
	if header.Seq > pair.Received+maxAhead {
		return nil, a.answer(tx, n, envelope.RejectedNumber)
	}
	if n.message != nil && n.given == nil && header.Seq == pair.Received+1 { // otherwise it is judged once its past is complete
		if n.rejection, err = a.placeOf(tx, n.message); err != nil {
			return nil, err
		}
		if n.rejection != "" {
			n.fate, n.message.State, n.message.Reason = store.FateRejected, store.Rejected, string(n.rejection)
		}
	}
	if err := a.recordArrival(tx, n, pair); err != nil {
		return nil, err
	}
	now := a.now()
	arrival, err := a.receiptFor(tx, n, now)
	if err != nil {
		return nil, err
	}
	arrival.ID, arrival.JWSSHA256, arrival.Fate = n.id, store.Hash(n.link), n.fate
	if err := tx.PutArrival(arrival); err != nil {
		return nil, err
	}
	if n.message != nil {
		n.message.Receipt, n.message.StoredAt = arrival.Receipt, now.UTC().Truncate(time.Second) // as the receipt says
		if n.given != nil {
			n.message.StoredAt = n.given.said.StoredAt
		}
		if err := tx.PutMessage(n.message); err != nil {
			return nil, err
		}
		if err := errors.Join(a.beginFiles(tx, n.message), a.returnEvidence(tx, n.message)); err != nil {
			return nil, err
		}
	}
	touched, err := a.advance(tx, pair, arrival, header.Channel)
	if err != nil {
		return nil, err
	}
	if n.message != nil {
		touched = append(touched, n.message.Case)
	}
	return touched, a.refileAll(tx, touched, header.From)
}

// recordArrival leaves the evidence of a number. In the log of its direction it stands once every number before it does;
// one that came too soon is put there by advance.
func (a *Agent) recordArrival(tx *store.Tx, n numbered, pair store.Pair) error {
	header := n.authentic.Header
	if err := a.recordSigned(tx, n.authentic.Kind, header, n.authentic.Hash); err != nil || header.Seq != pair.Received+1 {
		return err
	}
	return a.recordNumber(tx, journal.Number{From: header.From, To: a.me, Seq: header.Seq, JWS: n.link})
}

// takeAgain is for a number or id that came before. The same bytes are a duplicate, and its sender may not have the
// receipt; other bytes are a fork, for a person to look at.
func (a *Agent) takeAgain(tx *store.Tx, n numbered, known []store.Arrival) error {
	header := n.authentic.Header
	first := known[0]
	sameBytes := len(known) == 1 && first.Seq == header.Seq && first.ID == n.id && first.JWSSHA256 == store.Hash(n.link)
	if !sameBytes {
		return errors.Join(
			a.raise(tx, AlarmFork, header.From, fmt.Sprint(header.Seq)),
			a.answer(tx, n, envelope.RejectedFork),
		)
	}
	a.notices.note(NoticeDuplicate, header.From, a.now())
	if a.notices.copies(header.From, first.Seq) >= replayedAfter {
		if err := a.raise(tx, AlarmReplayed, header.From, fmt.Sprint(first.Seq)); err != nil {
			return err
		}
	}
	// A void for a number that is stored, or a message whose number was closed: what came first stands, and its receipt
	// tells the sender so.
	return tx.PutParcel(&store.Parcel{
		ID: first.ReceiptID, Kind: store.KindReceipt, Lane: laneOfReceipt(header.Channel), Peer: header.From, Channel: header.Channel, Subject: first.ID,
		Wire: first.Wire, Attempts: 1, NextAt: a.now(), ExpiresAt: a.now().Add(receiptLife),
	})
}

// receiptLife bounds how long a receipt waits for the broker. A sender without one asks again by sending again.
const receiptLife = 30 * 24 * time.Hour

// answer sends a rejection that changes nothing here: the number and id stay with whoever had them first.
func (a *Agent) answer(tx *store.Tx, n numbered, reason envelope.Rejection) error {
	_, err := a.receipt(tx, n.authentic, reason, a.now())
	return err
}

// receipt signs and seals the receipt for a number and puts it into the outbox. An empty reason says stored.
func (a *Agent) receipt(tx *store.Tx, what envelope.Authentic, reason envelope.Rejection, now time.Time) (store.Arrival, error) {
	peer := what.Header.From
	edge, err := tx.Edge(journal.Between(peer, a.me))
	if err != nil {
		return store.Arrival{}, err
	}
	content := envelope.StoredReceipt(what, now, edge)
	if reason != "" {
		content = envelope.RejectedReceipt(what, reason, now, edge)
	}
	to, err := a.trust.View().EncryptionKey(peer, now)
	if err != nil {
		return store.Arrival{}, fmt.Errorf("sealing a receipt for %s: %w", peer, err)
	}
	header := envelope.Header{From: a.me, To: peer, Channel: what.Header.Channel, ID: schemas.NewMessageID(), SentAt: now}
	sealed, err := envelope.SealReceipt(header, content, a.signer(), to)
	if err != nil {
		return store.Arrival{}, err
	}
	arrival := store.Arrival{
		Peer: peer, Seq: what.Header.Seq, Prev: store.Hash(what.Header.Prev),
		Receipt: sealed.JWS, ReceiptID: sealed.Header.ID, Wire: sealed.Wire,
	}
	return arrival, errors.Join(
		tx.PutParcel(&store.Parcel{
			ID: sealed.Header.ID, Kind: store.KindReceipt, Lane: laneOfReceipt(header.Channel), Peer: peer, Channel: header.Channel, Subject: what.Header.ID,
			JWSSHA256: store.Hash(sealed.Hash), Wire: sealed.Wire, NextAt: now, ExpiresAt: now.Add(receiptLife),
		}),
		a.recordSigned(tx, envelope.KindReceipt, sealed.Header, sealed.Hash),
	)
}

func (a *Agent) refileAll(tx *store.Tx, cases []schemas.CaseID, peer schemas.AuthorityID) error {
	done := map[schemas.CaseID]bool{}
	for _, id := range cases {
		if done[id] {
			continue
		}
		done[id] = true
		if err := a.refile(tx, id, peer); err != nil {
			return err
		}
	}
	return nil
}
