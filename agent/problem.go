package agent

import (
	"errors"

	"comity/agent/api"
	"comity/agent/policy"
	"comity/schemas"
)

// The reasons of a refusal at home, for scripts. The set is closed.
const (
	ReasonInvalid      = "invalid"       // the draft breaks its schema
	ReasonRecipient    = "recipient"     // the recipient cannot be written to, or not so
	ReasonRoute        = "route"         // no agreement in force
	ReasonType         = "type"          // the recipient does not read this type and version
	ReasonLanguage     = "language"      // the recipient does not accept the language
	ReasonInstrument   = "instrument"    // the legal basis is not in force between the two
	ReasonRequirement  = "requirement"   // the recipient asks for more than the treaty
	ReasonCase         = "case"          // no such case, or the message does not belong to it
	ReasonNotPermitted = "not-permitted" // the case's state does not allow it now
	ReasonTeam         = "team"          // a joint investigation team does not allow it now
	ReasonNotFound     = "not-found"
	ReasonAmbiguous    = "ambiguous"    // a prefix that several ids begin with
	ReasonState        = "wrong-state"  // the message is beyond that, or not there yet
	ReasonFourEyes     = "four-eyes"    // the same person wrote and would approve
	ReasonOtherBytes   = "other-bytes"  // what would be approved is not what stands there now
	ReasonErased       = "erased"       // the time for which its content was kept is over
	ReasonReview       = "under-review" // the rules do not let it go to this reader as it is
	ReasonBlocked      = "blocked"      // to protection officers alone: nothing releases it
	ReasonConditions   = "conditions"   // to protection officers alone: a release has conditions that are not met
	ReasonRegister     = "register"     // the protection register cannot do it
	ReasonUnavailable  = "unavailable"  // the agent cannot do it now
)

func problem(reason, message, hint string) error { return problemOf(reason, message, hint) }

func problemOf(reason, message, hint string) *api.Problem {
	return &api.Problem{Reason: reason, Message: message, Hint: hint}
}

func invalidDraft(defects []schemas.Defect) error {
	return &api.Problem{Reason: ReasonInvalid, Message: "the draft is not valid", Defects: defects,
		Hint: "each defect names its place; the sample drafts show what a message of this type holds"}
}

// asProblem turns a refusal of the schemas into a problem with every defect; any other error stays what it is.
func asProblem(err error) error {
	if invalid, ok := errors.AsType[*schemas.InvalidError](err); ok {
		return invalidDraft(invalid.Defects)
	}
	return err
}

// homeProblem names what is wrong with the record beside a draft.
func homeProblem(err error) error {
	if invalid, ok := errors.AsType[*policy.InvalidHomeError](err); ok {
		return &api.Problem{Reason: ReasonInvalid, Message: "the record beside the draft is not valid", Defects: invalid.Defects,
			Hint: "agent/policy/RULES.md says what \"home\" may hold; it never leaves this authority"}
	}
	return err
}
