package linktest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"comity/agent/link"
	"comity/broker"
	"comity/pki"
	"comity/pki/jose"
	"comity/pki/keyfile"
	"comity/pki/pkitest"
	"comity/schemas"
)

const (
	sender    schemas.AuthorityID = "QM/justice"
	recipient schemas.AuthorityID = "QN/justice"
	channel                       = schemas.ChannelMLA
	patience                      = 10 * time.Second
)

// net is a broker with its folder; it can be stopped and started again on the same address.
type net struct {
	scheme *pkitest.Scheme
	dir    string
	broker *broker.Broker
	stop   func()
}

func newNet(t *testing.T, settings ...string) *net {
	t.Helper()
	n := &net{scheme: pkitest.NewScheme(t, time.Now, "QM", "QN"), dir: t.TempDir()}
	pin, err := json.Marshal(n.scheme.Pin)
	key, ok := n.scheme.Broker.TLS.PrivateKey.(crypto.Signer)
	if err != nil || !ok {
		t.Fatal("no pin or key", err)
	}
	at := func(name string) string { return filepath.Join(n.dir, name) }
	if err := errors.Join(
		n.scheme.Publish(at("trust")),
		os.WriteFile(at("pin.json"), pin, 0o600),
		keyfile.WriteCertificate(at("tls.crt"), n.scheme.Broker.TLS.Leaf), keyfile.WriteKey(at("tls.key"), key),
		keyfile.WriteCertificate(at("signing.crt"), n.scheme.Broker.Signing.Certificate),
		keyfile.WriteKey(at("signing.key"), n.scheme.Broker.Signing.Key),
		n.configure("127.0.0.1:0", settings, "20ms"),
	); err != nil {
		t.Fatal(err)
	}
	n.start(t)
	// From here on the port stays, so that a broker that comes back is found.
	if err := n.configure(strings.TrimPrefix(n.broker.URL(), "tls://"), settings, "20ms"); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *net) configure(listen string, settings []string, refresh string) error {
	text := fmt.Sprintf("listen = %q\nrefresh_every = %q\nredeliver_after = \"500ms\"\n%s\n", listen, refresh, strings.Join(settings, "\n"))
	return os.WriteFile(filepath.Join(n.dir, "broker.toml"), []byte(text), 0o600)
}

func (n *net) start(t *testing.T) {
	t.Helper()
	cfg, err := broker.LoadConfig(filepath.Join(n.dir, "broker.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if n.broker, err = broker.New(cfg, broker.Options{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func(b *broker.Broker) { done <- b.Run(ctx) }(n.broker)
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("broker: %v", err)
		}
	})
	t.Cleanup(n.stop)
	select {
	case <-n.broker.Ready():
	case err := <-done:
		t.Fatal(err)
	}
}

func (n *net) link(t *testing.T, certificate tls.Certificate, changes ...func(*link.Config)) *link.Link {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(n.scheme.Broker.CA.Certificate())
	cfg := link.Config{URL: n.broker.URL(), TLS: certificate, Roots: roots, MaxPause: 100 * time.Millisecond}
	for _, change := range changes {
		change(&cfg)
	}
	l, err := link.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// up dials as an authority and waits for the connection.
func (n *net) up(t *testing.T, as schemas.AuthorityID, changes ...func(*link.Config)) *link.Link {
	t.Helper()
	l := n.link(t, n.scheme.Authority(as).TLS, changes...)
	waitUp(t, l)
	return l
}

func waitUp(t *testing.T, l *link.Link) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := l.WaitUp(ctx); err != nil {
		t.Fatal(err)
	}
}

func waitDown(t *testing.T, l *link.Link) {
	t.Helper()
	for {
		changes := l.Changes()
		if !l.Up() {
			return
		}
		select {
		case <-changes:
		case <-time.After(patience):
			t.Fatal("the link stays up")
		}
	}
}

type message struct {
	id   schemas.MessageID
	wire []byte
}

func seal(t *testing.T) message {
	t.Helper()
	key, err := keyfile.Generate()
	if err != nil {
		t.Fatal(err)
	}
	m := message{id: schemas.NewMessageID()}
	header := schemas.Route{From: sender, To: recipient, Channel: channel, ID: m.id, Suite: 1, Key: "a-key"}
	if m.wire, err = jose.Encrypt(&key.PublicKey, jose.TypEnvelope, header, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	return m
}

func submit(t *testing.T, l *link.Link, m message) {
	t.Helper()
	acceptance, err := l.Submit(t.Context(), recipient, channel, m.id, m.wire)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jose.ParseSigned(acceptance, jose.TypAcceptance); err != nil {
		t.Fatal(err)
	}
}

// receiver runs Receive until the test ends and gives out what was handled.
func receiver(t *testing.T, l *link.Link, handle func(context.Context, link.Delivery) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Receive(ctx, handle) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Receive: %v", err)
			}
		case <-time.After(patience):
			t.Error("Receive does not end with its context")
		}
	})
}

// collect acknowledges everything and hands it on.
func collect(t *testing.T, l *link.Link) <-chan link.Delivery {
	t.Helper()
	out := make(chan link.Delivery, 1024)
	receiver(t, l, func(ctx context.Context, d link.Delivery) error {
		if err := d.Ack(ctx); err != nil {
			return err
		}
		out <- d
		return nil
	})
	return out
}

func next(t *testing.T, deliveries <-chan link.Delivery) link.Delivery {
	t.Helper()
	select {
	case d := <-deliveries:
		return d
	case <-time.After(patience):
		t.Fatal("nothing arrives")
		return link.Delivery{}
	}
}

func none(t *testing.T, deliveries <-chan link.Delivery) {
	t.Helper()
	select {
	case d := <-deliveries:
		t.Errorf("delivered again, for the %d. time", d.Count)
	case <-time.After(700 * time.Millisecond): // longer than redeliver_after
	}
}

func TestSubmitAndReceive(t *testing.T) {
	n := newNet(t)
	s, r := n.up(t, sender), n.up(t, recipient)
	got := collect(t, r)
	began := time.Now()
	m := seal(t)
	submit(t, s, m)
	accepted := time.Since(began)
	if d := next(t, got); !bytes.Equal(d.Wire, m.wire) || d.Count != 1 {
		t.Errorf("another message, or not the first delivery: %d", d.Count)
	}
	t.Logf("accepted after %v, delivered after %v", accepted, time.Since(began))

	t.Run("many, some of them before anybody asks", func(t *testing.T) {
		const many = 100
		want := map[string]bool{}
		for range many {
			m := seal(t)
			submit(t, s, m)
			want[string(m.wire)] = true
		}
		for range many {
			delete(want, string(next(t, got).Wire))
		}
		if len(want) != 0 {
			t.Errorf("%d messages are missing", len(want))
		}
		none(t, got)
	})
}

func TestRefusedIsTyped(t *testing.T) {
	n := newNet(t, "[limits]", "max_message = 4096")
	s := n.up(t, sender)
	m := seal(t)
	for _, c := range []struct {
		name string
		to   schemas.AuthorityID
		wire []byte
		want schemas.RefusalReason
	}{
		{"malformed", recipient, []byte("x"), schemas.RefusedMalformed},
		{"mismatch", "QN/border", m.wire, schemas.RefusedRouteMismatch},
		{"too large for the relay", recipient, make([]byte, 5000), schemas.RefusedTooLarge},
		{"too large for the wire", recipient, make([]byte, 1<<20), schemas.RefusedTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Submit(t.Context(), c.to, channel, m.id, c.wire)
			var refused *link.Refused
			if !errors.As(err, &refused) || refused.Reason != c.want {
				t.Errorf("%v, want refused as %q", err, c.want)
			}
			if !s.Up() {
				t.Error("the refusal cost the connection")
			}
		})
	}
}

// A handler that fails gets the message again; one that is slow does not.
func TestHandlers(t *testing.T) {
	n := newNet(t)
	s, r := n.up(t, sender), n.up(t, recipient)
	var mu sync.Mutex
	counts := map[string][]uint64{}
	settled := make(chan struct{}, 16)
	slow, returned := seal(t), seal(t)
	receiver(t, r, func(ctx context.Context, d link.Delivery) error {
		mu.Lock()
		counts[string(d.Wire)] = append(counts[string(d.Wire)], d.Count)
		first := len(counts[string(d.Wire)]) == 1
		mu.Unlock()
		switch {
		case bytes.Equal(d.Wire, slow.wire):
			timer := time.NewTimer(1200 * time.Millisecond) // more than twice redeliver_after
			defer timer.Stop()
			<-timer.C
		case first:
			return errors.Join(errors.New("not now"), d.Nak(10*time.Millisecond))
		}
		defer func() { settled <- struct{}{} }()
		return d.Ack(ctx)
	})
	submit(t, s, slow)
	submit(t, s, returned)
	for range 2 {
		select {
		case <-settled:
		case <-time.After(patience):
			t.Fatal("not settled")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if got := counts[string(slow.wire)]; !slices.Equal(got, []uint64{1}) {
		t.Errorf("the slow one was delivered %v, want once", got)
	}
	if got := counts[string(returned.wire)]; !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("the returned one was delivered %v, want twice", got)
	}
}

func TestParallel(t *testing.T) {
	n := newNet(t)
	s := n.up(t, sender)
	r := n.up(t, recipient, func(c *link.Config) { c.Parallel = 4 })
	var now, most atomic.Int32
	all := make(chan struct{})
	receiver(t, r, func(ctx context.Context, d link.Delivery) error {
		if now.Add(1) == 4 {
			close(all) // four are in hand at the same time; then nobody waits
		}
		most.Store(max(most.Load(), now.Load()))
		select {
		case <-all:
		case <-ctx.Done():
		}
		return d.Ack(ctx)
	})
	for range 4 {
		submit(t, s, seal(t))
	}
	select {
	case <-all:
	case <-time.After(patience):
		t.Fatalf("at most %d at the same time, want 4", most.Load())
	}
}

// A broker that goes and comes back: no call hangs, nothing is lost, nobody dials anew by hand.
func TestBrokerComesBack(t *testing.T) {
	n := newNet(t)
	s, r := n.up(t, sender), n.up(t, recipient)
	got := collect(t, r)
	before, after := seal(t), seal(t)
	submit(t, s, before)
	next(t, got)

	n.stop()
	waitDown(t, s)
	waitDown(t, r)
	began := time.Now()
	if _, err := s.Submit(t.Context(), recipient, channel, after.id, after.wire); !errors.Is(err, link.ErrDown) {
		t.Errorf("%v, want %v", err, link.ErrDown)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("said so after %v", took)
	}
	if s.Err() == nil {
		t.Error("down for no reason")
	}

	n.start(t)
	waitUp(t, s)
	submit(t, s, after)
	if d := next(t, got); !bytes.Equal(d.Wire, after.wire) {
		t.Error("another message")
	}
	t.Logf("delivered %v after the broker was gone", time.Since(began))
	none(t, got)
}

// An agent may start before its broker.
func TestBrokerComesLater(t *testing.T) {
	n := newNet(t)
	n.stop()
	s := n.link(t, n.scheme.Authority(sender).TLS)
	if s.Up() {
		t.Fatal("up without a broker")
	}
	n.start(t)
	waitUp(t, s)
	submit(t, s, seal(t))
}

// A connection does not live longer than its user; the link takes the next, and what was in hand arrives.
func TestConnectionLifetime(t *testing.T) {
	n := newNet(t, `connection_lifetime = "1s"`)
	s, r := n.up(t, sender), n.up(t, recipient)
	got := collect(t, r)
	for range 2 {
		waitDown(t, r)
		waitUp(t, r)
	}
	waitUp(t, s)
	m := seal(t)
	for { // the sender's own connection may end at this very moment
		if _, err := s.Submit(t.Context(), recipient, channel, m.id, m.wire); err == nil {
			break
		} else if !errors.Is(err, link.ErrDown) {
			t.Fatal(err)
		}
		waitUp(t, s)
	}
	if d := next(t, got); !bytes.Equal(d.Wire, m.wire) {
		t.Error("another message")
	}
}

// TestRevocation goes the whole way, at the pace of a real broker: a CRL appears in the published folder, and within
// a second the connection that it concerns is cut, and stays out.
func TestRevocation(t *testing.T) {
	n := newNet(t)
	n.stop()
	if err := n.configure(strings.TrimPrefix(n.broker.URL(), "tls://"), nil, "250ms"); err != nil { // the default
		t.Fatal(err)
	}
	n.start(t)
	l, stays := n.up(t, sender), n.up(t, recipient)
	n.scheme.Revoke(t, sender.State(), n.scheme.Authority(sender).TLS.Leaf, 1)
	if err := n.scheme.Publish(filepath.Join(n.dir, "trust")); err != nil {
		t.Fatal(err)
	}
	published := time.Now()
	waitDown(t, l)
	took := time.Since(published)
	t.Logf("cut %v after publication", took)
	if took > time.Second {
		t.Errorf("cut after %v, want within a second", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := l.WaitUp(ctx); err == nil {
		t.Fatal("a revoked certificate connects again")
	} else if !strings.Contains(err.Error(), "Authorization Violation") {
		t.Errorf("%v, want the broker's reason", err)
	}
	if n.broker.Status().TurnedAway[pki.ReasonRevoked] == 0 {
		t.Error("nobody was turned away as revoked")
	}
	if !stays.Up() {
		t.Error("another authority's link went down")
	}
}

func TestUntrustedBrokerIsRefused(t *testing.T) {
	n := newNet(t)
	other := pkitest.NewScheme(t, time.Now, "QM")
	l := n.link(t, n.scheme.Authority(sender).TLS, func(c *link.Config) {
		c.Roots = x509.NewCertPool()
		c.Roots.AddCert(other.Broker.CA.Certificate())
	})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := l.WaitUp(ctx); err == nil || !strings.Contains(err.Error(), "signed by unknown authority") {
		t.Errorf("%v, want an unknown authority", err)
	}
}

func TestOnlyTLS(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1:4222", "nats://127.0.0.1:4222", "tls://127.0.0.1:1,nats://127.0.0.1:2"} {
		if _, err := link.Dial(t.Context(), link.Config{URL: url}); err == nil {
			t.Errorf("%q is dialled", url)
		}
	}
}
