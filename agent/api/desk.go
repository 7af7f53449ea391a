package api

import (
	"context"
	"io"

	"comity/agent/account"
	"comity/schemas"
)

// Desk is the agent behind the API. It asks no more who acts: by is a person whose role allows the act. A refusal that a
// person can act on is a *Problem.
type Desk interface {
	Draft(ctx context.Context, by string, draft []byte) ([]Message, error)
	Edit(ctx context.Context, by string, id schemas.MessageID, draft []byte) (Message, error)
	Discard(ctx context.Context, by string, id schemas.MessageID) (Message, error)
	Approve(ctx context.Context, by string, id schemas.MessageID, sha256 string, proof []byte) (Message, error)
	SignAlone(ctx context.Context, by string, id schemas.MessageID, sha256 string, proof []byte) (Message, error)
	LookAgain(ctx context.Context, by string, id schemas.MessageID, sha256 string, proof []byte) (Message, error)
	Messages(ctx context.Context, q Query) ([]Message, error)
	Message(ctx context.Context, prefix string) (Message, error)
	// Search finds exchanged messages by words of their content. It is for those who may read content.
	Search(ctx context.Context, words string) ([]Message, error)
	Cases(ctx context.Context, limit int) ([]Case, error)
	// CasesAfter goes on with the list of Cases behind a place in it, or lists those of a desk.
	CasesAfter(ctx context.Context, q CaseQuery) ([]Case, error)
	Case(ctx context.Context, prefix string) (Case, error)
	Directory(ctx context.Context) (Directory, error)
	// Accounts is who may log in.
	Accounts() *account.Book
	Tasks(ctx context.Context, everybody bool, limit int) ([]Task, error)
	// TasksAfter goes on with the list of Tasks behind a place in it, or lists those of a desk.
	TasksAfter(ctx context.Context, q TaskQuery) ([]Task, error)
	Health(ctx context.Context) (Health, error)
	// Backup writes an encrypted copy of everything to w. What was written before an error is of no use.
	Backup(ctx context.Context, b Backup, w io.Writer) error
	Watch() (events <-chan Event, stop func())

	Protection
	Journal
	Attempts
	Hooks
	Indicators
	EvidenceDesk
	Deputies
	Assignments
	Intake
	PaperDesk
	TranslationDesk
	Retentions
}

// Query narrows a list of messages; empty members do not.
type Query struct {
	State string
	Case  schemas.CaseID
	Peer  schemas.AuthorityID
	Limit int // 0: as many as the agent gives
	After Place[schemas.MessageID]
}
