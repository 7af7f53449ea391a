package agent

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"comity/agent/store"
)

// A case officer prints a letter in the console, and at the API reads it again; who may not read does neither.
func TestALetterIsPrintedInTheConsole(t *testing.T) {
	_, desk := newPaperWorld(t)
	d := serveWeb(t, desk)
	m := d.cleared(draft(t, qp, "request", "", ""))
	officer, registrar := d.login(t, "web-case-officer"), d.login(t, "web-registrar")
	if _, page := officer.page("GET", "/letters", nil); !strings.Contains(page, string(m.ID)) {
		t.Error("the letter is not on the list of those to print")
	}
	if _, page := officer.page("GET", "/messages/"+string(m.ID), nil); !strings.Contains(page, `/print"`) || !strings.Contains(page, "diplomatic bag") {
		t.Error("the message does not offer to be printed")
	}
	form := url.Values{"sha256": {m.SHA256}, "means": {"courier"}}
	if status, _ := registrar.page("POST", "/messages/"+string(m.ID)+"/print", form); status != http.StatusForbidden {
		t.Errorf("a registrar prints: %d", status)
	}
	if status, page := officer.page("POST", "/messages/"+string(m.ID)+"/print", form); status != http.StatusSeeOther {
		t.Fatalf("%d %s", status, page)
	}
	if got := d.message(qm, m.ID).State; got != store.Dispatched {
		t.Fatalf("it is %s", got)
	}
	_, page := officer.page("GET", "/messages/"+string(m.ID)+"/paper", nil)
	for _, part := range []string{"TESTPERSON ALPHA-01", "courier", "web-case-officer"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page of the letter does not say %q", part)
		}
	}
	for _, path := range []string{"/messages/" + string(m.ID) + "/paper", "/letters"} {
		if status, _ := registrar.page("GET", path, nil); status != http.StatusForbidden {
			t.Errorf("a registrar at %s: %d", path, status)
		}
	}
	if _, page := officer.page("GET", "/cases/"+string(m.Case), nil); !strings.Contains(page, "on paper") {
		t.Error("the case does not mark what stands on paper")
	}
}
