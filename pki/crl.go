package pki

import (
	"bytes"
	"crypto/x509"
	"math/big"
	"time"

	"comity/pki/jose"
	"comity/schemas"
)

// Reason codes of RFC 5280 section 5.3.1 that say when a certificate stopped being used, and no more. Every other
// reason, given or not, may mean that somebody else has the key.
const (
	CRLKeyCompromise        = 1
	CRLAffiliationChanged   = 3
	CRLSuperseded           = 4
	CRLCessationOfOperation = 5
)

const maxCRL = 1 << 20

// heldCRL is the revocation list of one CA.
type heldCRL struct {
	raw        []byte
	state      schemas.StateCode
	issuer     string // jose.Thumbprint of the CA
	number     *big.Int
	thisUpdate time.Time
	nextUpdate time.Time
	revoked    map[string]revocation // by serial number
}

type revocation struct {
	at          time.Time
	compromised bool
}

// readCRL parses a revocation list (RFC 5280 section 5) and proves it by one of the States' CAs. Only complete lists
// of the CA's own certificates are taken: a critical extension could make it mean less.
func readCRL(der []byte, cas map[schemas.StateCode][]*x509.Certificate) (*heldCRL, error) {
	if len(der) > maxCRL {
		return nil, refuse(ReasonCRLInvalid, "revocation list of more than %d bytes", maxCRL)
	}
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, &Error{Reason: ReasonCRLInvalid, What: "revocation list", Err: err}
	}
	h := &heldCRL{raw: der, number: crl.Number, thisUpdate: crl.ThisUpdate, nextUpdate: crl.NextUpdate,
		revoked: make(map[string]revocation, len(crl.RevokedCertificateEntries))}
	for state, certs := range cas {
		for _, ca := range certs {
			if bytes.Equal(crl.RawIssuer, ca.RawSubject) && crl.CheckSignatureFrom(ca) == nil {
				h.state, h.issuer = state, jose.Thumbprint(ca)
			}
		}
	}
	if h.issuer == "" {
		return nil, refuse(ReasonUntrustedCA, "revocation list is not from a listed CA")
	}
	if crl.Number == nil || crl.NextUpdate.IsZero() {
		return nil, refuse(ReasonCRLInvalid, "revocation list of %s has no number or no next update", h.state)
	}
	for _, ext := range crl.Extensions {
		if ext.Critical {
			return nil, refuse(ReasonCRLInvalid, "revocation list of %s is not complete", h.state)
		}
	}
	for _, entry := range crl.RevokedCertificateEntries {
		for _, ext := range entry.Extensions {
			if ext.Critical {
				return nil, refuse(ReasonCRLInvalid, "revocation list of %s is indirect", h.state)
			}
		}
		dated := entry.ReasonCode == CRLAffiliationChanged || entry.ReasonCode == CRLSuperseded || entry.ReasonCode == CRLCessationOfOperation
		h.revoked[entry.SerialNumber.String()] = revocation{at: entry.RevocationTime, compromised: !dated}
	}
	return h, nil
}

// refuses tells whether a certificate is revoked for a use at a time. Revoked for compromise refuses whatever the time:
// who has the key can claim any.
func (h *heldCRL) refuses(serial *big.Int, at time.Time) bool {
	r, listed := h.revoked[serial.String()]
	return listed && (r.compromised || !at.Before(r.at))
}

func (h *heldCRL) stale(at time.Time) bool { return at.After(h.nextUpdate) }
