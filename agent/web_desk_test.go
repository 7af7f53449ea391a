package agent

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"comity/agent/api"
	"comity/schemas"
)

// chooses sends a form with boxes ticked, and returns where it leads.
func (c *caller) chooses(path, name string, ids []schemas.CaseID, more url.Values) (int, string) {
	c.t.Helper()
	form := url.Values{}
	for _, id := range ids {
		form.Add(name, string(id))
	}
	for key, values := range more {
		form[key] = values
	}
	return c.page("POST", path, form)
}

// In the console cases are given by boxes that are ticked, in the list of cases, in that of what is due, and on the page of a case.
func TestCasesAreAssignedInTheConsole(t *testing.T) {
	o := newOfficeWithAccounts(t)
	d := serveWeb(t, o.desk)
	ids := o.openCases(t, 3)
	registrar, officer := d.login(t, "web-registrar"), d.login(t, "web-case-officer")
	mine := func() (shown int) {
		_, page := officer.page("GET", "/cases?assigned=mine", nil)
		for _, id := range ids {
			if strings.Contains(page, `href="/cases/`+string(id)+`"`) {
				shown++
			}
		}
		return shown
	}
	if n := mine(); n != 0 {
		t.Fatalf("%d cases before any was given", n)
	}
	to := url.Values{"officer": {"web-case-officer"}, "back": {"assigned=none&page=1"}}
	for i, path := range []string{"/cases/assign", "/tasks/assign"} {
		if status, page := registrar.chooses(path, "case", ids[i:i+1], to); status != http.StatusSeeOther {
			t.Fatalf("%s: %d %.300s", path, status, page)
		}
		if n := mine(); n != i+1 {
			t.Errorf("after %s the officer has %d cases", path, n)
		}
	}
	if status, _ := officer.page("POST", "/cases/"+string(ids[2])+"/assign", url.Values{"officer": {"web-case-officer"}}); status != http.StatusSeeOther || mine() != 3 {
		t.Errorf("an officer takes a case: %d, has %d", status, mine())
	}
	if status, _ := registrar.chooses("/cases/assign", "case", nil, to); status != http.StatusBadRequest {
		t.Errorf("no box ticked: %d", status)
	}
	if status, _ := registrar.chooses("/cases/assign", "case", append(ids[:1:1], "none"), url.Values{"officer": {""}}); status != http.StatusConflict || mine() != 3 {
		t.Errorf("with one that is no case: %d, the officer has %d", status, mine())
	}
	// Whoever may not assign is shown who works on what, and no box.
	auditor := d.login(t, "web-auditor")
	for _, path := range []string{"/cases", "/tasks?all=true"} {
		if _, page := auditor.page("GET", path, nil); strings.Contains(page, "checkbox") || !strings.Contains(page, "web-case-officer") {
			t.Errorf("%s: boxes for an auditor, or no officer", path)
		}
		if _, page := registrar.page("GET", path, nil); !strings.Contains(page, "checkbox") {
			t.Errorf("%s: no boxes for a registrar", path)
		}
	}
	if _, err := d.PutAbsence(t.Context(), "key-officer", api.Absence{Person: "web-case-officer", Deputy: "web-jit-leader", From: d.now(), To: d.now().AddDate(0, 0, 7)}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/cases", "/tasks?all=true", "/cases/" + string(ids[0])} {
		if _, page := registrar.page("GET", path, nil); !strings.Contains(page, "away, web-jit-leader acts") {
			t.Errorf("%s does not say who acts for the officer", path)
		}
	}
}

// The list of what is due goes on page by page in the console.
func TestTasksArePagedInTheConsole(t *testing.T) {
	o := newOfficeWithAccounts(t)
	d := serveWeb(t, o.desk)
	o.openCases(t, 15) // two tasks each
	all, err := o.Tasks(t.Context(), true, 0)
	if err != nil || len(all) <= 25 {
		t.Fatalf("%d tasks, %v", len(all), err)
	}
	who := d.login(t, "web-registrar")
	rows := 0
	for path, pages := "/tasks?all=true", 0; path != ""; pages++ {
		_, page := who.page("GET", path, nil)
		rows += strings.Count(page, `name="case"`)
		_, rest, more := strings.Cut(page, `rel="next" href="`)
		if path = ""; more {
			path, _, _ = strings.Cut(rest, `"`)
			path = strings.ReplaceAll(path, "&amp;", "&")
		}
		if pages > 3 {
			t.Fatal("the pages do not end")
		}
	}
	if rows != len(all) {
		t.Errorf("%d rows, %d tasks", rows, len(all))
	}
}

// A key officer records in the console who is away, and the deputy has the roles until the absence is ended; nobody else does, and no
// machine.
func TestAbsencesInTheConsole(t *testing.T) {
	d := newWebDesk(t)
	keys, deputy := d.login(t, "web-key-officer"), d.login(t, "web-liaison-officer")
	may := func() bool {
		status, _ := deputy.page("GET", "/approve", nil)
		return status == http.StatusOK
	}
	today := d.now().UTC()
	form := url.Values{"person": {"web-approver"}, "deputy": {"web-liaison-officer"}, "from": {today.Format(time.DateOnly)}, "to": {today.AddDate(0, 0, 6).Format(time.DateOnly)}}
	if may() {
		t.Fatal("the deputy may approve before")
	}
	if status, _ := deputy.page("POST", "/absences", form); status != http.StatusForbidden || may() {
		t.Errorf("a liaison officer takes roles: %d", status)
	}
	if status, page := keys.page("POST", "/absences", form); status != http.StatusSeeOther || !may() {
		t.Errorf("%d %.300s", status, page)
	}
	if _, page := keys.page("GET", "/absences", nil); !strings.Contains(page, `action="/absences/web-approver/end"`) {
		t.Error("the absence is not listed")
	}
	if status, _ := keys.page("POST", "/absences/web-approver/end", nil); status != http.StatusSeeOther || may() {
		t.Errorf("after its end: %d", status)
	}
	form.Set("to", "never")
	if status, _ := keys.page("POST", "/absences", form); status != http.StatusBadRequest {
		t.Errorf("no day: %d", status)
	}
}
