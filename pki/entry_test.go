package pki_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"comity/pki"
	"comity/pki/ca"
	"comity/pki/jose"
	"comity/pki/keyfile"
	"comity/pki/pkitest"
	"comity/schemas"
)

// der takes the first block out of a published revocation list.
func der(t testing.TB, published []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(published)
	if block == nil {
		t.Fatal("not PEM")
	}
	return block.Bytes
}

// directorySigner takes a CA's directory key out of its folder.
func directorySigner(t testing.TB, c *ca.CA) ca.Identity {
	t.Helper()
	dir := t.TempDir()
	if err := c.Save(dir); err != nil {
		t.Fatal(err)
	}
	key, err := keyfile.ReadKey(filepath.Join(dir, "directory-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := keyfile.ReadCertificate(filepath.Join(dir, "directory-cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return ca.Identity{Key: key, Certificate: cert}
}

func signEntry(t testing.TB, by ca.Identity, entry pki.Entry) []byte {
	t.Helper()
	payload, err := schemas.Canonical(entry)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jose.Sign(by.Key, jose.Thumbprint(by.Certificate), jose.TypDirectory, nil, payload)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestEntriesThatAreRefused(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	first := scheme.Entry("QM")
	scheme.EditEntry(t, "QM", func([]pki.Authority) {}) // version 2 is held
	keeper := scheme.Keeper(t)
	qm, qn := directorySigner(t, scheme.CA("QM")), directorySigner(t, scheme.CA("QN"))
	justice := scheme.Authority(qmJustice)

	changed := func(by ca.Identity, change func(*pki.Entry)) []byte {
		entry := pki.Entry{State: "QM", Version: 3, IssuedAt: clock.Now(), ExpiresAt: clock.Now().Add(time.Hour),
			Signer: by.Certificate.Raw, Authorities: []pki.Authority{pkitest.Row(justice)}}
		change(&entry)
		return signEntry(t, by, entry)
	}
	row := func(change func(*pki.Authority)) []byte {
		return changed(qm, func(e *pki.Entry) { change(&e.Authorities[0]) })
	}
	tests := []struct {
		name string
		raw  []byte
		want pki.Reason
	}{
		{"older", first, pki.ReasonEntryOlder},
		{"the same version with other content", changed(qm, func(e *pki.Entry) { e.Version = 2 }), pki.ReasonEntryConflict},
		{"expired", changed(qm, func(e *pki.Entry) { e.IssuedAt, e.ExpiresAt = clock.Now().Add(-time.Hour), clock.Now() }), pki.ReasonEntryExpired},
		{"from the future", changed(qm, func(e *pki.Entry) {
			e.IssuedAt, e.ExpiresAt = clock.Now().Add(time.Hour), clock.Now().Add(2*time.Hour)
		}), pki.ReasonNotYetValid},
		{"signed by another State's directory signer", changed(qn, func(*pki.Entry) {}), pki.ReasonWrongState},
		{"signed by another State, carrying this one's certificate", changed(qn, func(e *pki.Entry) { e.Signer = qm.Certificate.Raw }), pki.ReasonEntryForged},
		{"signed by an authority of the State", changed(justice.Signing, func(*pki.Entry) {}), pki.ReasonWrongUsage},
		{"signed by a scheme's broker", changed(scheme.Broker.Signing, func(*pki.Entry) {}), pki.ReasonURICount},
		{"signed by an unknown CA's directory signer", changed(directorySigner(t, newCA(t, "QM", clock)), func(*pki.Entry) {}), pki.ReasonUntrustedCA},
		{"of a State that is not listed", changed(directorySigner(t, newCA(t, "QZ", clock)), func(e *pki.Entry) {
			e.State, e.Authorities = "QZ", nil
		}), pki.ReasonUnknownState},
		{"tampered", tamper(t, changed(qm, func(*pki.Entry) {}), changed(qm, func(e *pki.Entry) { e.Version = 4 })), pki.ReasonEntryForged},
		{"no version", changed(qm, func(e *pki.Entry) { e.Version = 0 }), pki.ReasonEntryInvalid},
		{"another kind of document", scheme.TrustList(), pki.ReasonEntryInvalid},
		{"an authority of another State", row(func(a *pki.Authority) { a.ID = qnJustice }), pki.ReasonEntryInvalid},
		{"the reserved name", row(func(a *pki.Authority) { a.ID = "QM/directory"; a.Certificates = pki.Certificates{} }), pki.ReasonEntryInvalid},
		{"an authority twice", changed(qm, func(e *pki.Entry) { e.Authorities = append(e.Authorities, e.Authorities[0]) }), pki.ReasonEntryInvalid},
		{"another State's certificate", row(func(a *pki.Authority) {
			a.Certificates.Signing = [][]byte{scheme.Authority(qnJustice).Signing.Certificate.Raw}
		}), pki.ReasonEntryInvalid},
		{"another authority's certificate", row(func(a *pki.Authority) {
			a.Certificates.Signing = [][]byte{scheme.Authority("QM/border").Signing.Certificate.Raw}
		}), pki.ReasonEntryInvalid},
		{"a signing certificate for encryption", row(func(a *pki.Authority) { a.Certificates.Encryption = a.Certificates.Signing }), pki.ReasonEntryInvalid},
		{"a kind that does not exist", row(func(a *pki.Authority) { a.Kind = "ministry" }), pki.ReasonEntryInvalid},
		{"a channel that does not exist", row(func(a *pki.Authority) { a.Channels[0] = "mail" }), pki.ReasonEntryInvalid},
		{"a type without version", row(func(a *pki.Authority) { a.Types[0] = "mla.request" }), pki.ReasonEntryInvalid},
		{"a requirement that names no member", row(func(a *pki.Authority) {
			a.Requires = []pki.Requirement{{Type: "mla.request/1", Member: "facts", Why: "always"}}
		}), pki.ReasonEntryInvalid},
		{"a requirement without why", row(func(a *pki.Authority) {
			a.Requires = []pki.Requirement{{Type: "mla.request/1", Member: "/body/facts"}}
		}), pki.ReasonEntryInvalid},
		{"a language by its name", row(func(a *pki.Authority) { a.Languages[0] = "English" }), pki.ReasonEntryInvalid},
		{"a time zone by its offset", row(func(a *pki.Authority) { a.TimeZone = "+01:00" }), pki.ReasonEntryInvalid},
		{"hours that end before they begin", row(func(a *pki.Authority) { a.DutyDesk.Hours[0].Close = "07:00" }), pki.ReasonEntryInvalid},
		{"a holiday that is no day", row(func(a *pki.Authority) { a.Calendar.Holidays[0].Date = "2026-02-30" }), pki.ReasonEntryInvalid},
		{"a weekday that is none", row(func(a *pki.Authority) { a.Calendar.Weekend[0] = "Sat" }), pki.ReasonEntryInvalid},
		{"empty", nil, pki.ReasonEntryInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantReason(t, keeper.OfferEntry(test.raw), test.want)
			if got := len(keeper.View().Authorities()); got != 4 {
				t.Errorf("the refused entry changed what is held: %d authorities", got)
			}
		})
	}
	if err := keeper.OfferEntry(changed(qm, func(*pki.Entry) {})); err != nil {
		t.Fatalf("the entry that the attacks start from: %v", err)
	}
	if got := len(keeper.View().Authorities()); got != 3 {
		t.Errorf("%d authorities after the new entry, want 3", got)
	}
}

// tamper puts the payload of one signed document under the signature of another.
func tamper(t testing.TB, signed, other []byte) []byte {
	t.Helper()
	a, b := strings.Split(string(signed), "."), strings.Split(string(other), ".")
	return []byte(a[0] + "." + b[1] + "." + a[2])
}

func TestRevokedDirectorySigner(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	keeper := scheme.Keeper(t)
	signer := directorySigner(t, scheme.CA("QM"))
	scheme.Revoke(t, "QM", signer.Certificate, pki.CRLKeyCompromise)
	if err := keeper.OfferCRL(der(t, scheme.CRL("QM"))); err != nil {
		t.Fatal(err)
	}
	_, err := keeper.View().Authority(qmJustice)
	wantReason(t, err, pki.ReasonUnknownAuthority)
	if !hasReason(keeper.View().Warnings(clock.Now()), pki.ReasonRevoked) {
		t.Error("nobody is told that the entry is out of use")
	}
	scheme.EditEntry(t, "QM", func([]pki.Authority) {})
	wantReason(t, keeper.OfferEntry(scheme.Entry("QM")), pki.ReasonRevoked)
}

func TestRevocation(t *testing.T) {
	tests := []struct {
		name         string
		reason       int
		before, then pki.Reason // proving for a time before the revocation, and at it
	}{
		{"key compromise", pki.CRLKeyCompromise, pki.ReasonRevoked, pki.ReasonRevoked},
		{"unspecified", 0, pki.ReasonRevoked, pki.ReasonRevoked},
		{"on hold", 6, pki.ReasonRevoked, pki.ReasonRevoked},
		{"superseded", pki.CRLSuperseded, "", pki.ReasonRevoked},
		{"cessation", pki.CRLCessationOfOperation, "", pki.ReasonRevoked},
		{"affiliation changed", pki.CRLAffiliationChanged, "", pki.ReasonRevoked},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clock := pkitest.NewClock()
			scheme := pkitest.NewScheme(t, clock.Now, "QM")
			keeper := scheme.Keeper(t)
			me := scheme.Authority(qmJustice)
			before := clock.Now()
			clock.Advance(time.Hour)
			for _, cert := range []*x509.Certificate{me.TLS.Leaf, me.Signing.Certificate, me.Encryption.Certificate} {
				scheme.Revoke(t, "QM", cert, test.reason)
			}
			scheme.Refresh(t, keeper)
			view := keeper.View()
			for at, want := range map[time.Time]pki.Reason{before: test.before, clock.Now(): test.then} {
				_, err := view.Signer(qmJustice, jose.Thumbprint(me.Signing.Certificate), at)
				if got := pki.ReasonOf(err); got != want {
					t.Errorf("signer at %s: got %v, want %q", at.Format(time.TimeOnly), err, want)
				}
			}
			_, err := view.VerifyClient(chainOf(me.TLS, scheme.CA("QM").Certificate()), clock.Now())
			wantReason(t, err, pki.ReasonRevoked)
			_, err = view.EncryptionKey(qmJustice, clock.Now())
			wantReason(t, err, pki.ReasonRevoked)
		})
	}
}

func TestRevocationListsThatAreRefused(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN")
	first := der(t, scheme.CRL("QM"))
	me := scheme.Authority(qmJustice)
	scheme.Revoke(t, "QM", me.TLS.Leaf, pki.CRLKeyCompromise) // number 2 is held
	keeper := scheme.Keeper(t)

	twin := newCA(t, "QM", clock) // the same name, another key
	twinCRL, err := twin.CRL()
	if err != nil {
		t.Fatal(err)
	}
	flipped := der(t, scheme.CRL("QM"))
	flipped[len(flipped)-1] ^= 1
	// The CA, restored from a backup, uses number 2 again.
	restored := restoredCA(t, scheme.CA("QM"), clock)
	conflict, err := restored.CRL()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		der  []byte
		want pki.Reason
	}{
		{"older", first, pki.ReasonCRLOlder},
		{"from a CA of the same name", der(t, twinCRL), pki.ReasonUntrustedCA},
		{"tampered", flipped, pki.ReasonUntrustedCA},
		{"the same number with other content", der(t, conflict), pki.ReasonCRLConflict},
		{"not a list", me.TLS.Leaf.Raw, pki.ReasonCRLInvalid},
		{"empty", nil, pki.ReasonCRLInvalid},
		{"too large", make([]byte, 2<<20), pki.ReasonCRLInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantReason(t, keeper.OfferCRL(test.der), test.want)
			_, err := keeper.View().VerifyClient(chainOf(me.TLS, scheme.CA("QM").Certificate()), clock.Now())
			wantReason(t, err, pki.ReasonRevoked)
		})
	}
}

// restoredCA is the CA as its folder was before its last number was used.
func restoredCA(t testing.TB, c *ca.CA, clock *pkitest.Clock) *ca.CA {
	t.Helper()
	dir := t.TempDir()
	if err := c.Save(dir); err != nil {
		t.Fatal(err)
	}
	record := []byte(`{"crl_number":1,"entry_version":1,"revoked":[]}`)
	if err := os.WriteFile(filepath.Join(dir, "record.json"), record, 0o600); err != nil {
		t.Fatal(err)
	}
	restored, err := ca.Load(dir, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	return restored
}

func TestRefreshTakesWhatIsGoodAndNamesWhatIsNot(t *testing.T) {
	clock := pkitest.NewClock()
	scheme := pkitest.NewScheme(t, clock.Now, "QM", "QN", "QP")
	keeper := openKeeper(t, t.TempDir(), scheme, clock)
	published := t.TempDir()
	if _, err := keeper.Refresh(published); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
	if err := scheme.Publish(published); err != nil {
		t.Fatal(err)
	}
	// QN's documents lie where QM's should be.
	for from, to := range map[string]string{"directory/qn.jws": "directory/qm.jws", "crl/qn.crl": "crl/qm.crl"} {
		content, err := os.ReadFile(filepath.Join(published, from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(published, to), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	changed, err := keeper.Refresh(published)
	if !changed {
		t.Error("nothing was taken")
	}
	wantReason(t, err, pki.ReasonWrongState)
	if got := len(keeper.View().Authorities()); got != 4 {
		t.Errorf("%d authorities, want those of QN and QP", got)
	}
	if err := scheme.Publish(published); err != nil {
		t.Fatal(err)
	}
	if changed, err := keeper.Refresh(published); !changed || err != nil {
		t.Errorf("after repair: changed %v, %v", changed, err)
	}
	if changed, err := keeper.Refresh(published); changed || err != nil {
		t.Errorf("the same again: changed %v, %v", changed, err)
	}
}
