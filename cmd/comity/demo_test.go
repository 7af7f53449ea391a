package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"comity/agent/people"
)

// A demo that stays up says what to try: each of these commands is run as it was printed. Then Ctrl-C ends it and leaves
// no folder behind.
func TestDemoStaysAndSaysWhatToTry(t *testing.T) {
	var printed strings.Builder
	demo := program(t, t.Context(), "demo")
	stop, err := startAndAwait(demo, "Ctrl-C ends it", &printed)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(printed.String(), " passed, 0 failed") || strings.Contains(printed.String(), "FAILED") {
		t.Errorf("not everything passed:\n%s", &printed)
	}
	said, next, _ := strings.Cut(printed.String(), "In a second terminal")
	if strings.Count(said, "https://localhost:") != 6 {
		t.Errorf("the consoles of six authorities expected:\n%s", said)
	}
	for _, role := range people.Roles() {
		if !strings.Contains(said, string(role)) {
			t.Errorf("no login of a %s is shown", role)
		}
	}
	var commands []string
	for line := range strings.Lines(next) {
		if command, ok := strings.CutPrefix(line, "  "); ok {
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	if len(commands) != 4 {
		t.Errorf("4 commands to try expected, got %q", commands)
	}
	for _, command := range commands {
		shell := exec.CommandContext(t.Context(), "sh", "-c", command)
		shell.Dir = "../.." // where the person stands who typed the command that the README gives
		shell.Env = append(os.Environ(), asProgram+"=1")
		if out, err := shell.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("Ctrl-C: %v", err)
	}
	_, rest, _ := strings.Cut(printed.String(), " run in ")
	dir, _, _ := strings.Cut(rest, " ")
	if dir == "" || exists(dir) {
		t.Errorf("the folder %q is still there", dir)
	}
}
