package store

import "time"

// SecondLook is what a message that left with one signature still owes: another person who reads it afterwards.
type SecondLook struct {
	Key
	DueAt  time.Time
	Person string // "" until somebody has looked
	At     time.Time
	Proof  []byte // their signed command
}

// PutSecondLook writes a second look, owed or done.
func (t *Tx) PutSecondLook(l SecondLook) error {
	return t.exec(`INSERT INTO second_look (sender, id, due_at, person, at, proof) VALUES (?,?,?,?,?,?)
		ON CONFLICT (sender, id) DO UPDATE SET person = excluded.person, at = excluded.at, proof = excluded.proof`,
		l.Sender, l.ID, millis(l.DueAt), l.Person, millis(l.At), l.Proof)
}

// SecondLook reads what a message owes, or ErrNotFound for one that two people signed.
func (t *Tx) SecondLook(k Key) (SecondLook, error) {
	found, err := t.secondLooks(`WHERE sender = ? AND id = ?`, k.Sender, k.ID)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return SecondLook{}, err
	}
	return found[0], nil
}

// SecondLooksOwed lists at most limit messages that nobody has looked at a second time, the most urgent first.
func (t *Tx) SecondLooksOwed(limit int) ([]SecondLook, error) {
	return t.secondLooks(`WHERE person = '' ORDER BY due_at, id LIMIT ?`, limit)
}

func (t *Tx) secondLooks(where string, args ...any) ([]SecondLook, error) {
	return collect(t, func(s scanner) (SecondLook, error) {
		var l SecondLook
		var due, at int64
		err := s.Scan(&l.Sender, &l.ID, &due, &l.Person, &at, &l.Proof)
		l.DueAt, l.At = instant(due), instant(at)
		return l, err
	}, `SELECT sender, id, due_at, person, at, proof FROM second_look `+where, args...)
}
