package account

import (
	"context"
	"errors"
	"net/http"
	"time"

	"comity/agent/store"
)

// ErrLogin is the one answer to every login that fails: another name, another password, a locked account, too many attempts.
var ErrLogin = errors.New("name or password is not right, or there were too many attempts: check both, or wait some minutes")

// Method is how somebody logged in. The set is closed.
type Method string

// The methods.
const (
	ByPassword           Method = "password"
	ByPasswordAndPasskey Method = "password-and-passkey"
	ByPasskey            Method = "passkey"
)

// Entry is the outcome of a login that is right so far.
type Entry struct {
	Session *Session     // nil while a passkey has to confirm
	Cookie  *http.Cookie // to be set; nil likewise
	Passkey *Challenge   // what the browser's authenticator must answer to FinishLogin; nil once the session is open
}

// How long an account waits after wrong passwords: from the freeAttempts-th on twice as long each time, up to longestWait.
const (
	freeAttempts = 5
	firstWait    = 2 * time.Second
	longestWait  = 15 * time.Minute
)

// maxWaiting bounds the logins that wait for their turn at one time, in all; more are refused at once, whatever the name.
const maxWaiting = 32

// failures are the wrong passwords of one account since the last right one.
type failures struct {
	count int
	until time.Time // no password is right before
}

// Login checks a name and a password. Whatever is wrong, the answer and the work are the same: one slow hash.
//
//  1. Read the account, or take the decoy.
//  2. Hash, in turn.
//  3. Only a right password of an account that is neither locked nor waiting opens a session, or asks for the passkey.
func (b *Book) Login(ctx context.Context, name, password string) (Entry, error) {
	a, keys, err := b.read(ctx, name)
	if err != nil {
		return Entry{}, err
	}
	stored, err := b.decoy()
	if err != nil {
		return Entry{}, err
	}
	if a != nil {
		stored = a.Password
	}
	right, err := b.compare(ctx, stored, password)
	if err != nil {
		return Entry{}, err
	}
	if a == nil {
		return Entry{}, ErrLogin
	}
	now := b.c.Now()
	if b.waits(name, now) || a.Locked || !right {
		return Entry{}, errors.Join(ErrLogin, b.fail(ctx, name, now))
	}
	if len(keys) > 0 {
		challenge, err := b.askSecond(a, keys)
		return Entry{Passkey: challenge}, err
	}
	b.forgive(name)
	return b.enter(ctx, a, ByPassword)
}

// compare hashes in turn. A hash that cannot be checked here matches nothing.
func (b *Book) compare(ctx context.Context, stored, password string) (bool, error) {
	if b.waiting.Add(1) > maxWaiting {
		b.waiting.Add(-1)
		return false, ErrLogin
	}
	defer b.waiting.Add(-1)
	if err := b.turn(ctx); err != nil {
		return false, err
	}
	defer func() { <-b.hashing }()
	right, err := matches(stored, password)
	if errors.Is(err, errForeignHash) {
		return false, nil
	}
	return right, err
}

// enter opens a session.
func (b *Book) enter(ctx context.Context, a *store.Account, method Method) (Entry, error) {
	err := b.c.Store.Update(ctx, func(tx *store.Tx) error { return b.record(tx, EventLogin, a.Name, a.Name, string(method)) })
	if err != nil {
		return Entry{}, err
	}
	secret, s := b.begin(a, method)
	return Entry{Session: b.visit(s, a), Cookie: b.cookie(secret)}, nil
}

// waits reports whether an account has to wait.
func (b *Book) waits(name string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.failed[name]
	return f != nil && now.Before(f.until)
}

// fail counts a wrong password of an account that there is. An attempt while it waits does not count: nobody is kept out
// for longer by somebody else's patience.
func (b *Book) fail(ctx context.Context, name string, now time.Time) error {
	b.mu.Lock()
	f := b.failed[name]
	if f == nil {
		f = &failures{}
		b.failed[name] = f
	}
	if now.Before(f.until) {
		b.mu.Unlock()
		return nil
	}
	f.count++
	first := f.count == freeAttempts
	if f.count >= freeAttempts {
		f.until = now.Add(min(firstWait<<min(f.count-freeAttempts, 20), longestWait))
	}
	b.mu.Unlock()
	if !first {
		return nil
	}
	return b.c.Store.Update(ctx, func(tx *store.Tx) error { return b.record(tx, EventTooMany, name, name) })
}

func (b *Book) forgive(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.failed, name)
}

// ChangePassword replaces the password of whoever is logged in, who must know the old one. Every session of the account ends,
// and a new one begins.
func (b *Book) ChangePassword(ctx context.Context, s *Session, old, new string) (Entry, error) {
	name := s.Person.Name
	if err := checkPassword(name, new); err != nil {
		return Entry{}, err
	}
	a, _, err := b.read(ctx, name)
	if err != nil {
		return Entry{}, err
	}
	right, err := b.compare(ctx, a.Password, old)
	if err != nil {
		return Entry{}, err
	}
	if now := b.c.Now(); b.waits(name, now) || a.Locked || !right {
		return Entry{}, errors.Join(ErrLogin, b.fail(ctx, name, now))
	}
	if prepare(old) == prepare(new) {
		return Entry{}, ErrPasswordSame
	}
	hash, err := b.slowHash(ctx, new)
	if err != nil {
		return Entry{}, err
	}
	err = b.change(ctx, EventPassword, name, name, func(_ *store.Tx, stored *store.Account) error {
		stored.Password, stored.OneTime = hash, false
		return nil
	})
	if err != nil {
		return Entry{}, err
	}
	b.forgive(name)
	if a, _, err = b.read(ctx, name); err != nil {
		return Entry{}, err
	}
	return b.enter(ctx, a, s.Method)
}

// Logout ends a session and returns the cookie that makes the browser forget it.
func (b *Book) Logout(ctx context.Context, s *Session) (*http.Cookie, error) {
	b.end(s.key)
	gone := b.cookie("")
	gone.MaxAge = -1
	return gone, b.c.Store.Update(ctx, func(tx *store.Tx) error { return b.record(tx, EventLogout, s.Person.Name, s.Person.Name) })
}
