package api

import (
	"context"
	"net/http"
	"time"

	"comity/agent/people"
	"comity/schemas"
)

// RetentionCase is a case that is over and whose time is over too, or that is kept beyond it.
type RetentionCase struct {
	Case     schemas.CaseID      `json:"case"`
	Peer     schemas.AuthorityID `json:"peer"`
	Channel  schemas.Channel     `json:"channel"`
	ClosedAt time.Time           `json:"closed_at,omitzero"`
	DueAt    time.Time           `json:"due_at,omitzero"`
	Messages int                 `json:"messages"`
	Files    int                 `json:"files"`
	// Digest stands for exactly what is there now: who confirms, confirms this.
	Digest      string   `json:"digest,omitzero"`
	ConfirmedBy []string `json:"confirmed_by,omitzero"`
	// Waits says what must end first: on-its-way, comparison, team. Closed set.
	Waits string `json:"waits,omitzero"`
	// Kept says why it stays, by whom and since when: litigation, appeal, inquiry, audit, data-subject-request, archive.
	Kept   string    `json:"kept,omitzero"`
	KeptBy string    `json:"kept_by,omitzero"`
	KeptAt time.Time `json:"kept_at,omitzero"`
	// ErasedAt is when its content was erased, in the answer to the last of two confirmations.
	ErasedAt time.Time `json:"erased_at,omitzero"`
}

// Retention is how long things are kept here, what is due, and what is kept beyond its time.
type Retention struct {
	Confirm string            `json:"confirm"` // two-persons | automatic
	Terms   map[string]string `json:"terms"`   // by channel
	Due     []RetentionCase   `json:"due"`
	Kept    []RetentionCase   `json:"kept"`
}

// Erasure confirms that the content of a case goes.
type Erasure struct {
	Digest string `json:"digest"`
}

// KeepReasons are why a case may be kept beyond its time. The set is closed.
func KeepReasons() []string {
	return []string{"litigation", "appeal", "inquiry", "audit", "data-subject-request", "archive"}
}

// Keeping says why the content of a case stays.
type Keeping struct {
	Reason string `json:"reason"`
}

// Retentions is what the desk does at the end of the time for which content is kept.
type Retentions interface {
	Retention(ctx context.Context) (Retention, error)
	EraseCase(ctx context.Context, by string, id schemas.CaseID, e Erasure, proof []byte) (RetentionCase, error)
	KeepCase(ctx context.Context, by, prefix string, k Keeping) (RetentionCase, error)
	EndKeeping(ctx context.Context, by, prefix string) (RetentionCase, error)
}

func (s *Server) retentionRoutes() []route {
	one := describe[RetentionCase]
	return []route{
		{method: "GET", path: "/retention", doors: onBoth, act: people.ReadList, handle: s.retention,
			about: describe[Retention]("How long content is kept, of which cases it is due to go, and which are kept beyond their time")},
		{method: "POST", path: "/retention/{id}/erasure", doors: onBoth, act: people.EraseCases, handle: s.eraseCase,
			about: one("Confirm that the content of a case goes; after the second person's word it is erased. Hashes, numbers, receipts and the journal stay").takes(Erasure{})},
		{method: "PUT", path: "/retention/{id}/keeping", doors: onBoth, act: people.KeepCases, handle: s.keepCase,
			about: one("Keep the content of a case beyond its time").takes(Keeping{})},
		{method: "DELETE", path: "/retention/{id}/keeping", doors: onBoth, act: people.KeepCases, handle: s.endKeeping,
			about: one("Keep it no longer than its time")},
	}
}

func (s *Server) retention(r *request) (int, any, error) {
	found, err := s.desk.Retention(r.Context())
	return http.StatusOK, found, err
}

func (s *Server) eraseCase(r *request) (int, any, error) {
	id, body, err := named[Erasure](r)
	if err != nil {
		return 0, nil, err
	}
	proof, err := r.sign(SignErasure, id, body)
	if err != nil {
		return 0, nil, err
	}
	c, err := s.desk.EraseCase(r.Context(), r.person.Name, schemas.CaseID(id), body, proof)
	return http.StatusOK, c, err
}

func (s *Server) keepCase(r *request) (int, any, error) {
	body, err := bodyAs[Keeping](r)
	if err != nil {
		return 0, nil, err
	}
	c, err := s.desk.KeepCase(r.Context(), r.person.Name, r.PathValue("id"), body)
	return http.StatusOK, c, err
}

func (s *Server) endKeeping(r *request) (int, any, error) {
	c, err := s.desk.EndKeeping(r.Context(), r.person.Name, r.PathValue("id"))
	return http.StatusOK, c, err
}

// Retention shows what is due to go, and what is kept.
func (c *Client) Retention(ctx context.Context) (found Retention, err error) {
	return found, c.do(ctx, http.MethodGet, "/v1/retention", nil, &found)
}

// EraseCase confirms that the content of a case goes.
func (c *Client) EraseCase(ctx context.Context, id schemas.CaseID, e Erasure) (done RetentionCase, err error) {
	return done, c.post(ctx, "/v1/retention/"+string(id)+"/erasure", e, &done)
}

// KeepCase keeps the content of a case beyond its time.
func (c *Client) KeepCase(ctx context.Context, id schemas.CaseID, k Keeping) (done RetentionCase, err error) {
	body, err := schemas.Canonical(k)
	if err != nil {
		return done, err
	}
	return done, c.do(ctx, http.MethodPut, "/v1/retention/"+string(id)+"/keeping", body, &done)
}

// EndKeeping ends that.
func (c *Client) EndKeeping(ctx context.Context, id schemas.CaseID) (done RetentionCase, err error) {
	return done, c.do(ctx, http.MethodDelete, "/v1/retention/"+string(id)+"/keeping", nil, &done)
}
