package people

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Role is one of the roles of DOMAIN section 6.
type Role string

// The roles.
const (
	CaseOfficer       Role = "case-officer"
	Approver          Role = "approver"
	Registrar         Role = "registrar"
	ProtectionOfficer Role = "protection-officer"
	BorderDesk        Role = "border-duty-desk"
	LiaisonOfficer    Role = "liaison-officer"
	JITLeader         Role = "jit-leader"
	Auditor           Role = "auditor"
	KeyOfficer        Role = "key-officer"
)

// Act is something that a person asks of the agent.
type Act string

// The acts that the agent offers.
const (
	Draft          Act = "draft"           // write, change or discard a draft
	Approve        Act = "approve"         // approve what another person wrote
	Assign         Act = "assign"          // say which officer works on a case
	SignAlone      Act = "sign-alone"      // let a message go with one signature, where its type allows that
	DecideReviews  Act = "decide-reviews"  // release, return or block a message under review
	ReadReviews    Act = "read-reviews"    // see why policy stopped a message, and what was withheld on arrival
	PrintLetter    Act = "print-letter"    // print a letter for who is not connected, and say how it was given away
	Translate      Act = "translate"       // order a translation of what one may read, and attach it
	RegisterPaper  Act = "register-paper"  // register what came on paper as a message of a case
	ReadDecisions  Act = "read-decisions"  // see which rules decided, and not about whom
	ExportCase     Act = "export-case"     // hand out the file of a case
	SignCheckpoint Act = "sign-checkpoint" // have the agent sign what its logs are now, to keep it elsewhere
	CheckPolicy    Act = "check-policy"    // ask the rules about a draft, which looks the persons up
	KeepRegister   Act = "keep-register"   // feed and change the protection register
	ReadList       Act = "read-list"       // see messages and cases without their content
	ReadText       Act = "read-text"       // read the content of a message
	ReadHealth     Act = "read-health"     // see alarms, certificates, connections
	ReadDirectory  Act = "read-directory"  // see who can be written to, on which channels and how
	ReadIndicators Act = "read-indicators" // have the indicators computed that may be published
	VerifyLogs     Act = "verify-logs"     // have the agent hold its logs against everything it has
	KeepAccounts   Act = "keep-accounts"   // give people logins and machines tokens, and take them away
	EraseCases     Act = "erase-cases"     // confirm that the content of a case goes whose time is over
	KeepCases      Act = "keep-cases"      // keep the content of a case beyond its time, and end that
	UseHooks       Act = "use-hooks"       // have a machine of this authority told what changes
	SignIn         Act = "sign-in"         // what everybody may do who is somebody: see who they are, log out, change their password
	Anybody        Act = "anybody"         // needs nobody: the login, the style of a page, the description of the API
)

// grants is the whole table: what is not here is refused.
//
// Assigning a case gives nobody a right and takes none: it says whose desk the work is on. Registrars do it, whose office intake and
// routing is; case officers take what is nobody's and hand over among themselves, as they would a file.
//
// Who prints a letter has it in their hands, so it is somebody who may read it, and not the registrar; the registrar opens the
// post, so what came on paper is registered there, and read by others.
var grants = map[Role][]Act{
	CaseOfficer:       {Draft, Assign, PrintLetter, Translate, ReadList, ReadText, ReadHealth, ReadDirectory, UseHooks, SignIn},
	Approver:          {Approve, ExportCase, KeepCases, ReadList, ReadText, ReadHealth, ReadDirectory, SignIn},
	Registrar:         {Assign, RegisterPaper, EraseCases, KeepCases, ReadList, ReadIndicators, ReadHealth, ReadDirectory, UseHooks, SignIn},
	ProtectionOfficer: {DecideReviews, ReadReviews, ReadDecisions, CheckPolicy, KeepRegister, ReadList, ReadText, ReadHealth, ReadDirectory, SignIn},
	BorderDesk:        {Draft, SignAlone, ReadList, ReadText, ReadHealth, ReadDirectory, UseHooks, SignIn},
	LiaisonOfficer:    {ReadList, ReadIndicators, ReadHealth, ReadDirectory, UseHooks, SignIn},
	JITLeader:         {Draft, ReadList, ReadText, ReadHealth, ReadDirectory, SignIn},
	Auditor:           {EraseCases, KeepCases, ReadDecisions, SignCheckpoint, VerifyLogs, ReadList, ReadIndicators, ReadHealth, ReadDirectory, UseHooks, SignIn},
	KeyOfficer:        {KeepAccounts, VerifyLogs, ReadHealth, ReadDirectory, SignIn},
}

// personal are the acts of human beings alone: a machine is not a person, so it never counts as one of two.
var personal = []Act{Approve, SignAlone, DecideReviews, ReadReviews, CheckPolicy, KeepRegister, KeepAccounts, ExportCase, SignCheckpoint, PrintLetter, RegisterPaper, Translate, EraseCases, KeepCases}

// mechanical are the acts of machines alone.
var mechanical = []Act{UseHooks}

// Roles lists every role, sorted.
func Roles() []Role { return slices.Sorted(maps.Keys(grants)) }

// IsAct reports whether an act is one of the table, or Anybody: a route with another cannot be.
func IsAct(act Act) bool {
	return act == Anybody || slices.ContainsFunc(Roles(), func(r Role) bool { return slices.Contains(grants[r], act) })
}

// ErrRole says that there is no such role.
var ErrRole = errors.New("unknown role")

// ParseRole accepts the name of a role.
func ParseRole(s string) (Role, error) {
	if _, ok := grants[Role(s)]; !ok {
		return "", fmt.Errorf("%w %q", ErrRole, s)
	}
	return Role(s), nil
}

// MachineMay reports whether a machine may have a role: one that has something left once what is personal is taken away.
func MachineMay(role Role) bool {
	switch role {
	case CaseOfficer, BorderDesk, Registrar, LiaisonOfficer, Auditor:
		return true
	}
	return false
}

// May reports whether one of the person's roles allows an act. It is the one place where that is decided.
func (p *Person) May(act Act) bool {
	if act == Anybody {
		return true
	}
	if p == nil || p.Machine && slices.Contains(personal, act) || !p.Machine && slices.Contains(mechanical, act) {
		return false
	}
	return slices.ContainsFunc(p.Roles, func(r Role) bool { return slices.Contains(grants[r], act) })
}

// Acts lists what the person's roles allow, sorted.
func (p *Person) Acts() []Act {
	var acts []Act
	for _, r := range p.Roles {
		for _, act := range grants[r] {
			if p.May(act) {
				acts = append(acts, act)
			}
		}
	}
	slices.Sort(acts)
	return slices.Compact(acts)
}
