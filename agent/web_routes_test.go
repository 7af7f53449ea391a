package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// webRoutes lists the routes of the API behind the web door.
func (d *desk) webRoutes() []api.Route { return api.NewServer(d.Agent, d.gate, d.log).WebRoutes() }

// plausible is a path of a route with something in place of its parameters.
func plausible(path string, id schemas.MessageID) string {
	return strings.NewReplacer("{id}", string(id), "{name}", "nobody", "{sha256}", strings.Repeat("0", 64)).Replace(path)
}

// Every role at every route, as a person and, where a machine may have the role, as a machine: what the one table of roles
// (agent/people) does not allow is forbidden, and nothing else is.
func TestTheRoleMatrixOfTheWebDoor(t *testing.T) {
	d := newWebDesk(t)
	var made api.Messages
	d.login(t, "web-case-officer").want(http.StatusCreated, "POST", "/drafts", draft(t, qn, "request", "", ""), &made)
	routes := d.webRoutes()
	if len(routes) < 30 {
		t.Fatalf("only %d routes", len(routes))
	}
	for _, role := range people.Roles() {
		callers := map[*caller]*people.Person{d.login(t, "web-"+string(role)): {Roles: []people.Role{role}}}
		if people.MachineMay(role) {
			callers[d.machine(t, "machine-"+string(role), role)] = &people.Person{Roles: []people.Role{role}, Machine: true}
		}
		for who, person := range callers {
			for _, r := range routes {
				status, answer, _ := who.ask(r.Method, plausible(r.Path, made.Messages[0].ID), []byte("{}"))
				forbidden := status == http.StatusForbidden && bytes.Contains(answer, []byte(`"reason":"forbidden"`))
				if forbidden == person.May(r.Act) || status == http.StatusUnauthorized || status >= 500 {
					t.Errorf("%s (machine %v): %s %s (%s): %d %s", role, person.Machine, r.Method, r.Path, r.Act, status, answer)
				}
			}
		}
	}
	for _, r := range routes {
		nobody := &caller{d: d, t: t}
		status, _, header := nobody.ask(r.Method, plausible(r.Path, made.Messages[0].ID), []byte("{}"))
		if open := r.Act == people.Anybody; open != (status == http.StatusOK) || !open && (status != http.StatusUnauthorized || header.Get("WWW-Authenticate") == "") {
			t.Errorf("nobody: %s %s: %d", r.Method, r.Path, status)
		}
	}
}

// apiDocument is the document that a web door serves, with the validator of its schemas.
type apiDocument struct {
	t        *testing.T
	paths    map[string]map[string]any
	compiler *jsonschema.Compiler
	seen     map[string]bool // method and path that answered with success
}

const documentURL = "https://agent.example/openapi.json"

func readDocument(t *testing.T, d *webDesk) *apiDocument {
	t.Helper()
	status, answer, _ := (&caller{d: d, t: t}).ask("GET", "/openapi.json", nil)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(answer))
	if err != nil {
		t.Fatal(err)
	}
	doc := &apiDocument{t: t, compiler: jsonschema.NewCompiler(), paths: map[string]map[string]any{}, seen: map[string]bool{}}
	doc.compiler.AssertFormat()
	if err := doc.compiler.AddResource(documentURL, parsed); err != nil {
		t.Fatal(err)
	}
	for path, item := range parsed.(map[string]any)["paths"].(map[string]any) {
		doc.paths[path] = item.(map[string]any)
	}
	return doc
}

// The document is one by the schema of the OpenAPI Initiative, has every route and no other, and says of each what the table
// says.
func TestTheDocumentOfTheAPI(t *testing.T) {
	d := newWebDesk(t)
	doc := readDocument(t, d)
	_, answer, _ := (&caller{d: d, t: t}).ask("GET", "/openapi.json", nil)
	file, err := os.Open("testdata/openapi/schema-3.1.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	official, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("official.json", official); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("official.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(answer))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(parsed); err != nil {
		t.Errorf("the document is not OpenAPI 3.1: %v", err)
	}
	known := map[string]string{}
	for _, r := range d.webRoutes() {
		known[r.Method+" "+r.Path] = string(r.Act)
	}
	ids := map[any]bool{}
	for path, item := range doc.paths {
		for method, one := range item {
			operation := one.(map[string]any)
			name := strings.ToUpper(method) + " " + path
			if operation["x-comity-act"] != known[name] || operation["summary"] == "" || ids[operation["operationId"]] {
				t.Errorf("%s: %v, %v, act %v", name, operation["operationId"], operation["summary"], operation["x-comity-act"])
			}
			ids[operation["operationId"]] = true
			delete(known, name)
		}
	}
	for name := range known {
		t.Errorf("the document lacks %s", name)
	}
}

// check holds an answer against the document.
func (doc *apiDocument) check(method, path string, status int, answer []byte, kind string) {
	doc.t.Helper()
	operation, ok := doc.paths[path][strings.ToLower(method)].(map[string]any)
	if !ok {
		doc.t.Fatalf("the document has no %s %s", method, path)
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	pointer := "#/components/schemas/ProblemDocument"
	if status < 300 {
		doc.seen[method+" "+path] = true
		response, ok := operation["responses"].(map[string]any)[strconv.Itoa(status)].(map[string]any)
		if !ok {
			doc.t.Errorf("%s %s: the document has no answer %d", method, path, status)
			return
		}
		media, ok := response["content"].(map[string]any)[kind].(map[string]any)
		if !ok {
			doc.t.Errorf("%s %s: the document has no answer of the kind %q", method, path, kind)
			return
		}
		if kind != "application/json" || media["schema"] == nil {
			return
		}
		pointer = "#/paths/" + escape.Replace(path) + "/" + strings.ToLower(method) + "/responses/" + strconv.Itoa(status) + "/content/application~1json/schema"
	} else if kind != "application/problem+json" {
		doc.t.Errorf("%s %s: %d is of the kind %q", method, path, status, kind)
		return
	}
	u, _ := url.Parse(documentURL)
	schema, err := doc.compiler.Compile(u.String() + strings.ReplaceAll(strings.ReplaceAll(pointer, "{", "%7B"), "}", "%7D"))
	if err != nil {
		doc.t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(answer))
	if err != nil {
		doc.t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		doc.t.Errorf("%s %s: %d %s\n%v", method, path, status, answer, err)
	}
}

// webTour is a day at the web door, each answer held against the document.
type webTour struct {
	*apiDocument
	d *webDesk
}

// at is the same tour at another desk.
func (s *webTour) at(d *desk) *webTour {
	return &webTour{apiDocument: s.apiDocument, d: serveWeb(s.t, d)}
}

// step asks as somebody; fill are the parameters of the path, in their order, and then the query.
func (s *webTour) step(who *caller, want int, method, path string, body any, into any, fill ...string) {
	s.t.Helper()
	target := path
	for strings.Contains(target, "{") {
		from, to := strings.Index(target, "{"), strings.Index(target, "}")
		target, fill = target[:from]+fill[0]+target[to+1:], fill[1:]
	}
	target += strings.Join(fill, "")
	var content []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		content = b
	default:
		var err error
		if content, err = schemas.Canonical(b); err != nil {
			s.t.Fatal(err)
		}
	}
	status, answer, header := who.ask(method, target, content)
	if status != want {
		s.t.Errorf("%s: %s %s: %d %s, want %d", who.name, method, target, status, answer, want)
	}
	s.check(method, path, status, answer, header.Get("Content-Type"))
	if into != nil && status < 300 {
		if err := json.Unmarshal(answer, into); err != nil {
			s.t.Fatal(err)
		}
	}
}

// notInTheTour are routes of which the tour sees a refusal alone, with the reason. The types of their answers are seen elsewhere.
var notInTheTour = map[string]string{
	"POST /messages/{id}/clear": "needs a message that was withheld on arrival",
}

// Every route, and every answer is what the document says of it.
func TestATourThroughTheWholeAPI(t *testing.T) {
	w := newWorld(t)
	d := serveWeb(t, w.desks[qm])
	s := &webTour{apiDocument: readDocument(t, d), d: d}
	s.officersDay()
	s.machinesDay()
	s.at(newWorld(t).desks[qm]).intake()
	w.desks[qmBorder], w.desks[qnBorder] = w.open(t, qmBorder), w.open(t, qnBorder)
	s.at(w.desks[qmBorder]).borderNight()
	s.at(newReviewWorld(t).desks[qm]).protectionOfficersDay()
	s.at(newHandoutWorld(t).desks[qm]).dayOfCaseFiles()
	paper, desk := newPaperWorld(t)
	s.at(desk).mail(paper)
	old := newWorld(t)
	s.at(old.desks[qm]).endOfTime(old)
	for _, r := range d.webRoutes() {
		name := r.Method + " " + r.Path
		if s.seen[name] == (notInTheTour[name] != "") {
			t.Errorf("%s: seen %v, excused %q", name, s.seen[name], notInTheTour[name])
		}
	}
}

func (s *webTour) officersDay() {
	t, officer, approver := s.t, s.d.login(s.t, "web-case-officer"), s.d.login(s.t, "web-approver")
	s.step(officer, 200, "GET", "/openapi.json", nil, nil)
	s.step(officer, 200, "GET", "/me", nil, nil)
	s.step(officer, 200, "GET", "/health", nil, nil)
	s.step(officer, 200, "GET", "/directory", nil, nil)
	s.step(officer, 200, "GET", "/tasks", nil, nil, "?all=true&limit=5")
	s.step(officer, 422, "POST", "/drafts", []byte(`{"to":["QN/justice"],"channel":"mla","type":"mla.request/1"}`), nil)
	s.step(officer, 422, "POST", "/drafts", []byte(`{"to":`), nil)
	var made api.Messages
	s.step(officer, 201, "POST", "/drafts", carrying(t, "note-1.txt", "text/plain", []byte("An account statement."), nil), &made)
	m := made.Messages[0]
	id := string(m.ID)
	s.step(officer, 200, "PUT", "/messages/{id}/draft", carrying(t, "note-1.txt", "text/plain", []byte("Another account statement."), nil), &m, id)
	var shown api.Message
	s.step(officer, 200, "GET", "/messages/{id}", nil, &shown, id)
	s.step(officer, 200, "GET", "/messages/{id}/files/{sha256}", nil, nil, id, shown.Files[0].SHA256)
	s.step(officer, 404, "GET", "/messages/{id}/files/{sha256}", nil, nil, id, strings.Repeat("0", 64))
	s.step(officer, 404, "GET", "/messages/{id}", nil, nil, "zzzz")
	s.step(approver, 200, "POST", "/messages/{id}/approval", api.Approval{SHA256: m.SHA256}, nil, id)
	s.step(officer, 201, "POST", "/drafts", draft(t, qn, "request", "", ""), &made)
	s.step(officer, 200, "DELETE", "/messages/{id}", nil, nil, string(made.Messages[0].ID))
	opened := s.d.send(draft(t, qn, "request", "", ""))
	s.d.w.carry(t)
	s.step(officer, 200, "GET", "/messages", nil, nil, "?state=delivered&peer=QN/justice&limit=2")
	s.step(officer, 400, "GET", "/messages", nil, nil, "?cursor=x")
	s.step(officer, 400, "GET", "/cases", nil, nil, "?limit=-1")
	s.step(officer, 200, "GET", "/cases", nil, nil)
	s.step(officer, 200, "GET", "/cases/{id}", nil, nil, string(opened.Case))
	s.step(approver, 200, "POST", "/cases/{id}/export", nil, nil, string(opened.Case), "?for=QN")
	s.step(officer, 200, "POST", "/assignments", api.Assigning{Cases: []schemas.CaseID{opened.Case}, Officer: "web-case-officer"}, nil)
	s.step(officer, 409, "POST", "/assignments", api.Assigning{Cases: []schemas.CaseID{"none"}, Officer: "web-case-officer"}, nil)
	s.step(officer, 200, "GET", "/officers", nil, nil)
	s.step(officer, 200, "GET", "/cases", nil, nil, "?assigned=mine")
	s.step(officer, 400, "GET", "/tasks", nil, nil, "?assigned=yours")
	s.evidence(officer, string(opened.Case))
	keys := s.d.login(t, "web-key-officer")
	absence := api.Absence{Person: "web-approver", Deputy: "web-approver-2", From: s.d.now().Truncate(time.Second), To: s.d.now().Truncate(time.Second).AddDate(0, 0, 3)}
	s.step(keys, 201, "POST", "/absences", absence, nil)
	s.step(keys, 200, "GET", "/absences", nil, nil)
	s.step(keys, 200, "DELETE", "/absences/{name}", nil, nil, "web-approver")
	s.step(keys, 404, "DELETE", "/absences/{name}", nil, nil, "web-approver")
	auditor := s.d.login(t, "web-auditor")
	s.step(auditor, 200, "POST", "/journal/verification", nil, nil)
	s.step(auditor, 200, "POST", "/journal/checkpoint", nil, nil)
	s.step(auditor, 404, "POST", "/journal/checkpoint", nil, nil, "?log=else")
	s.step(auditor, 200, "GET", "/policy/decisions", nil, nil)
	s.step(auditor, 200, "GET", "/indicators", nil, nil, "?from=2026-07-01&to=2026-09-30")
	s.step(officer, 200, "GET", "/events", nil, nil)
}

func (s *webTour) intake() {
	t, officer := s.t, s.d.login(s.t, "web-case-officer")
	n := s.d.w.desks[qn]
	asked := n.write(draft(t, qm, "request", "", ""))
	n.sealReviewed(asked.ID)
	s.d.w.carry(t)
	s.step(officer, 201, "POST", "/acknowledgements", intakeOf("QM-1", asked.Case), nil)
	s.step(officer, 422, "POST", "/acknowledgements", intakeOf("QM-1", "none"), nil)
}

// evidence announces a file for a case, streams it and reads it back.
func (s *webTour) evidence(officer *caller, in string) {
	content := []byte("An account statement.")
	sum := sha256.Sum256(content)
	var announced api.Announced
	s.step(officer, 201, "POST", "/cases/{id}/evidence", api.Announcement{Name: "statement.txt", Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}, &announced, in)
	s.step(officer, 201, "PUT", "/evidence/{id}/content", content, nil, string(announced.ID))
	s.step(officer, 200, "GET", "/evidence", nil, nil, "?case="+in)
	s.step(officer, 200, "GET", "/evidence/{id}", nil, nil, string(announced.ID))
	s.step(officer, 200, "GET", "/evidence/{id}/content", nil, nil, string(announced.ID))
	s.step(officer, 404, "GET", "/evidence/{id}", nil, nil, "zzzz")
}

func (s *webTour) protectionOfficersDay() {
	one, two := s.d.login(s.t, "web-protection-officer"), s.d.login(s.t, "web-protection-2")
	urgent := func() api.Message { return s.d.stopped(requestOf(s.t, schemas.Urgent)) }
	m := urgent()
	var reviews api.Reviews
	s.step(one, 200, "GET", "/reviews", nil, &reviews)
	var r api.Review
	s.step(one, 200, "GET", "/reviews/{id}", nil, &r, string(m.ID))
	s.step(one, 409, "POST", "/messages/{id}/release", api.Release{SHA256: r.Message.SHA256, Digest: "00"}, nil, string(m.ID))
	for _, officer := range []*caller{one, two} {
		s.step(officer, 200, "POST", "/messages/{id}/release", api.Release{SHA256: r.Message.SHA256, Digest: r.Digest, Necessity: "It is needed."}, nil, string(m.ID))
	}
	s.step(one, 200, "POST", "/messages/{id}/return", nil, nil, string(urgent().ID))
	s.step(one, 200, "POST", "/messages/{id}/block", nil, nil, string(urgent().ID))
	s.step(one, 404, "POST", "/messages/{id}/clear", nil, nil, string(m.ID))
	s.step(one, 200, "POST", "/messages/{id}/not-same-person", api.Distinction{Person: "p1", Entry: "r1"}, nil, string(m.ID))
	s.step(one, 200, "POST", "/policy/check", draft(s.t, qn, "request", "", ""), nil)
	s.step(one, 200, "GET", "/register", nil, nil)
	s.step(one, 200, "GET", "/protection/alerts", nil, nil)
	s.d.alertNow(s.t.Context(), AlertReferral, string(m.ID), "")
	s.step(one, 200, "POST", "/protection/alerts", api.ProtectionAlert{Kind: string(AlertReferral), Subject: string(m.ID)}, nil)
	s.step(one, 404, "POST", "/protection/alerts", api.ProtectionAlert{Kind: "else", Subject: "x"}, nil)
}

func (s *webTour) dayOfCaseFiles() {
	approver, one, two := s.d.login(s.t, "web-approver"), s.d.login(s.t, "web-protection-officer"), s.d.login(s.t, "web-protection-2")
	in := s.d.w.aCaseOf(s.t, schemas.Urgent)
	ask := func(want int, reader string) api.Handout {
		s.step(approver, want, "POST", "/cases/{id}/export", nil, nil, string(in), "?for="+reader)
		var open api.Handouts
		s.step(one, 200, "GET", "/handouts", nil, &open)
		if len(open.Handouts) == 0 {
			return api.Handout{}
		}
		return open.Handouts[0]
	}
	h := ask(409, court)
	s.step(one, 200, "GET", "/handouts/{id}", nil, nil, string(h.ID))
	s.step(approver, 403, "GET", "/handouts/{id}", nil, nil, string(h.ID))
	s.step(one, 409, "POST", "/handouts/{id}/release", api.HandoutRelease{Digest: "00"}, nil, string(h.ID))
	for _, officer := range []*caller{one, two} {
		s.step(officer, 200, "POST", "/handouts/{id}/release", api.HandoutRelease{Digest: h.Digest}, nil, string(h.ID))
	}
	ask(200, court)
	h = ask(409, "QP")
	s.step(one, 200, "POST", "/handouts/{id}/block", nil, nil, string(h.ID))
	s.step(one, 200, "POST", "/handouts/{id}/return", nil, nil, string(h.ID))
	s.step(one, 409, "POST", "/handouts/{id}/return", nil, nil, string(h.ID))
}

func (s *webTour) machinesDay() {
	machine := s.d.machine(s.t, "case-system", people.CaseOfficer)
	s.step(machine, 200, "GET", "/me", nil, nil)
	var made api.Webhook
	s.step(machine, 201, "POST", "/webhooks", api.NewWebhook{URL: "http://127.0.0.1:9/events"}, &made)
	s.step(machine, 400, "POST", "/webhooks", api.NewWebhook{URL: "http://elsewhere.example/"}, nil)
	s.step(machine, 200, "GET", "/webhooks", nil, nil)
	s.step(machine, 200, "DELETE", "/webhooks/{id}", nil, nil, made.ID)
	s.step(machine, 404, "DELETE", "/webhooks/{id}", nil, nil, made.ID)
}

func (s *webTour) borderNight() {
	desk, approver := s.d.login(s.t, "web-border-duty-desk"), s.d.login(s.t, "web-approver")
	var made api.Messages
	s.step(desk, 201, "POST", "/drafts", alert(s.t, s.d.now(), time.Hour), &made)
	m := made.Messages[0]
	s.step(desk, 200, "POST", "/messages/{id}/signature", api.Approval{SHA256: m.SHA256}, nil, string(m.ID))
	s.step(approver, 200, "POST", "/messages/{id}/second-look", api.Approval{SHA256: m.SHA256}, nil, string(m.ID))
}

func sha256Of(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// Pages go on behind a place, whatever was added since, and together they are the list.
func TestPagesOfTheWebDoor(t *testing.T) {
	d := newWebDesk(t)
	officer := d.login(t, "web-case-officer")
	var want []schemas.MessageID
	for i := range 7 {
		if i%3 == 0 { // some at the same moment, which only the id tells apart
			d.w.clock.Advance(time.Second)
		}
		var made api.Messages
		officer.want(http.StatusCreated, "POST", "/drafts", draft(t, qn, "request", "", ""), &made)
		want = append(want, made.Messages[0].ID)
	}
	seen := map[schemas.MessageID]int{}
	next, pages := "", 0
	for {
		var page api.Messages
		officer.want(http.StatusOK, "GET", "/messages?limit=2"+next, nil, &page)
		for _, m := range page.Messages {
			seen[m.ID]++
		}
		if pages++; pages == 2 { // something new does not move the pages that follow
			d.w.clock.Advance(time.Second)
			officer.want(http.StatusCreated, "POST", "/drafts", draft(t, qn, "request", "", ""), nil)
		}
		if page.Next == "" {
			break
		}
		next = "&cursor=" + page.Next
	}
	for _, id := range want {
		if seen[id] != 1 {
			t.Errorf("message %s was seen %d times", id, seen[id])
		}
	}
	if len(seen) != len(want) || pages != 4 {
		t.Errorf("%d messages on %d pages", len(seen), pages)
	}
}

// The same key does a thing once, whoever asks again and however the answer was lost.
func TestIdempotencyKeys(t *testing.T) {
	d := newWebDesk(t)
	machine, other := d.machine(t, "case-system", people.CaseOfficer), d.machine(t, "other-system", people.CaseOfficer)
	body := draft(t, qn, "request", "", "")
	status, first, header := machine.ask("POST", "/drafts", body, api.KeyHeader, "k1")
	if status != http.StatusCreated || header.Get("Idempotency-Replayed") != "" {
		t.Fatalf("%d %s", status, first)
	}
	status, again, header := machine.ask("POST", "/drafts", body, api.KeyHeader, "k1")
	if status != http.StatusCreated || !bytes.Equal(first, again) || header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("again: %d %s", status, again)
	}
	machine.wantReason(api.ReasonKeyReused, "POST", "/drafts", draft(t, qn, "status-query", "", ""), api.KeyHeader, "k1")
	machine.wantReason(api.ReasonRequest, "POST", "/drafts", body, api.KeyHeader, strings.Repeat("x", 256))
	count := func() int {
		var list api.Messages
		machine.want(http.StatusOK, "GET", "/messages", nil, &list)
		return len(list.Messages)
	}
	if n := count(); n != 1 {
		t.Errorf("%d messages were made with one key", n)
	}
	other.want(http.StatusCreated, "POST", "/drafts", body, nil, api.KeyHeader, "k1") // keys belong to their caller
	machine.want(http.StatusCreated, "POST", "/drafts", body, nil, api.KeyHeader, "k2")
	// A refusal is kept as well.
	bad := []byte(`{"to":["QN/justice"]}`)
	_, refused, _ := machine.ask("POST", "/drafts", bad, api.KeyHeader, "k3")
	_, refusedAgain, header := machine.ask("POST", "/drafts", bad, api.KeyHeader, "k3")
	if !bytes.Equal(refused, refusedAgain) || header.Get("Idempotency-Replayed") != "true" || header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s\n%s", refused, refusedAgain)
	}
	// An attempt that a crash cut off has no answer: it is not made a second time behind the caller's back.
	begun := api.Attempt{Caller: "case-system"}
	begun.Key, begun.Request = sha256Of("k4"), sha256Of("POST\n/api/v1/drafts\n"+string(body))
	if _, fresh, err := d.BeginAttempt(t.Context(), begun); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	machine.wantReason(api.ReasonKeyPending, "POST", "/drafts", body, api.KeyHeader, "k4")
	// After a day keys are forgotten; of one caller the newest thousand are kept.
	d.w.clock.Advance(attemptsFor + time.Second)
	machine.want(http.StatusCreated, "POST", "/drafts", body, nil, api.KeyHeader, "k5")
	d.w.clock.Advance(time.Second)
	for i := range attemptsOfCaller {
		one := api.Attempt{Caller: "case-system", Key: sha256Of(fmt.Sprint(i))}
		if _, fresh, err := d.BeginAttempt(t.Context(), one); err != nil || !fresh {
			t.Fatal(fresh, err)
		}
	}
	if _, fresh, err := d.BeginAttempt(t.Context(), api.Attempt{Caller: "case-system", Key: sha256Of("k5")}); err != nil || !fresh {
		t.Errorf("more than %d are kept: %v", attemptsOfCaller, err)
	}
}
