package demo

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/deploy/samples"
)

// options are for a demo in a hurry, in a folder with a short path: sockets need one.
func options(t *testing.T, out *strings.Builder) Options {
	t.Helper()
	dir, err := os.MkdirTemp("", "c-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return Options{Dir: filepath.Join(dir, "d"), Out: out, Log: slog.New(slog.DiscardHandler), Tick: 20 * time.Millisecond}
}

func TestDemoPlays(t *testing.T) {
	var out strings.Builder
	tally, err := Run(t.Context(), options(t, &out))
	if err != nil {
		t.Fatal(err)
	}
	steps := 3 // the authorities of the third State, and the firewall
	for _, story := range samples.Stories() {
		steps += len(story.Steps)
	}
	for _, story := range samples.TeamStories() {
		steps += len(story.Steps)
	}
	if tally.Failed != 0 || tally.Passed != steps {
		t.Errorf("%+v, want %d passed\n%s", tally, steps, &out)
	}
	for _, end := range []string{"case at QM: closed, at QN: closed", "case at QN: refused, at QM: refused", "case at QN: withdrawn, at QM: withdrawn", "team at QM, QN, QP: closed", "unseen by QP", "QN/justice has nothing, and no number is missing"} {
		if !strings.Contains(out.String(), end) {
			t.Errorf("no line says %q:\n%s", end, &out)
		}
	}
}

// A demo that could not fail would show nothing.
func TestDemoNoticesWhatGoesWrong(t *testing.T) {
	withdrawn := samples.Stories()[2]
	expectsOther := samples.Story{Name: "expects another state", Steps: slices.Clone(withdrawn.Steps)}
	expectsOther.Steps[1].State = "closed"
	leapsAhead := samples.Story{Name: "leaves out the request's acknowledgement", Steps: []samples.Step{
		withdrawn.Steps[0], {File: "mla-closure.json", State: "closed"},
	}}
	var out strings.Builder
	o := options(t, &out)
	o.Stories = []samples.Story{expectsOther, leapsAhead}
	tally, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Tally{Passed: 5, Failed: 4}); tally != want {
		t.Errorf("%+v, want %+v\n%s", tally, want, &out)
	}
	for _, reason := range []string{
		"the case is acknowledged at QN/justice and acknowledged at QM/justice, and should be closed",
		"not played: an earlier step failed",
		"mla.closure/1 is not permitted in state sent",
	} {
		if !strings.Contains(out.String(), reason) {
			t.Errorf("no line says %q:\n%s", reason, &out)
		}
	}
}
