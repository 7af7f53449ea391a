package bus_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"comity/broker/bus"
	"comity/broker/relay"
	"comity/pki"
	"comity/pki/jose"
	"comity/pki/keyfile"
	"comity/pki/pkitest"
	"comity/schemas"
)

// channel is one that justice and border authorities both serve.
const channel = schemas.ChannelRepatriation

// maxMessage keeps the tests small.
const maxMessage = 64 << 10

// world is a scheme of three States with a bus and its relay, as package broker composes them.
type world struct {
	scheme *pkitest.Scheme
	keeper *pki.Keeper
	dir    string
	bus    *bus.Bus
	relay  *relay.Relay
	url    string
}

// settings are what some tests change.
type settings struct {
	inboxBytes        int64
	maxMessage        int
	sender, recipient relay.Quota
}

func newWorld(t *testing.T, changes ...func(*settings)) *world {
	t.Helper()
	w := &world{scheme: pkitest.NewScheme(t, time.Now, "QM", "QN", "QP"), dir: t.TempDir()}
	w.keeper = w.scheme.Keeper(t)
	w.start(t, changes...)
	return w
}

func (w *world) start(t *testing.T, changes ...func(*settings)) {
	t.Helper()
	s := settings{inboxBytes: 1 << 20, maxMessage: maxMessage}
	for _, change := range changes {
		change(&s)
	}
	var err error
	w.bus, err = bus.Start(t.Context(), bus.Config{
		Dir: w.dir, Certificate: w.scheme.Broker.TLS, MaxMessage: s.maxMessage, InboxBytes: s.inboxBytes, AckWait: 300 * time.Millisecond,
	}, w.keeper.View())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.bus.Close)
	conn, err := w.bus.RelayConn()
	if err != nil {
		t.Fatal(err)
	}
	signing := w.scheme.Broker.Signing
	w.relay, err = relay.Start(conn, w.bus, relay.Config{
		MaxMessage: s.maxMessage, Sender: s.sender, Recipient: s.recipient, View: w.keeper.View,
		Signer: relay.Signer{Key: signing.Key, Thumbprint: jose.Thumbprint(signing.Certificate)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.relay.Close)
	if err := w.bus.Admit(); err != nil {
		t.Fatal(err)
	}
	w.url = w.bus.URL()
}

// refresh puts in force what the scheme has published since.
func (w *world) refresh(t *testing.T) {
	t.Helper()
	w.scheme.Refresh(t, w.keeper)
	if err := w.bus.Apply(t.Context(), w.keeper.View()); err != nil {
		t.Fatal(err)
	}
}

// account is what the registry on disk says of an authority: all that an attacker could ever learn, short of seeds.
type account struct{ key, stream string }

func (w *world) account(t *testing.T, id schemas.AuthorityID) account {
	t.Helper()
	var registry struct {
		Accounts map[schemas.AuthorityID]struct{ Seed, Stream string }
	}
	if err := json.Unmarshal([]byte(w.registry(t)), &registry); err != nil {
		t.Fatal(err)
	}
	entry, ok := registry.Accounts[id]
	if !ok {
		t.Fatalf("%s has no account", id)
	}
	kp, err := nkeys.FromSeed([]byte(entry.Seed))
	if err != nil {
		t.Fatal(err)
	}
	key, err := kp.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return account{key: key, stream: entry.Stream}
}

func (w *world) registry(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.dir, "accounts.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// client is a raw NATS connection with an authority's real certificate: what an attacker would use.
type client struct {
	conn *nats.Conn
	errs chan error
}

func (w *world) connect(t *testing.T, as schemas.AuthorityID) *client {
	t.Helper()
	c, err := w.dial(t, w.scheme.Authority(as).TLS)
	if err != nil {
		t.Fatalf("%s cannot connect: %v", as, err)
	}
	return c
}

func (w *world) dial(t *testing.T, certificate tls.Certificate, options ...func(*tls.Config)) (*client, error) {
	t.Helper()
	c := &client{errs: make(chan error, 256)}
	config := &tls.Config{RootCAs: roots(w.scheme), MinVersion: tls.VersionTLS13}
	if certificate.PrivateKey != nil {
		config.Certificates = []tls.Certificate{certificate}
	}
	for _, option := range options {
		option(config)
	}
	var err error
	c.conn, err = nats.Connect(w.url, nats.Secure(config), nats.TLSHandshakeFirst(), nats.NoReconnect(),
		nats.CustomInboxPrefix("comity.reply.own"), nats.Timeout(patience),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.errs <- err }))
	if err != nil {
		return nil, err
	}
	t.Cleanup(c.conn.Close)
	return c, nil
}

// message is a sealed message and the route by whose address it is submitted.
type message struct {
	route schemas.Route
	wire  []byte
}

func route(from, to schemas.AuthorityID) schemas.Route {
	return schemas.Route{From: from, To: to, Channel: channel, ID: schemas.NewMessageID(), Suite: 1, Key: "a-key"}
}

func sealed(t testing.TB, r schemas.Route) message { return sealedSize(t, r, 64) }

func sealedSize(t testing.TB, r schemas.Route, size int) message {
	t.Helper()
	return message{route: r, wire: encrypt(t, r, make([]byte, size))}
}

// sealedHeader replaces members of the route in the header, and not in the address.
func sealedHeader(t testing.TB, r schemas.Route, members map[string]any) message {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	header := map[string]any{}
	if err := json.Unmarshal(raw, &header); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		header[name] = value
	}
	return message{route: r, wire: encrypt(t, header, []byte("x"))}
}

func encrypt(t testing.TB, header any, plaintext []byte) []byte {
	t.Helper()
	key, err := keyfile.Generate()
	if err != nil {
		t.Fatal(err)
	}
	wire, err := jose.Encrypt(&key.PublicKey, jose.TypEnvelope, header, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func submitTo(to schemas.AuthorityID) string {
	return "comity.submit." + to.State().Lower() + "." + to.Name() + "." + string(channel)
}

// submit sends m and returns the broker's answer.
func (c *client) submit(t *testing.T, m message, headers ...string) []byte {
	t.Helper()
	r := m.route
	msg := nats.NewMsg("comity.submit." + r.To.State().Lower() + "." + r.To.Name() + "." + string(r.Channel))
	msg.Data = m.wire
	for i := 0; i+1 < len(headers); i += 2 {
		msg.Header.Set(headers[i], headers[i+1])
	}
	answer, err := c.conn.RequestMsg(msg, patience)
	if err != nil {
		t.Fatalf("submitting: %v", err)
	}
	return answer.Data
}

// accepted demands an acceptance of exactly these bytes, signed by the broker that the trust list names.
func (w *world) accepted(t *testing.T, c *client, m message, headers ...string) {
	t.Helper()
	answer := c.submit(t, m, headers...)
	signed, err := jose.ParseSigned(answer, jose.TypAcceptance)
	if err != nil {
		t.Fatalf("not an acceptance: %s", answer)
	}
	key, err := w.keeper.View().BrokerSigner(signed.Thumbprint())
	if err != nil {
		t.Fatal(err)
	}
	body, err := signed.Verify(key)
	if err != nil {
		t.Fatal(err)
	}
	var a schemas.Acceptance
	if err := schemas.Decode(body, &a, schemas.DefaultLimits); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(m.wire)
	want := schemas.Acceptance{From: m.route.From, To: m.route.To, ID: m.route.ID, SHA256: hex.EncodeToString(sum[:]), AcceptedAt: a.AcceptedAt}
	if a != want {
		t.Fatalf("accepted %+v, want %+v", a, want)
	}
	if since := time.Since(a.AcceptedAt); since < 0 || since > time.Minute {
		t.Errorf("accepted at %v", a.AcceptedAt)
	}
}

func (w *world) refused(t *testing.T, c *client, m message, want schemas.RefusalReason, headers ...string) {
	t.Helper()
	answer := c.submit(t, m, headers...)
	got, err := schemas.ParseRefusal(answer)
	if err != nil {
		t.Fatalf("not a refusal: %s", answer)
	}
	if got != want {
		t.Errorf("refused as %q, want %q", got, want)
	}
}

// request asks and demands an answer.
func (c *client) request(t *testing.T, subject string, body []byte) *nats.Msg {
	t.Helper()
	answer, err := c.conn.Request(subject, body, patience)
	if err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
	return answer
}

// pull gets one message of the client's own inbox.
func (c *client) pull(t *testing.T) *nats.Msg {
	t.Helper()
	msg := c.request(t, "CORE.API.CONSUMER.MSG.NEXT.inbox.desk", []byte(`{"batch":1,"expires":5000000000}`))
	if status := msg.Header.Get("Status"); status != "" {
		t.Fatalf("no message: %s %s", status, msg.Header.Get("Description"))
	}
	return msg
}

// drain receives and acknowledges exactly count messages of an inbox, and demands that it is empty then.
func (w *world) drain(t *testing.T, id schemas.AuthorityID, count int) []*nats.Msg {
	t.Helper()
	c := w.connect(t, id)
	defer c.conn.Close()
	var out []*nats.Msg
	for range count {
		msg := c.pull(t)
		if _, err := c.conn.Request(msg.Reply, []byte("+ACK"), patience); err != nil {
			t.Fatalf("acknowledging: %v", err)
		}
		out = append(out, msg)
	}
	w.untouched(t, id)
	return out
}

// untouched demands an inbox with nothing in it, delivered or not.
func (w *world) untouched(t *testing.T, id schemas.AuthorityID) {
	t.Helper()
	c := w.connect(t, id)
	defer c.conn.Close()
	var info struct {
		Name    string
		Pending int `json:"num_pending"`
		Unacked int `json:"num_ack_pending"`
	}
	answer := c.request(t, "CORE.API.CONSUMER.INFO.inbox.desk", nil)
	if err := json.Unmarshal(answer.Data, &info); err != nil || info.Name == "" {
		t.Fatalf("no consumer info: %s", answer.Data)
	}
	if info.Pending != 0 || info.Unacked != 0 {
		t.Errorf("%s: %d waiting and %d unacknowledged, want none", id, info.Pending, info.Unacked)
	}
}

// denied publishes, and demands that the server says it may not.
func (c *client) denied(t *testing.T, verb, subject string, body []byte) {
	t.Helper()
	if err := c.conn.PublishRequest(subject, "comity.reply.denied", body); err != nil {
		t.Fatal(err)
	}
	c.violation(t, `Permissions Violation for `+verb+` to "`+subject+`"`)
}

// replyDenied publishes with a reply that the server refuses by itself.
func (c *client) replyDenied(t *testing.T, subject, reply string, body []byte) {
	t.Helper()
	c.publishRequest(t, subject, reply, body)
	c.violation(t, `Permissions Violation for Publish with Reply of "`+reply+`"`)
}

func (c *client) subscribeDenied(t *testing.T, subject string) {
	t.Helper()
	if _, err := c.conn.SubscribeSync(subject); err != nil {
		t.Fatal(err)
	}
	c.violation(t, `Permissions Violation for Subscription to "`+subject+`"`)
}

// violation waits for the server's word. It comes on the same connection before the answer to the flush.
func (c *client) violation(t *testing.T, want string) {
	t.Helper()
	if err := c.conn.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-c.errs:
		if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%v, want %s", err, want)
		}
	case <-time.After(patience):
		t.Errorf("allowed, want %s", want)
	}
}

// publishRequest publishes with a reply subject of the caller's choice, and returns once the server has dealt with it.
func (c *client) publishRequest(t *testing.T, subject, reply string, body []byte) {
	t.Helper()
	if err := c.conn.PublishRequest(subject, reply, body); err != nil {
		t.Fatal(err)
	}
	if err := c.conn.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
}

type listener struct{ sub *nats.Subscription }

func (c *client) listen(t *testing.T, subject string) listener {
	t.Helper()
	sub, err := c.conn.SubscribeSync(subject)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.conn.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
	return listener{sub}
}

func (l listener) silent(t *testing.T) {
	t.Helper()
	if msg, err := l.sub.NextMsg(quiet); !errors.Is(err, nats.ErrTimeout) {
		t.Errorf("heard %v (%v), want silence", msg, err)
	}
}

func roots(scheme *pkitest.Scheme) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(scheme.Broker.CA.Certificate())
	return pool
}
