package account

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"comity/agent/people"
	"comity/agent/store"
	"comity/schemas"
)

// Config is what a book of accounts needs.
type Config struct {
	Authority schemas.AuthorityID
	Store     *store.Store
	Staff     []*people.Person // as agent.toml lists them
	// Record appends a leaf to the home log in the transaction that it speaks of. about is a hash of what changed.
	Record func(tx *store.Tx, event Event, about store.Hash, by string) error
	// Acting is a person with the roles of those for whom they stand in at this moment. nil: nobody does for anybody.
	Acting func(*people.Person) *people.Person
	// Key signs the agent's statements about who approved in a browser; Thumbprint is its certificate's.
	Key        crypto.Signer
	Thumbprint string
	// Idle and Absolute bound a session: since it was last used, and since it began. 0: 30 minutes, 12 hours.
	Idle, Absolute time.Duration
	Cost           Cost // zero: DefaultCost
	Now            func() time.Time
}

// The default limits of a session.
const (
	DefaultIdle     = 30 * time.Minute
	DefaultAbsolute = 12 * time.Hour
)

// Event is what the home log keeps of accounts. The set is closed.
type Event string

// The events.
const (
	EventAdded    Event = "account-added"
	EventRoles    Event = "account-roles"
	EventPassword Event = "account-password"
	EventLocked   Event = "account-locked"
	EventUnlocked Event = "account-unlocked"
	EventPasskey  Event = "account-passkey"
	EventLogin    Event = "logged-in"
	EventLogout   Event = "logged-out"
	EventTooMany  Event = "login-attempts" // an account waits after wrong passwords
	EventClient   Event = "client-added"
	EventEnded    Event = "client-ended"
	EventWebhook  Event = "webhook-added"
	EventUnhook   Event = "webhook-removed"
)

// Book is the accounts and sessions of an authority's staff. It is safe for concurrent use.
type Book struct {
	c       Config
	listed  map[string]*people.Person
	hashing chan struct{} // slow hashes under way: they cost memory
	waiting atomic.Int32  // logins under way, hashing or not
	// decoy is checked where there is no account, so that the work is the same. The first login makes it, whoever tries: most
	// agents that are opened, such as by a command, log nobody in.
	decoy func() (string, error)

	mu       sync.Mutex
	sessions map[sessionKey]*session
	failed   map[string]*failures // by account; an unknown name leaves nothing
	asked    map[string]*ceremony // by token

	relying atomic.Pointer[webauthn.WebAuthn] // nil until ServeAt, or where passkeys cannot be
}

// parallelHashes bounds the slow hashes at one time: 64 MiB each.
const parallelHashes = 2

// Open makes the book of a store. It has no sessions: those of an agent that ended are gone.
func Open(c Config) *Book {
	c.Idle, c.Absolute, c.Cost = cmp.Or(c.Idle, DefaultIdle), cmp.Or(c.Absolute, DefaultAbsolute), cmp.Or(c.Cost, DefaultCost)
	b := &Book{
		c: c, listed: map[string]*people.Person{}, hashing: make(chan struct{}, parallelHashes),
		sessions: map[sessionKey]*session{}, failed: map[string]*failures{}, asked: map[string]*ceremony{},
	}
	for _, p := range c.Staff {
		b.listed[p.Name] = p
	}
	b.decoy = sync.OnceValues(func() (string, error) { return b.c.Cost.hash(rand.Text()) })
	return b
}

// What a caller can act on.
var (
	ErrNoAccount  = errors.New("no such account")
	ErrExists     = errors.New("there is an account of this name")
	ErrName       = people.ErrName
	ErrNoRole     = errors.New("an account of a person whom agent.toml does not list needs a role")
	ErrListed     = errors.New("agent.toml lists this person with their roles, and an account adds none")
	ErrTooMany    = errors.New("there are as many as there may be")
	ErrIsClient   = errors.New("a client of the API has this name")
	ErrIsPerson   = errors.New("a person has this name")
	ErrNotClient  = errors.New("no such client")
	ErrClientRole = errors.New("a machine is not a person: it may not have this role")
)

// maxAccounts bounds the table.
const maxAccounts = 2000

// Account is an account as those who keep accounts see it.
type Account struct {
	Name      string
	Roles     []people.Role
	Listed    bool // agent.toml lists the person, and the roles are those of there
	OneTime   bool // the password must be changed at the next login
	Locked    bool
	Passkeys  int
	CreatedAt time.Time
	ChangedAt time.Time
}

// Add makes an account with a one-time password, which is returned and stands nowhere. by is who does so.
func (b *Book) Add(ctx context.Context, by, name string, roles []people.Role) (password string, err error) {
	password = newOneTime()
	return password, b.add(ctx, by, name, roles, password, true)
}

// AddWith makes an account with a password that its owner chose, which need not be changed.
func (b *Book) AddWith(ctx context.Context, by, name string, roles []people.Role, password string) error {
	if err := checkPassword(name, password); err != nil {
		return err
	}
	return b.add(ctx, by, name, roles, password, false)
}

func (b *Book) add(ctx context.Context, by, name string, roles []people.Role, password string, oneTime bool) error {
	return b.addAll(ctx, by, []NewPerson{{name, roles}}, password, oneTime)
}

// NewPerson is somebody who is to have an account. Roles are empty for who is listed in agent.toml.
type NewPerson struct {
	Name  string
	Roles []people.Role
}

// AddSeveral makes accounts that share one password and one hash of it: for sandboxes, where the password is no secret.
func (b *Book) AddSeveral(ctx context.Context, by string, persons []NewPerson, password string) error {
	for _, p := range persons {
		if err := checkPassword(p.Name, password); err != nil {
			return err
		}
	}
	return b.addAll(ctx, by, persons, password, false)
}

// addAll makes all of the accounts, or none.
func (b *Book) addAll(ctx context.Context, by string, persons []NewPerson, password string, oneTime bool) error {
	for _, p := range persons {
		if err := errors.Join(people.CheckName(p.Name), b.checkRoles(p.Name, p.Roles)); err != nil {
			return err
		}
	}
	hash, err := b.slowHash(ctx, password)
	if err != nil {
		return err
	}
	now := b.c.Now()
	return b.c.Store.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.Accounts()
		if err == nil && len(all)+len(persons) > maxAccounts {
			err = ErrTooMany
		}
		for _, p := range persons {
			if err != nil {
				return err
			}
			err = b.addOne(tx, by, &store.Account{
				Name: p.Name, Roles: texts(p.Roles), Password: hash, OneTime: oneTime, CreatedAt: now, ChangedAt: now,
			})
		}
		return err
	})
}

func (b *Book) addOne(tx *store.Tx, by string, a *store.Account) error {
	if _, err := tx.Account(a.Name); !errors.Is(err, store.ErrNotFound) {
		return cmp.Or(err, ErrExists)
	}
	if _, err := tx.Client(a.Name); !errors.Is(err, store.ErrNotFound) {
		return cmp.Or(err, ErrIsClient)
	}
	return errors.Join(tx.PutAccount(a), b.record(tx, EventAdded, by, a.Name, a.Roles...))
}

func (b *Book) checkRoles(name string, roles []people.Role) error {
	if b.listed[name] != nil {
		if len(roles) > 0 {
			return ErrListed
		}
		return nil
	}
	if len(roles) == 0 {
		return ErrNoRole
	}
	for _, r := range roles {
		if _, err := people.ParseRole(string(r)); err != nil {
			return err
		}
	}
	return nil
}

// SetRoles gives an account other roles and ends its sessions.
func (b *Book) SetRoles(ctx context.Context, by, name string, roles []people.Role) error {
	if err := b.checkRoles(name, roles); err != nil {
		return err
	}
	if b.listed[name] != nil {
		return ErrListed
	}
	return b.change(ctx, EventRoles, by, name, func(_ *store.Tx, a *store.Account) error {
		a.Roles = texts(roles)
		return nil
	})
}

// Reset gives an account a new one-time password, forgets its passkeys and unlocks it: what is left when somebody has lost
// theirs. Its sessions end.
func (b *Book) Reset(ctx context.Context, by, name string) (password string, err error) {
	password = newOneTime()
	hash, err := b.slowHash(ctx, password)
	if err != nil {
		return "", err
	}
	err = b.change(ctx, EventPassword, by, name, func(tx *store.Tx, a *store.Account) error {
		a.Password, a.OneTime, a.Locked = hash, true, false
		return tx.DropPasskeys(name)
	})
	if err != nil {
		return "", err
	}
	b.forgive(name)
	return password, nil
}

// SetLocked locks an account, which ends its sessions, or unlocks it.
func (b *Book) SetLocked(ctx context.Context, by, name string, locked bool) error {
	event := EventUnlocked
	if locked {
		event = EventLocked
	} else {
		b.forgive(name)
	}
	return b.change(ctx, event, by, name, func(_ *store.Tx, a *store.Account) error {
		a.Locked = locked
		return nil
	})
}

// change changes an account and ends its sessions, whatever it was.
func (b *Book) change(ctx context.Context, event Event, by, name string, change func(*store.Tx, *store.Account) error) error {
	err := b.c.Store.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(name)
		if errors.Is(err, store.ErrNotFound) {
			return ErrNoAccount
		}
		if err != nil {
			return err
		}
		if err := change(tx, a); err != nil {
			return err
		}
		a.ChangedAt = later(b.c.Now(), a.ChangedAt)
		return errors.Join(tx.PutAccount(a), b.record(tx, event, by, name, a.Roles...))
	})
	if err == nil {
		b.endSessions(name)
	}
	return err
}

// later is now, but never the time of an earlier change: sessions are told apart by it, to the millisecond of the store.
func later(now, before time.Time) time.Time {
	if next := before.Add(time.Millisecond); now.Before(next) {
		return next
	}
	return now
}

// List lists every account by name.
func (b *Book) List(ctx context.Context) ([]Account, error) {
	var shown []Account
	err := b.c.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Accounts()
		if err != nil {
			return err
		}
		for _, a := range all {
			keys, err := tx.Passkeys(a.Name)
			if err != nil {
				return err
			}
			person := b.personOf(a)
			shown = append(shown, Account{
				Name: a.Name, Roles: person.Roles, Listed: b.listed[a.Name] != nil, OneTime: a.OneTime, Locked: a.Locked,
				Passkeys: len(keys), CreatedAt: a.CreatedAt, ChangedAt: a.ChangedAt,
			})
		}
		return nil
	})
	return shown, err
}

// Person is somebody of the staff with their own roles: whom agent.toml lists, or who has an account that is not locked. nil
// for nobody.
func (b *Book) Person(ctx context.Context, name string) (*people.Person, error) {
	if p := b.listed[name]; p != nil {
		return p, nil
	}
	a, _, err := b.read(ctx, name)
	if err != nil || a == nil || a.Locked {
		return nil, err
	}
	return b.personOf(a), nil
}

// Staff lists everybody with their own roles, by name: whom agent.toml lists, and who has an account that is not locked.
func (b *Book) Staff(ctx context.Context) (all []*people.Person, err error) {
	accounts, err := b.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range b.listed {
		all = append(all, p)
	}
	for _, a := range accounts {
		if !a.Listed && !a.Locked {
			all = append(all, &people.Person{Name: a.Name, Roles: a.Roles})
		}
	}
	slices.SortFunc(all, func(a, b *people.Person) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// personOf is who an account belongs to: one person, also where agent.toml knows them by a certificate.
func (b *Book) personOf(a *store.Account) *people.Person {
	if p := b.listed[a.Name]; p != nil {
		return p
	}
	p := &people.Person{Name: a.Name}
	for _, r := range a.Roles {
		p.Roles = append(p.Roles, people.Role(r)) // one that is unknown grants nothing
	}
	return p
}

// read reads an account, or nil where there is none.
func (b *Book) read(ctx context.Context, name string) (*store.Account, []*store.Passkey, error) {
	var a *store.Account
	var keys []*store.Passkey
	err := b.c.Store.View(ctx, func(tx *store.Tx) (err error) {
		if a, err = tx.Account(name); err != nil {
			return err
		}
		keys, err = tx.Passkeys(name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, nil
	}
	return a, keys, err
}

// record writes what happened to the home log: a hash of it, as everything there.
func (b *Book) record(tx *store.Tx, event Event, by, name string, more ...string) error {
	about := sha256.Sum256([]byte(strings.Join(append([]string{string(event), name}, more...), "\n")))
	return b.c.Record(tx, event, about, by)
}

// slowHash hashes a password when it is this one's turn.
func (b *Book) slowHash(ctx context.Context, password string) (string, error) {
	if err := b.turn(ctx); err != nil {
		return "", err
	}
	defer func() { <-b.hashing }()
	return b.c.Cost.hash(password)
}

func (b *Book) turn(ctx context.Context) error {
	select {
	case b.hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to hash a password: %w", ctx.Err())
	}
}

func texts(roles []people.Role) (out []string) {
	for _, r := range roles {
		out = append(out, string(r))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
