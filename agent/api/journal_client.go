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

// maxExport bounds the file of a case without its files of evidence.
const maxExport = 256 << 20

// ExportCase has the agent make the file of a case. What is said of it is known before its first byte: to may look for room, and
// says where it goes. What was written before an error is of no use.
func (c *Client) ExportCase(ctx context.Context, prefix string, asked CaseRequest, to func(CaseExport) (io.Writer, error)) (said CaseExport, err error) {
	query := url.Values{"for": {asked.Reader}}
	if asked.WithoutFiles {
		query.Set("without-files", "true")
	}
	response, err := c.send(ctx, http.MethodPost, "/v1/cases/"+url.PathEscape(prefix)+"/export?"+query.Encode(), nil)
	if err != nil {
		return said, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return said, readProblem(response)
	}
	if said, err = readCaseHeaders(response.Header); err != nil {
		return said, fmt.Errorf("reading what is said of the file of a case: %w", err)
	}
	w, err := to(said)
	if err != nil {
		return said, err
	}
	sum := sha256.New()
	most := maxExport + said.FileBytes
	said.Bytes, err = io.Copy(io.MultiWriter(w, sum), io.LimitReader(response.Body, most+1))
	if err == nil && said.Bytes > most {
		err = errors.New("larger than the agent said")
	}
	if err != nil {
		return said, fmt.Errorf("reading the file of a case: %w", err)
	}
	said.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return said, nil
}

func readCaseHeaders(h http.Header) (said CaseExport, err error) {
	said.Case = schemas.CaseID(h.Get(caseHeader))
	for name, count := range map[string]*int{countHeader: &said.Messages, filesHeader: &said.Files, absentHeader: &said.Absent} {
		n, wrong := strconv.Atoi(h.Get(name))
		*count, err = n, errors.Join(err, wrong)
	}
	n, wrong := strconv.ParseInt(h.Get(fileBytesHeader), 10, 64)
	if said.FileBytes = n; n < 0 {
		wrong = strconv.ErrRange
	}
	return said, errors.Join(err, wrong)
}
