package api

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"comity/schemas"
)

// Protection is what the agent offers to protection officers alone (DOMAIN section 6). Nobody else is shown any of it, nor
// whether there is any.
type Protection interface {
	Reviews(ctx context.Context) ([]Review, error)
	Review(ctx context.Context, prefix string) (Review, error)
	ReleaseHeld(ctx context.Context, by string, id schemas.MessageID, r Release, proof []byte) (Message, error)
	ReturnHeld(ctx context.Context, by string, id schemas.MessageID) (Message, error)
	BlockHeld(ctx context.Context, by string, id schemas.MessageID) (Message, error)
	ClearWithheld(ctx context.Context, by string, id schemas.MessageID, proof []byte) (Message, error)
	ProtectionAlerts(ctx context.Context) ([]ProtectionAlert, error)
	EndProtectionAlert(ctx context.Context, by, kind, subject string) error
	CheckPolicy(ctx context.Context, by string, draft []byte) (PolicyCheck, error)
	RegisterState(ctx context.Context) (RegisterState, error)
	Decisions(ctx context.Context, limit int) ([]Decision, error) // for auditors too
	ImportRegister(ctx context.Context, by, format string, feed []byte) (RegisterReport, error)
	PutRegister(ctx context.Context, by string, record []byte) (RegisterReport, error)
	Handouts(ctx context.Context) ([]Handout, error)
	Handout(ctx context.Context, id schemas.MessageID) (Handout, error)
	ReleaseHandout(ctx context.Context, by string, id schemas.MessageID, r HandoutRelease, proof []byte) (Handout, error)
	ReturnHandout(ctx context.Context, by string, id schemas.MessageID) (Handout, error)
	BlockHandout(ctx context.Context, by string, id schemas.MessageID) (Handout, error)
	NotSamePerson(ctx context.Context, by string, id schemas.MessageID, d Distinction) (Distinguished, error)
}

// Review is a message that policy stopped, as a protection officer sees it. Persons are references within the message.
type Review struct {
	Message   Message   `json:"message"`
	Outcome   string    `json:"outcome"` // hold | block: a block cannot be released
	Rules     []string  `json:"rules"`
	Grounds   []Ground  `json:"grounds"`
	Why       string    `json:"why"`                // a plain sentence
	Proposals []string  `json:"proposals,omitzero"` // what could be sent instead
	Matches   []Matched `json:"matches,omitzero"`   // entries of the register that may be the persons
	// ProtectFrom is what protect_from must name where asylum data is to go to a third State (ASY-07).
	ProtectFrom []schemas.StateCode `json:"protect_from,omitzero"`
	Digest      string              `json:"digest"` // of the decision: what a release covers
	OpenedAt    time.Time           `json:"opened_at"`
	ReleasedBy  []string            `json:"released_by,omitzero"` // so far
	Home        jsontext.Value      `json:"home,omitzero"`        // what was recorded beside the draft; in show only
}

// Ground is one rule that stopped the message, and for which person.
type Ground struct {
	Rule    string `json:"rule"`
	Verdict string `json:"verdict"`
	Person  string `json:"person,omitzero"` // the reference within the message, "named" for one found in text
}

// Matched is an entry of the register that may be a person of a message.
type Matched struct {
	Person  string `json:"person"`
	Entry   string `json:"entry"`
	Certain bool   `json:"certain"`
	Status  string `json:"status"`
}

// Release is the body of a release: the exact bytes and the exact decision that an officer has read.
type Release struct {
	SHA256    string `json:"sha256"`
	Digest    string `json:"digest"`
	Necessity string `json:"necessity,omitzero"` // why the recipient needs it: asked for by ASY-07
}

// ProtectionAlert is something that a protection officer must look at.
type ProtectionAlert struct {
	Kind     string              `json:"kind"`    // closed set
	Subject  string              `json:"subject"` // an id of a message or case
	Peer     schemas.AuthorityID `json:"peer,omitzero"`
	RaisedAt time.Time           `json:"raised_at"`
}

// PolicyCheck is what the rules would say of a draft now. Nothing is kept of it but that somebody asked.
type PolicyCheck struct {
	File       string           `json:"file,omitzero"`
	Outcome    string           `json:"outcome"` // the worst: block, invalid, hold, allow
	Rules      []string         `json:"rules"`
	Errors     []schemas.Defect `json:"errors"`
	Recipients []RecipientCheck `json:"recipients"`
	Why        string           `json:"why"`
}

// RecipientCheck is what the rules would say of one copy.
type RecipientCheck struct {
	To        string   `json:"to"`
	Outcome   string   `json:"outcome"`
	Rules     []string `json:"rules"`
	Proposals []string `json:"proposals,omitzero"`
}

// Decision is what the rules decided about one message, without a word of which or about whom: the keyed hash lets one
// message be followed and none be found.
type Decision struct {
	At      time.Time `json:"at"`
	Message string    `json:"message"` // keyed hash, hexadecimal
	What    string    `json:"what"`    // sent | stopped | asked
	Outcome string    `json:"outcome"`
	Rules   []string  `json:"rules"`
}

// RegisterState is how the protection register is. It says nothing of any person.
type RegisterState struct {
	Reachable bool      `json:"reachable"`
	Detail    string    `json:"detail,omitzero"` // why it cannot be asked
	Entries   int       `json:"entries"`
	Fresh     bool      `json:"fresh"` // the feed is younger than its bound
	Feed      time.Time `json:"feed,omitzero"`
}

// RegisterReport is what became of a feed or of a record: all of it, or nothing.
type RegisterReport struct {
	Added     int      `json:"added"`
	Updated   int      `json:"updated"`
	Deleted   int      `json:"deleted"`
	Unchanged int      `json:"unchanged"`
	Bad       []BadRow `json:"bad,omitzero"` // then nothing was taken
}

// BadRow is a row that cannot be taken. It never holds a value of the row.
type BadRow struct {
	Line   int    `json:"line"`
	Member string `json:"member,omitzero"`
	Reason string `json:"reason"` // closed set
}

// Distinction says that a person of a message is not the person of an entry.
type Distinction struct {
	Person string `json:"person"` // the reference within the message
	Entry  string `json:"entry"`
}

// Distinguished is where such a decision stands: it takes two officers.
type Distinguished struct {
	By   []string `json:"by"`
	Done bool     `json:"done"`
}

// The lists.
type (
	Reviews struct {
		Reviews []Review `json:"reviews"`
	}
	Decisions struct {
		Decisions []Decision `json:"decisions"`
	}
	ProtectionAlerts struct {
		Alerts []ProtectionAlert `json:"alerts"`
	}
)
