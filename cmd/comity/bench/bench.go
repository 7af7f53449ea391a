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
	// Within is how long the whole run may take: what is left of the messages when it nears its end is not sent, and the
	// Report says so. 0 is as long as it takes.
	Within time.Duration
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

	// DefaultWithin is for runs of no more than DefaultMessages: who asks for more wants them all.
	DefaultWithin = 45 * time.Second
	MinWithin     = 20 * time.Second
)

func (o Options) check() error {
	switch {
	case o.Messages < 1 || o.Messages > MaxMessages:
		return fmt.Errorf("%w: the number of messages lies between 1 and %d", ErrOptions, MaxMessages)
	case o.Size < MinSize || o.Size > MaxSize:
		return fmt.Errorf("%w: the size of a payload lies between %d and %d bytes", ErrOptions, MinSize, MaxSize)
	case o.Senders < 1 || o.Senders > MaxSenders:
		return fmt.Errorf("%w: the number of senders lies between 1 and %d", ErrOptions, MaxSenders)
	case o.Within != 0 && o.Within < MinWithin:
		return fmt.Errorf("%w: a run takes %s at least, or 0 for as long as it takes", ErrOptions, MinWithin)
	}
	return nil
}

const (
	warmUps       = 8               // messages before anything is measured: schemas are compiled, connections made
	mostAlone     = 200             // messages one at a time
	aloneLimit    = 6 * time.Second // and no longer than this
	draftShare    = 0.3             // of the time of a run that has a limit
	closing       = 8 * time.Second // of it, for those under way to arrive, the ceilings, the count and the end
	startTimeout  = 60 * time.Second
	deliveryLimit = 2 * time.Minute // for one message, after which it counts as lost
)

// Run measures. It returns an error if it could not, and a Report with Lost above 0 if messages were lost.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	begun := time.Now()
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
	report, err = s.measure(ctx, filepath.Join(dir, "ceilings"), o, scheduleOf(o, begun))
	if err != nil {
		return nil, fmt.Errorf("measuring: %w", err)
	}
	return report, nil
}

// schedule is when the parts of a run end at the latest, in time for the whole to end in its own. Zero is never.
type schedule struct{ drafting, sending time.Time }

func scheduleOf(o Options, begun time.Time) schedule {
	if o.Within == 0 {
		return schedule{}
	}
	share := time.Duration(draftShare * float64(o.Within))
	return schedule{drafting: begun.Add(share), sending: begun.Add(o.Within - closing)}
}

func over(end time.Time) bool { return !end.IsZero() && time.Now().After(end) }

func (s *scheme) measure(ctx context.Context, dir string, o Options, until schedule) (*Report, error) {
	say := func(format string, args ...any) { fmt.Fprintf(o.Progress, "bench: "+format+"\n", args...) }
	r := &Report{Messages: o.Messages, Size: o.Size, Senders: o.Senders, CPUs: runtime.GOMAXPROCS(0), LoadBefore: loadAverage()}
	// 2. Drafts for everything, so that nobody writes while the clock runs.
	say("drafting %d messages of %d bytes", warmUps+min(mostAlone, o.Messages)+o.Messages, o.Size)
	writing := time.Now()
	warm, err := s.draftAll(ctx, 0, warmUps, o.Size, time.Time{})
	if err != nil {
		return nil, err
	}
	alone, err := s.draftAll(ctx, warmUps, min(mostAlone, o.Messages), o.Size, time.Time{})
	if err != nil {
		return nil, err
	}
	steady, err := s.draftAll(ctx, warmUps+mostAlone, o.Messages, o.Size, until.drafting)
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
	if r.Steady, err = s.steadily(ctx, steady, o.Senders, until.sending, say); err != nil {
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
