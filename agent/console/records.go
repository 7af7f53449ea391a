package console

import (
	"context"
	"time"

	"comity/agent/api"
	"comity/schemas"
)

// Records is what pages need of the agent beyond its desk: lists that are searched and counted where they are kept.
type Records interface {
	// FindCases is one page of the cases that fit.
	FindCases(ctx context.Context, q CaseQuery) (CasePage, error)
	// Overview is what there is to do, and how the cases stand.
	Overview(ctx context.Context, person string) (Overview, error)
	// CheckDraft says what Draft would refuse of a draft, without keeping anything: an *api.Problem, or nil.
	CheckDraft(ctx context.Context, draft []byte) error
	// InState lists messages of ours in one state, oldest first, without their content.
	InState(ctx context.Context, state string, limit int) ([]api.Message, error)
	// OnChannel lists the messages of the cases of a channel that changed last, newest first, without their content.
	OnChannel(ctx context.Context, channel schemas.Channel, limit int) ([]api.Message, error)

	// Unfinished, KeepUnfinished and DropUnfinished are the forms that a person goes on with later. Nobody else sees them.
	Unfinished(ctx context.Context, person string) ([]Unfinished, error)
	KeepUnfinished(ctx context.Context, person string, u Unfinished) error
	DropUnfinished(ctx context.Context, person, id string) error
}

// CaseQuery narrows a list of cases; empty members do not.
type CaseQuery struct {
	Text    string // the beginning of an id, or a part of the peer's name
	Channel schemas.Channel
	State   string
	Peer    schemas.AuthorityID
	Open    string // open | closed
	api.Whose
	Due  string // mine: we owe something; overdue: somebody is late
	Sort string // changed | opened | due; "" is changed
	Page int    // from 1
}

// PageSize is how many cases a page has.
const PageSize = 25

// CaseRow is a case in a list, with what is due in it next.
type CaseRow struct {
	api.Case
	Due Due
}

// Due is the next thing that is due in a case; its time is zero where nothing is.
type Due struct {
	Kind, Stage string
	Who         schemas.AuthorityID
	At          time.Time
}

// CasePage is one page.
type CasePage struct {
	Rows   []CaseRow
	Total  int      // on all pages
	States []string // in which there is a case, whatever the query
}

// Overview is what there is to do, and how the cases stand.
type Overview struct {
	Urgent, Overdue, New, Due, InReview int // of what this authority owes, and of its own drafts that wait for a second person
	Own, Unassigned                     int // open cases of this person and of those for whom they stand in, and of nobody
	Tasks                               []Todo
	Statistics
}

// Statistics are how the cases stand. In a large store they may be some seconds old.
type Statistics struct {
	States []string // in which there is a case
	Stages []StageCount
	Ages   []int // open cases, by AgeBounds; the last is beyond all
	Months []MonthCount
	Times  []Turnaround
}

// AgeBounds are the ends of the classes of age of open cases, in days.
var AgeBounds = []int{7, 30, 90, 180, 365}

// Todo is something that this authority owes.
type Todo struct {
	api.Task
	Urgency string
	Type    schemas.MessageType
	Peer    schemas.AuthorityID
}

// StageCount counts open cases.
type StageCount struct {
	Channel schemas.Channel
	State   string
	N       int
}

// MonthCount counts the cases that were opened in a month, by who asked.
type MonthCount struct {
	Month    string // 2026-11
	Sent     int    // this authority asked
	Received int
}

// Turnaround is how long one step took, of the cases that were opened last.
type Turnaround struct {
	Step        string // acknowledgement | decision | result
	N           int
	Median, P90 time.Duration
}

// Unfinished is a form as far as it was filled in.
type Unfinished struct {
	ID        string
	Type      schemas.MessageType
	Form      []byte // a draft as JSON, of which nothing was checked
	ChangedAt time.Time
}
