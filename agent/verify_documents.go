package agent

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"slices"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki/journal"
)

// evidenceSet is the leaves of the home log, to find a document's by its hash. Half a hash is enough to tell them apart.
type evidenceSet [][16]byte

func (e *evidenceSet) add(leaf journal.Hash) { *e = append(*e, [16]byte(leaf[:16])) }

func (e evidenceSet) sort() {
	slices.SortFunc(e, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
}

func (e evidenceSet) has(leaf journal.Hash) bool {
	_, found := slices.BinarySearchFunc(e, [16]byte(leaf[:16]), func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	return found
}

// sent holds the log of what a peer was sent against our messages, their receipts and acceptances.
func (v *verification) sent(ctx context.Context, pair store.Pair) error {
	log := journal.Between(v.a.me, pair.Peer)
	return v.numbers(ctx, log, pair.Sent, func(from uint64) ([]uint64, func(int, journal.Hash) error, error) {
		messages, err := v.tx.MessagesNumbered(v.a.me, pair.Peer, from, verifyBatch)
		numbers := make([]uint64, len(messages))
		for i, m := range messages {
			numbers[i] = m.Seq
		}
		return numbers, func(i int, leaf journal.Hash) error { return v.sentOne(log, messages[i], leaf) }, err
	})
}

// received holds the log of what a peer sent against its numbers here, and our receipts for them.
func (v *verification) received(ctx context.Context, pair store.Pair) error {
	log := journal.Between(pair.Peer, v.a.me)
	return v.numbers(ctx, log, pair.Received, func(from uint64) ([]uint64, func(int, journal.Hash) error, error) {
		arrivals, err := v.tx.Arrivals(pair.Peer, from, verifyBatch)
		numbers := make([]uint64, len(arrivals))
		for i, a := range arrivals {
			numbers[i] = a.Seq
		}
		return numbers, func(i int, leaf journal.Hash) error { return v.receivedOne(log, arrivals[i], leaf) }, err
	})
}

// numbers walks a log beside the rows of its numbers.
func (v *verification) numbers(ctx context.Context, log journal.Origin, used uint64, rows func(from uint64) ([]uint64, func(int, journal.Hash) error, error)) error {
	size, err := v.tx.LogSize(log)
	if err != nil {
		return err
	}
	switch {
	case uint64(size) < used:
		v.note(defectShort, log, size+1, "%d numbers were used, and the log has %d", used, size)
	case uint64(size) > used:
		v.note(defectLong, log, int64(used)+1, "the log has %d numbers, of which %d were used", size, used)
	}
	for next := uint64(1); next <= uint64(size); {
		leaves, err := v.tx.LogRows(log, int64(next)-1, verifyBatch)
		if err != nil || len(leaves) == 0 {
			return err
		}
		numbers, check, err := rows(next)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		last := uint64(leaves[len(leaves)-1].Leaf) + 1
		for _, leaf := range leaves {
			i, found := slices.BinarySearch(numbers, uint64(leaf.Leaf)+1)
			if !found {
				if len(numbers) == verifyBatch && uint64(leaf.Leaf)+1 > numbers[len(numbers)-1] {
					last = uint64(leaf.Leaf) // it is in the next batch of rows
					break
				}
				v.note(defectRow, log, leaf.Leaf+1, "the log has this number, and there is no row of it")
				continue
			}
			if err := check(i, leaf.Hashes[0]); err != nil {
				return err
			}
		}
		next = last + 1
	}
	return nil
}

// sentOne is one number of ours.
func (v *verification) sentOne(log journal.Origin, m *store.Message, leaf journal.Hash) error {
	v.report.Documents++
	seq := int64(m.Seq)
	if leaf != (journal.Number{From: m.Sender, To: m.Recipient, Seq: m.Seq, JWS: m.JWSSHA256}).Leaf() {
		v.note(defectChanged, log, seq, "the row is of another message than the leaf")
	}
	v.bytesOf(log, m)
	v.evidence(log, seq, "a message", signedEvent(envelope.KindMessage, headerOf(m), envelope.Hash(m.JWSSHA256)))
	if err := v.approvals(log, m); err != nil {
		return err
	}
	if m.VoidID != "" {
		void := headerOf(m)
		void.ID = m.VoidID
		v.evidence(log, seq, "a void", signedEvent(envelope.KindVoid, void, envelope.Hash(m.VoidSHA256)))
	}
	if m.Acceptance != nil {
		v.report.Documents++
		v.evidence(log, seq, "the broker's acceptance", acceptedEvent(m, m.Acceptance))
	}
	if m.Receipt == nil {
		return nil
	}
	return v.receipt(log, seq, m.Receipt, defectPeer)
}

// receivedOne is one number of a peer's.
func (v *verification) receivedOne(log journal.Origin, a store.Arrival, leaf journal.Hash) error {
	v.report.Documents++
	seq := int64(a.Seq)
	if leaf != (journal.Number{From: a.Peer, To: v.a.me, Seq: a.Seq, JWS: a.JWSSHA256}).Leaf() {
		v.note(defectChanged, log, seq, "the row is of another message than the leaf")
	}
	if err := v.receipt(log, seq, a.Receipt, defectOwn); err != nil {
		return err
	}
	m, err := v.tx.Message(store.Key{Sender: a.Peer, ID: a.ID})
	if errors.Is(err, store.ErrNotFound) {
		if a.Fate == store.FateStored {
			v.note(defectRow, log, seq, "its receipt says that it is stored, and there is no message")
		}
		return nil
	}
	if err != nil {
		return err
	}
	if m.JWSSHA256 != a.JWSSHA256 {
		v.note(defectChanged, log, seq, "the message is another than arrived under this number")
	}
	v.bytesOf(log, m)
	v.evidence(log, seq, "a message", signedEvent(envelope.KindMessage, headerOf(m), envelope.Hash(m.JWSSHA256)))
	return nil
}

func headerOf(m *store.Message) envelope.Header {
	return envelope.Header{From: m.Sender, To: m.Recipient, ID: m.ID, Seq: m.Seq}
}

// bytesOf holds the bytes of a message against the hashes beside them. Those of an erased one are gone.
func (v *verification) bytesOf(log journal.Origin, m *store.Message) {
	if m.JWS != nil && store.Hash(envelope.HashJWS(m.JWS)) != m.JWSSHA256 {
		v.note(defectBytes, log, int64(m.Seq), "the signed message does not have its hash")
	}
	if m.Payload != nil && sha256.Sum256(m.Payload) != m.PayloadSHA256 {
		v.note(defectBytes, log, int64(m.Seq), "the content does not have its hash")
	}
}

// receipt proves a kept receipt, and holds its checkpoint against the log.
func (v *verification) receipt(log journal.Origin, seq int64, jws []byte, contradicts defect) error {
	v.report.Documents++
	opened, err := envelope.Reopen(jws)
	if err != nil {
		v.note(defectUnproved, log, seq, "what stands for its receipt is none")
		return nil
	}
	proved, err := opened.Verify(v.a.trust.View(), opened.Claims().SentAt)
	if err != nil {
		v.note(defectUnproved, log, seq, "its receipt cannot be proved: %s", envelope.ReasonOf(err))
		return nil
	}
	v.evidence(log, seq, "a receipt", signedEvent(envelope.KindReceipt, proved.Header(), proved.Hash()))
	r, ok := proved.Receipt()
	if !ok || int64(r.Seq) != seq || r.Checkpoint.Origin != log {
		v.note(defectUnproved, log, seq, "what stands for its receipt is about something else")
		return nil
	}
	now, err := v.tx.LogCheckpoint(log, r.Checkpoint.Size)
	switch {
	case errors.Is(err, store.ErrNotFound):
		v.note(contradicts, log, seq, "the receipt knows of %d numbers, and the log has fewer", r.Checkpoint.Size)
	case err != nil:
		return err
	case now != r.Checkpoint:
		v.note(contradicts, log, seq, "the receipt says that the first %d numbers were others", r.Checkpoint.Size)
	}
	return nil
}

// evidence looks for the leaf of a signed document in the home log.
func (v *verification) evidence(log journal.Origin, seq int64, what string, e event) {
	leaf, err := e.leaf()
	if err != nil || !v.home.has(leaf) {
		v.note(defectEvidence, log, seq, "the home log has no leaf of %s", what)
	}
}

// publicKeyOf is the key of a certificate of the directory.
func publicKeyOf(der []byte) (crypto.PublicKey, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return certificate.PublicKey, nil
}
