package schemas

// transfer lists the transfer of sentenced persons, UNTOC art. 17 and ETS 112.
//
// The law does not name consent-revocation: it is how the sentencing State tells that the person no longer consents. Of
// the shared types those about evidence are left out, because nobody hands over evidence here.
func transfer() []registration {
	own := []registration{
		{Type: "transfer.interest-notice/1", Body: "transfer/interest-notice.json", Opens: true},
		{Type: "transfer.request/1", Body: "transfer/request.json", Opens: true, Continues: true},
		{Type: "transfer.transit/1", Body: "transfer/transit.json", Opens: true},
		{Type: "transfer.documents-administering/1", Body: "transfer/documents-administering.json"},
		{Type: "transfer.documents-sentencing/1", Body: "transfer/documents-sentencing.json"},
		{Type: "transfer.consent-verification-request/1", Body: "transfer/consent-verification-request.json"},
		{Type: "transfer.consent-verification-result/1", Body: "transfer/consent-verification-result.json", Answers: []string{"consent-verification-request"}},
		{Type: "transfer.consent-revocation/1", Body: "transfer/consent-revocation.json"},
		{Type: "transfer.decision/1", Body: "transfer/decision.json"},
		{Type: "transfer.procedure/1", Body: "transfer/procedure.json"},
		{Type: "transfer.handover/1", Body: "transfer/handover.json"},
		{Type: "transfer.enforcement-report/1", Body: "transfer/enforcement-report.json"},
		{Type: "transfer.pardon-commutation/1", Body: "transfer/pardon-commutation.json"},
		{Type: "transfer.review-result/1", Body: "transfer/review-result.json"},
		{Type: "transfer.terminate/1", Body: "transfer/terminate.json"},
		{Type: "transfer.withdrawal/1", Body: "transfer/withdrawal.json"},
		{Type: "transfer.withdrawal-confirmation/1", Body: "transfer/withdrawal-confirmation.json", Answers: []string{"withdrawal"}},
	}
	return append(own, sharedTypes(ChannelTransfer,
		"decision", "result", "result-receipt", "return-of-evidence", "return-receipt", "exculpatory-notice",
		"withdrawal", "withdrawal-confirmation")...)
}
