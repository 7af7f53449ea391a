package agent

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

const webPassword = "TESTPERSON correct horse"

// webDesk is a desk behind its web door, over real TLS, with a login for every role.
type webDesk struct {
	*desk
	url    string
	client *http.Client
}

func newWebDesk(t *testing.T) *webDesk {
	t.Helper()
	return serveWeb(t, newWorld(t).desks[qm])
}

// serveWeb opens the web door of a desk.
func serveWeb(t *testing.T, d *desk) *webDesk {
	t.Helper()
	var staff []account.NewPerson
	for _, role := range people.Roles() {
		staff = append(staff, account.NewPerson{Name: "web-" + string(role), Roles: []people.Role{role}})
	}
	staff = append(staff, account.NewPerson{Name: "web-approver-2", Roles: []people.Role{people.Approver}},
		account.NewPerson{Name: "web-protection-2", Roles: []people.Role{people.ProtectionOfficer}})
	if err := d.accounts.AddSeveral(t.Context(), "", staff, webPassword); err != nil {
		t.Fatal(err)
	}
	if err := d.accounts.ServeAt("https://localhost"); err != nil {
		t.Fatal(err)
	}
	handler, err := d.webHandler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	server.StartTLS()
	t.Cleanup(server.Close)
	return &webDesk{desk: d, url: server.URL, client: server.Client()}
}

// caller is somebody at the web door.
type caller struct {
	d      *webDesk
	t      *testing.T
	name   string
	cookie *http.Cookie
	csrf   string
	token  string
}

func (d *webDesk) login(t *testing.T, name string) *caller {
	t.Helper()
	e, err := d.accounts.Login(t.Context(), name, webPassword)
	if err != nil {
		t.Fatal(err)
	}
	return &caller{d: d, t: t, name: name, cookie: e.Cookie, csrf: e.Session.CSRF}
}

func (d *webDesk) machine(t *testing.T, name string, role people.Role) *caller {
	t.Helper()
	token, err := d.accounts.AddClient(t.Context(), "", name, role)
	if err != nil {
		t.Fatal(err)
	}
	return &caller{d: d, t: t, name: name, token: token}
}

// ask sends a request below /api/v1 and returns the status, the answer and its headers.
func (c *caller) ask(method, path string, body []byte, headers ...string) (int, []byte, http.Header) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.d.url+strings.TrimSuffix(api.WebPrefix, "/")+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.cookie != nil {
		request.AddCookie(c.cookie)
		request.Header.Set(account.CSRFHeader, c.csrf)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.d.client.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.Header.Get("Content-Type") == "text/event-stream" {
		return response.StatusCode, nil, response.Header
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, answer, response.Header
}

// want asks and expects a status; into, if not nil, is filled with the answer.
func (c *caller) want(status int, method, path string, body []byte, into any, headers ...string) {
	c.t.Helper()
	got, answer, _ := c.ask(method, path, body, headers...)
	if got != status {
		c.t.Fatalf("%s: %s %s: %d %s, want %d", c.name, method, path, got, answer, status)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
}

// wantReason asks and expects a problem with a reason.
func (c *caller) wantReason(reason, method, path string, body []byte, headers ...string) {
	c.t.Helper()
	_, answer, header := c.ask(method, path, body, headers...)
	var p api.ProblemDocument
	if err := json.Unmarshal(answer, &p); err != nil || p.Reason != reason || p.Type != "urn:comity:problem:"+reason || p.Detail == "" ||
		header.Get("Content-Type") != "application/problem+json" {
		c.t.Errorf("%s: %s %s: %s (%s), want %s", c.name, method, path, answer, header.Get("Content-Type"), reason)
	}
}

func approvalBody(t *testing.T, m api.Message) []byte {
	t.Helper()
	body, err := schemas.Canonical(api.Approval{SHA256: m.SHA256})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// One person is one person by whatever door, a machine is none, and what is kept of an approval shows who gave it.
func TestDraftByAMachineApprovedInABrowser(t *testing.T) {
	d := newWebDesk(t)
	machine := d.machine(t, "case-system", people.CaseOfficer)
	var made api.Messages
	machine.want(http.StatusCreated, "POST", "/drafts", draft(t, qn, "request", "", ""), &made)
	m := made.Messages[0]
	approve := "/messages/" + string(m.ID) + "/approval"
	machine.wantReason(api.ReasonForbidden, "POST", approve, approvalBody(t, m))
	d.login(t, "web-case-officer").wantReason(api.ReasonForbidden, "POST", approve, approvalBody(t, m))
	approver := d.login(t, "web-approver")
	approver.wantReason(ReasonOtherBytes, "POST", approve, []byte(`{"sha256":"00"}`))
	approver.wantReason(api.ReasonRequest, "POST", approve, []byte(`{"sha256":"00","more":1}`))
	var approved api.Message
	approver.want(http.StatusOK, "POST", approve, approvalBody(t, m), &approved)
	if approved.State != "approved" || approved.ApprovedBy != "web-approver" || len(approved.Authors) != 1 || approved.Authors[0] != "case-system" {
		t.Errorf("%+v", approved)
	}
	proof, err := account.ReadProof(d.message(qm, m.ID).Approval, d.proofKeys())
	if err != nil || proof.Person != "web-approver" || proof.By != account.ByPassword || proof.Own ||
		!proof.Command.Is(qm, "POST", "/v1"+approve, approvalBody(t, m)) {
		t.Errorf("%+v, %v", proof, err)
	}
}

// The journal proves what was approved in a browser as well, and says that it rests on the agent's word.
func TestTheJournalProvesWhatWasApprovedInABrowser(t *testing.T) {
	d := newWebDesk(t)
	var made api.Messages
	d.login(t, "web-case-officer").want(http.StatusCreated, "POST", "/drafts", draft(t, qn, "request", "", ""), &made)
	m := made.Messages[0]
	d.login(t, "web-approver").want(http.StatusOK, "POST", "/messages/"+string(m.ID)+"/approval", approvalBody(t, m), nil)
	d.seal(m.ID)
	d.w.carry(t)
	report, err := d.VerifyJournal(t.Context(), nil)
	if err != nil || len(report.Defects) > 0 || report.Approvals != 1 || report.OwnKey != 0 || report.Unlisted != 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestWhoTheWebDoorAdmits(t *testing.T) {
	d := newWebDesk(t)
	officer := d.login(t, "web-case-officer")
	officer.want(http.StatusOK, "GET", "/messages", nil, nil)
	var me api.Me
	officer.want(http.StatusOK, "GET", "/me", nil, &me)
	if me.Name != "web-case-officer" || me.Machine || len(me.Acts) == 0 {
		t.Errorf("%+v", me)
	}
	body := draft(t, qn, "request", "", "")
	nobody := &caller{d: d, t: t, name: "nobody"}
	nobody.wantReason(api.ReasonNobody, "GET", "/messages", nil)
	nobody.wantReason(api.ReasonNobody, "GET", "/messages", nil, "Authorization", "Bearer comity_x")
	nobody.wantReason(api.ReasonNobody, "GET", "/messages", nil, "Authorization", "Basic eDp5")
	nobody.wantReason("not-found", "GET", "/else", nil)
	forged := *officer
	forged.csrf = ""
	forged.wantReason(api.ReasonCrossSite, "POST", "/drafts", body)
	officer.wantReason(api.ReasonCrossSite, "POST", "/drafts", body, "Sec-Fetch-Site", "cross-site")
	officer.wantReason(api.ReasonCrossSite, "POST", "/drafts", body, "Origin", "https://evil.example")

	machine := d.machine(t, "case-system", people.Registrar)
	machine.want(http.StatusOK, "GET", "/cases", nil, nil)
	if err := d.accounts.EndClient(t.Context(), "", "case-system"); err != nil {
		t.Fatal(err)
	}
	machine.wantReason(api.ReasonNobody, "GET", "/cases", nil)

	first, err := d.accounts.Reset(t.Context(), "", "web-case-officer")
	if err != nil {
		t.Fatal(err)
	}
	officer.wantReason(api.ReasonNobody, "GET", "/messages", nil) // its session has ended
	e, err := d.accounts.Login(t.Context(), "web-case-officer", first)
	if err != nil {
		t.Fatal(err)
	}
	newcomer := &caller{d: d, t: t, name: "newcomer", cookie: e.Cookie, csrf: e.Session.CSRF}
	newcomer.wantReason(api.ReasonForbidden, "GET", "/messages", nil)
	newcomer.want(http.StatusOK, "GET", "/me", nil, nil)
	_, _, header := officer.ask("GET", "/messages", nil)
	for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Cache-Control", "Referrer-Policy"} {
		if header.Get(name) == "" {
			t.Errorf("no header %s", name)
		}
	}
}

func decodeInto(t *testing.T, answer []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
}

// withoutContent is an answer about a message without what somebody wrote.
func withoutContent(t *testing.T, answer []byte) []byte {
	t.Helper()
	var members map[string]any
	decodeInto(t, answer, &members)
	delete(members, "payload")
	delete(members, "home")
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A stream of events ends with the right to it: the session's end, or the token's.
func TestAStreamEndsWithItsRight(t *testing.T) {
	d := newWebDesk(t)
	for name, tt := range map[string]struct {
		who *caller
		end func() error
	}{
		"a session": {d.login(t, "web-registrar"), func() error {
			return d.accounts.SetLocked(t.Context(), "", "web-registrar", true)
		}},
		"a token": {d.machine(t, "case-system", people.Registrar), func() error { return d.accounts.EndClient(t.Context(), "", "case-system") }},
	} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", d.url+api.WebPrefix+"events", nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.who.cookie != nil {
			request.AddCookie(tt.who.cookie)
		}
		if tt.who.token != "" {
			request.Header.Set("Authorization", "Bearer "+tt.who.token)
		}
		response, err := d.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(response.Body)
		d.changes.tell(api.Event{State: "sent"})
		line, err := lines.ReadString('\n')
		if err != nil || line != "data: {\"state\":\"sent\"}\n" {
			t.Errorf("%s: %q, %v", name, line, err)
		}
		if err := tt.end(); err != nil {
			t.Fatal(err)
		}
		d.changes.tell(api.Event{State: "delivered"})
		if rest, err := io.ReadAll(lines); err != nil || strings.Contains(string(rest), "delivered") {
			t.Errorf("%s: after its end it is told %q, %v", name, rest, err)
		}
		response.Body.Close()
	}
}
