package agent

import (
	"slices"
	"testing"

	"comity/agent/api"
	"comity/agent/people"
	"comity/pki/journal"
	"comity/schemas"
)

// openCases opens n cases with QN.
func (o *office) openCases(t *testing.T, n int) (ids []schemas.CaseID) {
	t.Helper()
	for range n {
		ids = append(ids, o.send(draft(t, qn, "request", "", "")).Case)
	}
	o.w.carry(t)
	return ids
}

// listed are the cases of a list as one role is shown it.
func (o *office) listedFor(t *testing.T, role people.Role, w api.Whose) []schemas.CaseID {
	t.Helper()
	found, err := o.as(t, role).CasesOf(t.Context(), api.CaseQuery{Whose: w})
	if err != nil {
		t.Fatal(err)
	}
	var ids []schemas.CaseID
	for _, c := range found {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return ids
}

func (o *office) homeSize() int64 { return o.logAt(journal.Home(o.me)).Size }

// Cases are given one by one or together, all or none, to who works on cases; each change leaves evidence, and what changes
// nothing leaves none.
func TestCasesAreAssigned(t *testing.T) {
	o := newOfficeWithAccounts(t)
	ids := o.openCases(t, 3)
	registrar := o.as(t, people.Registrar)
	before := o.homeSize()
	give := func(officer string, cases ...schemas.CaseID) error {
		_, err := registrar.Assign(t.Context(), api.Assigning{Cases: cases, Officer: officer})
		return err
	}
	if err := give("case-officer", ids[0], ids[1]); err != nil {
		t.Fatal(err)
	}
	if err := give("jit-leader", ids[0], ids[0]); err != nil { // the same twice is once
		t.Fatal(err)
	}
	if got := o.homeSize() - before; got != 3 {
		t.Errorf("the home log has %d leaves more, want 3", got)
	}
	// A list with something wrong changes nothing, and names each wrong entry.
	err := give("case-officer", ids[2], "nosuchcase", ids[1], "another")
	if got := reasonIn(t, err); got != ReasonCase {
		t.Fatalf("cases that are none: %q", got)
	}
	var at []string
	for _, d := range err.(*api.Problem).Defects {
		at = append(at, d.Pointer)
	}
	if !slices.Equal(at, []string{"/cases/1", "/cases/3"}) {
		t.Errorf("the defects are at %v", at)
	}
	for name, want := range map[string]string{"nobody": ReasonNotFound, "approver-2": ReasonNotFound, "auditor": ReasonNotFound} {
		if got := reasonIn(t, give(name, ids[0])); got != want {
			t.Errorf("to %s: %q, want %q", name, got, want)
		}
	}
	if got := reasonIn(t, give("case-officer")); got != api.ReasonRequest {
		t.Errorf("no case: %q", got)
	}
	if got := reasonIn(t, give("case-officer", make([]schemas.CaseID, api.MaxBulk+1)...)); got != api.ReasonRequest {
		t.Errorf("too many: %q", got)
	}
	if got := o.homeSize() - before; got != 3 {
		t.Errorf("after refusals the home log has %d leaves more, want 3", got)
	}

	for _, c := range []struct {
		who  people.Role
		of   api.Whose
		want []schemas.CaseID
	}{
		{people.CaseOfficer, api.Whose{Mine: true}, ids[1:2]},
		{people.JITLeader, api.Whose{Mine: true}, ids[:1]},
		{people.Auditor, api.Whose{Officer: "case-officer"}, ids[1:2]},
		{people.Auditor, api.Whose{Mine: true}, nil},
		{people.Registrar, api.Whose{Unassigned: true}, ids[2:]},
		{people.Registrar, api.Whose{}, ids},
	} {
		want := slices.Sorted(slices.Values(c.want))
		if got := o.listedFor(t, c.who, c.of); !slices.Equal(got, want) {
			t.Errorf("%s asking for %+v sees %v, want %v", c.who, c.of, got, want)
		}
	}
	if err := give("", ids[0]); err != nil {
		t.Fatal(err)
	}
	if got := o.listedFor(t, people.JITLeader, api.Whose{Mine: true}); len(got) != 0 {
		t.Errorf("what was taken from an officer is still theirs: %v", got)
	}
}

// A case keeps its officer while messages come and go; and who stands in for an officer has that officer's cases in their list.
func TestTheCasesOfWhoIsAway(t *testing.T) {
	o := newOfficeWithAccounts(t)
	ids := o.openCases(t, 2)
	officer := o.as(t, people.CaseOfficer)
	if _, err := officer.Assign(t.Context(), api.Assigning{Cases: ids[:1], Officer: "jit-leader"}); err != nil {
		t.Fatal(err)
	}
	if got := o.listedFor(t, people.CaseOfficer, api.Whose{Mine: true}); len(got) != 0 {
		t.Fatalf("before the absence: %v", got)
	}
	if err := o.away(t, "jit-leader", "case-officer"); err != nil {
		t.Fatal(err)
	}
	if got := o.listedFor(t, people.CaseOfficer, api.Whose{Mine: true}); !slices.Equal(got, ids[:1]) {
		t.Errorf("the deputy's list is %v, want %v", got, ids[:1])
	}
	n := o.w.desks[qn]
	n.send(draft(t, qm, "acknowledgement", ids[0], ""))
	o.w.carry(t)
	c, err := officer.Case(t.Context(), string(ids[0]))
	if err != nil || c.State != "acknowledged" || c.Officer != "jit-leader" || c.Deputy != "case-officer" {
		t.Errorf("the case is %s with %q, deputy %q: %v", c.State, c.Officer, c.Deputy, err)
	}
	found, err := officer.Officers(t.Context())
	if err != nil || found.Unassigned != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	for _, one := range found.Officers {
		if away := one.Name == "jit-leader"; away != (one.Deputy == "case-officer") || away != (one.Cases == 1) || away == one.AwayUntil.IsZero() {
			t.Errorf("%+v", one)
		}
		if one.Name == "approver-2" || one.Name == "auditor" {
			t.Errorf("%s works on no case", one.Name)
		}
	}
}

// The list of tasks is read page by page, each task once and in order, paused ones last; and one desk's alone.
func TestTasksArePaged(t *testing.T) {
	o := newOfficeWithAccounts(t)
	ids := o.openCases(t, 5)
	if _, err := o.as(t, people.Registrar).Assign(t.Context(), api.Assigning{Cases: ids[:2], Officer: "case-officer"}); err != nil {
		t.Fatal(err)
	}
	all, err := o.Tasks(t.Context(), true, 0)
	if err != nil || len(all) < 10 {
		t.Fatalf("%d tasks, %v", len(all), err)
	}
	d := serveWeb(t, o.desk)
	who := d.login(t, "web-registrar")
	var read []api.Task
	for next := "&"; next != ""; {
		var page api.Tasks
		who.want(200, "GET", "/tasks?all=true&limit=3"+next, nil, &page)
		read = append(read, page.Tasks...)
		if len(page.Tasks) > 3 || len(read) > len(all) {
			t.Fatalf("a page of %d, %d in all", len(page.Tasks), len(read))
		}
		if next = page.Next; next != "" {
			next = "&cursor=" + next
		}
	}
	if !slices.Equal(read, all) {
		t.Errorf("page by page %d tasks, at once %d, or in another order", len(read), len(all))
	}
	var mine api.Tasks
	who.want(200, "GET", "/tasks?all=true&officer=case-officer", nil, &mine)
	for _, k := range mine.Tasks {
		if k.Officer != "case-officer" || !slices.Contains(ids[:2], k.Case) {
			t.Errorf("%+v is not the officer's", k)
		}
	}
	if len(mine.Tasks) != 2*len(all)/5 {
		t.Errorf("the officer has %d tasks of %d", len(mine.Tasks), len(all))
	}
}
