package register

import (
	"fmt"
	"slices"
	"time"

	"comity/agent/register/name"
	"comity/schemas"
)

// Record is one person as the asylum authority knows them: a row of a feed, or one Put. README.md beside this file describes
// each member. It is read, hashed and forgotten.
type Record struct {
	schemas.Identity

	Ref               string              `json:"ref"`
	Status            Status              `json:"status,omitzero"`
	FearedStates      []schemas.StateCode `json:"feared_states,omitzero"`
	Linked            []string            `json:"linked,omitzero"`  // refs of household and family
	Cleared           []string            `json:"cleared,omitzero"` // those of Linked that do not inherit, nor pass on
	Consents          ConsentRecords      `json:"consent,omitzero"`
	SuspensiveRemedy  bool                `json:"suspensive_remedy,omitzero"`
	InformedOfSharing bool                `json:"informed_of_sharing,omitzero"`
	Withdrawal        *WithdrawalRecord   `json:"withdrawal,omitzero"`
	ProtectedWitness  bool                `json:"protected_witness,omitzero"`
	Child             bool                `json:"child,omitzero"` // also where age is in doubt (CHI-01)
	Updated           string              `json:"updated,omitzero"`
	Expires           schemas.Date        `json:"expires,omitzero"` // the last day of the entry
	Delete            bool                `json:"delete,omitzero"`
}

// WithdrawalRecord is the withdrawal of an application (E3).
type WithdrawalRecord struct {
	Explicit   bool         `json:"explicit"`
	Counselled bool         `json:"counselled"`
	RecordedOn schemas.Date `json:"recorded_on"`
}

// counts tells whether it is a withdrawal in the sense of E3.
func (w *WithdrawalRecord) counts() bool {
	return w != nil && w.Explicit && w.Counselled && w.RecordedOn != ""
}

// Reason says why a row of a feed cannot be taken. The set is closed.
type Reason string

// The reasons.
const (
	NotReadable        Reason = "not-readable"         // not JSON, not CSV, or not UTF-8
	TooLong            Reason = "too-long"             // a row or a text beyond its limit
	TooMany            Reason = "too-many"             // more values than a list takes
	UnknownMember      Reason = "unknown-member"       // a member or column that records do not have
	DuplicateMember    Reason = "duplicate-member"     // the same member or column twice
	WrongForm          Reason = "wrong-form"           // a value of another kind or form
	MissingMember      Reason = "missing-member"       // a member that each record must have
	UnknownStatus      Reason = "unknown-status"       // not a status that a feed may give
	NoIdentity         Reason = "no-identity"          // neither a name nor a document
	NameUnreadable     Reason = "name-unreadable"      // a name without a letter that could be compared
	DuplicateRef       Reason = "duplicate-ref"        // the same ref twice in one feed
	LinkedToItself     Reason = "linked-to-itself"     // a ref among its own links
	ClearedNotLinked   Reason = "cleared-not-linked"   // cleared against somebody who is not linked
	ConsentIncomplete  Reason = "consent-incomplete"   // E1 evidence is missing
	ConsentTooLong     Reason = "consent-too-long"     // an expiry beyond 90 days, or before the date
	ConsentItemUnknown Reason = "consent-item-unknown" // an item that is not in the minimal set
	ConsentOfChild     Reason = "consent-of-child"     // a child's, without guardian and best-interests decision
	DeleteWithData     Reason = "delete-with-data"     // a deletion that carries more than the ref
)

// Defect is why a record was refused: the member and a closed reason, never a value.
type Defect struct {
	Member string // JSON pointer
	Reason Reason
}

func (d *Defect) Error() string { return fmt.Sprintf("record refused: %s at %q", d.Reason, d.Member) }

// Limits of one record.
const (
	maxNames     = 20
	maxDocuments = 20
	maxStates    = 50
	maxLinks     = 100
	maxConsents  = 20
	maxLine      = 500 // bytes of a name, a reference, a purpose
)

// check finds the first defect.
func (r *Record) check() *Defect {
	if r.Ref == "" {
		return &Defect{"/ref", MissingMember}
	}
	if len(r.Ref) > maxLine {
		return &Defect{"/ref", TooLong}
	}
	if r.Delete {
		bare := Record{Ref: r.Ref, Delete: true, Updated: r.Updated}
		if content(*r) != content(bare) {
			return &Defect{"/delete", DeleteWithData}
		}
		return r.checkTimes()
	}
	switch {
	case r.Status == "":
		return &Defect{"/status", MissingMember}
	case !r.Status.fromFeed():
		return &Defect{"/status", UnknownStatus}
	}
	for _, check := range []func() *Defect{r.checkTimes, r.checkNames, r.checkDocuments, r.checkStates, r.checkLinks, r.checkConsents} {
		if d := check(); d != nil {
			return d
		}
	}
	return nil
}

func (r *Record) checkTimes() *Defect {
	if _, err := parseUpdated(r.Updated); err != nil {
		return &Defect{"/updated", WrongForm}
	}
	if _, err := endOfDay(r.Expires); r.Expires != "" && err != nil {
		return &Defect{"/expires", WrongForm}
	}
	if r.BirthDate != "" && !parseBirth(string(r.BirthDate)).known() {
		return &Defect{"/birth_date", WrongForm}
	}
	if w := r.Withdrawal; w != nil && w.RecordedOn != "" {
		if _, err := endOfDay(w.RecordedOn); err != nil {
			return &Defect{"/withdrawal/recorded_on", WrongForm}
		}
	}
	return nil
}

func (r *Record) checkNames() *Defect {
	if len(r.Names)+len(r.FormerNames)+len(r.Documents) == 0 {
		return &Defect{"/names", NoIdentity}
	}
	for member, names := range map[string][]string{"/names": r.Names, "/former_names": r.FormerNames} {
		if len(names) > maxNames {
			return &Defect{member, TooMany}
		}
		for i, n := range names {
			switch {
			case len(n) > maxLine:
				return &Defect{fmt.Sprintf("%s/%d", member, i), TooLong}
			case len(name.Words(n)) == 0:
				return &Defect{fmt.Sprintf("%s/%d", member, i), NameUnreadable}
			}
		}
	}
	return nil
}

func (r *Record) checkDocuments() *Defect {
	if len(r.Documents) > maxDocuments {
		return &Defect{"/documents", TooMany}
	}
	for i, d := range r.Documents {
		at := fmt.Sprintf("/documents/%d", i)
		switch {
		case len(d.Number) > maxLine:
			return &Defect{at + "/number", TooLong}
		case documentNumber(d.Number) == "":
			return &Defect{at + "/number", WrongForm}
		case d.Issuer != "" && !isState(d.Issuer):
			return &Defect{at + "/issuer", WrongForm}
		}
	}
	return nil
}

func (r *Record) checkStates() *Defect {
	lists := []struct {
		member string
		states []schemas.StateCode
	}{
		{"/nationalities", r.Nationalities}, {"/former_nationalities", r.FormerNationalities},
		{"/habitual_residences", r.HabitualResidences}, {"/feared_states", r.FearedStates},
	}
	for _, list := range lists {
		if len(list.states) > maxStates {
			return &Defect{list.member, TooMany}
		}
		for i, s := range list.states {
			if !isState(s) {
				return &Defect{fmt.Sprintf("%s/%d", list.member, i), WrongForm}
			}
		}
	}
	if r.BirthState != "" && !isState(r.BirthState) {
		return &Defect{"/birth_state", WrongForm}
	}
	return nil
}

func isState(s schemas.StateCode) bool {
	_, err := schemas.ParseStateCode(string(s))
	return err == nil
}

func (r *Record) checkLinks() *Defect {
	if len(r.Linked) > maxLinks {
		return &Defect{"/linked", TooMany}
	}
	for i, ref := range r.Linked {
		switch {
		case ref == "" || len(ref) > maxLine:
			return &Defect{fmt.Sprintf("/linked/%d", i), WrongForm}
		case ref == r.Ref:
			return &Defect{fmt.Sprintf("/linked/%d", i), LinkedToItself}
		}
	}
	for i, ref := range r.Cleared {
		if !slices.Contains(r.Linked, ref) {
			return &Defect{fmt.Sprintf("/cleared/%d", i), ClearedNotLinked}
		}
	}
	return nil
}

// origins is O(p) as far as the record knows it, sorted.
func (r *Record) origins() []schemas.StateCode {
	o := slices.Concat(r.Nationalities, r.FormerNationalities, r.HabitualResidences, r.FearedStates)
	if len(r.Nationalities) == 0 && r.BirthState != "" {
		o = append(o, r.BirthState)
	}
	return sortedStates(o)
}

func sortedStates(states []schemas.StateCode) []schemas.StateCode {
	states = slices.Clone(states)
	slices.Sort(states)
	return slices.Clip(slices.Compact(states))
}

// parseUpdated accepts a time of RFC 3339 or a day, which counts from its beginning.
func parseUpdated(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}

// endOfDay is the moment at which a day has ended in UTC.
func endOfDay(d schemas.Date) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return time.Time{}, err
	}
	return t.AddDate(0, 0, 1), nil
}
