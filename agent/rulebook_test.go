package agent

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"comity/agent/store"
	"comity/schemas"
)

// While this State's own rules cannot be read, nothing leaves, and the rules of before are not used instead.
func TestABrokenRuleFileStopsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "national.cedar")
	write := func(text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now().Add(-time.Hour)
	write(holding, start)
	w := newWorldWith(t, []string{path}, qm, qn)
	d := w.desks[qm]
	tests := []struct {
		name, text string
		usable     bool
		rule       string
		urgency    schemas.Urgency
	}{
		{"as at the start", holding, true, "NAT-01", schemas.Urgent},
		{"cut off", holding[:120], false, "EVAL-01", schemas.Routine},
		{"a permit", `@id("NAT-09") @source("s") @text("t") permit (principal, action, resource);`, false, "EVAL-01", schemas.Routine},
		{"mended", holding, true, "NAT-01", schemas.Urgent},
	}
	for i, tt := range tests {
		write(tt.text, start.Add(time.Duration(i)*time.Minute))
		if got := d.policy.refresh(); got != tt.usable {
			t.Errorf("%s: usable %v", tt.name, got)
		}
		content := draft(t, qn, "request", "", "")
		if tt.urgency != schemas.Routine {
			content = requestOf(t, tt.urgency)
		}
		m := d.stopped(content)
		if r := d.review(m.ID); len(r.Rules) != 1 || r.Rules[0] != tt.rule {
			t.Errorf("%s: stopped by %v, want %s", tt.name, r.Rules, tt.rule)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if d.policy.refresh() {
		t.Error("usable without its file")
	}
	m := d.write(draft(t, qn, "request", "", ""))
	d.seal(m.ID)
	if got := d.message(qm, m.ID).State; got != store.UnderReview {
		t.Errorf("without the file a message is %s", got)
	}
}

// At the start the operator is there to mend it.
func TestAnAgentDoesNotStartWithABrokenRuleFile(t *testing.T) {
	w := newWorldOf(t, qn)
	path := filepath.Join(t.TempDir(), "national.cedar")
	if err := os.WriteFile(path, []byte("forbid ("), 0o600); err != nil {
		t.Fatal(err)
	}
	config := w.desks[qn].config
	config.Rules = []string{path}
	config.Data = t.TempDir()
	if _, err := New(t.Context(), config, Options{Now: w.clock.Now}); err == nil {
		t.Error("it started")
	}
}
