package store

import (
	"cmp"
	"time"

	"comity/schemas"
)

// Kind is what an envelope in the outbox carries.
type Kind string

// The kinds. Messages and voids stay until their signed receipt; the others until the broker's acceptance.
const (
	KindMessage Kind = "message"
	KindVoid    Kind = "void"
	KindReceipt Kind = "receipt"
	KindVerdict Kind = "verdict" // a second receipt: the case does not take what the first one said was stored
	KindResend  Kind = "resend"
	KindBreach  Kind = "breach"

	KindRecall   Kind = "recall"
	KindStanding Kind = "standing"
	KindReturned Kind = "returned" // a message of the peer's own, given back

	KindWant       Kind = "want"       // asks for chunks of evidence
	KindCompletion Kind = "completion" // the word about a whole file of evidence
)

// Lane keeps what cannot wait apart from what can: nothing in one lane holds up the other.
type Lane string

// The lanes. Immediate messages of the border channel alone are express.
const (
	Express  Lane = "express"
	Ordinary Lane = "ordinary"
)

// Parcel is a row of the outbox: sealed bytes that wait to be handed to the broker.
type Parcel struct {
	ID        schemas.MessageID // of the envelope
	Kind      Kind
	Lane      Lane // empty is Ordinary
	Peer      schemas.AuthorityID
	Channel   schemas.Channel
	Subject   schemas.MessageID // of a void: the message whose number it closes
	JWSSHA256 Hash
	Seq       uint64
	Attempts  int
	Refused   string // the broker's last refusal, closed set
	NextAt    time.Time
	ExpiresAt time.Time
	// Sender is that of the message Subject where the bytes are the message's own Wire: the file has them once. Empty of all
	// else.
	Sender schemas.AuthorityID
	Wire   []byte
}

// The columns of a row in three forms: as it is written, as it is read, and with nothing in the place of the wire.
const (
	planColumns   = `id, kind, lane, peer, channel, subject, jws_sha256, seq, attempts, refused, next_at, expires_at, sender`
	parcelColumns = planColumns + `, coalesce(wire, (SELECT f.wire FROM sealed_form f WHERE f.sender = outbox.sender AND f.id = outbox.subject))`
	parcelPlan    = planColumns + `, NULL`
)

// PutParcel writes a row of the outbox, new or changed.
func (t *Tx) PutParcel(p *Parcel) error {
	own := p.Wire
	if p.Sender != "" {
		own = nil
	}
	return t.exec(`INSERT OR REPLACE INTO outbox (`+planColumns+`, wire) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		p.ID, p.Kind, cmp.Or(p.Lane, Ordinary), p.Peer, p.Channel, p.Subject, p.JWSSHA256[:], int64(p.Seq), p.Attempts, p.Refused,
		millis(p.NextAt), millis(p.ExpiresAt), p.Sender, own)
}

// PlanParcel changes when a row is handed in next, how often it was, and what the broker last said of it. The rest of a row
// never changes.
func (t *Tx) PlanParcel(p *Parcel) error {
	return t.exec(`UPDATE outbox SET attempts = ?, refused = ?, next_at = ? WHERE id = ?`, p.Attempts, p.Refused, millis(p.NextAt), p.ID)
}

// ParcelPlan reads one row of the outbox without its wire, which is most of it, or ErrNotFound.
func (t *Tx) ParcelPlan(id schemas.MessageID) (*Parcel, error) {
	found, err := collect(t, scanParcel, `SELECT `+parcelPlan+` FROM outbox WHERE id = ?`, id)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// Parcel reads one row of the outbox, or ErrNotFound.
func (t *Tx) Parcel(id schemas.MessageID) (*Parcel, error) {
	return t.parcel(`WHERE id = ?`, id)
}

// VoidOf reads the void that waits for the receipt which closes a message's number, or ErrNotFound.
func (t *Tx) VoidOf(id schemas.MessageID) (*Parcel, error) {
	return t.parcel(`WHERE kind = 'void' AND subject = ?`, id)
}

func (t *Tx) parcel(where string, args ...any) (*Parcel, error) {
	found, err := collect(t, scanParcel, `SELECT `+parcelColumns+` FROM outbox `+where+` LIMIT 1`, args...)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// DueParcels reads at most limit rows of a lane whose time has come, receipts first (a peer waits for them), then the
// oldest.
func (t *Tx) DueParcels(lane Lane, now time.Time, limit int) ([]*Parcel, error) {
	return collect(t, scanParcel, `SELECT `+parcelColumns+dueFirst, lane, millis(now), limit)
}

// DueIDs is DueParcels without the rows themselves.
func (t *Tx) DueIDs(lane Lane, now time.Time, limit int) ([]schemas.MessageID, error) {
	return collect(t, func(s scanner) (id schemas.MessageID, err error) { return id, s.Scan(&id) }, `SELECT id`+dueFirst, lane, millis(now), limit)
}

// At one moment what was put in first goes first: the order in which ids happen to sort would be another each time.
const dueFirst = ` FROM outbox WHERE lane = ? AND next_at <= ? ORDER BY kind <> 'receipt', next_at, seq, rowid LIMIT ?`

// NextParcelAt is the time of the earliest row of a lane, zero where it is empty.
func (t *Tx) NextParcelAt(lane Lane) (time.Time, error) {
	var next int64
	err := t.row([]any{&next}, `SELECT coalesce(min(next_at), 0) FROM outbox WHERE lane = ?`, lane)
	return instant(next), err
}

// DropParcel lets go of a row; one that is gone already is no error.
func (t *Tx) DropParcel(id schemas.MessageID) error {
	return t.exec(`DELETE FROM outbox WHERE id = ?`, id)
}

// DropParcelsAbout lets go of the rows of a kind for a peer that are about a message.
func (t *Tx) DropParcelsAbout(kind Kind, peer schemas.AuthorityID, subject schemas.MessageID) error {
	return t.exec(`DELETE FROM outbox WHERE kind = ? AND peer = ? AND subject = ?`, kind, peer, subject)
}

// OutboxDepth counts the rows that wait.
func (t *Tx) OutboxDepth() (n int, err error) {
	return n, t.row([]any{&n}, `SELECT count(*) FROM outbox`)
}

// OutboxKinds counts the rows that wait, by what they carry.
func (t *Tx) OutboxKinds() (map[Kind]int, error) {
	counts := map[Kind]int{}
	_, err := collect(t, func(s scanner) (struct{}, error) {
		var kind Kind
		var n int
		err := s.Scan(&kind, &n)
		counts[kind] = n
		return struct{}{}, err
	}, `SELECT kind, count(*) FROM outbox GROUP BY kind`)
	return counts, err
}

func scanParcel(s scanner) (*Parcel, error) {
	var p Parcel
	var hash []byte
	var seq, next, expires int64
	err := s.Scan(&p.ID, &p.Kind, &p.Lane, &p.Peer, &p.Channel, &p.Subject, &hash, &seq, &p.Attempts, &p.Refused, &next, &expires, &p.Sender, &p.Wire)
	p.Seq, p.NextAt, p.ExpiresAt = uint64(seq), instant(next), instant(expires)
	copy(p.JWSSHA256[:], hash)
	return &p, err
}
