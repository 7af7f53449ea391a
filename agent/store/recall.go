package store

import (
	"errors"
	"fmt"
	"time"

	"comity/schemas"
)

// Why is why a peer is asked what this desk has lost.
type Why string

// The whys.
const (
	WhyRestored  Why = "restored"  // the database says of itself that it is an older one
	WhySuspicion Why = "suspicion" // the peer knows of numbers that are not here
)

// Recall is where the comparison with one peer stands.
type Recall struct {
	Peer          schemas.AuthorityID
	Channel       schemas.Channel
	Why           Why
	BeganAt       time.Time
	AskedAt       time.Time
	Asked         int
	ReceivedAfter uint64
	SentAfter     uint64
	Listed        bool
	Highest       uint64
	DoneAt        time.Time
}

// Open tells whether the comparison goes on.
func (r *Recall) Open() bool { return r.DoneAt.IsZero() }

const recallColumns = `peer, channel, why, began_at, asked_at, asked, received_after, sent_after, listed, highest, done_at`

// PutRecall writes a row, new or changed.
func (t *Tx) PutRecall(r *Recall) error {
	return t.exec(`INSERT OR REPLACE INTO recall (`+recallColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?)`,
		r.Peer, r.Channel, r.Why, millis(r.BeganAt), millis(r.AskedAt), r.Asked, int64(r.ReceivedAfter), int64(r.SentAfter), r.Listed, int64(r.Highest), millis(r.DoneAt))
}

// Recalls lists all comparisons, open or done, by peer.
func (t *Tx) Recalls() ([]*Recall, error) { return t.recalls(`ORDER BY peer`) }

// Recall reads the comparison with a peer, or ErrNotFound.
func (t *Tx) Recall(peer schemas.AuthorityID) (*Recall, error) {
	found, err := t.recalls(`WHERE peer = ?`, peer)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func (t *Tx) recalls(where string, args ...any) ([]*Recall, error) {
	return collect(t, func(s scanner) (*Recall, error) {
		var r Recall
		var began, asked, received, sent, highest, done int64
		err := s.Scan(&r.Peer, &r.Channel, &r.Why, &began, &asked, &r.Asked, &received, &sent, &r.Listed, &highest, &done)
		r.BeganAt, r.AskedAt, r.DoneAt = instant(began), instant(asked), instant(done)
		r.ReceivedAfter, r.SentAfter, r.Highest = uint64(received), uint64(sent), uint64(highest)
		return &r, err
	}, `SELECT `+recallColumns+` FROM recall `+where, args...)
}

// Vouched is a receipt that this desk gave and lost.
type Vouched struct {
	Peer    schemas.AuthorityID
	Seq     uint64
	JWS     Hash // of what was receipted
	Receipt []byte
}

// PutVouched keeps a receipt for when its number comes again.
func (t *Tx) PutVouched(v Vouched) error {
	return t.exec(`INSERT OR REPLACE INTO vouched (peer, seq, jws_sha256, receipt) VALUES (?,?,?,?)`, v.Peer, int64(v.Seq), v.JWS[:], v.Receipt)
}

// Vouched reads the receipt for a number, or ErrNotFound.
func (t *Tx) Vouched(peer schemas.AuthorityID, seq uint64) (Vouched, error) {
	v := Vouched{Peer: peer, Seq: seq}
	var hash []byte
	err := t.row([]any{&hash, &v.Receipt}, `SELECT jws_sha256, receipt FROM vouched WHERE peer = ? AND seq = ?`, peer, int64(seq))
	copy(v.JWS[:], hash)
	return v, err
}

// DropVouched lets go of a receipt that has its number.
func (t *Tx) DropVouched(peer schemas.AuthorityID, seq uint64) error {
	return t.exec(`DELETE FROM vouched WHERE peer = ? AND seq = ?`, peer, int64(seq))
}

// AnyVouched tells whether receipts wait for their numbers.
func (t *Tx) AnyVouched() (bool, error) {
	var n int
	err := t.row([]any{&n}, `SELECT EXISTS (SELECT 1 FROM vouched)`)
	return n != 0, err
}

// Lost is a number that this desk used and lost.
type Lost struct {
	Peer     schemas.AuthorityID
	Seq      uint64
	Known    bool
	Returned bool
	ID       schemas.MessageID
	JWSHash  Hash
	Prev     Hash
	Receipt  []byte
	JWS      []byte // nil: not back, or never
}

// PutLost writes a number, new or changed.
func (t *Tx) PutLost(l Lost) error {
	return t.exec(`INSERT OR REPLACE INTO lost (peer, seq, known, returned, id, jws_sha256, prev, receipt, jws) VALUES (?,?,?,?,?,?,?,?,?)`,
		l.Peer, int64(l.Seq), l.Known, l.Returned, l.ID, l.JWSHash[:], l.Prev[:], l.Receipt, t.columns.seal("lost", lostRow(l.Peer, l.Seq), l.JWS))
}

func lostRow(peer schemas.AuthorityID, seq uint64) string { return fmt.Sprintf("%s/%d", peer, seq) }

// Lost reads one number, or ErrNotFound.
func (t *Tx) Lost(peer schemas.AuthorityID, seq uint64) (Lost, error) {
	l := Lost{Peer: peer, Seq: seq}
	var hash, prev, sealed []byte
	err := t.row([]any{&l.Known, &l.Returned, &l.ID, &hash, &prev, &l.Receipt, &sealed},
		`SELECT known, returned, id, jws_sha256, prev, receipt, jws FROM lost WHERE peer = ? AND seq = ?`, peer, int64(seq))
	if err != nil {
		return l, err
	}
	copy(l.JWSHash[:], hash)
	copy(l.Prev[:], prev)
	if l.JWS, err = t.columns.open("lost", lostRow(peer, seq), sealed); err != nil {
		return l, errors.Join(fmt.Errorf("reading number %d to %s", seq, peer), err)
	}
	return l, nil
}

// DropLost lets go of a number that is in its place again.
func (t *Tx) DropLost(peer schemas.AuthorityID, seq uint64) error {
	return t.exec(`DELETE FROM lost WHERE peer = ? AND seq = ?`, peer, int64(seq))
}

// DropAllLost lets go of every number of a peer that was not put in place.
func (t *Tx) DropAllLost(peer schemas.AuthorityID) error {
	return t.exec(`DELETE FROM lost WHERE peer = ?`, peer)
}

// HighestLost is the highest number of ours that a peer has named, 0 for none.
func (t *Tx) HighestLost(peer schemas.AuthorityID) (uint64, error) {
	var n int64
	err := t.row([]any{&n}, `SELECT coalesce(max(seq), 0) FROM lost WHERE peer = ? AND known = 1`, peer)
	return uint64(n), err
}
