package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"comity/agent/people"
	"comity/schemas"
)

// Absence is a time for which a person is away and a deputy has their roles.
type Absence struct {
	Person string    `json:"person"`
	Deputy string    `json:"deputy,omitzero"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"` // the first moment after it
}

// Absences is the answer of the list.
type Absences struct {
	Absences []Absence `json:"absences"`
}

// Deputies is what the agent knows of who stands in for whom.
type Deputies interface {
	PutAbsence(ctx context.Context, by string, a Absence) (Absence, error)
	EndAbsence(ctx context.Context, by, person string) (Absence, error)
	Absences(ctx context.Context) ([]Absence, error)
}

// absenceRoutes are at both doors, for a key officer and never for a machine. A deputy gets roles: at the web door whoever has a
// passkey records an absence in the console, which asks for it, as it does for an approval.
func (s *Server) absenceRoutes() []route {
	return []route{
		{method: "GET", path: "/absences", doors: onBoth, act: people.KeepAccounts, handle: s.absences,
			about: describe[Absences]("List who is away or will be, and who acts for them")},
		{method: "POST", path: "/absences", doors: onBoth, act: people.KeepAccounts, handle: s.putAbsence,
			about: describe[Absence]("Record that a person is away and who has their roles meanwhile").takes(Absence{}).status(http.StatusCreated)},
		{method: "DELETE", path: "/absences/{name}", doors: onBoth, act: people.KeepAccounts, handle: s.endAbsence,
			about: describe[Absence]("Record that a person is back")},
	}
}

func (s *Server) absences(r *request) (int, any, error) {
	found, err := s.desk.Absences(r.Context())
	return http.StatusOK, Absences{Absences: found}, err
}

func (s *Server) putAbsence(r *request) (int, any, error) {
	asked, err := bodyAs[Absence](r)
	if err != nil {
		return 0, nil, err
	}
	if r.web {
		if _, err := r.sign(SignAbsence, "", asked); err != nil {
			return 0, nil, err
		}
	}
	made, err := s.desk.PutAbsence(r.Context(), r.person.Name, asked)
	return http.StatusCreated, made, err
}

func (s *Server) endAbsence(r *request) (int, any, error) {
	ended, err := s.desk.EndAbsence(r.Context(), r.person.Name, r.PathValue("name"))
	return http.StatusOK, ended, err
}

// Absences lists who is away or will be.
func (c *Client) Absences(ctx context.Context) (a Absences, err error) {
	return a, c.do(ctx, http.MethodGet, "/v1/absences", nil, &a)
}

// PutAbsence records an absence.
func (c *Client) PutAbsence(ctx context.Context, a Absence) (made Absence, err error) {
	body, err := schemas.Canonical(a)
	if err != nil {
		return made, err
	}
	return made, c.do(ctx, http.MethodPost, "/v1/absences", body, &made)
}

// EndAbsence says that a person is back.
func (c *Client) EndAbsence(ctx context.Context, person string) (ended Absence, err error) {
	return ended, c.do(ctx, http.MethodDelete, "/v1/absences/"+url.PathEscape(person), nil, &ended)
}
