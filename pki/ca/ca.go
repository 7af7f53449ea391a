// Package ca is a State's certification authority, and beside it the scheme's signers and a broker's own CA: everything
// that makes the documents that package pki judges.
//
// A State's CA issues certificates of the fixed profiles for that State's authorities and for nobody else. Prepare checks
// a request and returns a token; Issue signs nothing but such a token, once. It trusts its caller to have established
// that a public key is the authority's; it must never sign a template that somebody hands to it, and never give out a
// private key. Keys are kept in files of mode 0600 and used through crypto.Signer.
package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"

	"comity/pki"
	"comity/pki/jose"
	"comity/pki/keyfile"
	"comity/schemas"
)

// Lifetimes where a request does not name one.
const (
	caLifetime   = 10 * 365 * 24 * time.Hour
	leafLifetime = 365 * 24 * time.Hour
	// backdated lets a peer whose clock is a little behind accept a new certificate.
	backdated = 5 * time.Minute
)

// CA is a State's certification authority with its directory signer. It is not safe for concurrent use.
type CA struct {
	state schemas.StateCode
	key   crypto.Signer
	cert  *x509.Certificate
	now   func() time.Time

	directory Identity
	record    record
}

// Identity is a key and its certificate.
type Identity struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// record is what a CA must remember besides its keys. A number is never used twice: Save after each document.
type record struct {
	CRLNumber    int64     `json:"crl_number"`
	EntryVersion uint64    `json:"entry_version"`
	Revoked      []revoked `json:"revoked"`
}

type revoked struct {
	Serial string    `json:"serial"` // decimal
	At     time.Time `json:"at"`
	Reason int       `json:"reason"` // RFC 5280 section 5.3.1
}

// New makes a State's CA and its directory signer.
func New(state schemas.StateCode, now func() time.Time) (*CA, error) {
	if _, err := schemas.ParseStateCode(string(state)); err != nil {
		return nil, fmt.Errorf("making a CA: %w", err)
	}
	key, err := keyfile.Generate()
	if err != nil {
		return nil, err
	}
	template, err := caTemplate(pkix.Name{Country: []string{string(state)}, CommonName: "Comity CA of " + string(state)}, now())
	if err != nil {
		return nil, err
	}
	template.PermittedURIDomains = []string{state.Lower()}
	template.PermittedDNSDomainsCritical = true // of the whole extension
	cert, err := selfSign(template, key)
	if err != nil {
		return nil, fmt.Errorf("making the CA of %s: %w", state, err)
	}
	if err := pki.CheckCA(cert, state); err != nil {
		return nil, fmt.Errorf("making the CA of %s: %w", state, err)
	}
	c := &CA{state: state, key: key, cert: cert, now: now}
	if err := c.renewDirectorySigner(); err != nil {
		return nil, err
	}
	return c, nil
}

// State is whose CA it is.
func (c *CA) State() schemas.StateCode { return c.state }

// Certificate is the CA's own certificate.
func (c *CA) Certificate() *x509.Certificate { return c.cert }

// Trust is the State's row of a trust list.
func (c *CA) Trust() pki.StateTrust {
	return pki.StateTrust{State: c.state, CAs: [][]byte{c.cert.Raw}}
}

// Vouch signs for the CA that will follow this one. Its word goes into StateTrust.Rollovers, beside the successor's
// certificate in StateTrust.CAs.
func (c *CA) Vouch(next *x509.Certificate) (string, error) {
	if err := pki.CheckCA(next, c.state); err != nil {
		return "", fmt.Errorf("vouching for a new CA: %w", err)
	}
	word, err := schemas.Canonical(pki.Rollover{State: c.state, CA: jose.Thumbprint(next)})
	if err != nil {
		return "", fmt.Errorf("vouching for a new CA: %w", err)
	}
	signed, err := jose.Sign(c.key, jose.Thumbprint(c.cert), jose.TypCARollover, nil, word)
	return string(signed), err
}

// Successor makes the CA that follows this one, and the State's row of a trust list for the time of change: both CAs, and
// the word of this one for the next. Entry versions go on where this one stopped. Certificates that this CA issued stay
// good, and revocable by it, as long as the row names it.
func (c *CA) Successor() (*CA, pki.StateTrust, error) {
	next, err := New(c.state, c.now)
	if err != nil {
		return nil, pki.StateTrust{}, err
	}
	next.record.EntryVersion = c.record.EntryVersion
	word, err := c.Vouch(next.cert)
	if err != nil {
		return nil, pki.StateTrust{}, err
	}
	return next, pki.StateTrust{State: c.state, CAs: [][]byte{c.cert.Raw, next.cert.Raw}, Rollovers: []string{word}}, nil
}

// Request asks for a certificate.
type Request struct {
	Authority schemas.AuthorityID
	Usage     pki.Usage // TLS, signing or encryption
	Public    *ecdsa.PublicKey
	// NotAfter is the end, within the CA's own lifetime. Zero: a year from now, or the CA's end if that is sooner.
	NotAfter time.Time
}

// Prepared is a request that passed every check. It can be redeemed once, by the CA that made it.
type Prepared struct {
	by       *CA
	request  Request
	template *x509.Certificate
}

// Prepare checks a request: the authority is one of this State's and not the reserved name, the usage is one of an
// authority's, the key is a valid P-256 key and not the CA's, the end lies within the CA's lifetime.
func (c *CA) Prepare(r Request) (*Prepared, error) {
	if r.Authority.Name() == pki.DirectoryName || r.Usage == pki.UsageDirectory {
		return nil, fmt.Errorf("preparing a certificate: the name %q is reserved", pki.DirectoryName)
	}
	return c.prepare(r)
}

func (c *CA) prepare(r Request) (*Prepared, error) {
	if _, err := schemas.ParseAuthorityID(string(r.Authority)); err != nil {
		return nil, fmt.Errorf("preparing a certificate: %w", err)
	}
	what := fmt.Sprintf("preparing a %s certificate of %s", r.Usage, r.Authority)
	if r.Authority.State() != c.state {
		return nil, fmt.Errorf("%s: not an authority of %s", what, c.state)
	}
	if _, err := jose.KeyThumbprint(r.Public); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if r.Public.Equal(c.key.Public()) {
		return nil, fmt.Errorf("%s: the key is the CA's own", what)
	}
	now := c.now().UTC().Truncate(time.Second)
	if r.NotAfter.IsZero() {
		r.NotAfter = earlier(now.Add(leafLifetime), c.cert.NotAfter)
	}
	if !r.NotAfter.After(now) || r.NotAfter.After(c.cert.NotAfter) {
		return nil, fmt.Errorf("%s: it would end in the past or after the CA", what)
	}
	template, err := leafTemplate(r, now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if template.NotBefore.Before(c.cert.NotBefore) {
		template.NotBefore = c.cert.NotBefore
	}
	return &Prepared{by: c, request: r, template: template}, nil
}

// Issue redeems a prepared request.
func (c *CA) Issue(p *Prepared) (*x509.Certificate, error) {
	if p == nil || p.by != c || p.template == nil {
		return nil, errors.New("issuing a certificate: not prepared by this CA, or issued already")
	}
	template := p.template
	p.template = nil
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, p.request.Public, c.key)
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate of %s: %w", p.request.Authority, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate of %s: %w", p.request.Authority, err)
	}
	if id, err := pki.CheckProfile(cert, c.state, p.request.Usage); err != nil || id != p.request.Authority {
		return nil, fmt.Errorf("issuing a certificate of %s: it came out in another profile: %w", p.request.Authority, err)
	}
	return cert, nil
}

func (c *CA) renewDirectorySigner() error {
	key, err := keyfile.Generate()
	if err != nil {
		return err
	}
	prepared, err := c.prepare(Request{Authority: pki.DirectoryID(c.state), Usage: pki.UsageDirectory, Public: &key.PublicKey})
	if err != nil {
		return err
	}
	cert, err := c.Issue(prepared)
	if err != nil {
		return err
	}
	c.directory = Identity{Key: key, Certificate: cert}
	return nil
}

// leafTemplate is one of the four profiles.
func leafTemplate(r Request, now time.Time) (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Country: []string{string(r.Authority.State())}, CommonName: string(r.Authority) + " " + r.Usage.String()},
		URIs:                  []*url.URL{{Scheme: "comity", Host: r.Authority.State().Lower(), Path: "/" + r.Authority.Name()}},
		NotBefore:             now.Add(-backdated),
		NotAfter:              r.NotAfter,
		BasicConstraintsValid: true,
	}
	switch r.Usage {
	case pki.UsageTLS:
		t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case pki.UsageSigning, pki.UsageDirectory:
		t.KeyUsage, t.UnknownExtKeyUsage = x509.KeyUsageDigitalSignature, []asn1.ObjectIdentifier{pki.OIDDocumentSigning}
	case pki.UsageEncryption:
		t.KeyUsage = x509.KeyUsageKeyAgreement
	default:
		return nil, fmt.Errorf("no profile for usage %d", r.Usage)
	}
	return t, nil
}

func caTemplate(subject pkix.Name, now time.Time) (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now = now.UTC().Truncate(time.Second)
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               subject,
		NotBefore:             now.Add(-backdated),
		NotAfter:              now.Add(caLifetime),
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
		// digitalSignature is for Vouch.
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}, nil
}

func selfSign(template *x509.Certificate, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// newSerial draws 127 random bits: positive, unpredictable, and at most 16 octets (RFC 5280 section 4.1.2.2).
func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("drawing a serial number: %w", err)
	}
	return serial.Add(serial, big.NewInt(1)), nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
