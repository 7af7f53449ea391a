package evidence

import (
	"context"
	"errors"
	"io"
	"math/bits"
	"os"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	"comity/schemas"
)

// Incoming is a peer's file while its chunks arrive. It is safe for concurrent use. Close must be called.
//
// A bit is set on disk only after the bytes that it stands for are synced, so that whatever ends the process or the machine,
// the bitmap never promises what is not there. What it does not promise is asked for again.
type Incoming struct {
	spool  *Spool
	path   string
	what   schemas.SealedFile
	root   tlog.Hash
	chunks int64
	data   *os.File
	bitmap *os.File

	mu      sync.Mutex
	have    []byte  // bits of the chunks that are written
	count   int64   // of them
	fresh   []int64 // written and not synced yet
	leaves  []tlog.Hash
	guesses int // how often the place of a wrong chunk may still be looked for

	flush sync.Mutex // one sync at a time; guards kept
	kept  []byte     // bits that are on disk

	ahead *readAhead // nil where the file is opened once it is whole, and not before
}

const (
	// syncEvery is how many chunks may wait for a sync: 16 MiB.
	syncEvery = 32
	// namedPlaces bounds for how large a file, and how often, it is looked for where a wrong chunk belongs.
	namedPlaces  = 1 << 14
	namedGuesses = 16
)

// Receive opens or begins a peer's file, of which the manifest was signed. A file that this disk has no room for is refused.
func (s *Spool) Receive(from schemas.AuthorityID, f schemas.EvidenceFile) (*Incoming, error) {
	root, ok := rootOf(f.Sealed)
	if !ok || !plausible(f) {
		return nil, refuse(OtherFile, "beginning a file")
	}
	in := &Incoming{spool: s, path: s.received(from, f.ID), what: f.Sealed, root: root, chunks: f.Sealed.Chunks(), guesses: namedGuesses}
	_, err := os.Stat(in.path)
	begun := err == nil
	if !begun {
		if err := s.take(f.Sealed.Bytes); err != nil {
			return nil, err
		}
	}
	if err := in.open(); err != nil {
		if !begun {
			s.give(f.Sealed.Bytes)
		}
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

func (in *Incoming) open() (err error) {
	if in.data, err = os.OpenFile(in.path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return onDisk("beginning a file", err)
	}
	if err := allocate(in.data, in.what.Bytes); err != nil {
		return onDisk("beginning a file", err)
	}
	if in.bitmap, err = os.OpenFile(in.path+bitmapEnding, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return onDisk("beginning a file", err)
	}
	in.kept = make([]byte, (in.chunks+7)/8)
	if _, err := in.bitmap.ReadAt(in.kept, 0); err != nil && !errors.Is(err, io.EOF) {
		return onDisk("reading what has arrived of a file", err)
	}
	if extra := in.chunks % 8; extra != 0 {
		in.kept[len(in.kept)-1] &= 1<<extra - 1
	}
	in.have = append([]byte(nil), in.kept...)
	for _, b := range in.have {
		in.count += int64(bits.OnesCount8(b))
	}
	if in.chunks <= namedPlaces {
		in.leaves = make([]tlog.Hash, in.chunks)
	}
	return nil
}

// allocate gives a file its length, and its blocks where the file system can: a disk that is full says so now.
func allocate(f *os.File, n int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() == n {
		return err
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, n)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return f.Truncate(n)
}

// Close syncs what is written and closes the file.
func (in *Incoming) Close() error {
	if in.data == nil {
		return nil
	}
	var err error
	in.ahead.stop()
	if in.bitmap != nil {
		err = errors.Join(in.Flush(), in.bitmap.Close())
	}
	return errors.Join(err, in.data.Close())
}

// Put is step 6 for one chunk: proved, then written. It reports whether it was new. A refusal has a Reason, and leaves what is
// kept as it was.
func (in *Incoming) Put(r schemas.ChunkRoute, body []byte) (bool, error) {
	index := int64(r.Index)
	if index >= in.chunks {
		return false, refuse(Misplaced, "keeping a chunk")
	}
	if int64(len(body)) != lengthAt(in.what, index) {
		return false, refuse(Truncated, "keeping a chunk")
	}
	leaf := tlog.RecordHash(body)
	if !proves(in.root, in.chunks, index, leaf, r.Proof) {
		return false, refuse(in.nameWrong(index, leaf, r.Proof), "keeping a chunk")
	}
	if in.has(index) {
		return false, nil
	}
	if _, err := in.data.WriteAt(body, index*schemas.ChunkBytes); err != nil {
		return false, onDisk("keeping a chunk", err)
	}
	// The disk begins at once: what would gather until the next sync would hold up every other sync of this machine, such as
	// that of a message. That it does is a favour; the sync is what counts.
	_ = unix.SyncFileRange(int(in.data.Fd()), index*schemas.ChunkBytes, int64(len(body)), unix.SYNC_FILE_RANGE_WRITE)
	in.mu.Lock()
	isNew := in.have[index/8]&(1<<(index%8)) == 0
	if isNew {
		in.have[index/8] |= 1 << (index % 8)
		in.count++
		in.fresh = append(in.fresh, index)
		if in.leaves != nil {
			in.leaves[index] = leaf
		}
		in.ahead.moved()
	}
	due := len(in.fresh) >= syncEvery || in.count == in.chunks
	in.mu.Unlock()
	if !due {
		return isNew, nil
	}
	return isNew, in.Flush()
}

func (in *Incoming) has(index int64) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.have[index/8]&(1<<(index%8)) != 0
}

// nameWrong tells a chunk of this file at a wrong place from bytes that are nobody's.
func (in *Incoming) nameWrong(index int64, leaf tlog.Hash, proof []byte) Reason {
	in.mu.Lock()
	look := in.leaves != nil && in.guesses > 0
	in.guesses--
	in.mu.Unlock()
	if !look {
		return Altered
	}
	for other := range in.chunks {
		in.mu.Lock()
		known := in.leaves[other]
		in.mu.Unlock()
		if other != index && (known == leaf || proves(in.root, in.chunks, other, leaf, proof)) {
			return Misplaced
		}
	}
	return Altered
}

// Flush makes durable what was written: the bytes, and then the bits that stand for them.
func (in *Incoming) Flush() error {
	in.flush.Lock()
	defer in.flush.Unlock()
	in.mu.Lock()
	fresh := in.fresh
	in.fresh = nil
	in.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	err := unix.Fdatasync(int(in.data.Fd()))
	if err == nil {
		for _, index := range fresh {
			in.kept[index/8] |= 1 << (index % 8)
		}
		_, err = in.bitmap.WriteAt(in.kept, 0)
	}
	if err == nil {
		err = unix.Fdatasync(int(in.bitmap.Fd()))
	}
	if err != nil { // what a failed sync has done to the disk, nobody knows: it is asked for again
		in.mu.Lock()
		for _, index := range fresh {
			in.have[index/8] &^= 1 << (index % 8)
			in.count--
		}
		in.ahead.spoil()
		in.mu.Unlock()
		return onDisk("syncing a file", err)
	}
	return nil
}

// Progress is how many chunks are here, of how many.
func (in *Incoming) Progress() (have, of int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.count, in.chunks
}

// Range is the chunks First to Last, both included.
type Range struct{ First, Last uint32 }

// Missing lists at most limit ranges of chunks that are not here, the first ones first.
func (in *Incoming) Missing(limit int) (ranges []Range) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for index := int64(0); index < in.chunks; index++ {
		if in.have[index/8]&(1<<(index%8)) != 0 {
			continue
		}
		if n := len(ranges); n > 0 && int64(ranges[n-1].Last) == index-1 {
			ranges[n-1].Last = uint32(index)
			continue
		}
		if len(ranges) == limit {
			break
		}
		ranges = append(ranges, Range{uint32(index), uint32(index)})
	}
	return ranges
}

// Whole is step 7: the file is decrypted once and must be what its manifest says. With the reason OtherFile it never will be;
// with Damaged the disk has lost what was verified, and everything is asked for again.
func (in *Incoming) Whole(ctx context.Context, r *Reader, f schemas.EvidenceFile) error {
	if have, of := in.Progress(); have != of {
		return refuse(NotWhole, "opening a file of evidence")
	}
	if err := in.Flush(); err != nil {
		return err
	}
	if in.ahead.proved(ctx) {
		return nil
	}
	err := r.read(ctx, in.path, f, io.Discard)
	if ReasonOf(err) == "" {
		return err
	}
	same, again := in.spool.sealedAgain(in.path, in.what)
	if again != nil {
		return again
	}
	if same { // no key of ours opens it, or something else is in it: the sender's doing
		return &Error{Reason: OtherFile, what: "opening a file of evidence", cause: err}
	}
	return errors.Join(refuse(Damaged, "opening a file of evidence"), in.reset())
}

// reset forgets everything that has arrived.
func (in *Incoming) reset() error {
	in.flush.Lock()
	defer in.flush.Unlock()
	in.mu.Lock()
	defer in.mu.Unlock()
	clear(in.have)
	clear(in.kept)
	in.count, in.fresh = 0, nil
	in.ahead.spoil()
	if _, err := in.bitmap.WriteAt(in.kept, 0); err != nil {
		return onDisk("forgetting a file", err)
	}
	return onDisk("forgetting a file", in.bitmap.Sync())
}
