package api

import (
	"context"
	"net/http"
	"time"

	"comity/agent/people"
	"comity/schemas"
)

// Handout is the file of a case that the rules do not let go to a reader as it is, as a protection officer sees it.
type Handout struct {
	ID       schemas.MessageID   `json:"id"`
	Case     schemas.CaseID      `json:"case"`
	Peer     schemas.AuthorityID `json:"peer"`
	Reader   string              `json:"reader"` // an authority or a State
	AskedBy  string              `json:"asked_by"`
	Outcome  string              `json:"outcome"`  // hold | block: a block cannot be released
	Messages int                 `json:"messages"` // in the file
	Held     []HeldMessage       `json:"held"`     // those of them that stand in the way
	Digest   string              `json:"digest"`   // what a release covers: this reader, these messages, these decisions
	OpenedAt time.Time           `json:"opened_at"`
	// ReleasedBy is who has released it so far.
	ReleasedBy []string `json:"released_by,omitzero"`
	Closing    string   `json:"closing,omitzero"` // released | returned | blocked | discarded; absent while it is open
}

// HeldMessage is a message that does not go to a reader as it is. Persons are references within it.
type HeldMessage struct {
	From        schemas.AuthorityID `json:"from"`
	ID          schemas.MessageID   `json:"id"`
	Outcome     string              `json:"outcome"` // hold | block
	Rules       []string            `json:"rules"`
	Grounds     []Ground            `json:"grounds"`
	Why         string              `json:"why"`
	ProtectFrom []schemas.StateCode `json:"protect_from,omitzero"`
}

// HandoutRelease is the body of a release of the file of a case: the exact decision that an officer has read.
type HandoutRelease struct {
	Digest    string `json:"digest"`
	Necessity string `json:"necessity,omitzero"` // why the reader needs it: asked for by ASY-07
}

// Handouts is a list of them.
type Handouts struct {
	Handouts []Handout `json:"handouts"`
}

// handoutRoutes are the routes of protection officers about the files of cases.
func (s *Server) handoutRoutes() []route {
	one := describe[Handout]
	return []route{
		{method: "GET", path: "/handouts", doors: onBoth, act: people.ReadReviews, handle: s.handouts,
			about: describe[Handouts]("List the files of cases that policy stopped and nobody has decided on, the oldest first")},
		{method: "GET", path: "/handouts/{id}", doors: onBoth, act: people.ReadReviews, handle: s.handout, about: one("Show one, open or closed")},
		{method: "POST", path: "/handouts/{id}/release", doors: onBoth, act: people.DecideReviews, handle: s.releaseHandout,
			about: one("Put one's name to a release; after the second officer's the file goes to its reader").takes(HandoutRelease{})},
		{method: "POST", path: "/handouts/{id}/return", doors: onBoth, act: people.DecideReviews, handle: s.endHandout(s.desk.ReturnHandout),
			about: one("Close a review without a release")},
		{method: "POST", path: "/handouts/{id}/block", doors: onBoth, act: people.DecideReviews, handle: s.endHandout(s.desk.BlockHandout),
			about: one("Close the review of a file that must not be handed out")},
	}
}

func (s *Server) handouts(r *request) (int, any, error) {
	found, err := s.desk.Handouts(r.Context())
	return http.StatusOK, Handouts{Handouts: found}, err
}

func (s *Server) handout(r *request) (int, any, error) {
	id, err := r.id()
	if err != nil {
		return 0, nil, err
	}
	found, err := s.desk.Handout(r.Context(), id)
	return http.StatusOK, found, err
}

func (s *Server) releaseHandout(r *request) (int, any, error) {
	id, body, err := named[HandoutRelease](r)
	if err != nil {
		return 0, nil, err
	}
	proof, err := r.sign(SignHandout, id, body)
	if err != nil {
		return 0, nil, err
	}
	h, err := s.desk.ReleaseHandout(r.Context(), r.person.Name, id, body, proof)
	return http.StatusOK, h, err
}

func (s *Server) endHandout(end func(context.Context, string, schemas.MessageID) (Handout, error)) func(*request) (int, any, error) {
	return func(r *request) (int, any, error) {
		id, err := r.id()
		if err != nil {
			return 0, nil, err
		}
		h, err := end(r.Context(), r.person.Name, id)
		return http.StatusOK, h, err
	}
}

// Handouts lists the files of cases that policy stopped and nobody has decided on, the oldest first.
func (c *Client) Handouts(ctx context.Context) ([]Handout, error) {
	var answer Handouts
	err := c.do(ctx, http.MethodGet, "/v1/handouts", nil, &answer)
	return answer.Handouts, err
}

// Handout shows one by its id.
func (c *Client) Handout(ctx context.Context, id schemas.MessageID) (h Handout, err error) {
	return h, c.do(ctx, http.MethodGet, "/v1/handouts/"+string(id), nil, &h)
}

// ReleaseHandout puts the caller's name to a release. After the second officer's the file goes to its reader.
func (c *Client) ReleaseHandout(ctx context.Context, id schemas.MessageID, r HandoutRelease) (h Handout, err error) {
	return h, c.post(ctx, "/v1/handouts/"+string(id)+"/release", r, &h)
}

// ReturnHandout closes a review without a release.
func (c *Client) ReturnHandout(ctx context.Context, id schemas.MessageID) (h Handout, err error) {
	return h, c.do(ctx, http.MethodPost, "/v1/handouts/"+string(id)+"/return", nil, &h)
}

// BlockHandout closes the review of a file that must not be handed out. Others are shown it as under review all the same.
func (c *Client) BlockHandout(ctx context.Context, id schemas.MessageID) (h Handout, err error) {
	return h, c.do(ctx, http.MethodPost, "/v1/handouts/"+string(id)+"/block", nil, &h)
}
