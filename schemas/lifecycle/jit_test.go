package lifecycle

import (
	"testing"

	"comity/schemas"
)

const (
	unsigned = "qm proposal; qn decision accepted; qm agreement; qn signature"
	bound    = unsigned + "; qm signature"
)

func TestJITPairs(t *testing.T) {
	holdStories(t, schemas.ChannelJIT, map[string]string{
		"proposed": `
			qm proposal -> proposed, requested
		`,
		"negotiating": `
			qm proposal
			qn decision accepted
			qm agreement -> negotiating, both
		`,
		"one signature": `
			qm proposal
			qn decision accepted
			qm agreement
			qn signature -> negotiating, both
		`,
		"both signatures": unsigned + `
			qm signature -> signed, both
		`,
		"evidence for one who has not signed": unsigned + `
			qm evidence-item -| negotiating, both
		`,
		"evidence": bound + `
			qm evidence-item -> active, both
		`,
		"one extends": bound + `
			qm evidence-item
			qn extension -> active, both
		`,
		"both extend": bound + `
			qm evidence-item
			qn extension
			qm extension -> extended, both
		`,
		"a measure while winding down": bound + `
			qm close winding-down
			qn measure-request -| closing, both
		`,
		"evidence while winding down": bound + `
			qm close winding-down
			qn evidence-item -> closing, both
		`,
		"closed before it was evaluated": bound + `
			qm close winding-down
			qn close final -| closing, both
		`,
		"closed by one": bound + `
			qm evaluation
			qn evaluation
			qn close final -> evaluated, both
		`,
		"closed": bound + `
			qm evaluation
			qn evaluation
			qn close final
			qm close final -> closed, nobody
		`,
		"refused": `
			qm proposal
			qn decision refused -> refused, nobody
		`,
		"refused by the proposer itself": `
			qm proposal
			qm decision refused -| proposed, requested
		`,
		"withdrawn by a member": bound + `
			qn withdrawal whole -> withdrawn, requesting
		`,
		"withdrawal confirmed": bound + `
			qn withdrawal whole
			qm withdrawal-confirmation to withdrawal -> withdrawn, nobody
		`,
		"consent to another use": bound + `
			qm evidence-item
			qn use-consent-request
			qm use-consent-decision granted to use-consent-request -> active, both
		`,
		"a newcomer": `
			qm accession-request
			qn accession-accept
			qm signature -> signed, both
		`,
		"a newcomer and another member": `
			qm team-open
			qm accession-accept
			qn signature
			qn evidence-item -> active, both
		`,
	})
}

// Two signatures that cross make one signed pair.
func TestJITSignaturesCross(t *testing.T) {
	holdCrossings(t, schemas.ChannelJIT, []crossing{
		{"both sign", "qm proposal; qn decision accepted; qm agreement >< qn signature; qm signature", "signed, both", ""},
	})
}

func TestJITRefusesWithReason(t *testing.T) {
	holdRefusals(t, schemas.ChannelJIT, []refusal{
		{"evidence before anybody signed", "qm proposal", "qn evidence-item", WrongState},
		{"agree with oneself", "qm proposal", "qm decision accepted", OtherSide},
		{"propose again", "qm proposal", "qn proposal", AlreadyOpen},
		{"a close of no rule", "qm proposal", "qn close at-once", UnknownMessage},
	})
}

// No type is without a row in any of the tables: TestTablesFitTheSchemas asks for one in all of them together.
func TestJITTablesFitTheSchemas(t *testing.T) {
	for _, s := range jitStories() {
		for _, typ := range schemas.Types() {
			if typ.Channel() == schemas.ChannelJIT && !schemas.Opens(typ) && !s.rules(typ) {
				t.Errorf("%s: type %s has no rule", s.Opening, typ)
			}
		}
	}
}
