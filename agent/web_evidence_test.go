package agent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/evidence"
	"comity/schemas"
)

// uploads sends a form with files part by part, of a length that nobody says: token first, then what content writes.
func (c *caller) uploads(in schemas.CaseID, token string, content func(*multipart.Writer) error) (int, string, error) {
	c.t.Helper()
	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() {
		err := form.WriteField(account.CSRFField, token)
		if err == nil {
			err = content(form)
		}
		if err == nil {
			err = form.Close()
		}
		writer.CloseWithError(err)
	}()
	defer reader.Close()
	request, err := http.NewRequestWithContext(c.t.Context(), "POST", c.d.url+"/cases/"+string(in)+"/evidence", reader)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.AddCookie(c.cookie)
	client := *c.d.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

func fileOf(name string, content []byte, fields ...string) func(*multipart.Writer) error {
	return func(form *multipart.Writer) error {
		for i := 0; i+1 < len(fields); i += 2 {
			if err := form.WriteField(fields[i], fields[i+1]); err != nil {
				return err
			}
		}
		part, err := form.CreateFormFile("file", name)
		if err == nil {
			_, err = part.Write(content)
		}
		return err
	}
}

// spooled are the files in a desk's spool, and filesOf the rows of a case.
func (d *desk) spooled() (names []string) {
	d.t.Helper()
	err := filepath.WalkDir(filepath.Join(d.config.Data, "evidence"), func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return names
}

func (d *desk) evidenceIn(in schemas.CaseID) []api.Evidence {
	d.t.Helper()
	files, err := d.EvidenceList(d.t.Context(), string(in))
	if err != nil {
		d.t.Fatal(err)
	}
	return files
}

// download asks for the content of a file in the console.
func (c *caller) download(id schemas.FileID) (int, []byte, http.Header) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), "GET", c.d.url+"/evidence/"+string(id)+"/content", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	request.AddCookie(c.cookie)
	response, err := c.d.client.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, content, response.Header
}

// A file goes from one browser to the other: added by a form, named in a draft, approved, fetched, opened; each step is in its custody.
func TestEvidenceFromBrowserToBrowser(t *testing.T) {
	w := newWorld(t)
	in := w.acceptedCase(t)
	host, guest := serveWeb(t, w.desks[qn]), serveWeb(t, w.desks[qm])
	officer, reader := host.login(t, "web-case-officer"), guest.login(t, "web-case-officer")
	content := bankText(6_000)
	if status, page, err := officer.uploads(in, officer.csrf, fileOf("TESTPERSON statement.txt", content)); err != nil || status != http.StatusSeeOther {
		t.Fatalf("%d %.300s %v", status, page, err)
	}
	e := host.evidenceIn(in)[0]
	if e.Reading != readingClean || e.Name != "evidence-1.txt" || e.Certified || custodyOf(host.evidenceAt(e.ID)) != "added web-case-officer" {
		t.Errorf("%+v", e)
	}
	page := func(who *caller, want string) {
		t.Helper()
		if _, text := who.page("GET", "/cases/"+string(in)+"/evidence", nil); !strings.Contains(text, want) || strings.Contains(text, "TESTPERSON") {
			t.Errorf("%s: the page lacks %q, or has the name of the file", who.name, want)
		}
	}
	page(officer, "added, no message names it yet")
	m, err := host.Draft(t.Context(), "web-case-officer", draft(t, qm, "result", in, ""))
	if err != nil {
		t.Fatal(err)
	}
	status, text := officer.page("POST", "/cases/"+string(in)+"/evidence/name", url.Values{"message": {string(m[0].ID)}, "file": {string(e.ID)}})
	if status != http.StatusSeeOther {
		t.Fatalf("naming the file: %d %.300s", status, text)
	}
	page(officer, "waits with its message")
	named := host.message(qn, m[0].ID)
	if _, err := host.Approve(t.Context(), "approver", named.ID, hexOf(named.PayloadSHA256), host.proof(t, "approver", api.SignApproval, named.ID, hexOf(named.PayloadSHA256))); err != nil {
		t.Fatal(err)
	}
	host.sealReviewed(named.ID)
	w.carry(t)
	page(officer, "being fetched by the other side")
	page(reader, "arriving")
	if status, _, _ := reader.download(e.ID); status != http.StatusConflict {
		t.Errorf("opened before it was whole: %d", status)
	}
	w.fetch(t)
	page(officer, "delivered, confirmed")
	page(reader, "arrived and verified")
	status, got, header := reader.download(e.ID)
	if status != http.StatusOK || !bytes.Equal(got, content) || header.Get("Content-Disposition") != `attachment; filename="evidence-1.txt"` ||
		header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%d, %d bytes, %v", status, len(got), header)
	}
	if steps := custodyOf(guest.evidenceAt(e.ID)); steps != "received, opened web-case-officer" {
		t.Errorf("custody: %s", steps)
	}
	if _, text := reader.page("GET", "/evidence/"+string(e.ID), nil); !strings.Contains(text, "opened") || !strings.Contains(text, "web-case-officer") {
		t.Error("the page of the file does not show who opened it")
	}
	if status, _, _ := guest.login(t, "web-registrar").download(e.ID); status != http.StatusForbidden {
		t.Errorf("a registrar opens it: %d", status)
	}
}

// A file that is too large to be scanned is sealed as it comes, whatever its size, and is the same when it is opened.
func TestALargeFileStreamsIn(t *testing.T) {
	w := newWorld(t)
	in := w.acceptedCase(t)
	d := serveWeb(t, w.desks[qn])
	officer := d.login(t, "web-case-officer")
	for n, size := range map[int]int{1: scannable, 2: scannable + 1, 3: scannable + 3<<20} {
		content := random(size)
		content[0] = byte(n)
		if status, page, err := officer.uploads(in, officer.csrf, fileOf("video.bin", content, "certified", "true")); err != nil || status != http.StatusSeeOther {
			t.Fatalf("%d bytes: %d %.300s %v", size, status, page, err)
		}
		for _, e := range d.evidenceIn(in) {
			if e.SHA256 != sha256Hex(content) {
				continue
			}
			size = 0
			if e.Bytes != int64(len(content)) || !e.Certified || e.Reading == readingClean {
				t.Errorf("%+v", e)
			}
			if got, err := d.opened(e.ID); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes came back, %v", len(got), err)
			}
		}
		if size != 0 {
			t.Errorf("no file has the hash of what was sent, %d bytes", size)
		}
		if status, page, err := officer.uploads(in, officer.csrf, fileOf("again.bin", content)); err != nil || status != http.StatusConflict || !strings.Contains(page, "added to the case already") {
			t.Errorf("the same again: %d %v", status, err)
		}
	}
	if names := d.spooled(); len(names) != 6 { // three files, each with its tree
		t.Errorf("the spool has %v", names)
	}
}

// What breaks off, has no room or is another site's leaves nothing: no row, no file, no room taken.
func TestAnUploadThatFailsLeavesNothing(t *testing.T) {
	w := newWorld(t)
	in := w.acceptedCase(t)
	d := serveWeb(t, w.desks[qn])
	officer := d.login(t, "web-case-officer")
	const quota = 40 << 20
	spool, err := evidence.Open(evidence.Config{Dir: filepath.Join(d.config.Data, "evidence"), Quota: quota, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	d.spool = spool
	nothing := func(what string) {
		t.Helper()
		if files, names := d.evidenceIn(in), d.spooled(); len(files) > 0 || len(names) > 0 {
			t.Errorf("%s left %d rows and %v", what, len(files), names)
		}
		if err := spool.Room(quota * 8 / 10); err != nil {
			t.Errorf("%s keeps room: %v", what, err)
		}
	}
	broken := errors.New("the connection broke")
	for _, size := range []int{1000, scannable + 1<<20} {
		sent := false
		_, _, err := officer.uploads(in, officer.csrf, func(form *multipart.Writer) error {
			sent = true
			return errors.Join(fileOf("half.bin", random(size))(form), broken)
		})
		if !errors.Is(err, broken) || !sent {
			t.Errorf("%d bytes and a break: %v", size, err)
		}
		d.idleUploads(t)
		nothing("a break")
	}
	if status, page, err := officer.uploads(in, officer.csrf, fileOf("large.bin", random(quota))); err == nil && (status != http.StatusConflict || !strings.Contains(page, "quota")) {
		t.Errorf("over the quota: %d %.300s", status, page)
	}
	d.idleUploads(t)
	nothing("a file over the quota")
	if status, _, err := officer.uploads(in, "wrong", fileOf("other.txt", bankText(10))); err == nil && status != http.StatusForbidden {
		t.Errorf("another site's form: %d", status)
	}
	nothing("another site")
	for what, content := range map[string]func(*multipart.Writer) error{"an empty file": fileOf("empty.txt", nil), "no file": func(*multipart.Writer) error { return nil }} {
		if status, _, err := officer.uploads(in, officer.csrf, content); err != nil || status < 400 || status >= 500 {
			t.Errorf("%s: %d %v", what, status, err)
		}
		nothing(what)
	}
	if status, _, err := officer.uploads("nosuchcase", officer.csrf, fileOf("a.txt", bankText(10))); err != nil || status != http.StatusNotFound {
		t.Errorf("no such case: %d %v", status, err)
	}
	nothing("no such case")
	if status, page, err := officer.uploads(in, officer.csrf, fileOf("good.txt", bankText(10))); err != nil || status != http.StatusSeeOther {
		t.Errorf("after all that a good one: %d %.300s %v", status, page, err)
	}
}

// idleUploads waits until the handlers of uploads have ended: it takes every place that an upload needs, and gives them back.
func (d *desk) idleUploads(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range cap(d.uploads) {
		select {
		case d.uploads <- struct{}{}:
		case <-ctx.Done():
			t.Fatal("an upload never ends")
		}
	}
	for range cap(d.uploads) {
		<-d.uploads
	}
}

// A page that is open is told when a file moves, and its list then shows it.
func TestAPageIsToldThatAFileMoves(t *testing.T) {
	w := newWorld(t)
	in := w.acceptedCase(t)
	d := serveWeb(t, w.desks[qn])
	officer := d.login(t, "web-case-officer")
	request, err := http.NewRequestWithContext(t.Context(), "GET", d.url+"/cases/"+string(in)+"/evidence/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.AddCookie(officer.cookie)
	response, err := d.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(response.Status)
	}
	e := d.mustAdd(in, "a.txt", bankText(10))
	line := make([]byte, 64)
	n, err := response.Body.Read(line)
	if err != nil || !strings.HasPrefix(string(line[:n]), "event: moved\n") {
		t.Errorf("%q, %v", line[:n], err)
	}
	if _, list := officer.page("GET", "/cases/"+string(in)+"/evidence/list", nil); !strings.Contains(list, string(e.ID)) || strings.Contains(list, "<html") {
		t.Error("the list alone does not show the file")
	}
}
