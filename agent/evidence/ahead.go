package evidence

import (
	"context"
	"io"
	"sync/atomic"

	"comity/schemas"
)

// A large file is opened while it arrives, behind the chunks that are kept from its beginning on, so that its end does not have to
// wait until all of it was read once more. Only that it is right is believed of this: whatever else comes of it, the whole
// is opened again.

const (
	// aheadFrom is the least size of a sealed file that is opened while it arrives, aheadAtOnce how many are: each takes some 400 KiB.
	aheadFrom   = 16 << 20
	aheadAtOnce = 2
)

// readAhead reads a file that is arriving. All methods but Read can be called on nil.
type readAhead struct {
	in      *Incoming
	ctx     context.Context
	cancel  context.CancelFunc
	yield   func(context.Context)
	at      int64 // bytes that were read; of the reading goroutine alone
	spoiled atomic.Bool
	more    chan struct{} // a chunk was kept
	done    chan struct{} // closed at the end
	err     error         // nil: the file is what its manifest says; to be read after done
}

// Ahead begins to open the file while its chunks arrive, where it is large and not too many are, so that Whole has less to do. Call it
// before the first Put. It calls yield before each chunk, to let by what is more urgent. ctx, or Close, ends it.
func (in *Incoming) Ahead(ctx context.Context, r *Reader, f schemas.EvidenceFile, yield func(context.Context)) {
	if in.what.Bytes < aheadFrom {
		return
	}
	select {
	case in.spool.aheads <- struct{}{}:
	default:
		return
	}
	a := &readAhead{in: in, yield: yield, more: make(chan struct{}, 1), done: make(chan struct{})}
	a.ctx, a.cancel = context.WithCancel(ctx)
	in.ahead = a
	go func() {
		defer func() { <-in.spool.aheads }()
		defer close(a.done)
		a.err = r.readFrom(a.ctx, a, f, io.Discard)
	}()
}

// Read waits for the chunk that is next.
func (a *readAhead) Read(p []byte) (int, error) {
	if a.at == a.in.what.Bytes {
		return 0, io.EOF
	}
	index := a.at / schemas.ChunkBytes
	if a.at%schemas.ChunkBytes == 0 {
		a.yield(a.ctx)
	}
	for !a.in.has(index) {
		select {
		case <-a.more:
		case <-a.ctx.Done():
			return 0, context.Cause(a.ctx)
		}
	}
	end := index*schemas.ChunkBytes + lengthAt(a.in.what, index)
	n, err := a.in.data.ReadAt(p[:min(int64(len(p)), end-a.at)], a.at)
	a.at += int64(n)
	if err != nil {
		return n, onDisk("opening a file while it arrives", err)
	}
	return n, nil
}

// moved tells that a chunk was kept.
func (a *readAhead) moved() {
	if a == nil {
		return
	}
	select {
	case a.more <- struct{}{}:
	default: // it has yet to look
	}
}

// spoil ends it for good: the disk has lost something that may have been read already.
func (a *readAhead) spoil() {
	if a != nil {
		a.spoiled.Store(true)
		a.cancel()
	}
}

// proved waits for the end, and tells whether the file is what its manifest says.
func (a *readAhead) proved(ctx context.Context) bool {
	if a == nil {
		return false
	}
	select {
	case <-a.done:
		return a.err == nil && !a.spoiled.Load()
	case <-ctx.Done():
		return false
	}
}

func (a *readAhead) stop() {
	if a != nil {
		a.cancel()
		<-a.done
	}
}
