package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"comity/agent/people"
	"comity/agent/store"
)

// Client is a national case system that uses the API: a machine with one role.
type Client struct {
	Name      string
	Role      people.Role
	CreatedAt time.Time
	EndedAt   time.Time // zero while its token is good
}

// tokenPrefix lets a scanner of source code and logs recognise a token that went astray.
const tokenPrefix = "comity_"

// maxClients bounds the table.
const maxClients = 200

// AddClient makes a client and its bearer token: 256 random bits, returned once; only its SHA-256 is kept.
func (b *Book) AddClient(ctx context.Context, by, name string, role people.Role) (token string, err error) {
	if err := people.CheckName(name); err != nil {
		return "", ErrName
	}
	if _, err := people.ParseRole(string(role)); err != nil {
		return "", err
	}
	if !people.MachineMay(role) {
		return "", ErrClientRole
	}
	if b.listed[name] != nil {
		return "", ErrIsPerson
	}
	var value [32]byte
	rand.Read(value[:])
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(value[:])
	return token, b.c.Store.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.Clients()
		if err != nil {
			return err
		}
		if len(all) >= maxClients {
			return ErrTooMany
		}
		if _, err := tx.Client(name); !errors.Is(err, store.ErrNotFound) {
			return cmp.Or(err, ErrIsClient)
		}
		if _, err := tx.Account(name); !errors.Is(err, store.ErrNotFound) {
			return cmp.Or(err, ErrIsPerson)
		}
		c := &store.Client{Name: name, Role: string(role), Token: sha256.Sum256([]byte(token)), CreatedAt: b.c.Now()}
		return errors.Join(tx.PutClient(c), b.record(tx, EventClient, by, name, string(role)))
	})
}

// EndClient makes the token of a client good for nothing. Its name stays taken: it stands under drafts.
func (b *Book) EndClient(ctx context.Context, by, name string) error {
	return b.c.Store.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Client(name)
		if errors.Is(err, store.ErrNotFound) || err == nil && !c.EndedAt.IsZero() {
			return ErrNotClient
		}
		if err != nil {
			return err
		}
		c.EndedAt = b.c.Now()
		return errors.Join(tx.PutClient(c), b.record(tx, EventEnded, by, name))
	})
}

// Clients lists every client by name.
func (b *Book) Clients(ctx context.Context) (shown []Client, err error) {
	err = b.c.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Clients()
		for _, c := range all {
			shown = append(shown, Client{Name: c.Name, Role: people.Role(c.Role), CreatedAt: c.CreatedAt, EndedAt: c.EndedAt})
		}
		return err
	})
	return shown, err
}

// Machine finds whose bearer token this is, or nil.
func (b *Book) Machine(ctx context.Context, token string) (*people.Person, error) {
	var c *store.Client
	err := b.c.Store.View(ctx, func(tx *store.Tx) (err error) {
		c, err = tx.ClientByToken(sha256.Sum256([]byte(token)))
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && !c.EndedAt.IsZero() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &people.Person{Name: c.Name, Roles: []people.Role{people.Role(c.Role)}, Machine: true}, nil
}
