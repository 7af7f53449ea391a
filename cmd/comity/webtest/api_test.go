package webtest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/people"
	"comity/cmd/comity/sandbox"
	"comity/deploy/samples"
	"comity/pki/keyfile"
	"comity/schemas"
)

// machine is a national case system of an authority, with its token.
type machine struct {
	t      *testing.T
	base   string
	token  string
	client *http.Client
}

// newMachine has the key officer make a client, as comity client add does.
func newMachine(t *testing.T, id schemas.AuthorityID, name string, role people.Role) machine {
	t.Helper()
	s := start(t)
	credential, err := people.ReadCredential(s.Credential(id, sandbox.KeyOfficer))
	if err != nil {
		t.Fatal(err)
	}
	keeper := api.Dial(filepath.Join(s.Home(id), "agent.sock"), id, credential)
	defer keeper.Close()
	made, err := keeper.AddMachine(t.Context(), name, role)
	if err != nil {
		t.Fatal(err)
	}
	_, certificate, err := keyfile.ReadPair(filepath.Join(s.Home(id), "data", "console.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return machine{t: t, base: s.ConsoleURL(id) + "/api/v1", token: made.Token, client: &http.Client{Transport: transport, Timeout: patience}}
}

func (m machine) ask(want int, method, path string, body []byte, into any, headers ...string) {
	m.t.Helper()
	request, err := http.NewRequestWithContext(m.t.Context(), method, m.base+path, bytes.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+m.token)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := m.client.Do(request)
	if err != nil {
		m.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != want {
		m.t.Fatalf("%s %s: %d %s, %v", method, path, response.StatusCode, answer, err)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			m.t.Fatal(err)
		}
	}
}

// A case system drafts twice by mistake and makes one message, a person approves it in a browser, and the system is told of each
// step until the other State's signed receipt is here. It approves nothing itself.
func TestACaseSystemDraftsAndAPersonApproves(t *testing.T) {
	told := make(chan api.HookEvent, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e api.HookEvent
		if err := json.NewDecoder(r.Body).Decode(&e); err == nil {
			told <- e
		}
	}))
	t.Cleanup(receiver.Close)
	system := newMachine(t, qm, "case-system", people.CaseOfficer)
	system.ask(http.StatusCreated, "POST", "/webhooks", []byte(`{"url":"`+receiver.URL+`/events"}`), nil)

	draft, err := samples.Files.ReadFile("mla-request-bank-records.json")
	if err != nil {
		t.Fatal(err)
	}
	var made, again api.Messages
	system.ask(http.StatusCreated, "POST", "/drafts", draft, &made, api.KeyHeader, "2026-17/3")
	system.ask(http.StatusCreated, "POST", "/drafts", draft, &again, api.KeyHeader, "2026-17/3")
	m := made.Messages[0]
	if again.Messages[0].ID != m.ID {
		t.Errorf("two messages were made: %s and %s", m.ID, again.Messages[0].ID)
	}
	body, err := schemas.Canonical(api.Approval{SHA256: m.SHA256})
	if err != nil {
		t.Fatal(err)
	}
	system.ask(http.StatusForbidden, "POST", "/messages/"+string(m.ID)+"/approval", body, nil)

	approver := entrance(withoutScripts).as(t, qm, "approver")
	page := approver.get("/messages/" + string(m.ID))
	approver.presses(page, "/messages/"+string(m.ID)+"/approve", "", "")

	var states []string
	deadline := time.After(patience)
	for !slices.Contains(states, "delivered") {
		select {
		case e := <-told:
			if e.Message == m.ID {
				states = append(states, e.State)
			}
		case <-deadline:
			t.Fatalf("it was told of %v", states)
		}
	}
	if !slices.Contains(states, "in-review") || !slices.Contains(states, "approved") || !slices.Contains(states, "sent") {
		t.Errorf("it was told of %v", states)
	}
	var shown api.Message
	system.ask(http.StatusOK, "GET", "/messages/"+string(m.ID), nil, &shown)
	if shown.State != "delivered" || shown.ApprovedBy != "approver" || !slices.Equal(shown.Authors, []string{"case-system"}) || shown.StoredAt.IsZero() {
		t.Errorf("%+v", shown)
	}
	other := newMachine(t, qn, "case-system", people.Registrar)
	var arrived api.Message
	other.ask(http.StatusOK, "GET", "/messages/"+string(m.ID), nil, &arrived)
	if arrived.SHA256 != m.SHA256 || arrived.Payload != nil {
		t.Errorf("a registrar's system is shown %+v", arrived)
	}
}
