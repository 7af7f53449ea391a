package api

import (
	"context"
	"net/http"
	"net/url"
)

// VerifyJournal has the agent verify its logs, and hold them against checkpoints that were kept elsewhere. It needs no
// credential.
func (c *Client) VerifyJournal(ctx context.Context, kept []byte) (report JournalReport, err error) {
	return report, c.do(ctx, http.MethodPost, "/v1/journal/verification", kept, &report)
}

// Checkpoint has the agent sign what a log is now; an empty origin is the home log's.
func (c *Client) Checkpoint(ctx context.Context, origin string) (point Checkpoint, err error) {
	target := "/v1/journal/checkpoint"
	if origin != "" {
		target += "?log=" + url.QueryEscape(origin)
	}
	return point, c.do(ctx, http.MethodPost, target, nil, &point)
}
