package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"filippo.io/age"

	"comity/agent/backup"
	"comity/agent/register"
	"comity/agent/store"
	"comity/pki"
	"comity/schemas"
)

// Why a backup is not restored.
var (
	ErrRestoreOver  = errors.New("there is a database already, and a restore overwrites nothing")
	ErrRestoreOther = errors.New("the backup is another authority's")
)

// Restored says what was restored.
type Restored struct {
	Authority schemas.AuthorityID
	MadeAt    time.Time
	Register  bool // the backup holds the protection register
	Trust     bool // the trust documents of the backup were taken: there were none
}

// CheckBackup reads a backup and proves that the keys of this authority open all of it. It changes nothing.
func CheckBackup(ctx context.Context, c Config, r io.Reader, now func() time.Time, identities ...age.Identity) (Restored, error) {
	dir, err := roomIn(c)
	if err != nil {
		return Restored{}, fmt.Errorf("checking a backup: %w", err)
	}
	defer os.RemoveAll(dir)
	restored, err := unpack(ctx, c, r, dir, now, identities)
	if err != nil {
		return restored, fmt.Errorf("checking a backup: %w", err)
	}
	return restored, nil
}

// Restore puts the databases of a backup in their places, which must be empty. The agent must not run. When it starts it
// knows that its database is an old one.
//
//  1. Nothing stands where the databases are to be.
//  2. Unpack beside them, and prove all of it with the keys that are here.
//  3. Move into place, the agent's own database last: without it there is no agent.
func Restore(ctx context.Context, c Config, r io.Reader, now func() time.Time, identities ...age.Identity) (Restored, error) {
	if err := checkEmpty(c); err != nil {
		return Restored{}, fmt.Errorf("restoring: %w", err)
	}
	dir, err := roomIn(c)
	if err != nil {
		return Restored{}, fmt.Errorf("restoring: %w", err)
	}
	defer os.RemoveAll(dir)
	restored, err := unpack(ctx, c, r, dir, now, identities)
	if err == nil {
		restored.Trust, err = install(c, dir, restored.Register)
	}
	if err != nil {
		return restored, fmt.Errorf("restoring: %w", err)
	}
	return restored, nil
}

// MarkRestored tells a database that was put in its place by other means, such as from a copy of the disk, that it is an old
// one. The agent must not run.
func MarkRestored(ctx context.Context, c Config, now func() time.Time) error {
	columns, err := store.ReadColumns(c.Keys.Store)
	if err != nil {
		return err
	}
	path := filepath.Join(c.Data, "agent.db")
	if _, err := os.Stat(path); err != nil {
		return err
	}
	db, err := store.Open(ctx, path, columns)
	if err != nil {
		return err
	}
	return errors.Join(db.Update(ctx, func(tx *store.Tx) error { return tx.MarkCopy(now()) }), db.Close())
}

// roomIn is a new folder on the disk of the data, which the next start clears if we do not.
func roomIn(c Config) (string, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(c.Data, backupDir+"*")
}

// noticeRestore begins to make up for what is missing where the database is a copy of an older time.
func (a *Agent) noticeRestore(ctx context.Context) error {
	if err := a.store.Update(ctx, a.noticeCopy); err != nil {
		return err
	}
	return a.noteRecalls(ctx)
}

// noticeCopy tells an officer that the database is an old one, and begins to compare with every peer.
func (a *Agent) noticeCopy(tx *store.Tx) error {
	copied, err := tx.CopiedAt()
	if err != nil || copied.IsZero() {
		return err
	}
	return errors.Join(
		a.raise(tx, AlarmRestored, "", "as of "+copied.UTC().Format(time.RFC3339)),
		a.recallAll(tx, store.WhyRestored),
	)
}

func checkEmpty(c Config) error {
	places := []string{filepath.Join(c.Data, "agent.db")}
	if c.Register.Path != "" {
		places = append(places, c.Register.Path)
	}
	for _, place := range places {
		for _, suffix := range []string{"", "-wal", "-journal"} {
			if _, err := os.Lstat(place + suffix); !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("%s: %w", place+suffix, errors.Join(ErrRestoreOver, err))
			}
		}
	}
	return nil
}

// unpack reads the backup into dir and opens everything in it, as the agent will.
func unpack(ctx context.Context, c Config, r io.Reader, dir string, now func() time.Time, identities []age.Identity) (Restored, error) {
	manifest, err := backup.Read(r, dir, identities...)
	restored := Restored{Authority: manifest.Authority, MadeAt: manifest.MadeAt, Register: manifest.Has(backup.RegisterPart)}
	if err != nil {
		return restored, err
	}
	if manifest.Authority != c.Authority {
		return restored, fmt.Errorf("%w: of %s, and this is %s", ErrRestoreOther, manifest.Authority, c.Authority)
	}
	columns, err := store.ReadColumns(c.Keys.Store)
	if err != nil {
		return restored, err
	}
	db, err := store.Open(ctx, filepath.Join(dir, backup.AgentPart), columns)
	if err != nil {
		return restored, err
	}
	if err := errors.Join(db.Prove(ctx), db.Close()); err != nil {
		return restored, err
	}
	if restored.Register {
		if c.Register.Path == "" {
			return restored, errors.New("the backup holds a protection register, and agent.toml names no place for one")
		}
		kept, err := register.Open(ctx, register.Config{Path: filepath.Join(dir, backup.RegisterPart), KeyPath: c.Register.Key, Now: now})
		if err != nil {
			return restored, err
		}
		if err := kept.Close(); err != nil {
			return restored, err
		}
	}
	if _, err := pki.OpenKeeper(filepath.Join(dir, "trust"), c.Pin, now); err != nil {
		return restored, err
	}
	return restored, nil
}

// install moves what unpack has proved. Trust documents that are here already are as good or better, and stay.
func install(c Config, dir string, withRegister bool) (trust bool, err error) {
	kept := filepath.Join(c.Data, "trust")
	if _, err := os.Lstat(kept); errors.Is(err, os.ErrNotExist) {
		if err := os.Rename(filepath.Join(dir, "trust"), kept); err != nil {
			return false, err
		}
		trust = true
	}
	if withRegister {
		if err := os.MkdirAll(filepath.Dir(c.Register.Path), 0o700); err != nil {
			return trust, err
		}
		if err := move(filepath.Join(dir, backup.RegisterPart), c.Register.Path); err != nil {
			return trust, err
		}
	}
	return trust, move(filepath.Join(dir, backup.AgentPart), filepath.Join(c.Data, "agent.db"))
}

// move gives a file its place at once, also where that is on another disk.
func move(from, to string) error {
	err := os.Rename(from, to)
	if errors.Is(err, syscall.EXDEV) {
		beside := to + ".new"
		if err = copyFile(from, beside); err == nil {
			err = os.Rename(beside, to)
		}
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close())
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
