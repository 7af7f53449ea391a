package store

import (
	"time"

	"comity/schemas"
)

// CasesClosedBy lists at most limit case files of a channel that were over by a time and of which something is not erased, the
// oldest first.
func (t *Tx) CasesClosedBy(channel schemas.Channel, by time.Time, limit int) ([]*CaseFile, error) {
	return t.cases(`WHERE channel = ? AND closed_at > 0 AND closed_at <= ?
		AND NOT EXISTS (SELECT 1 FROM erasure WHERE case_id = casefile.id AND closed >= casefile.closed_at)
		ORDER BY closed_at, id LIMIT ?`, channel, millis(by), limit)
}

// AllOfCase reads the bare messages that name a case, whoever they are with, by their keys.
func (t *Tx) AllOfCase(id schemas.CaseID) ([]*Message, error) {
	return t.bareMessages(`WHERE case_id = ? AND case_id <> '' ORDER BY sender, id`, id)
}

// HandoutsOfCase lists those of a case.
func (t *Tx) HandoutsOfCase(id schemas.CaseID) ([]*Handout, error) {
	return t.handouts(`WHERE case_id = ? ORDER BY id`, id)
}

// LegalHold is why the content of a case is kept beyond its time.
type LegalHold struct {
	Case   schemas.CaseID
	Reason string // closed set
	Person string
	At     time.Time
}

// PutLegalHold writes one, new or changed.
func (t *Tx) PutLegalHold(h LegalHold) error {
	return t.exec(`INSERT OR REPLACE INTO legal_hold (case_id, reason, person, at) VALUES (?,?,?,?)`, h.Case, h.Reason, h.Person, millis(h.At))
}

// DropLegalHold ends that of a case.
func (t *Tx) DropLegalHold(id schemas.CaseID) error {
	return t.exec(`DELETE FROM legal_hold WHERE case_id = ?`, id)
}

// LegalHold is that of a case, or ErrNotFound.
func (t *Tx) LegalHold(id schemas.CaseID) (LegalHold, error) {
	return firstOf(t.legalHolds(`WHERE case_id = ?`, id))
}

// LegalHolds lists at most limit of them, the oldest first.
func (t *Tx) LegalHolds(limit int) ([]LegalHold, error) {
	return t.legalHolds(`ORDER BY at, case_id LIMIT ?`, limit)
}

func (t *Tx) legalHolds(where string, args ...any) ([]LegalHold, error) {
	return collect(t, func(s scanner) (h LegalHold, err error) {
		var at int64
		err = s.Scan(&h.Case, &h.Reason, &h.Person, &at)
		h.At = instant(at)
		return h, err
	}, `SELECT case_id, reason, person, at FROM legal_hold `+where, args...)
}

// ErasureWord is one person's word that the content of a case goes.
type ErasureWord struct {
	Case   schemas.CaseID
	Digest Hash // of what stands there: a word covers exactly this
	Person string
	At     time.Time
	Proof  []byte // their signed command (JWS)
}

// AddErasureWord records one. The same person's second word for the same replaces the first.
func (t *Tx) AddErasureWord(w ErasureWord) error {
	return t.exec(`INSERT OR REPLACE INTO erasure_word (case_id, digest, person, at, proof) VALUES (?,?,?,?,?)`, w.Case, w.Digest[:], w.Person, millis(w.At), w.Proof)
}

// ErasureWords lists who confirmed that what stands there goes, by name.
func (t *Tx) ErasureWords(id schemas.CaseID, digest Hash) ([]string, error) {
	return collect(t, func(s scanner) (name string, err error) { return name, s.Scan(&name) },
		`SELECT person FROM erasure_word WHERE case_id = ? AND digest = ? ORDER BY person`, id, digest[:])
}
