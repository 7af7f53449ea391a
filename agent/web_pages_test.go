package agent

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/console"
	"comity/agent/people"
)

// pageRoutes lists the routes of the console.
func (d *desk) pageRoutes(t *testing.T) []account.Route {
	t.Helper()
	pages, err := console.New(console.Config{Authority: d.me, Desk: d.Agent, Records: d.Agent, Book: d.accounts, Now: d.now, Log: d.log})
	if err != nil {
		t.Fatal(err)
	}
	return pages.Routes()
}

// page asks for a page, or sends a form that holds the session's token.
func (c *caller) page(method, path string, form url.Values) (status int, body string) {
	c.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set(account.CSRFField, c.csrf)
	var content io.Reader
	if method != http.MethodGet {
		content = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.d.url+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.cookie != nil {
		request.AddCookie(c.cookie)
	}
	client := *c.d.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.Header.Get("Content-Type") == "text/event-stream" {
		return response.StatusCode, ""
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// Every role at every page of the console, as at the API: what the one table of roles does not allow is forbidden, and nothing
// else is; nobody gets no further than the login.
func TestTheRoleMatrixOfTheConsole(t *testing.T) {
	d := newWebDesk(t)
	var made api.Messages
	d.login(t, "web-case-officer").want(http.StatusCreated, "POST", "/drafts", draft(t, qn, "request", "", ""), &made)
	fill := func(pattern string) (method, path string) {
		method, path, _ = strings.Cut(pattern, " ")
		path = strings.TrimSuffix(path, "{$}")
		return method, strings.NewReplacer("{id}", string(made.Messages[0].ID), "{state}", "QN", "{authority}", "justice", "{version}", "1", "{n}", "1", "{sha256}", strings.Repeat("0", 64)).Replace(
			strings.Replace(strings.Replace(path, "/compose/{name}", "/compose/mla.request", 1), "{name}", "justice", 1))
	}
	routes := d.pageRoutes(t)
	if len(routes) < 30 {
		t.Fatalf("only %d routes", len(routes))
	}
	for _, role := range people.Roles() {
		name := "web-" + string(role)
		who, person := d.login(t, name), &people.Person{Roles: []people.Role{role}}
		for _, r := range routes {
			if r.Pattern == "POST /logout" {
				continue
			}
			method, path := fill(r.Pattern)
			if strings.Contains(path, "{") {
				t.Fatalf("a parameter of %s is not known here", r.Pattern)
			}
			status, answer := who.page(method, path, nil)
			unknown := status == http.StatusUnauthorized && r.Act != people.Anybody // the answer to a wrong password is right
			if (status == http.StatusForbidden) == person.May(r.Act) || unknown || status >= 500 {
				t.Errorf("%s: %s (%s): %d %.300s", role, r.Pattern, r.Act, status, answer)
			}
		}
		if status, _ := who.page("POST", "/logout", nil); status != http.StatusSeeOther {
			t.Errorf("%s: log-out: %d", role, status)
		}
		if status, _ := who.page("GET", "/me", nil); status != http.StatusSeeOther && status != http.StatusUnauthorized {
			t.Errorf("%s: after log-out: %d", role, status)
		}
	}
	if text := d.w.log.String(); strings.Contains(text, "level=ERROR") {
		t.Errorf("the log has errors: %s", text)
	}
	nobody := &caller{d: d, t: t}
	for _, r := range routes {
		method, path := fill(r.Pattern)
		status, _ := nobody.page(method, path, nil)
		let := status != http.StatusUnauthorized && status != http.StatusSeeOther && status != http.StatusForbidden
		if r.Act != people.Anybody && let {
			t.Errorf("nobody: %s: %d", r.Pattern, status)
		}
	}
}

// To an officer the page of a message that was blocked and of one that is held are the same, up to what tells two messages apart;
// no page says that anything was stopped by a rule. A protection officer sees which is which.
func TestThePagesOfHeldAndBlockedMessagesAreTheSame(t *testing.T) {
	d := newWebDesk(t)
	ids := d.stopTwo(t)
	for _, role := range people.Roles() {
		if role == people.ProtectionOfficer {
			continue
		}
		who := d.login(t, "web-"+string(role))
		var pages []string
		for _, id := range ids {
			status, page := who.page("GET", "/messages/"+string(id), nil)
			if status == http.StatusForbidden {
				continue
			}
			m := d.message(qm, id)
			page = strings.NewReplacer(string(id), "ID", string(m.Case), "CASE", hexOf(m.PayloadSHA256), "SHA256", who.csrf, "CSRF",
				"P9000009", "DOCUMENT", "P1111111", "DOCUMENT").Replace(page)
			pages = append(pages, page)
		}
		if len(pages) == 2 && pages[0] != pages[1] {
			t.Errorf("%s can tell a block from a hold:\n%s", role, firstDifference(pages[0], pages[1]))
		}
		for _, path := range []string{"/", "/cases", "/approve", "/health", "/border", "/teams"} {
			_, page := who.page("GET", path, nil)
			if found := ruleName.FindString(page); found != "" {
				t.Errorf("%s: %s names the rule %s", role, path, found)
			}
		}
	}
	officer := d.login(t, "web-protection-officer")
	_, one := officer.page("GET", "/reviews/"+string(ids[0]), nil)
	_, two := officer.page("GET", "/reviews/"+string(ids[1]), nil)
	if !ruleName.MatchString(one) || !ruleName.MatchString(two) {
		t.Error("a protection officer is not told the rule: the pattern finds nothing")
	}
}

// ruleName is the id of a rule.
var ruleName = regexp.MustCompile(`\b(ASY|ORI|JIT|NEU|MET|AUD|VIC|WIT|CHI|GATE|NAT)-\d\d\b`)
