package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent"
	"comity/broker"
	"comity/pki"
	"comity/pki/jose"
	"comity/schemas"
)

var three = []schemas.StateCode{"QM", "QN", "QP"}

func plan(t *testing.T, dir string) Plan {
	t.Helper()
	return Plan{Dir: dir, States: three, Routine: time.Second, Urgent: time.Second, Now: time.Now}
}

// shortDir is a new folder with a path that leaves room for sockets, which t.TempDir does not.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "c-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func made(t *testing.T) *Sandbox {
	t.Helper()
	s, err := Init(plan(t, shortDir(t)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestInitMakesWhatAgentsAndBrokersRead(t *testing.T) {
	s := made(t)
	if _, err := broker.LoadConfig(s.BrokerConfig()); err != nil {
		t.Error(err)
	}
	view, err := s.view()
	if err != nil {
		t.Fatal(err)
	}
	if warnings := view.Warnings(time.Now()); len(warnings) > 0 {
		t.Errorf("published documents: %v", warnings)
	}
	for _, id := range s.Authorities() {
		config, err := agent.LoadConfig(s.AgentConfig(id))
		if err != nil {
			t.Fatal(err)
		}
		if config.Authority != id || len(config.Staff) != 7 {
			t.Errorf("%s: configured as %s with %d people", id, config.Authority, len(config.Staff))
		}
		identity, err := agent.ReadIdentity(config.Keys)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := view.Signer(id, jose.Thumbprint(identity.SigningCertificate), time.Now()); err != nil {
			t.Errorf("%s: signing certificate: %v", id, err)
		}
	}
	if _, err := view.Route("QM/justice", "QN/justice", schemas.ChannelMLA, time.Now()); err != nil {
		t.Errorf("QM and QN cannot write to each other: %v", err)
	}
}

func TestNothingSecretIsOpenToOthers(t *testing.T) {
	s := made(t)
	err := filepath.WalkDir(s.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, s.Published()) || strings.HasSuffix(path, ".crt") || d.Name() == "cert.pem" || d.Name() == "directory-cert.pem" {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(s.Published(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), "PRIVATE KEY") {
			t.Errorf("a private key is published in %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestInitRefuses(t *testing.T) {
	full := shortDir(t)
	if err := os.WriteFile(filepath.Join(full, "something"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		states []schemas.StateCode
		dir    string
		want   string
	}{
		{"a real State", []schemas.StateCode{"QM", "FR"}, shortDir(t), "user-assigned codes"},
		{"a code below the range", []schemas.StateCode{"QM", "QA"}, shortDir(t), "user-assigned codes"},
		{"one State", []schemas.StateCode{"QM"}, shortDir(t), "two States"},
		{"a State twice", []schemas.StateCode{"QM", "QN", "QM"}, shortDir(t), "named twice"},
		{"a folder in use", three, full, ErrNotEmpty.Error()},
		{"a path too long for sockets", three, filepath.Join(shortDir(t), strings.Repeat("x", 100)), "shorter folder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := plan(t, tt.dir)
			p.States = tt.states
			if _, err := Init(p); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if entries, err := os.ReadDir(full); err != nil || len(entries) != 1 {
		t.Errorf("a refused folder was changed: %v, %v", entries, err)
	}
}

func TestOpenRefusesAnotherFolder(t *testing.T) {
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNotSandbox) {
		t.Errorf("got %v", err)
	}
	s := made(t)
	if err := os.WriteFile(filepath.Join(s.Dir(), markFile), []byte(`{"scheme":"sandbox","states":["FR"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(s.Dir()); err == nil || !strings.Contains(err.Error(), "user-assigned") {
		t.Errorf("a sandbox of a real State: got %v", err)
	}
}

func TestRevoke(t *testing.T) {
	s := made(t)
	before, err := s.view()
	if err != nil {
		t.Fatal(err)
	}
	config, err := agent.LoadConfig(s.AgentConfig("QM/justice"))
	if err != nil {
		t.Fatal(err)
	}
	identity, err := agent.ReadIdentity(config.Keys)
	if err != nil {
		t.Fatal(err)
	}
	x5t := jose.Thumbprint(identity.SigningCertificate)
	if _, err := before.Signer("QM/justice", x5t, time.Now()); err != nil {
		t.Fatalf("before: %v", err)
	}
	if err := s.Revoke("QM/justice", time.Now); err != nil {
		t.Fatal(err)
	}
	after, err := s.view()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after.Signer("QM/justice", x5t, time.Now()); pki.ReasonOf(err) != pki.ReasonRevoked {
		t.Errorf("after: got %v, want reason %s", err, pki.ReasonRevoked)
	}
	if _, err := after.EncryptionKey("QM/border", time.Now()); err != nil {
		t.Errorf("another authority of the State was cut as well: %v", err)
	}
}

func TestRenew(t *testing.T) {
	s := made(t)
	old, err := s.view()
	if err != nil {
		t.Fatal(err)
	}
	inAWeek := time.Now().Add(6*24*time.Hour + time.Hour)
	if due, err := s.Due(time.Now()); err != nil || due {
		t.Errorf("due at once: %v, %v", due, err)
	}
	if due, err := s.Due(inAWeek); err != nil || !due {
		t.Errorf("due within a day of the end: %v, %v", due, err)
	}
	if err := s.Renew(time.Now); err != nil {
		t.Fatal(err)
	}
	renewed, err := s.view()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := renewed.TrustList().Version, old.TrustList().Version+1; got != want {
		t.Errorf("trust list has version %d, want %d", got, want)
	}
	if len(renewed.Authorities()) != len(old.Authorities()) {
		t.Errorf("%d authorities, had %d", len(renewed.Authorities()), len(old.Authorities()))
	}
}

func TestParseParts(t *testing.T) {
	s := made(t)
	parts, err := s.ParseParts([]string{"broker", "qm/justice", "QM/justice", "qn/border"})
	if err != nil || !parts.Broker || len(parts.Authorities) != 2 {
		t.Errorf("got %v, %v", parts, err)
	}
	if _, err := s.ParseParts([]string{"qz/justice"}); err == nil {
		t.Error("an authority that the sandbox does not have was accepted")
	}
}

// A sandbox with metrics has a port of its own for the broker and for each agent, and says where in the form that Prometheus reads.
func TestASandboxWithMetrics(t *testing.T) {
	p := plan(t, shortDir(t))
	p.Metrics = true
	s, err := Init(p)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(s.MetricsTargets())
	if err != nil {
		t.Fatal(err)
	}
	var targets []target
	if err := json.Unmarshal(content, &targets); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, one := range targets {
		seen[one.Targets[0]] = true
	}
	if want := 1 + len(s.Authorities()); len(targets) != want || len(seen) != want {
		t.Errorf("%d targets at %d places, want %d", len(targets), len(seen), want)
	}
	for _, id := range s.Authorities() {
		if config, err := agent.LoadConfig(s.AgentConfig(id)); err != nil || !config.Metrics.On() {
			t.Errorf("%s: metrics %v, %v", id, config.Metrics, err)
		}
	}
}
