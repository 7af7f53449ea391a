package agent

import (
	"net/http"
	"strings"
	"testing"

	"comity/agent/api"
	"comity/agent/people"
)

// As TestNoAnswerTellsWhyAMessageWaits, at the web door: whatever a person or a machine that is no protection officer asks of any
// route, or writes to it, no answer and no header holds a rule, a status or a reason.
func TestNoAnswerOfTheWebDoorTellsWhyAMessageWaits(t *testing.T) {
	d := newWebDesk(t)
	ids := d.stopTwo(t)
	asked := 0
	for _, role := range people.Roles() {
		if role == people.ProtectionOfficer || role == people.Auditor { // an auditor sees rules, and about nobody
			continue
		}
		callers := []*caller{d.login(t, "web-"+string(role))}
		if people.MachineMay(role) {
			callers = append(callers, d.machine(t, "machine-"+string(role), role))
		}
		for _, who := range callers {
			for _, r := range d.webRoutes() {
				if r.Act == people.Anybody {
					continue // the description of the API is public, and about no message
				}
				for _, id := range ids {
					for _, body := range bodiesFor(t, d, who, string(id)) {
						_, answer, header := who.ask(r.Method, plausible(r.Path, id), body)
						if r.Method == "GET" && r.Path == "/messages/{id}" {
							answer = withoutContent(t, answer) // what the officer wrote
						}
						asked++
						text := string(answer)
						for name, values := range header {
							text += "\n" + name + ": " + strings.Join(values, " ")
						}
						if found := telling.FindString(text); found != "" {
							t.Errorf("%s: %s %s tells %q: %s", who.name, r.Method, r.Path, found, text)
						}
					}
				}
			}
		}
	}
	if asked < 500 {
		t.Errorf("only %d answers were looked at", asked)
	}
	if found := telling.FindString(d.w.log.String()); found != "" {
		t.Errorf("the log tells of %q", found)
	}
	// The control: a protection officer is told, so that the pattern finds what is there.
	_, answer, _ := d.login(t, "web-protection-officer").ask("GET", "/reviews", nil)
	if !telling.Match(answer) {
		t.Errorf("nothing tells in %s", answer)
	}
}

// bodiesFor are what somebody may write: nothing, a draft, and their name under the bytes that stand there.
func bodiesFor(t *testing.T, d *webDesk, who *caller, id string) [][]byte {
	var m api.Message
	if status, answer, _ := who.ask("GET", "/messages/"+id, nil); status == http.StatusOK {
		decodeInto(t, answer, &m)
	}
	return [][]byte{nil, aboutSomebody(t), approvalBody(t, m)}
}
