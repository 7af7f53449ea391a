package webtest

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"comity/agent/people"
	"comity/cmd/comity/sandbox"
)

//go:embed axe/axe.min.js
var axe string

// accessible runs axe over the page that the browser shows.
func (b *scripted) accessible(t *testing.T, where string) {
	t.Helper()
	if _, err := ask[bool](b, axe+";true"); err != nil {
		t.Fatal(err)
	}
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((r) =>
		JSON.stringify(r.violations.map((v) => ({rule: v.id, help: v.help, places: v.nodes.slice(0, 4).map((n) => n.html.slice(0, 200))}))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var violations []struct {
		Rule, Help string
		Places     []string
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Errorf("%s: %s: %s\n\t%s", where, v.Rule, v.Help, strings.Join(v.Places, "\n\t"))
	}
}

// shoot looks at a page at the widths of a desk and of a telephone: it must be accessible, fit, and is kept as a picture. COMITY_SCREENSHOTS names where they are kept.
func (b *scripted) shoot(t *testing.T, dir, name string) {
	t.Helper()
	for _, size := range []struct {
		name  string
		width int64
	}{{"desktop", 1280}, {"phone", 390}} {
		if err := b.do(chromedp.EmulateViewport(size.width, 900)); err != nil {
			t.Fatal(err)
		}
		wide, err := ask[int64](b, "document.documentElement.scrollWidth")
		if err != nil {
			t.Fatal(err)
		}
		if wide > size.width {
			t.Errorf("%s at the width of a %s: the page is %d wide, the window %d", name, size.name, wide, size.width)
		}
		b.accessible(t, name+" at the width of a "+size.name)
		picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+"-"+size.name+".png"), picture, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.do(chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatal(err)
	}
}

func screenshots(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("COMITY_SCREENSHOTS"); dir != "" {
		return dir
	}
	return t.TempDir()
}

// Every role logs in, sees its pages and no others, and each page is accessible.
func TestEveryPageOfEveryRole(t *testing.T) {
	needsChromium(t)
	dir := screenshots(t)
	opened := approved(t, qm, drafts(t, qm, qn, "mla.request/1", asksForRecords))
	settles(t, qm, opened.ID, "delivered")
	waiting := drafts(t, qm, qn, "mla.request/1", asksForRecords)
	stopped := approved(t, qm, drafts(t, qm, qn, "mla.request/1", aboutAWitness))
	settles(t, qm, stopped.ID, "under-review")
	team := approved(t, qm, drafts(t, qm, qn, "jit.proposal/1", forTwo))
	message, caseOf := "/messages/"+string(opened.ID), "/cases/"+string(settles(t, qm, opened.ID, "delivered").Case)

	pages := []struct {
		name, path string
		act        people.Act
	}{
		{"overview", "/", people.SignIn}, {"me", "/me", people.SignIn}, {"cases", "/cases", people.ReadList}, {"case", caseOf, people.ReadList},
		{"tasks", "/tasks", people.ReadList}, {"message", message, people.ReadList}, {"letter", message + "/letter", people.ReadText},
		{"choose", "/compose", people.Draft}, {"form", "/compose/mla.request/1?to=QN/justice", people.Draft},
		{"form-alert", "/compose/border.alert/1", people.Draft}, {"edit", "/messages/" + string(waiting.ID) + "/edit", people.Draft},
		{"approve", "/approve", people.Approve}, {"to-approve", "/messages/" + string(waiting.ID), people.ReadList},
		{"reviews", "/reviews", people.ReadReviews}, {"review", "/reviews/" + string(stopped.ID), people.ReadReviews},
		{"decisions", "/decisions", people.ReadDecisions}, {"border", "/border", people.SignAlone}, {"teams", "/teams", people.ReadList},
		{"team", "/teams/" + string(settles(t, qm, team.ID, "delivered").Case), people.ReadList}, {"directory", "/directory", people.ReadDirectory},
		{"entry", "/directory/QN/justice", people.ReadDirectory}, {"journal", "/journal", people.VerifyLogs}, {"health", "/health", people.ReadHealth},
		{"evidence", caseOf + "/evidence", people.ReadList}, {"letters", "/letters", people.PrintLetter}, {"retention", "/retention", people.ReadList},
		{"absences", "/absences", people.KeepAccounts},
	}
	shown := map[string]bool{}
	for name, role := range map[sandbox.Person]people.Role{
		sandbox.Officer1: people.CaseOfficer, sandbox.Approver: people.Approver, sandbox.Protection1: people.ProtectionOfficer, sandbox.Auditor: people.Auditor,
		sandbox.KeyOfficer: people.KeyOfficer, "registrar": people.Registrar, "liaison": people.LiaisonOfficer, "jit-leader": people.JITLeader,
		"duty-desk": people.BorderDesk,
	} {
		t.Run(string(name), func(t *testing.T) {
			o := entrance(inBrowser).as(t, qm, string(name))
			b := o.means.(*scripted)
			person := &people.Person{Roles: []people.Role{role}}
			for _, p := range pages {
				page := o.get(p.path)
				want := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[person.May(p.act)]
				if page.Status != want {
					t.Errorf("%s: answered %d, not %d", p.path, page.Status, want)
				}
				if want != http.StatusOK {
					p.name = "refused"
				} else if p.name == "overview" || p.name == "message" {
					p.name += "-" + string(name) // what stands there depends on the role
				}
				if !shown[p.name] { // a page that several roles see is the same page
					b.shoot(t, dir, p.name)
				}
				shown[p.name] = true
			}
			if page := o.get("/messages/nothing"); page.Status != http.StatusNotFound && person.May(people.ReadList) {
				t.Errorf("a message that is not there: %d", page.Status)
			}
			if !shown["missing"] {
				b.shoot(t, dir, "missing")
			}
			shown["missing"] = true
		})
	}
	for _, p := range pages {
		if _, ok := shown[p.name]; !ok && p.name != "overview" && p.name != "message" {
			t.Errorf("nobody saw the page %s", p.name)
		}
	}
}

// Pages in the other languages, and what forms and the journal answer.
func TestPagesThatAnswer(t *testing.T) {
	needsChromium(t)
	dir := screenshots(t)
	o := entrance(inBrowser).as(t, qm, string(sandbox.Officer1))
	b := o.means.(*scripted)
	page := o.get("/compose/mla.request/1?to=QN/justice")
	page = o.presses(page, "/compose/mla.request/1", "act", "submit")
	o.expects(page, "There is something to mend")
	b.shoot(t, dir, "errors")
	for _, language := range []struct{ code, says, dir string }{{"fr", "Vue d’ensemble", "ltr"}, {"ar", "نظرة عامة", "rtl"}} {
		page = o.presses(o.get("/"), "/preferences", "language", language.code)
		o.expects(page, language.says)
		direction, err := ask[string](b, `getComputedStyle(document.body).direction`)
		if err != nil || direction != language.dir {
			t.Errorf("%s: %s, %v", language.code, direction, err)
		}
		for name, path := range map[string]string{"overview": "/", "cases": "/cases", "form": "/compose/mla.request/1?to=QN/justice"} {
			if page := o.get(path); page.Status != http.StatusOK {
				t.Errorf("%s: answered %d", path, page.Status)
			}
			b.shoot(t, dir, name+"-"+language.code)
		}
	}
	auditor := entrance(inBrowser).as(t, qm, string(sandbox.Auditor))
	page = auditor.presses(auditor.get("/journal"), "/journal/verify", "", "")
	auditor.expects(page, "Everything fits.")
	auditor.means.(*scripted).shoot(t, dir, "verified")
	out := inBrowser(t, qm).(*scripted)
	if _, err := out.open(t.Context(), "/login"); err != nil {
		t.Fatal(err)
	}
	out.shoot(t, dir, "login")
}

// What is missing is said while somebody writes, without a button.
func TestCompletenessAsYouType(t *testing.T) {
	needsChromium(t)
	o := entrance(inBrowser).as(t, qm, string(sandbox.Officer1))
	b := o.means.(*scripted)
	o.get("/compose/mla.status-query/1")
	if err := b.do(chromedp.SendKeys(`[id="f/to/0"]`, "QN/justice", chromedp.NodeVisible)); err != nil {
		t.Fatal(err)
	}
	b.until(t, `document.getElementById("completeness").textContent.includes("Points to mend")`)
}

// until waits for what a script does by itself.
func (b *scripted) until(t *testing.T, condition string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		there, err := ask[bool](b, condition)
		if err == nil && there {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("never: %s (%v)", condition, err)
		}
	}
}

// A protection officer reviews what an officer's page shows as waiting, and nothing more; two release it.
func TestReviewInABrowser(t *testing.T) {
	needsChromium(t)
	held := approved(t, qm, drafts(t, qm, qn, "mla.request/1", aboutAWitness))
	settles(t, qm, held.ID, "under-review")
	writer := entrance(inBrowser).as(t, qm, string(sandbox.Officer1))
	page := writer.get("/messages/" + string(held.ID))
	writer.expects(page, "under review")
	for _, word := range []string{"hold", "held", "ASY", "register", "protection"} {
		if strings.Contains(page.Text(), word) {
			t.Errorf("the officer's page says %q: %s", word, page.Text())
		}
	}
	review := "/reviews/" + string(held.ID)
	for _, name := range []sandbox.Person{sandbox.Protection1, sandbox.Protection2} {
		officer := entrance(inBrowser).as(t, qm, string(name))
		page := officer.get(review)
		officer.expects(page, "hold")
		page = officer.presses(page, review+"/release", "", "", "necessity", "The witness is to be heard.")
		officer.expects(page, "Your release is recorded")
	}
	settles(t, qm, held.ID, "delivered")
}

// An alert is on the desk of the other State at once, and the keyboard reaches it.
func TestAnAlertArrivesLive(t *testing.T) {
	needsChromium(t)
	desk := entrance(inBrowser).as(t, qmBorder, "duty-desk")
	b := desk.means.(*scripted)
	desk.expects(desk.get("/border"), "New alerts appear here at once")
	b.until(t, `document.getElementById("live").textContent === "live"`)
	raised := drafts(t, qnBorder, qmBorder, "border.alert/1", alert)
	if _, err := client(t, qnBorder, sandbox.Officer1).SignAlone(t.Context(), raised.ID, raised.SHA256); err != nil {
		t.Fatal(err)
	}
	b.until(t, `!!document.querySelector(".card.fresh a[href='/messages/`+string(raised.ID)+`']")`)
	b.until(t, `document.getElementById("announce").textContent !== ""`)
	b.shoot(t, screenshots(t), "border-alert")
	if err := b.do(chromedp.KeyEvent("j" + kb.Enter)); err != nil {
		t.Fatal(err)
	}
	b.until(t, `location.pathname === "/messages/`+string(raised.ID)+`"`)
	page, err := b.page()
	if err != nil {
		t.Fatal(err)
	}
	desk.expects(page, "Crossing point QNABC")
}
