package pkitest

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/url"
	"testing"
	"time"

	"comity/pki"
	"comity/schemas"
)

// Rogue is a way in which a TLS client certificate is not what it should be. The key always fits the certificate.
type Rogue string

// The rogues. Unless said otherwise they are signed by the State's own CA.
const (
	RogueExpired     Rogue = "expired"
	RogueNotYet      Rogue = "not-yet-valid"
	RogueOtherState  Rogue = "other-state"  // signed by the CA of another State of the scheme
	RogueUnknownCA   Rogue = "unknown-ca"   // signed by nobody's CA
	RogueTwoURIs     Rogue = "two-uris"     // the authority and its neighbour in the State
	RogueNoURI       Rogue = "no-uri"       // a common name only
	RogueSubdomain   Rogue = "sub-domain"   // comity://x.<state>/<name>, which Go's path validation lets pass
	RogueExtraDNS    Rogue = "extra-dns"    // a host name beside the URI
	RogueWrongUsage  Rogue = "wrong-usage"  // an encryption certificate: no clientAuth
	RogueUnlisted    Rogue = "unlisted"     // perfect, but not in the directory
	RogueDirectoryID Rogue = "directory-id" // under the State's reserved name
)

// IssueRogue makes a rogue certificate that tries to be an authority.
func (s *Scheme) IssueRogue(tb testing.TB, as schemas.AuthorityID, kind Rogue) tls.Certificate {
	tb.Helper()
	signer := as.State()
	change := func(*x509.Certificate) {}
	switch kind {
	case RogueExpired:
		change = func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = s.now().Add(-time.Hour), s.now().Add(-time.Minute)
		}
	case RogueNotYet:
		change = func(c *x509.Certificate) { c.NotBefore, c.NotAfter = s.now().Add(time.Hour), s.now().Add(2*time.Hour) }
	case RogueOtherState:
		for _, state := range s.states {
			if state != as.State() {
				signer = state
			}
		}
	case RogueTwoURIs:
		change = func(c *x509.Certificate) {
			c.URIs = append(c.URIs, &url.URL{Scheme: "comity", Host: as.State().Lower(), Path: "/neighbour"})
		}
	case RogueNoURI:
		change = func(c *x509.Certificate) { c.URIs = nil }
	case RogueSubdomain:
		change = func(c *x509.Certificate) { c.URIs[0].Host = "x." + c.URIs[0].Host }
	case RogueExtraDNS:
		change = func(c *x509.Certificate) { c.DNSNames = []string{"example.org"} }
	case RogueWrongUsage:
		change = func(c *x509.Certificate) { c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageKeyAgreement, nil }
	case RogueDirectoryID:
		change = func(c *x509.Certificate) { c.URIs[0].Path = "/" + pki.DirectoryName }
	case RogueUnlisted, RogueUnknownCA:
	default:
		tb.Fatalf("no rogue %q", kind)
	}
	if kind == RogueUnknownCA {
		other := NewScheme(tb, s.now, as.State())
		return other.IssueAs(tb, as.State(), as, func(*x509.Certificate) {})
	}
	return s.IssueAs(tb, signer, as, change)
}

// IssueAs signs, with a State's CA key and past every check of package ca, a TLS client certificate of any authority as
// the test changes it.
func (s *Scheme) IssueAs(tb testing.TB, signer schemas.StateCode, as schemas.AuthorityID, change func(*x509.Certificate)) tls.Certificate {
	tb.Helper()
	key := newKey(tb)
	template := &x509.Certificate{
		SerialNumber: must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100)))(tb),
		URIs:         []*url.URL{{Scheme: "comity", Host: as.State().Lower(), Path: "/" + as.Name()}},
		NotBefore:    s.now().Add(-time.Minute), NotAfter: s.now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	template.Subject.CommonName = string(as)
	change(template)
	der := must(x509.CreateCertificate(rand.Reader, template, s.cas[signer].Certificate(), &key.PublicKey, s.caKeys[signer]))(tb)
	return tlsPair(key, must(x509.ParseCertificate(der))(tb))
}
