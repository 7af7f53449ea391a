package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"comity/agent/people"
	"comity/schemas"
)

// Assigning says which officer works on cases. No officer leaves them to nobody.
type Assigning struct {
	Cases   []schemas.CaseID `json:"cases"`
	Officer string           `json:"officer,omitzero"`
}

// MaxBulk bounds what one request does at once.
const MaxBulk = 200

// Officer is somebody who can be given a case.
type Officer struct {
	Name      string    `json:"name"`
	Cases     int       `json:"cases"` // open ones
	AwayUntil time.Time `json:"away_until,omitzero"`
	Deputy    string    `json:"deputy,omitzero"`
}

// Officers is the answer of the list.
type Officers struct {
	Officers   []Officer `json:"officers"`
	Unassigned int       `json:"unassigned"` // open cases of nobody
}

// Whose narrows a list to one desk: that of an officer, with the cases of those for whom they stand in now, or that of nobody. The
// zero value narrows nothing.
type Whose struct {
	Officer    string
	Mine       bool // in a request: the officer is whoever asks
	Unassigned bool
}

// CaseQuery narrows the list of cases.
type CaseQuery struct {
	Whose
	Limit int
	After Place[schemas.CaseID]
}

// TaskQuery narrows the list of what is due.
type TaskQuery struct {
	Whose
	Everybody bool // also what the peers owe
	Kind      string
	Limit     int
	After     Place[string]
}

// Assignments is what the agent knows of who works on what.
type Assignments interface {
	// Assign gives all of the cases to an officer, or where one of them cannot be given, none.
	Assign(ctx context.Context, by string, a Assigning) ([]Case, error)
	Officers(ctx context.Context) (Officers, error)
}

func (s *Server) assignmentRoutes() []route {
	return []route{
		{method: "POST", path: "/assignments", doors: onBoth, act: people.Assign, handle: s.assign,
			about: describe[Cases]("Say which officer works on cases: on all of those named, or where one cannot be given, on none").takes(Assigning{})},
		{method: "GET", path: "/officers", doors: onBoth, act: people.Assign, handle: s.officers,
			about: describe[Officers]("List who can be given a case, how many they have, and who is away")},
	}
}

func (s *Server) assign(r *request) (int, any, error) {
	asked, err := bodyAs[Assigning](r)
	if err != nil {
		return 0, nil, err
	}
	given, err := s.desk.Assign(r.Context(), r.person.Name, asked)
	return http.StatusOK, Cases{Cases: given}, err
}

func (s *Server) officers(r *request) (int, any, error) {
	found, err := s.desk.Officers(r.Context())
	return http.StatusOK, found, err
}

// The two lists that have no officer's name.
const (
	AssignedMine = "mine"
	AssignedNone = "none"
)

// whoseOf reads whose list is asked for.
func whoseOf(r *request) (w Whose, err error) {
	values := r.URL.Query()
	switch w.Officer = values.Get("officer"); values.Get("assigned") {
	case "":
	case AssignedMine:
		w.Officer = r.person.Name
	case AssignedNone:
		w = Whose{Unassigned: true}
	default:
		return w, &Problem{Reason: ReasonRequest, Message: "assigned is neither mine nor none", Hint: "officer names somebody else"}
	}
	return w, nil
}

// CursorOfTask is the cursor of the list that goes on behind a task.
func CursorOfTask(k Task) string { return placeOfTask(k).text() }

// ReadCursor has the list go on behind what CursorOfTask was made of; "" is its beginning.
func (q *TaskQuery) ReadCursor(text string) (err error) {
	q.After, err = readCursor[string](text)
	return err
}

// placeOfTask is a task's place in its list.
func placeOfTask(k Task) Place[string] {
	return Place[string]{At: k.DueAt, ID: string(k.Case) + "/" + k.Kind + "/" + string(k.Message)}
}

// Task reads where in the list of tasks a place is.
func (q TaskQuery) Task() (behind Task) {
	in, rest, _ := strings.Cut(q.After.ID, "/")
	kind, id, _ := strings.Cut(rest, "/")
	return Task{Case: schemas.CaseID(in), Kind: kind, Message: schemas.MessageID(id), DueAt: q.After.At}
}

// Assign gives cases to an officer, or with no name to nobody.
func (c *Client) Assign(ctx context.Context, a Assigning) ([]Case, error) {
	body, err := schemas.Canonical(a)
	if err != nil {
		return nil, err
	}
	var answer Cases
	return answer.Cases, c.do(ctx, http.MethodPost, "/v1/assignments", body, &answer)
}

// Officers lists who can be given a case.
func (c *Client) Officers(ctx context.Context) (o Officers, err error) {
	return o, c.do(ctx, http.MethodGet, "/v1/officers", nil, &o)
}

// query is whose list is asked for, as whoseOf reads it.
func (w Whose) query() url.Values {
	values := url.Values{}
	if w.Officer != "" {
		values.Set("officer", w.Officer)
	}
	if w.Mine {
		values.Set("assigned", AssignedMine)
	}
	if w.Unassigned {
		values.Set("assigned", AssignedNone)
	}
	return values
}

// CasesOf lists cases of one desk.
func (c *Client) CasesOf(ctx context.Context, q CaseQuery) ([]Case, error) {
	values := q.Whose.query()
	if q.Limit > 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	var answer Cases
	err := c.do(ctx, http.MethodGet, "/v1/cases?"+values.Encode(), nil, &answer)
	return answer.Cases, err
}

// TasksOf lists what is due at one desk.
func (c *Client) TasksOf(ctx context.Context, q TaskQuery) ([]Task, error) {
	values := q.Whose.query()
	if q.Everybody {
		values.Set("all", "true")
	}
	if q.Kind != "" {
		values.Set("kind", q.Kind)
	}
	var answer Tasks
	err := c.do(ctx, http.MethodGet, "/v1/tasks?"+values.Encode(), nil, &answer)
	return answer.Tasks, err
}
