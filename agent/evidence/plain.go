package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/tlog"

	"comity/schemas"
)

// Reader opens sealed files with the keys of this desk.
type Reader struct {
	spool *Spool
	keys  []age.Identity
}

// With is a reader of the spool.
func (s *Spool) With(keys ...age.Identity) *Reader { return &Reader{s, keys} }

// Sent writes the content of a file of ours to w.
func (r *Reader) Sent(ctx context.Context, f schemas.EvidenceFile, w io.Writer) error {
	return r.read(ctx, r.spool.sent(f.ID), f, w)
}

// Received writes the content of a peer's file to w. The caller must know that it is whole.
func (r *Reader) Received(ctx context.Context, from schemas.AuthorityID, f schemas.EvidenceFile, w io.Writer) error {
	return r.read(ctx, r.spool.received(from, f.ID), f, w)
}

// read decrypts a file, and holds it against its manifest to the last byte. What was written before an error is of no use.
func (r *Reader) read(ctx context.Context, path string, f schemas.EvidenceFile, w io.Writer) error {
	file, err := os.Open(path)
	if err != nil {
		return onDisk("opening a file of evidence", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() != f.Sealed.Bytes {
		return refuse(Damaged, "opening a file of evidence")
	}
	return r.readFrom(ctx, file, f, w)
}

func (r *Reader) readFrom(ctx context.Context, sealed io.Reader, f schemas.EvidenceFile, w io.Writer) error {
	plain, err := age.Decrypt(sealed, r.keys...)
	if err != nil {
		return &Error{Reason: NotReadable, what: "opening a file of evidence"}
	}
	sum := sha256.New()
	from := &damageable{plain}
	if err := copyContent(ctx, io.MultiWriter(sum, w), from, f.Bytes); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return refuse(OtherFile, "opening a file of evidence")
	}
	return onlyPadding(ctx, from, padded(f.Bytes)-f.Bytes)
}

// damageable says of an error in a ciphertext what it means.
type damageable struct{ io.Reader }

func (d *damageable) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = refuse(Damaged, "opening a file of evidence")
	}
	return n, err
}

func copyContent(ctx context.Context, w io.Writer, from io.Reader, n int64) error {
	buffer := make([]byte, 256<<10)
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		read, err := from.Read(buffer[:min(int64(len(buffer)), n)])
		n -= int64(read)
		if _, werr := w.Write(buffer[:read]); werr != nil {
			return werr
		}
		if errors.Is(err, io.EOF) && n > 0 {
			return refuse(OtherFile, "opening a file of evidence")
		}
		if err != nil && n > 0 {
			return err
		}
	}
	return nil
}

// onlyPadding demands n zeros and then the end.
func onlyPadding(ctx context.Context, from io.Reader, n int64) error {
	zero := make([]byte, 64<<10)
	buffer := make([]byte, len(zero))
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		read, err := from.Read(buffer)
		if n -= int64(read); n < 0 || !bytes.Equal(buffer[:read], zero[:read]) {
			return refuse(OtherFile, "opening a file of evidence")
		}
		if errors.Is(err, io.EOF) {
			if n != 0 {
				return refuse(OtherFile, "opening a file of evidence")
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// sealedAgain tells whether the chunks on disk are still those of the manifest.
func (s *Spool) sealedAgain(path string, what schemas.SealedFile) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, onDisk("reading a file again", err)
	}
	defer file.Close()
	leaves, err := os.CreateTemp(s.config.Dir, "*"+unfinished)
	if err != nil {
		return false, onDisk("reading a file again", err)
	}
	defer os.Remove(leaves.Name())
	defer leaves.Close()
	cut := &cutter{to: io.Discard, tree: &tree{file: leaves}}
	if _, err := io.Copy(cut, file); err != nil {
		return false, onDisk("reading a file again", err)
	}
	if err := cut.close(); err != nil || cut.tree.chunks == 0 {
		return false, err
	}
	root, err := cut.tree.root()
	want, known := rootOf(what)
	return known && root == want, err
}

func rootOf(what schemas.SealedFile) (root tlog.Hash, ok bool) {
	raw, err := hex.DecodeString(what.Root)
	if err != nil || len(raw) != len(root) {
		return root, false
	}
	return tlog.Hash(raw), true
}
