package store

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"comity/agent/store/baddisk"
	"comity/schemas"
)

// The test binary plays on a bad disk in a process of its own: what is made bad stays so.
const (
	badDisk = "COMITY_TEST_BAD_DISK" // which fault
	badPath = "COMITY_TEST_BAD_PATH" // of the database
)

var faults = map[Fault]func() error{
	FaultFull:     func() error { return baddisk.Fail(syscall.ENOSPC, baddisk.Write) },
	FaultReadOnly: func() error { return baddisk.Fail(syscall.EROFS, baddisk.Write, baddisk.Create) },
	FaultWrite:    func() error { return baddisk.Fail(syscall.EIO, baddisk.Write) },
	FaultSync:     func() error { return baddisk.Fail(syscall.EIO, baddisk.Sync) },
	FaultSlow:     func() error { return baddisk.SlowSync(slowCommit) },
}

// On a bad disk nothing is taken for written that is not; the fault has its name; and whoever opens the file again finds
// what was committed before, whole.
func TestABadDisk(t *testing.T) {
	if fault := os.Getenv(badDisk); fault != "" {
		playOnABadDisk(t, Fault(fault))
		return
	}
	for fault := range faults {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "agent.db")
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestABadDisk$", "-test.v")
			child.Env = append(os.Environ(), badDisk+"="+string(fault), badPath+"="+path)
			out, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if strings.Contains(string(out), "--- SKIP") {
				t.Skip("this system cannot make its disk bad")
			}
			s := open(t, path)
			kept := idsIn(t, s)
			if !kept["before"] {
				t.Error("what was committed before is lost")
			}
			if fault == FaultSlow && !kept["during"] {
				t.Error("what was committed slowly is lost")
			}
			if kept["after"] {
				t.Error("something was written after the disk had failed")
			}
		})
	}
}

func playOnABadDisk(t *testing.T, fault Fault) {
	s := open(t, os.Getenv(badPath))
	put := func(id schemas.MessageID, seq uint64) error {
		m := sample(id)
		m.Seq = seq
		return s.Update(t.Context(), func(tx *Tx) error { return tx.PutMessage(m) })
	}
	if err := put("before", 1); err != nil {
		t.Fatal(err)
	}
	if got := s.Condition(); got.Fault != "" {
		t.Fatalf("a good disk is %s", got.Fault)
	}
	if err := faults[fault](); errors.Is(err, baddisk.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	err := put("during", 2)
	if (err == nil) != (fault == FaultSlow) {
		t.Errorf("committing: %v", err)
	}
	if got := s.Condition(); got.Fault != fault || got.Since.IsZero() {
		t.Errorf("the disk is %q, want %q", got.Fault, fault)
	}
	if fault == FaultSync {
		<-s.Broken()
		if err := put("after", 3); !errors.Is(err, ErrSync) {
			t.Errorf("writing after a sync that failed: %v, want %v", err, ErrSync)
		}
		if err := s.View(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrSync) {
			t.Errorf("reading after a sync that failed: %v, want %v", err, ErrSync)
		}
	}
}

func idsIn(t *testing.T, s *Store) map[schemas.MessageID]bool {
	t.Helper()
	found := map[schemas.MessageID]bool{}
	err := s.View(t.Context(), func(tx *Tx) error {
		all, err := tx.Messages(Filter{Limit: 10})
		for _, m := range all {
			found[m.ID] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAConditionIsForgottenWhenTheDiskIsGoodAgain(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	s.condition.now = Condition{Fault: FaultFull, Since: time.Now()}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutMessage(sample(schemas.NewMessageID())) }); err != nil {
		t.Fatal(err)
	}
	if got := s.Condition(); got != (Condition{}) {
		t.Errorf("the disk is %q", got.Fault)
	}
	s.note(time.Now().Add(-slowCommit), nil)
	if got := s.Condition(); got.Fault != FaultSlow || got.Took < slowCommit {
		t.Errorf("after a slow commit the disk is %q, %s", got.Fault, got.Took)
	}
	s.condition.slow = time.Now().Add(-slowMemory)
	if got := s.Condition(); got.Fault != "" {
		t.Errorf("ten minutes after a slow commit the disk is %q", got.Fault)
	}
}

func TestADamagedFileHasItsName(t *testing.T) {
	for _, where := range []struct {
		name string
		from int64 // the first byte that is changed; negative: from the end
		open bool  // it is only found later
	}{{"where the tables are described", 4096, false}, {"in a row", -4096, true}} {
		t.Run(where.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "agent.db")
			s := open(t, path)
			for range 50 {
				putAny(t, s)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			damage(t, path, where.from)
			s, err := Open(t.Context(), path, testColumns(t))
			if !where.open {
				if !errors.Is(err, ErrDamaged) {
					t.Errorf("%v, want %v", err, ErrDamaged)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for range 50 {
				if err = putAny(t, s); err != nil {
					break
				}
			}
			if got := s.Condition(); err == nil || got.Fault != FaultDamaged {
				t.Errorf("%v; the disk is %q", err, got.Fault)
			}
		})
	}
}

func putAny(t *testing.T, s *Store) error {
	t.Helper()
	m := sample(schemas.NewMessageID())
	m.Seq = 0
	return s.Update(t.Context(), func(tx *Tx) error { return tx.PutMessage(m) })
}

func damage(t *testing.T, path string, from int64) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if from < 0 {
		from += int64(len(content))
	}
	for i := range content[from:] {
		content[from+int64(i)] ^= 0x55
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
