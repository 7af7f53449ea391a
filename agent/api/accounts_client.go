package api

import (
	"context"
	"net/http"
	"net/url"

	"comity/agent/people"
	"comity/schemas"
)

// Accounts lists who may log in.
func (c *Client) Accounts(ctx context.Context) (a Accounts, err error) {
	return a, c.do(ctx, http.MethodGet, "/v1/accounts", nil, &a)
}

// AddAccount makes an account. The answer holds its one-time password, unless one was given.
func (c *Client) AddAccount(ctx context.Context, a NewAccount) (p Password, err error) {
	return p, c.post(ctx, "/v1/accounts", a, &p)
}

// SetRoles gives an account other roles and ends its sessions.
func (c *Client) SetRoles(ctx context.Context, name string, roles []people.Role) (p Password, err error) {
	body, err := schemas.Canonical(NewRoles{Roles: roles})
	if err != nil {
		return p, err
	}
	return p, c.do(ctx, http.MethodPut, "/v1/accounts/"+url.PathEscape(name)+"/roles", body, &p)
}

// ResetPassword gives an account a one-time password, forgets its passkeys and unlocks it.
func (c *Client) ResetPassword(ctx context.Context, name string) (p Password, err error) {
	return p, c.do(ctx, http.MethodPost, "/v1/accounts/"+url.PathEscape(name)+"/password", nil, &p)
}

// SetLocked locks or unlocks an account.
func (c *Client) SetLocked(ctx context.Context, name string, locked bool) (p Password, err error) {
	act := "/unlock"
	if locked {
		act = "/lock"
	}
	return p, c.do(ctx, http.MethodPost, "/v1/accounts/"+url.PathEscape(name)+act, nil, &p)
}

// Machines lists the clients of the API.
func (c *Client) Machines(ctx context.Context) (m Machines, err error) {
	return m, c.do(ctx, http.MethodGet, "/v1/clients", nil, &m)
}

// AddMachine makes a client of the API. The answer holds its token.
func (c *Client) AddMachine(ctx context.Context, name string, role people.Role) (m Machine, err error) {
	return m, c.post(ctx, "/v1/clients", Machine{Name: name, Role: role}, &m)
}

// EndMachine makes the token of a client good for nothing.
func (c *Client) EndMachine(ctx context.Context, name string) (m Machine, err error) {
	return m, c.do(ctx, http.MethodDelete, "/v1/clients/"+url.PathEscape(name), nil, &m)
}
