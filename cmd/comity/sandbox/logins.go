package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"comity/agent/account"
	"comity/agent/people"
	"comity/schemas"
)

// passwordFile holds the one password of all logins of the sandbox. Nobody but its owner may read it.
const passwordFile = "password.txt"

// Login is an account of a sandbox authority.
type Login struct {
	Name  Person
	Roles []people.Role
}

// withoutFile are people who have a login and no credential file.
var withoutFile = []Login{
	{"registrar", []people.Role{people.Registrar}}, {"liaison", []people.Role{people.LiaisonOfficer}},
	{"jit-leader", []people.Role{people.JITLeader}}, {"duty-desk", []people.Role{people.BorderDesk}},
}

// Logins lists the accounts of an authority, one for each role at least.
func (s *Sandbox) Logins(id schemas.AuthorityID) []Login {
	var all []Login
	for _, member := range staffOf(id) {
		all = append(all, Login(member))
	}
	return append(all, withoutFile...)
}

// Password is what every login of the sandbox has, or "" where it has none.
func (s *Sandbox) Password() (string, error) {
	content, err := os.ReadFile(filepath.Join(s.dir, passwordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(content)), err
}

// ConsoleURL is where browsers find the console of an agent that Run runs, or "".
func (s *Sandbox) ConsoleURL(id schemas.AuthorityID) string {
	url, _ := s.consoles.Load(id)
	text, _ := url.(string)
	return text
}

func newPassword() string { return "sandbox-" + strings.ToLower(rand.Text()[:12]) }

// addLogins makes the accounts of an authority that has none.
func (s *Sandbox) addLogins(ctx context.Context, id schemas.AuthorityID, book *account.Book) error {
	password, err := s.Password()
	if err != nil || password == "" {
		return err
	}
	have, err := book.List(ctx)
	if err != nil || len(have) > 0 {
		return err
	}
	var people []account.NewPerson
	for _, l := range s.Logins(id) {
		one := account.NewPerson{Name: string(l.Name)}
		if slices.ContainsFunc(withoutFile, func(o Login) bool { return o.Name == l.Name }) {
			one.Roles = l.Roles
		}
		people = append(people, one)
	}
	if err := book.AddSeveral(ctx, "", people, password); err != nil {
		return fmt.Errorf("making the logins of %s: %w", id, err)
	}
	return nil
}
