package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"comity/agent/policy"
	"comity/agent/register"
	"comity/agent/store"
	"comity/schemas"
)

// The desks that all worlds are played on.

const (
	qpBorder = schemas.AuthorityID("QP/border")
	host     = schemas.StateCode("QM") // where the person in question is
	origin   = schemas.StateCode("QP") // whence, and who must not learn of it
)

// company is desks that play one story after the other. Keys, certificates and rules are dear and stay; the databases are
// new in each world.
type company struct {
	*world
	t     *testing.T
	cast  []schemas.AuthorityID // in the order in which they act at one moment
	empty []byte                // a database with all its tables and nothing in them
	start time.Time
}

func newCompany(t *testing.T) *company {
	t.Helper()
	if testing.Short() { // as under the race detector: the stage plays one act after the other
		t.Skip("the non-interference test is played in full length by go test without -short")
	}
	if dir, err := os.MkdirTemp("/dev/shm", "comity"); err == nil { // where there is one: each commit is synced
		os.RemoveAll(dir)
		t.Setenv("TMPDIR", "/dev/shm")
	}
	c := &company{t: t, cast: []schemas.AuthorityID{qm, qn, qp, qmBorder, qpBorder}}
	c.world = newWorldOf(t, c.cast...)
	c.start = c.clock.Now()
	for _, id := range c.cast {
		d := c.desks[id]
		d.parallel = 1
		d.config.Routine, d.config.Urgent = 15*time.Minute, time.Minute
		rules, err := openRulebook(nil, policy.Config{Register: &switched{guardedRegister: d.register}, Scanner: d.scanner, Patience: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		d.policy = rules
	}
	c.desks[qm].closeStore(t)
	var err error
	if c.empty, err = os.ReadFile(c.desks[qm].databasePath()); err != nil {
		t.Fatal(err)
	}
	c.desks[qm].openStore(t)
	return c
}

func (d *desk) databasePath() string { return filepath.Join(d.config.Data, "agent.db") }

func (d *desk) closeStore(t *testing.T) {
	t.Helper()
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) openStore(t *testing.T) {
	t.Helper()
	columns, err := store.ReadColumns(d.config.Keys.Store)
	if err != nil {
		t.Fatal(err)
	}
	if d.store, err = store.Open(context.Background(), d.databasePath(), columns); err != nil {
		t.Fatal(err)
	}
}

// backUp is the database as it is now; restore puts it back.
func (d *desk) backUp(t *testing.T) []byte {
	t.Helper()
	d.closeStore(t)
	content, err := os.ReadFile(d.databasePath())
	if err != nil {
		t.Fatal(err)
	}
	d.openStore(t)
	return content
}

func (d *desk) restore(t *testing.T, content []byte) {
	t.Helper()
	d.closeStore(t)
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(d.databasePath() + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(d.databasePath(), content, 0o600); err != nil {
		t.Fatal(err)
	}
	d.openStore(t)
}

// registerMode is how a desk's protection register behaves towards its rules.
type registerMode string

const (
	registerUp   registerMode = "up"
	registerDown registerMode = "down"
	registerSlow registerMode = "slow" // slower than the rules wait
)

var errSwitchedOff = errors.New("the register is out of reach")

// switched stands between a desk's rules and its register.
type switched struct {
	*guardedRegister
	mode registerMode
}

func (s *switched) Look(ctx context.Context, q register.Question) (register.Answer, error) {
	switch s.mode {
	case registerDown:
		return register.Answer{}, errSwitchedOff
	case registerSlow: // the rules have run out of patience; waiting for it in earnest would show nothing more
		return register.Answer{}, context.DeadlineExceeded
	}
	return s.guardedRegister.Look(ctx, q)
}

// emptyRegister gives a desk an empty register that was never fed.
func (d *desk) emptyRegister(t *testing.T) {
	t.Helper()
	if err := d.register.close(); err != nil {
		t.Fatal(err)
	}
	config := RegisterConfig(d.config, d.now)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(config.Path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	r, err := register.Create(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	d.register.mu.Lock()
	d.register.config, d.register.open, d.register.err = config, r, nil
	d.register.mu.Unlock()
	d.policy.config.Register.(*switched).mode = registerUp
}

func (d *desk) mode() registerMode { return d.policy.config.Register.(*switched).mode }

// turn sets how a register behaves. One that is down is down for labels too.
func (d *desk) turn(m registerMode) {
	d.policy.config.Register.(*switched).mode = m
	d.register.mu.Lock()
	defer d.register.mu.Unlock()
	d.register.config.Path = RegisterConfig(d.config, d.now).Path
	if m == registerDown && d.register.open != nil {
		d.register.open.Close()
		d.register.open, d.register.config.Path = nil, ""
	}
	d.register.err = nil
}
