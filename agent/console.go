package agent

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/console"
	"comity/pki/keyfile"
)

// The listener for browsers and national case systems: TLS, and nothing without a login but the login itself (agent/account)
// and the description of the API.

// web is the open listener, or nothing where the configuration names none.
type web struct {
	listener net.Listener
	handler  http.Handler
	log      *slog.Logger
}

// ConsoleURL is where the console is found, "" before Run and where there is none.
func (a *Agent) ConsoleURL() string {
	origin, _ := a.consoleURL.Load().(string)
	return origin
}

// Accounts is who of the staff may log in, and which machines.
func (a *Agent) Accounts() *account.Book { return a.accounts }

// openConsole listens where the configuration says.
func (a *Agent) openConsole() (web, error) {
	c := a.config.Console
	if c.Listen == "" {
		return web{}, nil
	}
	certificate, err := a.consoleCertificate()
	if err != nil {
		return web{}, fmt.Errorf("console: %w", err)
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return web{}, fmt.Errorf("console: %w", err)
	}
	origin := c.Origin
	if origin == "" {
		origin = "https://localhost:" + strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	}
	if err := a.accounts.ServeAt(origin); err != nil {
		listener.Close()
		return web{}, err
	}
	handler, err := a.webHandler()
	if err != nil {
		listener.Close()
		return web{}, err
	}
	a.consoleURL.Store(origin)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"}}
	return web{listener: tls.NewListener(listener, config), handler: handler, log: a.log}, nil
}

// webHandler is everything that the listener answers.
func (a *Agent) webHandler() (http.Handler, error) {
	pages, err := console.New(console.Config{Authority: a.me, Desk: a, Records: a, Book: a.accounts, Now: a.now, Log: a.log})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.Handle(api.WebPrefix, api.NewServer(a, a.gate, a.log).Web())
	return mux, nil
}

func (w web) serve(ctx context.Context) error {
	if w.listener == nil {
		return nil
	}
	return api.Serve(ctx, w.listener, w.handler, w.log)
}

// The certificate that the agent makes for its own machine.
const (
	ownCertificate         = "console.pem"
	ownCertificateLifetime = 397 * 24 * time.Hour
	ownCertificateRenewal  = 30 * 24 * time.Hour
)

// consoleCertificate reads the certificate of the listener. Where none is named it is one of our own, kept so that a browser that
// was told to trust it does so after the next start.
func (a *Agent) consoleCertificate() (tls.Certificate, error) {
	path := a.config.Console.Certificate
	if path == "" {
		path = filepath.Join(a.config.Data, ownCertificate)
		if err := a.renewOwnCertificate(path); err != nil {
			return tls.Certificate{}, err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return tls.Certificate{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return tls.Certificate{}, fmt.Errorf("key %s: others than its owner may read it (mode %o); set mode 0600", path, info.Mode().Perm())
	}
	return tls.LoadX509KeyPair(path, path) // with the chain of its issuers, where the file has one
}

func (a *Agent) renewOwnCertificate(path string) error {
	now := a.now()
	_, certificate, err := keyfile.ReadPair(path)
	switch {
	case err == nil && now.Add(ownCertificateRenewal).Before(certificate.NotAfter):
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	key, err := keyfile.Generate()
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fmt.Errorf("drawing serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Comity console of " + string(a.me)},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(ownCertificateLifetime), BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("issuing the console's certificate: %w", err)
	}
	if certificate, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	return keyfile.WritePair(path, key, certificate)
}
