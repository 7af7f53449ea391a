package register

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Register is the open register. It is safe for concurrent use: look-ups read a snapshot in memory and wait for nobody.
type Register struct {
	config Config
	keys   *keys
	lock   *os.File
	db     *sql.DB

	snapshot atomic.Pointer[snapshot] // nil: not open, or found damaged

	writing gate // one change at a time; guards what follows
	ledger  ledger
	closed  bool

	signal  sync.Mutex // guards changed
	changed chan struct{}
}

// snapshot is all that a look-up needs. It is replaced, never changed.
type snapshot struct {
	index *index
	fed   time.Time
	file  fileState // as we left it
}

// gate lets one in at a time, and lets go of who cannot wait.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }

// Close gives up the file and its lock.
func (r *Register) Close() error {
	r.writing <- struct{}{}
	defer r.writing.leave()
	if r.closed {
		return nil
	}
	r.closed = true
	r.snapshot.Store(nil)
	var err error
	if r.db != nil {
		err = r.db.Close()
	}
	return errors.Join(err, r.lock.Close())
}

// Changed returns a channel that is closed at the next change: an import, a put, a label, a decision of two. Take it again
// afterwards, and before reading what is there.
func (r *Register) Changed() <-chan struct{} {
	r.signal.Lock()
	defer r.signal.Unlock()
	return r.changed
}

func (r *Register) tell() {
	r.signal.Lock()
	defer r.signal.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
}

// transact runs work in a transaction. An error of the commit leaves it open whether anything is on the disk.
func (r *Register) transact(ctx context.Context, work func(*sql.Tx) error) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // no effect after Commit
	if err := work(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		r.snapshot.Store(nil) // to be read again
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// load reads the whole file into memory and proves it.
func (r *Register) load(ctx context.Context) error {
	if err := r.checkFile(ctx); err != nil {
		return err
	}
	l, err := r.readLedger(ctx)
	if err != nil {
		return err
	}
	entries, err := r.readEntries(ctx, l)
	if err != nil {
		return err
	}
	distinctions, err := r.readDistinctions(ctx)
	if err != nil {
		return err
	}
	r.ledger = l
	return r.publish(ctx, r.keys.newIndex(entries, distinctions))
}

// publish makes an index the one that look-ups read. The log is emptied into the file first, so that the file does not change
// again until we change it.
func (r *Register) publish(ctx context.Context, ix *index) error {
	if _, err := r.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		r.snapshot.Store(nil)
		return damaged(ctx, err)
	}
	file, err := stateOf(r.config.Path)
	if err != nil {
		r.snapshot.Store(nil)
		return err
	}
	r.snapshot.Store(&snapshot{index: ix, fed: r.ledger.Fed, file: file})
	return nil
}

func (r *Register) readEntries(ctx context.Context, l ledger) ([]*entry, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT id, ref, codes, record FROM entry ORDER BY id")
	if err != nil {
		return nil, damaged(ctx, err)
	}
	defer rows.Close()
	entries := make([]*entry, 0, l.Rows)
	var sum ledger
	for rows.Next() {
		var id string
		var ref, codes, record sql.RawBytes
		if err := rows.Scan(&id, &ref, &codes, &record); err != nil {
			return nil, damaged(ctx, err)
		}
		if len(ref) != len(digest{}) {
			return nil, ErrCorrupt
		}
		e, err := r.keys.openEntry(sealedRow{id: EntryID(id), ref: digest(ref), codes: codes, record: record})
		if err != nil {
			return nil, err
		}
		sum.roll(e.row)
		entries = append(entries, &e)
	}
	if err := rows.Err(); err != nil {
		return nil, damaged(ctx, err)
	}
	if sum.Roll != l.Roll || len(entries) != l.Rows {
		return nil, fmt.Errorf("%w: its rows are not those that were written", ErrCorrupt)
	}
	return entries, nil
}

// State is what can be said of the register without asking about a person.
type State struct {
	Entries   int       // in force now
	Expired   int       // whose last day has passed
	Labelled  int       // of Entries: protected by another State's label
	Decisions int       // "not the same person", in force
	Fed       time.Time // when the newest feed was made; zero: there was none
	Fresh     bool
}

// State checks the file and counts.
func (r *Register) State(ctx context.Context) (State, error) {
	s, err := r.current(ctx)
	if err != nil {
		return State{}, err
	}
	if err := r.writing.enter(ctx); err != nil {
		return State{}, err
	}
	defer r.writing.leave()
	if r.closed {
		return State{}, ErrClosed
	}
	if err := r.checkFile(ctx); err != nil {
		return State{}, fmt.Errorf("checking register: %w", err)
	}
	now := r.config.Now()
	state := State{Fed: s.fed, Fresh: r.fresh(s, now), Decisions: len(s.index.distinctions)}
	for _, e := range s.index.byID {
		switch {
		case e.expired(now):
			state.Expired++
			continue
		case e.card.Status == Labelled:
			state.Labelled++
		}
		state.Entries++
	}
	return state, nil
}

// maxClockSkew is how far in our future a feed may have been made.
const maxClockSkew = 5 * time.Minute

func (r *Register) fresh(s *snapshot, now time.Time) bool {
	return !s.fed.IsZero() && now.Sub(s.fed) < r.config.MaxFeedAge && s.fed.Sub(now) <= maxClockSkew
}

// current is the snapshot, once it is sure that the file is still the one that it was read from. A file that another program
// wrote is read and proved again, which fails unless nothing of it changed.
func (r *Register) current(ctx context.Context) (*snapshot, error) {
	if r == nil {
		return nil, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := r.snapshot.Load()
	if s != nil {
		if now, err := stateOf(r.config.Path); err == nil && now == s.file {
			return s, nil
		}
	}
	if err := r.writing.enter(ctx); err != nil {
		return nil, err
	}
	defer r.writing.leave()
	if r.closed {
		return nil, ErrClosed
	}
	s = r.snapshot.Load() // a change of ours may have ended meanwhile
	now, err := stateOf(r.config.Path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, ErrMissing
	case err != nil:
		return nil, fmt.Errorf("reading register: %w", err)
	case s != nil && now == s.file:
		return s, nil
	case s != nil && (now.inode != s.file.inode || now.device != s.file.device):
		return nil, fmt.Errorf("%w: another file stands in its place", ErrCorrupt)
	}
	if err := r.load(ctx); err != nil {
		r.snapshot.Store(nil)
		return nil, fmt.Errorf("reading register again: %w", err)
	}
	return r.snapshot.Load(), nil
}
