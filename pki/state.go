package pki

import (
	"crypto/x509"
	"sync"
	"time"

	"comity/pki/jose"
	"comity/schemas"
)

// Proof says that a certificate is an authority's, for one usage, at one time. Only this package can make one that is
// not empty, so whoever holds it need not ask again.
type Proof struct {
	authority   schemas.AuthorityID
	certificate *x509.Certificate
	pending     bool
}

// Authority is who was proven, "" in the zero Proof.
func (p Proof) Authority() schemas.AuthorityID { return p.authority }

// Certificate is the certificate that was proven; read only.
func (p Proof) Certificate() *x509.Certificate { return p.certificate }

// Pending says that the proof is good as far as this keeper knows, but what it knows of revocation or of the State's
// directory is out of date: take the message, and ask again when news has come.
func (p Proof) Pending() bool { return p.pending }

// stateTrust is all that a View knows of one State.
type stateTrust struct {
	state schemas.StateCode
	roots *x509.CertPool
	crls  map[string]*heldCRL // by thumbprint of the CA
	entry *heldEntry          // proven; nil if there is none
	cas   int                 // how many CAs the State has

	paths sync.Map // of the certificates in its directory entry: *x509.Certificate to path
}

// path is the way from a certificate to the CA that issued it, and when it holds.
type path struct {
	issuer      *x509.Certificate
	from, until time.Time
}

// pathOf is checkPath of a certificate of the directory, which is asked for with every message. What has been proved once
// is good for as long as both certificates are. A State with a new CA beside the old one may have several ways: there the
// way is looked for each time.
func (s *stateTrust) pathOf(cert *x509.Certificate, at time.Time) (*x509.Certificate, error) {
	if known, ok := s.paths.Load(cert); ok {
		if p := known.(path); !at.Before(p.from) && !at.After(p.until) {
			return p.issuer, nil
		}
	}
	issuer, err := checkPath(cert, s.roots, at)
	if err == nil && s.cas == 1 {
		p := path{issuer: issuer, from: cert.NotBefore, until: cert.NotAfter}
		if issuer.NotBefore.After(p.from) {
			p.from = issuer.NotBefore
		}
		if issuer.NotAfter.Before(p.until) {
			p.until = issuer.NotAfter
		}
		s.paths.Store(cert, p)
	}
	return issuer, err
}

// prove proves a certificate that somebody showed.
func (s *stateTrust) prove(cert *x509.Certificate, usage Usage, at time.Time) (Proof, error) {
	return s.proveBy(cert, usage, at, func() (*x509.Certificate, error) { return checkPath(cert, s.roots, at) })
}

// proveListed proves a certificate of the directory entry.
func (s *stateTrust) proveListed(cert *x509.Certificate, usage Usage, at time.Time) (Proof, error) {
	return s.proveBy(cert, usage, at, func() (*x509.Certificate, error) { return s.pathOf(cert, at) })
}

// proveBy is the only maker of Proofs.
//  1. One name, within the State, and the profile of the usage.
//  2. Valid in time and issued by one of the State's own CAs, whatever other CAs are listed.
//  3. Not revoked; not knowing is not refusing, but is said.
func (s *stateTrust) proveBy(cert *x509.Certificate, usage Usage, at time.Time, issuedBy func() (*x509.Certificate, error)) (Proof, error) {
	id, err := CheckProfile(cert, s.state, usage)
	if err != nil {
		return Proof{}, err
	}
	issuer, err := issuedBy()
	if err != nil {
		return Proof{}, err
	}
	crl := s.crls[jose.Thumbprint(issuer)]
	if crl != nil && crl.refuses(cert.SerialNumber, at) {
		return Proof{}, refuse(ReasonRevoked, "%s certificate of %s", usage, id)
	}
	pending := crl == nil || crl.stale(at) || s.entry == nil || s.entry.expired(at)
	return Proof{authority: id, certificate: cert, pending: pending}, nil
}

// proveEntry proves that the entry is this State's: its signer's certificate is from the State's CA under the
// reserved name.
func (s *stateTrust) proveEntry(h *heldEntry, at time.Time) error {
	if h.entry.State != s.state {
		return refuse(ReasonWrongState, "directory entry of %s", h.entry.State)
	}
	_, err := s.prove(h.signer, UsageDirectory, at)
	return err
}
