package store

import (
	"fmt"
	"strings"
	"time"
)

// Account is how a member of staff logs in.
type Account struct {
	Name      string
	Roles     []string // none: those that the agent's configuration lists for this person
	Password  string   // its slow hash, with the parameters
	OneTime   bool     // the password was made by the agent and must be changed
	Locked    bool
	CreatedAt time.Time
	ChangedAt time.Time
}

// PutAccount writes an account, new or changed.
func (t *Tx) PutAccount(a *Account) error {
	return t.exec(`INSERT INTO account (name, roles, password, one_time, locked, created_at, changed_at) VALUES (?,?,?,?,?,?,?)
		ON CONFLICT (name) DO UPDATE SET roles = excluded.roles, password = excluded.password, one_time = excluded.one_time,
			locked = excluded.locked, changed_at = excluded.changed_at`,
		a.Name, strings.Join(a.Roles, " "), t.columns.seal("password", a.Name, []byte(a.Password)), a.OneTime, a.Locked,
		millis(a.CreatedAt), millis(a.ChangedAt))
}

// Account reads an account, or ErrNotFound.
func (t *Tx) Account(name string) (*Account, error) {
	found, err := t.accounts(`WHERE name = ?`, name)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// Accounts lists every account by name.
func (t *Tx) Accounts() ([]*Account, error) { return t.accounts(`ORDER BY name`) }

func (t *Tx) accounts(where string, args ...any) ([]*Account, error) {
	return collect(t, func(s scanner) (*Account, error) {
		var a Account
		var roles string
		var password []byte
		var created, changed int64
		if err := s.Scan(&a.Name, &roles, &password, &a.OneTime, &a.Locked, &created, &changed); err != nil {
			return nil, err
		}
		plain, err := t.columns.open("password", a.Name, password)
		if err != nil {
			return nil, fmt.Errorf("reading the account of %s: %w", a.Name, err)
		}
		a.Roles, a.Password, a.CreatedAt, a.ChangedAt = strings.Fields(roles), string(plain), instant(created), instant(changed)
		return &a, nil
	}, `SELECT name, roles, password, one_time, locked, created_at, changed_at FROM account `+where, args...)
}

// Passkey is a key of an authenticator that logs a person in.
type Passkey struct {
	ID      []byte
	Person  string
	Record  []byte // public key, counter and flags, as agent/account writes them
	AddedAt time.Time
	UsedAt  time.Time
}

// PutPasskey writes a passkey, new or used.
func (t *Tx) PutPasskey(p *Passkey) error {
	return t.exec(`INSERT INTO passkey (id, person, record, added_at, used_at) VALUES (?,?,?,?,?)
		ON CONFLICT (id) DO UPDATE SET record = excluded.record, used_at = excluded.used_at WHERE person = excluded.person`,
		p.ID, p.Person, t.columns.seal("passkey", p.Person, p.Record), millis(p.AddedAt), millis(p.UsedAt))
}

// Passkeys lists the passkeys of a person, the oldest first.
func (t *Tx) Passkeys(person string) ([]*Passkey, error) {
	return t.passkeys(`WHERE person = ? ORDER BY added_at, id`, person)
}

// Passkey reads a passkey by its id, or ErrNotFound.
func (t *Tx) Passkey(id []byte) (*Passkey, error) {
	found, err := t.passkeys(`WHERE id = ?`, id)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func (t *Tx) passkeys(where string, args ...any) ([]*Passkey, error) {
	return collect(t, func(s scanner) (*Passkey, error) {
		var p Passkey
		var record []byte
		var added, used int64
		if err := s.Scan(&p.ID, &p.Person, &record, &added, &used); err != nil {
			return nil, err
		}
		plain, err := t.columns.open("passkey", p.Person, record)
		if err != nil {
			return nil, fmt.Errorf("reading a passkey of %s: %w", p.Person, err)
		}
		p.Record, p.AddedAt, p.UsedAt = plain, instant(added), instant(used)
		return &p, nil
	}, `SELECT id, person, record, added_at, used_at FROM passkey `+where, args...)
}

// DropPasskeys forgets the passkeys of a person.
func (t *Tx) DropPasskeys(person string) error {
	return t.exec(`DELETE FROM passkey WHERE person = ?`, person)
}

// Client is a national case system that uses the API.
type Client struct {
	Name      string
	Role      string
	Token     Hash // of its bearer token
	CreatedAt time.Time
	EndedAt   time.Time // its token is good for nothing any more; its name is not used again
}

// PutClient writes a client, new or ended.
func (t *Tx) PutClient(c *Client) error {
	return t.exec(`INSERT INTO client (name, role, token, created_at, ended_at) VALUES (?,?,?,?,?)
		ON CONFLICT (name) DO UPDATE SET role = excluded.role, token = excluded.token, ended_at = excluded.ended_at`,
		c.Name, c.Role, c.Token[:], millis(c.CreatedAt), millis(c.EndedAt))
}

// Client reads a client by its name, or ErrNotFound.
func (t *Tx) Client(name string) (*Client, error) { return t.client(`WHERE name = ?`, name) }

// ClientByToken reads a client by the SHA-256 of its token, or ErrNotFound.
func (t *Tx) ClientByToken(token Hash) (*Client, error) { return t.client(`WHERE token = ?`, token[:]) }

// Clients lists every client by name.
func (t *Tx) Clients() ([]*Client, error) { return t.clients(`ORDER BY name`) }

func (t *Tx) client(where string, args ...any) (*Client, error) {
	found, err := t.clients(where, args...)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func (t *Tx) clients(where string, args ...any) ([]*Client, error) {
	return collect(t, func(s scanner) (*Client, error) {
		var c Client
		var token []byte
		var created, ended int64
		err := s.Scan(&c.Name, &c.Role, &token, &created, &ended)
		copy(c.Token[:], token)
		c.CreatedAt, c.EndedAt = instant(created), instant(ended)
		return &c, err
	}, `SELECT name, role, token, created_at, ended_at FROM client `+where, args...)
}

// Webhook is where a client is told that something changed.
type Webhook struct {
	ID        string
	Client    string
	URL       string
	Secret    []byte // of the signature (HMAC)
	CreatedAt time.Time
}

// AddWebhook writes a new webhook.
func (t *Tx) AddWebhook(h *Webhook) error {
	return t.exec(`INSERT INTO webhook (id, client, url, secret, created_at) VALUES (?,?,?,?,?)`,
		h.ID, h.Client, h.URL, t.columns.seal("webhook", h.ID, h.Secret), millis(h.CreatedAt))
}

// DropWebhook forgets a webhook of a client, or is ErrNotFound.
func (t *Tx) DropWebhook(client, id string) error {
	var found int
	if err := t.row([]any{&found}, `SELECT 1 FROM webhook WHERE id = ? AND client = ?`, id, client); err != nil {
		return err
	}
	return t.exec(`DELETE FROM webhook WHERE id = ? AND client = ?`, id, client)
}

// Webhooks lists every webhook, the oldest first.
func (t *Tx) Webhooks() ([]*Webhook, error) {
	return collect(t, func(s scanner) (*Webhook, error) {
		var h Webhook
		var secret []byte
		var created int64
		if err := s.Scan(&h.ID, &h.Client, &h.URL, &secret, &created); err != nil {
			return nil, err
		}
		plain, err := t.columns.open("webhook", h.ID, secret)
		if err != nil {
			return nil, fmt.Errorf("reading a webhook of %s: %w", h.Client, err)
		}
		h.Secret, h.CreatedAt = plain, instant(created)
		return &h, nil
	}, `SELECT id, client, url, secret, created_at FROM webhook ORDER BY created_at, id`)
}
