// Package samples holds draft files to try the program with, and the order in which they tell a story between
// two authorities of QM and QN. A draft is the payload of a message plus "to"; where it belongs to a case, the members
// "case" and "in_reply_to" are left out, because ids are known only once the case is open.
//
// It trusts nothing and is trusted by nothing: the drafts take the same way as any other. It must never hold a real
// person, authority or account.
package samples

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// Files holds the drafts by their names.
//
//go:embed *.json
var Files embed.FS

// alertLife is how long the alert of a story lasts.
const alertLife = 12 * time.Hour

// Draft is a draft of Files as it can be sent at a moment: an alert that ends by itself ends after that moment.
func Draft(file string, now time.Time) ([]byte, error) {
	raw, err := fs.ReadFile(Files, file)
	if err != nil {
		return nil, fmt.Errorf("reading sample %s: %w", file, err)
	}
	var draft map[string]any
	if err := json.Unmarshal(raw, &draft); err != nil {
		return nil, fmt.Errorf("reading sample %s: %w", file, err)
	}
	body, _ := draft["body"].(map[string]any)
	if _, ends := body["expires_at"]; !ends {
		return raw, nil
	}
	body["expires_at"] = now.UTC().Truncate(time.Second).Add(alertLife).Format(time.RFC3339)
	return json.Marshal(draft)
}

// Story is one case from its first message to its end.
type Story struct {
	Name  string
	Steps []Step
}

// Step is one message of a story.
type Step struct {
	File    string // in Files
	Answers string // the file of the message that it answers, "" where it answers none
	State   string // of the case after it, at both authorities
}

// Stories are the stories that the drafts tell. The first step opens the case, and tells by its "to" who is who: authorities of the
// same name of both States.
func Stories() []Story {
	stories := []Story{
		{Name: "bank records: supplemented, executed in part, closed", Steps: []Step{
			{File: "mla-request-bank-records.json", State: "sent"},
			{File: "mla-acknowledgement.json", State: "acknowledged"},
			{File: "mla-supplement-request.json", State: "supplement-pending"},
			{File: "mla-supplement.json", Answers: "mla-supplement-request.json", State: "acknowledged"},
			{File: "mla-decision-accepted.json", State: "accepted"},
			{File: "mla-result-partial.json", State: "executing"},
			{File: "mla-result-receipt.json", Answers: "mla-result-partial.json", State: "executing"},
			{File: "mla-closure.json", State: "closed"},
		}},
		{Name: "hearing by video: consulted on, refused with its ground", Steps: []Step{
			{File: "mla-request-hearing.json", State: "sent"},
			{File: "mla-acknowledgement-complete.json", State: "acknowledged"},
			{File: "mla-consultation.json", State: "consulting"},
			{File: "mla-consultation-reply.json", Answers: "mla-consultation.json", State: "consulting"},
			{File: "mla-decision-refused.json", State: "refused"},
		}},
		{Name: "service of a summons: withdrawn", Steps: []Step{
			{File: "mla-request-serve-documents.json", State: "sent"},
			{File: "mla-acknowledgement-complete.json", State: "acknowledged"},
			{File: "mla-withdrawal.json", State: "withdrawn"},
			{File: "mla-withdrawal-confirmation.json", Answers: "mla-withdrawal.json", State: "withdrawn"},
		}},
		{Name: "a van at the border: hit, confirmed, intercepted, handed over", Steps: []Step{
			{File: "border-alert.json", State: "raised"},
			{File: "border-acknowledgement.json", State: "acknowledged"},
			{File: "border-hit.json", State: "hit"},
			{File: "border-hit-confirmation.json", Answers: "border-hit.json", State: "confirmed"},
			{File: "border-alert-response.json", State: "acted"},
			{File: "border-urgent-handover.json", State: "handed-over"},
			{File: "border-closure.json", State: "closed"},
		}},
		{Name: "a passport that a traveller shows: checked while the traveller waits", Steps: []Step{
			{File: "border-document-check-request.json", State: "raised"},
			{File: "border-document-check-result.json", State: "closed"},
		}},
		{Name: "return of a victim: verified, document issued, agreed, returned, monitored", Steps: []Step{
			{File: "repatriation-nationality-request.json", State: "requested"},
			{File: "repatriation-acknowledgement.json", State: "acknowledged"},
			{File: "repatriation-nationality-result-needs-more.json", State: "supplement-pending"},
			{File: "repatriation-supplement.json", Answers: "repatriation-nationality-result-needs-more.json", State: "acknowledged"},
			{File: "repatriation-nationality-result.json", State: "verified"},
			{File: "repatriation-travel-document-request.json", State: "verified"},
			{File: "repatriation-travel-document-issued.json", Answers: "repatriation-travel-document-request.json", State: "document-issued"},
			{File: "repatriation-return-plan.json", State: "document-issued"},
			{File: "repatriation-decision-accepted.json", Answers: "repatriation-return-plan.json", State: "return-agreed"},
			{File: "repatriation-arrival-confirmation.json", State: "returned"},
			{File: "repatriation-reintegration-report.json", State: "monitored"},
			{File: "repatriation-closure.json", State: "closed"},
		}},
		{Name: "nationality asked about: the one neutral withdrawal", Steps: []Step{
			{File: "repatriation-nationality-request.json", State: "requested"},
			{File: "repatriation-withdrawal.json", State: "withdrawn"},
			{File: "repatriation-withdrawal-confirmation.json", Answers: "repatriation-withdrawal.json", State: "withdrawn"},
		}},
	}
	return slices.Concat(stories, confiscationStories(), transferStories())
}
