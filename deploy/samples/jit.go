package samples

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"comity/schemas"
)

// TeamStory is a joint investigation team from its proposal to its end.
type TeamStory struct {
	Name    string
	Members []schemas.AuthorityID
	Steps   []TeamStep
}

// TeamStep is an item of the team. Where several send it, they do so at the same time, and their items cross.
type TeamStep struct {
	File  string // in Files; its "to" is written for the first of By
	By    []schemas.AuthorityID
	State string // of the team after it, as everybody in the audience sees it
}

// TeamStories are the stories of teams that the drafts tell.
func TeamStories() []TeamStory {
	const m, n, p = schemas.AuthorityID("QM/justice"), schemas.AuthorityID("QN/justice"), schemas.AuthorityID("QP/justice")
	all := []schemas.AuthorityID{m, n, p}
	return []TeamStory{{
		Name: "a joint investigation team of three: signed by all, at work, extended, evaluated, closed", Members: all,
		Steps: []TeamStep{
			{"jit-proposal.json", all[:1], "proposed"},
			{"jit-team-open.json", all[1:2], "negotiating"},
			{"jit-agreement.json", all[:1], "negotiating"},
			{"jit-signature.json", all, "active"},
			{"jit-evidence-item.json", all[2:], "active"},
			{"jit-message-bilateral.json", all[:1], "active"},
			{"jit-message-answer.json", all[1:2], "active"},
			{"jit-measure-request.json", all[:1], "active"},
			{"jit-extension.json", all, "extended"},
			{"jit-close-winding-down.json", all, "closing"},
			{"jit-evaluation.json", all, "evaluated"},
			{"jit-close-final.json", all, "closed"},
		},
	}}
}

// TeamDraft is a draft of Files as one member can send it at a moment: to everybody else in its audience, with the days of
// the agreement counted from that moment and signatures that name the agreement so dated.
func TeamDraft(file string, by schemas.AuthorityID, now time.Time) ([]byte, error) {
	draft, err := datedDraft(file, now)
	if err != nil {
		return nil, err
	}
	body, _ := draft["body"].(map[string]any)
	audience, _ := body["audience"].([]any)
	draft["to"] = slices.DeleteFunc(slices.Clone(audience), func(a any) bool { return a == string(by) })
	return schemas.Canonical(draft)
}

func datedDraft(file string, now time.Time) (map[string]any, error) {
	raw, err := fs.ReadFile(Files, file)
	if err != nil {
		return nil, fmt.Errorf("reading sample %s: %w", file, err)
	}
	var draft map[string]any
	if err := json.Unmarshal(raw, &draft); err != nil {
		return nil, fmt.Errorf("reading sample %s: %w", file, err)
	}
	body, _ := draft["body"].(map[string]any)
	if document, ok := body["document"].(map[string]any); ok {
		document["from"], document["to"] = dayOf(now, 0), dayOf(now, 12)
	}
	if _, signs := body["signed_on"]; signs {
		body["signed_on"] = dayOf(now, 0)
		if body["agreement"], err = agreementHash(now); err != nil {
			return nil, err
		}
	}
	if _, extends := body["until"]; extends {
		body["until"], body["agreed_on"] = dayOf(now, 18), dayOf(now, 0)
	}
	return draft, nil
}

// dayOf is the day some months after a moment.
func dayOf(now time.Time, months int) string {
	return now.UTC().AddDate(0, months, 0).Format(time.DateOnly)
}

// agreementHash names the agreement of the samples: the SHA-256 of its document in canonical form.
func agreementHash(now time.Time) (string, error) {
	draft, err := datedDraft("jit-agreement.json", now)
	if err != nil {
		return "", err
	}
	body, _ := draft["body"].(map[string]any)
	document, err := schemas.Canonical(body["document"])
	if err != nil {
		return "", fmt.Errorf("hashing the agreement of the samples: %w", err)
	}
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:]), nil
}
