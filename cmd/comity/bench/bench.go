package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Options are how much is measured.
type Options struct {
	Messages int // of the steady load
	Size     int // of a payload, in bytes
	Senders  int // each has one message under way
	Progress io.Writer
	Log      *slog.Logger
	// Extractor is the child process that reads attachments; see sandbox.Sandbox.
	Extractor []string
	// CeilingTime is how long each ceiling is measured, before the load and again after it, because the machine may change
	// meanwhile. Default 1s.
	CeilingTime time.Duration
}

// ErrOptions says that nothing can be measured in this way.
var ErrOptions = errors.New("options out of bounds")

// The defaults and bounds of Options.
const (
	DefaultMessages = 5000
	DefaultSize     = 4096
	DefaultSenders  = 128

	MaxMessages = 1_000_000
	MinSize     = 2048
	MaxSize     = 32 << 10
	MaxSenders  = 1024
)

func (o Options) check() error {
	switch {
	case o.Messages < 1 || o.Messages > MaxMessages:
		return fmt.Errorf("%w: the number of messages lies between 1 and %d", ErrOptions, MaxMessages)
	case o.Size < MinSize || o.Size > MaxSize:
		return fmt.Errorf("%w: the size of a payload lies between %d and %d bytes", ErrOptions, MinSize, MaxSize)
	case o.Senders < 1 || o.Senders > MaxSenders:
		return fmt.Errorf("%w: the number of senders lies between 1 and %d", ErrOptions, MaxSenders)
	}
	return nil
}

const (
	warmUps       = 8               // messages before anything is measured: schemas are compiled, connections made
	mostAlone     = 200             // messages one at a time
	aloneLimit    = 6 * time.Second // and no longer than this
	startTimeout  = 60 * time.Second
	deliveryLimit = 2 * time.Minute // for one message, after which it counts as lost
)

// Run measures. It returns an error if it could not, and a Report with Lost above 0 if messages were lost.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "comity-bench-")
	if err != nil {
		return nil, fmt.Errorf("starting the bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// 1. A broker and two agents, as two States run them.
	s, err := start(ctx, dir, o)
	if err != nil {
		return nil, fmt.Errorf("starting the bench: %w", err)
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	report, err = s.measure(ctx, filepath.Join(dir, "ceilings"), o)
	if err != nil {
		return nil, fmt.Errorf("measuring: %w", err)
	}
	return report, nil
}

func (s *scheme) measure(ctx context.Context, dir string, o Options) (*Report, error) {
	say := func(format string, args ...any) { fmt.Fprintf(o.Progress, "bench: "+format+"\n", args...) }
	r := &Report{Messages: o.Messages, Size: o.Size, Senders: o.Senders, CPUs: runtime.GOMAXPROCS(0), LoadBefore: loadAverage()}
	// 2. Drafts for everything, so that nobody writes while the clock runs.
	say("drafting %d messages of %d bytes", warmUps+min(mostAlone, o.Messages)+o.Messages, o.Size)
	writing := time.Now()
	warm, err := s.draftAll(ctx, 0, warmUps, o.Size)
	if err != nil {
		return nil, err
	}
	alone, err := s.draftAll(ctx, warmUps, min(mostAlone, o.Messages), o.Size)
	if err != nil {
		return nil, err
	}
	steady, err := s.draftAll(ctx, warmUps+mostAlone, o.Messages, o.Size)
	if err != nil {
		return nil, err
	}
	r.DraftsPerSecond = rate(len(warm)+len(alone)+len(steady), time.Since(writing))
	if _, err := s.oneAtATime(ctx, warm, startTimeout); err != nil {
		return nil, fmt.Errorf("warming up: %w", err)
	}
	// 3. The ceilings, a first time.
	ceilings, err := newCeilings(dir, o)
	if err != nil {
		return nil, err
	}
	defer ceilings.close()
	say("measuring the ceilings")
	if err := ceilings.measure(ctx, cmp.Or(o.CeilingTime, time.Second)); err != nil {
		return nil, err
	}
	// 4. The load: one at a time, then all senders.
	r.HeapStart, r.ResidentStart = memory()
	say("sending one at a time")
	if r.Alone, err = s.oneAtATime(ctx, alone, aloneLimit); err != nil {
		return nil, err
	}
	say("sending with %d senders", o.Senders)
	if r.Steady, err = s.steadily(ctx, steady, o.Senders, say); err != nil {
		return nil, err
	}
	r.HeapEnd, r.ResidentEnd = memory()
	// 5. The ceilings again, and what the recipient holds.
	say("measuring the ceilings again")
	if err := ceilings.measure(ctx, cmp.Or(o.CeilingTime, time.Second)); err != nil {
		return nil, err
	}
	say("counting what the recipient holds")
	if r.Lost, r.Doubled, err = s.count(ctx); err != nil {
		return nil, err
	}
	r.LoadAfter = loadAverage()
	r.conclude(ceilings.list)
	return r, nil
}
