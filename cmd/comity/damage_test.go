package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"comity/cmd/comity/sandbox"
	"comity/schemas"
)

// TestTheBrokersDisk damages what a broker has accepted and not delivered yet. It may lose all of it: whatever has no receipt
// is sent again, end to end, and is there once.
func TestTheBrokersDisk(t *testing.T) {
	t.Parallel()
	damages := []struct {
		name string
		hurt func(m *matrix)
		full bool // only where all is played
	}{
		{"a bit flipped in each file", func(m *matrix) { m.eachBlock(flip) }, false},
		{"each file cut in half", func(m *matrix) { m.eachBlock(halve) }, true},
		{"the inbox gone", func(m *matrix) { m.remove(m.inboxOf("inbox-qn-justice")) }, true},
		{"everything gone", func(m *matrix) { m.remove(filepath.Join(m.sandbox.Dir(), "broker", "data")) }, false},
	}
	w := newWorldOf(t, "justice", func(s *sandbox.Sandbox) {
		edit(t, s.BrokerConfig(), "", "redeliver_after = \"500ms\"\n")
		for _, id := range s.Authorities() {
			edit(t, s.AgentConfig(id), "[[people]]", "[timing]\nresend_first = \"1s\"\nhole_ask = \"1s\"\n\n[[people]]")
		}
	})
	m := &matrix{world: w, outcomes: map[string]string{}}
	for _, damage := range damages {
		if damage.full && !allFaults() {
			continue
		}
		m.processes[qnAgent].kill(t)
		var waiting []schemas.MessageID
		for range 10 {
			waiting = append(waiting, m.approved(m.qm, m.request()))
		}
		for _, id := range waiting {
			m.awaitAcceptance(id)
		}
		m.processes[theBroker].kill(t)
		damage.hurt(m)
		m.processes[theBroker].start(t)
		m.processes[qnAgent].start(t)
		for _, id := range waiting {
			m.awaitDelivery(id)
		}
		m.wantNamed("sent-again")
		m.wantSame()
		m.called(damage.name, fmt.Sprintf("sent-again; %d of %d receipted, each once", len(waiting), len(waiting)))
	}
	m.printNames()
	m.settle()
	m.verifyStores()
}

func (m *matrix) awaitAcceptance(id schemas.MessageID) {
	m.t.Helper()
	officer := m.client(m.qm, sandbox.Officer1)
	m.until("having it accepted", func(ctx context.Context) error {
		now, err := officer.Message(ctx, string(id))
		if err == nil && !now.Accepted {
			err = errors.New("not accepted yet")
		}
		return err
	})
}

// eachBlock does something to each file in which the broker keeps what waits for QN.
func (m *matrix) eachBlock(hurt func(path string) error) {
	m.t.Helper()
	found := 0
	err := filepath.WalkDir(m.inboxOf("inbox-qn-justice"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".blk") {
			return err
		}
		found++
		return hurt(path)
	})
	if err != nil || found == 0 {
		m.t.Fatalf("%d files damaged: %v", found, err)
	}
}

func flip(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	content[len(content)/2] ^= 1
	return os.WriteFile(path, content, 0o600)
}

func halve(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()/2)
}

func (m *matrix) remove(path string) {
	m.t.Helper()
	if err := os.RemoveAll(path); err != nil {
		m.t.Fatal(err)
	}
}
