package store

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"modernc.org/sqlite"
)

// Fault is what is wrong with the disk under the database, as far as writing to it tells. The set is closed.
type Fault string

// The faults. After each of them nothing of the transaction is there, and nothing was answered on the strength of it.
const (
	FaultFull     Fault = "disk-full"
	FaultReadOnly Fault = "read-only"
	FaultWrite    Fault = "cannot-write" // of another cause than these two
	FaultSync     Fault = "sync-failed"  // what was written before may not be on the disk either
	FaultDamaged  Fault = "damaged"      // the file is not as SQLite left it
	FaultSlow     Fault = "slow"         // commits take longer than people wait
)

// Faults lists every fault.
func Faults() []Fault {
	return []Fault{FaultFull, FaultReadOnly, FaultWrite, FaultSync, FaultDamaged, FaultSlow}
}

// ErrSync says that the disk did not confirm a write. What the system holds of the file is in doubt then, and asking again
// would be answered from memory. So nothing more is read or written: whoever opens the file anew has what the disk has.
var ErrSync = errors.New("the disk did not confirm what was written: the database must be opened anew")

// Limits of what counts as slow.
const (
	slowCommit = time.Second
	slowMemory = 10 * time.Minute // how long a slow commit is spoken of
)

// Condition is how the disk behaves. The zero value is a good disk.
type Condition struct {
	Fault Fault
	Since time.Time
	Took  time.Duration // with FaultSlow: the last slow commit
}

// condition is what the writer has seen of the disk. Readers of it are others.
type condition struct {
	mu   sync.Mutex
	now  Condition
	slow time.Time
	took time.Duration

	broken chan struct{} // closed by the first sync that failed
}

// Condition is how the disk behaves now.
func (s *Store) Condition() Condition {
	s.condition.mu.Lock()
	defer s.condition.mu.Unlock()
	if s.condition.now.Fault == "" && !s.condition.slow.IsZero() && time.Since(s.condition.slow) < slowMemory {
		return Condition{Fault: FaultSlow, Since: s.condition.slow, Took: s.condition.took}
	}
	return s.condition.now
}

// Broken is closed once the disk has failed to confirm a write. The store is of no more use then.
func (s *Store) Broken() <-chan struct{} { return s.condition.broken }

func (s *Store) isBroken() bool {
	select {
	case <-s.condition.broken:
		return true
	default:
		return false
	}
}

// note takes account of a commit.
func (s *Store) note(began time.Time, err error) {
	fault := s.faultOf(err)
	s.condition.mu.Lock()
	defer s.condition.mu.Unlock()
	now := time.Now()
	if took := now.Sub(began); took >= slowCommit {
		s.condition.slow, s.condition.took = now, took
	}
	switch {
	case s.condition.now.Fault == FaultSync: // for good
	case err == nil:
		s.condition.now = Condition{}
	case fault != "" && fault != s.condition.now.Fault:
		s.condition.now = Condition{Fault: fault, Since: now}
		if fault == FaultSync {
			close(s.condition.broken)
		}
	}
}

// Result codes of SQLite (sqlite3.h), of which the lower eight bits are the primary ones.
const (
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeNotADB   = 26
	codeFsync    = codeIO | 4<<8
	codeDirFsync = codeIO | 5<<8
)

// faultOf names what a failed transaction says of the disk, "" where it says nothing.
func (s *Store) faultOf(err error) Fault {
	failed, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return ""
	}
	switch code := failed.Code(); {
	case code == codeFsync || code == codeDirFsync:
		return FaultSync
	case code&0xff == codeFull:
		return FaultFull
	case code&0xff == codeCorrupt || code&0xff == codeNotADB:
		return FaultDamaged
	case code&0xff == codeIO || code&0xff == codeReadOnly:
		return probe(filepath.Dir(s.path))
	}
	return ""
}

// probe asks the disk itself: SQLite does not pass on what the system said.
func probe(dir string) Fault {
	file, err := os.CreateTemp(dir, ".probe-*")
	if err == nil {
		_, err = file.Write(make([]byte, 4096))
		err = errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	switch {
	case errors.Is(err, syscall.EROFS):
		return FaultReadOnly
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return FaultFull
	}
	return FaultWrite
}
