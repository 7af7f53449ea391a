package bus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// serve starts the embedded server with the accounts that are nobody's.
func (b *Bus) serve(listen endpoint) error {
	opts, err := b.options(listen)
	if err != nil {
		return err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("configuring the NATS server: %w", err)
	}
	log := &serverLog{log: b.cfg.Log}
	s.SetLoggerV2(log, false, false, false)
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		s.Shutdown()
		return errors.Join(errors.New("starting the NATS server: not ready"), log.fatal())
	}
	b.server, b.serverLog = s, log
	return nil
}

// listen opens the port. Before that there is nothing to connect to: a client that came before the callout would be
// kept waiting for an answer until it gave up.
func (b *Bus) listen() error {
	b.server.AcceptLoop(make(chan struct{}))
	if b.server.Addr() == nil {
		return errors.Join(fmt.Errorf("listening on %s", b.cfg.Listen), b.serverLog.fatal())
	}
	return nil
}

func (b *Bus) options(listen endpoint) (*server.Options, error) {
	operator, err := operatorClaims(b.registry.house)
	if err != nil {
		return nil, err
	}
	if err := b.storeHouse(); err != nil {
		return nil, err
	}
	port := listen.port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return &server.Options{
		ServerName: "comity-broker", Host: listen.host, Port: port, DontListen: true, // Admit does
		NoSigs: true, NoLog: true, DisableJetStreamBanner: true,
		// Nothing is said before the handshake, not even the server's INFO.
		TLS: true, TLSVerify: true, TLSHandshakeFirst: true, TLSTimeout: 5, TLSConfig: b.tls(),
		AuthTimeout: 10,
		MaxPayload:  int32(2*b.cfg.MaxMessage + headerRoom),

		TrustedOperators: []*jwt.OperatorClaims{operator},
		SystemAccount:    operator.SystemAccount,
		AccountResolver:  b.resolver,
		DefaultSentinel:  b.door.sentinel,

		JetStream: true, StoreDir: filepath.Join(b.cfg.Dir, "streams"),
		JetStreamMaxMemory: 256 << 20,
		// By default the disk is flushed every two minutes: acknowledged messages would not survive a power cut.
		SyncAlways:      true,
		JetStreamLimits: server.JSLimitOpts{DefaultMaxConsumers: -1}, // shards
		// The second form of acknowledgement subjects has the account token elsewhere: the export would not hold.
		FeatureFlags: map[string]bool{server.FeatureFlagJsAckFormatV2: false},
	}, nil
}

// storeHouse hands the server the accounts SYS, AUTH and CORE.
func (b *Bus) storeHouse() error {
	h := b.registry.house
	system, err := publicKey(h.system)
	if err != nil {
		return err
	}
	sys := jwt.NewAccountClaims(system)
	sys.Name = "SYS"
	for _, claims := range []*jwt.AccountClaims{sys, coreClaims(b.core), b.door.account} {
		token, err := claims.Encode(h.operator)
		if err == nil {
			err = b.resolver.Store(claims.Subject, token)
		}
		if err != nil {
			return fmt.Errorf("storing the account %s: %w", claims.Name, err)
		}
	}
	return nil
}

// tls asks for a client certificate of one of the CAs that the view of this moment names. There is no resumption: a
// resumed session would carry a verification of the past.
func (b *Bus) tls() *tls.Config {
	base := &tls.Config{
		Certificates:           []tls.Certificate{b.cfg.Certificate},
		MinVersion:             tls.VersionTLS13,
		ClientAuth:             tls.RequireAndVerifyClientCert,
		SessionTicketsDisabled: true,
		Time:                   b.cfg.Now,
	}
	outer := base.Clone()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := base.Clone()
		c.ClientCAs = b.door.view().ClientCAs()
		return c, nil
	}
	return outer
}

// inProcess is a user of one of the house's accounts: it exists for one connection inside this process, and the
// server refuses its JWT on the network.
type inProcess struct {
	name     string
	key      nkeys.KeyPair // nil: one is made
	pub, sub []string      // what it may name; none is everything
}

// adminUser makes streams and consumers, in this package only.
func adminUser() inProcess { return inProcess{name: "admin"} }

// relayUser may read ingress, write inboxes and answer. It has no JetStream API.
func relayUser() inProcess {
	return inProcess{
		name: "relay",
		pub:  []string{inboxPrefix + ".*", chunksPrefix + ".*.*", "_R_.>"},
		sub:  []string{ingressPrefix + ".*.>", chunksIngress + ".*.>", relayReplies + ".>"},
	}
}

const relayReplies = "_INBOX_relay"

// connect opens a connection of user to the account whose key is given.
func (b *Bus) connect(account nkeys.KeyPair, user inProcess, options ...nats.Option) (*nats.Conn, error) {
	if user.key == nil {
		var err error
		if user.key, err = nkeys.CreateUser(); err != nil {
			return nil, fmt.Errorf("creating the key of %s: %w", user.name, err)
		}
	}
	public, err := publicKey(user.key)
	if err != nil {
		return nil, err
	}
	claims := jwt.NewUserClaims(public)
	claims.Name = user.name
	claims.AllowedConnectionTypes.Add(jwt.ConnectionTypeInProcess)
	claims.Pub.Allow.Add(user.pub...)
	claims.Sub.Allow.Add(user.sub...)
	token, err := claims.Encode(account)
	if err != nil {
		return nil, fmt.Errorf("encoding the user %s: %w", user.name, err)
	}
	options = append(options, nats.InProcessServer(b.server), nats.Name(user.name), nats.MaxReconnects(-1),
		nats.UserJWT(func() (string, error) { return token, nil }, user.key.Sign),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.cfg.Log.Error("broker's own connection", "user", user.name, "err", err)
		}))
	conn, err := nats.Connect("", options...)
	if err != nil {
		return nil, fmt.Errorf("connecting %s in process: %w", user.name, err)
	}
	return conn, nil
}

// serverLog gives the server's words to slog. At Info the server tells of every connection; that is Debug here.
type serverLog struct {
	log *slog.Logger
	mu  sync.Mutex
	err error // the last Fatalf: the server calls it where a program of its own would exit
}

func (l *serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}
func (l *serverLog) Warnf(format string, v ...any) { l.log.Warn("nats: " + fmt.Sprintf(format, v...)) }
func (l *serverLog) Errorf(format string, v ...any) {
	l.log.Error("nats: " + fmt.Sprintf(format, v...))
}
func (l *serverLog) Debugf(string, ...any) {}
func (l *serverLog) Tracef(string, ...any) {}
func (l *serverLog) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = fmt.Errorf(format, v...)
	l.log.Error("nats: " + l.err.Error())
}

func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
