package console

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/evidence"
	"comity/agent/people"
	"comity/schemas"
)

// Files of evidence in a browser: they stream in and out and are nowhere whole in memory, but for the beginning that can be scanned.
// A plain form sends them; a script shows how far they are.

// maxUpload bounds a form with files: one of the largest size, and what stands around it.
const maxUpload = evidence.MaxBytes + 1<<20

// maxUploadParts bounds the parts of such a form.
const maxUploadParts = 64

// evidencePage is the files of a case.
type evidencePage struct {
	Case   api.Case
	Me     schemas.AuthorityID
	Files  []evidenceRow
	Drafts []api.Message // of ours in the case, that can still name files
	Add    bool
	Open   bool // this person may read content
}

// evidenceRow is a file with where it is.
type evidenceRow struct {
	api.Evidence
	Phase    string // of the closed set "evidence-phase."
	Percent  int    // of what arrives
	Moves    bool
	Openable bool
}

func (k *Console) evidenceRoutes(handle func(string, people.Act, func(http.ResponseWriter, *http.Request, *visit))) {
	handle("GET /cases/{id}/evidence", people.ReadList, k.evidence)
	handle("GET /cases/{id}/evidence/list", people.ReadList, k.evidenceList)
	handle("GET /cases/{id}/evidence/events", people.ReadList, k.evidenceEvents)
	handle("POST /cases/{id}/evidence/name", people.Draft, k.nameEvidence)
	handle("GET /evidence/{id}", people.ReadList, k.oneEvidence)
	handle("GET /evidence/{id}/content", people.ReadText, k.openEvidence)
	k.guard.HandleUpload(account.Route{Pattern: "POST /cases/{id}/evidence", Act: people.Draft, MaxBody: maxUpload},
		func(w http.ResponseWriter, r *http.Request, s *account.Session, parts *multipart.Reader) {
			k.uploadEvidence(w, r, &visit{Session: s, lang: k.languageOf(r), zone: zoneOf(r)}, parts)
		})
}

func (k *Console) evidenceBody(r *http.Request, v *visit) (body evidencePage, err error) {
	body = evidencePage{Me: k.Authority, Add: v.Person.May(people.Draft), Open: v.Person.May(people.ReadText)}
	if body.Case, err = k.Desk.Case(r.Context(), r.PathValue("id")); err != nil {
		return body, err
	}
	files, err := k.Desk.EvidenceList(r.Context(), string(body.Case.ID))
	if err != nil {
		return body, err
	}
	states := map[schemas.MessageID]string{}
	for _, m := range body.Case.Messages {
		states[m.ID] = m.State
		if m.Direction == "out" && slices.Contains([]string{"in-review", "approved", "returned"}, m.State) {
			body.Drafts = append(body.Drafts, m)
		}
	}
	for _, e := range files {
		body.Files = append(body.Files, rowOf(e, e.Owner == k.Authority, states[e.Message]))
	}
	return body, nil
}

// rowOf says where a file is. What waits with a message that is under review waits like any other.
func rowOf(e api.Evidence, ours bool, message string) evidenceRow {
	row := evidenceRow{Evidence: e, Openable: ours || e.State == "complete"}
	switch {
	case !ours && e.State == "fetching":
		row.Phase, row.Moves = "arriving", true
		if e.Chunks > 0 {
			row.Percent = int(e.Have * 100 / e.Chunks)
		}
	case !ours && e.State == "complete":
		row.Phase = "verified"
	case e.State == "ready" && message == "":
		row.Phase = "ready"
	case e.State == "ready" && (message == "sent" || message == "delivered"):
		row.Phase, row.Moves = "sending", true
	case e.State == "ready":
		row.Phase = "waiting"
	default: // delivered, refused, under-review
		row.Phase = e.State
	}
	return row
}

func (k *Console) evidence(w http.ResponseWriter, r *http.Request, v *visit) {
	body, err := k.evidenceBody(r, v)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.show(w, r, v, "evidence", "evidence.title", body)
}

// evidenceList is the table alone, for a script that was told that something moved.
func (k *Console) evidenceList(w http.ResponseWriter, r *http.Request, v *visit) {
	body, err := k.evidenceBody(r, v)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.fragment(w, v, "evidence", "evidence-files", k.pageOf(r, v, "", body))
}

// How often the stream of a page looks whether a file of it has moved.
const evidenceLook = time.Second

// evidenceEvents tells a script that a file of the case has moved. It is no use of the session, as at the border desk.
func (k *Console) evidenceEvents(w http.ResponseWriter, r *http.Request, v *visit) {
	last, err := k.evidenceBody(r, v)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	stream := http.NewResponseController(w)
	stream.SetWriteDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	if stream.Flush() != nil {
		return
	}
	tick := time.NewTicker(evidenceLook)
	defer tick.Stop()
	said := time.Now()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
		now, err := k.evidenceBody(r, v)
		if err != nil || !k.Book.Alive(v.Session) {
			return
		}
		line := ": alive\n\n"
		switch {
		case !sameRows(last.Files, now.Files):
			line = "event: moved\ndata: \n\n"
		case time.Since(said) < keepAlive:
			continue
		}
		last, said = now, time.Now()
		if _, err := io.WriteString(w, line); err != nil || stream.Flush() != nil {
			return
		}
	}
}

func sameRows(a, b []evidenceRow) bool {
	return slices.EqualFunc(a, b, func(a, b evidenceRow) bool {
		return a.ID == b.ID && a.Phase == b.Phase && a.Percent == b.Percent && a.Message == b.Message
	})
}

// uploadEvidence adds the files of a form as they come. What was added before one that is refused stays, and is shown.
func (k *Console) uploadEvidence(w http.ResponseWriter, r *http.Request, v *visit, parts *multipart.Reader) {
	in, said, added := r.PathValue("id"), api.Announcement{}, 0
	for range maxUploadParts {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err == nil {
			switch name := part.FormName(); {
			case name == "certified":
				value, _ := io.ReadAll(io.LimitReader(part, 16))
				said.Certified = bytes.Equal(value, []byte("true"))
			case name == "file" && part.FileName() != "":
				said.Name = part.FileName()
				_, err = k.Desk.UploadEvidence(r.Context(), v.Person.Name, in, said, part)
				added++
			}
		} else {
			err = &api.Problem{Reason: api.ReasonRequest, Message: "the upload broke off"}
		}
		if err != nil {
			k.fail(w, r, v, err)
			return
		}
	}
	if added == 0 {
		k.fail(w, r, v, &api.Problem{Reason: api.ReasonRequest, Message: "no file was chosen"})
		return
	}
	back(w, r, "/cases/"+url.PathEscape(in)+"/evidence", "evidence")
}

// nameEvidence has a draft name the chosen files.
func (k *Console) nameEvidence(w http.ResponseWriter, r *http.Request, v *visit) {
	id := schemas.MessageID(r.PostFormValue("message"))
	files := chosen[schemas.FileID](r, "file")
	if len(files) == 0 || id == "" {
		k.fail(w, r, v, &api.Problem{Reason: api.ReasonRequest, Message: "choose a draft, and one file at least"})
		return
	}
	if _, err := k.Desk.NameEvidence(r.Context(), v.Person.Name, id, files); err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/messages/"+string(id), "edited")
}

func (k *Console) oneEvidence(w http.ResponseWriter, r *http.Request, v *visit) {
	e, err := k.Desk.EvidenceFile(r.Context(), r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	state := ""
	if e.Message != "" {
		if m, err := k.Desk.Message(r.Context(), string(e.Message)); err == nil {
			state = m.State
		}
	}
	row := rowOf(e, e.Owner == k.Authority, state)
	row.Openable = row.Openable && v.Person.May(people.ReadText)
	k.show(w, r, v, "evidence-file", "evidence.file", row)
}

func (k *Console) openEvidence(w http.ResponseWriter, r *http.Request, v *visit) {
	if err := api.HandOutEvidence(w, r, k.Desk, v.Person, k.Log); err != nil {
		k.fail(w, r, v, err)
	}
}

// Size writes how large a file is.
func (e evidenceRow) Size() string {
	switch n := e.Bytes; {
	case n >= 1<<30:
		return strconv.FormatFloat(float64(n)/(1<<30), 'f', 1, 64) + " GiB"
	case n >= 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
	default:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
}
