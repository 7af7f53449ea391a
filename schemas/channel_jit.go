package schemas

import "slices"

// jit lists joint investigation teams, UNTOC art. 19 and the EU model agreement. A team has more than two members and
// a case has two: each pair of members has its own case, opened by whichever of the three opening types came first
// between them, and every type that the team itself has carries the team, the item and its audience inside (package
// team). The types beside them are those shared ones that two members need between themselves.
func jit() []registration {
	own := []registration{{Type: "jit.decision/1", Body: "jit/decision.json"}}
	for _, name := range []string{"proposal", "team-open", "accession-request"} {
		own = append(own, registration{Type: typeNamed(ChannelJIT, name, 1), Body: "jit/" + name + ".json", Opens: true})
	}
	for _, name := range []string{
		"agreement", "signature", "extension", "accession-vote", "accession-accept", "secondment", "member-removal",
		"measure-request", "evidence-item", "team-message", "close", "evaluation",
	} {
		own = append(own, registration{Type: typeNamed(ChannelJIT, name, 1), Body: "jit/" + name + ".json"})
	}
	between := []string{
		"acknowledgement", "use-consent-request", "use-consent-decision", "exculpatory-notice", "confidentiality-limit",
		"withdrawal", "withdrawal-confirmation",
	}
	return append(own, slices.DeleteFunc(sharedTypes(ChannelJIT, "decision"), func(r registration) bool {
		return !slices.Contains(between, r.Type.Name())
	})...)
}
