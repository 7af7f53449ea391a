package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"comity/schemas"
)

// The names that an agent finds in its own account on the broker. They are the same for every authority.
const (
	submitPrefix  = "comity.submit."
	replyPrefix   = "comity.reply"
	apiPrefix     = "CORE.API"
	inboxStream   = "inbox"
	inboxConsumer = "desk"
	attemptHeader = "Comity-Attempt"
)

// Config is what a link needs. Zero values have the defaults named.
type Config struct {
	// URL of the broker, tls://host:port. Several, separated by commas, are tried in turn.
	URL string
	// TLS is the authority's client certificate with its key: all the broker asks for.
	TLS tls.Certificate
	// Roots are the CAs of the brokers that the trust list names.
	Roots *x509.CertPool
	// SubmitTimeout bounds one submission. Default 15 s.
	SubmitTimeout time.Duration
	// ProbeTimeout is how long the broker may take to show that it is there after a submission had no answer. Default 5 s.
	ProbeTimeout time.Duration
	// Parallel is how many messages Receive hands out at the same time. Default 1.
	Parallel int
	// MaxPause bounds the pause between two attempts to connect. Default 15 s.
	MaxPause time.Duration
	// Now is the clock by which the broker's certificate is judged. Default time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// ErrDown is the reason of a transport error: there is no connection, or it was lost before the answer came. Whether
// a submission was accepted is then unknown; the same bytes are to be submitted again.
var ErrDown = errors.New("no connection to the broker")

// ErrDenied is the reason where the broker forbids what was asked, which no agent that is what it says it is sees.
var ErrDenied = errors.New("the broker denies it")

// Link is the connection. Its methods may be called from any goroutine.
type Link struct {
	cfg  Config
	conn *nats.Conn // set by Dial, under mu
	js   jetstream.JetStream

	probing atomic.Bool

	mu      sync.Mutex
	up      bool
	changed chan struct{} // closed at the next change of up
	err     error         // why it is not up
	waiting map[*waiter]struct{}
}

// waiter is a submission that waits for its answer.
type waiter struct {
	subject string
	cancel  context.CancelCauseFunc
}

// Dial returns at once, with a link that is not yet up. It fails only for a configuration that can never work. The
// link ends with ctx.
func Dial(ctx context.Context, cfg Config) (*Link, error) {
	cfg = cfg.withDefaults()
	l := &Link{cfg: cfg, changed: make(chan struct{}), err: ErrDown, waiting: make(map[*waiter]struct{})}
	if err := checkURL(cfg.URL); err != nil {
		return nil, err
	}
	conn, err := nats.Connect(cfg.URL, l.options()...)
	if err != nil {
		return nil, fmt.Errorf("dialling the broker: %w", err)
	}
	l.mu.Lock()
	l.conn = conn
	l.mu.Unlock()
	if l.js, err = jetstream.NewWithAPIPrefix(conn, apiPrefix); err != nil {
		conn.Close()
		return nil, fmt.Errorf("dialling the broker: %w", err)
	}
	context.AfterFunc(ctx, conn.Close)
	return l, nil
}

func (c Config) withDefaults() Config {
	if c.SubmitTimeout <= 0 {
		c.SubmitTimeout = 15 * time.Second
	}
	if c.ProbeTimeout <= 0 {
		c.ProbeTimeout = 5 * time.Second
	}
	if c.MaxPause <= 0 {
		c.MaxPause = 15 * time.Second
	}
	if c.Parallel <= 0 {
		c.Parallel = 1
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// checkURL refuses what would connect without TLS: a URL without a scheme is not TLS in NATS.
func checkURL(urls string) error {
	for u := range strings.SplitSeq(urls, ",") {
		if !strings.HasPrefix(strings.TrimSpace(u), "tls://") {
			return errors.New("dialling the broker: the URL must begin with tls://")
		}
	}
	return nil
}

func (l *Link) options() []nats.Option {
	config := &tls.Config{
		Certificates: []tls.Certificate{l.cfg.TLS},
		RootCAs:      l.cfg.Roots,
		MinVersion:   tls.VersionTLS13,
		Time:         l.cfg.Now,
	}
	if config.RootCAs == nil {
		config.RootCAs = x509.NewCertPool() // nobody, rather than whom the machine trusts
	}
	return []nats.Option{
		nats.Secure(config), nats.TLSHandshakeFirst(),
		nats.Name("comity-agent"), nats.CustomInboxPrefix(replyPrefix),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.CustomReconnectDelay(l.pause), nats.ReconnectBufSize(-1), // the outbox is the queue
		nats.PingInterval(20 * time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(10 * time.Second),
		nats.ConnectHandler(func(*nats.Conn) { l.set(true, nil) }),
		nats.ReconnectHandler(func(*nats.Conn) { l.set(true, nil) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { l.set(false, err) }),
		nats.ClosedHandler(func(*nats.Conn) { l.set(false, nil) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { l.set(false, err) }),
		nats.ErrorHandler(l.asyncError),
	}
}

// pause grows from 50 ms to MaxPause, with jitter, so that a broker that restarts is not met by all at once. NATS calls
// it between two attempts, and tells nobody else why the last one failed in the handshake.
func (l *Link) pause(attempts int) time.Duration {
	l.mu.Lock()
	conn := l.conn // nil while Dial has not returned
	l.mu.Unlock()
	if conn != nil {
		if err := conn.LastError(); err != nil {
			l.set(false, err)
		}
	}
	limit := min(l.cfg.MaxPause, 50*time.Millisecond<<min(attempts, 12))
	return limit/2 + rand.N(limit/2+1)
}

// Up says whether the link is connected.
func (l *Link) Up() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up
}

// Changes is closed when Up next changes. Ask for it first and Up second: then no change is missed.
func (l *Link) Changes() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// Err is why the link is down, nil while it is up. It never names a person.
func (l *Link) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.up {
		return nil
	}
	return l.err
}

// WaitUp returns when the link is up, or with ctx.
func (l *Link) WaitUp(ctx context.Context) error {
	for {
		changes := l.Changes()
		if l.Up() {
			return nil
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), l.Err())
		}
	}
}

// MaxSubmission is the largest message that the broker's wire takes, 0 while it was never up. The relay's own limit
// is smaller.
func (l *Link) MaxSubmission() int64 { return l.conn.MaxPayload() }

func (l *Link) set(up bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !up {
		l.err = ErrDown
		if err != nil {
			l.err = fmt.Errorf("%w: %w", ErrDown, err)
		}
		for w := range l.waiting {
			w.cancel(l.err) // the answer can no longer come: its reply subject is gone on the server
		}
	}
	if l.up == up {
		return
	}
	l.up = up
	close(l.changed)
	l.changed = make(chan struct{})
	if up {
		l.cfg.Log.Info("link up")
	} else {
		l.cfg.Log.Warn("link down", "err", l.err)
	}
}

// asyncError receives what NATS tells outside any call, above all a denied publish: it would otherwise show as a
// time-out.
func (l *Link) asyncError(_ *nats.Conn, _ *nats.Subscription, err error) {
	l.cfg.Log.Error("link", "err", err)
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.waiting {
		if strings.Contains(err.Error(), `"`+w.subject+`"`) {
			w.cancel(fmt.Errorf("%w: %w", ErrDenied, err))
		}
	}
}

// submitSubject is in this account's name space; the broker maps it to this authority's ingress.
func submitSubject(to schemas.AuthorityID, channel schemas.Channel) string {
	return submitPrefix + address(to, channel)
}

func address(to schemas.AuthorityID, channel schemas.Channel) string {
	return to.State().Lower() + "." + to.Name() + "." + string(channel)
}
