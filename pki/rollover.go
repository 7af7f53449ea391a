package pki

import (
	"crypto/x509"
	"slices"

	"comity/pki/jose"
	"comity/schemas"
)

// knownCAs is what this keeper remembers of each State that it ever saw, whatever later lists say: a State that leaves
// the list and comes back is still known.
type knownCAs struct {
	CAs map[schemas.StateCode][][]byte `json:"cas"` // DER
	// Confirmed are thumbprints of CAs that the key officer here has checked by another road.
	Confirmed map[schemas.StateCode][]string `json:"confirmed"`
}

// checkSuccession refuses a CA that is new to a known State, unless an old CA of the State signed for it or the key
// officer confirmed it: the scheme's signers alone cannot put another CA in its place.
func (k knownCAs) checkSuccession(h *heldList) error {
	for _, row := range h.list.States {
		before := k.CAs[row.State]
		if len(before) == 0 {
			continue // first seen: the scheme introduces it
		}
		for _, ca := range h.cas[row.State] {
			if slices.ContainsFunc(before, func(der []byte) bool { return string(der) == string(ca.Raw) }) ||
				slices.Contains(k.Confirmed[row.State], jose.Thumbprint(ca)) || vouched(row, ca, before) {
				continue
			}
			return refuse(ReasonCASwapped, "trust list %d names a CA of %s that its old CA does not vouch for", h.list.Version, row.State)
		}
	}
	return nil
}

// vouched tells whether one of the earlier CAs signed a rollover for this certificate of this State.
func vouched(row StateTrust, ca *x509.Certificate, before [][]byte) bool {
	for _, compact := range row.Rollovers {
		signed, err := jose.ParseSigned([]byte(compact), jose.TypCARollover)
		if err != nil || signed.Header(&struct{}{}) != nil {
			continue
		}
		for _, der := range before {
			old, err := x509.ParseCertificate(der)
			if err != nil || jose.Thumbprint(old) != signed.Thumbprint() {
				continue
			}
			var word Rollover
			payload, err := signed.Verify(old.PublicKey)
			if err == nil && schemas.Decode(payload, &word, schemas.DefaultLimits) == nil &&
				word == (Rollover{State: row.State, CA: jose.Thumbprint(ca)}) {
				return true
			}
		}
	}
	return false
}

// check finds damage: each certificate is self-signed.
func (k knownCAs) check() error {
	for state, ders := range k.CAs {
		for _, der := range ders {
			ca, err := parseCertificate(der, "known CA of "+string(state))
			if err != nil {
				return err
			}
			if err := CheckCA(ca, state); err != nil {
				return err
			}
		}
	}
	return nil
}

// learn is the memory after a list was accepted.
func (k knownCAs) learn(h *heldList) knownCAs {
	next := knownCAs{CAs: map[schemas.StateCode][][]byte{}, Confirmed: k.Confirmed}
	for state, cas := range k.CAs {
		next.CAs[state] = cas
	}
	for _, row := range h.list.States {
		next.CAs[row.State] = row.CAs
	}
	return next
}
