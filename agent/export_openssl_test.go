package agent

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"comity/agent/api"
)

// page is the documentation of what is checked by hand.
const page = "../EVIDENCE.md"

// section is the commands under one heading of a page.
type section struct{ heading, commands string }

// commandsOf are the shell commands of a page, in order.
func commandsOf(t *testing.T, path string) (found []section) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	heading, within := "", false
	for line := range strings.Lines(string(content)) {
		switch {
		case strings.HasPrefix(line, "```"):
			within = line == "```sh\n"
			if within && (len(found) == 0 || found[len(found)-1].heading != heading) {
				found = append(found, section{heading: heading})
			}
		case within:
			found[len(found)-1].commands += line
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimSpace(strings.TrimLeft(line, "#"))
		}
	}
	return found
}

// byHand runs the commands of the page on a file, without our program. It returns the heading under which they failed, "" if
// they did not, and what they printed.
func byHand(t *testing.T, sections []section, file []byte, signers []string, environment ...string) (failed, printed string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"case.zip": string(file), "signers": strings.Join(signers, "\n") + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var script strings.Builder
	for i, s := range sections {
		fmt.Fprintf(&script, "echo %d > reached\n%s", i, s.commands)
	}
	sh := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script.String())
	sh.Dir = dir
	sh.Env = append(os.Environ(), environment...)
	out, err := sh.CombinedOutput()
	if err == nil {
		return "", string(out)
	}
	if _, ended := errors.AsType[*exec.ExitError](err); !ended {
		t.Fatal(err)
	}
	var reached int
	at, err := os.ReadFile(filepath.Join(dir, "reached"))
	if err == nil {
		_, err = fmt.Sscan(string(at), &reached)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sections[reached].heading, string(out)
}

// needPrograms skips a test where a program is missing, but not where everything must be there.
func needPrograms(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("COMITY_REQUIRE") != "" {
				t.Fatal(err)
			}
			t.Skipf("%s is not installed here", name)
		}
	}
}

// What EVIDENCE.md says of other tools is so: its own commands accept a real file, and one changed byte anywhere makes the
// very commands fail that are about it.
func TestOtherToolsCheckTheFileOfACase(t *testing.T) {
	t.Parallel()
	needPrograms(t, "sh", "openssl", "jq", "unzip", "base64", "od", "sha256sum", "sed")
	w, in := aCaseForCourt(t)
	file, sections, signers := w.desks[qm].exported(in, "QM"), commandsOf(t, page), w.scheme.Pin.Signers

	failed, printed := byHand(t, sections, file, signers)
	if failed != "" {
		t.Fatalf("a good file fails at %q:\n%s", failed, printed)
	}
	// Two signers of the list, message, receipt, acceptance, statement, checkpoint; and three certificate chains.
	if verified, chains := strings.Count(printed, "Verified OK\n"), strings.Count(printed, ".pem: OK\n"); verified != 7 || chains != 3 {
		t.Errorf("%d signatures and %d certificates were verified:\n%s", verified, chains, printed)
	}

	bendText := func(name, text, into string) func(*opened) {
		return func(f *opened) {
			changed := strings.Replace(string(f.files[name]), text, into, 1)
			if changed == string(f.files[name]) {
				t.Fatalf("%s has no %q", name, text)
			}
			f.files[name] = []byte(changed)
		}
	}
	first := takeApart(t, file).of(qm, 1)
	list, crl := takeApart(t, file).trust(first.Trust, "trust/list-"), takeApart(t, file).trust(first.Trust, "trust/crl-qm")
	type change struct {
		name   string
		make   func(*opened)
		fails  string
		sample bool
	}
	changes := []change{
		{"the content of the message", func(f *opened) { f.bend(first.Signed, 1) }, "The message", true},
		{"the signature of the message", func(f *opened) { f.bend(first.Signed, 2) }, "The message", false},
		{"the content of the receipt", func(f *opened) { f.bend(first.Receipt, 1) }, "The receipt", false},
		{"the receipt of another message", func(f *opened) { f.files[first.Receipt] = f.files[f.of(qm, 2).Receipt] }, "The receipt", true},
		{"the acceptance", func(f *opened) { f.bend(first.Acceptance, 1) }, "The broker's acceptance", false},
		{"the envelope", func(f *opened) { f.bend(first.Envelope, 3) }, "The broker's acceptance", false},
		{"the trust list", bendText(list, `"payload":"eyJ`, `"payload":"eyB`), "The scheme's trust list", false},
		{"the revocation list", func(f *opened) { f.files[crl] = f.files[f.trust(first.Trust, "trust/crl-qn")] }, "The signer's certificate", false},
		{"the certificate", func(f *opened) {
			for name := range f.files {
				if strings.HasPrefix(name, "certificates/") {
					f.files[name] = f.files[name][:len(f.files[name])/2]
				}
			}
		}, "The signer's certificate", true},
		{"the signature of the statement", func(f *opened) { f.bend("statement.jws", 2) }, "The statement", false},
		{"a file that these commands have no other look at", func(f *opened) { f.bend(f.of(qm, 2).Signed, 1) }, "The statement", false},
		{"the checkpoint", func(f *opened) { f.restated(w.desks[qm], bendText(first.Proof, "\n6\n", "\n7\n")) }, "The journal", true},
		{"the proof of another message", func(f *opened) {
			f.restated(w.desks[qm], func(f *opened) { f.files[first.Proof] = f.files[f.of(qm, 2).Proof] })
		}, "The journal", false},
	}
	if testing.Short() || os.Getenv("COMITY_FULL") == "" {
		changes = slices.DeleteFunc(changes, func(c change) bool { return !c.sample }) // each starts some 150 programs
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			f := takeApart(t, file)
			c.make(f)
			if failed, printed := byHand(t, sections, f.pack(), signers); failed != c.fails {
				t.Errorf("fails at %q, want %q:\n%s", failed, c.fails, printed)
			}
		})
	}
	t.Run("signers that are not ours", func(t *testing.T) {
		if failed, printed := byHand(t, sections, file, []string{signers[0], strings.Repeat("A", 43)}); failed != "The scheme's trust list" {
			t.Errorf("fails at %q:\n%s", failed, printed)
		}
	})
}

// The same commands check the files of evidence of the message that is named to them.
func TestOtherToolsCheckEvidence(t *testing.T) {
	t.Parallel()
	needPrograms(t, "sh", "openssl", "jq", "unzip", "base64", "od", "sha256sum", "sed")
	w, in, _ := aCaseWithEvidence(t)
	host := w.desks[qn]
	file, sections, signers := host.exported(in, "QN"), commandsOf(t, page), w.scheme.Pin.Signers
	names := takeApart(t, file).evidenceIn()
	n, _, _ := strings.Cut(strings.TrimPrefix(names[0], "evidence/"), "-evidence-")
	failed, printed := byHand(t, sections, file, signers, "n="+n)
	if failed != "" || strings.Count(printed, ": Same\n") != 2 {
		t.Fatalf("a good file fails at %q:\n%s", failed, printed)
	}
	changes := map[string]func(*opened){
		"a byte":       func(f *opened) { f.files[names[0]][7] ^= 1 },
		"its end":      func(f *opened) { f.files[names[1]] = f.files[names[1]][:50] },
		"another file": func(f *opened) { f.swap(names[0], names[1]) },
		"no file":      func(f *opened) { delete(f.files, names[1]) },
	}
	if testing.Short() || os.Getenv("COMITY_FULL") == "" {
		maps.DeleteFunc(changes, func(name string, _ func(*opened)) bool { return name != "a byte" })
	}
	for name, change := range changes {
		f := takeApart(t, file)
		change(f)
		if name != "no file" { // no statement can be signed that names what is not there
			f.sign(host)
		}
		if failed, printed := byHand(t, sections, f.pack(), signers, "n="+n); failed != "The files of evidence" {
			t.Errorf("%s: fails at %q:\n%s", name, failed, printed)
		}
	}
	small, _, err := host.exportCase("approver", in, api.CaseRequest{Reader: "QN", WithoutFiles: true})
	if err != nil {
		t.Fatal(err)
	}
	if failed, printed := byHand(t, sections, small, signers, "n="+n); failed != "" || strings.Count(printed, ": not in the file (left-out)\n") != 2 {
		t.Errorf("without files it fails at %q:\n%s", failed, printed)
	}
}

// restated is a change that the exporter then states in its own name.
func (f *opened) restated(d *desk, change func(*opened)) {
	f.t.Helper()
	change(f)
	f.sign(d)
}
