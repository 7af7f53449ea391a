package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"filippo.io/age"

	"comity/schemas"
)

// roomStep is how much room is reserved ahead for a file whose size nobody knows.
const roomStep = 64 << 20

// AddUnknown is Add for a file of which neither size nor hash is known before its end, such as one from a browser. Room is
// reserved as it grows. A source that fails before its end leaves nothing behind.
func (s *Spool) AddUnknown(ctx context.Context, id schemas.FileID, src io.Reader, to ...age.Recipient) (Announced, schemas.SealedFile, error) {
	var is Announced
	room := &growing{spool: s}
	path := s.sent(id)
	sealed, err := s.seal(path, to, func(w io.Writer) (int64, error) {
		sum := sha256.New()
		n, err := room.copy(ctx, io.MultiWriter(sum, w), src)
		is = Announced{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}
		return n, err
	})
	if err != nil {
		s.give(room.taken)
		return is, sealed, errors.Join(err, removeIf(path+unfinished), removeIf(path+treeEnding))
	}
	s.give(room.taken - sealed.Bytes)
	return is, sealed, nil
}

// growing is the room of a file that grows.
type growing struct {
	spool *Spool
	taken int64
}

// holds sees to it that there is room for a content of n bytes.
func (g *growing) holds(n int64) error {
	if n > MaxBytes {
		return refuse(TooLarge, "adding a file")
	}
	if sealedRoom(n) <= g.taken {
		return nil
	}
	more := sealedRoom(min(n+roomStep, MaxBytes)) - g.taken
	err := g.spool.take(more)
	if err != nil { // there may be room for what has come, and no more than that
		more = sealedRoom(n) - g.taken
		err = g.spool.take(more)
	}
	if err == nil {
		g.taken += more
	}
	return err
}

// copy copies src to its end.
func (g *growing) copy(ctx context.Context, to io.Writer, src io.Reader) (copied int64, err error) {
	buffer := make([]byte, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return copied, err
		}
		n, err := src.Read(buffer)
		copied += int64(n)
		if full := g.holds(copied); full != nil {
			return copied, full
		}
		if _, failed := to.Write(buffer[:n]); failed != nil {
			return copied, onDisk("adding a file", failed)
		}
		switch {
		case errors.Is(err, io.EOF) && copied == 0:
			return 0, refuse(Empty, "adding a file")
		case errors.Is(err, io.EOF):
			return copied, nil
		case err != nil:
			return copied, &Error{Reason: Changed, what: "adding a file", cause: ctx.Err()}
		}
	}
}
