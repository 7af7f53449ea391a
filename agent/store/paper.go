package store

import (
	"fmt"
	"time"

	"comity/schemas"
)

// Paper is what is known of the way of a message on paper. Nothing of it is signed.
type Paper struct {
	Key
	Means       string // closed set: how it was given away, or came
	Person      string // who printed or registered it
	At          time.Time
	Letter      []byte // of ours, exactly as it was printed; nil once it is erased, and of a peer's
	SHA256      Hash   // of Letter
	Dated       schemas.Date
	ReceivedOn  schemas.Date
	NationalRef string
}

// PutPaper writes what is known of the way of a message, once.
func (t *Tx) PutPaper(p *Paper) error {
	row := reviewRow(p.Key)
	return t.exec(`INSERT INTO paper (sender, id, means, person, at, letter, sha256, dated, received_on, national_ref) VALUES (?,?,?,?,?,?,?,?,?,?)`,
		p.Sender, p.ID, p.Means, p.Person, millis(p.At), t.columns.seal("letter", row, p.Letter), p.SHA256[:], p.Dated, p.ReceivedOn,
		t.columns.seal("national_ref", row, []byte(p.NationalRef)))
}

// Paper reads what is known of the way of a message, or ErrNotFound.
func (t *Tx) Paper(k Key) (*Paper, error) {
	found, err := t.papers(`WHERE sender = ? AND id = ?`, k.Sender, k.ID)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// ForgetLetter erases the text of a letter. Its hash stays: it proves that there was one, and not what.
func (t *Tx) ForgetLetter(k Key) error {
	return t.exec(`UPDATE paper SET letter = NULL WHERE sender = ? AND id = ?`, k.Sender, k.ID)
}

// LastPaper is the highest place of a message on paper from sender to recipient, 0 where there is none.
func (t *Tx) LastPaper(sender, recipient schemas.AuthorityID) (uint64, error) {
	var last int64
	err := t.row([]any{&last}, `SELECT coalesce(max(paper), 0) FROM message WHERE sender = ? AND recipient = ? AND paper > 0`, sender, recipient)
	return uint64(last), err
}

// PapersAfter reads at most limit papers, by their keys, behind one.
func (t *Tx) PapersAfter(last Key, limit int) ([]*Paper, error) {
	return t.papers(`WHERE (sender, id) > (?, ?) ORDER BY sender, id LIMIT ?`, last.Sender, last.ID, limit)
}

// provePapers opens every letter, some at a time.
func (t *Tx) provePapers() error {
	last := Key{}
	for {
		some, err := t.PapersAfter(last, 500)
		if err != nil || len(some) == 0 {
			return err
		}
		last = some[len(some)-1].Key
	}
}

func (t *Tx) papers(where string, args ...any) ([]*Paper, error) {
	return collect(t, func(s scanner) (*Paper, error) {
		var p Paper
		var at int64
		var letter, hash, ref []byte
		err := s.Scan(&p.Sender, &p.ID, &p.Means, &p.Person, &at, &letter, &hash, &p.Dated, &p.ReceivedOn, &ref)
		if err != nil {
			return nil, err
		}
		p.At = instant(at)
		copy(p.SHA256[:], hash)
		if p.Letter, err = t.columns.open("letter", reviewRow(p.Key), letter); err != nil {
			return nil, fmt.Errorf("reading the letter of message %s: %w", p.ID, err)
		}
		plain, err := t.columns.open("national_ref", reviewRow(p.Key), ref)
		if err != nil {
			return nil, fmt.Errorf("reading the reference of message %s: %w", p.ID, err)
		}
		p.NationalRef = string(plain)
		return &p, nil
	}, `SELECT sender, id, means, person, at, letter, sha256, dated, received_on, national_ref FROM paper `+where, args...)
}
