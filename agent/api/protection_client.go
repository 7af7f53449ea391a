package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"comity/schemas"
)

// Reviews lists what policy stopped and nobody has decided on, the oldest first.
func (c *Client) Reviews(ctx context.Context) ([]Review, error) {
	var answer Reviews
	err := c.do(ctx, http.MethodGet, "/v1/reviews", nil, &answer)
	return answer.Reviews, err
}

// Review shows one review by the id of its message or the beginning of it.
func (c *Client) Review(ctx context.Context, prefix string) (r Review, err error) {
	return r, c.do(ctx, http.MethodGet, "/v1/reviews/"+url.PathEscape(prefix), nil, &r)
}

// Release puts the caller's name to a release. The second officer's lets the message go.
func (c *Client) Release(ctx context.Context, id schemas.MessageID, r Release) (m Message, err error) {
	return m, c.post(ctx, "/v1/messages/"+string(id)+"/release", r, &m)
}

// Return gives a message under review back to its author.
func (c *Client) Return(ctx context.Context, id schemas.MessageID) (m Message, err error) {
	return m, c.do(ctx, http.MethodPost, "/v1/messages/"+string(id)+"/return", nil, &m)
}

// Block closes the review of a message that must not leave. Others are shown it as under review all the same.
func (c *Client) Block(ctx context.Context, id schemas.MessageID) (m Message, err error) {
	return m, c.do(ctx, http.MethodPost, "/v1/messages/"+string(id)+"/block", nil, &m)
}

// ClearWithheld puts the caller's name to letting people read a received message that was withheld. It takes two.
func (c *Client) ClearWithheld(ctx context.Context, id schemas.MessageID) (m Message, err error) {
	return m, c.do(ctx, http.MethodPost, "/v1/messages/"+string(id)+"/clear", nil, &m)
}

// NotSamePerson puts the caller's name to the decision that a person of a message is not that of an entry.
func (c *Client) NotSamePerson(ctx context.Context, id schemas.MessageID, d Distinction) (done Distinguished, err error) {
	return done, c.post(ctx, "/v1/messages/"+string(id)+"/not-same-person", d, &done)
}

// ProtectionAlerts lists what a protection officer must look at.
func (c *Client) ProtectionAlerts(ctx context.Context) ([]ProtectionAlert, error) {
	var answer ProtectionAlerts
	err := c.do(ctx, http.MethodGet, "/v1/protection/alerts", nil, &answer)
	return answer.Alerts, err
}

// EndProtectionAlert says that the caller is done with an alert.
func (c *Client) EndProtectionAlert(ctx context.Context, kind, subject string) error {
	var answer ProtectionAlert
	return c.post(ctx, "/v1/protection/alerts", ProtectionAlert{Kind: kind, Subject: subject}, &answer)
}

// CheckPolicy asks the rules about a draft. It changes nothing and is counted and recorded: it looks persons up.
func (c *Client) CheckPolicy(ctx context.Context, draft []byte) (check PolicyCheck, err error) {
	return check, c.do(ctx, http.MethodPost, "/v1/policy/check", draft, &check)
}

// Decisions lists which rules decided, the newest first.
func (c *Client) Decisions(ctx context.Context, limit int) ([]Decision, error) {
	var answer Decisions
	err := c.do(ctx, http.MethodGet, "/v1/policy/decisions?limit="+strconv.Itoa(limit), nil, &answer)
	return answer.Decisions, err
}

// RegisterState tells how the protection register is.
func (c *Client) RegisterState(ctx context.Context) (s RegisterState, err error) {
	return s, c.do(ctx, http.MethodGet, "/v1/register", nil, &s)
}

// ImportRegister hands in a feed, "jsonl" or "csv": all of it is taken, or nothing.
func (c *Client) ImportRegister(ctx context.Context, format string, feed []byte) (report RegisterReport, err error) {
	return report, c.do(ctx, http.MethodPost, "/v1/register/feed?format="+url.QueryEscape(format), feed, &report)
}

// PutRegister adds or changes one record: the report says which it was.
func (c *Client) PutRegister(ctx context.Context, record []byte) (report RegisterReport, err error) {
	return report, c.do(ctx, http.MethodPost, "/v1/register/entries", record, &report)
}

func (c *Client) post(ctx context.Context, target string, body, answer any) error {
	encoded, err := schemas.Canonical(body)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, target, encoded, answer)
}
