package people

import (
	"slices"
	"testing"
)

// TestTheTableOfRoles is DOMAIN section 6, written once more by hand: whoever changes the table of grants changes this one too.
func TestTheTableOfRoles(t *testing.T) {
	all := Roles()
	if len(all) != 9 {
		t.Fatalf("%d roles, DOMAIN section 6 has nine", len(all))
	}
	may := map[Act][]Role{
		Draft:          {CaseOfficer, BorderDesk, JITLeader},
		Assign:         {CaseOfficer, Registrar},
		Approve:        {Approver},
		SignAlone:      {BorderDesk},
		DecideReviews:  {ProtectionOfficer},
		ReadReviews:    {ProtectionOfficer},
		CheckPolicy:    {ProtectionOfficer},
		KeepRegister:   {ProtectionOfficer},
		ReadDecisions:  {ProtectionOfficer, Auditor},
		ExportCase:     {Approver},
		SignCheckpoint: {Auditor},
		VerifyLogs:     {Auditor, KeyOfficer},
		KeepAccounts:   {KeyOfficer},
		ReadText:       {CaseOfficer, Approver, ProtectionOfficer, BorderDesk, JITLeader},
		ReadList:       {CaseOfficer, Approver, Registrar, ProtectionOfficer, BorderDesk, LiaisonOfficer, JITLeader, Auditor},
		ReadIndicators: {Registrar, LiaisonOfficer, Auditor},
		PrintLetter:    {CaseOfficer},
		RegisterPaper:  {Registrar},
		Translate:      {CaseOfficer},
		EraseCases:     {Registrar, Auditor},
		KeepCases:      {Approver, Registrar, Auditor},
		UseHooks:       nil, // of machines alone
		ReadHealth:     all, ReadDirectory: all, SignIn: all, Anybody: all,
	}
	machines := map[Act][]Role{
		Assign:         {CaseOfficer, Registrar},
		Draft:          {CaseOfficer, BorderDesk},
		ReadDecisions:  {Auditor},
		VerifyLogs:     {Auditor},
		ReadIndicators: {Registrar, LiaisonOfficer, Auditor},
		ReadText:       {CaseOfficer, BorderDesk},
		ReadList:       {CaseOfficer, BorderDesk, Registrar, LiaisonOfficer, Auditor},
		UseHooks:       {CaseOfficer, BorderDesk, Registrar, LiaisonOfficer, Auditor},
	}
	for _, role := range all {
		for act := range may {
			person, machine := &Person{Roles: []Role{role}}, &Person{Roles: []Role{role}, Machine: true}
			if person.May(act) != slices.Contains(may[act], role) {
				t.Errorf("%s, %s: %v", role, act, person.May(act))
			}
			everybody := act == ReadHealth || act == ReadDirectory || act == SignIn || act == Anybody
			if MachineMay(role) && machine.May(act) != (everybody || slices.Contains(machines[act], role)) {
				t.Errorf("%s of a machine, %s: %v", role, act, machine.May(act))
			}
			if slices.Contains(personal, act) && machine.May(act) {
				t.Errorf("a machine may %s as %s", act, role)
			}
		}
		for _, act := range grants[role] {
			if _, known := may[act]; !known {
				t.Errorf("%s may %s, of which the test says nothing", role, act)
			}
		}
	}
	if (*Person)(nil).May(SignIn) || !(*Person)(nil).May(Anybody) {
		t.Error("nobody may more or less than what needs nobody")
	}
}
