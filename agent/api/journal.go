package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"comity/agent/people"
	"comity/schemas"
)

// Journal is what the agent can show and check of its evidence.
type Journal interface {
	// VerifyJournal holds every log against itself, the rows it speaks of, what peers have signed, and the checkpoints that were
	// kept elsewhere (notes, one after the other; may be empty).
	VerifyJournal(ctx context.Context, kept []byte) (JournalReport, error)
	// Checkpoint signs what a log is now; an empty origin is the home log's.
	Checkpoint(ctx context.Context, by, origin string) (Checkpoint, error)
	// ExportCase writes the file of a case for a reader to w after it has called begin, if the rules let all of it go there.
	ExportCase(ctx context.Context, by, prefix string, asked CaseRequest, begin func(CaseExport), w io.Writer) error
}

// JournalReport is what a verification found. It holds hashes, numbers and names of authorities alone.
type JournalReport struct {
	Authority schemas.AuthorityID `json:"authority"`
	Time      time.Time           `json:"time"`
	Logs      []JournalLog        `json:"logs"`
	Documents int                 `json:"documents"` // signed documents held against the logs
	// Approvals are those whose proof shows who gave them and over which bytes: OwnKey of them by a key that the person holds and
	// the agent does not, the others by the agent's word for a login. Unlisted are by somebody who is not listed any more.
	Approvals int             `json:"approvals"`
	OwnKey    int             `json:"own_key"`
	Unlisted  int             `json:"unlisted,omitzero"`
	Kept      int             `json:"kept"` // checkpoints kept elsewhere that were held against them
	Defects   []JournalDefect `json:"defects"`
	More      int             `json:"more,omitzero"` // defects beyond those listed
}

// JournalLog is one log as it stands.
type JournalLog struct {
	Origin string `json:"origin"`
	Leaves int64  `json:"leaves"`
	Root   string `json:"root"`
	// SeenBy is up to which number the peer's receipts have confirmed the log of what it was sent.
	SeenBy int64 `json:"seen_by,omitzero"`
}

// JournalDefect is something that does not fit.
type JournalDefect struct {
	Name   string `json:"name"` // closed set: agent/verify.go
	Log    string `json:"log"`
	Number int64  `json:"number,omitzero"` // of a message, or of a leaf from 1
	Detail string `json:"detail"`
}

// Checkpoint is a signed note (c2sp.org/tlog-checkpoint).
type Checkpoint struct {
	Note string `json:"note"`
}

// journalRoutes need no proof to verify on the socket: what is answered are hashes and counts of this authority's own, to whom
// its owner lets reach it, as with its health.
func (s *Server) journalRoutes() []route {
	return []route{
		{method: "POST", path: "/journal/verification", doors: onBoth, act: people.VerifyLogs, owner: true, handle: s.verifyJournal,
			about: describe[JournalReport]("Hold every log against everything that it speaks of, and against checkpoints that were kept elsewhere").takesText()},
		{method: "POST", path: "/journal/checkpoint", doors: onBoth, act: people.SignCheckpoint, handle: s.checkpoint,
			about: describe[Checkpoint]("Have the agent sign what a log is now").query("log")},
	}
}

func (s *Server) verifyJournal(r *request) (int, any, error) {
	report, err := s.desk.VerifyJournal(r.Context(), r.body)
	return http.StatusOK, report, err
}

func (s *Server) checkpoint(r *request) (int, any, error) {
	c, err := s.desk.Checkpoint(r.Context(), r.person.Name, r.URL.Query().Get("log"))
	return http.StatusOK, c, err
}

// CaseRequest says for whom the file of a case is made.
type CaseRequest struct {
	Reader       string // an authority, or a State
	WithoutFiles bool   // files of evidence are left out, and named
}

// CaseExport is what is said of the file of a case, a zip: see agent/casefile.
type CaseExport struct {
	Case      schemas.CaseID
	Messages  int
	Files     int    // of evidence
	FileBytes int64  // all of them together
	Absent    int    // files of evidence that the messages name and that are not in it
	SHA256    string // of the whole; known to the client once it has it
	Bytes     int64  // as SHA256
}

// exportCase answers the file itself; what is said of it stands in the headers. It breaks the connection off at a failure on the
// way, so that nobody takes half a file for one.
func (s *Server) exportCase(w http.ResponseWriter, r *request) {
	asked, err := caseRequest(r.URL.Query())
	if err != nil {
		s.refuse(w, err)
		return
	}
	begun := false
	err = s.desk.ExportCase(r.Context(), r.person.Name, r.PathValue("id"), asked, func(said CaseExport) {
		begun = true
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a door that has none is as good
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set(caseHeader, string(said.Case))
		w.Header().Set(countHeader, strconv.Itoa(said.Messages))
		w.Header().Set(filesHeader, strconv.Itoa(said.Files))
		w.Header().Set(fileBytesHeader, strconv.FormatInt(said.FileBytes, 10))
		w.Header().Set(absentHeader, strconv.Itoa(said.Absent))
		w.WriteHeader(http.StatusOK)
	}, w)
	switch {
	case err == nil:
	case !begun:
		s.refuse(w, err)
	default:
		s.log.Error("handing out the file of a case", "error", err)
		panic(http.ErrAbortHandler)
	}
}

func caseRequest(query url.Values) (CaseRequest, error) {
	asked := CaseRequest{Reader: query.Get("for")}
	switch query.Get("without-files") {
	case "", "false":
	case "true":
		asked.WithoutFiles = true
	default:
		return asked, &Problem{Reason: ReasonRequest, Message: "without-files is true or false"}
	}
	return asked, nil
}

// The headers of the file of a case.
const (
	caseHeader      = "Comity-Case"
	countHeader     = "Comity-Messages"
	filesHeader     = "Comity-Files"
	fileBytesHeader = "Comity-File-Bytes"
	absentHeader    = "Comity-Files-Absent"
)
