package keyfile

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func pair(t *testing.T) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, certificate
}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	key, certificate := pair(t)
	alone, both, public := filepath.Join(dir, "key"), filepath.Join(dir, "pair"), filepath.Join(dir, "crt")
	for _, err := range []error{WriteKey(alone, key), WritePair(both, key, certificate), WriteCertificate(public, certificate)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, err := ReadKey(alone); err != nil || !got.Equal(key) {
		t.Errorf("key: %v", err)
	}
	if got, crt, err := ReadPair(both); err != nil || !got.Equal(key) || !crt.Equal(certificate) {
		t.Errorf("pair: %v", err)
	}
	if got, err := ReadCertificate(public); err != nil || !got.Equal(certificate) {
		t.Errorf("certificate: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	key, certificate := pair(t)
	_, other := pair(t)
	path := filepath.Join(dir, "k")
	write := func(content string, mode os.FileMode) {
		t.Helper()
		os.Remove(path)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	block, err := encodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	good := string(block)
	tests := []struct {
		name, content string
		mode          os.FileMode
		want          string
	}{
		{"open to others", good + string(EncodeCertificate(certificate)), 0o640, "set mode 0600"},
		{"another's certificate", good + string(EncodeCertificate(other)), 0o600, "do not belong together"},
		{"no certificate", good, 0o600, "CERTIFICATE"},
		{"two certificates", good + string(EncodeCertificate(certificate)) + string(EncodeCertificate(other)), 0o600, "exactly one"},
		{"no key", string(EncodeCertificate(certificate)), 0o600, "not a PRIVATE KEY"},
		{"garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0o600, "not PKCS #8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			write(tt.content, tt.mode)
			if _, _, err := ReadPair(path); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	write(good+good, 0o600)
	if _, err := ReadKey(path); err == nil || !strings.Contains(err.Error(), "behind the key") {
		t.Errorf("two keys: %v", err)
	}
}
