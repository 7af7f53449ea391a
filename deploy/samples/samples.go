// Package samples holds draft files to try the program with, and the order in which they tell a story between
// QM/justice and QN/justice. A draft is the payload of a message plus "to"; where it belongs to a case, the members
// "case" and "in_reply_to" are left out, because ids are known only once the case is open.
//
// It trusts nothing and is trusted by nothing: the drafts take the same way as any other. It must never hold a real
// person, authority or account.
package samples

import "embed"

// Files holds the drafts by their names.
//
//go:embed *.json
var Files embed.FS

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

// Stories are the stories that the drafts tell. The first step opens the case, and tells by its "to" who is who.
func Stories() []Story {
	return []Story{
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
	}
}
