package store

import (
	"context"
	"errors"
	"fmt"
)

// What is deleted is overwritten in the pages that stay in use, as each transaction writes them (secure_delete). That is not
// enough: whole pages that become free keep what stood in them, so does the log beside the file, and when SQLite moves rows
// from one page to another it leaves copies behind in room that it takes for empty. A test has found these. Wipe writes the
// whole file anew from the rows that are there.

// errReading says that somebody read for so long that the log could not be cut.
var errReading = errors.New("the log of the database is being read")

// Wipe leaves no byte of what was deleted before in the file or in its log. Whoever writes waits meanwhile, about as long as
// copying the file takes, and the disk needs room for two more of it: it is for once in a while, and for several deletions
// together.
func (s *Store) Wipe(ctx context.Context) error {
	if err := s.update(ctx, s.wipes, nil); err != nil {
		return fmt.Errorf("overwriting what was deleted: %w", err)
	}
	return nil
}

// wipe is the writer's part, between two groups of transactions.
func (s *Store) wipe() error {
	if s.isBroken() {
		return ErrSync
	}
	ctx := context.Background()
	run := func(query string) error {
		_, err := s.writer.sql.ExecContext(ctx, query)
		return err
	}
	// The copy on the way is larger than memory may be. It is a file without a name, and holds only what is not deleted.
	err := run("PRAGMA temp_store = FILE")
	if err == nil {
		err = run("VACUUM")
	}
	if err := errors.Join(err, run("PRAGMA temp_store = MEMORY")); err != nil {
		return err
	}
	var busy, frames, done int
	if err := s.writer.sql.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done); err != nil {
		return err
	}
	if busy != 0 {
		return errReading
	}
	return nil
}
