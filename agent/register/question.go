package register

import (
	"time"

	"comity/schemas"
)

// Question is what one message asks of the register.
type Question struct {
	Persons []schemas.Identity // asked about one by one
	Texts   []string           // free text in which registered persons may be named, or their document numbers stand
}

// Answer is what the register knows. It must not leave the agent.
type Answer struct {
	// Fresh: the newest feed is younger than MaxFeedAge. Where it is not, "no entry" means unknown, not none.
	Fresh   bool
	Persons [][]Match // in the order of Question.Persons; empty: no entry
	Named   []Match   // persons found in Texts
}

// Match is one entry that a person may be. One entry can give two matches: one for the person's own status and one for what
// is inherited from the household.
type Match struct {
	Entry EntryID

	// Certain: a document number is equal. Everything else is likeness, and only ever holds.
	Certain bool

	Status    Status // with Inherited the linked person's
	Inherited bool   // ASY-13: linked or household person of somebody in P, and not cleared

	// Origins is O(p) as far as the register knows, sorted: nationalities, former nationalities, habitual residences, the State
	// of birth where no nationality is known, and Feared. With Inherited also the linked person's. Empty: none known.
	Origins []schemas.StateCode
	Feared  []schemas.StateCode // States of feared persecution

	Witness          bool      // a protected witness (WIT-01)
	SuspensiveRemedy bool      // a remedy with suspensive effect is open (bars E2)
	Informed         bool      // informed of the sharing of Eurodac-derived data (E2)
	Withdrawal       bool      // an explicit, counselled and recorded withdrawal (E3)
	Consents         []Consent // E1: those in force when asked
	Text             int       // of Named: the index into Question.Texts
}

// Consent is a consent in force: what a person allowed to be sent, to whom, for what.
type Consent struct {
	Recipient string   // a State ("QP") or an authority ("QP/justice")
	Items     []string // member names of the minimal set
	Purpose   string
	Expires   time.Time // the end of its last day
}
