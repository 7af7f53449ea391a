package policy

import (
	"context"
	"time"

	"comity/agent/register"
	"comity/agent/scan"
	"comity/pki"
	"comity/schemas"
)

// Directory is what a decision asks of the verified directory and trust list; *pki.View is one. It must be a snapshot:
// both questions are answered from the same state of the world.
type Directory interface {
	Authority(id schemas.AuthorityID) (*pki.Authority, error)
	// Route names the agreement in force that allows the route, or fails.
	Route(from, to schemas.AuthorityID, ch schemas.Channel, at time.Time) (*pki.Agreement, error)
	// PaperRoute is Route to an authority that is not connected, and fails for one that is.
	PaperRoute(from, to schemas.AuthorityID, ch schemas.Channel, at time.Time) (*pki.Agreement, error)
}

// Register knows who is protected; *register.Register is one. It honours ctx, and any failure is an error: the status is
// then unknown.
type Register interface {
	Look(context.Context, register.Question) (register.Answer, error)
}

// Facts is what a decision is about. What the message says is read from Payload; the caller adds no opinion of its own.
type Facts struct {
	From, To schemas.AuthorityID
	// Payload is exactly the bytes that were approved and would be sealed.
	Payload   []byte
	Directory Directory
	At        time.Time
	// Paper: it is to be printed and given away, and never sealed. The rules are the same but for the way it goes, and the
	// Clearance serves nothing else.
	Paper bool

	// Home is what the authority recorded beside the draft.
	Home Home
	// Case is the persons that earlier messages of this case are about, in either direction; none in a new case.
	Case []schemas.Subject
	// Audience is whoever will read it beyond To: the audience of a team's item.
	Audience []schemas.AuthorityID
	// Asked is the payloads of the peer's messages in this case that are not settled: what this may answer (NEU-01).
	Asked [][]byte
	// Items is what was received before and travels on in this message.
	Items []Item
	// Originals are attachments as they were before they were made neutral: what was taken out counts as if it stood there.
	Originals []scan.File
	// Evidence is the files that travel beside the message, as they are and as they were. A file of the payload that is not
	// among them, by its hash, was not read.
	Evidence []EvidenceContent
	// Release is what two protection officers released, nil where there is none.
	Release *Release
}

// EvidenceContent is a file of evidence as far as it can be scanned.
type EvidenceContent struct {
	SHA256 string // as the manifest has it
	scan.File
}
