package register

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/schemas"
)

// filled is a register with three entries, closed.
func filled(t *testing.T) Config {
	t.Helper()
	r, _, config := newRegister(t)
	feed(t, r, whole+"\n"+row("alpha-01", `,"birth_date":"1999-08-07"`)+row("bravo-02", ""))
	if err := r.Label(t.Context(), named("TESTPERSON CHARLIE-03"), []schemas.StateCode{"QP"}, "QN/justice"); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return config
}

// tamper writes to a register's file behind its back.
func tamper(t *testing.T, config Config, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+config.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// TestOpenFaults: whatever is wrong with the files is an error that says so, and nothing can be looked up.
func TestOpenFaults(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, c *Config)
		want  error
	}{
		{"no file", func(t *testing.T, c *Config) { os.Remove(c.Path) }, ErrMissing},
		{"an empty file", func(t *testing.T, c *Config) { os.Truncate(c.Path, 0) }, ErrNotOurs},
		{"a text file", func(t *testing.T, c *Config) { os.WriteFile(c.Path, bytes.Repeat([]byte("text "), 2000), 0o600) }, ErrCorrupt},
		{"another database", func(t *testing.T, c *Config) { tamper(t, *c, "PRAGMA application_id = 7") }, ErrNotOurs},
		{"of a later version", func(t *testing.T, c *Config) { tamper(t, *c, "PRAGMA user_version = 2") }, ErrNotOurs},
		{"half a file", func(t *testing.T, c *Config) { truncate(t, c.Path) }, ErrCorrupt},
		{"a flipped bit", func(t *testing.T, c *Config) { flip(t, c.Path) }, ErrCorrupt},
		{"no key", func(t *testing.T, c *Config) { os.Remove(c.KeyPath) }, os.ErrNotExist},
		{"a key that others can read", func(t *testing.T, c *Config) { os.Chmod(c.KeyPath, 0o640) }, ErrKeyOpen},
		{"half a key", func(t *testing.T, c *Config) { os.WriteFile(c.KeyPath, make([]byte, 16), 0o600) }, ErrKeySize},
		{"another key", func(t *testing.T, c *Config) { os.WriteFile(c.KeyPath, make([]byte, 32), 0o600) }, ErrForeignKey},
		{"a row taken away", func(t *testing.T, c *Config) { tamper(t, *c, "DELETE FROM entry WHERE rowid = 2") }, ErrCorrupt},
		{"a row doubled", func(t *testing.T, c *Config) {
			tamper(t, *c, "INSERT INTO entry SELECT id || 'x', randomblob(16), codes, record FROM entry LIMIT 1")
		}, ErrCorrupt},
		{"a row of another", func(t *testing.T, c *Config) {
			tamper(t, *c, "UPDATE entry SET record = (SELECT record FROM entry ORDER BY rowid DESC LIMIT 1)")
		}, ErrCorrupt},
		{"a reference exchanged", func(t *testing.T, c *Config) { tamper(t, *c, "UPDATE entry SET ref = randomblob(16) WHERE rowid = 1") }, ErrCorrupt},
		{"no ledger", func(t *testing.T, c *Config) { tamper(t, *c, "DELETE FROM meta") }, ErrCorrupt},
		{"no tables", func(t *testing.T, c *Config) { tamper(t, *c, "DROP TABLE entry") }, ErrCorrupt},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := filled(t)
			test.spoil(t, &config)
			r, err := Open(t.Context(), config)
			if !errors.Is(err, test.want) || r != nil {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if strings.Contains(err.Error(), filepath.Dir(config.Path)) {
				t.Errorf("the error shows where the register lies: %v", err)
			}
			if _, err := r.Look(t.Context(), Question{}); !errors.Is(err, ErrClosed) {
				t.Errorf("look: %v", err)
			}
		})
	}
}

func truncate(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

// flip turns one bit in the middle of a file, where the sealed columns lie.
func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := len(b) - 200; at > 0; at -= 97 { // somewhere that is not empty
		if b[at] != 0 && b[at-1] != 0 {
			b[at] ^= 1
			break
		}
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenAgain(t *testing.T) {
	config := filled(t)
	r, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := ask(t, r, named("TESTPERSON ECHO-05")); len(got) != 1 || got[0].Status != Pending || len(got[0].Consents) != 1 {
		t.Errorf("%+v", got)
	}
	if state, err := r.State(t.Context()); err != nil || state != (State{Entries: 4, Labelled: 1, Fed: noon, Fresh: true}) {
		t.Errorf("%+v, %v", state, err)
	}
	if _, err := Open(t.Context(), config); !errors.Is(err, ErrInUse) {
		t.Errorf("a second opener: %v", err)
	}
	if _, err := Create(t.Context(), config); !errors.Is(err, ErrExists) {
		t.Errorf("creating it again: %v", err)
	}
	for _, path := range []string{config.Path, config.KeyPath} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode of %s: %v, %v", filepath.Base(path), info.Mode(), err)
		}
	}
}

// TestCreateFails: a register that could not be made is not in the way of the next attempt.
func TestCreateFails(t *testing.T) {
	dir := t.TempDir()
	config := Config{Path: filepath.Join(dir, "register.db"), KeyPath: filepath.Join(dir, "register.key")}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Create(ctx, config); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	r, err := Create(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}

// TestFaultsInService: a register that loses or changes its file under way knows nothing any more, until the file is whole again.
func TestFaultsInService(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, c Config)
		want  error
	}{
		{"file removed", func(t *testing.T, c Config) { os.Remove(c.Path) }, ErrMissing},
		{"file replaced", func(t *testing.T, c Config) {
			b, err := os.ReadFile(c.Path)
			if err != nil {
				t.Fatal(err)
			}
			os.Remove(c.Path)
			os.WriteFile(c.Path, b, 0o600)
		}, ErrCorrupt},
		{"file overwritten", func(t *testing.T, c Config) {
			os.WriteFile(c.Path, bytes.Repeat([]byte{7}, 8192), 0o600)
		}, ErrCorrupt},
		{"a row taken away", func(t *testing.T, c Config) {
			tamper(t, c, "DELETE FROM entry WHERE rowid = 2; PRAGMA wal_checkpoint(TRUNCATE)")
		}, ErrCorrupt},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := filled(t)
			r, err := Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			ask(t, r, named("TESTPERSON ECHO-05"))
			test.spoil(t, config)
			if _, err := r.Look(t.Context(), Question{}); !errors.Is(err, test.want) {
				t.Errorf("look: %v, want %v", err, test.want)
			}
			if _, err := r.State(t.Context()); !errors.Is(err, test.want) {
				t.Errorf("state: %v, want %v", err, test.want)
			}
			if _, err := r.Put(t.Context(), Record{Ref: "x", Status: None, Identity: named("TESTPERSON XRAY-24")}); !errors.Is(err, test.want) {
				t.Errorf("put: %v, want %v", err, test.want)
			}
		})
	}
}

// TestTouched: a file that only looks changed is read again, and found whole.
func TestTouched(t *testing.T) {
	config := filled(t)
	r, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Chtimes(config.Path, noon, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, r, named("TESTPERSON ECHO-05")); len(got) != 1 {
		t.Fatalf("%+v", got)
	}
}

// TestFailedWrite: a change that fails leaves everything as it was, in memory and on the disk.
func TestFailedWrite(t *testing.T) {
	r, _, config := newRegister(t)
	feed(t, r, row("alpha-01", ""))
	ctx, cancel := context.WithCancel(t.Context())
	failing := &stopping{rows: []string{row("bravo-02", ""), row("charlie-03", "")}, stop: cancel}
	if _, err := r.Import(ctx, failing, Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	check := func(r *Register) {
		t.Helper()
		for name, want := range map[string]int{"ALPHA-01": 1, "BRAVO-02": 0, "CHARLIE-03": 0} {
			if got := ask(t, r, named("TESTPERSON "+name)); len(got) != want {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
	check(r)
	if _, err := r.Put(t.Context(), Record{Ref: "alpha-01", Status: Granted, Identity: named("TESTPERSON ALPHA-01")}); err != nil {
		t.Fatal(err)
	}
	r.Close()
	r, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	check(r)
}

// stopping is a feed whose reader gives up on the last row.
type stopping struct {
	rows []string
	stop func()
}

func (s *stopping) Read(p []byte) (int, error) {
	if len(s.rows) == 0 {
		s.stop()
		return 0, io.EOF
	}
	n := copy(p, s.rows[0])
	s.rows = s.rows[1:]
	return n, nil
}

// TestCommitInDoubt: when nobody knows whether a commit reached the disk, the file is read again.
func TestCommitInDoubt(t *testing.T) {
	r, _, _ := newRegister(t)
	feed(t, r, row("alpha-01", ""))
	err := r.transact(t.Context(), func(tx *sql.Tx) error { return tx.Rollback() })
	if err == nil || r.snapshot.Load() != nil {
		t.Fatalf("%v, snapshot %v", err, r.snapshot.Load())
	}
	if got := ask(t, r, named("TESTPERSON ALPHA-01")); len(got) != 1 {
		t.Fatalf("%+v", got)
	}
}

// TestNoClearNames: nothing that a feed said of a person can be read in any file of the register, nor what it means.
func TestNoClearNames(t *testing.T) {
	r, _, config := newRegister(t)
	feed(t, r, whole+"\n"+`{"ref":"case-4711","status":"granted","names":["Абдурахман Тестперсонзай"],"birth_date":"1991-12-24"}`)
	if err := r.Label(t.Context(), named("TESTPERSON CHARLIE-03"), []schemas.StateCode{"QX"}, "QN/justice"); err != nil {
		t.Fatal(err)
	}
	entry := ask(t, r, named("TESTPERSON CHARLIE-03"))[0].Entry
	if err := r.Distinct(t.Context(), born(named("TESTPERSON CHARLIE-03"), "1970-01-01"), entry, [2]string{"officer-one", "officer-two"}); err != nil {
		t.Fatal(err)
	}
	look := func(when string) {
		t.Helper()
		files, err := filepath.Glob(config.Path + "*")
		if err != nil || len(files) < 2 {
			t.Fatal(files, err)
		}
		for _, path := range files {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b = bytes.ToLower(b)
			for _, clear := range []string{
				"testperson", "echo", "charlie", "абдурахман", "тестперсонзай", "x0000055", "2000-02-03", "1991", "case-4711",
				"pending", "granted", "labelled", "travel document", "officer", "qp", "qx", "qn/justice", "apsrn", "a5",
			} {
				if slices.Contains([]string{"qp", "qx", "a5"}, clear) && !bytes.Contains(b, []byte(`"`+clear+`"`)) {
					continue // two letters stand anywhere by chance
				}
				if bytes.Contains(b, []byte(clear)) {
					t.Errorf("%s: %q stands in %s", when, clear, filepath.Base(path))
				}
			}
		}
	}
	look("open")
	r.Close()
	look("closed")
}
