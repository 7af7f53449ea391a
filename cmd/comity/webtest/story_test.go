package webtest

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"comity/agent/console/consoletest"
	"comity/cmd/comity/sandbox"
	"comity/schemas"
)

// side is an authority with somebody who writes and somebody who approves.
type side struct{ writes, approves *officer }

func (enter entrance) at(t *testing.T, id schemas.AuthorityID) side {
	return side{writes: enter.as(t, id, "officer-1"), approves: enter.as(t, id, "approver")}
}

// hands in a form, has it approved by the second person, and returns the page of the message once it is delivered.
func (s side) hands(page *consoletest.Page, controls ...string) *consoletest.Page {
	s.writes.t.Helper()
	page = s.writes.presses(page, page.URL.Path, "act", "submit", controls...)
	s.writes.expects(page, "waits for a second person", "so a colleague approves it")
	message := page.URL.Path
	page = s.approves.get(message)
	page = s.approves.presses(page, message+"/approve", "", "")
	s.approves.expects(page, "Approved. It leaves at the next tick.")
	return s.writes.waits(message, "delivered")
}

// A case from its first word to its end between two consoles, with no script at all.
func TestACaseFromComposeToClosedWithoutScripts(t *testing.T) {
	playCase(t, withoutScripts)
}

func playCase(t *testing.T, enter entrance) {
	asks, answers := enter.at(t, qm), enter.at(t, qn)

	// The one who asks chooses what to write to whom, and is told what is missing.
	page := asks.writes.get("/compose?to=QN/justice")
	link, err := page.Link("Request for mutual legal assistance")
	if err != nil {
		t.Fatal(err)
	}
	page = asks.writes.get(link)
	page = asks.writes.presses(page, "/compose/mla.request/1", "act", "submit")
	if page.Status != http.StatusUnprocessableEntity {
		t.Fatalf("an empty form was answered %d", page.Status)
	}
	asks.writes.expects(page, "There is something to mend", "Purpose: missing")

	// A row is added and removed, an unfinished form is kept and found again.
	page = asks.writes.presses(page, "/compose/mla.request/1", "add", "/subjects")
	page = asks.writes.presses(page, "/compose/mla.request/1", "remove", "/subjects/0")
	page = asks.writes.presses(page, "/compose/mla.request/1", "act", "save", request...)
	asks.writes.expects(page, "Only you see it until it is complete")
	draft := page.URL.Path
	if other := enter.as(t, qm, "officer-2").get(draft); other.Status != http.StatusNotFound {
		t.Errorf("an unfinished draft of somebody else was answered %d", other.Status)
	}
	page = asks.writes.get(draft)
	page = asks.writes.presses(page, "/compose/mla.request/1", "act", "check")
	asks.writes.expects(page, "Complete: the recipient takes it as it is.")

	page = asks.hands(page)
	caseLink, err := page.Link("To the case")
	if err != nil {
		t.Fatal(err)
	}
	next := func(s side, title string, controls ...string) {
		t.Helper()
		page := s.writes.waits(caseLink, title)
		link, err := page.Link(title)
		if err != nil {
			t.Fatal(err)
		}
		s.hands(s.writes.get(link), controls...)
	}
	next(answers, "Acknowledgement", "/body/received_at", "2026-11-02T09:30:00", "/body/national_ref", "QN-2026-0417", "/body/desk", "Incoming requests",
		"/body/complete", "true", "/legal_basis/0/article", "18(13)")
	next(answers, "Decision", "/body/outcome", "accepted", "/legal_basis/0/article", "18(17)")

	// The result carries a file, whose own name goes nowhere.
	page = answers.writes.waits(caseLink, "Result")
	if link, err = page.Link("Result"); err != nil {
		t.Fatal(err)
	}
	action := strings.Split(link, "?")[0]
	if page, err = answers.writes.attach(t.Context(), answers.writes.get(link), action, []byte("Synthetic statement of an account.\n")); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.Text(), "TESTPERSON") {
		t.Error("the name of the officer's file stands on the page")
	}
	form, err := page.Form(action)
	if err != nil {
		t.Fatal(err)
	}
	hash := form.Values.Get("/attachments/0/sha256")
	if form.Values.Get("/attachments/0/name") != "annex-1.txt" || len(hash) != 64 {
		t.Fatalf("attached as %v", form.Values)
	}
	page = answers.writes.presses(page, action, "add", "/body/items")
	page = answers.writes.presses(page, action, "add", "/body/items/0/chain_of_custody")
	answers.hands(page, "/body/extent", "full", "/body/summary", "The statement of the account.", "/body/items/0/sha256", hash, "/body/items/0/certified", "true",
		"/body/items/0/chain_of_custody/0/at", "2026-11-20T10:00:00", "/body/items/0/chain_of_custody/0/holder", "Bank", "/body/items/0/chain_of_custody/0/action", "produced",
		"/body/return_required", "false", "/legal_basis/0/article", "18(17)")

	next(asks, "Result receipt", "/body/received_at", "2026-11-24T10:00:00", "/legal_basis/0/article", "18(17)")
	next(asks, "Closure", "/body/outcome", "executed", "/legal_basis/0/article", "18(24)")
	for _, s := range []side{asks, answers} {
		page := s.writes.waits(caseLink, "State of the case closed")
		s.writes.expects(page, "has confirmed: stored intact", "QN")
	}
	page = asks.writes.get("/cases?q=" + strings.TrimPrefix(caseLink, "/cases/") + "&open=closed")
	asks.writes.expects(page, "Cases: 1")
}

// request is what a request for legal assistance holds at least.
var request = []string{
	"/legal_basis/0/article", "18(3)(a)", "/legal_basis/0/instrument", "untoc", "/language", "en",
	"/body/assistance", "provide-records", "/body/matter/subject", "Trafficking in persons for forced labour", "/body/matter/nature", "investigation",
	"/body/matter/conducting_authority", "Prosecution office", "/body/matter/functions", "Conducts investigations",
	"/body/facts", "Wages were paid into an account in the requested State.", "/body/description", "Statements of the account.",
	"/body/purpose", "Evidence for the charge.", "/body/offence/text", "Trafficking in persons.", "/body/offence/article", "Criminal Code, section 232",
	"/body/offence/max_penalty_months", "120", "/body/offence/organised_group", "true", "/body/offence/transnational", "true",
}

// The file of a case that the rules hold for a reader is released by two officers at their consoles, and then handed out.
func TestAHeldCaseFileWithoutScripts(t *testing.T) {
	enter := entrance(withoutScripts)
	held := approved(t, qm, drafts(t, qm, qn, "mla.request/1", aboutAWitness))
	settles(t, qm, held.ID, "under-review")
	officers := []*officer{enter.as(t, qm, string(sandbox.Protection1)), enter.as(t, qm, string(sandbox.Protection2))}
	for _, o := range officers {
		review := "/reviews/" + string(held.ID)
		o.expects(o.presses(o.get(review), review+"/release", "", ""), "Your release is recorded")
	}
	file := "/cases/" + string(settles(t, qm, held.ID, "delivered").Case)
	approver := enter.as(t, qm, string(sandbox.Approver))
	page := approver.presses(approver.get(file), file+"/export", "", "", "for", "QN/justice")
	approver.expects(page, "This is under review.")
	for _, o := range officers {
		page := o.get("/reviews")
		o.expects(page, "Files of cases that wait")
		action := ""
		consoletest.Walk(page.Root, func(n *html.Node) {
			if a := consoletest.Attribute(n, "action"); strings.HasPrefix(a, "/handouts/") && strings.HasSuffix(a, "/release") {
				action = a
			}
		})
		o.expects(o.presses(page, action, "", ""), "Your release is recorded")
	}
	page = approver.presses(approver.get(file), file+"/export", "", "", "for", "QN/justice")
	if page.Status != http.StatusOK || page.Header.Get("Content-Type") != "application/zip" {
		t.Errorf("the file was answered %d %s: %.300s", page.Status, page.Header.Get("Content-Type"), page.Text())
	}
}
