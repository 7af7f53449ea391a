package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"comity/schemas"
)

// backup streams an encrypted copy of the databases. It needs no proof: whoever reaches the socket is the user who owns the
// files. A failure on the way breaks the connection off, so that nobody takes half a backup for one.
func (s *Server) backup(w http.ResponseWriter, r *request) {
	var asked Backup
	if err := schemas.Decode(r.body, &asked, schemas.DefaultLimits); err != nil {
		s.refuse(w, badRequest(err))
		return
	}
	out := &begun{to: w}
	err := s.desk.Backup(r.Context(), asked, out)
	switch {
	case err == nil:
	case !out.yes:
		s.refuse(w, err)
	default:
		s.log.Error("making a backup", slog.Any("error", err))
		panic(http.ErrAbortHandler)
	}
}

// begun knows whether anything was written.
type begun struct {
	to  http.ResponseWriter
	yes bool
}

func (b *begun) Write(p []byte) (int, error) {
	if !b.yes {
		b.yes = true
		b.to.Header().Set("Content-Type", "application/octet-stream")
		b.to.WriteHeader(http.StatusOK)
	}
	return b.to.Write(p)
}

// Backup writes an encrypted copy of the agent's databases to w.
func (c *Client) Backup(ctx context.Context, b Backup, w io.Writer) error {
	body, err := schemas.Canonical(b)
	if err != nil {
		return err
	}
	response, err := c.send(ctx, http.MethodPost, "/v1/backup", body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return readProblem(response)
	}
	_, err = io.Copy(w, response.Body)
	return err
}
