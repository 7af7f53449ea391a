package agent

import (
	"errors"
	"fmt"

	"comity/agent/store"
	"comity/pki"
	"comity/pki/jose"
	"comity/schemas"
)

// AcceptanceFault is why a broker's answer is no acceptance of what was submitted. The set is closed.
type AcceptanceFault string

// The faults. An honest broker is never the cause of one.
const (
	AcceptanceMalformed AcceptanceFault = "malformed"         // no acceptance at all
	AcceptanceSigner    AcceptanceFault = "unknown-broker"    // signed by nobody on the trust list
	AcceptanceSignature AcceptanceFault = "signature-invalid" // not signed by whom it names
	AcceptanceOther     AcceptanceFault = "other-submission"  // signed, and about something else
)

// wrongAcceptance says that an answer of the broker is not to be believed.
type wrongAcceptance struct {
	fault AcceptanceFault
	cause error
}

func (w *wrongAcceptance) Error() string {
	if w.cause == nil {
		return "the broker's acceptance speaks of something else than what was submitted"
	}
	return "reading the broker's acceptance: " + w.cause.Error()
}

func (w *wrongAcceptance) Unwrap() error { return w.cause }

// checkAcceptance verifies the broker's signature and that it speaks of these bytes. An acceptance that fails is no
// acceptance: the bytes are submitted again, and an officer is told, because only a broker that lies gives one.
func (a *Agent) checkAcceptance(p *store.Parcel, acceptance []byte) error {
	signed, err := jose.ParseSigned(acceptance, jose.TypAcceptance)
	if err != nil {
		return &wrongAcceptance{AcceptanceMalformed, err}
	}
	key, err := a.trust.View().BrokerSigner(signed.Thumbprint())
	if err != nil {
		if pki.ReasonOf(err) == pki.ReasonUnknownBroker {
			return &wrongAcceptance{AcceptanceSigner, err}
		}
		return fmt.Errorf("reading the broker's acceptance: %w", err)
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return &wrongAcceptance{AcceptanceSignature, err}
	}
	var said schemas.Acceptance
	if err := schemas.Decode(payload, &said, schemas.DefaultLimits); err != nil {
		return &wrongAcceptance{AcceptanceMalformed, err}
	}
	if said.From != a.me || said.To != p.Peer || said.ID != p.ID || said.SHA256 != sha256Hex(p.Wire) {
		return &wrongAcceptance{AcceptanceOther, nil}
	}
	a.brokerAhead.Store(int64(said.AcceptedAt.Sub(a.now())))
	a.compared.Store(true)
	return nil
}

// alarmOfAcceptance tells an officer of a broker that lies; of no answer at all it says nothing.
func (a *Agent) alarmOfAcceptance(tx *store.Tx, peer schemas.AuthorityID, err error) error {
	wrong, ok := errors.AsType[*wrongAcceptance](err)
	if !ok {
		return nil
	}
	return a.raise(tx, AlarmAcceptance, peer, string(wrong.fault))
}
