package api

import (
	"context"
	"net/http"

	"comity/agent/people"
	"comity/schemas"
)

// Acknowledging asks for one draft acknowledgement in each of several cases that came in. What stands beside the list holds for every
// case of it.
type Acknowledging struct {
	Cases       []Acknowledge `json:"cases"`
	NationalRef string        `json:"national_ref,omitzero"` // this authority's own file number
	Desk        string        `json:"desk"`                  // the function that handles the requests, never a person
	Complete    bool          `json:"complete"`              // they can be examined as they are; where not, ask for what is missing afterwards
}

// Acknowledge is one case of the list.
type Acknowledge struct {
	Case        schemas.CaseID `json:"case"`
	NationalRef string         `json:"national_ref,omitzero"` // in the place of the one for all
}

// Acknowledgement is the draft that was made, or the acknowledgement that there was: nothing is acknowledged twice.
type Acknowledgement struct {
	Case    schemas.CaseID `json:"case"`
	Made    bool           `json:"made"`
	Message Message        `json:"message"`
}

// Acknowledgements is the answer.
type Acknowledgements struct {
	Acknowledgements []Acknowledgement `json:"acknowledgements"`
}

// Intake is what the desk does with requests that came in.
type Intake interface {
	// Acknowledge drafts in all of the cases, or where it cannot in one, in none, and names every defect. Each draft then waits for a
	// second person like any other.
	Acknowledge(ctx context.Context, by string, a Acknowledging) ([]Acknowledgement, error)
}

func (s *Server) intakeRoutes() []route {
	return []route{
		{method: "POST", path: "/acknowledgements", doors: onBoth, act: people.Draft, handle: s.acknowledge,
			about: describe[Acknowledgements]("Draft an acknowledgement in each of several cases, or in none; where there is one already, it is answered").
				takes(Acknowledging{}).status(http.StatusCreated)},
	}
}

func (s *Server) acknowledge(r *request) (int, any, error) {
	asked, err := bodyAs[Acknowledging](r)
	if err != nil {
		return 0, nil, err
	}
	made, err := s.desk.Acknowledge(r.Context(), r.person.Name, asked)
	return http.StatusCreated, Acknowledgements{Acknowledgements: made}, err
}

// Acknowledge drafts acknowledgements.
func (c *Client) Acknowledge(ctx context.Context, a Acknowledging) (made Acknowledgements, err error) {
	body, err := schemas.Canonical(a)
	if err != nil {
		return made, err
	}
	return made, c.do(ctx, http.MethodPost, "/v1/acknowledgements", body, &made)
}
