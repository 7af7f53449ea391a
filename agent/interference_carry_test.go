package agent

import (
	"errors"
	"fmt"
	"time"

	"comity/agent/store"
	"comity/pki/jose"
	"comity/schemas"
)

// The stage as a broker: it takes what the desks submit, gives its signed word, and delivers in the order in which things came,
// unless the story has cut the line or loses what is on it.

// submit hands the broker what is due in a desk's outbox.
func (s *stage) submit(d *desk) (moved bool) {
	s.t.Helper()
	ctx := s.t.Context()
	if at := s.aheadOf(d).parcels; at.IsZero() || at.After(s.clock.Now()) {
		return false
	}
	s.stir(d)
	for _, lane := range []store.Lane{store.Express, store.Ordinary} {
		var due []*store.Parcel
		err := d.store.View(ctx, func(tx *store.Tx) (err error) {
			due, err = tx.DueParcels(lane, d.now(), outboxParallel)
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, p := range due {
			moved = true
			if s.leak.submits != nil && !s.leak.submits(s, d, p) {
				s.accept(d, p)
				continue
			}
			s.noteLeft(d, p)
			s.view.drew(string(p.ID) + " " + hexOf(p.JWSSHA256))
			s.flying = append(s.flying, flight{p, d.me, s.clock.Now()})
			acceptance := s.accept(d, p)
			if isOf(d.me, origin) {
				s.lookAtParcel(fmt.Sprintf("%s submits a %s to %s", d.me, p.Kind, p.Peer), p, s.view.signedFacts(acceptance)...)
			}
		}
	}
	return moved
}

// accept is the broker's signed word, checked as the agent checks it.
func (s *stage) accept(d *desk, p *store.Parcel) []byte {
	s.t.Helper()
	said := schemas.Acceptance{From: d.me, To: p.Peer, ID: p.ID, SHA256: sha256Hex(p.Wire), AcceptedAt: s.clock.Now().UTC().Truncate(time.Second)}
	payload, err := schemas.Canonical(said)
	if err != nil {
		s.t.Fatal(err)
	}
	signing := s.scheme.Broker.Signing
	acceptance, err := jose.Sign(signing.Key, jose.Thumbprint(signing.Certificate), jose.TypAcceptance, nil, payload)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := d.answered(s.t.Context(), p, acceptance, nil); err != nil {
		s.t.Fatal(err)
	}
	return acceptance
}

// noteLeft remembers when a message first left.
func (s *stage) noteLeft(d *desk, p *store.Parcel) {
	w := s.wrote[s.labels[p.ID]]
	if p.Kind != store.KindMessage || w == nil || !w.left.IsZero() {
		return
	}
	w.left, w.leftApproved, w.leftClean = s.clock.Now(), w.approved, w.clean
}

// deliver hands desks what the broker holds for them, in the order in which it came.
func (s *stage) deliver() (moved bool) {
	s.t.Helper()
	flying := s.flying
	s.flying = nil
	for _, f := range flying {
		pair := pairOfDesks{f.from, f.parcel.Peer}
		if s.cut[pair] {
			s.flying = append(s.flying, f)
			continue
		}
		d := s.desks[f.parcel.Peer]
		if d == nil { // not in the cast: whoever asks everybody asks it too
			continue
		}
		if s.loses[pair] > 0 {
			s.loses[pair]--
			moved = true
			continue
		}
		s.tally.envelopes++
		if isOf(f.parcel.Peer, origin) {
			s.tally.seen++
			s.lookAtParcel(fmt.Sprintf("%s is sent a %s by %s", f.parcel.Peer, f.parcel.Kind, f.from), f.parcel, fact{"submitted at", s.view.when(f.submitted)})
		}
		s.stir(d)
		if !s.take(d, f.parcel.Wire) { // given again later
			s.flying = append(s.flying, f)
			continue
		}
		moved = true
	}
	return moved
}

// take has a desk receive an envelope, and look at what came of it.
func (s *stage) take(d *desk, wire []byte) (taken bool) {
	s.t.Helper()
	err := d.accept(s.t.Context(), wire)
	if errors.Is(err, errWaits) {
		return false
	}
	if err != nil && !s.faulty { // what a planted fault has broken may fail
		s.t.Fatalf("%s accepting: %v", d.me, err)
	}
	if err := d.screenWaiting(s.t.Context()); err != nil {
		s.t.Fatalf("%s screening: %v", d.me, err)
	}
	if d.mode() != registerSlow { // else it does not come to an end, beside everything else that the desk does
		_ = d.labelWaiting(s.t.Context()) // nor does anybody hear of an end that it comes to
	}
	return true
}

func (s *stage) lookAtParcel(what string, p *store.Parcel, more ...fact) {
	s.t.Helper()
	recipient := s.scheme.Authority(p.Peer).Encryption.Key
	if err := s.view.lookAtWire(what, s.clock.Now(), p.Wire, recipient, more...); err != nil {
		s.t.Fatal(err)
	}
}
