package register

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"comity/schemas"
)

// noon is when these tests play.
var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// newRegister is an empty register that was fed at noon.
func newRegister(t testing.TB) (*Register, *clock, Config) {
	t.Helper()
	dir := t.TempDir()
	c := &clock{noon}
	config := Config{Path: filepath.Join(dir, "register.db"), KeyPath: filepath.Join(dir, "register.key"), Now: c.now}
	r, err := Create(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	feed(t, r, "")
	return r, c, config
}

func feed(t testing.TB, r *Register, rows string) Report {
	t.Helper()
	report, err := r.Import(t.Context(), strings.NewReader(rows), Options{})
	if err != nil {
		t.Fatalf("import: %v, %+v", err, report)
	}
	return report
}

// ask looks one person up.
func ask(t testing.TB, r *Register, id schemas.Identity) []Match {
	t.Helper()
	a, err := r.Look(t.Context(), Question{Persons: []schemas.Identity{id}})
	if err != nil {
		t.Fatal(err)
	}
	return a.Persons[0]
}

func named(names ...string) schemas.Identity { return schemas.Identity{Names: names} }

// createEmpty is a register that was never fed.
func createEmpty(t testing.TB) *Register {
	t.Helper()
	dir := t.TempDir()
	c := &clock{noon}
	r, err := Create(t.Context(), Config{Path: filepath.Join(dir, "register.db"), KeyPath: filepath.Join(dir, "register.key"), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}
