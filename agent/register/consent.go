package register

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"comity/schemas"
)

// maxConsentDays is how long a consent may last (E1) [P].
const maxConsentDays = 90

// majority is the age below which a person is a child (Trafficking Protocol art. 3(d)).
const majority = 18

// ConsentRecord is the evidence of exception E1: free, informed, specific and written. What is missing here does not exist.
type ConsentRecord struct {
	Recipient          string        `json:"recipient"`           // a State or an authority
	Items              []string      `json:"items"`               // member names of the minimal set
	Purpose            string        `json:"purpose"`             //
	LanguageUnderstood string        `json:"language_understood"` // in which it was explained
	Interpreter        string        `json:"interpreter"`         // a reference, or "not-needed"
	CounselOffered     bool          `json:"counsel_offered"`     //
	OfficerWitness     string        `json:"officer_witness"`     // a reference
	Date               schemas.Date  `json:"date"`                //
	Expiry             schemas.Date  `json:"expiry"`              // the last day, at most 90 days after Date
	Revocable          bool          `json:"revocable"`           // the person was told that it can be revoked
	RevokedOn          schemas.Date  `json:"revoked_on,omitzero"` //
	Guardian           string        `json:"guardian,omitzero"`   // of a child: a reference
	BestInterests      BestInterests `json:"best_interests,omitzero"`
}

// BestInterests is the independent decision without which a child's consent does not count.
type BestInterests struct {
	DecidedBy   string       `json:"decided_by"`
	DecidedOn   schemas.Date `json:"decided_on"`
	Independent bool         `json:"independent"`
}

// ConsentRecords is a list of consents. In a feed one consent may stand without the list around it.
type ConsentRecords []ConsentRecord

// UnmarshalJSONFrom reads one object or an array of them.
func (c *ConsentRecords) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '{' {
		var one ConsentRecord
		if err := json.UnmarshalDecode(dec, &one); err != nil {
			return err
		}
		*c = ConsentRecords{one}
		return nil
	}
	var many []ConsentRecord
	if err := json.UnmarshalDecode(dec, &many); err != nil {
		return err
	}
	*c = many
	return nil
}

// minimalSet are the items that a consent can name: the minimal set of a nationality request (DOMAIN section 2).
var minimalSet = []string{
	"names", "former_names", "aliases", "sex", "civil_status", "birth_date", "birth_place", "birth_state", "physical_marks", "photo",
	"parents", "nationalities", "former_nationalities", "languages", "last_address", "documents", "evidence_class", "fingerprints",
	"special_circumstances",
}

func (r *Record) checkConsents() *Defect {
	if len(r.Consents) > maxConsents {
		return &Defect{"/consent", TooMany}
	}
	for i := range r.Consents {
		c := &r.Consents[i]
		if member, reason := c.check(r.Child, parseBirth(string(r.BirthDate))); reason != "" {
			return &Defect{fmt.Sprintf("/consent/%d%s", i, member), reason}
		}
	}
	return nil
}

func (c *ConsentRecord) check(child bool, born birth) (member string, _ Reason) {
	texts := []struct{ member, value string }{
		{"/recipient", c.Recipient}, {"/purpose", c.Purpose}, {"/language_understood", c.LanguageUnderstood},
		{"/interpreter", c.Interpreter}, {"/officer_witness", c.OfficerWitness}, {"/date", string(c.Date)}, {"/expiry", string(c.Expiry)},
	}
	for _, t := range texts {
		switch {
		case t.value == "":
			return t.member, ConsentIncomplete
		case len(t.value) > maxLine:
			return t.member, TooLong
		}
	}
	switch {
	case len(c.Items) == 0:
		return "/items", ConsentIncomplete
	case !c.CounselOffered:
		return "/counsel_offered", ConsentIncomplete
	case !c.Revocable:
		return "/revocable", ConsentIncomplete
	case !isRecipient(c.Recipient):
		return "/recipient", WrongForm
	}
	for i, item := range c.Items {
		if !slices.Contains(minimalSet, item) {
			return fmt.Sprintf("/items/%d", i), ConsentItemUnknown
		}
	}
	given, err := time.Parse(time.DateOnly, string(c.Date))
	if err != nil {
		return "/date", WrongForm
	}
	until, err := time.Parse(time.DateOnly, string(c.Expiry))
	if err != nil {
		return "/expiry", WrongForm
	}
	if until.Before(given) || until.After(given.AddDate(0, 0, maxConsentDays)) {
		return "/expiry", ConsentTooLong
	}
	if _, err := endOfDay(c.RevokedOn); c.RevokedOn != "" && err != nil {
		return "/revoked_on", WrongForm
	}
	if child || born.under(majority, given) {
		return c.checkChild()
	}
	return "", ""
}

func (c *ConsentRecord) checkChild() (string, Reason) {
	b := c.BestInterests
	if _, err := endOfDay(b.DecidedOn); err != nil || b.DecidedBy == "" || !b.Independent {
		return "/best_interests", ConsentOfChild
	}
	if c.Guardian == "" {
		return "/guardian", ConsentOfChild
	}
	return "", ""
}

func isRecipient(s string) bool {
	if _, err := schemas.ParseAuthorityID(s); err == nil {
		return true
	}
	return isState(schemas.StateCode(s))
}

// inForce are the consents that hold at a time. A revoked one never does, whatever day it was revoked on.
func (c ConsentRecords) inForce(at time.Time) []Consent {
	var found []Consent
	for _, one := range c {
		from, err := time.Parse(time.DateOnly, string(one.Date))
		until, err2 := endOfDay(one.Expiry)
		if err != nil || err2 != nil || one.RevokedOn != "" || at.Before(from) || !at.Before(until) {
			continue
		}
		found = append(found, Consent{Recipient: one.Recipient, Items: slices.Clone(one.Items), Purpose: one.Purpose, Expires: until})
	}
	return found
}
