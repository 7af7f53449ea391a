package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Attempt is something that was asked for under an idempotency key.
type Attempt struct {
	Caller  string
	Key     Hash
	Request Hash
	At      time.Time
	Status  int // of the answer; 0 while there is none
	Answer  []byte
}

func (a *Attempt) row() string { return a.Caller + "/" + hex.EncodeToString(a.Key[:]) }

// PutAttempt writes an attempt, new or answered.
func (t *Tx) PutAttempt(a *Attempt) error {
	return t.exec(`INSERT OR REPLACE INTO attempt (caller, key, request, at, status, answer) VALUES (?,?,?,?,?,?)`,
		a.Caller, a.Key[:], a.Request[:], millis(a.At), a.Status, t.columns.seal("answer", a.row(), a.Answer))
}

// Attempt reads what was asked for under a key, or ErrNotFound.
func (t *Tx) Attempt(caller string, key Hash) (*Attempt, error) {
	found, err := collect(t, func(s scanner) (*Attempt, error) {
		a := &Attempt{Caller: caller, Key: key}
		var request, answer []byte
		var at int64
		if err := s.Scan(&request, &at, &a.Status, &answer); err != nil {
			return nil, err
		}
		plain, err := t.columns.open("answer", a.row(), answer)
		if err != nil {
			return nil, fmt.Errorf("reading what was answered to %s: %w", caller, err)
		}
		copy(a.Request[:], request)
		a.At, a.Answer = instant(at), plain
		return a, nil
	}, `SELECT request, at, status, answer FROM attempt WHERE caller = ? AND key = ?`, caller, key[:])
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// DropAttempt forgets an attempt.
func (t *Tx) DropAttempt(caller string, key Hash) error {
	return t.exec(`DELETE FROM attempt WHERE caller = ? AND key = ?`, caller, key[:])
}

// TrimAttempts forgets attempts from before a time, and of one caller the oldest beyond so many.
func (t *Tx) TrimAttempts(before time.Time, caller string, keep int) error {
	return errors.Join(
		t.exec(`DELETE FROM attempt WHERE at < ?`, millis(before)),
		t.exec(`DELETE FROM attempt WHERE caller = ?1 AND key IN (SELECT key FROM attempt WHERE caller = ?1 ORDER BY at DESC, key LIMIT -1 OFFSET ?2)`, caller, keep),
	)
}
