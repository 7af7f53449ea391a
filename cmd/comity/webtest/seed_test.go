package webtest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/people"
	"comity/cmd/comity/sandbox"
	"comity/schemas"
)

// client is a connection to an agent's socket, for what the tests of pages need to be there before.
func client(t *testing.T, id schemas.AuthorityID, person sandbox.Person) *api.Client {
	t.Helper()
	s := start(t)
	config, err := agent.LoadConfig(s.AgentConfig(id))
	if err != nil {
		t.Fatal(err)
	}
	credential, err := people.ReadCredential(s.Credential(id, person))
	if err != nil {
		t.Fatal(err)
	}
	c := api.Dial(config.Socket, id, credential)
	t.Cleanup(c.Close)
	return c
}

// drafts hands in the example of a type, changed, as officer-1.
func drafts(t *testing.T, from, to schemas.AuthorityID, kind schemas.MessageType, change func(draft map[string]any)) api.Message {
	t.Helper()
	var draft map[string]any
	if err := json.Unmarshal(schemas.Example(kind), &draft); err != nil {
		t.Fatal(err)
	}
	draft["to"] = []any{string(to)}
	if change != nil {
		change(draft)
	}
	content, err := json.Marshal(draft)
	if err != nil {
		t.Fatal(err)
	}
	made, err := client(t, from, sandbox.Officer1).Draft(t.Context(), content)
	if err != nil {
		var defects []schemas.Defect
		if problem, ok := errors.AsType[*api.Problem](err); ok {
			defects = problem.Defects
		}
		t.Fatalf("%s drafting %s: %v %+v", from, kind, err, defects)
	}
	return made[0]
}

// settles waits until a message stands in a state.
func settles(t *testing.T, at schemas.AuthorityID, id schemas.MessageID, state string) api.Message {
	t.Helper()
	c := client(t, at, sandbox.Officer1)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		m, err := c.Message(t.Context(), string(id))
		if err == nil && m.State == state {
			return m
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %s is %s, not %s: %v", at, id, m.State, state, err)
		}
	}
}

// approved has a second person approve a draft.
func approved(t *testing.T, at schemas.AuthorityID, m api.Message) api.Message {
	t.Helper()
	if _, err := client(t, at, sandbox.Approver).Approve(t.Context(), m.ID, m.SHA256); err != nil {
		t.Fatal(err)
	}
	return m
}

// asksForRecords is a request about nobody.
func asksForRecords(draft map[string]any) {
	for _, member := range []string{"subjects", "attachments", "due", "due_reason", "translation", "onward_to"} {
		delete(draft, member)
	}
	draft["onward"] = "none"
	body := draft["body"].(map[string]any)
	for _, member := range []string{"persons", "oral_first", "video_hearing", "temporary_transfer", "safe_conduct", "other_assistance"} {
		delete(body, member)
	}
	body["assistance"] = []any{"provide-records"}
}

// alert is a live alert about nobody by name.
func alert(draft map[string]any) {
	delete(draft, "subjects")
	body := draft["body"].(map[string]any)
	delete(body, "suspects")
	body["expires_at"] = time.Now().UTC().Add(24 * time.Hour).Format("2006-01-02T15:04:05Z")
	body["window"] = map[string]any{
		"from": time.Now().UTC().Add(-time.Hour).Format("2006-01-02T15:04:05Z"), "to": time.Now().UTC().Add(8 * time.Hour).Format("2006-01-02T15:04:05Z"),
	}
}

// aboutAWitness is a request that the rules hold: free text about a witness to the State of origin.
func aboutAWitness(draft map[string]any) {
	asksForRecords(draft)
	draft["subjects"] = []any{map[string]any{
		"ref": "p1", "role": "witness", "identity": map[string]any{"names": []any{"TESTPERSON ALPHA-07"}, "nationalities": []any{"QN"}},
	}}
	draft["home"] = map[string]any{"persons": map[string]any{"p1": map[string]any{"name_by_choice": true, "necessity": "identification"}}}
}

// forTwo is a proposal of a team of two.
func forTwo(draft map[string]any) {
	body := draft["body"].(map[string]any)
	delete(body, "team")
	delete(body, "item")
	body["audience"], body["proposed_parties"] = []any{string(qm), string(qn)}, []any{string(qn)}
}
