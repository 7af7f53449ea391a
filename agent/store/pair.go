package store

import (
	"errors"
	"time"

	"comity/schemas"
)

// Pair is where the numbers of the two directions with a peer stand.
type Pair struct {
	Peer     schemas.AuthorityID
	Sent     uint64 // highest number used towards the peer
	SentHash Hash   // of the JWS that carried it; zero before the first
	Received uint64 // highest contiguous number received
	Highest  uint64 // highest number received at all
	Judged   uint64 // numbers up to here have had their place in the case judged
}

// Pair reads the numbers with a peer; a peer never met has zeros.
func (t *Tx) Pair(peer schemas.AuthorityID) (Pair, error) {
	p := Pair{Peer: peer}
	var hash []byte
	var sent, received, highest, judged int64
	err := t.row([]any{&sent, &hash, &received, &highest, &judged},
		`SELECT sent, sent_hash, received, highest, judged FROM pair WHERE peer = ?`, peer)
	if errors.Is(err, ErrNotFound) {
		return p, nil
	}
	p.Sent, p.Received, p.Highest, p.Judged = uint64(sent), uint64(received), uint64(highest), uint64(judged)
	copy(p.SentHash[:], hash)
	return p, err
}

// PutPair writes the numbers with a peer.
func (t *Tx) PutPair(p Pair) error {
	return t.exec(`INSERT OR REPLACE INTO pair (peer, sent, sent_hash, received, highest, judged) VALUES (?,?,?,?,?,?)`,
		p.Peer, int64(p.Sent), p.SentHash[:], int64(p.Received), int64(p.Highest), int64(p.Judged))
}

// Fate is what became of a number that a peer used.
type Fate string

// The fates.
const (
	FateStored   Fate = "stored"
	FateRejected Fate = "rejected"
	FateVoid     Fate = "void"
)

// Arrival is a number that a peer used towards us.
type Arrival struct {
	Peer      schemas.AuthorityID
	Seq       uint64
	ID        schemas.MessageID // of a void: the id of the message whose number it closes
	JWSSHA256 Hash              // likewise
	Prev      Hash
	Fate      Fate
	Receipt   []byte            // our signed receipt (JWS)
	ReceiptID schemas.MessageID // of its envelope
	Wire      []byte            // the receipt as sealed
}

const arrivalColumns = `peer, seq, id, jws_sha256, prev, fate, receipt_id, receipt, wire`

// arrivalHead is arrivalColumns with nothing in the place of the receipt and its wire, which are most of a row.
const arrivalHead = `peer, seq, id, jws_sha256, prev, fate, receipt_id, NULL, NULL`

// PutArrival writes a number's fate, or changes the fate and receipt of the same bytes.
func (t *Tx) PutArrival(a Arrival) error {
	return t.exec(`INSERT INTO arrival (`+arrivalColumns+`) VALUES (?,?,?,?,?,?,?,?,?)
		ON CONFLICT (peer, seq) DO UPDATE SET fate = excluded.fate, receipt = excluded.receipt, receipt_id = excluded.receipt_id,
		wire = excluded.wire WHERE id = excluded.id AND jws_sha256 = excluded.jws_sha256`,
		a.Peer, int64(a.Seq), a.ID, a.JWSSHA256[:], a.Prev[:], a.Fate, a.ReceiptID, a.Receipt, a.Wire)
}

// ArrivalsLike reads what a peer already sent under this number or this id: none, one row, or two that contradict.
func (t *Tx) ArrivalsLike(peer schemas.AuthorityID, seq uint64, id schemas.MessageID) ([]Arrival, error) {
	return collect(t, scanArrival, `SELECT `+arrivalColumns+` FROM arrival WHERE peer = ?1 AND seq = ?2
		UNION ALL SELECT `+arrivalColumns+` FROM arrival WHERE peer = ?1 AND id = ?3 AND seq <> ?2`, peer, int64(seq), id)
}

// Arrival reads the fate of one number, or ErrNotFound.
func (t *Tx) Arrival(peer schemas.AuthorityID, seq uint64) (Arrival, error) {
	return t.arrival(`SELECT `+arrivalColumns+` FROM arrival WHERE peer = ? AND seq = ?`, peer, seq)
}

// ArrivalHead is Arrival without the receipt and its wire.
func (t *Tx) ArrivalHead(peer schemas.AuthorityID, seq uint64) (Arrival, error) {
	return t.arrival(`SELECT `+arrivalHead+` FROM arrival WHERE peer = ? AND seq = ?`, peer, seq)
}

func (t *Tx) arrival(query string, peer schemas.AuthorityID, seq uint64) (Arrival, error) {
	found, err := collect(t, scanArrival, query, peer, int64(seq))
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Arrival{}, err
	}
	return found[0], nil
}

// Arrivals reads the fates of at most limit numbers of a peer, from one on.
func (t *Tx) Arrivals(peer schemas.AuthorityID, from uint64, limit int) ([]Arrival, error) {
	return collect(t, scanArrival, `SELECT `+arrivalColumns+` FROM arrival WHERE peer = ? AND seq >= ? ORDER BY seq LIMIT ?`, peer, int64(from), limit)
}

// Pairs reads the numbers with every peer.
func (t *Tx) Pairs() ([]Pair, error) {
	peers, err := collect(t, func(s scanner) (id schemas.AuthorityID, err error) { return id, s.Scan(&id) }, `SELECT peer FROM pair ORDER BY peer`)
	var all []Pair
	for _, peer := range peers {
		pair, err := t.Pair(peer)
		if err != nil {
			return nil, err
		}
		all = append(all, pair)
	}
	return all, err
}

func scanArrival(s scanner) (Arrival, error) {
	var a Arrival
	var seq int64
	var hash, prev []byte
	err := s.Scan(&a.Peer, &seq, &a.ID, &hash, &prev, &a.Fate, &a.ReceiptID, &a.Receipt, &a.Wire)
	a.Seq = uint64(seq)
	copy(a.JWSSHA256[:], hash)
	copy(a.Prev[:], prev)
	return a, err
}

// Hole is a number of a peer that has not arrived while later ones have.
type Hole struct {
	Peer      schemas.AuthorityID
	Seq       uint64
	Channel   schemas.Channel // of the message that showed the hole
	NoticedAt time.Time
	AskedAt   time.Time
	Asked     int // how often it was asked for
}

// AddHole notes a missing number; one that is known keeps its times.
func (t *Tx) AddHole(h Hole) error {
	return t.exec(`INSERT OR IGNORE INTO hole (peer, seq, channel, noticed_at) VALUES (?,?,?,?)`,
		h.Peer, int64(h.Seq), h.Channel, millis(h.NoticedAt))
}

// AskedForHole notes that a hole was asked for.
func (t *Tx) AskedForHole(peer schemas.AuthorityID, seq uint64, at time.Time) error {
	return t.exec(`UPDATE hole SET asked_at = ?, asked = asked + 1 WHERE peer = ? AND seq = ?`, millis(at), peer, int64(seq))
}

// CloseHole forgets a hole.
func (t *Tx) CloseHole(peer schemas.AuthorityID, seq uint64) error {
	return t.exec(`DELETE FROM hole WHERE peer = ? AND seq = ?`, peer, int64(seq))
}

// Holes lists at most limit holes, by peer and number.
func (t *Tx) Holes(limit int) ([]Hole, error) {
	return collect(t, func(s scanner) (Hole, error) {
		var h Hole
		var seq, noticed, asked int64
		err := s.Scan(&h.Peer, &seq, &h.Channel, &noticed, &asked, &h.Asked)
		h.Seq, h.NoticedAt, h.AskedAt = uint64(seq), instant(noticed), instant(asked)
		return h, err
	}, `SELECT peer, seq, channel, noticed_at, asked_at, asked FROM hole ORDER BY peer, seq LIMIT ?`, limit)
}
