package store

import (
	"fmt"
	"time"

	"comity/schemas"
)

// Translation is an order of a translation and, once it is done, the translation.
type Translation struct {
	ID        string // of the order
	Of        Key
	Language  string
	Certified bool
	DueOn     schemas.Date
	OrderedBy string
	OrderedAt time.Time
	DoneBy    string
	DoneAt    time.Time // zero while it is open
	MediaType string
	SHA256    Hash
	Content   []byte // of what was received; nil of a draft, whose file it is, and once it is erased
}

// PutTranslation writes an order, new or done.
func (t *Tx) PutTranslation(o *Translation) error {
	return t.exec(`INSERT INTO translation (id, sender, message, language, certified, due_on, ordered_by, ordered_at, done_by, done_at, media_type, sha256, content)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET done_by = excluded.done_by, done_at = excluded.done_at,
		media_type = excluded.media_type, sha256 = excluded.sha256, content = excluded.content`,
		o.ID, o.Of.Sender, o.Of.ID, o.Language, o.Certified, o.DueOn, o.OrderedBy, millis(o.OrderedAt), o.DoneBy, millis(o.DoneAt), o.MediaType,
		o.SHA256[:], t.columns.seal("translation", o.ID, o.Content))
}

// Translation reads an order, or ErrNotFound.
func (t *Tx) Translation(id string) (*Translation, error) {
	found, err := t.translations(`WHERE id = ?`, id)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// TranslationsOf lists the translations of a message, open ones included.
func (t *Tx) TranslationsOf(k Key) ([]*Translation, error) {
	return t.translations(`WHERE sender = ? AND message = ? ORDER BY ordered_at, id`, k.Sender, k.ID)
}

// OpenTranslations lists at most limit orders that are not done, the most urgent first.
func (t *Tx) OpenTranslations(limit int) ([]*Translation, error) {
	return t.translations(`WHERE done_at = 0 ORDER BY due_on, id LIMIT ?`, limit)
}

// ForgetTranslations erases the text of the translations of a message.
func (t *Tx) ForgetTranslations(k Key) error {
	return t.exec(`UPDATE translation SET content = NULL WHERE sender = ? AND message = ?`, k.Sender, k.ID)
}

// proveTranslations opens every translation, some at a time.
func (t *Tx) proveTranslations() error {
	last := ""
	for {
		some, err := t.translations(`WHERE id > ? ORDER BY id LIMIT 100`, last)
		if err != nil || len(some) == 0 {
			return err
		}
		last = some[len(some)-1].ID
	}
}

func (t *Tx) translations(where string, args ...any) ([]*Translation, error) {
	return collect(t, func(s scanner) (*Translation, error) {
		var o Translation
		var ordered, done int64
		var hash, content []byte
		err := s.Scan(&o.ID, &o.Of.Sender, &o.Of.ID, &o.Language, &o.Certified, &o.DueOn, &o.OrderedBy, &ordered, &o.DoneBy, &done, &o.MediaType, &hash, &content)
		if err != nil {
			return nil, err
		}
		o.OrderedAt, o.DoneAt = instant(ordered), instant(done)
		copy(o.SHA256[:], hash)
		if o.Content, err = t.columns.open("translation", o.ID, content); err != nil {
			return nil, fmt.Errorf("reading translation %s: %w", o.ID, err)
		}
		return &o, nil
	}, `SELECT id, sender, message, language, certified, due_on, ordered_by, ordered_at, done_by, done_at, media_type, sha256, content FROM translation `+where, args...)
}
