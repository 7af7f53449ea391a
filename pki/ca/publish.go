package ca

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"time"

	"comity/pki"
	"comity/pki/jose"
	"comity/schemas"
)

// Lifetimes of published documents.
const (
	entryLifetime = 30 * 24 * time.Hour
	crlLifetime   = 7 * 24 * time.Hour
	renewBefore   = 60 * 24 * time.Hour // a directory signer nearer to its end than this is replaced
)

// SignEntry signs the State's directory entry with the given rows, under the next version, for 30 days.
func (c *CA) SignEntry(authorities []pki.Authority) ([]byte, error) {
	now := c.now().UTC().Truncate(time.Second)
	if c.directory.Certificate.NotAfter.Before(now.Add(renewBefore)) {
		if err := c.renewDirectorySigner(); err != nil {
			return nil, err
		}
	}
	c.record.EntryVersion++
	entry := pki.Entry{State: c.state, Version: c.record.EntryVersion, IssuedAt: now, ExpiresAt: now.Add(entryLifetime),
		Signer: c.directory.Certificate.Raw, Authorities: authorities}
	payload, err := schemas.Canonical(entry)
	if err != nil {
		return nil, fmt.Errorf("signing the directory entry of %s: %w", c.state, err)
	}
	return jose.Sign(c.directory.Key, jose.Thumbprint(c.directory.Certificate), jose.TypDirectory, nil, payload)
}

// Revoke puts a certificate on the CA's revocation list, as of now. reason is one of RFC 5280 section 5.3.1. A reason
// once given can only be sharpened to key compromise.
func (c *CA) Revoke(cert *x509.Certificate, reason int) error {
	if err := cert.CheckSignatureFrom(c.cert); err != nil {
		return fmt.Errorf("revoking a certificate: not issued by the CA of %s: %w", c.state, err)
	}
	if reason < 0 || reason > 10 || reason == 7 || reason == 8 { // 7 is unused, 8 removes from delta lists
		return fmt.Errorf("revoking a certificate: no reason code %d", reason)
	}
	serial := cert.SerialNumber.String()
	i := slices.IndexFunc(c.record.Revoked, func(r revoked) bool { return r.Serial == serial })
	switch {
	case i < 0:
		c.record.Revoked = append(c.record.Revoked, revoked{Serial: serial, At: c.now().UTC().Truncate(time.Second), Reason: reason})
	case reason == pki.CRLKeyCompromise:
		c.record.Revoked[i].Reason = reason
	}
	return nil
}

// CRL makes the next revocation list, good for a week, in PEM as it is published (crl/<state>.crl).
func (c *CA) CRL() ([]byte, error) {
	now := c.now().UTC().Truncate(time.Second)
	c.record.CRLNumber++
	template := &x509.RevocationList{Number: big.NewInt(c.record.CRLNumber), ThisUpdate: now, NextUpdate: now.Add(crlLifetime)}
	for _, r := range c.record.Revoked {
		serial, ok := new(big.Int).SetString(r.Serial, 10)
		if !ok {
			return nil, fmt.Errorf("making the revocation list of %s: a recorded serial number is not a number", c.state)
		}
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: serial, RevocationTime: r.At, ReasonCode: r.Reason})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("making the revocation list of %s: %w", c.state, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
}
