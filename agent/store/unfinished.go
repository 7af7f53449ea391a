package store

import (
	"fmt"
	"time"

	"comity/schemas"
)

// Unfinished is a form that a person goes on with later.
type Unfinished struct {
	ID        string
	Person    string
	Type      schemas.MessageType
	Form      []byte
	ChangedAt time.Time
}

// PutUnfinished writes a form of its person, new or changed. It leaves the form of another person as it is.
func (t *Tx) PutUnfinished(u *Unfinished) error {
	return t.exec(`INSERT INTO unfinished (id, person, type, form, changed_at) VALUES (?,?,?,?,?)
		ON CONFLICT (id) DO UPDATE SET type = excluded.type, form = excluded.form, changed_at = excluded.changed_at WHERE person = excluded.person`,
		u.ID, u.Person, u.Type, t.columns.seal("form", u.ID, u.Form), millis(u.ChangedAt))
}

// Unfinished lists the forms of a person, the last changed first.
func (t *Tx) Unfinished(person string) ([]*Unfinished, error) {
	return collect(t, func(s scanner) (*Unfinished, error) {
		var u Unfinished
		var form []byte
		var changed int64
		if err := s.Scan(&u.ID, &u.Person, &u.Type, &form, &changed); err != nil {
			return nil, err
		}
		plain, err := t.columns.open("form", u.ID, form)
		if err != nil {
			return nil, fmt.Errorf("reading an unfinished form: %w", err)
		}
		u.Form, u.ChangedAt = plain, instant(changed)
		return &u, nil
	}, `SELECT id, person, type, form, changed_at FROM unfinished WHERE person = ? ORDER BY changed_at DESC, id`, person)
}

// DropUnfinished forgets a form of a person.
func (t *Tx) DropUnfinished(person, id string) error {
	return t.exec(`DELETE FROM unfinished WHERE person = ? AND id = ?`, person, id)
}
