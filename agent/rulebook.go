package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"comity/agent/policy"
	"comity/agent/store"
)

// rulebook is the engine with the rules that this State adds. Rules are replaced, never edited; while a file of them cannot
// be read or is refused, every decision is a block: a rule that somebody meant to add must not be missing unseen. It is safe
// for concurrent use.
type rulebook struct {
	paths  []string
	config policy.Config

	mu     sync.RWMutex
	engine *policy.Engine // nil while the State's own rules cannot be read
	err    error
	read   map[string]time.Time // when each file was last changed, as it was read
}

// openRulebook reads the rules. At the start a file that is refused is an error: the operator is there to mend it.
func openRulebook(paths []string, c policy.Config) (*rulebook, error) {
	b := &rulebook{paths: paths, config: c}
	b.load()
	if b.engine == nil {
		return nil, b.err
	}
	return b, nil
}

// Decide asks the rules in force.
func (b *rulebook) Decide(ctx context.Context, f policy.Facts) (policy.Decision, *policy.Clearance) {
	b.mu.RLock()
	engine, err := b.engine, b.err
	b.mu.RUnlock()
	if engine == nil {
		return policy.Unruled(err), nil
	}
	return engine.Decide(ctx, f)
}

// refresh reads the files again if one has changed. It reports whether they can be used.
func (b *rulebook) refresh() (usable bool) {
	b.mu.RLock()
	same := len(b.read) == len(b.paths)
	for _, path := range b.paths {
		info, err := os.Stat(path)
		same = same && err == nil && info.ModTime().Equal(b.read[path])
	}
	usable = b.engine != nil
	b.mu.RUnlock()
	if same && usable || len(b.paths) == 0 {
		return usable
	}
	return b.load()
}

func (b *rulebook) load() bool {
	read, c := map[string]time.Time{}, b.config
	var engine *policy.Engine
	err := func() error {
		for _, path := range b.paths {
			info, err := os.Stat(path)
			if err != nil {
				return fmt.Errorf("reading this State's rules: %w", err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("reading this State's rules: %w", err)
			}
			read[path] = info.ModTime()
			c.Extra = append(c.Extra, policy.RuleFile{Name: filepath.Base(path), Text: text})
		}
		var err error
		engine, err = policy.New(c)
		return err
	}()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.engine, b.err, b.read = engine, err, read
	return err == nil
}

// watchRules looks at the State's rule files until ctx ends.
func (a *Agent) watchRules(ctx context.Context) error {
	ticker := time.NewTicker(a.config.Refresh)
	defer ticker.Stop()
	usable := true
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		now := a.policy.refresh()
		switch {
		case usable && !now:
			a.alertNow(ctx, AlertRules, "unreadable", "")
		case !usable && now:
			err := a.store.Update(ctx, func(tx *store.Tx) error { return a.endAlert(tx, AlertRules, "unreadable", "") })
			if err != nil && ctx.Err() == nil {
				return fmt.Errorf("ending an alert: %w", err)
			}
		}
		usable = now
	}
}
