package schemas

import "slices"

// repatriation lists nationality verification and the return of victims, Trafficking Protocol art. 8.
//
// Most of its messages go to the very State that an asylum seeker may have fled, so the schemas are the control: each
// member that such a State may see is marked x-origin-safe, the closed bodies hold the minimal set and what a later step
// cannot do without, and there is no free text. Whether somebody returns of their own will, what was found about risk
// and asylum, and everything else of the gates stays at home: no message type has a place for it.
func repatriation() []registration {
	const (
		images     = "repatriation/envelope-images.json"
		persons    = "repatriation/envelope.json"
		impersonal = "repatriation/envelope-impersonal.json"
	)
	list := []registration{
		{Type: "repatriation.nationality-request/1", Opens: true, Envelope: images},
		{Type: "repatriation.nationality-result/1", Envelope: impersonal},
		{Type: "repatriation.supplement-request/1", Envelope: impersonal},
		{Type: "repatriation.supplement/1", Envelope: images, Answers: []string{"supplement-request", "nationality-result"}},
		{Type: "repatriation.travel-document-request/1", Envelope: images},
		{Type: "repatriation.travel-document-issued/1", Envelope: impersonal, Answers: []string{"travel-document-request"}},
		{Type: "repatriation.return-plan/1", Envelope: persons},
		{Type: "repatriation.decision/1", Envelope: impersonal, Answers: []string{"return-plan", "travel-document-request"}},
		{Type: "repatriation.arrival-confirmation/1", Envelope: impersonal},
		{Type: "repatriation.reintegration-report/1", Envelope: impersonal},
		{Type: "repatriation.acknowledgement/1", Envelope: impersonal},
		{Type: "repatriation.status-report/1", Envelope: impersonal, MayAnswer: []string{"status-query"}},
		{Type: "repatriation.withdrawal/1", Envelope: impersonal},
		{Type: "repatriation.withdrawal-confirmation/1", Envelope: impersonal, Answers: []string{"withdrawal"}},
		{Type: "repatriation.closure/1", Envelope: impersonal},
	}
	for i := range list {
		list[i].Body = "repatriation/" + list[i].Type.Name() + ".json"
	}
	for _, r := range sharedTypes(ChannelRepatriation) {
		if slices.Contains([]string{"status-query"}, r.Type.Name()) {
			r.Envelope = impersonal
			list = append(list, r)
		}
	}
	return list
}
