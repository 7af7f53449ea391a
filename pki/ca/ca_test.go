package ca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"comity/pki"
	"comity/pki/keyfile"
)

func fixed() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }

func newCA(t testing.TB) *CA {
	t.Helper()
	c, err := New("QM", fixed)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newKey(t testing.TB) *ecdsa.PublicKey {
	t.Helper()
	key, err := keyfile.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey
}

func TestPrepareRefuses(t *testing.T) {
	c := newCA(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own, ok := c.key.Public().(*ecdsa.PublicKey)
	if !ok {
		t.Fatal("the CA's key is not ECDSA")
	}
	key := newKey(t)
	tests := []struct {
		name    string
		request Request
		want    string
	}{
		{"another State's authority", Request{Authority: "QN/justice", Usage: pki.UsageTLS, Public: key}, "not an authority of QM"},
		{"no authority", Request{Usage: pki.UsageTLS, Public: key}, "authority id"},
		{"a sub-unit", Request{Authority: "QM/justice/unit", Usage: pki.UsageTLS, Public: key}, "authority id"},
		{"the reserved name", Request{Authority: "QM/directory", Usage: pki.UsageSigning, Public: key}, "reserved"},
		{"the reserved usage", Request{Authority: "QM/justice", Usage: pki.UsageDirectory, Public: key}, "reserved"},
		{"no usage", Request{Authority: "QM/justice", Public: key}, "no profile"},
		{"no key", Request{Authority: "QM/justice", Usage: pki.UsageTLS}, "key-not-allowed"},
		{"a P-384 key", Request{Authority: "QM/justice", Usage: pki.UsageTLS, Public: &p384.PublicKey}, "key-not-allowed"},
		{"the CA's own key", Request{Authority: "QM/justice", Usage: pki.UsageTLS, Public: own}, "CA's own"},
		{"ended", Request{Authority: "QM/justice", Usage: pki.UsageTLS, Public: key, NotAfter: fixed()}, "in the past"},
		{"longer than the CA", Request{Authority: "QM/justice", Usage: pki.UsageTLS, Public: key, NotAfter: c.cert.NotAfter.Add(time.Second)}, "after the CA"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := c.Prepare(test.request); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestIssueRedeemsATokenOnce(t *testing.T) {
	c := newCA(t)
	for _, usage := range []pki.Usage{pki.UsageTLS, pki.UsageSigning, pki.UsageEncryption} {
		prepared, err := c.Prepare(Request{Authority: "QM/justice", Usage: usage, Public: newKey(t)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newCA(t).Issue(prepared); err == nil {
			t.Errorf("%s: another CA redeemed the token", usage)
		}
		cert, err := c.Issue(prepared)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Issue(prepared); err == nil {
			t.Errorf("%s: the token was redeemed twice", usage)
		}
		for _, other := range []pki.Usage{pki.UsageTLS, pki.UsageSigning, pki.UsageEncryption, pki.UsageDirectory} {
			if _, err := pki.CheckProfile(cert, "QM", other); (err == nil) != (usage == other) {
				t.Errorf("a %s certificate as %s: %v", usage, other, err)
			}
		}
	}
	for _, token := range []*Prepared{nil, {}, {by: c}} {
		if _, err := c.Issue(token); err == nil {
			t.Error("issued for a token that nobody prepared")
		}
	}
}

// Plain path validation, as any other program does it, already keeps a CA inside its State.
func TestNameConstraintHoldsInPlainPathValidation(t *testing.T) {
	c := newCA(t)
	roots := x509.NewCertPool()
	roots.AddCert(c.cert)
	for authority, inside := range map[string]bool{"QM/justice": true, "QN/justice": false} {
		key := newKey(t)
		template, err := leafTemplate(Request{Authority: "QM/justice", Usage: pki.UsageTLS, Public: key, NotAfter: fixed().Add(time.Hour)}, fixed())
		if err != nil {
			t.Fatal(err)
		}
		template.URIs[0].Host = strings.ToLower(authority[:2])
		der, err := x509.CreateCertificate(rand.Reader, template, c.cert, key, c.key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		_, err = cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: fixed(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		if (err == nil) != inside {
			t.Errorf("%s under the CA of QM: %v", authority, err)
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	c := newCA(t)
	prepared, err := c.Prepare(Request{Authority: "QM/justice", Usage: pki.UsageTLS, Public: newKey(t)})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := c.Issue(prepared)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Revoke(cert, pki.CRLSuperseded); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CRL(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SignEntry(nil); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "ca")
	if err := c.Save(dir); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(dir, fixed)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.State() != "QM" || loaded.record.CRLNumber != 1 || loaded.record.EntryVersion != 1 || len(loaded.record.Revoked) != 1 {
		t.Errorf("loaded %s with record %+v", loaded.State(), loaded.record)
	}
	if !loaded.Certificate().Equal(c.Certificate()) || !loaded.directory.Certificate.Equal(c.directory.Certificate) {
		t.Error("loaded other certificates")
	}
	for _, name := range []string{keyFile, directoryKeyFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, keyFile), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, fixed); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("a key that the group can read: %v", err)
	}
	if err := os.Chmod(filepath.Join(dir, keyFile), 0o600); err != nil {
		t.Fatal(err)
	}
	other := newCA(t)
	if err := keyfile.WriteCertificate(filepath.Join(dir, certFile), other.cert); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, fixed); err == nil || !strings.Contains(err.Error(), "not for") {
		t.Errorf("a certificate of another key: %v", err)
	}
}

func TestSaveAndLoadSchemeSignerAndBrokerCA(t *testing.T) {
	signer, err := NewSchemeSigner("signer-1")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "signer")
	if err := signer.Save(dir); err != nil {
		t.Fatal(err)
	}
	again, err := LoadSchemeSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, errWant := signer.Thumbprint()
	got, errGot := again.Thumbprint()
	if errWant != nil || errGot != nil || got != want || again.name != "signer-1" {
		t.Errorf("loaded signer %s %s, want %s", again.name, got, want)
	}
	broker, err := NewBrokerCA("broker-1", fixed)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "broker")
	if err := broker.Save(dir); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadBrokerCA(dir, fixed)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := loaded.IssueServer(newKey(t), "localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(broker.Certificate())
	for _, host := range []string{"localhost", "127.0.0.1"} {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: fixed()}); err != nil {
			t.Errorf("server certificate for %s: %v", host, err)
		}
	}
	if _, err := loaded.IssueServer(newKey(t)); err == nil {
		t.Error("issued a server certificate for no host")
	}
}

func TestRevokeRefuses(t *testing.T) {
	c, other := newCA(t), newCA(t)
	prepared, err := other.Prepare(Request{Authority: "QM/justice", Usage: pki.UsageTLS, Public: newKey(t)})
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Issue(prepared)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Revoke(foreign, pki.CRLKeyCompromise); err == nil || !strings.Contains(err.Error(), "not issued by") {
		t.Errorf("another CA's certificate: %v", err)
	}
	for _, reason := range []int{-1, 7, 8, 11} {
		if err := other.Revoke(foreign, reason); err == nil || !strings.Contains(err.Error(), "no reason code") {
			t.Errorf("reason %d: %v", reason, err)
		}
	}
	for _, reason := range []int{pki.CRLKeyCompromise, pki.CRLSuperseded} { // the second does not soften the first
		if err := other.Revoke(foreign, reason); err != nil {
			t.Fatal(err)
		}
	}
	if got := other.record.Revoked; len(got) != 1 || got[0].Reason != pki.CRLKeyCompromise {
		t.Errorf("recorded %+v", got)
	}
}

func TestDirectorySignerIsRenewedInTime(t *testing.T) {
	now := fixed()
	c, err := New("QM", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	first := c.directory.Certificate
	if _, err := c.SignEntry(nil); err != nil || !c.directory.Certificate.Equal(first) {
		t.Errorf("renewed too early, or %v", err)
	}
	now = first.NotAfter.Add(-renewBefore + time.Hour)
	if _, err := c.SignEntry(nil); err != nil || c.directory.Certificate.Equal(first) {
		t.Errorf("not renewed, or %v", err)
	}
}
