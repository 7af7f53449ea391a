package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"comity/agent/scan"
)

// asProgram makes the test binary behave as comity: tests that kill processes need real ones.
const asProgram = "COMITY_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" || os.Getenv(scan.ChildVariable) != "" {
		main()
		return
	}
	testscript.Main(m, map[string]func(){"comity": main})
}

// program is comity as a child process.
func program(t testing.TB, ctx context.Context, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// shortDir is a new folder with a path that leaves room for sockets, which t.TempDir does not.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "c-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestScripts(t *testing.T) {
	samples, err := filepath.Abs("../../deploy/samples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:         "testdata",
		WorkdirRoot: shortDir(t),
		Setup: func(env *testscript.Env) error {
			env.Setenv("SAMPLES", samples)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"up": runUp, "set": setFromOutput},
	})
}

// runUp starts "comity sandbox up" in the background, returns once it says that it is ready, and at the end of the script
// interrupts it and demands that it stops well: up DIR.
func runUp(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: up DIR")
	}
	cmd := exec.Command("comity", append([]string{"sandbox", "up"}, args...)...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	path, err := lookPath(ts.Getenv("PATH"), "comity")
	ts.Check(err)
	cmd.Path, cmd.Err = path, nil
	stop, err := startAndAwait(cmd, "Ctrl-C stops", io.Discard)
	ts.Check(err)
	ts.Defer(func() { ts.Check(stop()) })
}

func lookPath(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if full := filepath.Join(dir, name); exists(full) {
			return full, nil
		}
	}
	return "", exec.ErrNotFound
}

// startAndAwait starts a process, copies its standard output to copied and returns once a line of it has the text. stop
// interrupts the process and returns how it ended.
func startAndAwait(cmd *exec.Cmd, text string, copied io.Writer) (stop func() error, err error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Fprintln(copied, lines.Text())
		if strings.Contains(lines.Text(), text) {
			return func() error {
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					return err
				}
				for lines.Scan() {
				}
				return cmd.Wait()
			}, nil
		}
	}
	return nil, cmd.Wait()
}

// setFromOutput keeps a word of the last command's output: set NAME.
func setFromOutput(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: set NAME")
	}
	words := strings.Fields(ts.ReadFile("stdout"))
	if len(words) == 0 {
		ts.Fatalf("the last command printed nothing")
	}
	ts.Setenv(args[0], words[0])
}

// The exit codes are an interface.
func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		line string
		want int
	}{
		{"", exitOK},
		{"--help", exitOK},
		{"message", exitOK},
		{"messages", exitUsage},
		{"message sent", exitUsage},
		{"message list extra", exitUsage},
		{"message list --colour", exitUsage},
		{"message approve", exitUsage},
		{"sandbox init x --states qm,q", exitUsage},
		{"sandbox init x --states qm,fr", exitFailure},
		{"sandbox up /nonexistent", exitFailure},
		{"agent --config /nonexistent", exitFailure},
		{"broker --log xml", exitUsage},
		{"doctor --home /nonexistent", exitFailure},
	} {
		var out, errs strings.Builder
		got := run(t.Context(), strings.Fields(tt.line), streams{in: strings.NewReader(""), out: &out, err: &errs})
		if got != tt.want {
			t.Errorf("comity %s: exit code %d, want %d\n%s", tt.line, got, tt.want, &errs)
		}
		if (got != exitOK) != strings.HasPrefix(errs.String(), "error: ") {
			t.Errorf("comity %s: exit code %d and on standard error %q", tt.line, got, &errs)
		}
	}
}
