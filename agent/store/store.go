package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite": SQLite in pure Go
)

// Limits of the group commit.
const (
	queueLength = 1024                  // transactions that may wait for the writer; more callers block
	groupSize   = 256                   // transactions that share one sync at the most
	companyWait = 10 * time.Millisecond // of one that is in no hurry, for another to share the sync
	readers     = 4
)

// ErrInUse says that another process holds the database: one active agent per authority.
var ErrInUse = errors.New("database is in use by another agent")

// ErrDamaged says that the file is not as SQLite left it.
var ErrDamaged = errors.New("the database is damaged: restore a backup")

// ErrClosed is returned for work that arrives after Close.
var ErrClosed = errors.New("store is closed")

// Store is the open database. It is safe for concurrent use.
type Store struct {
	columns *Columns
	lock    *os.File
	read    *sql.DB
	write   *sql.DB

	writer  *connection      // of the goroutine that commits
	readers chan *connection // those that nobody uses now
	reading int              // how many there are

	queue  chan job
	soon   chan job      // of those that are in no hurry
	wipes  chan job      // of Wipe, each by itself
	closed chan struct{} // closed by Close: no new work
	done   chan struct{} // closed when the writer has ended
	ending sync.Once
	ended  error // what Close returned

	path      string
	condition condition
	edges     *edges // of the logs, as they are on disk: the writer's own
}

// job is one caller's transaction on its way to the writer.
type job struct {
	ctx  context.Context
	work func(*Tx) error
	done chan error
}

// Open opens or creates the database at path, readable by its owner alone, and brings its schema up to date.
// It returns ErrInUse while another process has it open.
func Open(ctx context.Context, path string, columns *Columns) (*Store, error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", filepath.Base(path), err)
	}
	s := &Store{
		columns: columns, lock: lock,
		readers: make(chan *connection, readers), queue: make(chan job, queueLength), soon: make(chan job, queueLength), wipes: make(chan job), closed: make(chan struct{}), done: make(chan struct{}),
		path: path, condition: condition{broken: make(chan struct{})},
		edges: newEdges(nil),
	}
	if err := s.open(ctx, path); err != nil {
		s.release()
		if s.faultOf(err) == FaultDamaged {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil, fmt.Errorf("opening %s: %w", filepath.Base(path), err)
	}
	go s.commitGroups()
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	// The log is copied into the file after so many pages, and a group of transactions fits into the cache: a page that many
	// messages change is then written once for all of them. What a savepoint would restore is kept in memory.
	const pragmas = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)" +
		"&_pragma=busy_timeout(5000)&_pragma=trusted_schema(OFF)" +
		"&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-8192)&_pragma=temp_store(MEMORY)&_pragma=secure_delete(FAST)&_txlock="
	if s.write, err = sql.Open("sqlite", "file:"+path+pragmas+"immediate"); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", "file:"+path+pragmas+"deferred&_pragma=query_only(ON)"); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	if err := migrate(ctx, s.write); err != nil {
		return err
	}
	if err := settle(ctx, s.write); err != nil {
		return err
	}
	if s.writer, err = connect(ctx, s.write); err != nil {
		return err
	}
	for range readers {
		reader, err := connect(ctx, s.read)
		if err != nil {
			return err
		}
		s.readers <- reader
		s.reading++
	}
	return nil
}

// settle writes into the file what stands in the log beside it, and syncs it. After a sync that failed, the log may hold
// transactions whose callers were told that they had failed: now they are on disk or the opening fails.
func settle(ctx context.Context, db *sql.DB) error {
	var busy, frames, done int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done); err != nil {
		return fmt.Errorf("settling the log: %w", err)
	}
	if busy != 0 {
		return fmt.Errorf("settling the log: %w", ErrInUse)
	}
	return nil
}

// lockFile takes an exclusive advisory lock that the kernel drops with the process, so that kill -9 leaves none behind.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return file, nil
}

// Close waits for the transactions that were accepted, then closes the file and gives up the lock.
func (s *Store) Close() error {
	s.ending.Do(func() {
		close(s.closed)
		<-s.done
		s.ended = s.release()
	})
	return s.ended
}

// release waits for those who read.
func (s *Store) release() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	for range s.reading {
		errs = append(errs, (<-s.readers).close())
	}
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// Update runs work in a transaction and returns once it is synced to disk, or its error with nothing changed.
// Callers that arrive together share one sync. work runs on the only writer: it must not wait for anything, and must not
// call Update. When ctx ends while the transaction waits, Update returns ctx's error and work does not run; once it
// runs it is committed whatever ctx does, and Update reports how that ended.
func (s *Store) Update(ctx context.Context, work func(*Tx) error) error {
	return s.update(ctx, s.queue, work)
}

// UpdateSoon is Update for what nobody waits for: it may take some hundredths of a second longer, so that another transaction
// pays for the sync.
func (s *Store) UpdateSoon(ctx context.Context, work func(*Tx) error) error {
	return s.update(ctx, s.soon, work)
}

func (s *Store) update(ctx context.Context, queue chan<- job, work func(*Tx) error) error {
	j := job{ctx: ctx, work: work, done: make(chan error, 1)}
	select {
	case <-s.closed:
		return ErrClosed
	default:
	}
	select {
	case queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return ErrClosed
	}
	select {
	case err := <-j.done:
		return err
	case <-s.done:
	}
	select { // the writer ended: it either took this job just before, or never will
	case err := <-j.done:
		return err
	default:
		return ErrClosed
	}
}

// View runs work on one consistent snapshot of what is committed. It never waits for the writer.
func (s *Store) View(ctx context.Context, work func(*Tx) error) error {
	select {
	case <-s.closed:
		return ErrClosed
	case <-s.condition.broken:
		return ErrSync
	default:
	}
	var reader *connection
	select {
	case reader = <-s.readers:
	case <-s.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.readers <- reader }()
	return reader.transaction(ctx, beginReading, func() error {
		return work(&Tx{ctx: ctx, sql: reader, columns: s.columns, edges: newEdges(nil)})
	})
}
