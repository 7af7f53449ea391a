package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"
)

// Mark is something that the database says about itself. The set is closed.
type Mark string

// MarkCopied is when this file was copied from the one that was in use, by Copy: whoever opens it holds an older state of
// things than peers do, by whatever way it came to its place.
const MarkCopied Mark = "copied-at"

// MarkWipe says that something was erased outside an Erasure and that its bytes may be on the disk until Wipe.
const MarkWipe Mark = "wipe"

const copyTime = time.RFC3339Nano

// CopiedAt is the time of MarkCopied, zero where the file is no copy.
func (t *Tx) CopiedAt() (time.Time, error) {
	var value string
	err := t.row([]any{&value}, `SELECT value FROM mark WHERE name = ?`, MarkCopied)
	if errors.Is(err, ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(copyTime, value)
}

// MarkCopy says that the file holds an older state, which peers had to tell: nobody knows since when.
func (t *Tx) MarkCopy(at time.Time) error {
	if err := t.exec(`DELETE FROM recall WHERE done_at > 0`); err != nil { // of an earlier time than this one
		return err
	}
	return t.exec(`INSERT OR IGNORE INTO mark (name, value) VALUES (?, ?)`, MarkCopied, at.UTC().Format(copyTime))
}

// ForgetCopy ends MarkCopied: the file is the one in use now.
func (t *Tx) ForgetCopy() error { return t.exec(`DELETE FROM mark WHERE name = ?`, MarkCopied) }

// Copy writes the database as it is now to a new file, while it is in use, and marks the copy as one. The copy is durable
// when Copy returns nil.
func (s *Store) Copy(ctx context.Context, path string, now time.Time) error {
	if s.isBroken() {
		return ErrSync
	}
	if err := s.copyTo(ctx, path, now); err != nil {
		return fmt.Errorf("copying the database: %w", errors.Join(err, os.RemoveAll(path)))
	}
	return nil
}

func (s *Store) copyTo(ctx context.Context, path string, now time.Time) error {
	// A connection of its own: it reads one snapshot, however long that takes, and holds up nobody.
	from, err := sql.Open("sqlite", "file:"+s.path+"?_pragma=busy_timeout(5000)&_pragma=trusted_schema(OFF)")
	if err != nil {
		return err
	}
	defer from.Close()
	if _, err := from.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	to, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_pragma=trusted_schema(OFF)")
	if err != nil {
		return err
	}
	_, err = to.ExecContext(ctx, `INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)`, MarkCopied, now.UTC().Format(copyTime))
	if err == nil { // whoever goes on from the copy compares anew
		_, err = to.ExecContext(ctx, `DELETE FROM recall; DELETE FROM vouched; DELETE FROM lost`)
	}
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	return syncFile(path)
}

func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// Prove reads the whole database: that SQLite finds it sound, and that this key opens every column that is sealed.
func (s *Store) Prove(ctx context.Context) error {
	return s.View(ctx, func(tx *Tx) error {
		var verdict string
		if err := tx.row([]any{&verdict}, "PRAGMA integrity_check(1)"); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if verdict != "ok" {
			return ErrDamaged
		}
		const page = 500
		last := Key{}
		for {
			some, err := tx.messages(`WHERE (sender, id) > (?, ?) ORDER BY sender, id LIMIT ?`, last.Sender, last.ID, page)
			if err != nil {
				return fmt.Errorf("reading every message: %w", err)
			}
			if len(some) == 0 {
				break
			}
			last = some[len(some)-1].Key
		}
		if err := tx.provePapers(); err != nil {
			return fmt.Errorf("reading every letter: %w", err)
		}
		if err := tx.proveTranslations(); err != nil {
			return fmt.Errorf("reading every translation: %w", err)
		}
		accounts, err := tx.Accounts()
		for _, a := range accounts {
			if err == nil {
				_, err = tx.Passkeys(a.Name)
			}
		}
		if err != nil {
			return fmt.Errorf("reading every account: %w", err)
		}
		_, err = tx.Webhooks()
		return err
	})
}
