package api

import (
	"errors"
	"net/http"
	"time"

	"comity/agent/account"
	"comity/agent/people"
	"comity/schemas"
)

// Logins of people and tokens of machines are kept on the socket alone: whoever changes them reaches the agent's own files, and
// proves with a credential file to be a key officer (DOMAIN section 6: two persons for a change of keys). Where agent.toml lists
// no key officer, its owner alone does it, who could list one.

// Account is an account as a key officer sees it.
type Account struct {
	Name      string        `json:"name"`
	Roles     []people.Role `json:"roles"`
	Listed    bool          `json:"listed,omitzero"`   // agent.toml lists the person, and has the roles
	OneTime   bool          `json:"one_time,omitzero"` // the password must be changed at the next login
	Locked    bool          `json:"locked,omitzero"`
	Passkeys  int           `json:"passkeys,omitzero"`
	CreatedAt time.Time     `json:"created_at"`
	ChangedAt time.Time     `json:"changed_at"`
}

// NewAccount asks for an account.
type NewAccount struct {
	Name  string        `json:"name"`
	Roles []people.Role `json:"roles,omitzero"`
	// Password is one that the person chose. Without one the agent makes a one-time password and answers it.
	Password string `json:"password,omitzero"`
}

// Password is a one-time password. It stands nowhere else.
type Password struct {
	Name     string `json:"name"`
	Password string `json:"password,omitzero"`
}

// NewRoles are the roles that an account is to have.
type NewRoles struct {
	Roles []people.Role `json:"roles"`
}

// Machine is a national case system that uses the API.
type Machine struct {
	Name      string      `json:"name"`
	Role      people.Role `json:"role"`
	CreatedAt time.Time   `json:"created_at,omitzero"`
	EndedAt   time.Time   `json:"ended_at,omitzero"`
	Token     string      `json:"token,omitzero"` // in the answer that made it, and nowhere else
}

// Accounts and Machines are the answers of the lists.
type (
	Accounts struct {
		Accounts []Account `json:"accounts"`
	}
	Machines struct {
		Clients []Machine `json:"clients"`
	}
)

func (s *Server) accountRoutes() []route {
	keep := func(method, path string, handle func(*request) (int, any, error)) route {
		return route{method: method, path: path, doors: onSocket, act: people.KeepAccounts, handle: handle}
	}
	return []route{
		keep("GET", "/accounts", s.accounts),
		keep("POST", "/accounts", s.addAccount),
		keep("PUT", "/accounts/{name}/roles", s.setRoles),
		keep("POST", "/accounts/{name}/password", s.resetPassword),
		keep("POST", "/accounts/{name}/lock", s.setLocked(true)),
		keep("POST", "/accounts/{name}/unlock", s.setLocked(false)),
		keep("GET", "/clients", s.clients),
		keep("POST", "/clients", s.addClient),
		keep("DELETE", "/clients/{name}", s.endClient),
		{method: "GET", path: "/me", doors: onWeb, act: people.SignIn, handle: s.me, about: describe[Me]("Who the caller is, and what they may")},
	}
}

func (s *Server) accounts(r *request) (int, any, error) {
	found, err := s.desk.Accounts().List(r.Context())
	answer := Accounts{Accounts: []Account{}}
	for _, a := range found {
		answer.Accounts = append(answer.Accounts, Account(a))
	}
	return http.StatusOK, answer, err
}

func (s *Server) addAccount(r *request) (int, any, error) {
	asked, err := bodyAs[NewAccount](r)
	if err != nil {
		return 0, nil, err
	}
	made := Password{Name: asked.Name}
	if asked.Password != "" {
		err = s.desk.Accounts().AddWith(r.Context(), r.person.Name, asked.Name, asked.Roles, asked.Password)
	} else {
		made.Password, err = s.desk.Accounts().Add(r.Context(), r.person.Name, asked.Name, asked.Roles)
	}
	return http.StatusCreated, made, accountProblem(err)
}

func (s *Server) setRoles(r *request) (int, any, error) {
	asked, err := bodyAs[NewRoles](r)
	if err != nil {
		return 0, nil, err
	}
	name := r.PathValue("name")
	return http.StatusOK, Password{Name: name}, accountProblem(s.desk.Accounts().SetRoles(r.Context(), r.person.Name, name, asked.Roles))
}

func (s *Server) resetPassword(r *request) (int, any, error) {
	name := r.PathValue("name")
	password, err := s.desk.Accounts().Reset(r.Context(), r.person.Name, name)
	return http.StatusOK, Password{Name: name, Password: password}, accountProblem(err)
}

func (s *Server) setLocked(locked bool) func(*request) (int, any, error) {
	return func(r *request) (int, any, error) {
		name := r.PathValue("name")
		return http.StatusOK, Password{Name: name}, accountProblem(s.desk.Accounts().SetLocked(r.Context(), r.person.Name, name, locked))
	}
}

func (s *Server) clients(r *request) (int, any, error) {
	found, err := s.desk.Accounts().Clients(r.Context())
	answer := Machines{Clients: []Machine{}}
	for _, c := range found {
		answer.Clients = append(answer.Clients, Machine{Name: c.Name, Role: c.Role, CreatedAt: c.CreatedAt, EndedAt: c.EndedAt})
	}
	return http.StatusOK, answer, err
}

func (s *Server) addClient(r *request) (int, any, error) {
	asked, err := bodyAs[Machine](r)
	if err != nil {
		return 0, nil, err
	}
	token, err := s.desk.Accounts().AddClient(r.Context(), r.person.Name, asked.Name, asked.Role)
	return http.StatusCreated, Machine{Name: asked.Name, Role: asked.Role, Token: token}, accountProblem(err)
}

func (s *Server) endClient(r *request) (int, any, error) {
	name := r.PathValue("name")
	return http.StatusOK, Machine{Name: name}, accountProblem(s.desk.Accounts().EndClient(r.Context(), r.person.Name, name))
}

// Me is the caller.
type Me struct {
	Name    string        `json:"name"`
	Roles   []people.Role `json:"roles"`
	Acts    []people.Act  `json:"acts"` // what they allow
	Machine bool          `json:"machine,omitzero"`
}

func (s *Server) me(r *request) (int, any, error) {
	return http.StatusOK, Me{Name: r.person.Name, Roles: r.person.Roles, Acts: r.person.Acts(), Machine: r.person.Machine}, nil
}

// bodyAs reads the body of a request strictly.
func bodyAs[T any](r *request) (body T, err error) {
	if err := schemas.Decode(r.body, &body, schemas.DefaultLimits); err != nil {
		return body, badRequest(err)
	}
	return body, nil
}

// ReasonAccount says that an account or client cannot be so; the message says why.
const ReasonAccount = "account"

// accountProblem is a refusal of agent/account as a caller can act on it.
func accountProblem(err error) error {
	hints := map[error]string{
		account.ErrExists: "comity user list shows them", account.ErrNoAccount: "comity user list shows them", account.ErrNotClient: "comity client list shows them",
		account.ErrNoRole: "name one with --role", account.ErrListed: "change agent.toml and start the agent again, or leave --role out",
		account.ErrClientRole: "case-officer, border-duty-desk, registrar, liaison-officer or auditor",
		account.ErrIsClient:   "choose another: who drafts and who approves must be two", account.ErrIsPerson: "choose another: who drafts and who approves must be two",
		account.ErrTooMany: "", account.ErrName: "", people.ErrRole: "comity user add --help lists them",
		account.ErrPasswordShort: "", account.ErrPasswordLong: "", account.ErrPasswordName: "", account.ErrPasswordText: "", account.ErrPasswordSame: "",
	}
	for known, hint := range hints {
		if errors.Is(err, known) {
			reason := ReasonAccount
			if known == account.ErrNoAccount || known == account.ErrNotClient {
				reason = "not-found"
			}
			return &Problem{Reason: reason, Message: err.Error(), Hint: hint}
		}
	}
	return err
}
