package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"comity/cmd/comity/sandbox"
	"comity/deploy/samples"
	"comity/schemas"
)

// Options are how the demo runs.
type Options struct {
	// Dir is a new or empty folder to keep the sandbox in. Empty: a temporary one, removed at the end.
	Dir string
	// Stay keeps everything running after the stories until the context ends; Next is then told where.
	Stay bool
	Next func(*sandbox.Sandbox)
	// Stories to play. Default: those of deploy/samples.
	Stories []samples.Story
	// Teams are the stories of more than two. Default: those of deploy/samples, unless Stories are given.
	Teams []samples.TeamStory
	// Tick is how often approved messages leave. Default 1s.
	Tick time.Duration
	Out  io.Writer
	Log  *slog.Logger
	// Extractor is the child process that reads attachments; see sandbox.Sandbox.
	Extractor []string
}

const (
	// startTimeout bounds the start of broker and agents, stepTimeout one message with its approval and receipt.
	startTimeout = 30 * time.Second
	stepTimeout  = 20 * time.Second
	defaultTick  = time.Second
)

// Tally is how many checks passed and failed.
type Tally struct{ Passed, Failed int }

// Run makes the sandbox, plays every story and prints the tally. It returns an error only if it could not play.
func Run(ctx context.Context, o Options) (tally Tally, err error) {
	if o.Stories == nil {
		o.Stories, o.Teams = samples.Stories(), samples.TeamStories()
	}
	if o.Tick == 0 {
		o.Tick = defaultTick
	}
	dir := o.Dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "comity-demo-"); err != nil {
			return tally, fmt.Errorf("starting the demo: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	s, err := sandbox.Init(sandbox.Plan{Dir: dir, States: []schemas.StateCode{"QM", "QN", "QP"}, Routine: o.Tick, Urgent: o.Tick, Logins: o.Stay, Now: time.Now})
	if err != nil {
		return tally, err
	}
	s.Extractor = o.Extractor
	running, stop := context.WithCancel(ctx)
	defer stop()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Run(running, s.AllParts(), o.Log, func() { close(ready) }) }()
	begun := time.Now()
	select {
	case <-ready:
	case err := <-ended:
		return tally, errors.Join(errors.New("the sandbox stopped before it was ready"), err)
	case <-time.After(startTimeout):
		stop()
		return tally, errors.Join(fmt.Errorf("the sandbox was not ready within %s", startTimeout), <-ended)
	}
	fmt.Fprintf(o.Out, "a broker and %d agents of 3 States run in %s (ready in %d ms)\n", len(s.Authorities()), dir, time.Since(begun).Milliseconds())
	tally = playAll(running, s, o)
	fmt.Fprintf(o.Out, "\ndemo: %d passed, %d failed\n", tally.Passed, tally.Failed)
	if o.Stay && ctx.Err() == nil {
		o.Next(s)
		select {
		case <-ctx.Done():
		case err := <-ended:
			return tally, err
		}
	}
	stop()
	return tally, <-ended
}

// playAll plays the stories at the same time, as two desks have many cases at once, and prints them one after the other.
func playAll(ctx context.Context, s *sandbox.Sandbox, o Options) Tally {
	lines := make([]chan line, len(o.Stories))
	var playing sync.WaitGroup
	for i, story := range o.Stories {
		lines[i] = make(chan line, len(story.Steps)) // a story does not wait for its lines to be printed
		playing.Go(func() {
			defer close(lines[i])
			play(ctx, s, story, lines[i])
		})
	}
	teams := make([]chan teamLine, len(o.Teams))
	for i, story := range o.Teams {
		teams[i] = make(chan teamLine, len(story.Steps))
		playing.Go(func() {
			defer close(teams[i])
			playTeam(ctx, s, story, teams[i])
		})
	}
	var tally Tally
	for i, story := range o.Stories {
		fmt.Fprintf(o.Out, "\n%d. %s\n", i+1, story.Name)
		for l := range lines[i] {
			tally.count(l.err)
			fmt.Fprintln(o.Out, l)
		}
	}
	for i, story := range o.Teams {
		fmt.Fprintf(o.Out, "\n%d. %s\n", len(o.Stories)+i+1, story.Name)
		for l := range teams[i] {
			tally.count(l.err)
			fmt.Fprintln(o.Out, l)
		}
	}
	playing.Wait()
	tally.count(playFirewall(ctx, s, o.Out))
	return tally.and(ctx, s, o.Out)
}

// and adds the check that nobody else was sent anything of the cases of two.
func (t Tally) and(ctx context.Context, s *sandbox.Sandbox, out io.Writer) Tally {
	fmt.Fprintln(out, "\nthe third State")
	for _, id := range s.Authorities() {
		if slices.Contains(parties, id.State()) {
			continue
		}
		err := nothingAt(ctx, s, id)
		t.count(err)
		if err != nil {
			fmt.Fprintf(out, "FAILED  %v\n", err)
			continue
		}
		fmt.Fprintf(out, "ok  %s holds nothing of the cases of two\n", id)
	}
	return t
}

func (t *Tally) count(err error) {
	if err != nil {
		t.Failed++
		return
	}
	t.Passed++
}
