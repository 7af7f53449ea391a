package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"comity/agent/people"
	"comity/schemas"
)

// PaperDesk is what the desk does for authorities that are not connected.
type PaperDesk interface {
	// PrintLetter makes the letter of a cleared message and records that it was given away, once.
	PrintLetter(ctx context.Context, by string, id schemas.MessageID, p Printing) (Letter, error)
	// Letter shows a letter again that was printed.
	Letter(ctx context.Context, id schemas.MessageID) (Letter, error)
	// RegisterPaper registers what came on paper: a draft with the members "from" and "paper".
	RegisterPaper(ctx context.Context, by string, paper []byte) (Message, error)
}

// means are how paper is given away, and how it comes. The set is closed.
var means = []string{"post", "diplomatic-bag", "courier", "by-hand"}

// Means lists how paper is given away, and how it comes.
func Means() []string { return slices.Clone(means) }

// Printing asks for the letter of a message: exactly these bytes, given away by these means.
type Printing struct {
	SHA256 string `json:"sha256"`
	Means  string `json:"means"` // post, diplomatic-bag, courier or by-hand
}

// Letter is a letter as it was printed.
type Letter struct {
	Message schemas.MessageID   `json:"message"`
	Case    schemas.CaseID      `json:"case"`
	To      schemas.AuthorityID `json:"to"`
	SHA256  string              `json:"sha256"` // of the text
	Means   string              `json:"means"`
	Person  string              `json:"person"` // who gave it away
	At      time.Time           `json:"at"`
	Text    string              `json:"text,omitzero"` // absent once the case says that it must not be kept
}

// Paper is the way of a message on paper. No signature proves any of it.
type Paper struct {
	Means        string       `json:"means"`
	Person       string       `json:"person"` // who printed or registered it
	At           time.Time    `json:"at"`
	LetterSHA256 string       `json:"letter_sha256,omitzero"` // of ours
	Dated        schemas.Date `json:"dated,omitzero"`         // of a peer's: the day that it bears
	ReceivedOn   schemas.Date `json:"received_on,omitzero"`
	NationalRef  string       `json:"national_ref,omitzero"`
}

func (s *Server) paperRoutes() []route {
	return []route{
		{method: "POST", path: "/messages/{id}/letter", doors: onBoth, act: people.PrintLetter, handle: s.printLetter,
			about: describe[Letter]("Print a message for an authority that is not connected: it counts as sent from then on").takes(Printing{})},
		{method: "GET", path: "/messages/{id}/letter", doors: onBoth, act: people.ReadText, handle: s.letter,
			about: describe[Letter]("A letter again, exactly as it was printed")},
		{method: "POST", path: "/papers", doors: onBoth, act: people.RegisterPaper, handle: s.registerPaper,
			about: describe[Message]("Register what came on paper from an authority that is not connected").takes(draftBody{}).status(http.StatusCreated)},
	}
}

func (s *Server) printLetter(r *request) (int, any, error) {
	id, asked, err := named[Printing](r)
	if err != nil {
		return 0, nil, err
	}
	made, err := s.desk.PrintLetter(r.Context(), r.person.Name, id, asked)
	return http.StatusOK, made, err
}

func (s *Server) letter(r *request) (int, any, error) {
	id, err := r.id()
	if err != nil {
		return 0, nil, err
	}
	found, err := s.desk.Letter(r.Context(), id)
	return http.StatusOK, found, err
}

func (s *Server) registerPaper(r *request) (int, any, error) {
	m, err := s.desk.RegisterPaper(r.Context(), r.person.Name, r.body)
	return http.StatusCreated, m, err
}

// RegisterPaper registers what came on paper.
func (c *Client) RegisterPaper(ctx context.Context, paper []byte) (m Message, err error) {
	return m, c.do(ctx, http.MethodPost, "/v1/papers", paper, &m)
}

// PrintLetter makes the letter of a cleared message, and records that it was given away.
func (c *Client) PrintLetter(ctx context.Context, id schemas.MessageID, p Printing) (l Letter, err error) {
	body, err := schemas.Canonical(p)
	if err != nil {
		return l, err
	}
	return l, c.do(ctx, http.MethodPost, "/v1/messages/"+string(id)+"/letter", body, &l)
}

// Letter shows a letter again that was printed.
func (c *Client) Letter(ctx context.Context, id schemas.MessageID) (l Letter, err error) {
	return l, c.do(ctx, http.MethodGet, "/v1/messages/"+string(id)+"/letter", nil, &l)
}
