package agent

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/people"
	"comity/agent/store"
	"comity/schemas"
)

// telling is what would say that somebody is protected, or why a message waits: a rule, a status, a verdict.
var telling = regexp.MustCompile(`\b[A-Z]{3,5}-\d\d\b|fear-expressed|pending|granted|rejected-|labelled|asylum|\bhold\b|\bheld\b|\bblock|quarantin|referral`)

// Whatever somebody who is no protection officer asks of an agent that stopped messages about a protected person, or writes to
// it, the answer holds no rule, no status and no reason; and neither does the log.
func TestNoAnswerTellsWhyAMessageWaits(t *testing.T) {
	o := newOffice(t)
	ids := o.stopTwo(t)
	for role := range o.staff {
		if role == string(people.ProtectionOfficer) || role == string(people.Auditor) { // an auditor sees rules, and about nobody
			continue
		}
		for _, answer := range o.answers(t, people.Role(role), ids) {
			if found := telling.FindString(answer); found != "" {
				t.Errorf("%s is told %q: %s", role, found, answer)
			}
		}
	}
	if found := telling.FindString(o.w.log.String()); found != "" {
		t.Errorf("the log tells of %q", found)
	}
}

// stopTwo has policy stop two messages about a protected person: one blocked, one held.
func (d *desk) stopTwo(t *testing.T) (ids []schemas.MessageID) {
	t.Helper()
	record := `{"ref":"r1","names":["TESTPERSON INDIA-09"],"documents":[{"kind":"passport","number":"P9000009","issuer":"QN"}],"nationalities":["QN"],"status":"pending"}`
	if _, err := d.PutRegister(t.Context(), "protection-1", []byte(record)); err != nil {
		t.Fatal(err)
	}
	for _, number := range []string{"P9000009", "P1111111"} { // certain: blocked; a likeness: held
		content := strings.Replace(string(aboutSomebody(t)), `"names":["TESTPERSON HOTEL-08"],"nationalities":["QM"]`,
			`"names":["TESTPERSON INDIA-09"],"documents":[{"kind":"passport","number":"`+number+`","issuer":"QN"}],"nationalities":["QN"]`, 1)
		m := d.write([]byte(content))
		d.seal(m.ID)
		if got := d.message(qm, m.ID).State; got != store.UnderReview {
			t.Fatalf("message with document %s is %s", number, got)
		}
		ids = append(ids, m.ID)
	}
	return ids
}

// answers is everything that a role gets to see or is refused with, as text.
func (o *office) answers(t *testing.T, role people.Role, ids []schemas.MessageID) (answers []string) {
	t.Helper()
	c, ctx := o.as(t, role), t.Context()
	note := func(v any, err error) {
		if err != nil {
			answers = append(answers, err.Error())
			return
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, string(text))
	}
	note(first(c.Messages(ctx, api.Query{})))
	note(first(c.Messages(ctx, api.Query{State: "under-review"})))
	note(first(c.Cases(ctx, 0)))
	note(first(c.Tasks(ctx, true)))
	note(first(c.Health(ctx)))
	note(first(c.Reviews(ctx)))
	note(first(c.ProtectionAlerts(ctx)))
	note(first(c.Handouts(ctx)))
	note(first(c.RegisterState(ctx)))
	for _, id := range ids {
		m, err := c.Message(ctx, string(id))
		m.Payload, m.Home = nil, nil // what the officer wrote
		note(m, err)
		note(first(c.Review(ctx, string(id))))
		note(first(c.Edit(ctx, id, aboutSomebody(t))))
		note(first(c.Approve(ctx, id, m.SHA256)))
		note(first(c.Discard(ctx, id)))
		note(first(c.Return(ctx, id)))
		note(first(c.Release(ctx, id, api.Release{})))
	}
	return append(answers, o.raw(t, "/v1/events-that-are-none"), o.raw(t, "/metrics"))
}

func first[T any](v T, err error) (any, error) { return v, err }

// raw asks without any proof, as any process of the agent's account can.
func (o *office) raw(t *testing.T, target string) string {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", o.socket)
	}}}
	response, err := client.Get("http://agent" + target)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
