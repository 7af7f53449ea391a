package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The README's words are commands that people will type: each is run here as it stands.

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

func readme(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestTourOfTheReadme(t *testing.T) {
	blocks := shellBlock.FindAllStringSubmatch(readme(t), -1)
	if len(blocks) < 2 {
		t.Fatalf("the README has %d blocks of commands", len(blocks))
	}
	first := strings.Split(strings.TrimSpace(blocks[0][1]), "\n")
	want := []string{"go build -o comity ./cmd/comity", "./comity sandbox init sandbox --states qm,qn,qp", "./comity sandbox up sandbox"}
	if strings.Join(first, "\n") != strings.Join(want, "\n") {
		t.Fatalf("the first terminal types %q", first)
	}
	dir := tourFolder(t)

	// The first terminal; only that the broker takes a free port, because somebody's sandbox may run beside this test.
	initialise := exec.Command("./comity", "sandbox", "init", "sandbox", "--states", "qm,qn,qp", "--port", "0")
	initialise.Dir = dir
	if out, err := initialise.CombinedOutput(); err != nil {
		t.Fatalf("sandbox init: %v\n%s", err, out)
	}
	up := exec.Command("./comity", "sandbox", "up", "sandbox")
	up.Dir = dir
	stop, err := startAndAwait(up, "Ctrl-C stops", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Errorf("stopping the sandbox: %v", err)
		}
	}()

	// The second terminal, as one shell that ends at the first command that fails.
	var typed strings.Builder
	typed.WriteString("set -euo pipefail\n")
	for _, block := range blocks[1:] {
		typed.WriteString(block[1])
	}
	second := exec.Command("bash", "-c", typed.String())
	second.Dir = dir
	out, err := second.CombinedOutput()
	if err != nil {
		t.Fatalf("the second terminal: %v\n%s", err, out)
	}
	if got := strings.Count(string(out), "  acknowledged  mla"); got != 2 {
		t.Errorf("%d sides see the case as acknowledged, not 2:\n%s", got, out)
	}
}

// tourFolder is a folder in which ./comity and deploy/samples are found as in the repository.
func tourFolder(t *testing.T) string {
	t.Helper()
	dir := shortDir(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n" + asProgram + "=1 exec '" + self + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "comity"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	deploy, err := filepath.Abs("../../deploy")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(deploy, filepath.Join(dir, "deploy")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The two commands stand on lines of their own, where .ci/run and people look for them.
func TestReadmeGivesTheTwoCommands(t *testing.T) {
	for _, command := range []string{"    go run ./cmd/comity demo\n", "    go test ./...\n"} {
		if !strings.Contains(readme(t), "\n"+command) {
			t.Errorf("the README does not give %q", strings.TrimSpace(command))
		}
	}
}

var linkForm = regexp.MustCompile(`\]\(([^)#:]+)\)`)

func TestLinksOfTheReadmeLead(t *testing.T) {
	for _, match := range linkForm.FindAllStringSubmatch(readme(t), -1) {
		if _, err := os.Stat(filepath.Join("../..", match[1])); err != nil {
			t.Errorf("the README links to %s: %v", match[1], err)
		}
	}
}
