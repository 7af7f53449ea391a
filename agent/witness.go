package agent

import (
	"errors"
	"fmt"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki/journal"
)

// Each receipt says what the peer's log of our numbers was when it was made. That log must be a beginning of ours, so the
// two are compared there and then. What the peer's receipts have said before tells which of the two was changed.

// fits is what a checkpoint shows that is a beginning of our own log; everything else is an alarm of the same name.
const fits AlarmKind = ""

// witness holds the checkpoint of a receipt against our own log, and keeps it: the newest that fits, and the last of each
// kind that does not, as evidence.
func (a *Agent) witness(tx *store.Tx, v *envelope.Verified, r envelope.Receipt) error {
	peer, c := v.Header().From, r.Checkpoint
	before, err := tx.WitnessesOf(peer)
	if err != nil {
		return err
	}
	kept := store.Witness{Peer: peer, Root: journal.Edge{}.Root()}
	shrunk := false
	for _, w := range before {
		switch AlarmKind(w.Finding) {
		case fits:
			kept = w
		case AlarmPeerShrunk:
			shrunk = true
		}
	}
	now := store.Witness{Peer: peer, Size: c.Size, Root: c.Root, SaidAt: v.Header().SentAt, Receipt: v.JWS()}
	later := now.SaidAt.After(kept.SaidAt)
	subject := c.Size
	found, err := a.compare(tx, r, kept)
	if err != nil {
		return err
	}
	if found == fits && c.Size < kept.Size && later {
		found, subject = AlarmPeerShrunk, kept.Size
	}
	if found != fits {
		now.Finding = string(found)
		return errors.Join(tx.PutWitness(now), a.raise(tx, found, peer, fmt.Sprint(subject)))
	}
	if c.Size < kept.Size || c.Size == kept.Size && !later { // a newer one has overtaken it
		return nil
	}
	if !later {
		now.SaidAt = kept.SaidAt
	}
	if shrunk { // it has again what it had, and the same
		err = errors.Join(tx.DropWitness(peer, string(AlarmPeerShrunk)), a.clear(tx, AlarmPeerShrunk, peer, fmt.Sprint(kept.Size)))
	}
	return errors.Join(err, tx.PutWitness(now))
}

// compare holds a peer's checkpoint against our copy of the log that it is of. Where they differ it names the side whose
// history was changed as far as that can be proved to a third.
func (a *Agent) compare(tx *store.Tx, r envelope.Receipt, kept store.Witness) (AlarmKind, error) {
	c := r.Checkpoint
	own, err := tx.LogCheckpoint(c.Origin, c.Size)
	if errors.Is(err, store.ErrNotFound) {
		return AlarmHistory, nil // the peer lies, or this desk has lost what it sent
	}
	if err != nil || own == c {
		return fits, err
	}
	// Where our log no longer goes on from what the peer showed us when the two were one, it is ours that was changed.
	if shown, ok := a.signedIn(kept.Receipt); ok {
		before, err := tx.LogCheckpoint(shown.Origin, shown.Size)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fits, err
		}
		if before != shown {
			return AlarmOwnRewritten, nil
		}
	}
	// The peer has shown us another history, or has signed for every number that ours goes on with: it contradicts itself.
	for seq := uint64(kept.Size) + 1; seq <= uint64(c.Size); seq++ {
		m, err := tx.MessageByNumber(a.me, kept.Peer, seq)
		if err != nil || seq > uint64(kept.Size)+maxDispute {
			return AlarmHistoryDiffers, err
		}
		if m.Receipt == nil && (r.Seq != seq || store.Hash(r.JWS) != m.JWSSHA256) {
			return AlarmHistoryDiffers, nil
		}
	}
	return AlarmPeerRewritten, nil
}

// signedIn is the checkpoint in a receipt that was kept. The signature counts, not the columns beside it: whoever changes the
// log can change those as well.
func (a *Agent) signedIn(jws []byte) (journal.Checkpoint, bool) {
	opened, err := envelope.Reopen(jws)
	if err != nil {
		return journal.Checkpoint{}, false
	}
	v, err := opened.Verify(a.trust.View(), opened.Claims().SentAt)
	if err != nil {
		return journal.Checkpoint{}, false
	}
	r, ok := v.Receipt()
	return r.Checkpoint, ok
}

// maxDispute bounds how many receipts are looked up to decide whose history was changed.
const maxDispute = 100
