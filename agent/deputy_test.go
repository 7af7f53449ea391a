package agent

import (
	"slices"
	"strings"
	"testing"
	"time"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// hasAccounts gives people accounts with roles, so that the agent knows them; who stands in agent.toml is known.
func (d *desk) hasAccounts(t *testing.T, roles map[string]people.Role) {
	t.Helper()
	var persons []account.NewPerson
	for name, role := range roles {
		if known, err := d.accounts.Person(t.Context(), name); err != nil || known == nil {
			persons = append(persons, account.NewPerson{Name: name, Roles: []people.Role{role}})
		}
	}
	if err := d.accounts.AddSeveral(t.Context(), "key-officer", persons, "correct horse battery staple"); err != nil {
		t.Fatal(err)
	}
}

// newOfficeWithAccounts is an office whose people the agent knows by their names, which are those of their roles.
func newOfficeWithAccounts(t *testing.T) *office {
	t.Helper()
	o := newOffice(t)
	roles := map[string]people.Role{}
	for name := range o.staff {
		roles[name] = people.Role(name)
	}
	roles["approver-2"] = people.Approver // the desks of these tests list approver for another role
	o.hasAccounts(t, roles)
	return o
}

// away records that somebody is away for two weeks.
func (o *office) away(t *testing.T, person, deputy string) error {
	t.Helper()
	now := o.now().Truncate(time.Second)
	_, err := o.as(t, people.KeyOfficer).PutAbsence(t.Context(), api.Absence{Person: person, Deputy: deputy, From: now, To: now.AddDate(0, 0, 14)})
	return err
}

func (o *office) drafts(t *testing.T, by people.Role) api.Message {
	t.Helper()
	made, err := o.as(t, by).Draft(t.Context(), draft(t, qn, "request", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	return made[0]
}

func (o *office) approves(t *testing.T, by people.Role, m api.Message) string {
	t.Helper()
	_, err := o.as(t, by).Approve(t.Context(), m.ID, m.SHA256)
	return reasonIn(t, err)
}

func reasonIn(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	p, ok := err.(*api.Problem)
	if !ok {
		t.Fatal(err)
	}
	return p.Reason
}

// A deputy has the roles of who is away, for that time; and approves neither an own draft nor one of theirs.
func TestADeputyNeverApprovesAnOwnDraft(t *testing.T) {
	o := newOfficeWithAccounts(t)
	own, colleagues := o.drafts(t, people.CaseOfficer), o.drafts(t, people.BorderDesk)
	if got := o.approves(t, people.CaseOfficer, colleagues); got != api.ReasonForbidden {
		t.Fatalf("before the absence a case officer is answered %q", got)
	}
	if err := o.away(t, "approver-2", "case-officer"); err != nil {
		t.Fatal(err)
	}
	if got := o.approves(t, people.CaseOfficer, own); got != ReasonFourEyes {
		t.Errorf("a deputy approves an own draft: %q", got)
	}
	if got := o.approves(t, people.CaseOfficer, colleagues); got != "" {
		t.Errorf("a deputy does not approve a colleague's draft: %q", got)
	}
	// The approver stands in for the JIT leader, and so approves none of their drafts.
	leaders := o.drafts(t, people.JITLeader)
	if err := o.away(t, "jit-leader", "approver"); err != nil {
		t.Fatal(err)
	}
	if got := o.approves(t, people.Approver, leaders); got != ReasonFourEyes {
		t.Errorf("who stands in for the author approves: %q", got)
	}
	if _, err := o.as(t, people.KeyOfficer).EndAbsence(t.Context(), "jit-leader"); err != nil {
		t.Fatal(err)
	}
	if got := o.approves(t, people.Approver, leaders); got != "" {
		t.Errorf("once the author is back, their draft is approved by %q", got)
	}
	again := o.drafts(t, people.BorderDesk)
	o.w.clock.Advance(15 * 24 * time.Hour)
	if got := o.approves(t, people.CaseOfficer, again); got != api.ReasonForbidden {
		t.Errorf("after the absence a case officer is answered %q", got)
	}
}

// What a deputy gets, and who says so.
func TestWhatADeputyGets(t *testing.T) {
	o := newOfficeWithAccounts(t)
	now := o.now().Truncate(time.Second)
	for role := range o.staff {
		_, err := o.as(t, people.Role(role)).PutAbsence(t.Context(), api.Absence{Person: "approver-2", Deputy: "registrar", From: now, To: now.AddDate(0, 0, 1)})
		if got := reasonIn(t, err); (got == "") != (role == string(people.KeyOfficer)) {
			t.Errorf("%s recording an absence: %q", role, got)
		}
	}
	for _, c := range []struct {
		absence api.Absence
		why     string
	}{
		{api.Absence{Person: "approver", Deputy: "approver", From: now, To: now.AddDate(0, 0, 1)}, "their own deputy"},
		{api.Absence{Person: "approver", Deputy: "nobody", From: now, To: now.AddDate(0, 0, 1)}, "no such person: nobody"},
		{api.Absence{Person: "nobody", Deputy: "approver", From: now, To: now.AddDate(0, 0, 1)}, "no such person: nobody"},
		{api.Absence{Person: "approver-2", Deputy: "registrar", From: now, To: now}, "begins before it ends"},
		{api.Absence{Person: "approver-2", Deputy: "registrar", From: now.AddDate(0, -1, 0), To: now}, "ends in the future"},
		{api.Absence{Person: "approver-2", Deputy: "registrar", From: now, To: now.AddDate(1, 0, 0)}, "120 days"},
	} {
		_, err := o.as(t, people.KeyOfficer).PutAbsence(t.Context(), c.absence)
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%+v: %v, want %q", c.absence, err, c.why)
		}
	}
	// Keys and checks are nobody's for a time, and roles are not passed on.
	if err := o.away(t, "key-officer", "registrar"); err != nil {
		t.Fatal(err)
	}
	if err := o.away(t, "auditor", "liaison-officer"); err != nil {
		t.Fatal(err)
	}
	if err := o.away(t, "registrar", "border-duty-desk"); err != nil { // who stands in for the approver and the key officer
		t.Fatal(err)
	}
	for name, want := range map[string][]people.Role{
		"registrar": {people.Registrar, people.Approver}, "liaison-officer": {people.LiaisonOfficer}, "border-duty-desk": {people.BorderDesk, people.Registrar},
	} {
		own, err := o.accounts.Person(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		got := o.acting(own).Roles
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s has the roles %v, want %v", name, got, want)
		}
	}
	found, err := o.as(t, people.KeyOfficer).Absences(t.Context())
	if err != nil || len(found.Absences) != 4 {
		t.Errorf("absences: %+v, %v", found, err)
	}
}

// A locked account gives its deputy nothing.
func TestNobodyStandsInForALockedAccount(t *testing.T) {
	o := newOfficeWithAccounts(t)
	if err := o.away(t, "approver-2", "case-officer"); err != nil {
		t.Fatal(err)
	}
	if got := o.approves(t, people.CaseOfficer, o.drafts(t, people.BorderDesk)); got != "" {
		t.Fatalf("the deputy is answered %q", got)
	}
	if err := o.accounts.SetLocked(t.Context(), "key-officer", "approver-2", true); err != nil {
		t.Fatal(err)
	}
	if got := o.approves(t, people.CaseOfficer, o.drafts(t, people.BorderDesk)); got != api.ReasonForbidden {
		t.Errorf("the deputy of a locked account is answered %q", got)
	}
}

// A release takes two officers: one and who stands in for them are one.
func TestADeputyIsNoSecondOfficer(t *testing.T) {
	w := newReviewWorld(t)
	d := w.desks[qm]
	d.hasAccounts(t, map[string]people.Role{"protection-1": people.ProtectionOfficer, "protection-2": people.ProtectionOfficer})
	m := d.stopped(requestOf(t, schemas.Urgent))
	r := d.review(m.ID)
	if err := d.letGo("protection-1", r, ""); err != nil {
		t.Fatal(err)
	}
	absence := api.Absence{Person: "protection-1", Deputy: "protection-2", From: d.now(), To: d.now().Add(time.Hour)}
	if _, err := d.PutAbsence(t.Context(), "key-officer", absence); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, d.letGo("protection-2", r, ""), ReasonFourEyes)
	if err := d.letGo("protection-1", r, ""); err != nil { // a word given again is no second one
		t.Fatal(err)
	}
	wantProblem(t, d.letGo("protection-2", r, ""), ReasonFourEyes)
	if _, err := d.EndAbsence(t.Context(), "key-officer", "protection-1"); err != nil {
		t.Fatal(err)
	}
	if err := d.letGo("protection-2", r, ""); err != nil {
		t.Fatal(err)
	}
}
