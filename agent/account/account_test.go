package account

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"comity/agent/people"
	"comity/agent/store"
	"comity/pki/keyfile"
)

// cheap is a cost for tests of everything but the cost.
var cheap = Cost{Argon2Time: 1, Argon2MemoryKiB: 64, Argon2Threads: 1, PBKDF2Iterations: 10}

const good = "TESTPERSON correct horse"

// desk is a book on a real database with a clock that the test moves.
type desk struct {
	*Book
	now    time.Time
	store  *store.Store
	events []string // event, by
}

func newDesk(t testing.TB, staff ...*people.Person) *desk {
	t.Helper()
	key := make([]byte, store.KeySize)
	columns, err := store.NewColumns(key)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	if d.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "agent.db"), columns); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.store.Close() })
	signer, err := keyfile.Generate()
	if err != nil {
		t.Fatal(err)
	}
	d.Book = Open(Config{
		Authority: "QM/justice", Store: d.store, Staff: staff, Cost: cheap, Now: func() time.Time { return d.now },
		Key: signer, Thumbprint: strings.Repeat("A", 43),
		Record: func(_ *store.Tx, e Event, _ store.Hash, by string) error {
			d.events = append(d.events, string(e)+" "+by)
			return nil
		},
	})
	return d
}

// with adds an account whose password is good.
func (d *desk) with(t *testing.T, name string, roles ...people.Role) *desk {
	t.Helper()
	if err := d.AddWith(t.Context(), "key-1", name, roles, good); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) login(t *testing.T, name, password string) Entry {
	t.Helper()
	e, err := d.Login(t.Context(), name, password)
	if err != nil {
		t.Fatalf("login of %s: %v", name, err)
	}
	return e
}

func TestPasswordRules(t *testing.T) {
	tests := []struct {
		name, password string
		want           []error
	}{
		{"long enough", "fifteen letters", nil},
		{"a letter short", "fourteen lette", []error{ErrPasswordShort}},
		{"letters count, not bytes", strings.Repeat("é", 14), []error{ErrPasswordShort}},
		{"as long as may be", strings.Repeat("x", MaxPassword), nil},
		{"longer", strings.Repeat("x", MaxPassword+1), []error{ErrPasswordLong}},
		{"holds the name", "xx Officer-1 xxxxxxxxx", []error{ErrPasswordName}},
		{"holds the name in wide letters", "xx ｏｆｆｉｃｅｒ-1 xxxxxxxxx", []error{ErrPasswordName}},
		{"both faults at once", "officer-1", []error{ErrPasswordShort, ErrPasswordName}},
		{"control signs", "fifteen\x00letters!", []error{ErrPasswordText}},
		{"no text", "fifteen letters\xff", []error{ErrPasswordText}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := checkPassword("officer-1", tt.password)
			if (err == nil) != (len(tt.want) == 0) {
				t.Fatalf("got %v", err)
			}
			for _, want := range tt.want {
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v among it", err, want)
				}
			}
		})
	}
}

func TestHashes(t *testing.T) {
	stored, err := DefaultCost.hash(good)
	if err != nil {
		t.Fatal(err)
	}
	old, err := cheap.hashPBKDF2(good, make([]byte, saltSize))
	if err != nil {
		t.Fatal(err)
	}
	again, err := DefaultCost.hash(good)
	if err != nil || again == stored {
		t.Errorf("two hashes of one password are the same: %v", err)
	}
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Errorf("parameters are not in the hash: %s", stored[:40])
	}
	for _, hash := range []string{stored, old} {
		for password, want := range map[string]bool{good: true, good + "x": false, "": false, strings.Repeat("x", MaxPassword+1): false} {
			if got, err := matches(hash, password); err != nil || got != want {
				t.Errorf("%.20s with a password of %d bytes: %v, %v", hash, len(password), got, err)
			}
		}
	}
	if got, err := matches(stored, "TESTPERSON ｃorrect horse"); err != nil || !got {
		t.Errorf("the same password in another form: %v, %v", got, err)
	}
	for _, damaged := range []string{"", "$", stored[:60], strings.Replace(stored, "m=65536", "m=99999999", 1), strings.Replace(stored, "t=3", "t=0", 1),
		strings.Replace(stored, "argon2id", "argon2i", 1), strings.Replace(old, "i=10", "i=0", 1), strings.Replace(old, "i=10", "i=x", 1)} {
		if got, err := matches(damaged, good); got || !errors.Is(err, errForeignHash) {
			t.Errorf("%.30s: %v, %v", damaged, got, err)
		}
	}
}

func TestLoginTellsNothing(t *testing.T) {
	d := newDesk(t).with(t, "officer-1", people.CaseOfficer).with(t, "officer-2", people.CaseOfficer).with(t, "officer-3", people.CaseOfficer)
	if err := d.SetLocked(t.Context(), "key-1", "officer-2", true); err != nil {
		t.Fatal(err)
	}
	for range freeAttempts {
		d.Login(t.Context(), "officer-3", "wrong")
	}
	texts := map[string]bool{}
	for _, try := range []struct{ name, password string }{
		{"officer-1", "wrong"}, {"nobody", good}, {"officer-2", good}, {"officer-3", good}, {"", ""}, {"officer-1\x00", good},
	} {
		e, err := d.Login(t.Context(), try.name, try.password)
		if !errors.Is(err, ErrLogin) || e.Session != nil || e.Cookie != nil {
			t.Errorf("%q: %+v, %v", try.name, e, err)
			continue
		}
		texts[err.Error()] = true
	}
	if len(texts) != 1 {
		t.Errorf("several answers: %v", texts)
	}
	if e := d.login(t, "officer-1", good); e.Session.Person.Name != "officer-1" || e.Session.Method != ByPassword {
		t.Errorf("the right password: %+v", e.Session)
	}
}

// The work for a name that is not there is one hash of the same cost: without it an answer would come a hundred times faster.
func TestAnUnknownNameCostsAsMuch(t *testing.T) {
	d := newDesk(t)
	d.c.Cost = Cost{Argon2Time: 2, Argon2MemoryKiB: 16 << 10, Argon2Threads: 1}
	d.with(t, "officer-1", people.CaseOfficer)
	fastest := func(name string) time.Duration {
		best := time.Hour
		for range 5 {
			begun := time.Now()
			d.Login(t.Context(), name, "wrong wrong wrong")
			best = min(best, time.Since(begun))
		}
		return best
	}
	known, unknown := fastest("officer-1"), fastest("nobody")
	if unknown*4 < known {
		t.Errorf("a known name takes %s and an unknown one %s", known, unknown)
	}
}

func TestLockOutBacksOffAndEnds(t *testing.T) {
	d := newDesk(t).with(t, "officer-1", people.CaseOfficer)
	tryAt := func(after time.Duration, password string) error {
		d.now = d.now.Add(after)
		_, err := d.Login(t.Context(), "officer-1", password)
		return err
	}
	for range freeAttempts {
		tryAt(0, "wrong")
	}
	for _, step := range []struct {
		after    time.Duration
		password string
		admitted bool
	}{
		{0, good, false}, {time.Second, good, false}, // waits 2 s
		{time.Second, "wrong", false}, // the sixth: waits 4 s
		{3 * time.Second, good, false}, {time.Second, good, true},
		{0, "wrong", false}, {0, good, true}, // what was right is forgotten
	} {
		if err := tryAt(step.after, step.password); (err == nil) != step.admitted {
			t.Errorf("%+v: %v", step, err)
		}
	}
	for range 60 {
		tryAt(longestWait, "wrong")
	}
	if err := tryAt(longestWait-time.Second, good); err == nil {
		t.Error("admitted before the longest wait was over")
	}
	if err := tryAt(time.Second, good); err != nil {
		t.Errorf("kept out for longer than the longest wait: %v", err)
	}
	for range 1000 {
		d.Login(t.Context(), "somebody-else", "wrong")
	}
	if len(d.failed) != 0 {
		t.Errorf("unknown names are remembered: %d", len(d.failed))
	}
}

func TestWhatEndsASession(t *testing.T) {
	ctx := context.Background()
	ends := map[string]func(*desk, *Session) error{
		"idle": func(d *desk, _ *Session) error { d.now = d.now.Add(DefaultIdle + time.Second); return nil },
		"absolute": func(d *desk, s *Session) error {
			for range 24 {
				d.now = d.now.Add(DefaultIdle)
				d.find(s.key)
			}
			d.now = d.now.Add(time.Second)
			return nil
		},
		"log-out": func(d *desk, s *Session) error { _, err := d.Logout(ctx, s); return err },
		"roles": func(d *desk, _ *Session) error {
			return d.SetRoles(ctx, "key-1", "officer-1", []people.Role{people.Auditor})
		},
		"lock":     func(d *desk, _ *Session) error { return d.SetLocked(ctx, "key-1", "officer-1", true) },
		"reset":    func(d *desk, _ *Session) error { _, err := d.Reset(ctx, "key-1", "officer-1"); return err },
		"password": func(d *desk, s *Session) error { _, err := d.ChangePassword(ctx, s, good, good+" battery"); return err },
		// A change that another door made at the same moment as the login, so that its sessions were ended too early.
		"a change of the row": func(d *desk, _ *Session) error {
			return d.store.Update(ctx, func(tx *store.Tx) error {
				a, err := tx.Account("officer-1")
				if err != nil {
					return err
				}
				a.ChangedAt = a.ChangedAt.Add(time.Millisecond)
				return tx.PutAccount(a)
			})
		},
		"an eleventh session": func(d *desk, _ *Session) error {
			for range maxSessionsOfAccount {
				d.now = d.now.Add(time.Second)
				if _, err := d.Login(ctx, "officer-1", good); err != nil {
					return err
				}
			}
			return nil
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t).with(t, "officer-1", people.CaseOfficer)
			e := d.login(t, "officer-1", good)
			d.now = d.now.Add(DefaultIdle - time.Second)
			if s, err := d.Session(ctx, requestWith(e.Cookie)); err != nil || s == nil || s.Person.Name != "officer-1" {
				t.Fatalf("a session in use: %v, %v", s, err)
			}
			if err := end(d, e.Session); err != nil {
				t.Fatal(err)
			}
			if s, err := d.Session(ctx, requestWith(e.Cookie)); err != nil || s != nil {
				t.Errorf("the session goes on: %+v, %v", s, err)
			}
		})
	}
}

func TestOneTimePasswords(t *testing.T) {
	d := newDesk(t)
	first, err := d.Add(t.Context(), "key-1", "approver", []people.Role{people.Approver})
	if err != nil {
		t.Fatal(err)
	}
	e := d.login(t, "approver", first)
	if !e.Session.MustChange {
		t.Error("a one-time password need not be changed")
	}
	for _, try := range []struct {
		old, new string
		want     error
	}{{"wrong", good, ErrLogin}, {first, first, ErrPasswordSame}, {first, "short", ErrPasswordShort}, {first, "my approver password", ErrPasswordName}} {
		if _, err := d.ChangePassword(t.Context(), e.Session, try.old, try.new); !errors.Is(err, try.want) {
			t.Errorf("%+v: %v", try, err)
		}
	}
	next, err := d.ChangePassword(t.Context(), e.Session, first, good)
	if err != nil || next.Session.MustChange {
		t.Fatalf("changing: %+v, %v", next.Session, err)
	}
	if _, err := d.Login(t.Context(), "approver", first); !errors.Is(err, ErrLogin) {
		t.Errorf("the one-time password is good twice: %v", err)
	}
	seen := map[string]bool{}
	for range 100 {
		one := newOneTime()
		if err := checkPassword("approver", one); err != nil || seen[one] {
			t.Errorf("one-time password %v, seen %v", err, seen[one])
		}
		seen[one] = true
	}
}

func TestAccountsOfPeopleWhoAreListed(t *testing.T) {
	listed := &people.Person{Name: "officer-1", Roles: []people.Role{people.CaseOfficer}}
	d := newDesk(t, listed)
	if err := d.AddWith(t.Context(), "", "officer-1", []people.Role{people.Approver}, good); !errors.Is(err, ErrListed) {
		t.Errorf("an account added a role to what agent.toml says: %v", err)
	}
	if err := d.AddWith(t.Context(), "", "officer-1", nil, good); err != nil {
		t.Fatal(err)
	}
	if err := d.SetRoles(t.Context(), "", "officer-1", []people.Role{people.Approver}); !errors.Is(err, ErrListed) {
		t.Errorf("roles of somebody listed were changed: %v", err)
	}
	if e := d.login(t, "officer-1", good); e.Session.Person != listed {
		t.Errorf("by browser it is another person: %+v", e.Session.Person)
	}
	for name, roles := range map[string][]people.Role{"Officer": {people.Auditor}, "somebody": nil, "other": {"king"}} {
		if err := d.AddWith(t.Context(), "", name, roles, good); err == nil {
			t.Errorf("account %q with roles %v was taken", name, roles)
		}
	}
	if err := d.AddWith(t.Context(), "", "officer-1", nil, good); !errors.Is(err, ErrExists) {
		t.Errorf("a second account of one name: %v", err)
	}
}

func TestEveryChangeIsInTheHomeLog(t *testing.T) {
	d, ctx := newDesk(t).with(t, "officer-1", people.CaseOfficer), t.Context()
	e := d.login(t, "officer-1", good)
	steps := []error{d.SetRoles(ctx, "key-1", "officer-1", []people.Role{people.Auditor}), d.SetLocked(ctx, "key-1", "officer-1", true)}
	_, err := d.Reset(ctx, "key-1", "officer-1")
	steps = append(steps, err, d.SetLocked(ctx, "key-1", "officer-1", false))
	_, err = d.Logout(ctx, e.Session)
	if err := errors.Join(append(steps, err)...); err != nil {
		t.Fatal(err)
	}
	for range freeAttempts + 3 {
		d.Login(ctx, "officer-1", "wrong")
	}
	want := "account-added key-1|logged-in officer-1|account-roles key-1|account-locked key-1|account-password key-1|account-unlocked key-1|logged-out officer-1|login-attempts officer-1"
	if got := strings.Join(d.events, "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What people do at the same time ends in one state: after a change nobody is logged in by what was before it.
func TestLoginsAndChangesAtTheSameTime(t *testing.T) {
	d := newDesk(t).with(t, "officer-1", people.CaseOfficer)
	var working sync.WaitGroup
	var mu sync.Mutex
	var cookies []*http.Cookie
	for range 4 {
		working.Go(func() {
			for range 10 {
				e, err := d.Login(t.Context(), "officer-1", good)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := d.Session(t.Context(), requestWith(e.Cookie)); err != nil {
					t.Error(err)
				}
				mu.Lock()
				cookies = append(cookies, e.Cookie)
				mu.Unlock()
			}
		})
	}
	working.Go(func() {
		for i := range 10 {
			if err := d.SetRoles(t.Context(), "key-1", "officer-1", []people.Role{people.Roles()[i%9]}); err != nil {
				t.Error(err)
			}
		}
	})
	working.Wait()
	if err := d.SetLocked(t.Context(), "key-1", "officer-1", true); err != nil {
		t.Fatal(err)
	}
	for _, c := range cookies {
		if s, err := d.Session(t.Context(), requestWith(c)); s != nil || err != nil {
			t.Fatalf("somebody is still logged in: %+v, %v", s, err)
		}
	}
}
