package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"comity/schemas"
)

// Config is where the files are and how much of the disk is theirs. Zero values have the defaults named.
type Config struct {
	Dir string
	// Quota is the most bytes that all sealed files of this desk may have. Default 64 GiB.
	Quota int64
	// Reserve is what must stay free on the disk: the database lives there too. Default 256 MiB.
	Reserve int64
	// Free is how many bytes the disk has left. Default: what the file system says.
	Free func(dir string) (int64, error)
}

// Spool is the folder of a desk's sealed files. It is safe for concurrent use.
type Spool struct {
	config Config
	aheads chan struct{} // the files that are opened while they arrive

	mu   sync.Mutex
	used int64 // of the quota, with what is being written
}

// The folders, and what stands beside a sealed file.
const (
	outgoing = "out"
	incoming = "in"

	treeEnding   = ".tree"
	bitmapEnding = ".have"
	unfinished   = ".adding"
)

// Open opens the spool, and clears away what was being added when the agent last ended: nothing refers to it yet.
func Open(c Config) (*Spool, error) {
	if c.Quota <= 0 {
		c.Quota = 64 << 30
	}
	if c.Reserve <= 0 {
		c.Reserve = 256 << 20
	}
	if c.Free == nil {
		c.Free = freeOn
	}
	s := &Spool{config: c, aheads: make(chan struct{}, aheadAtOnce)}
	for _, folder := range []string{outgoing, incoming} {
		if err := os.MkdirAll(filepath.Join(c.Dir, folder), 0o700); err != nil {
			return nil, onDisk("opening the spool", err)
		}
	}
	err := filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if strings.HasSuffix(path, unfinished) {
			return errors.Join(os.Remove(path), removeIf(strings.TrimSuffix(path, unfinished)+treeEnding))
		}
		if info, err := d.Info(); err == nil {
			s.used += info.Size()
		}
		return nil
	})
	return s, onDisk("opening the spool", err)
}

func freeOn(dir string) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, err
	}
	return int64(stat.Bavail) * stat.Bsize, nil
}

func removeIf(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// take reserves room for n bytes: of the quota, and on the disk as it is now.
func (s *Spool) take(n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+n > s.config.Quota {
		return refuse(OverQuota, "making room for a file")
	}
	free, err := s.config.Free(s.config.Dir)
	if err != nil {
		return onDisk("asking how much room the disk has", err)
	}
	if free-n < s.config.Reserve {
		return refuse(NoSpace, "making room for a file")
	}
	s.used += n
	return nil
}

func (s *Spool) give(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
}

// Room tells what stands in the way of a file with content of n bytes, nil where nothing does.
func (s *Spool) Room(n int64) error {
	if n > MaxBytes {
		return refuse(TooLarge, "making room for a file")
	}
	err := s.take(sealedRoom(n))
	if err == nil {
		s.give(sealedRoom(n))
	}
	return err
}

// Announced is what a file must turn out to be.
type Announced struct {
	Bytes  int64
	SHA256 string // of the content, in lower-case hexadecimal
}

// Add is steps 1 and 2: it reads src to its end, and returns the sealed form once it is on disk. What is not as announced
// leaves nothing behind.
func (s *Spool) Add(ctx context.Context, id schemas.FileID, src io.Reader, a Announced, to ...age.Recipient) (schemas.SealedFile, error) {
	switch {
	case a.Bytes <= 0:
		return schemas.SealedFile{}, refuse(Empty, "adding a file")
	case a.Bytes > MaxBytes:
		return schemas.SealedFile{}, refuse(TooLarge, "adding a file")
	}
	room := sealedRoom(a.Bytes)
	if err := s.take(room); err != nil {
		return schemas.SealedFile{}, err
	}
	path := s.sent(id)
	sealed, err := s.seal(path, to, func(w io.Writer) (int64, error) {
		sum := sha256.New()
		if err := copyExactly(ctx, io.MultiWriter(sum, w), src, a.Bytes); err != nil {
			return 0, err
		}
		if hex.EncodeToString(sum.Sum(nil)) != a.SHA256 {
			return 0, refuse(Changed, "adding a file")
		}
		return a.Bytes, nil
	})
	if err != nil {
		s.give(room)
		return sealed, errors.Join(err, removeIf(path+unfinished), removeIf(path+treeEnding))
	}
	s.give(room - sealed.Bytes)
	return sealed, nil
}

// seal writes a sealed file whose content fill writes; fill says how long that is.
func (s *Spool) seal(path string, to []age.Recipient, fill func(io.Writer) (int64, error)) (sealed schemas.SealedFile, err error) {
	out, err := os.OpenFile(path+unfinished, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return sealed, onDisk("adding a file", err)
	}
	defer out.Close()
	leaves, err := os.OpenFile(path+treeEnding, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return sealed, onDisk("adding a file", err)
	}
	defer leaves.Close()
	cut := &cutter{to: out, tree: &tree{file: leaves}}
	encrypted, err := age.Encrypt(cut, to...)
	if err != nil {
		return sealed, fmt.Errorf("adding a file: %w", err)
	}
	n, err := fill(encrypted)
	if err != nil {
		return sealed, err
	}
	if _, err := io.CopyN(encrypted, zeros{}, padded(n)-n); err != nil {
		return sealed, onDisk("padding a file", err)
	}
	if err := errors.Join(encrypted.Close(), cut.close()); err != nil {
		return sealed, onDisk("adding a file", err)
	}
	root, err := cut.tree.root()
	if err != nil {
		return sealed, err
	}
	err = errors.Join(out.Sync(), leaves.Sync(), os.Rename(path+unfinished, path), syncDir(filepath.Dir(path)))
	return schemas.SealedFile{Bytes: cut.bytes, Root: hex.EncodeToString(root[:])}, onDisk("adding a file", err)
}

// copyExactly copies n bytes and demands that src then ends.
func copyExactly(ctx context.Context, to io.Writer, src io.Reader, n int64) error {
	buffer := make([]byte, 256<<10)
	for copied := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		read, err := src.Read(buffer)
		if copied += int64(read); copied > n {
			return refuse(Changed, "adding a file")
		}
		if _, werr := to.Write(buffer[:read]); werr != nil {
			return onDisk("adding a file", werr)
		}
		switch {
		case errors.Is(err, io.EOF) && copied == n:
			return nil
		case err != nil:
			return &Error{Reason: Changed, what: "adding a file", cause: ctx.Err()}
		}
	}
}

// cutter writes a sealed file and keeps the hash of each chunk.
type cutter struct {
	to    io.Writer
	tree  *tree
	chunk []byte
	bytes int64
}

func (c *cutter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), schemas.ChunkBytes-len(c.chunk))
		c.chunk, rest = append(c.chunk, rest[:n]...), rest[n:]
		if len(c.chunk) == schemas.ChunkBytes {
			if err := c.close(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

// close ends a chunk.
func (c *cutter) close() error {
	if len(c.chunk) == 0 {
		return nil
	}
	if _, err := c.to.Write(c.chunk); err != nil {
		return err
	}
	c.bytes += int64(len(c.chunk))
	err := c.tree.add(c.chunk)
	c.chunk = c.chunk[:0]
	return err
}

// zeros is padding without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// sent is where a file of ours is.
func (s *Spool) sent(id schemas.FileID) string {
	return filepath.Join(s.config.Dir, outgoing, string(id))
}

// received is where a peer's is: its identifier is the peer's own, so the peer is part of the name.
func (s *Spool) received(from schemas.AuthorityID, id schemas.FileID) string {
	return filepath.Join(s.config.Dir, incoming, from.State().Lower()+"-"+from.Name()+"-"+string(id))
}

// Keeps tells whether a file of ours is here, as far as its length says so.
func (s *Spool) Keeps(f schemas.EvidenceFile) (bool, error) { return keeps(s.sent(f.ID), f) }

// KeepsReceived tells it of a peer's file. One that is arriving has its length already: the caller must know that it is whole.
func (s *Spool) KeepsReceived(from schemas.AuthorityID, f schemas.EvidenceFile) (bool, error) {
	return keeps(s.received(from, f.ID), f)
}

func keeps(path string, f schemas.EvidenceFile) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, onDisk("looking for a file of evidence", err)
	}
	return info.Size() == f.Sealed.Bytes, nil
}

// Forget deletes a file of ours.
func (s *Spool) Forget(id schemas.FileID) error { return s.forget(s.sent(id), treeEnding) }

// ForgetReceived deletes a file of a peer.
func (s *Spool) ForgetReceived(from schemas.AuthorityID, id schemas.FileID) error {
	return s.forget(s.received(from, id), bitmapEnding)
}

func (s *Spool) forget(path, beside string) error {
	info, err := os.Stat(path)
	if err == nil {
		s.give(info.Size())
	}
	return onDisk("deleting a file", errors.Join(removeIf(path), removeIf(path+beside), syncDir(filepath.Dir(path))))
}

// Outgoing is a sealed file of ours from which chunks are read. Close must be called.
type Outgoing struct {
	file *os.File
	tree *tree
	what schemas.SealedFile
}

// Send opens a file of ours for its chunks. The caller must have made sure that its message was sealed for whoever gets them.
func (s *Spool) Send(id schemas.FileID, what schemas.SealedFile) (*Outgoing, error) {
	file, err := os.Open(s.sent(id))
	if err != nil {
		return nil, onDisk("opening a file to send", err)
	}
	leaves, err := os.Open(s.sent(id) + treeEnding)
	if err != nil {
		return nil, errors.Join(onDisk("opening the tree of a file", err), file.Close())
	}
	return &Outgoing{file: file, tree: &tree{file: leaves, chunks: what.Chunks()}, what: what}, nil
}

// Chunk is step 5: the bytes at a place as they travel, in room for MaxChunkWire bytes that the caller gives.
func (o *Outgoing) Chunk(room []byte, r schemas.ChunkRoute) ([]byte, error) {
	index := int64(r.Index)
	if index >= o.what.Chunks() {
		return nil, refuse(Misplaced, "reading a chunk")
	}
	var err error
	if r.Proof, err = o.tree.prove(index); err != nil {
		return nil, err
	}
	wire, err := schemas.AppendChunkHead(room[:0], r)
	if err != nil {
		return nil, err
	}
	head := len(wire)
	wire = slices.Grow(wire, int(lengthAt(o.what, index)))[:head+int(lengthAt(o.what, index))]
	if _, err := o.file.ReadAt(wire[head:], index*schemas.ChunkBytes); err != nil {
		return nil, onDisk("reading a chunk", err)
	}
	return wire, nil
}

// Close closes the file.
func (o *Outgoing) Close() error { return errors.Join(o.file.Close(), o.tree.file.Close()) }
