package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"comity/pki"
	"comity/powercut"
	"comity/schemas"
)

// Bus is a running server. Its methods may be called from any goroutine.
type Bus struct {
	cfg      Config
	registry *registry
	resolver *server.MemAccResolver
	core     string // the account CORE
	door     *door

	server    *server.Server
	serverLog *serverLog

	admin *nats.Conn // CORE, this package's own
	js    jetstream.JetStream

	apply sync.Mutex // one Apply at a time; guards ready
	// ready are the accounts whose inbox and consumer stand and whose JWT the server knows.
	ready map[accountKey]bool
}

// Start brings the server up with the inboxes of everybody in view. It opens no port: Admit does.
func Start(ctx context.Context, cfg Config, view *pki.View) (*Bus, error) {
	cfg, listen, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the bus's data directory: %w", err)
	}
	accounts, err := openRegistry(cfg.Dir)
	if err != nil {
		return nil, err
	}
	b := &Bus{cfg: cfg, registry: accounts, resolver: &server.MemAccResolver{}, ready: make(map[accountKey]bool)}
	if b.core, err = publicKey(accounts.house.core); err != nil {
		return nil, err
	}
	if b.door, err = newDoor(cfg, accounts, view); err != nil {
		return nil, err
	}
	if err := b.serve(listen); err != nil {
		return nil, err
	}
	if err := b.prepare(ctx, view); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Bus) prepare(ctx context.Context, view *pki.View) (err error) {
	if b.admin, err = b.connect(b.registry.house.core, adminUser()); err != nil {
		return err
	}
	if b.js, err = jetstream.New(b.admin); err != nil {
		return fmt.Errorf("opening JetStream: %w", err)
	}
	return b.Apply(ctx, view)
}

// Apply puts a new view in force: authorities that it names for the first time get their account and inbox, and
// every live connection whose certificate it does not prove now is cut before Apply returns. Call it with the same view
// from time to time, for what time alone changes. It reports every authority that could not be prepared; the others
// are served.
func (b *Bus) Apply(ctx context.Context, view *pki.View) error {
	b.apply.Lock()
	defer b.apply.Unlock()
	b.door.enforce(view) // first: nothing that follows may delay a revocation

	var ids []schemas.AuthorityID
	for _, a := range view.Authorities() {
		if a.Kind != pki.KindNotConnected {
			ids = append(ids, a.ID)
		}
	}
	if err := b.registry.admit(ids); err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		a, _ := b.registry.authority(id)
		if b.ready[a.Key] {
			continue
		}
		if err := powercut.Around(powercut.InboxPrepared, func() error { return b.provision(ctx, a) }); err != nil {
			errs = append(errs, err)
			continue
		}
		b.ready[a.Key] = true
	}
	return errors.Join(errs...)
}

// Admit opens the port and lets agents in. Call it once the relay listens.
func (b *Bus) Admit() error {
	conn, err := b.connect(b.registry.house.auth, b.door.user())
	if err != nil {
		return err
	}
	if err := b.door.open(conn, b.server.ID(), b); err != nil {
		conn.Close()
		return err
	}
	return b.listen()
}

// RelayConn is the connection of the one writer of inboxes. The caller closes it.
func (b *Bus) RelayConn() (*nats.Conn, error) {
	return b.connect(b.registry.house.core, relayUser(), nats.CustomInboxPrefix(relayReplies))
}

// Sender is the authority whose ingress the subject is. NATS lets no other account's messages arrive there.
func (b *Bus) Sender(account string) (schemas.AuthorityID, bool) {
	a, ok := b.registry.holder(accountKey(account))
	if !ok {
		return "", false
	}
	return a.Authority, true
}

// Inbox is the subject on which the relay writes for to.
func (b *Bus) Inbox(to schemas.AuthorityID) (subject string, ok bool) {
	a, ok := b.registry.authority(to)
	if !ok {
		return "", false
	}
	return inboxPrefix + "." + string(a.Key), true
}

// Chunks is the subject on which the relay writes chunks of evidence from one authority for another.
func (b *Bus) Chunks(from, to schemas.AuthorityID) (subject string, ok bool) {
	sender, ok1 := b.registry.authority(from)
	recipient, ok2 := b.registry.authority(to)
	if !ok1 || !ok2 {
		return "", false
	}
	return chunksPrefix + "." + string(recipient.Key) + "." + string(sender.Key), true
}

// Close stops the server. What was acknowledged before is on disk.
func (b *Bus) Close() {
	if b.admin != nil {
		b.admin.Close()
	}
	b.door.close()
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// URL is where agents connect, once Admit has opened the port.
func (b *Bus) URL() string {
	host, _, err := net.SplitHostPort(b.cfg.Listen)
	if err != nil || host == "" {
		host = "127.0.0.1"
	}
	addr, ok := b.server.Addr().(*net.TCPAddr)
	if !ok {
		return ""
	}
	return "tls://" + net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

// Refused counts the connections that the callout refused, by reason. A certificate that does not even pass the TLS
// handshake never reaches the callout.
func (b *Bus) Refused() map[pki.Reason]uint64 { return b.door.counts() }

// Connected is how many agents are connected.
func (b *Bus) Connected() int { return b.door.live() }

// cut ends a connection at once; a connection that is already gone needs no cutting.
func (b *Bus) cut(client uint64) { _ = b.server.DisconnectClientByID(client) }

func (b *Bus) gone(client uint64) bool { return b.server.GetClient(client) == nil }

// provision is idempotent: stream, consumer, and at last the account's JWT, so that whoever can connect finds all.
func (b *Bus) provision(ctx context.Context, a *account) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := b.js.CreateOrUpdateStream(ctx, b.inbox(a)); err != nil {
		return fmt.Errorf("preparing the inbox of %s: %w", a.Authority, err)
	}
	if _, err := b.js.CreateOrUpdateConsumer(ctx, a.Stream, b.consumer(a)); err != nil {
		return fmt.Errorf("preparing the consumer of %s: %w", a.Authority, err)
	}
	if _, err := b.js.CreateOrUpdateStream(ctx, b.chunks(a)); err != nil {
		return fmt.Errorf("preparing the stream of chunks of %s: %w", a.Authority, err)
	}
	if _, err := b.js.CreateOrUpdateConsumer(ctx, a.chunks(), b.chunkConsumer(a)); err != nil {
		return fmt.Errorf("preparing the consumer of chunks of %s: %w", a.Authority, err)
	}
	token, err := authorityClaims(a, b.core).Encode(b.registry.house.operator)
	if err != nil {
		return fmt.Errorf("encoding the account of %s: %w", a.Authority, err)
	}
	if err := b.resolver.Store(string(a.Key), token); err != nil {
		return fmt.Errorf("storing the account of %s: %w", a.Authority, err)
	}
	return nil
}

// inbox: work-queue retention, because an acknowledged message is then gone from the disk, and a consumer that is
// made anew after kill -9 finds exactly what was not acknowledged.
func (b *Bus) inbox(a *account) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:       a.Stream,
		Subjects:   []string{inboxPrefix + "." + string(a.Key)},
		Retention:  jetstream.WorkQueuePolicy,
		Storage:    jetstream.FileStorage,
		Replicas:   b.cfg.Replicas,
		MaxBytes:   b.cfg.InboxBytes,
		MaxMsgSize: int32(b.cfg.MaxMessage + headerRoom),
		Discard:    jetstream.DiscardNew, // full means refused, never an old message lost
		Duplicates: DuplicateWindow,
	}
}

func (b *Bus) consumer(a *account) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:           string(a.Key),
		AckPolicy:         jetstream.AckExplicitPolicy,
		AckWait:           b.cfg.AckWait,
		MaxDeliver:        -1,
		MaxAckPending:     1024,
		MaxWaiting:        16,
		MaxRequestBatch:   256,
		MaxRequestExpires: 2 * time.Minute,
		MemoryStorage:     true, // state on file was the bottleneck, and the stream already tells what is left
	}
}

// chunks: in memory, and no more of each sender than it may have under way. Whatever is lost with this process the
// recipient asks its sender for again, so nothing of a file ever stands on a disk of the broker.
func (b *Bus) chunks(a *account) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:                 a.chunks(),
		Subjects:             []string{chunksPrefix + "." + string(a.Key) + ".*"},
		Retention:            jetstream.WorkQueuePolicy,
		Storage:              jetstream.MemoryStorage,
		Replicas:             b.cfg.Replicas,
		MaxMsgsPerSubject:    ChunkWindow,
		MaxMsgSize:           schemas.MaxChunkWire + headerRoom,
		Discard:              jetstream.DiscardNew,
		DiscardNewPerSubject: true,
		MaxAge:               chunkLife,
		Duplicates:           chunkLife,
	}
}

func (b *Bus) chunkConsumer(a *account) jetstream.ConsumerConfig {
	c := b.consumer(a)
	c.AckWait, c.MaxAckPending, c.MaxRequestBatch = chunkLife, 64, 8
	return c
}

const (
	// ChunkWindow is how many chunks of one sender may wait for one recipient. It is the same for each pair, whatever others
	// send: a full window says that the recipient is slow, and nothing of who else writes to it.
	ChunkWindow = 8
	// chunkLife is when a chunk that nobody has taken is given up: its recipient has gone.
	chunkLife = 30 * time.Second
)

// DuplicateWindow is how long the same attempt of the same sender is stored once only. Exactly-once belongs to the
// recipient (DESIGN section 3).
const DuplicateWindow = 2 * time.Minute

// headerRoom is for the relay's one header and the server's own.
const headerRoom = 4 << 10
