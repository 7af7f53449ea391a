package webtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A request is acknowledged by a box that is ticked, a file is added with progress and named in the draft; at the other side its
// page shows by itself that it has arrived, and it is opened there.
func TestEvidenceFromBrowserToBrowser(t *testing.T) {
	needsChromium(t)
	opened := approved(t, qm, drafts(t, qm, qn, "mla.request/1", asksForRecords))
	in := settles(t, qm, opened.ID, "delivered").Case
	files := "/cases/" + string(in) + "/evidence"
	enter := entrance(inBrowser)
	host, reader := enter.as(t, qn, "officer-1"), enter.as(t, qm, "officer-1")
	b := host.means.(*scripted)

	page := host.waits("/tasks?kind=acknowledgement", string(in)[:8])
	b.accessible(t, "/tasks")
	page = host.presses(page, "/tasks/assign", "", "", "case", string(in))
	host.expects(page, "Draft the acknowledgements", string(in)[:8])
	b.accessible(t, "/acknowledge")
	page = host.presses(page, "/acknowledge", "act", "draft", "national_ref", "QN-2026-0417", "desk", "Incoming requests")
	host.expects(page, "The drafts wait for a second person.")
	message, err := page.Link("Acknowledgement")
	if err != nil {
		t.Fatal(err)
	}

	host.get(files)
	content := strings.Repeat("On the second day of the month the company paid the invoice for the spare parts to the supplier by bank transfer.\n", 20_000)
	path := filepath.Join(t.TempDir(), "TESTPERSON ALPHA-01.txt")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	// The bar is seen to move: what it shows at each step of the upload is noted.
	if err := b.do(chromedp.SetUploadFiles("#file", []string{path}, chromedp.NodeReady)); err != nil {
		t.Fatal(err)
	}
	if _, err := ask[bool](b, `(() => { sessionStorage.seen = ""; const bar = document.querySelector("form[data-upload] progress");
		new MutationObserver(() => { sessionStorage.seen += bar.value + " "; }).observe(bar, {attributes: true}); return true; })()`); err != nil {
		t.Fatal(err)
	}
	page = host.presses(page, files, "", "")
	host.expects(page, "The files were added.", "evidence-1.txt", "added, no message names it yet")
	if strings.Contains(page.Text(), "TESTPERSON") {
		t.Error("the name of the officer's file stands on the page")
	}
	if seen, err := ask[string](b, `sessionStorage.seen`); err != nil || !strings.Contains(seen, "100 ") {
		t.Errorf("the bar showed %q, %v", seen, err)
	}
	b.accessible(t, files)
	if _, err := ask[bool](b, `(() => { document.querySelector("#evidence input[type=checkbox]").click(); window.pageBefore = true;
		document.querySelector("button[form=evidence-name]").click(); return true; })()`); err != nil {
		t.Fatal(err)
	}
	if page, err = b.next(); err != nil {
		t.Fatal(err)
	}
	host.expects(page, "Any approval of it is undone.")

	r := reader.means.(*scripted)
	reader.get(files) // stays open
	approver := entrance(withoutScripts).as(t, qn, "approver")
	approver.expects(approver.presses(approver.get(message), message+"/approve", "", ""), "Approved.")
	r.until(t, `document.getElementById("evidence").textContent.includes("arrived and verified")`)
	if page, err = r.page(); err != nil {
		t.Fatal(err)
	}
	r.accessible(t, files)
	file, err := page.Link("evidence-1.txt")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ask[string](r, `(() => { const x = new XMLHttpRequest(); x.open("GET", "`+file+`/content", false); x.send();
		return x.status + " " + x.getResponseHeader("Content-Disposition") + " " + x.responseText.length; })()`)
	if want := `200 attachment; filename="evidence-1.txt" 2280000`; err != nil || got != want {
		t.Errorf("opened: %s, %v, want %s", got, err, want)
	}
	reader.expects(reader.get(file), "opened", "officer-1")
	r.accessible(t, file)
}
