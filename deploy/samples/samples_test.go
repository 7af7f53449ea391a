package samples

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/schemas"
	"comity/schemas/lifecycle"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// read takes "to" off a draft and puts in what is filled in when it is sent.
func read(t *testing.T, file string, opened schemas.CaseID, answers schemas.MessageID) (schemas.AuthorityID, *schemas.Payload) {
	t.Helper()
	raw, err := Draft(file, noon)
	if err != nil {
		t.Fatal(err)
	}
	var draft map[string]any
	if err := schemas.Decode(raw, &draft, schemas.PayloadLimits); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	to, ok := draft["to"].([]any)
	if !ok || len(to) != 1 {
		t.Fatalf("%s: one recipient expected", file)
	}
	recipient, err := schemas.ParseAuthorityID(fmt.Sprint(to[0]))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	delete(draft, "to")
	delete(draft, "home") // stays at home
	if opened != "" {
		draft["case"] = string(opened)
	}
	if answers != "" {
		draft["in_reply_to"] = string(answers)
	}
	payload, err := schemas.Canonical(draft)
	if err != nil {
		t.Fatal(err)
	}
	p, err := schemas.Validate(payload)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return recipient, p
}

func TestStoriesPlay(t *testing.T) {
	used := map[string]bool{}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, story := range Stories() {
		t.Run(story.Name, func(t *testing.T) {
			var events []lifecycle.Event
			var opened schemas.CaseID
			sent := map[string]schemas.MessageID{}
			seq := map[schemas.AuthorityID]uint64{}
			for _, step := range story.Steps {
				used[step.File] = true
				to, p := read(t, step.File, opened, sent[step.Answers])
				from := schemas.AuthorityID("QM/" + to.Name())
				if to == from {
					from = schemas.AuthorityID("QN/" + to.Name())
				}
				outcome, err := lifecycle.Essence(p)
				if err != nil {
					t.Fatal(err)
				}
				seq[from]++
				e := lifecycle.Event{ID: schemas.NewMessageID(), From: from, To: to, Seq: seq[from], Seen: seq[to], Type: p.Type, InReplyTo: p.InReplyTo, Outcome: outcome, Continues: p.Case != "", SentAt: noon}
				if err := lifecycle.CheckExpiry(e); err != nil {
					t.Errorf("%s: %v", step.File, err)
				}
				if opened == "" {
					opened = schemas.CaseOpenedBy(from, to, e.ID)
				}
				sent[step.File] = e.ID
				events = append(events, e)
				c, err := lifecycle.Derive(p.Channel, events)
				if err != nil || !c.Effects[lifecycle.Ref{From: from, ID: e.ID}] {
					t.Fatalf("%s has no effect in state %s: %v", step.File, c.State, err)
				}
				if string(c.State) != step.State {
					t.Errorf("%s leaves the case %s, and the story says %s", step.File, c.State, step.State)
				}
				row := fmt.Sprintf("| %s | %s | %s | %s |", from.State(), step.File, step.Answers, c.State)
				if row = strings.ReplaceAll(row, "|  |", "| |"); !strings.Contains(string(readme), row) {
					t.Errorf("README.md lacks the row %s", row)
				}
			}
			c, err := lifecycle.Derive(events[0].Type.Channel(), events)
			if err != nil || c.Open || c.NextToAct != lifecycle.Nobody {
				t.Fatalf("the story ends in %s, %s to act: %v", c.State, c.NextToAct, err)
			}
		})
	}
	files, err := fs.Glob(Files, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !used[file] && !slices.Contains(teamFiles(), file) {
			t.Errorf("%s is in no story", file)
		}
	}
}
