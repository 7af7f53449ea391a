package api

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"comity/schemas"
)

// Message is a message as its own authority sees it.
type Message struct {
	ID          schemas.MessageID   `json:"id"`
	Direction   string              `json:"direction"` // out | in
	From        schemas.AuthorityID `json:"from"`
	To          schemas.AuthorityID `json:"to"`
	State       string              `json:"state"`
	Reason      string              `json:"reason,omitzero"` // of a rejection
	Channel     schemas.Channel     `json:"channel"`
	Type        schemas.MessageType `json:"type"`
	Case        schemas.CaseID      `json:"case,omitzero"`
	InReplyTo   schemas.MessageID   `json:"in_reply_to,omitzero"`
	Urgency     string              `json:"urgency"`
	Language    string              `json:"language"`
	SHA256      string              `json:"sha256"`          // of the payload, hexadecimal: what an approver approves
	Number      uint64              `json:"number,omitzero"` // in its pair and direction; absent until sealed
	Authors     []string            `json:"authors,omitzero"`
	ApprovedBy  string              `json:"approved_by,omitzero"`
	DraftedAt   time.Time           `json:"drafted_at,omitzero"`
	ApprovedAt  time.Time           `json:"approved_at,omitzero"`
	SentAt      time.Time           `json:"sent_at,omitzero"`
	ValidUntil  time.Time           `json:"valid_until,omitzero"`
	Accepted    bool                `json:"accepted,omitzero"`     // by the broker, whose signed word is kept
	StoredAt    time.Time           `json:"stored_at,omitzero"`    // at the recipient, by its signed receipt
	ReceiptedAt time.Time           `json:"receipted_at,omitzero"` // when that receipt reached the sender
	// ReceiptMillis is the time from sealing to the verified receipt, by the sender's clock.
	ReceiptMillis int64          `json:"receipt_ms,omitzero"`
	Steps         []Step         `json:"steps,omitzero"`     // what is proved of it, in order; in case show only
	NoEffect      bool           `json:"no_effect,omitzero"` // it lost against a message that crossed it; in case show only
	Payload       jsontext.Value `json:"payload,omitzero"`   // in show only, for those who may read content
	Home          jsontext.Value `json:"home,omitzero"`      // recorded beside a draft of ours, never sent; in show only
	Files         []File         `json:"files,omitzero"`     // of a draft of ours, as they were read when they were attached; in show and draft only
	OnPaper       bool           `json:"on_paper,omitzero"`  // it goes, went or came on paper: no signature proves anything of it
	Paper         *Paper         `json:"paper,omitzero"`     // of its way on paper; in show only
	ErasedAt      time.Time      `json:"erased_at,omitzero"` // its content is gone: the time for which it was kept is over; in show only
	// Withheld messages are shown to protection officers alone. Nobody is told that a message is withheld.
	Withheld bool `json:"-"`
}

// Step is something that a signed document proves of a message. The document has its leaf in the journal.
type Step struct {
	What   string    `json:"what"`            // closed set, below
	Reason string    `json:"reason,omitzero"` // of a rejection
	At     time.Time `json:"at"`              // by the clock of who signed
	By     string    `json:"by"`              // who signed: an authority, or "broker"
	SHA256 string    `json:"sha256"`          // of the signed document
}

// What is proved of a message.
const (
	StepSigned   = "signed"             // by its sender, under its number: from here on it is submitted until there is a receipt
	StepAccepted = "accepted-by-broker" // the evidence of its submission; only the sender has it
	StepStored   = "stored"             // by its recipient
	StepRejected = "rejected"           // by its recipient
	StepVoided   = "voided"             // its recipient has closed the number without it
)

// File is an attachment as it was read when it was attached.
type File struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	// Reading is clean, asylum-terms or cannot-be-read: what is not clean will wait for people to read it.
	Reading string `json:"reading"`
	// Neutralised: metadata was taken out, so the file is not the one that was handed in.
	Neutralised bool `json:"neutralised,omitzero"`
}

// Case is a case between this authority and one peer.
type Case struct {
	ID         schemas.CaseID        `json:"id"`
	Peer       schemas.AuthorityID   `json:"peer"`
	Channel    schemas.Channel       `json:"channel"`
	Requesting schemas.AuthorityID   `json:"requesting"`
	Requested  schemas.AuthorityID   `json:"requested"`
	State      string                `json:"state"`
	Open       bool                  `json:"open"`
	OpenedAt   time.Time             `json:"opened_at"`
	ChangedAt  time.Time             `json:"changed_at"`
	Officer    string                `json:"officer,omitzero"`     // who works on it here; no peer is told
	Deputy     string                `json:"deputy,omitzero"`      // who acts for the officer, who is away now
	Next       []schemas.AuthorityID `json:"next,omitzero"`        // whose turn it is; in show only
	MayNow     []schemas.MessageType `json:"may_now,omitzero"`     // what this authority may send now; in show only
	Deadlines  []Task                `json:"deadlines,omitzero"`   // done ones included; in show only
	TimeLeft   string                `json:"time_left,omitzero"`   // of a sentence, when its transfer was asked for; closed set: agent/deadline; in show only
	Messages   []Message             `json:"messages,omitzero"`    // without payloads; in show only
	Team       *Team                 `json:"team,omitzero"`        // of a joint investigation team; in show only
	OnPaper    bool                  `json:"on_paper,omitzero"`    // messages of it stand on paper alone; in show only
	EraseAfter time.Time             `json:"erase_after,omitzero"` // of a case that is over: for so long its content is kept; in show only
	Kept       string                `json:"kept,omitzero"`        // why it is kept beyond that, closed set; in show only
	ErasedAt   time.Time             `json:"erased_at,omitzero"`   // its content is gone; in show only
}

// Task is something that is due in a case, by whom and when.
type Task struct {
	Case    schemas.CaseID      `json:"case,omitzero"`
	Kind    string              `json:"kind"`    // closed set: agent/deadline
	Message schemas.MessageID   `json:"message"` // that started it
	Who     schemas.AuthorityID `json:"who"`     // performs
	For     schemas.AuthorityID `json:"for"`     // waits for it
	DueAt   time.Time           `json:"due_at,omitzero"`
	Stage   string              `json:"stage"`
	DoneAt  time.Time           `json:"done_at,omitzero"`
	Officer string              `json:"officer,omitzero"` // who works on the case here; in lists only
	Deputy  string              `json:"deputy,omitzero"`  // who acts for the officer, who is away now; in lists only
}

// Messages, Cases and Tasks are the answers of the lists.
type (
	Tasks struct {
		Tasks []Task `json:"tasks"`
		Next  string `json:"next,omitzero"` // cursor of the next page; absent on the last one
	}
	Messages struct {
		Messages []Message `json:"messages"`
		Next     string    `json:"next,omitzero"` // cursor of the next page; absent on the last one
	}
	Cases struct {
		Cases []Case `json:"cases"`
		Next  string `json:"next,omitzero"` // cursor of the next page; absent on the last one
	}
)

// Approval is the body of an approval: the exact bytes, by their hash, that the approver has read.
type Approval struct {
	SHA256 string `json:"sha256"`
}

// Check is one line of the agent's health: ok, or an error with a hint.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitzero"`
}

// Alarm is something that a person must look at.
type Alarm struct {
	Kind     string              `json:"kind"`
	Peer     schemas.AuthorityID `json:"peer,omitzero"`
	Subject  string              `json:"subject,omitzero"`
	RaisedAt time.Time           `json:"raised_at"`
}

// Backup asks for a backup.
type Backup struct {
	Recipients      []string `json:"recipients,omitzero"` // age keys; none: those of agent.toml
	WithoutRegister bool     `json:"without_register,omitzero"`
}

// Noticed is something that the agent dealt with by itself, since it started.
type Noticed struct {
	Kind   string              `json:"kind"`
	Peer   schemas.AuthorityID `json:"peer"`
	Count  int                 `json:"count"`
	LastAt time.Time           `json:"last_at"`
}

// Health is the agent's own report.
type Health struct {
	Authority schemas.AuthorityID `json:"authority"`
	Time      time.Time           `json:"time"`
	Checks    []Check             `json:"checks"`
	Alarms    []Alarm             `json:"alarms,omitzero"`
	Noticed   []Noticed           `json:"noticed,omitzero"`
	Outbox    int                 `json:"outbox"`
	Console   string              `json:"console,omitzero"` // where browsers find the console
}

// Event says that a message or case changed. It holds no content.
type Event struct {
	Message schemas.MessageID `json:"message,omitzero"`
	State   string            `json:"state,omitzero"`
	Case    schemas.CaseID    `json:"case,omitzero"`
}

// Problem is the body of every answer that is not a success.
type Problem struct {
	Message string           `json:"error"`
	Hint    string           `json:"hint,omitzero"`
	Reason  string           `json:"reason,omitzero"`  // closed set, for scripts
	Defects []schemas.Defect `json:"defects,omitzero"` // of a draft, every one at once
}

func (p *Problem) Error() string { return p.Message }
