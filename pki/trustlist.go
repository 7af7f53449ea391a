package pki

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"comity/pki/jose"
	"comity/schemas"
)

// TrustList is the scheme's word: who takes part, whose CA is whose, which brokers exist, which agreements are in force.
// It is published as a JWS with several signatures (jose.SignAll, TypTrustList).
type TrustList struct {
	Scheme    string           `json:"scheme"`
	Version   uint64           `json:"version"` // only grows
	IssuedAt  time.Time        `json:"issued_at"`
	ExpiresAt time.Time        `json:"expires_at"`
	Threshold int              `json:"threshold"` // how many of Signers must sign the next list
	Signers   []SchemeSigner   `json:"signers"`
	States    []StateTrust     `json:"states"`
	Brokers   []BrokerIdentity `json:"brokers"`
	// Agreements in force between States; what is not listed is not allowed.
	Agreements []Agreement `json:"agreements"`
}

// SchemeSigner is one of the keys that sign the trust list.
type SchemeSigner struct {
	Name string `json:"name"`
	Key  []byte `json:"key"` // SubjectPublicKeyInfo, DER
}

// StateTrust says which CAs are a State's.
type StateTrust struct {
	State schemas.StateCode `json:"state"`
	CAs   [][]byte          `json:"cas"` // certificates, DER
	// Rollovers are the words of earlier CAs for later ones: compact JWS (jose.TypCARollover) of a Rollover.
	Rollovers []string `json:"rollovers,omitzero"`
}

// Rollover is what a State's CA signs about its successor.
type Rollover struct {
	State schemas.StateCode `json:"state"`
	CA    string            `json:"ca"` // jose.Thumbprint of the successor
}

// BrokerIdentity is a broker that agents may connect to.
type BrokerIdentity struct {
	Name    string   `json:"name"`
	CA      []byte   `json:"ca"`      // root of its TLS server certificate, DER
	Signing [][]byte `json:"signing"` // certificates that sign acceptances, issued by CA, DER
}

// Agreement opens channels between all its parties.
type Agreement struct {
	ID          string              `json:"id"`
	Parties     []schemas.StateCode `json:"parties"`
	Channels    []schemas.Channel   `json:"channels"`
	Instruments []string            `json:"instruments"`
	From        time.Time           `json:"from"`
	Until       time.Time           `json:"until,omitzero"` // zero: no end
}

// InForce tells whether the agreement holds at a time.
func (a *Agreement) InForce(at time.Time) bool {
	return !at.Before(a.From) && (a.Until.IsZero() || at.Before(a.Until))
}

// Pin is the operator's first trust: whose signatures make the first trust list good. After that, each list says who
// signs the next.
type Pin struct {
	Scheme    string   `json:"scheme"`
	Threshold int      `json:"threshold"`
	Signers   []string `json:"signers"` // jose.KeyThumbprint of the signers' keys
}

func (p Pin) check() error {
	distinct := slices.Compact(slices.Sorted(slices.Values(p.Signers)))
	if p.Scheme == "" || p.Threshold < 1 || p.Threshold > len(distinct) || len(distinct) != len(p.Signers) {
		return refuse(ReasonPinChanged, "the pin names no scheme, or cannot reach its threshold")
	}
	return nil
}

// among picks the pinned signers out of those that a list names.
func (p Pin) among(signers map[string]crypto.PublicKey) map[string]crypto.PublicKey {
	out := map[string]crypto.PublicKey{}
	for id, key := range signers {
		if slices.Contains(p.Signers, id) {
			out[id] = key
		}
	}
	return out
}

// Bounds of a trust list; far above any scheme that we know of.
const (
	maxStates        = 250
	maxCAsPerState   = 4
	maxRollovers     = 16
	maxBrokers       = 16
	maxAgreements    = 10_000
	trustListDepth   = 6
	clockSkewAllowed = 5 * time.Minute
)

// heldList is a trust list with everything in it parsed.
type heldList struct {
	raw     []byte // as published
	payload []byte // what is signed
	list    *TrustList
	signers map[string]crypto.PublicKey
	cas     map[schemas.StateCode][]*x509.Certificate
	brokers []heldBroker
}

type heldBroker struct {
	ca      *x509.Certificate
	signing []*x509.Certificate
}

// readTrustList parses a list and verifies it by its own signers and by the trusted ones, as far as they signed. It
// does not count: underSigned does.
func readTrustList(raw []byte, trusted map[string]crypto.PublicKey) (h *heldList, signedBy []string, err error) {
	multi, err := jose.ParseMulti(raw, jose.TypTrustList)
	if err != nil {
		return nil, nil, &Error{Reason: ReasonTrustListInvalid, What: "trust list", Err: err}
	}
	payload, signedBy, err := multi.VerifyCarried(func(unverified []byte) (map[string]crypto.PublicKey, error) {
		if h, err = decodeTrustList(unverified); err != nil {
			return nil, &Error{Reason: ReasonTrustListInvalid, What: "trust list", Err: err}
		}
		keys := make(map[string]crypto.PublicKey, len(trusted)+len(h.signers))
		for _, set := range []map[string]crypto.PublicKey{trusted, h.signers} {
			for id, key := range set {
				keys[id] = key
			}
		}
		return keys, nil
	})
	switch jose.ReasonOf(err) {
	case jose.ReasonSignatureInvalid:
		return nil, nil, &Error{Reason: ReasonTrustListForged, What: "trust list", Err: err}
	case jose.ReasonUnknownKey:
		return nil, nil, &Error{Reason: ReasonTrustListUnderSigned, What: "trust list", Err: err}
	}
	if err != nil {
		return nil, nil, err
	}
	h.raw, h.payload = raw, payload
	return h, signedBy, nil
}

// underSigned counts the signatures of one set of signers.
func underSigned(signedBy []string, signers map[string]crypto.PublicKey, threshold int, whose string) error {
	count := 0
	for _, id := range signedBy {
		if _, ok := signers[id]; ok {
			count++
		}
	}
	if count < threshold {
		return refuse(ReasonTrustListUnderSigned, "trust list has %d of %d signatures of %s", count, threshold, whose)
	}
	return nil
}

// decodeTrustList decodes the content strictly and checks that it makes sense in itself.
func decodeTrustList(payload []byte) (*heldList, error) {
	list := &TrustList{}
	if err := schemas.Decode(payload, list, schemas.Limits{Bytes: jose.MaxSize, Depth: trustListDepth}); err != nil {
		return nil, err
	}
	h := &heldList{list: list, signers: map[string]crypto.PublicKey{}, cas: map[schemas.StateCode][]*x509.Certificate{}}
	if list.Scheme == "" || list.Version == 0 || !list.IssuedAt.Before(list.ExpiresAt) {
		return nil, fmt.Errorf("no scheme, no version, or expired when issued")
	}
	if len(list.States) > maxStates || len(list.Brokers) > maxBrokers || len(list.Agreements) > maxAgreements {
		return nil, fmt.Errorf("more States, brokers or agreements than a list may hold")
	}
	for _, step := range []func() error{h.readSigners, h.readStates, h.readBrokers, h.checkAgreements} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *heldList) readSigners() error {
	for _, signer := range h.list.Signers {
		key, err := x509.ParsePKIXPublicKey(signer.Key)
		if err != nil {
			return fmt.Errorf("key of a signer: %w", err)
		}
		id, err := jose.KeyThumbprint(key)
		if err != nil {
			return fmt.Errorf("key of a signer: %w", err)
		}
		h.signers[id] = key
	}
	if len(h.signers) != len(h.list.Signers) || len(h.signers) > jose.MaxSignatures || h.list.Threshold < 1 ||
		h.list.Threshold > len(h.signers) {
		return fmt.Errorf("threshold %d of %d different signers", h.list.Threshold, len(h.signers))
	}
	return nil
}

func (h *heldList) readStates() error {
	owner := map[string]schemas.StateCode{}
	for _, row := range h.list.States {
		if _, err := schemas.ParseStateCode(string(row.State)); err != nil {
			return err
		}
		if _, twice := h.cas[row.State]; twice {
			return fmt.Errorf("%s is listed twice", row.State)
		}
		if len(row.CAs) == 0 || len(row.CAs) > maxCAsPerState || len(row.Rollovers) > maxRollovers {
			return fmt.Errorf("%s has no CA, or too many CAs or rollovers", row.State)
		}
		for _, der := range row.CAs {
			cert, err := parseCertificate(der, "CA of "+string(row.State))
			if err != nil {
				return err
			}
			if err := CheckCA(cert, row.State); err != nil {
				return err
			}
			key := string(cert.RawSubjectPublicKeyInfo)
			if _, twice := owner[key]; twice {
				return fmt.Errorf("CA key of %s is listed twice", row.State)
			}
			owner[key] = row.State
			h.cas[row.State] = append(h.cas[row.State], cert)
		}
	}
	return nil
}

func (h *heldList) readBrokers() error {
	names := map[string]bool{}
	for _, row := range h.list.Brokers {
		if row.Name == "" || names[row.Name] || len(row.Signing) == 0 {
			return fmt.Errorf("a broker has no name of its own or no signing certificate")
		}
		names[row.Name] = true
		ca, err := parseCertificate(row.CA, "CA of broker "+row.Name)
		if err != nil {
			return err
		}
		if !isP256(ca) || !ca.IsCA || !ca.BasicConstraintsValid {
			return fmt.Errorf("CA of broker %s is not a P-256 CA", row.Name)
		}
		broker := heldBroker{ca: ca}
		for _, der := range row.Signing {
			cert, err := parseCertificate(der, "signing certificate of broker "+row.Name)
			if err != nil {
				return err
			}
			if !isP256(cert) || !isDocumentSigning(cert) || len(cert.ExtKeyUsage) > 0 || cert.CheckSignatureFrom(ca) != nil {
				return fmt.Errorf("signing certificate of broker %s is not for signing, or not from its CA", row.Name)
			}
			broker.signing = append(broker.signing, cert)
		}
		h.brokers = append(h.brokers, broker)
	}
	return nil
}

func (h *heldList) checkAgreements() error {
	ids := map[string]bool{}
	for _, a := range h.list.Agreements {
		if a.ID == "" || ids[a.ID] {
			return fmt.Errorf("an agreement has no id of its own")
		}
		ids[a.ID] = true
		parties := slices.Compact(slices.Sorted(slices.Values(a.Parties)))
		if len(parties) < 2 || len(parties) != len(a.Parties) || len(a.Channels) == 0 {
			return fmt.Errorf("agreement %q needs two different parties and a channel", a.ID)
		}
		for _, party := range parties {
			if _, listed := h.cas[party]; !listed {
				return fmt.Errorf("agreement %q has a party that is not listed", a.ID)
			}
		}
		for _, channel := range a.Channels {
			if _, err := schemas.ParseChannel(string(channel)); err != nil {
				return err
			}
		}
		if !a.Until.IsZero() && !a.From.Before(a.Until) {
			return fmt.Errorf("agreement %q ends before it begins", a.ID)
		}
	}
	return nil
}

// checkFresh refuses a list from the past or the future.
func (h *heldList) checkFresh(now time.Time) error {
	if !now.Before(h.list.ExpiresAt) {
		return refuse(ReasonTrustListExpired, "trust list %d, since %s", h.list.Version, h.list.ExpiresAt.Format(time.RFC3339))
	}
	if h.list.IssuedAt.After(now.Add(clockSkewAllowed)) {
		return refuse(ReasonNotYetValid, "trust list %d, until %s", h.list.Version, h.list.IssuedAt.Format(time.RFC3339))
	}
	return nil
}
