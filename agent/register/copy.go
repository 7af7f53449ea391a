package register

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// Copy writes the register as it is now to a new file, for a backup; the key is not in it. The copy has not been fed: when
// it is used, it will be older than its feed says, and a person who came under protection meanwhile must not be taken for
// one who is not. So everybody's status is unknown there until the next feed.
func (r *Register) Copy(ctx context.Context, path string) error {
	if _, err := r.current(ctx); err != nil {
		return fmt.Errorf("copying register: %w", err)
	}
	if err := r.copyTo(ctx, path); err != nil {
		return fmt.Errorf("copying register: %w", errors.Join(err, os.RemoveAll(path)))
	}
	return nil
}

func (r *Register) copyTo(ctx context.Context, path string) error {
	if _, err := r.db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_pragma=trusted_schema(OFF)")
	if err != nil {
		return err
	}
	to := &Register{config: r.config, keys: r.keys, db: db}
	if err := errors.Join(to.unfeed(ctx), db.Close()); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// unfeed takes back that there was a feed.
func (r *Register) unfeed(ctx context.Context) error {
	l, err := r.readLedger(ctx)
	if err != nil {
		return err
	}
	l.Fed = ledger{}.Fed
	return r.transact(ctx, func(tx *sql.Tx) error { return r.writeLedger(ctx, tx, l) })
}
