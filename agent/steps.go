package agent

import (
	"bytes"
	"encoding/base64"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/store"
	"comity/schemas"
)

// provedSteps is what is proved of a message of the exchange, by signed documents that are kept: each has its leaf in the home log,
// and the number in the log that both sides have ("comity journal verify" holds them against each other). What the authority
// then does about it, from the acknowledgement on, is a message with steps of its own.
func provedSteps(m *store.Message) []api.Step {
	if m.Seq == 0 {
		return nil
	}
	steps := []api.Step{{What: api.StepSigned, At: m.SentAt, By: string(m.Sender), SHA256: hexOf(m.JWSSHA256)}}
	if m.Acceptance != nil {
		steps = append(steps, acceptedStep(m.Acceptance))
	}
	if m.Receipt != nil {
		steps = append(steps, receiptStep(m))
	}
	return steps
}

// acceptedStep is the broker's word. It was proved when it came, whoever is broker by now.
func acceptedStep(acceptance []byte) api.Step {
	step := api.Step{What: api.StepAccepted, By: "broker", SHA256: sha256Hex(acceptance)}
	parts := bytes.Split(acceptance, []byte("."))
	var said schemas.Acceptance
	payload, err := base64.RawURLEncoding.AppendDecode(nil, parts[min(1, len(parts)-1)])
	if err == nil && schemas.Decode(payload, &said, schemas.DefaultLimits) == nil {
		step.At = said.AcceptedAt
	}
	return step
}

// receiptStep is the recipient's word: ours about what came, the peer's about what we sent.
func receiptStep(m *store.Message) api.Step {
	step := api.Step{What: api.StepStored, At: m.StoredAt, By: string(m.Recipient), SHA256: envelope.HashJWS(m.Receipt).String()}
	switch m.State {
	case store.Rejected:
		step.What, step.Reason = api.StepRejected, m.Reason
	case store.Voided:
		step.What = api.StepVoided
	}
	if step.At.IsZero() {
		step.At = m.ReceiptedAt
	}
	return step
}
