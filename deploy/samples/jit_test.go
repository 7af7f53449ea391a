package samples

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"comity/schemas"
	"comity/schemas/team"
)

// teamFiles are the files of the team stories.
func teamFiles() (files []string) {
	for _, story := range TeamStories() {
		for _, step := range story.Steps {
			files = append(files, step.File)
		}
	}
	return files
}

// Each item is one that the team takes where it stands, and leaves the team where the story says.
func TestTeamStoriesPlay(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, story := range TeamStories() {
		var items []team.Item
		var id team.ID
		for _, step := range story.Steps {
			var sent []team.Item
			for _, by := range step.By {
				i := teamItem(t, step.File, by, len(items)+len(sent))
				id = i.Team
				if err := team.CheckItem(team.Derive(id, items, noon), i, noon); err != nil {
					t.Fatalf("%s by %s: %v", step.File, by, err)
				}
				sent = append(sent, i)
			}
			items = append(items, sent...)
			if got := team.Derive(id, items, noon); string(got.State) != step.State {
				t.Fatalf("%s leaves the team %s, and the story says %s", step.File, got.State, step.State)
			}
			var by []string
			for _, a := range step.By {
				by = append(by, string(a.State()))
			}
			if row := fmt.Sprintf("| %s | %s | %s |", strings.Join(by, ", "), step.File, step.State); !strings.Contains(string(readme), row) {
				t.Errorf("README.md lacks the row %s", row)
			}
		}
	}
}

// teamItem reads a draft as the agent of its author would, which fills in the identifiers.
func teamItem(t *testing.T, file string, by schemas.AuthorityID, n int) team.Item {
	t.Helper()
	raw, err := TeamDraft(file, by, noon)
	if err != nil {
		t.Fatal(err)
	}
	var draft map[string]any
	if err := schemas.Decode(raw, &draft, schemas.PayloadLimits); err != nil {
		t.Fatal(err)
	}
	delete(draft, "to")
	if name, _ := draft["type"].(string); !schemas.Opens(schemas.MessageType(name)) {
		draft["case"] = "00000000000000000000000000"
	}
	body := draft["body"].(map[string]any)
	if body["item"] == nil {
		body["item"] = fmt.Sprintf("%026d", n)
	}
	payload, err := schemas.Canonical(draft)
	if err != nil {
		t.Fatal(err)
	}
	p, err := schemas.Validate(payload)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	i, err := team.Read(by, p)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return i
}
