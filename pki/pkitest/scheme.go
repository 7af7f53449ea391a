// Package pkitest sets up a whole scheme in memory for tests: States with CAs, authorities with keys and certificates, a
// broker, a signed trust list with agreements, directory entries and revocation lists, and keepers that have taken
// them. It can also issue what a dishonest or careless CA would: certificates that must be refused.
//
// It trusts its test. It must never be imported by anything but tests: its keys are thrown away.
package pkitest

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"comity/pki"
	"comity/pki/ca"
	"comity/pki/keyfile"
	"comity/schemas"
)

// Scheme is a scheme with all its private keys. It is not safe for concurrent use.
type Scheme struct {
	Signers []*ca.SchemeSigner // three, of which two must sign
	Pin     pki.Pin
	Broker  Broker

	now         func() time.Time
	states      []schemas.StateCode
	cas         map[schemas.StateCode]*ca.CA
	caKeys      map[schemas.StateCode]crypto.Signer
	authorities map[schemas.AuthorityID]*Authority
	rows        map[schemas.StateCode][]pki.Authority
	list        pki.TrustList

	trustList []byte
	entries   map[schemas.StateCode][]byte
	crls      map[schemas.StateCode][]byte
}

// Broker is a broker's identity: TLS is good for localhost, 127.0.0.1 and ::1.
type Broker struct {
	CA      *ca.BrokerCA
	TLS     tls.Certificate
	Signing ca.Identity
}

// Authority is an authority with all its keys.
type Authority struct {
	ID         schemas.AuthorityID
	TLS        tls.Certificate
	Signing    ca.Identity
	Encryption Opener
}

// Opener is a key that opens messages, and its certificate.
type Opener struct {
	Key         ecdh.KeyExchanger
	Certificate *x509.Certificate
}

// Clock is a clock that stands still until it is moved. It is safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock starts at a fixed moment in November 2026.
func NewClock() *Clock { return &Clock{at: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Names of the authorities that each State has.
const (
	Justice = "justice" // every channel but border
	Border  = "border"  // border and repatriation
)

// NewScheme sets up a scheme in which every two States have agreements on every channel. Where real TLS is spoken, the
// clock must be time.Now.
func NewScheme(tb testing.TB, now func() time.Time, states ...schemas.StateCode) *Scheme {
	tb.Helper()
	s := &Scheme{now: now, states: states, cas: map[schemas.StateCode]*ca.CA{}, caKeys: map[schemas.StateCode]crypto.Signer{},
		authorities: map[schemas.AuthorityID]*Authority{}, rows: map[schemas.StateCode][]pki.Authority{},
		entries: map[schemas.StateCode][]byte{}, crls: map[schemas.StateCode][]byte{}}
	for i := range 3 {
		s.Signers = append(s.Signers, must(ca.NewSchemeSigner(fmt.Sprintf("signer-%d", i+1)))(tb))
	}
	s.Pin = must(ca.PinOf("comity-test", 2, s.Signers...))(tb)
	s.addBroker(tb)
	for _, state := range states {
		s.cas[state] = must(ca.New(state, now))(tb)
		s.caKeys[state] = takeKey(tb, s.cas[state])
		for _, name := range []string{Justice, Border} {
			s.addAuthority(tb, schemas.AuthorityID(string(state)+"/"+name))
		}
		s.EditEntry(tb, state, func([]pki.Authority) {})
		s.renewCRL(tb, state)
	}
	s.firstList(tb)
	return s
}

func (s *Scheme) firstList(tb testing.TB) {
	tb.Helper()
	s.list = pki.TrustList{Scheme: s.Pin.Scheme, Threshold: s.Pin.Threshold,
		Brokers: []pki.BrokerIdentity{s.Broker.CA.Identity(s.Broker.Signing.Certificate)}}
	for _, signer := range s.Signers {
		s.list.Signers = append(s.list.Signers, must(signer.Row())(tb))
	}
	for _, state := range s.states {
		s.list.States = append(s.list.States, s.cas[state].Trust())
	}
	for i, a := range s.states {
		for _, b := range s.states[i+1:] {
			s.list.Agreements = append(s.list.Agreements, pki.Agreement{ID: string(a + "-" + b), Parties: []schemas.StateCode{a, b},
				Channels: schemas.Channels(), Instruments: []string{"untoc", "tip-protocol", "ets-112"}, From: s.now().UTC().Truncate(time.Second).AddDate(-1, 0, 0)})
		}
	}
	s.EditTrustList(tb, func(*pki.TrustList) {})
}

func (s *Scheme) addBroker(tb testing.TB) {
	tb.Helper()
	broker := must(ca.NewBrokerCA("broker-1", s.now))(tb)
	tlsKey, signingKey := newKey(tb), newKey(tb)
	s.Broker = Broker{CA: broker,
		TLS:     tlsPair(tlsKey, must(broker.IssueServer(&tlsKey.PublicKey, "localhost", "127.0.0.1", "::1"))(tb)),
		Signing: ca.Identity{Key: signingKey, Certificate: must(broker.IssueSigning(&signingKey.PublicKey))(tb)}}
}

func (s *Scheme) addAuthority(tb testing.TB, id schemas.AuthorityID) {
	tb.Helper()
	a := &Authority{ID: id}
	key, cert := s.issue(tb, id, pki.UsageTLS)
	a.TLS = tlsPair(key, cert)
	key, cert = s.issue(tb, id, pki.UsageSigning)
	a.Signing = ca.Identity{Key: key, Certificate: cert}
	key, cert = s.issue(tb, id, pki.UsageEncryption)
	a.Encryption = Opener{Key: must(key.ECDH())(tb), Certificate: cert}
	s.authorities[id] = a
	s.rows[id.State()] = append(s.rows[id.State()], Row(a))
}

func (s *Scheme) issue(tb testing.TB, id schemas.AuthorityID, usage pki.Usage) (*ecdsa.PrivateKey, *x509.Certificate) {
	tb.Helper()
	key := newKey(tb)
	authority := s.cas[id.State()]
	prepared := must(authority.Prepare(ca.Request{Authority: id, Usage: usage, Public: &key.PublicKey}))(tb)
	return key, must(authority.Issue(prepared))(tb)
}

// Row is the directory row of an authority: open on weekdays in UTC, with two holidays.
func Row(a *Authority) pki.Authority {
	row := pki.Authority{
		ID: a.ID, Kind: pki.KindCentralAuthority, Name: "Central Authority of " + string(a.ID.State()),
		Channels: []schemas.Channel{schemas.ChannelMLA, schemas.ChannelConfiscation, schemas.ChannelJIT, schemas.ChannelTransfer,
			schemas.ChannelRepatriation},
		Languages: []string{"en"},
		DutyDesk: pki.DutyDesk{Contact: "duty desk, " + string(a.ID),
			Hours: []pki.Hours{{Days: []pki.Weekday{"mon", "tue", "wed", "thu", "fri"}, Open: "08:00", Close: "17:00"}}},
		Calendar: pki.Calendar{Weekend: []pki.Weekday{"sat", "sun"},
			Holidays: []pki.Holiday{{Date: "2026-12-25", Name: "Winter holiday"}, {Date: "2027-01-01", Name: "New year"}}},
		TimeZone: "UTC",
		Certificates: pki.Certificates{TLS: [][]byte{a.TLS.Leaf.Raw}, Signing: [][]byte{a.Signing.Certificate.Raw},
			Encryption: [][]byte{a.Encryption.Certificate.Raw}},
	}
	if a.ID.Name() == Border {
		row.Kind, row.Name = pki.KindBorderAgency, "Border Agency of "+string(a.ID.State())
		row.Channels = []schemas.Channel{schemas.ChannelRepatriation, schemas.ChannelBorder}
		row.DutyDesk = pki.DutyDesk{Contact: "duty desk, " + string(a.ID), Always: true}
	}
	for _, t := range schemas.Types() {
		if slices.Contains(row.Channels, t.Channel()) {
			row.Types = append(row.Types, t)
		}
	}
	return row
}

// Authority is an authority of the scheme; nil if there is none of that name.
func (s *Scheme) Authority(id schemas.AuthorityID) *Authority { return s.authorities[id] }

// CA is a State's CA.
func (s *Scheme) CA(state schemas.StateCode) *ca.CA { return s.cas[state] }

// List is a copy of the trust list as it was last signed. Its slices are shared.
func (s *Scheme) List() pki.TrustList { return s.list }

// EditTrustList changes the list and signs it as the next version, by the first two signers, for 90 days.
func (s *Scheme) EditTrustList(tb testing.TB, change func(*pki.TrustList)) {
	tb.Helper()
	change(&s.list)
	s.list.Version++
	s.list.IssuedAt = s.now().UTC().Truncate(time.Second)
	s.list.ExpiresAt = s.list.IssuedAt.AddDate(0, 0, 90)
	s.trustList = must(ca.SignTrustList(&s.list, s.Signers[:2]...))(tb)
}

// EditEntry changes rows of a State's directory entry in place and signs it as the next version, for 30 days.
func (s *Scheme) EditEntry(tb testing.TB, state schemas.StateCode, change func([]pki.Authority)) {
	tb.Helper()
	change(s.rows[state])
	s.entries[state] = must(s.cas[state].SignEntry(s.rows[state]))(tb)
}

// Revoke revokes a certificate and makes the State's next revocation list; it reaches a keeper by Refresh.
func (s *Scheme) Revoke(tb testing.TB, state schemas.StateCode, cert *x509.Certificate, reason int) {
	tb.Helper()
	if err := s.cas[state].Revoke(cert, reason); err != nil {
		tb.Fatal(err)
	}
	s.renewCRL(tb, state)
}

func (s *Scheme) renewCRL(tb testing.TB, state schemas.StateCode) {
	tb.Helper()
	s.crls[state] = must(s.cas[state].CRL())(tb)
}

// TrustList, Entry and CRL are the documents as last published; the CRL in PEM.
func (s *Scheme) TrustList() []byte                    { return slices.Clone(s.trustList) }
func (s *Scheme) Entry(state schemas.StateCode) []byte { return slices.Clone(s.entries[state]) }
func (s *Scheme) CRL(state schemas.StateCode) []byte   { return slices.Clone(s.crls[state]) }

// Publish writes all documents into a folder in the layout that Keeper.Refresh reads.
func (s *Scheme) Publish(dir string) error {
	files := map[string][]byte{"trust-list.json": s.trustList}
	for _, state := range s.states {
		files[filepath.Join("directory", state.Lower()+".jws")] = s.entries[state]
		files[filepath.Join("crl", state.Lower()+".crl")] = s.crls[state]
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Keeper is a new keeper, pinned to the scheme, that has taken every document.
func (s *Scheme) Keeper(tb testing.TB) *pki.Keeper {
	tb.Helper()
	keeper := must(pki.OpenKeeper(tb.TempDir(), s.Pin, s.now))(tb)
	s.Refresh(tb, keeper)
	return keeper
}

// Refresh brings a keeper up to date.
func (s *Scheme) Refresh(tb testing.TB, keeper *pki.Keeper) {
	tb.Helper()
	dir := tb.TempDir()
	if err := s.Publish(dir); err != nil {
		tb.Fatal(err)
	}
	if _, err := keeper.Refresh(dir); err != nil {
		tb.Fatal(err)
	}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	return must(keyfile.Generate())(tb)
}

func tlsPair(key crypto.Signer, cert *x509.Certificate) tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// takeKey gets at a CA's private key by the only road there is, its folder: package ca gives no key out.
func takeKey(tb testing.TB, authority *ca.CA) crypto.Signer {
	tb.Helper()
	dir := tb.TempDir()
	if err := authority.Save(dir); err != nil {
		tb.Fatal(err)
	}
	return must(keyfile.ReadKey(filepath.Join(dir, "key.pem")))(tb)
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}
