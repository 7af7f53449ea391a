package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"comity/schemas"
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

// maxExport bounds the file of a case.
const maxExport = 256 << 20

// ExportCase has the agent make the file of a case for a reader: an authority, or a State.
func (c *Client) ExportCase(ctx context.Context, prefix, reader string) (file CaseExport, err error) {
	response, err := c.send(ctx, http.MethodPost, "/v1/cases/"+url.PathEscape(prefix)+"/export?for="+url.QueryEscape(reader), nil)
	if err != nil {
		return file, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return file, readProblem(response)
	}
	if file.Content, err = io.ReadAll(io.LimitReader(response.Body, maxExport+1)); err != nil || len(file.Content) > maxExport {
		return file, fmt.Errorf("reading the file of a case: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	sum := sha256.Sum256(file.Content)
	file.Case, file.SHA256 = schemas.CaseID(response.Header.Get(caseHeader)), hex.EncodeToString(sum[:])
	file.Messages, err = strconv.Atoi(response.Header.Get(countHeader))
	return file, err
}
