package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"time"

	"comity/pki"
	"comity/pki/jose"
	"comity/pki/keyfile"
	"comity/schemas"
)

// SchemeSigner is one of the keys whose threshold signs the trust list.
type SchemeSigner struct {
	name string
	key  crypto.Signer
}

// NewSchemeSigner makes a signer with a new key.
func NewSchemeSigner(name string) (*SchemeSigner, error) {
	key, err := keyfile.Generate()
	if err != nil {
		return nil, err
	}
	return &SchemeSigner{name: name, key: key}, nil
}

// Row is the signer's row of a trust list.
func (s *SchemeSigner) Row() (pki.SchemeSigner, error) {
	spki, err := x509.MarshalPKIXPublicKey(s.key.Public())
	if err != nil {
		return pki.SchemeSigner{}, fmt.Errorf("scheme signer %s: %w", s.name, err)
	}
	return pki.SchemeSigner{Name: s.name, Key: spki}, nil
}

// Thumbprint is what operators pin.
func (s *SchemeSigner) Thumbprint() (string, error) { return jose.KeyThumbprint(s.key.Public()) }

// PinOf is the pin for a scheme that starts with these signers.
func PinOf(scheme string, threshold int, signers ...*SchemeSigner) (pki.Pin, error) {
	pin := pki.Pin{Scheme: scheme, Threshold: threshold}
	for _, s := range signers {
		id, err := s.Thumbprint()
		if err != nil {
			return pki.Pin{}, fmt.Errorf("pinning scheme signer %s: %w", s.name, err)
		}
		pin.Signers = append(pin.Signers, id)
	}
	return pin, nil
}

// SignTrustList signs a list with each signer. Whether they are enough, and the right ones, is for keepers to judge.
func SignTrustList(list *pki.TrustList, signers ...*SchemeSigner) ([]byte, error) {
	payload, err := schemas.Canonical(list)
	if err != nil {
		return nil, fmt.Errorf("signing the trust list: %w", err)
	}
	var keys []jose.KeyWithID
	for _, s := range signers {
		id, err := s.Thumbprint()
		if err != nil {
			return nil, fmt.Errorf("signing the trust list: %w", err)
		}
		keys = append(keys, jose.KeyWithID{ID: id, Key: s.key})
	}
	return jose.SignAll(payload, jose.TypTrustList, keys)
}

// BrokerCA issues a broker's TLS server and acceptance-signing certificates. It is no State's CA and can name no
// authority: agents use it as root for their broker connections only.
type BrokerCA struct {
	name string
	key  crypto.Signer
	cert *x509.Certificate
	now  func() time.Time
}

// NewBrokerCA makes a broker's CA with a new key.
func NewBrokerCA(name string, now func() time.Time) (*BrokerCA, error) {
	key, err := keyfile.Generate()
	if err != nil {
		return nil, err
	}
	template, err := caTemplate(pkix.Name{CommonName: "Comity broker CA " + name}, now())
	if err != nil {
		return nil, err
	}
	cert, err := selfSign(template, key)
	if err != nil {
		return nil, fmt.Errorf("making the CA of broker %s: %w", name, err)
	}
	return &BrokerCA{name: name, key: key, cert: cert, now: now}, nil
}

// Certificate is the CA's own certificate.
func (b *BrokerCA) Certificate() *x509.Certificate { return b.cert }

// IssueServer issues a TLS server certificate for host names and IP addresses.
func (b *BrokerCA) IssueServer(public *ecdsa.PublicKey, hosts ...string) (*x509.Certificate, error) {
	if len(hosts) == 0 {
		return nil, fmt.Errorf("issuing a server certificate of broker %s: no host", b.name)
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: b.name}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return b.issue(template, public)
}

// IssueSigning issues a certificate that signs acceptances.
func (b *BrokerCA) IssueSigning(public *ecdsa.PublicKey) (*x509.Certificate, error) {
	return b.issue(&x509.Certificate{Subject: pkix.Name{CommonName: b.name + " acceptances"}, KeyUsage: x509.KeyUsageDigitalSignature,
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{pki.OIDDocumentSigning}}, public)
}

func (b *BrokerCA) issue(template *x509.Certificate, public *ecdsa.PublicKey) (*x509.Certificate, error) {
	what := "issuing a certificate of broker " + b.name
	if _, err := jose.KeyThumbprint(public); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	now := b.now().UTC().Truncate(time.Second)
	template.SerialNumber, template.BasicConstraintsValid = serial, true
	template.NotBefore, template.NotAfter = now.Add(-backdated), earlier(now.Add(leafLifetime), b.cert.NotAfter)
	if template.NotBefore.Before(b.cert.NotBefore) {
		template.NotBefore = b.cert.NotBefore
	}
	der, err := x509.CreateCertificate(rand.Reader, template, b.cert, public, b.key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return x509.ParseCertificate(der)
}

// Identity is the broker's row of a trust list.
func (b *BrokerCA) Identity(signing ...*x509.Certificate) pki.BrokerIdentity {
	row := pki.BrokerIdentity{Name: b.name, CA: b.cert.Raw}
	for _, cert := range signing {
		row.Signing = append(row.Signing, cert.Raw)
	}
	return row
}
