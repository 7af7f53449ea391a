package store

import (
	"fmt"
	"time"

	"comity/schemas"
)

// Review is the last decision of policy that stopped a message, and how the protection officers closed it.
type Review struct {
	Key
	Outcome  string // hold | block
	Digest   Hash   // of the decision: a release covers exactly this one
	Finding  []byte // what the protection officers are told of the decision
	OpenedAt time.Time
	ClosedAt time.Time
	Closing  Closing
	ClosedBy string
}

// Closing is how a review ended.
type Closing string

// The closings.
const (
	ClosedReleased  Closing = "released"
	ClosedReturned  Closing = "returned"
	ClosedBlocked   Closing = "blocked"
	ClosedDiscarded Closing = "discarded"
)

const reviewColumns = `sender, id, outcome, digest, finding, opened_at, closed_at, closing, closed_by`

// PutReview writes a review, new or changed.
func (t *Tx) PutReview(r *Review) error {
	return t.exec(`INSERT OR REPLACE INTO review (`+reviewColumns+`) VALUES (?,?,?,?,?,?,?,?,?)`,
		r.Sender, r.ID, r.Outcome, r.Digest[:], t.columns.seal("finding", reviewRow(r.Key), r.Finding), millis(r.OpenedAt),
		millis(r.ClosedAt), r.Closing, r.ClosedBy)
}

// reviewRow names a message where what is sealed belongs to it.
func reviewRow(k Key) string { return string(k.Sender) + "/" + string(k.ID) }

// Review reads the review of a message, or ErrNotFound.
func (t *Tx) Review(k Key) (*Review, error) {
	found, err := t.reviews(`WHERE sender = ? AND id = ?`, k.Sender, k.ID)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// OpenReviews lists at most limit reviews that nobody has closed, the oldest first.
func (t *Tx) OpenReviews(limit int) ([]*Review, error) {
	return t.reviews(`WHERE closed_at = 0 ORDER BY opened_at, id LIMIT ?`, limit)
}

func (t *Tx) reviews(where string, args ...any) ([]*Review, error) {
	return collect(t, func(s scanner) (*Review, error) {
		var r Review
		var digest, finding []byte
		var opened, closed int64
		err := s.Scan(&r.Sender, &r.ID, &r.Outcome, &digest, &finding, &opened, &closed, &r.Closing, &r.ClosedBy)
		if err != nil {
			return nil, err
		}
		copy(r.Digest[:], digest)
		r.OpenedAt, r.ClosedAt = instant(opened), instant(closed)
		if r.Finding, err = t.columns.open("finding", reviewRow(r.Key), finding); err != nil {
			return nil, fmt.Errorf("reading the review of message %s: %w", r.ID, err)
		}
		return &r, nil
	}, `SELECT `+reviewColumns+` FROM review `+where, args...)
}

// Release is one protection officer's word for one decision.
type Release struct {
	Key
	Digest    Hash
	Person    string
	Necessity string // why the recipient needs it; only some rules ask for it
	At        time.Time
	Proof     []byte // their signed command (JWS)
}

// AddRelease records a release. The same person's second word for the same decision replaces the first.
func (t *Tx) AddRelease(r *Release) error {
	return t.exec(`INSERT OR REPLACE INTO release (sender, id, digest, person, necessity, at, proof) VALUES (?,?,?,?,?,?,?)`,
		r.Sender, r.ID, r.Digest[:], r.Person, t.columns.seal("necessity", reviewRow(r.Key)+"/"+r.Person, []byte(r.Necessity)), millis(r.At), r.Proof)
}

// Releases lists who released one decision about a message, by name.
func (t *Tx) Releases(k Key, digest Hash) ([]*Release, error) {
	return collect(t, func(s scanner) (*Release, error) {
		r := &Release{Key: k, Digest: digest}
		var necessity []byte
		var at int64
		if err := s.Scan(&r.Person, &necessity, &at, &r.Proof); err != nil {
			return nil, err
		}
		plain, err := t.columns.open("necessity", reviewRow(k)+"/"+r.Person, necessity)
		if err != nil {
			return nil, fmt.Errorf("reading a release of message %s: %w", k.ID, err)
		}
		r.Necessity, r.At = string(plain), instant(at)
		return r, nil
	}, `SELECT person, necessity, at, proof FROM release WHERE sender = ? AND id = ? AND digest = ? ORDER BY person`, k.Sender, k.ID, digest[:])
}

// ProtectionAlert is something that a protection officer must look at. It holds ids, never content.
type ProtectionAlert struct {
	Kind     string
	Subject  string // an id of a message or case
	Peer     schemas.AuthorityID
	RaisedAt time.Time
	DoneAt   time.Time
	DoneBy   string
}

// RaiseProtectionAlert raises an alert, or raises it again after somebody was done with it. It reports whether it was not up.
func (t *Tx) RaiseProtectionAlert(a ProtectionAlert) (bool, error) {
	result, err := t.sql.ExecContext(t.ctx, `INSERT INTO protection_alert (kind, subject, peer, raised_at) VALUES (?1,?2,?3,?4)
		ON CONFLICT (kind, subject) DO UPDATE SET raised_at = ?4, done_at = 0, done_by = '' WHERE done_at > 0`,
		a.Kind, a.Subject, a.Peer, millis(a.RaisedAt))
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// EndProtectionAlert notes that somebody is done with an alert. It returns ErrNotFound where none is up.
func (t *Tx) EndProtectionAlert(kind, subject, by string, at time.Time) error {
	result, err := t.sql.ExecContext(t.ctx, `UPDATE protection_alert SET done_at = ?, done_by = ? WHERE kind = ? AND subject = ? AND done_at = 0`,
		millis(at), by, kind, subject)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return ErrNotFound
	}
	return nil
}

// ProtectionAlerts lists at most limit alerts that are up, the newest first.
func (t *Tx) ProtectionAlerts(limit int) ([]ProtectionAlert, error) {
	return collect(t, func(s scanner) (ProtectionAlert, error) {
		var a ProtectionAlert
		var raised, done int64
		err := s.Scan(&a.Kind, &a.Subject, &a.Peer, &raised, &done, &a.DoneBy)
		a.RaisedAt, a.DoneAt = instant(raised), instant(done)
		return a, err
	}, `SELECT kind, subject, peer, raised_at, done_at, done_by FROM protection_alert WHERE done_at = 0 ORDER BY raised_at DESC, subject LIMIT ?`, limit)
}

// AddItem notes that a message is, or holds, the item with a hash.
func (t *Tx) AddItem(hash Hash, k Key) error {
	return t.exec(`INSERT OR IGNORE INTO item (sha256, sender, id) VALUES (?,?,?)`, hash[:], k.Sender, k.ID)
}

// MessagesWithItem reads the messages, received or sent, that are or hold an item.
func (t *Tx) MessagesWithItem(hash Hash) ([]*Message, error) {
	return t.bareMessages(`WHERE (sender, id) IN (SELECT sender, id FROM item WHERE sha256 = ?) ORDER BY stored_at, id`, hash[:])
}
