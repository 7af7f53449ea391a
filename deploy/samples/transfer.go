package samples

// transferStories follow ETS 112. In the first the sentencing State gives notice and the administering State asks; in the
// second the sentencing State asks, and the person thinks better of it.
func transferStories() []Story {
	return []Story{
		{Name: "a sentence served at home: interest, consent verified, handed over, completed", Steps: []Step{
			{File: "transfer-interest-notice.json", State: "interest"},
			{File: "transfer-acknowledgement.json", State: "interest"},
			{File: "transfer-request-administering.json", State: "requested"},
			{File: "transfer-documents-administering.json", State: "documents"},
			{File: "transfer-documents-sentencing.json", State: "consent"},
			{File: "transfer-consent-verification-request.json", State: "consent"},
			{File: "transfer-consent-verification-result.json", Answers: "transfer-consent-verification-request.json", State: "consent-verified"},
			{File: "transfer-procedure.json", State: "consent-verified"},
			{File: "transfer-decision-accepted.json", State: "both-agreed"},
			{File: "transfer-handover-planned.json", State: "both-agreed"},
			{File: "transfer-handover-done.json", State: "handover"},
			{File: "transfer-handover-received.json", State: "administered"},
			{File: "transfer-pardon-commutation.json", State: "administered"},
			{File: "transfer-enforcement-report.json", State: "completed"},
		}},
		{Name: "a transfer that the sentencing State asked for: consent revoked", Steps: []Step{
			{File: "transfer-request-sentencing.json", State: "requested"},
			{File: "transfer-consent-revocation.json", State: "consent-revoked"},
		}},
	}
}
