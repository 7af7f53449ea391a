package register

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite": SQLite in pure Go
)

//go:embed schema.sql
var schemaSQL string

// What stands in the header of the file: whose it is, and of which version. Another is refused, never guessed at.
const (
	applicationID = 0x434d5052 // "CMPR"
	schemaVersion = 1
)

// DefaultMaxFeedAge is a nightly feed and two hours.
const DefaultMaxFeedAge = 26 * time.Hour

// Config says where the register is.
type Config struct {
	Path       string // of the database
	KeyPath    string // of the key file: 32 random bytes, readable by its owner alone
	Now        func() time.Time
	MaxFeedAge time.Duration // DefaultMaxFeedAge where 0
}

// Why a register cannot be used.
var (
	ErrMissing    = errors.New("the register's file is missing")
	ErrExists     = errors.New("there is a register already")
	ErrInUse      = errors.New("the register is in use by another process")
	ErrKeyOpen    = errors.New("the register's key can be read by others")
	ErrKeySize    = errors.New("the register's key has the wrong length")
	ErrForeignKey = errors.New("the key is not this register's")
	ErrNotOurs    = errors.New("the file is not a protection register of this version")
	ErrCorrupt    = errors.New("the register is damaged or was changed by another program")
	ErrClosed     = errors.New("the register is closed")
)

// Create makes an empty register, and its key unless the key file is there already. The register is not fresh before its first
// feed: until then everybody's status is unknown.
func Create(ctx context.Context, c Config) (*Register, error) {
	if _, err := os.Stat(c.Path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("creating register %s: %w", filepath.Base(c.Path), errors.Join(ErrExists, err))
	}
	if _, err := os.Stat(c.KeyPath); errors.Is(err, fs.ErrNotExist) {
		if err := writeNewKey(c.KeyPath); err != nil {
			return nil, err
		}
	}
	r, err := lockRegister(c)
	if err != nil {
		return nil, fmt.Errorf("creating register %s: %w", filepath.Base(c.Path), err)
	}
	if err := r.create(ctx); err != nil {
		r.Close()
		return nil, fmt.Errorf("creating register %s: %w", filepath.Base(c.Path), err)
	}
	return r, nil
}

// Open opens a register that was created before, checks the whole of it and reads it into memory. Each of the errors above
// means that the caller knows nothing about anybody.
func Open(ctx context.Context, c Config) (*Register, error) {
	r, err := lockRegister(c)
	if err != nil {
		return nil, fmt.Errorf("opening register %s: %w", filepath.Base(c.Path), err)
	}
	if err := r.openExisting(ctx); err != nil {
		r.Close()
		return nil, fmt.Errorf("opening register %s: %w", filepath.Base(c.Path), err)
	}
	return r, nil
}

func lockRegister(c Config) (*Register, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxFeedAge == 0 {
		c.MaxFeedAge = DefaultMaxFeedAge
	}
	k, err := readKeys(c.KeyPath)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(c.Path + ".lock")
	if err != nil {
		return nil, err
	}
	return &Register{config: c, keys: k, lock: lock, writing: newGate(), changed: make(chan struct{})}, nil
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

func (r *Register) create(ctx context.Context) error {
	file, err := os.OpenFile(r.config.Path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Close(), r.fill(ctx)); err != nil {
		return errors.Join(err, os.Remove(r.config.Path)) // half a register would be in the way of the next attempt
	}
	return r.load(ctx)
}

// fill makes the tables of a new register.
func (r *Register) fill(ctx context.Context) error {
	if err := r.connect(); err != nil {
		return err
	}
	return r.transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, schemaSQL); err != nil {
			return fmt.Errorf("creating tables: %w", err)
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, schemaVersion))
		if err != nil {
			return err
		}
		return r.writeLedger(ctx, tx, ledger{})
	})
}

func (r *Register) openExisting(ctx context.Context) error {
	info, err := os.Stat(r.config.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ErrMissing
	case err != nil:
		return err
	case !info.Mode().IsRegular() || info.Size() == 0:
		return ErrNotOurs
	}
	if err := r.connect(); err != nil {
		return err
	}
	return r.load(ctx)
}

func (r *Register) connect() error {
	db, err := sql.Open("sqlite", "file:"+r.config.Path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+
		"&_pragma=busy_timeout(1000)&_pragma=trusted_schema(OFF)&_pragma=cell_size_check(ON)&_txlock=immediate")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	r.db = db
	return nil
}

// checkFile sees that the file is a register and that SQLite finds it whole.
func (r *Register) checkFile(ctx context.Context) error {
	var application, version int
	if err := r.db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&application); err != nil {
		return damaged(ctx, err)
	}
	if err := r.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return damaged(ctx, err)
	}
	if application != applicationID || version != schemaVersion {
		return ErrNotOurs
	}
	var verdict string
	if err := r.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return damaged(ctx, err)
	}
	if verdict != "ok" {
		return ErrCorrupt
	}
	return nil
}

// damaged says of a failed read what it means. Its text stays out: it can name what is in the file.
func damaged(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, ErrForeignKey) || errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotOurs) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// identity of the file on disk as we left it.
type fileState struct {
	device, inode uint64
	size          int64
	written       time.Time
}

func stateOf(path string) (fileState, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}, err
	}
	s := fileState{size: info.Size(), written: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.device, s.inode = uint64(sys.Dev), sys.Ino
	}
	return s, nil
}
