package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"comity/agent/people"
	"comity/agent/store"
	"comity/schemas"
)

// Passkeys are WebAuthn credentials (W3C Web Authentication Level 3). An account that has one does not open with its password
// alone any more: with the passkey beside it, or with a passkey that verifies its user and no password at all.

// Challenge is what a browser hands to its authenticator, and by which the answer finds back.
type Challenge struct {
	Token   string // good once, for five minutes
	Options []byte // JSON: the argument of navigator.credentials.get or create, binary members as base64url
}

// Why a passkey is not taken.
var (
	ErrNoPasskeys    = errors.New("passkeys need a console that is opened by a host name, such as localhost, and not by an address")
	ErrPasskeyAnswer = errors.New("the authenticator's answer is not one to this challenge, or it came too late")
)

// purpose is what a challenge was made for. The set is closed.
type purpose string

// The purposes.
const (
	purposeAdd      purpose = "add"
	purposeSecond   purpose = "second-factor"
	purposeAlone    purpose = "alone"
	purposeApproval purpose = "approval"
)

// Bounds of challenges and passkeys.
const (
	ceremonyTime   = 5 * time.Minute
	maxCeremonies  = 1000
	maxPasskeys    = 10      // of an account
	maxPasskeyForm = 1 << 16 // bytes of an answer
)

// ceremony is a challenge that waits for its answer.
type ceremony struct {
	purpose purpose
	data    webauthn.SessionData
	name    string          // of the account; "" where the authenticator says whose it is
	session sessionKey      // of add and approval
	command *people.Command // of an approval
	until   time.Time
}

// ServeAt tells under which origin browsers find the console, such as "https://localhost:8443". Where that is an address
// and no name there are no passkeys.
func (b *Book) ServeAt(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return fmt.Errorf("origin of the console: not of the form https://host:port")
	}
	if net.ParseIP(u.Hostname()) != nil {
		return nil
	}
	relying, err := webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: string(b.c.Authority), RPOrigins: []string{origin}})
	if err != nil {
		return fmt.Errorf("origin of the console: %w", err)
	}
	b.relying.Store(relying)
	return nil
}

// AskPasskey begins to add a passkey to the account of whoever is logged in, who must know the password.
func (b *Book) AskPasskey(ctx context.Context, s *Session, password string) (*Challenge, error) {
	relying := b.relying.Load()
	if relying == nil {
		return nil, ErrNoPasskeys
	}
	a, keys, err := b.read(ctx, s.Person.Name)
	if err != nil {
		return nil, err
	}
	right, err := b.compare(ctx, a.Password, password)
	if err != nil {
		return nil, err
	}
	if now := b.c.Now(); b.waits(a.Name, now) || a.Locked || !right {
		return nil, errors.Join(ErrLogin, b.fail(ctx, a.Name, now))
	}
	if len(keys) >= maxPasskeys {
		return nil, ErrTooMany
	}
	user, err := b.userOf(a.Name, keys)
	if err != nil {
		return nil, err
	}
	options, data, err := relying.BeginRegistration(user,
		webauthn.WithCredentialParameters([]protocol.CredentialParameter{
			{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
			{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
			{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
		}),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationRequired}),
		webauthn.WithExclusions(webauthn.Credentials(user.keys).CredentialDescriptors()))
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	return b.ask(&ceremony{purpose: purposeAdd, data: *data, name: a.Name, session: s.key}, options)
}

// AddPasskey takes the authenticator's answer. Every session of the account ends, and a new one begins.
func (b *Book) AddPasskey(ctx context.Context, s *Session, token string, answer []byte) (Entry, error) {
	c := b.take(token, purposeAdd)
	if c == nil || c.session != s.key || len(answer) > maxPasskeyForm {
		return Entry{}, ErrPasskeyAnswer
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Entry{}, ErrPasskeyAnswer
	}
	key, err := b.relying.Load().CreateCredential(&user{name: c.name, authority: b.c.Authority}, c.data, parsed)
	if err != nil {
		return Entry{}, ErrPasskeyAnswer
	}
	record, err := json.Marshal(key)
	if err != nil {
		return Entry{}, err
	}
	now := b.c.Now()
	err = b.change(ctx, EventPasskey, c.name, c.name, func(tx *store.Tx, _ *store.Account) error {
		if _, err := tx.Passkey(key.ID); !errors.Is(err, store.ErrNotFound) {
			return errors.Join(ErrPasskeyAnswer, err)
		}
		digest := sha256.Sum256(key.PublicKey)
		return errors.Join(
			tx.PutPasskey(&store.Passkey{ID: key.ID, Person: c.name, Record: record, AddedAt: now}),
			b.c.Record(tx, EventPasskey, digest, c.name), // the leaf by which a later proof finds the key's registration
		)
	})
	if err != nil {
		return Entry{}, err
	}
	a, _, err := b.read(ctx, c.name)
	if err != nil {
		return Entry{}, err
	}
	return b.enter(ctx, a, ByPasswordAndPasskey)
}

// askSecond asks for the passkey beside a right password.
func (b *Book) askSecond(a *store.Account, keys []*store.Passkey) (*Challenge, error) {
	return b.askKnown(a.Name, keys, &ceremony{purpose: purposeSecond, name: a.Name}, webauthn.WithUserVerification(protocol.VerificationPreferred))
}

// AskLogin asks whoever is there for a passkey that verifies its user. It says nothing about which accounts there are.
func (b *Book) AskLogin() (*Challenge, error) {
	relying := b.relying.Load()
	if relying == nil {
		return nil, ErrNoPasskeys
	}
	options, data, err := relying.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	return b.ask(&ceremony{purpose: purposeAlone, data: *data}, options)
}

// FinishLogin takes the authenticator's answer to Login or AskLogin and opens the session.
func (b *Book) FinishLogin(ctx context.Context, token string, answer []byte) (Entry, error) {
	method, c := ByPasswordAndPasskey, b.take(token, purposeSecond)
	if c == nil {
		method, c = ByPasskey, b.take(token, purposeAlone)
	}
	if c == nil {
		return Entry{}, ErrLogin
	}
	a, _, _, err := b.checkAnswer(ctx, c, answer)
	if errors.Is(err, ErrPasskeyAnswer) {
		return Entry{}, ErrLogin
	}
	if err != nil {
		return Entry{}, err
	}
	if a.Locked {
		return Entry{}, ErrLogin
	}
	b.forgive(a.Name)
	e, err := b.enter(ctx, a, method)
	if err == nil {
		e.Session.HasPasskeys = true
	}
	return e, err
}

// AskApproval asks the authenticator of whoever is logged in to sign a command: its challenge is the digest of the command, the
// same request as Prove takes.
func (b *Book) AskApproval(ctx context.Context, s *Session, method, target string, body []byte) (*Challenge, error) {
	command := people.NewCommand(b.c.Authority, method, target, body, b.c.Now())
	digest, err := digestOf(command)
	if err != nil {
		return nil, err
	}
	a, keys, err := b.read(ctx, s.Person.Name)
	if err != nil {
		return nil, err
	}
	return b.askKnown(a.Name, keys, &ceremony{purpose: purposeApproval, name: a.Name, session: s.key, command: &command},
		webauthn.WithUserVerification(protocol.VerificationRequired), webauthn.WithChallenge(digest))
}

// ProveByPasskey makes the proof of the command that was asked for, with the authenticator's answer whole in it.
func (b *Book) ProveByPasskey(ctx context.Context, s *Session, token string, answer []byte) ([]byte, error) {
	c := b.take(token, purposeApproval)
	if c == nil || c.session != s.key {
		return nil, ErrPasskeyAnswer
	}
	_, key, parsed, err := b.checkAnswer(ctx, c, answer)
	if err != nil {
		return nil, err
	}
	assertion := newAssertion(key, parsed)
	if err := assertion.verify(*c.command); err != nil { // as it will be verified later, or not kept at all
		return nil, ErrPasskeyAnswer
	}
	return b.state(s, *c.command, assertion)
}

// askKnown asks for one of the passkeys of an account.
func (b *Book) askKnown(name string, keys []*store.Passkey, c *ceremony, options ...webauthn.LoginOption) (*Challenge, error) {
	relying := b.relying.Load()
	if relying == nil || len(keys) == 0 {
		return nil, ErrNoPasskeys
	}
	user, err := b.userOf(name, keys)
	if err != nil {
		return nil, err
	}
	asked, data, err := relying.BeginLogin(user, options...)
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	c.data = *data
	return b.ask(c, asked)
}

// ask keeps a ceremony until its answer. Where there are too many, the oldest gives way.
func (b *Book) ask(c *ceremony, options any) (*Challenge, error) {
	encoded, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	now := b.c.Now()
	c.until = now.Add(ceremonyTime)
	token := rand.Text()
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.asked) >= maxCeremonies {
		oldest := ""
		for t, other := range b.asked {
			if oldest == "" || other.until.Before(b.asked[oldest].until) {
				oldest = t
			}
		}
		delete(b.asked, oldest)
	}
	b.asked[token] = c
	return &Challenge{Token: token, Options: encoded}, nil
}

// take finds a ceremony of a purpose, which is then used up.
func (b *Book) take(token string, p purpose) *ceremony {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.asked[token]
	if c == nil || c.purpose != p {
		return nil
	}
	delete(b.asked, token)
	if b.c.Now().After(c.until) {
		return nil
	}
	return c
}

// checkAnswer verifies an answer against the passkeys of the account as they are now, and notes the use. An authenticator
// whose counter went back may have a twin: it is refused.
func (b *Book) checkAnswer(ctx context.Context, c *ceremony, answer []byte) (*store.Account, *webauthn.Credential, *protocol.ParsedCredentialAssertionData, error) {
	if len(answer) > maxPasskeyForm {
		return nil, nil, nil, ErrPasskeyAnswer
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, nil, nil, ErrPasskeyAnswer
	}
	var account *store.Account
	var used *webauthn.Credential
	err = b.c.Store.Update(ctx, func(tx *store.Tx) error {
		row, err := tx.Passkey(parsed.RawID)
		if errors.Is(err, store.ErrNotFound) || err == nil && c.name != "" && row.Person != c.name {
			return ErrPasskeyAnswer
		}
		if err != nil {
			return err
		}
		keys, err := tx.Passkeys(row.Person)
		if err != nil {
			return err
		}
		user, err := b.userOf(row.Person, keys)
		if err != nil {
			return err
		}
		if c.name == "" {
			_, used, err = b.relying.Load().ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return user, nil }, c.data, parsed)
		} else {
			used, err = b.relying.Load().ValidateLogin(user, c.data, parsed)
		}
		if err != nil || used.Authenticator.CloneWarning {
			return ErrPasskeyAnswer
		}
		if row.Record, err = json.Marshal(used); err != nil {
			return err
		}
		row.UsedAt = b.c.Now()
		if account, err = tx.Account(row.Person); err != nil {
			return err
		}
		return tx.PutPasskey(row)
	})
	return account, used, parsed, err
}

// user is an account as the library wants it.
type user struct {
	authority schemas.AuthorityID
	name      string
	keys      []webauthn.Credential
}

func (b *Book) userOf(name string, keys []*store.Passkey) (*user, error) {
	u := &user{authority: b.c.Authority, name: name}
	for _, k := range keys {
		var one webauthn.Credential
		if err := json.Unmarshal(k.Record, &one); err != nil {
			return nil, fmt.Errorf("reading a passkey of %s: %w", name, err)
		}
		u.keys = append(u.keys, one)
	}
	return u, nil
}

// WebAuthnID is what an authenticator keeps: a hash, as the standard wants nothing that names somebody.
func (u *user) WebAuthnID() []byte {
	sum := sha256.Sum256([]byte("comity account\n" + string(u.authority) + "\n" + u.name))
	return sum[:]
}

func (u *user) WebAuthnName() string                       { return u.name }
func (u *user) WebAuthnDisplayName() string                { return u.name }
func (u *user) WebAuthnCredentials() []webauthn.Credential { return u.keys }
