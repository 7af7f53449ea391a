package people

import (
	"fmt"
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
	SignAlone      Act = "sign-alone"      // let a message go with one signature, where its type allows that
	DecideReviews  Act = "decide-reviews"  // release, return or block a message under review
	ReadReviews    Act = "read-reviews"    // see why policy stopped a message, and what was withheld on arrival
	ReadDecisions  Act = "read-decisions"  // see which rules decided, and not about whom
	ExportCase     Act = "export-case"     // hand out the file of a case
	SignCheckpoint Act = "sign-checkpoint" // have the agent sign what its logs are now, to keep it elsewhere
	CheckPolicy    Act = "check-policy"    // ask the rules about a draft, which looks the persons up
	KeepRegister   Act = "keep-register"   // feed and change the protection register
	ReadList       Act = "read-list"       // see messages and cases without their content
	ReadText       Act = "read-text"       // read the content of a message
	ReadHealth     Act = "read-health"     // see alarms, certificates, connections
)

// grants is the whole table: what is not here is refused.
var grants = map[Role][]Act{
	CaseOfficer:       {Draft, ReadList, ReadText, ReadHealth},
	Approver:          {Approve, ExportCase, ReadList, ReadText, ReadHealth},
	Registrar:         {ReadList, ReadHealth},
	ProtectionOfficer: {DecideReviews, ReadReviews, ReadDecisions, CheckPolicy, KeepRegister, ReadList, ReadText, ReadHealth},
	BorderDesk:        {Draft, SignAlone, ReadList, ReadText, ReadHealth},
	LiaisonOfficer:    {ReadList, ReadHealth},
	JITLeader:         {Draft, ReadList, ReadText, ReadHealth},
	Auditor:           {ReadDecisions, SignCheckpoint, ReadList, ReadHealth},
	KeyOfficer:        {ReadHealth},
}

// ParseRole accepts the name of a role.
func ParseRole(s string) (Role, error) {
	if _, ok := grants[Role(s)]; !ok {
		return "", fmt.Errorf("unknown role %q", s)
	}
	return Role(s), nil
}

// May reports whether one of the person's roles allows an act.
func (p *Person) May(act Act) bool {
	return slices.ContainsFunc(p.Roles, func(r Role) bool { return slices.Contains(grants[r], act) })
}
