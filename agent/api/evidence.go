package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"comity/agent/people"
	"comity/schemas"
)

// Evidence is what the desk does with files of evidence.
type EvidenceDesk interface {
	// AnnounceEvidence begins a file for the case that a prefix names; AddEvidence then streams it, by the same person.
	AnnounceEvidence(ctx context.Context, by, prefix string, a Announcement) (Announced, error)
	AddEvidence(ctx context.Context, by string, id schemas.FileID, body io.Reader) (Evidence, error)
	// UploadEvidence adds a file from a stream alone: its size and hash are known at its end. What the announcement says of them is
	// not looked at.
	UploadEvidence(ctx context.Context, by, prefix string, a Announcement, body io.Reader) (Evidence, error)
	// NameEvidence has a draft name files of its case.
	NameEvidence(ctx context.Context, by string, id schemas.MessageID, files []schemas.FileID) (Message, error)
	// EvidenceList shows the files of a case, or with an empty prefix those on their way.
	EvidenceList(ctx context.Context, prefix string) ([]Evidence, error)
	EvidenceFile(ctx context.Context, prefix string) (Evidence, error)
	// OpenEvidence writes the content of a file to w after it has called begin.
	OpenEvidence(ctx context.Context, by, prefix string, mayReadReviews bool, begin func(Evidence), w io.Writer) error
}

// Announcement is what a person says of a file before it streams. Their proof covers it, and so its hash.
type Announcement struct {
	Name      string                 `json:"name"` // as the person calls it; it does not leave
	Bytes     int64                  `json:"bytes"`
	SHA256    string                 `json:"sha256"`
	Certified bool                   `json:"certified,omitzero"`
	Custody   []schemas.CustodyEntry `json:"chain_of_custody,omitzero"`
}

// Announced is where the file streams to.
type Announced struct {
	ID schemas.FileID `json:"id"`
}

// Evidence is a file of evidence.
type Evidence struct {
	ID        schemas.FileID      `json:"id"`
	Owner     schemas.AuthorityID `json:"owner"` // who sends it
	Peer      schemas.AuthorityID `json:"peer"`
	Case      schemas.CaseID      `json:"case"`
	Message   schemas.MessageID   `json:"message,omitzero"` // the owner's, that names it
	State     string              `json:"state"`            // ready, delivered, refused, fetching, complete, under-review
	Reason    string              `json:"reason,omitzero"`
	Name      string              `json:"name"`
	MediaType string              `json:"media_type"`
	Bytes     int64               `json:"bytes"`
	SHA256    string              `json:"sha256"`
	Certified bool                `json:"certified,omitzero"`
	// Reading and Neutralised are as with attachments, of a file that was added here.
	Reading     string `json:"reading,omitzero"`
	Neutralised bool   `json:"neutralised,omitzero"`
	// Have of Chunks have arrived.
	Chunks         int64                  `json:"chunks"`
	Have           int64                  `json:"have"`
	Receipted      bool                   `json:"receipted,omitzero"` // there is a signed completion
	AddedAt        time.Time              `json:"added_at"`
	ChangedAt      time.Time              `json:"changed_at"`
	ChainOfCustody []schemas.CustodyEntry `json:"chain_of_custody,omitzero"` // signed, by the owner
	Custody        []CustodyStep          `json:"custody,omitzero"`          // at this desk; in show only
}

// CustodyStep is what was done with a file at this desk.
type CustodyStep struct {
	What   string    `json:"what"` // closed set
	Person string    `json:"person,omitzero"`
	At     time.Time `json:"at"`
}

// EvidenceFiles is the answer of the list.
type EvidenceFiles struct {
	Evidence []Evidence `json:"evidence"`
}

func (s *Server) evidenceRoutes() []route {
	return []route{
		{method: "POST", path: "/cases/{id}/evidence", doors: onBoth, act: people.Draft, handle: s.announceEvidence,
			about: describe[Announced]("Announce a file of evidence with its size and SHA-256; then stream it").takes(Announcement{}).status(http.StatusCreated)},
		{method: "PUT", path: "/evidence/{id}/content", doors: onBoth, act: people.Draft, upload: true, handle: s.addEvidence,
			about: describe[Evidence]("Stream the file that was announced: the bytes themselves, of any size").takes(binary{}).status(http.StatusCreated)},
		{method: "GET", path: "/evidence", doors: onBoth, act: people.ReadList, handle: s.evidenceList,
			about: describe[EvidenceFiles]("List the files of evidence of a case, or those on their way").query("case")},
		{method: "GET", path: "/evidence/{id}", doors: onBoth, act: people.ReadList, handle: s.evidenceFile,
			about: describe[Evidence]("Show a file of evidence with its custody")},
		{method: "GET", path: "/evidence/{id}/content", doors: onBoth, act: people.ReadText, stream: s.openEvidence,
			about: describe[binary]("The content of a file of evidence that is whole; noted in its custody")},
	}
}

func (s *Server) announceEvidence(r *request) (int, any, error) {
	var a Announcement
	if err := schemas.Decode(r.body, &a, schemas.DefaultLimits); err != nil {
		return 0, nil, badRequest(err)
	}
	announced, err := s.desk.AnnounceEvidence(r.Context(), r.person.Name, r.PathValue("id"), a)
	return http.StatusCreated, announced, err
}

func (s *Server) addEvidence(r *request) (int, any, error) {
	id, err := schemas.ParseFileID(r.PathValue("id"))
	if err != nil {
		return 0, nil, &Problem{Reason: ReasonRequest, Message: "not the id of a file of evidence"}
	}
	e, err := s.desk.AddEvidence(r.Context(), r.person.Name, id, r.stream)
	return http.StatusCreated, e, err
}

func (s *Server) evidenceList(r *request) (int, any, error) {
	files, err := s.desk.EvidenceList(r.Context(), r.URL.Query().Get("case"))
	return http.StatusOK, EvidenceFiles{Evidence: files}, err
}

func (s *Server) evidenceFile(r *request) (int, any, error) {
	e, err := s.desk.EvidenceFile(r.Context(), r.PathValue("id"))
	return http.StatusOK, e, err
}

func (s *Server) openEvidence(w http.ResponseWriter, r *request) {
	if err := HandOutEvidence(w, r.Request, s.desk, r.person, s.log); err != nil {
		s.refuse(w, err)
	}
}

// HandOutEvidence answers with the content of the file that the path of a request names, as a download: whatever it is, no browser shows
// it as a page of ours. An error is one before the first byte. At a later one the connection breaks off, so that nobody takes half a
// file for one.
func HandOutEvidence(w http.ResponseWriter, r *http.Request, desk EvidenceDesk, person *people.Person, log *slog.Logger) error {
	begun := false
	err := desk.OpenEvidence(r.Context(), person.Name, r.PathValue("id"), person.May(people.ReadReviews), func(e Evidence) {
		begun = true
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a door that has none is as good
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", "attachment; filename="+strconv.Quote(e.Name))
		w.Header().Set("Content-Length", strconv.FormatInt(e.Bytes, 10))
		w.WriteHeader(http.StatusOK)
	}, w)
	if err == nil || !begun {
		return err
	}
	log.Error("handing out a file of evidence", slog.Any("error", err))
	panic(http.ErrAbortHandler)
}

// AddEvidence announces and streams a file. progress, if not nil, is told how many bytes the agent has taken.
func (c *Client) AddEvidence(ctx context.Context, prefix string, a Announcement, body io.Reader) (e Evidence, err error) {
	said, err := schemas.Canonical(a)
	if err != nil {
		return e, err
	}
	var announced Announced
	if err := c.do(ctx, http.MethodPost, "/v1/cases/"+url.PathEscape(prefix)+"/evidence", said, &announced); err != nil {
		return e, err
	}
	target := "/v1/evidence/" + string(announced.ID) + "/content"
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://agent"+target, body)
	if err != nil {
		return e, err
	}
	request.ContentLength = -1
	if err := c.prove(request, target, nil); err != nil {
		return e, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return e, err
	}
	return e, readAnswer(response, &e)
}

// EvidenceList lists the files of a case, or with an empty prefix those on their way.
func (c *Client) EvidenceList(ctx context.Context, prefix string) ([]Evidence, error) {
	var answer EvidenceFiles
	err := c.do(ctx, http.MethodGet, "/v1/evidence?case="+url.QueryEscape(prefix), nil, &answer)
	return answer.Evidence, err
}

// EvidenceFile shows one file by its id or the beginning of it.
func (c *Client) EvidenceFile(ctx context.Context, prefix string) (e Evidence, err error) {
	return e, c.do(ctx, http.MethodGet, "/v1/evidence/"+url.PathEscape(prefix), nil, &e)
}

// OpenEvidence writes the content of a file to w. What was written before an error is of no use.
func (c *Client) OpenEvidence(ctx context.Context, prefix string, w io.Writer) error {
	response, err := c.send(ctx, http.MethodGet, "/v1/evidence/"+url.PathEscape(prefix)+"/content", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return readProblem(response)
	}
	n, err := io.Copy(w, response.Body)
	if err == nil && response.ContentLength >= 0 && n != response.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	return err
}
