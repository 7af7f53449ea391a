package schemas

// confiscation lists confiscation and the disposal of what was confiscated, UNTOC arts. 13 and 14.
//
// The law does not name extension-request: it is what the requesting State answers to a freeze that is about to expire.
func confiscation() []registration {
	const (
		nameless = "confiscation/envelope-disposal.json"
		basis    = "confiscation/envelope-treaty-basis.json"
	)
	own := []registration{
		{Type: "confiscation.provisional-request/1", Body: "confiscation/provisional-request.json", Opens: true, Envelope: basis},
		{Type: "confiscation.request/1", Body: "confiscation/request.json", Opens: true, Continues: true, Envelope: basis},
		{Type: "confiscation.freeze-report/1", Body: "confiscation/freeze-report.json", MayAnswer: []string{"extension-request"}},
		{Type: "confiscation.extension-request/1", Body: "confiscation/extension-request.json"},
		{Type: "confiscation.status-report/1", Body: "confiscation/status-report.json", MayAnswer: []string{"status-query"}},
		{Type: "confiscation.decision/1", Body: "confiscation/decision.json"},
		{Type: "confiscation.result/1", Body: "confiscation/result.json"},
		{Type: "confiscation.disposal-request/1", Body: "confiscation/disposal-request.json", Envelope: nameless},
		{Type: "confiscation.disposal-decision/1", Body: "confiscation/disposal-decision.json", MayAnswer: []string{"disposal-request"}, Envelope: nameless},
	}
	return append(own, sharedTypes(ChannelConfiscation, "status-report", "decision", "result")...)
}
