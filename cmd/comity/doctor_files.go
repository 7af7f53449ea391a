package main

import (
	"context"
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
)

// brokerTimeout bounds the attempt to connect.
const brokerTimeout = 5 * time.Second

// checkFiles examines an agent that does not run, without changing anything that is its own.
func checkFiles(ctx context.Context, c agent.Config, now time.Time) []api.Check {
	view, err := trustAsPublished(c, now)
	if err != nil {
		return []api.Check{wrong("trust list", err.Error(), "compare [trust] in agent.toml with what the scheme's key officers told you, and run the doctor as the user who runs the agent")}
	}
	checks := append([]api.Check{agent.CheckClock(view, now)}, agent.CheckTrust(view, c, now)...)
	identity, err := agent.ReadIdentity(c.Keys)
	if err != nil {
		return append(checks, wrong("certificates", err.Error(), "each key file holds a PKCS #8 private key and then its certificate, mode 0600"), checkStore(c))
	}
	checks = append(checks, agent.CheckIdentity(identity, view, c, now)...)
	checks = append(checks, checkStore(c))
	return append(checks, checkBroker(ctx, c, identity, view)...)
}

// trustAsPublished reads the published folder with a keeper of its own, which begins with what the agent has already
// accepted and is thrown away.
func trustAsPublished(c agent.Config, now time.Time) (*pki.View, error) {
	dir, err := os.MkdirTemp("", "comity-doctor-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	accepted := filepath.Join(c.Data, "trust")
	if exists(accepted) {
		if err := os.CopyFS(dir, os.DirFS(accepted)); err != nil {
			return nil, err
		}
	}
	keeper, err := pki.OpenKeeper(dir, c.Pin, func() time.Time { return now })
	if err != nil {
		return nil, err
	}
	if _, err := keeper.Refresh(c.Published); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Published, err)
	}
	return keeper.View(), nil
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
		return []api.Check{wrong("broker", c.BrokerURL+": "+err.Error(), "something listens there, but it is not a broker of the trust list, or it does not admit your certificate")}
	}
	checks := []api.Check{right("broker", c.BrokerURL)}
	if err := l.CheckInbox(ctx); err != nil {
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
