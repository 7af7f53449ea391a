package broker

import (
	"crypto"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"comity/pki"
	"comity/pki/keyfile"
	"comity/pki/pkitest"
)

// folder holds everything that a broker reads.
func folder(t *testing.T, scheme *pkitest.Scheme) Config {
	t.Helper()
	cfg := Config{}.under(t.TempDir())
	cfg.Listen = "127.0.0.1:0"
	pin, err := json.Marshal(scheme.Pin)
	key, ok := scheme.Broker.TLS.PrivateKey.(crypto.Signer)
	if err != nil || !ok {
		t.Fatal("no pin or key", err)
	}
	if err := errors.Join(
		scheme.Publish(cfg.Trust), os.WriteFile(cfg.Pin, pin, 0o600),
		keyfile.WriteCertificate(cfg.TLS.Certificate, scheme.Broker.TLS.Leaf), keyfile.WriteKey(cfg.TLS.Key, key),
		keyfile.WriteCertificate(cfg.Signing.Certificate, scheme.Broker.Signing.Certificate), keyfile.WriteKey(cfg.Signing.Key, scheme.Broker.Signing.Key),
	); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestABrokerThatCouldServeNobodyIsRefused(t *testing.T) {
	scheme := pkitest.NewScheme(t, time.Now, "QM", "QN")
	other := pkitest.NewScheme(t, time.Now, "QM", "QN")
	if _, err := New(folder(t, scheme), Options{}); err != nil {
		t.Fatalf("control: %v", err)
	}
	for name, c := range map[string]struct {
		spoil func(Config) error
		want  string
	}{
		"no pin":                       {func(c Config) error { return os.Remove(c.Pin) }, "reading the pin"},
		"no trust list":                {func(c Config) error { return os.RemoveAll(c.Trust) }, "no trust list that the pin makes good"},
		"another scheme's trust list":  {func(c Config) error { return other.Publish(c.Trust) }, string(pki.ReasonTrustListUnderSigned)},
		"no TLS key":                   {func(c Config) error { return os.Remove(c.TLS.Key) }, "TLS certificate and key"},
		"a key of another certificate": {func(c Config) error { return keyfile.WriteKey(c.TLS.Key, scheme.Broker.Signing.Key) }, "TLS certificate and key"},
		"a signing certificate that the list does not name": {func(c Config) error {
			return errors.Join(keyfile.WriteCertificate(c.Signing.Certificate, other.Broker.Signing.Certificate), keyfile.WriteKey(c.Signing.Key, other.Broker.Signing.Key))
		}, string(pki.ReasonUnknownBroker)},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := folder(t, scheme)
			if err := c.spoil(cfg); err != nil {
				t.Fatal(err)
			}
			if _, err := New(cfg, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// The last good trust outlives the folder that it came from.
func TestTrustSurvivesItsFolder(t *testing.T) {
	cfg := folder(t, pkitest.NewScheme(t, time.Now, "QM", "QN"))
	if _, err := New(cfg, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(cfg.Trust); err != nil {
		t.Fatal(err)
	}
	b, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s := b.Status(); s.TrustVersion != 1 || s.Trust == "" || s.Ready {
		t.Errorf("%+v: want version 1, not ready, and a word about the folder", s)
	}
}

func TestAnAddressInUseIsAnError(t *testing.T) {
	cfg := folder(t, pkitest.NewScheme(t, time.Now, "QM", "QN"))
	first, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- first.Run(t.Context()) }()
	select {
	case <-first.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	second := cfg
	second.Data = filepath.Join(t.TempDir(), "data")
	second.Listen = strings.TrimPrefix(first.URL(), "tls://")
	b, err := New(second, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "listening on "+second.Listen) {
		t.Errorf("%v, want it cannot listen", err)
	}
}
