package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/link"
	"comity/pki"
	"comity/pki/jose"
)

const (
	// expirySoon is when a certificate's end becomes an error: renewal takes people and a ceremony.
	expirySoon = 14 * 24 * time.Hour
	// brokerTimeout bounds the attempt to connect.
	brokerTimeout = 5 * time.Second
)

// checkFiles examines an agent that does not run, without changing anything that is its own.
func checkFiles(ctx context.Context, c agent.Config, now time.Time) []api.Check {
	view, checks := checkTrust(c, now)
	identity, keyChecks := checkKeys(c, view, now)
	checks = append(checks, keyChecks...)
	checks = append(checks, checkStore(c))
	if identity != nil && view != nil {
		checks = append(checks, checkBroker(ctx, c, identity, view)...)
	}
	return checks
}

// checkTrust reads the published folder with a keeper of its own, which begins with what the agent has already accepted
// and is thrown away. It returns nil if no trust list is good.
func checkTrust(c agent.Config, now time.Time) (*pki.View, []api.Check) {
	dir, err := os.MkdirTemp("", "comity-doctor-")
	if err != nil {
		return nil, []api.Check{wrong("trust list", err.Error(), "the folder for temporary files cannot be written")}
	}
	defer os.RemoveAll(dir)
	accepted := filepath.Join(c.Data, "trust")
	if exists(accepted) {
		if err := os.CopyFS(dir, os.DirFS(accepted)); err != nil {
			return nil, []api.Check{wrong("trust list", err.Error(), "run the doctor as the user who runs the agent")}
		}
	}
	keeper, err := pki.OpenKeeper(dir, c.Pin, func() time.Time { return now })
	if err != nil {
		return nil, []api.Check{wrong("trust list", err.Error(), "compare [trust] in agent.toml with what the scheme's key officers told you")}
	}
	_, refused := keeper.Refresh(c.Published)
	view := keeper.View()
	if refused != nil {
		refused = fmt.Errorf("%s: %w", c.Published, refused)
	}
	list := view.TrustList()
	if list == nil {
		return nil, []api.Check{wrong("trust list", text(refused, "none"), "trust.published in agent.toml must be the folder where the scheme publishes")}
	}
	checks := []api.Check{checkClock(list, now), checkList(list, now)}
	if warnings := errors.Join(append([]error{refused}, view.Warnings(now)...)...); warnings != nil {
		checks = append(checks, wrong("published", warnings.Error(), "ask the States named for fresh lists; proofs stay pending until then"))
	} else {
		checks = append(checks, right("published", fmt.Sprintf("directory and revocation lists of %d States are fresh", len(list.States))))
	}
	return view, checks
}

func checkClock(list *pki.TrustList, now time.Time) api.Check {
	if now.Before(list.IssuedAt) {
		return wrong("clock", now.UTC().Format(time.RFC3339)+" lies before the trust list was issued", "set this machine's clock, and keep it with NTP")
	}
	return right("clock", now.UTC().Format(time.RFC3339))
}

func checkList(list *pki.TrustList, now time.Time) api.Check {
	detail := fmt.Sprintf("version %d of %s, until %s", list.Version, list.Scheme, moment(list.ExpiresAt))
	if !now.Before(list.ExpiresAt) {
		return wrong("trust list", detail+": expired", "the scheme signers must publish a new one; nothing can be proven until then")
	}
	return right("trust list", detail)
}

// checkKeys reads the authority's keys and asks whether each certificate is in time and, for signing, in the directory.
func checkKeys(c agent.Config, view *pki.View, now time.Time) (*agent.Identity, []api.Check) {
	identity, err := agent.ReadIdentity(c.Keys)
	if err != nil {
		return nil, []api.Check{wrong("certificates", err.Error(), "each key file holds a PKCS #8 private key and then its certificate, mode 0600")}
	}
	var checks []api.Check
	for _, item := range []struct {
		usage string
		cert  *x509.Certificate
	}{{"tls", identity.TLS.Leaf}, {"signing", identity.SigningCertificate}, {"encryption", identity.EncryptionCertificate}} {
		checks = append(checks, checkExpiry("certificate "+item.usage, item.cert, now))
	}
	if view == nil {
		return identity, checks
	}
	if _, err := view.Signer(c.Authority, jose.Thumbprint(identity.SigningCertificate), now); err != nil {
		return identity, append(checks, wrong("directory", err.Error(), "peers would refuse your messages: your State's directory entry must list this certificate"))
	}
	if _, err := view.EncryptionKey(c.Authority, now); err != nil {
		return identity, append(checks, wrong("directory", err.Error(), "peers cannot seal to you: your State's directory entry must list an encryption certificate"))
	}
	return identity, append(checks, right("directory", "lists this authority's keys"))
}

func checkExpiry(name string, cert *x509.Certificate, now time.Time) api.Check {
	detail := "until " + moment(cert.NotAfter)
	switch {
	case now.Before(cert.NotBefore):
		return wrong(name, "not valid before "+moment(cert.NotBefore), "compare this machine's clock with the CA's")
	case now.After(cert.NotAfter):
		return wrong(name, "expired "+moment(cert.NotAfter), "your State's CA must issue a new one")
	case cert.NotAfter.Sub(now) < expirySoon:
		return wrong(name, detail+": less than 14 days", "have your State's CA issue the next one now")
	}
	return right(name, detail)
}

// checkStore looks at the database's folder. It does not open the database: the agent alone does.
func checkStore(c agent.Config) api.Check {
	if _, err := os.ReadFile(c.Keys.Store); err != nil {
		return wrong("store", err.Error(), "without its key the database cannot be read: restore keys.store from the safe")
	}
	info, err := os.Stat(filepath.Join(c.Data, "agent.db"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return right("store", "none yet: the agent makes it when it first starts")
	case err != nil:
		return wrong("store", err.Error(), "run the doctor as the user who runs the agent")
	case info.Mode().Perm()&0o077 != 0:
		return wrong("store", fmt.Sprintf("%s is open to others (mode %o)", info.Name(), info.Mode().Perm()), "chmod 600 it")
	}
	return right("store", fmt.Sprintf("%d KiB", info.Size()>>10))
}

// checkBroker connects as the agent would, and asks for the inbox without taking anything from it.
func checkBroker(ctx context.Context, c agent.Config, identity *agent.Identity, view *pki.View) []api.Check {
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	if err := knock(ctx, c.BrokerURL); err != nil {
		return []api.Check{wrong("broker", err.Error(), "is the broker running, and does the network let you reach it?")}
	}
	l, err := link.Dial(ctx, link.Config{URL: c.BrokerURL, TLS: identity.TLS, Roots: view.BrokerRoots()})
	if err != nil {
		return []api.Check{wrong("broker", err.Error(), "broker.url in agent.toml is tls://host:port")}
	}
	if err := l.WaitUp(ctx); err != nil {
		return []api.Check{wrong("broker", c.BrokerURL+": "+text(l.Err(), "no answer"), "something listens there, but it is not a broker of the trust list, or it does not admit your certificate")}
	}
	checks := []api.Check{right("broker", c.BrokerURL)}
	if err := l.Inbox(ctx); err != nil {
		return append(checks, wrong("inbox", err.Error(), "the broker makes an inbox for each authority in the directory: is yours in force?"))
	}
	return append(checks, right("inbox", "reachable"))
}

// knock tries whether anything listens at one of the broker's addresses, which tells a network from a certificate.
func knock(ctx context.Context, urls string) error {
	var refused error
	for one := range strings.SplitSeq(urls, ",") {
		where, err := url.Parse(strings.TrimSpace(one))
		if err != nil {
			return fmt.Errorf("broker.url %q: %w", one, err)
		}
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", where.Host)
		if err == nil {
			return conn.Close()
		}
		refused = errors.Join(refused, err)
	}
	return refused
}

// text is an error's text on one line, or what stands for no error.
func text(err error, otherwise string) string {
	if err == nil {
		return otherwise
	}
	return err.Error()
}
