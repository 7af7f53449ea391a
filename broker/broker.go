package broker

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"comity/broker/bus"
	"comity/broker/relay"
	"comity/exposition"
	"comity/pki"
	"comity/pki/jose"
	"comity/powercut"
	"comity/schemas"
)

// Options are what the program around hands in. Zero values have the defaults named.
type Options struct {
	Now func() time.Time // default time.Now
	Log *slog.Logger     // default: discarded
	// Registry takes the broker's metrics. Default: one of its own.
	Registry *prometheus.Registry
}

// Broker is a broker that New has checked and Run runs.
type Broker struct {
	cfg     Config
	now     func() time.Time
	log     *slog.Logger
	keeper  *pki.Keeper
	server  tls.Certificate
	signer  relay.Signer
	signing time.Time // when the signing certificate ends
	scraped exposition.Address
	metrics *prometheus.Registry
	ready   chan struct{}
	refresh sync.Mutex // one look at the trust folder at a time

	mu       sync.Mutex
	bus      *bus.Bus // from readiness to the end of Run
	relay    *relay.Relay
	url      string
	trustErr error // what the last look at the trust folder refused
}

// Status is what an operator asks of a running broker. It counts nothing by authority.
type Status struct {
	Ready        bool                             `json:"ready"`
	URL          string                           `json:"url"`
	Connected    int                              `json:"connected"`
	Accepted     uint64                           `json:"accepted"`
	Refused      map[schemas.RefusalReason]uint64 `json:"refused"`
	TurnedAway   map[pki.Reason]uint64            `json:"turned_away"`
	TrustVersion uint64                           `json:"trust_version"`
	TrustExpires time.Time                        `json:"trust_expires"`
	// Trust is what was last refused of the published folder, empty if nothing was.
	Trust string `json:"trust"`
}

// New reads the files that cfg names and takes a first look at the trust folder. It refuses a broker that could
// serve nobody: without keys, or without a trust list. It listens to nothing yet.
func New(cfg Config, options Options) (*Broker, error) {
	cfg = cfg.withDefaults()
	b := &Broker{cfg: cfg, now: options.Now, log: options.Log, metrics: options.Registry, ready: make(chan struct{})}
	if b.now == nil {
		b.now = time.Now
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if b.metrics == nil {
		b.metrics = prometheus.NewRegistry()
	}
	var err error
	if b.scraped, err = cfg.Metrics.Check(); err != nil {
		return nil, fmt.Errorf("configuring the broker: %w", err)
	}
	if err := (&metrics{b}).register(b.metrics); err != nil {
		return nil, fmt.Errorf("registering the broker's metrics: %w", err)
	}
	if err := b.loadKeys(); err != nil {
		return nil, err
	}
	pin, err := readPin(cfg.Pin)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("creating the broker's data folder: %w", err)
	}
	if b.keeper, err = pki.OpenKeeper(filepath.Join(cfg.Data, "trust"), pin, b.now); err != nil {
		return nil, fmt.Errorf("opening the broker's trust: %w", err)
	}
	_, b.trustErr = b.keeper.Refresh(cfg.Trust)
	if b.keeper.View().TrustList() == nil {
		return nil, fmt.Errorf("reading the trust folder %q: %w", cfg.Trust, errors.Join(errNoTrust, b.trustErr))
	}
	if _, err := b.keeper.View().BrokerSigner(b.signer.Thumbprint); err != nil {
		return nil, fmt.Errorf("checking the broker's signing certificate %q: %w", cfg.Signing.Certificate, err)
	}
	return b, nil
}

var errNoTrust = errors.New("no trust list that the pin makes good")

func (b *Broker) loadKeys() (err error) {
	if b.server, err = tls.LoadX509KeyPair(b.cfg.TLS.Certificate, b.cfg.TLS.Key); err != nil {
		return fmt.Errorf("reading the broker's TLS certificate and key: %w", err)
	}
	signing, err := tls.LoadX509KeyPair(b.cfg.Signing.Certificate, b.cfg.Signing.Key)
	if err != nil {
		return fmt.Errorf("reading the broker's signing certificate and key: %w", err)
	}
	key, ok := signing.PrivateKey.(crypto.Signer)
	if !ok {
		return errors.New("reading the broker's signing key: not a signing key")
	}
	b.signer, b.signing = relay.Signer{Key: key, Thumbprint: jose.Thumbprint(signing.Leaf)}, signing.Leaf.NotAfter
	return nil
}

func readPin(path string) (pki.Pin, error) {
	var pin pki.Pin
	raw, err := os.ReadFile(path)
	if err != nil {
		return pin, fmt.Errorf("reading the pin: %w", err)
	}
	if err := schemas.Decode(raw, &pin, schemas.DefaultLimits); err != nil {
		return pin, fmt.Errorf("reading the pin %q: %w", path, err)
	}
	return pin, nil
}

// Ready is closed once agents can connect.
func (b *Broker) Ready() <-chan struct{} { return b.ready }

// URL is where agents connect, "" before Ready.
func (b *Broker) URL() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.url
}

// Run serves until ctx ends, and then stops in order: no new submission, those at hand finished, connections closed.
// It returns nil for an orderly end. It may be called once.
func (b *Broker) Run(ctx context.Context) error {
	// 1. The inboxes of everybody in the directory.
	line, err := bus.Start(ctx, bus.Config{
		Dir: b.cfg.Data, Listen: b.cfg.Listen, Certificate: b.server, MaxMessage: b.cfg.Limits.MaxMessage,
		InboxBytes: b.cfg.Limits.InboxBytes, Replicas: b.cfg.Limits.Replicas,
		AckWait:      time.Duration(b.cfg.RedeliverAfter),
		UserLifetime: time.Duration(b.cfg.ConnectionLifetime), Now: b.now, Log: b.log,
	}, b.keeper.View())
	if err != nil {
		return err
	}
	defer line.Close()
	// 2. The relay, their only writer.
	conn, err := line.RelayConn()
	if err != nil {
		return err
	}
	writer, err := relay.Start(conn, line, relay.Config{
		MaxMessage: b.cfg.Limits.MaxMessage, Sender: b.cfg.Limits.Sender.relay(), Recipient: b.cfg.Limits.Recipient.relay(),
		Signer: b.signer, View: b.keeper.View, Now: b.now, Log: b.log,
	})
	if err != nil {
		return err
	}
	defer writer.Close()
	// 3. The same for chunks of evidence, apart.
	chunks, err := b.relayChunks(line)
	if err != nil {
		return err
	}
	defer chunks.Close()
	// 4. The metrics, and the door.
	scraped, err := exposition.Listen(b.scraped, b.metrics, b.log)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	var served sync.WaitGroup
	served.Go(func() {
		if err := scraped.Serve(serving); err != nil {
			b.log.Error("metrics", "err", err)
		}
	})
	defer served.Wait()
	defer stop()
	if err := line.Admit(); err != nil {
		return err
	}
	b.mu.Lock()
	b.bus, b.relay, b.url = line, writer, line.URL()
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.bus, b.relay = nil, nil
		b.mu.Unlock()
	}()
	close(b.ready)
	b.log.Info("broker ready", "url", line.URL())
	b.watch(ctx, line)
	b.log.Info("broker stopping")
	return nil
}

// relayChunks starts the relay of chunks on a connection of its own.
func (b *Broker) relayChunks(line *bus.Bus) (*relay.Chunks, error) {
	conn, err := line.RelayConn()
	if err != nil {
		return nil, err
	}
	return relay.StartChunks(conn, line, relay.ChunkConfig{
		Quota: b.cfg.Limits.Evidence.relay(), View: b.keeper.View, Now: b.now,
		Error: func(reason schemas.RefusalReason, err error) {
			b.log.Error("relay of chunks", "reason", reason, "err", err)
		},
	})
}

// lookAgain is how often the trust folder is read, and every connection judged, though no file seems to have changed.
const lookAgain = 10 * time.Second

// watch puts changes of the trust folder in force until ctx ends.
func (b *Broker) watch(ctx context.Context, line *bus.Bus) {
	ticker := time.NewTicker(time.Duration(b.cfg.RefreshEvery))
	defer ticker.Stop()
	seen, read := b.folderState(), time.Now()
	_ = b.look(ctx, line) // what changed since New; look logs
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		state := b.folderState()
		if state == seen && time.Since(read) < lookAgain {
			continue
		}
		seen, read = state, time.Now()
		_ = b.look(ctx, line)
	}
}

// Refresh looks at the trust folder now. What is acceptable is in force when it returns; it reports what is not.
func (b *Broker) Refresh(ctx context.Context) error {
	b.mu.Lock()
	line := b.bus
	b.mu.Unlock()
	if line == nil {
		return errors.New("refreshing the broker's trust: the broker is not ready")
	}
	return b.look(ctx, line)
}

func (b *Broker) look(ctx context.Context, line *bus.Bus) error {
	b.refresh.Lock()
	defer b.refresh.Unlock()
	powercut.Before(powercut.TrustRenewed)
	changed, refused := b.keeper.Refresh(b.cfg.Trust)
	if changed {
		powercut.After(powercut.TrustRenewed)
	}
	err := errors.Join(refused, line.Apply(ctx, b.keeper.View()))
	b.mu.Lock()
	before := b.trustErr
	b.trustErr = err
	b.mu.Unlock()
	if err != nil && (before == nil || before.Error() != err.Error()) { // once, not at every look
		b.log.Warn("trust folder", "err", err)
	}
	return err
}

// folderState changes when a file of the trust folder does: names, sizes and times.
func (b *Broker) folderState() [sha256.Size]byte {
	h := sha256.New()
	for _, folder := range []string{"", "directory", "crl"} {
		entries, err := os.ReadDir(filepath.Join(b.cfg.Trust, folder))
		if err != nil {
			continue // Refresh tells of it
		}
		for _, entry := range entries {
			info, err := os.Stat(filepath.Join(b.cfg.Trust, folder, entry.Name())) // through a symbolic link
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
			fmt.Fprintln(h, folder, entry.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Status may be asked at any time.
func (b *Broker) Status() Status {
	b.mu.Lock()
	line, writer, s := b.bus, b.relay, Status{URL: b.url}
	if b.trustErr != nil {
		s.Trust = b.trustErr.Error()
	}
	b.mu.Unlock()
	if list := b.keeper.View().TrustList(); list != nil {
		s.TrustVersion, s.TrustExpires = list.Version, list.ExpiresAt
	}
	if line != nil {
		stats := writer.Stats()
		s.Ready, s.Connected, s.TurnedAway = true, line.Connected(), line.Refused()
		s.Accepted, s.Refused = stats.Accepted, stats.Refused
	}
	return s
}
