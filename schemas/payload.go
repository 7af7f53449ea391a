package schemas

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Payload is what a person drafts and another approves: the common members of every message, and the body of its
// type as it stands in the text (DOMAIN section 1). Only Validate makes one that can be relied on.
type Payload struct {
	Channel       Channel        `json:"channel"`
	Type          MessageType    `json:"type"`
	Case          CaseID         `json:"case,omitzero"` // zero in the message that opens a case
	InReplyTo     MessageID      `json:"in_reply_to,omitzero"`
	LegalBasis    []LegalBasis   `json:"legal_basis"`
	Language      Language       `json:"language"`
	Translation   *Translation   `json:"translation,omitzero"`
	Urgency       Urgency        `json:"urgency"`
	UrgencyReason string         `json:"urgency_reason,omitzero"`
	Due           Date           `json:"due,omitzero"`
	DueReason     string         `json:"due_reason,omitzero"`
	UseLimit      UseLimit       `json:"use_limit"`
	Confidential  bool           `json:"confidential"`
	Onward        Onward         `json:"onward"`
	OnwardTo      []StateCode    `json:"onward_to,omitzero"`    // with OnwardListed only
	ProtectFrom   []StateCode    `json:"protect_from,omitzero"` // only on a message that was released under ASY-07
	Subjects      []Subject      `json:"subjects,omitzero"`
	Attachments   []Attachment   `json:"attachments,omitzero"`
	Evidence      []EvidenceFile `json:"evidence,omitzero"`
	Body          jsontext.Value `json:"body"`
}

// LegalBasis is one provision that a message rests on (UNTOC art. 18(7)).
type LegalBasis struct {
	Instrument Instrument `json:"instrument"`
	Article    string     `json:"article"`
}

// Instrument is the name of a treaty or agreement as the trust list spells it ("untoc").
type Instrument string

// Language is a language tag ("en", "fr-QM").
type Language string

// Primary is the language without its region or script (RFC 5646 section 2.2.1): directories list no more.
func (l Language) Primary() Language {
	primary, _, _ := strings.Cut(string(l), "-")
	return Language(primary)
}

// Translation says what the text was translated from.
type Translation struct {
	Language  Language `json:"language"`
	Certified bool     `json:"certified"`
}

// Date is a calendar day, YYYY-MM-DD. As a deadline it ends with that day in the calendar and time zone of the
// authority that performs.
type Date string

// Urgency decides the release tick and the timers of a message.
type Urgency string

// The urgencies. An immediate message goes ahead of all others.
const (
	Routine   Urgency = "routine"
	Urgent    Urgency = "urgent"
	Immediate Urgency = "immediate"
)

// UseLimit is what the recipient may use the content for (UNTOC art. 18(19)).
type UseLimit string

// The use limits.
const (
	StatedCaseOnly UseLimit = "stated-case-only"
	UseWithConsent UseLimit = "with-consent"
	UseUnlimited   UseLimit = "none"
)

// Onward is whether the content may be passed to another State. OnwardNone is the default on every message, so that
// it reveals nothing.
type Onward string

// The onward limits.
const (
	OnwardNone        Onward = "none"
	OnwardListed      Onward = "listed"
	OnwardWithConsent Onward = "with-consent"
)

// Subject is a person whom a message is about.
type Subject struct {
	Ref      SubjectRef `json:"ref"`
	Role     Role       `json:"role"`
	Identity *Identity  `json:"identity,omitzero"`
}

// SubjectRef is the short name by which one message refers to a person ("p1"); it means nothing in another message.
type SubjectRef string

// Role is a person's role in the matter.
type Role string

// The roles.
const (
	RoleSuspect   Role = "suspect"
	RoleConvicted Role = "convicted"
	RoleVictim    Role = "victim"
	RoleWitness   Role = "witness"
	RoleExpert    Role = "expert"
	RoleFamily    Role = "family"
	RoleOther     Role = "other"
)

// Identity is what is known of a person; every part may be missing but a name or a document.
type Identity struct {
	Names               []string           `json:"names,omitzero"`
	FormerNames         []string           `json:"former_names,omitzero"`
	BirthDate           Date               `json:"birth_date,omitzero"`
	BirthState          StateCode          `json:"birth_state,omitzero"`
	Sex                 string             `json:"sex,omitzero"` // female, male, unspecified
	Nationalities       []StateCode        `json:"nationalities,omitzero"`
	FormerNationalities []StateCode        `json:"former_nationalities,omitzero"`
	HabitualResidences  []StateCode        `json:"habitual_residences,omitzero"`
	Documents           []IdentityDocument `json:"documents,omitzero"`
}

// IdentityDocument is an identity or travel document.
type IdentityDocument struct {
	Kind   string    `json:"kind"` // passport, id, driving-licence, birth-certificate, other
	Number string    `json:"number"`
	Issuer StateCode `json:"issuer"`
	From   Date      `json:"from,omitzero"`
	To     Date      `json:"to,omitzero"`
}

// Attachment is a file that travels inside the message. Validate has compared Bytes and SHA256 with Content.
type Attachment struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	SHA256    string `json:"sha256"`
	Bytes     int    `json:"bytes"`
	Content   []byte `json:"content"`
}

// MaxAttachmentBytes bounds the content of all attachments of one message, before base64.
const MaxAttachmentBytes = 512 << 10
