package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"comity/schemas"
)

// Erasure is a case whose content is gone.
type Erasure struct {
	Case   schemas.CaseID
	Closed time.Time // of the case, when it was erased: what comes later is due again
	At     time.Time
	GoneAt time.Time // when no byte was left on the disk either; zero before
}

// erasing is what goes of each table, by the case; ?1 is its id. Rows, hashes, numbers and receipts stay. What is sealed and
// does not stand here stands in EraseCase, which must look inside, or in the list of the test that reads schema.sql.
var erasing = []string{
	`UPDATE message_text SET payload = NULL, home = NULL WHERE (sender, id) IN (SELECT sender, id FROM message WHERE case_id = ?1)`,
	`DELETE FROM outbox WHERE (sender, subject) IN (SELECT sender, id FROM message WHERE case_id = ?1 AND state <> 'voided')`,
	`DELETE FROM outbox WHERE kind = 'returned' AND jws_sha256 IN (SELECT jws_sha256 FROM message WHERE case_id = ?1)`,
	`DELETE FROM sealed_form WHERE (sender, id) IN (SELECT sender, id FROM message WHERE case_id = ?1 AND state <> 'voided')`,
	// What closes a number says nothing, and a peer may ask for it.
	`UPDATE sealed_form SET jws = NULL WHERE (sender, id) IN (SELECT sender, id FROM message WHERE case_id = ?1 AND state = 'voided')`,
	`UPDATE paper SET letter = NULL, national_ref = NULL WHERE (sender, id) IN (SELECT sender, id FROM message WHERE case_id = ?1)`,
	`UPDATE translation SET content = NULL WHERE (sender, message) IN (SELECT sender, id FROM message WHERE case_id = ?1)`,
	`UPDATE release SET necessity = NULL WHERE (sender, id) IN (SELECT sender, id FROM message WHERE case_id = ?1)`,
	`UPDATE file SET original = NULL WHERE (sender, id) IN (SELECT sender, id FROM message WHERE case_id = ?1)`,
	`UPDATE handout_word SET necessity = NULL WHERE handout IN (SELECT id FROM handout WHERE case_id = ?1)`,
	// A team is read from the content of its items: without it they are of none, and nobody can add to it.
	`UPDATE message SET team = '' WHERE case_id = ?1`,
	`DELETE FROM erasure_word WHERE case_id = ?1`,
}

// EraseCase erases the content of every message and file of a case, whoever it is with, and notes that. Their bytes are still
// on the disk until Wipe.
func (t *Tx) EraseCase(e Erasure) error {
	keys, err := collect(t, func(s scanner) (k Key, err error) { return k, s.Scan(&k.Sender, &k.ID) },
		`SELECT sender, id FROM message WHERE case_id = ? AND case_id <> ''`, e.Case)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := t.ForgetWords(k); err != nil {
			return fmt.Errorf("erasing case %s: %w", e.Case, err)
		}
	}
	for _, query := range erasing {
		if err := t.exec(query, e.Case); err != nil {
			return fmt.Errorf("erasing case %s: %w", e.Case, err)
		}
	}
	err = errors.Join(t.eraseFindings(e.Case, keys), t.eraseEvidence(e.Case), t.eraseForms(e.Case), t.eraseAnswers(e.Case, keys))
	if err != nil {
		return err
	}
	return t.exec(`INSERT OR REPLACE INTO erasure (case_id, closed, at, gone_at) VALUES (?,?,?,0)`, e.Case, millis(e.Closed), millis(e.At))
}

// noFinding stands where a review's finding stood.
var noFinding = []byte(`{}`)

func (t *Tx) eraseFindings(id schemas.CaseID, keys []Key) error {
	for _, k := range keys {
		if err := t.exec(`UPDATE review SET finding = ? WHERE sender = ? AND id = ?`, t.columns.seal("finding", reviewRow(k), noFinding), k.Sender, k.ID); err != nil {
			return err
		}
	}
	handouts, err := t.handouts(`WHERE case_id = ?`, id)
	for _, h := range handouts {
		h.Finding = noFinding
		err = errors.Join(err, t.PutHandout(h))
	}
	return err
}

// eraseEvidence leaves of each file what proves which it was: its size, its hash and the root of its sealed form.
func (t *Tx) eraseEvidence(id schemas.CaseID) error {
	files, err := t.evidence(`WHERE case_id = ?`, id)
	for _, e := range files {
		left := schemas.EvidenceFile{ID: e.Manifest.ID, Bytes: e.Manifest.Bytes, SHA256: e.Manifest.SHA256, Sealed: e.Manifest.Sealed}
		manifest, failed := json.Marshal(left)
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		err = t.exec(`UPDATE evidence SET state = ?, manifest = ?, original = NULL WHERE owner = ? AND id = ?`,
			EvidenceErased, t.columns.seal("manifest", evidenceRow(e.Owner, left.ID), manifest), e.Owner, left.ID)
	}
	return err
}

// eraseForms drops the unfinished forms that name the case.
func (t *Tx) eraseForms(id schemas.CaseID) error {
	people, err := collect(t, func(s scanner) (name string, err error) { return name, s.Scan(&name) }, `SELECT DISTINCT person FROM unfinished`)
	for _, person := range people {
		forms, failed := t.Unfinished(person)
		err = errors.Join(err, failed)
		for _, u := range forms {
			if bytes.Contains(u.Form, []byte(id)) {
				err = errors.Join(err, t.DropUnfinished(person, u.ID))
			}
		}
	}
	return err
}

// eraseAnswers drops the answers under idempotency keys that name the case or a message of it.
func (t *Tx) eraseAnswers(id schemas.CaseID, keys []Key) error {
	type name struct {
		caller string
		key    Hash
	}
	names, err := collect(t, func(s scanner) (n name, err error) {
		var key []byte
		err = s.Scan(&n.caller, &key)
		copy(n.key[:], key)
		return n, err
	}, `SELECT caller, key FROM attempt WHERE answer IS NOT NULL`)
	for _, n := range names {
		a, failed := t.Attempt(n.caller, n.key)
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		named := func(k Key) bool { return bytes.Contains(a.Answer, []byte(k.ID)) }
		if bytes.Contains(a.Answer, []byte(id)) || slices.ContainsFunc(keys, named) {
			err = t.DropAttempt(n.caller, n.key)
		}
	}
	return err
}

// Erased is the erasure of a case, or ErrNotFound.
func (t *Tx) Erased(id schemas.CaseID) (Erasure, error) {
	return firstOf(t.erasures(`WHERE case_id = ?`, id))
}

// ErasuresLeft lists at most limit erasures of which something is still on the disk, the oldest first.
func (t *Tx) ErasuresLeft(limit int) ([]Erasure, error) {
	return t.erasures(`WHERE gone_at = 0 ORDER BY at, case_id LIMIT ?`, limit)
}

// ErasureGone notes that nothing of an erased case is on the disk.
func (t *Tx) ErasureGone(id schemas.CaseID, at time.Time) error {
	return t.exec(`UPDATE erasure SET gone_at = ? WHERE case_id = ?`, millis(at), id)
}

func (t *Tx) erasures(where string, args ...any) ([]Erasure, error) {
	return collect(t, func(s scanner) (e Erasure, err error) {
		var closed, at, gone int64
		err = s.Scan(&e.Case, &closed, &at, &gone)
		e.Closed, e.At, e.GoneAt = instant(closed), instant(at), instant(gone)
		return e, err
	}, `SELECT case_id, closed, at, gone_at FROM erasure `+where, args...)
}

// LeaveToWipe notes that what this transaction erases is to be wiped.
func (t *Tx) LeaveToWipe() error {
	return t.exec(`INSERT OR IGNORE INTO mark (name, value) VALUES (?, '')`, MarkWipe)
}

// LeftToWipe tells whether there is such a note.
func (t *Tx) LeftToWipe() (left bool, err error) {
	return left, t.row([]any{&left}, `SELECT EXISTS (SELECT 1 FROM mark WHERE name = ?)`, MarkWipe)
}

// Wiped removes it.
func (t *Tx) Wiped() error { return t.exec(`DELETE FROM mark WHERE name = ?`, MarkWipe) }
