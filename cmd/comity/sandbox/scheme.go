package sandbox

import (
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"comity/pki"
	"comity/pki/ca"
	"comity/pki/keyfile"
	"comity/schemas"
)

const (
	signerCount  = 3
	threshold    = 2
	listLifetime = 365 * 24 * time.Hour
)

// scheme is the keys of everybody while a sandbox is made.
type scheme struct {
	now     func() time.Time
	signers []*ca.SchemeSigner
	broker  *ca.BrokerCA
	cas     map[schemas.StateCode]*ca.CA
	pin     pki.Pin
	brokers string // the URL that agents connect to
}

func newScheme(p Plan) (*scheme, error) {
	m := &scheme{now: p.Now, cas: map[schemas.StateCode]*ca.CA{}}
	for i := range signerCount {
		signer, err := ca.NewSchemeSigner(fmt.Sprintf("signer-%d", i+1))
		if err != nil {
			return nil, err
		}
		m.signers = append(m.signers, signer)
	}
	var err error
	if m.pin, err = ca.PinOf(SchemeName, threshold, m.signers...); err != nil {
		return nil, err
	}
	if m.broker, err = ca.NewBrokerCA("sandbox", p.Now); err != nil {
		return nil, err
	}
	for _, state := range p.States {
		if m.cas[state], err = ca.New(state, p.Now); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// writeBroker makes the broker's certificates and folder, and returns its row of the trust list.
func (m *scheme) writeBroker(s *Sandbox, listen string) (pki.BrokerIdentity, error) {
	dir := filepath.Join(s.dir, "broker")
	m.brokers = "tls://" + listen
	server, err := m.brokerKey(dir, "tls", func(public *ecdsa.PublicKey) (*x509.Certificate, error) {
		return m.broker.IssueServer(public, "127.0.0.1", "localhost")
	})
	if err != nil || server == nil {
		return pki.BrokerIdentity{}, err
	}
	signing, err := m.brokerKey(dir, "signing", m.broker.IssueSigning)
	if err != nil {
		return pki.BrokerIdentity{}, err
	}
	pin, err := schemas.Canonical(m.pin)
	if err != nil {
		return pki.BrokerIdentity{}, err
	}
	config := strings.ReplaceAll(brokerFile, "LISTEN", listen)
	return m.broker.Identity(signing), errors.Join(
		m.broker.Save(s.caDir("broker")),
		writeFile(filepath.Join(dir, "pin.json"), append(pin, '\n'), 0o600),
		writeFile(s.BrokerConfig(), []byte(config), 0o600),
	)
}

// brokerKey makes one of the broker's keys with its certificate: NAME.key and NAME.crt.
func (m *scheme) brokerKey(dir, name string, issue func(*ecdsa.PublicKey) (*x509.Certificate, error)) (*x509.Certificate, error) {
	key, err := keyfile.Generate()
	if err != nil {
		return nil, err
	}
	certificate, err := issue(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return certificate, errors.Join(keyfile.WriteKey(filepath.Join(dir, name+".key"), key), keyfile.WriteCertificate(filepath.Join(dir, name+".crt"), certificate))
}

const brokerFile = `# The broker of this sandbox. Paths are relative to this file.
listen = "LISTEN"
data = "data"
trust = "../trust"
pin = "pin.json"

[tls]
certificate = "tls.crt"
key = "tls.key"

[signing]
certificate = "signing.crt"
key = "signing.key"
`

// publishList signs the first trust list with the threshold of signers. Every pair of States has an agreement that opens
// every channel: what a sandbox is for.
func (m *scheme) publishList(s *Sandbox, broker pki.BrokerIdentity) error {
	now := m.now().UTC().Truncate(time.Second)
	list := &pki.TrustList{
		Scheme: SchemeName, Version: 1, IssuedAt: now, ExpiresAt: now.Add(listLifetime),
		Threshold: threshold, Brokers: []pki.BrokerIdentity{broker}, Agreements: agreements(s.mark.States, now),
	}
	for _, state := range s.mark.States {
		list.States = append(list.States, m.cas[state].Trust())
	}
	for i, signer := range m.signers {
		row, err := signer.Row()
		if err != nil {
			return err
		}
		list.Signers = append(list.Signers, row)
		if err := signer.Save(s.caDir(filepath.Join("scheme", fmt.Sprintf("signer-%d", i+1)))); err != nil {
			return err
		}
	}
	return signList(s, list, m.signers)
}

func signList(s *Sandbox, list *pki.TrustList, signers []*ca.SchemeSigner) error {
	signed, err := ca.SignTrustList(list, signers[:threshold]...)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(s.Published(), listFile), signed, 0o644)
}

func agreements(states []schemas.StateCode, from time.Time) []pki.Agreement {
	var all []pki.Agreement
	for i, a := range states {
		for _, b := range states[i+1:] {
			all = append(all, pki.Agreement{
				ID: strings.ToLower(string(a) + "-" + string(b)), Parties: []schemas.StateCode{a, b}, Channels: schemas.Channels(),
				Instruments: []string{"untoc", "tip-protocol", "ets-112"}, From: from.Add(-24 * time.Hour),
			})
		}
	}
	return all
}

// publishState signs a State's directory entry and revocation list and puts them in the published folder. The CA is
// saved first: a number that was published is never used again.
func publishState(s *Sandbox, authority *ca.CA, rows []pki.Authority) error {
	entry, err := authority.SignEntry(rows)
	if err != nil {
		return err
	}
	return errors.Join(publishCRL(s, authority), writeFile(filepath.Join(s.Published(), "directory", authority.State().Lower()+".jws"), entry, 0o644))
}

func publishCRL(s *Sandbox, authority *ca.CA) error {
	crl, err := authority.CRL()
	if err != nil {
		return err
	}
	if err := authority.Save(s.caDir(authority.State().Lower())); err != nil {
		return err
	}
	return writeFile(filepath.Join(s.Published(), "crl", authority.State().Lower()+".crl"), crl, 0o644)
}
