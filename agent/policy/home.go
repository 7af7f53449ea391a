package policy

import (
	"errors"

	"comity/agent/register"
	"comity/schemas"
)

// Home is what the authority recorded beside a draft. It never becomes part of the payload and never leaves: the gate
// record of a return, choices of the persons concerned, what the message quotes, whom it will reach beyond its recipient.
// The zero value is nothing recorded.
type Home struct {
	Gate       *Gate                               `json:"gate,omitzero"`
	Persons    map[schemas.SubjectRef]PersonRecord `json:"persons,omitzero"`
	Quotes     []Quote                             `json:"quotes,omitzero"`
	Forwarding []schemas.StateCode                 `json:"forwarding,omitzero"`
	Question   QuestionKind                        `json:"question,omitzero"`
}

// Gate is the gate record of a return (GATE-01, CHI-01, CHI-02). What is absent was not established.
type Gate struct {
	Voluntary       bool            `json:"voluntary,omitzero"`
	InformedOfRight bool            `json:"informed_of_right_to_asylum,omitzero"`
	Risk            Risk            `json:"risk_assessment,omitzero"`
	Proceedings     Proceedings     `json:"proceedings,omitzero"`
	AsylumStatus    register.Status `json:"asylum_status,omitzero"`
	AgeInDoubt      bool            `json:"age_in_doubt,omitzero"`
	Child           *Child          `json:"child,omitzero"`
	Notes           string          `json:"notes,omitzero"`
}

// Risk is what the assessment of the risks of a return came to; "" where none was made.
type Risk string

// The risks.
const (
	RiskLow    Risk = "low"
	RiskMedium Risk = "medium"
	RiskHigh   Risk = "high"
)

// Proceedings is whether the person is needed in proceedings here.
type Proceedings string

// The proceedings.
const (
	ProceedingsNone           Proceedings = "none"
	ProceedingsVictimRequired Proceedings = "victim-required"
	ProceedingsTestimonyDone  Proceedings = "testimony-done"
)

// Child is what was determined for a child.
type Child struct {
	BestInterests bool `json:"best_interests_determined,omitzero"`
	Guardian      bool `json:"guardian,omitzero"`
}

// PersonRecord is what was recorded of one subject.
type PersonRecord struct {
	NameByChoice      bool         `json:"name_by_choice,omitzero"`
	Necessity         string       `json:"necessity,omitzero"`
	WhereaboutsChoice schemas.Date `json:"whereabouts_choice,omitzero"` // day of the person's written choice (NEU-01)
	ProtectedWitness  bool         `json:"protected_witness,omitzero"`
}

// Quote declares that the message quotes or attaches something received.
type Quote struct {
	Message schemas.MessageID `json:"message"`
	SHA256  string            `json:"sha256,omitzero"` // of an attachment
}

// QuestionKind is what a question that the message answers is about (NEU-01).
type QuestionKind string

// The kinds of question.
const (
	QuestionWhereabouts QuestionKind = "whereabouts"
	QuestionStatus      QuestionKind = "status"
	QuestionProtection  QuestionKind = "protection"
)

// ParseHome reads the member home of a draft. The error is an *InvalidHomeError with every defect. Empty text is nothing
// recorded.
func ParseHome(data []byte) (Home, error) {
	if len(data) == 0 {
		return Home{}, nil
	}
	var tree any
	if err := schemas.Decode(data, &tree, homeLimits); err != nil {
		return Home{}, undecodedHome(err)
	}
	if defects := checkHome(tree); len(defects) > 0 {
		return Home{}, &InvalidHomeError{Defects: defects}
	}
	var h Home
	if err := schemas.Decode(data, &h, homeLimits); err != nil { // a form that the type cannot hold is a mistake of ours
		return Home{}, undecodedHome(err)
	}
	return h, nil
}

// homeLimits bounds what is recorded: notes are the longest part of it.
var homeLimits = schemas.Limits{Bytes: 256 << 10, Depth: 8}

func undecodedHome(err error) error {
	defect := schemas.Defect{Pointer: "/home", Rule: schemas.RuleOther}
	if refused, ok := errors.AsType[*schemas.DecodeError](err); ok {
		defect.Rule = schemas.Rule(refused.Rule)
	}
	return &InvalidHomeError{Defects: []schemas.Defect{defect}}
}

// InvalidHomeError is every refusal of ParseHome. It never holds a value that was refused.
type InvalidHomeError struct {
	Defects []schemas.Defect // pointers are into the draft: /home/…
}

func (e *InvalidHomeError) Error() string {
	return (&schemas.InvalidError{Defects: e.Defects}).Error()
}
