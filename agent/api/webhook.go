package api

import (
	"context"
	"net/http"
)

// NewWebhook asks for a webhook.
type NewWebhook struct {
	URL string `json:"url"`
}

// Webhook is an address to which the agent posts what changes, signed as Standard Webhooks (standardwebhooks.com) has it:
// webhook-signature is v1 and the HMAC-SHA256 of webhook-id, webhook-timestamp and the body, joined by full stops. The body is a
// HookEvent.
type Webhook struct {
	ID     string `json:"id"`
	URL    string `json:"url,omitzero"`
	Secret string `json:"secret,omitzero"` // whsec_ and base64; in the answer that made it, and nowhere else
}

// Webhooks is the answer of the list.
type Webhooks struct {
	Webhooks []Webhook `json:"webhooks"`
}

// The types of what is posted. The set is closed.
const (
	HookChange = "change" // of a message or case
	// HookResync: something may have been missed. The agent started, or the receiver was away for too long: list again.
	HookResync = "resync"
)

// HookEvent is what is posted. It holds no content.
type HookEvent struct {
	Type string `json:"type"`
	Event
}

// Hooks is where webhooks are kept.
type Hooks interface {
	Webhooks(ctx context.Context, client string) ([]Webhook, error)
	AddWebhook(ctx context.Context, client, url string) (Webhook, error)
	DropWebhook(ctx context.Context, client, id string) error
}

func (s *Server) webhooks(r *request) (int, any, error) {
	found, err := s.desk.Webhooks(r.Context(), r.person.Name)
	return http.StatusOK, Webhooks{Webhooks: found}, err
}

func (s *Server) addWebhook(r *request) (int, any, error) {
	asked, err := bodyAs[NewWebhook](r)
	if err != nil {
		return 0, nil, err
	}
	made, err := s.desk.AddWebhook(r.Context(), r.person.Name, asked.URL)
	return http.StatusCreated, made, err
}

func (s *Server) dropWebhook(r *request) (int, any, error) {
	id := r.PathValue("id")
	return http.StatusOK, Webhook{ID: id}, s.desk.DropWebhook(r.Context(), r.person.Name, id)
}
