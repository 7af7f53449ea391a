package schemas

import "slices"

// border lists the direct channels between border control agencies, Trafficking Protocol arts. 10 to 13.
//
// Its messages are made of templates: besides its body each type has an envelope of its own, which turns reasons into
// codes and keeps files, victims and witnesses out (VIC-02). So nothing but codes, numbers, documents and suspects can
// be in the one message that leaves before a second person has read it.
func border() []registration {
	const (
		persons    = "border/envelope.json"
		impersonal = "border/envelope-impersonal.json"
		check      = "border/envelope-document-check.json"
	)
	list := []registration{
		{Type: "border.alert/1", Opens: true, SingleSignature: true, Envelope: persons},
		{Type: "border.alert-response/1", Envelope: impersonal},
		{Type: "border.hit/1", Envelope: impersonal},
		{Type: "border.hit-confirmation/1", Envelope: impersonal, Answers: []string{"hit"}},
		{Type: "border.document-check-request/1", Opens: true, Envelope: check},
		{Type: "border.document-check-result/1", Envelope: check},
		{Type: "border.information/1", Opens: true, Envelope: impersonal},
		{Type: "border.carrier-notice/1", Opens: true, Envelope: impersonal},
		{Type: "border.urgent-handover/1", Envelope: persons},
		{Type: "border.entry-denial-information/1", Opens: true, Envelope: persons},
		{Type: "border.acknowledgement/1", Envelope: impersonal},
		{Type: "border.status-report/1", Envelope: impersonal, MayAnswer: []string{"status-query"}},
		{Type: "border.withdrawal/1", Envelope: impersonal},
		{Type: "border.withdrawal-confirmation/1", Envelope: impersonal, Answers: []string{"withdrawal"}},
	}
	for i := range list {
		list[i].Body = "border/" + list[i].Type.Name() + ".json"
	}
	for _, r := range sharedTypes(ChannelBorder) {
		if slices.Contains([]string{"status-query", "closure"}, r.Type.Name()) {
			r.Envelope = impersonal
			list = append(list, r)
		}
	}
	return list
}

// SingleSignature tells whether a message of type t may leave with the signature of one person, its author, before
// anybody approved it; a second person reads it afterwards (DOMAIN section 6). It is so for the live border alert alone.
func SingleSignature(t MessageType) bool {
	r, _ := lookUp(t)
	return r.SingleSignature
}
