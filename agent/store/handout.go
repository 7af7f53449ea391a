package store

import (
	"fmt"
	"time"

	"comity/schemas"
)

// Handout is the file of a case for one reader that the rules do not let go as it is: the last decision about it, and how the
// protection officers closed it. There is one for each case and reader.
type Handout struct {
	ID       schemas.MessageID // of a message in form alone
	Case     schemas.CaseID
	Peer     schemas.AuthorityID
	Reader   string // an authority or a State
	Outcome  string // hold | block
	Digest   Hash   // of the reader, every message in it, and what the rules say of each: a release covers exactly this
	Finding  []byte // what the protection officers are told
	AskedBy  string
	OpenedAt time.Time
	ClosedAt time.Time
	Closing  Closing
	ClosedBy string
}

const handoutColumns = `id, case_id, peer, reader, outcome, digest, finding, asked_by, opened_at, closed_at, closing, closed_by`

// PutHandout writes one, new or changed.
func (t *Tx) PutHandout(h *Handout) error {
	return t.exec(`INSERT INTO handout (`+handoutColumns+`) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)
		ON CONFLICT (id) DO UPDATE SET outcome = ?5, digest = ?6, finding = ?7, asked_by = ?8, opened_at = ?9, closed_at = ?10, closing = ?11, closed_by = ?12`,
		h.ID, h.Case, h.Peer, h.Reader, h.Outcome, h.Digest[:], t.columns.seal("finding", handoutRow(h.ID), h.Finding), h.AskedBy,
		millis(h.OpenedAt), millis(h.ClosedAt), h.Closing, h.ClosedBy)
}

// handoutRow names one where what is sealed belongs to it.
func handoutRow(id schemas.MessageID) string { return "handout/" + string(id) }

// Handout reads that of a case and reader, or ErrNotFound.
func (t *Tx) Handout(in schemas.CaseID, peer schemas.AuthorityID, reader string) (*Handout, error) {
	return t.handout(`WHERE case_id = ? AND peer = ? AND reader = ?`, in, peer, reader)
}

// HandoutByID reads one, or ErrNotFound.
func (t *Tx) HandoutByID(id schemas.MessageID) (*Handout, error) {
	return t.handout(`WHERE id = ?`, id)
}

func (t *Tx) handout(where string, args ...any) (*Handout, error) {
	found, err := t.handouts(where, args...)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// OpenHandouts lists at most limit that nobody has decided on, the oldest first.
func (t *Tx) OpenHandouts(limit int) ([]*Handout, error) {
	return t.handouts(`WHERE closed_at = 0 ORDER BY opened_at, id LIMIT ?`, limit)
}

func (t *Tx) handouts(where string, args ...any) ([]*Handout, error) {
	return collect(t, func(s scanner) (*Handout, error) {
		var h Handout
		var digest, finding []byte
		var opened, closed int64
		err := s.Scan(&h.ID, &h.Case, &h.Peer, &h.Reader, &h.Outcome, &digest, &finding, &h.AskedBy, &opened, &closed, &h.Closing, &h.ClosedBy)
		if err != nil {
			return nil, err
		}
		copy(h.Digest[:], digest)
		h.OpenedAt, h.ClosedAt = instant(opened), instant(closed)
		if h.Finding, err = t.columns.open("finding", handoutRow(h.ID), finding); err != nil {
			return nil, fmt.Errorf("reading the review of a case file: %w", err)
		}
		return &h, nil
	}, `SELECT `+handoutColumns+` FROM handout `+where, args...)
}

// HandoutWord is one protection officer's word for one decision about the file of a case.
type HandoutWord struct {
	Handout   schemas.MessageID
	Digest    Hash
	Person    string
	Necessity string // why the reader needs it; only some rules ask for it
	At        time.Time
	Proof     []byte // their signed command (JWS)
}

// AddHandoutWord records one. The same person's second word for the same decision replaces the first.
func (t *Tx) AddHandoutWord(w HandoutWord) error {
	return t.exec(`INSERT OR REPLACE INTO handout_word (handout, digest, person, necessity, at, proof) VALUES (?,?,?,?,?,?)`,
		w.Handout, w.Digest[:], w.Person, t.columns.seal("necessity", handoutRow(w.Handout)+"/"+w.Person, []byte(w.Necessity)), millis(w.At), w.Proof)
}

// HandoutWords lists who released the decision that stands now, by name.
func (t *Tx) HandoutWords(h *Handout) ([]HandoutWord, error) {
	return collect(t, func(s scanner) (HandoutWord, error) {
		w := HandoutWord{Handout: h.ID, Digest: h.Digest}
		var necessity []byte
		var at int64
		if err := s.Scan(&w.Person, &necessity, &at, &w.Proof); err != nil {
			return w, err
		}
		plain, err := t.columns.open("necessity", handoutRow(h.ID)+"/"+w.Person, necessity)
		if err != nil {
			return w, fmt.Errorf("reading a release of a case file: %w", err)
		}
		w.Necessity, w.At = string(plain), instant(at)
		return w, nil
	}, `SELECT person, necessity, at, proof FROM handout_word WHERE handout = ? AND digest = ? ORDER BY person`, h.ID, h.Digest[:])
}
