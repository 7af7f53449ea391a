package bus

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"comity/pki"
	"comity/schemas"
)

// door is the auth callout: it maps a verified client certificate to an account, remembers whom it let in by which
// certificate, and puts out whom a newer view no longer proves.
type door struct {
	cfg      Config
	registry *registry
	account  *jwt.AccountClaims // AUTH
	key      nkeys.KeyPair      // the callout's user
	sentinel string

	// Set by open, before the first question can come.
	clients  clients
	serverID string
	conn     *nats.Conn

	// mu makes "judge by the current view, and enter in sessions" one step. A connection is judged either before a
	// new view comes, and then enforce finds it, or after it, and then by the new view.
	mu       sync.Mutex
	current  *pki.View
	sessions map[uint64]session // by the server's client id, which is never used twice
	sweepAt  int                // number of sessions at which the dead ones are swept
	refused  map[pki.Reason]uint64
}

// clients are the server's connections, by its own numbers.
type clients interface {
	cut(client uint64)
	gone(client uint64) bool
}

// session is one connection that was let in.
type session struct {
	chains [][]*x509.Certificate
	of     schemas.AuthorityID
}

const firstSweep = 256

func newDoor(cfg Config, accounts *registry, view *pki.View) (*door, error) {
	d := &door{
		cfg: cfg, registry: accounts, current: view,
		sessions: make(map[uint64]session), sweepAt: firstSweep, refused: make(map[pki.Reason]uint64),
	}
	auth, err := publicKey(accounts.house.auth)
	if err != nil {
		return nil, err
	}
	if d.key, err = nkeys.CreateUser(); err != nil {
		return nil, fmt.Errorf("creating the callout's key: %w", err)
	}
	callout, err := publicKey(d.key)
	if err != nil {
		return nil, err
	}
	d.account = jwt.NewAccountClaims(auth)
	d.account.Name = "AUTH"
	d.account.EnableExternalAuthorization(callout)
	d.account.Authorization.AllowedAccounts.Add(jwt.AnyAccount)
	sentinel, err := sentinelClaims()
	if err != nil {
		return nil, err
	}
	if d.sentinel, err = sentinel.Encode(accounts.house.auth); err != nil {
		return nil, fmt.Errorf("encoding the sentinel: %w", err)
	}
	return d, nil
}

// calloutUser hears the server's questions and answers them.
func (d *door) user() inProcess {
	return inProcess{name: "callout", key: d.key, pub: []string{"$SYS._INBOX.>"}, sub: []string{server.AuthCalloutSubject}}
}

// open begins to answer. The queue group lets every node of a cluster run a callout of its own.
func (d *door) open(conn *nats.Conn, serverID string, all clients) error {
	d.conn, d.serverID, d.clients = conn, serverID, all
	if _, err := conn.QueueSubscribe(server.AuthCalloutSubject, "callout", d.answer); err != nil {
		return fmt.Errorf("subscribing the auth callout: %w", err)
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("subscribing the auth callout: %w", err)
	}
	return nil
}

func (d *door) close() {
	if d.conn != nil {
		d.conn.Close()
	}
}

func (d *door) view() *pki.View {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current
}

// answer never says to the client why it was refused: the server sends "authorization violation" for every reason.
func (d *door) answer(msg *nats.Msg) {
	request, err := jwt.DecodeAuthorizationRequestClaims(string(msg.Data))
	if err != nil || request.Issuer != d.serverID {
		d.cfg.Log.Error("auth callout: a request that is not from this server")
		return // unanswered, it is refused
	}
	response := jwt.NewAuthorizationResponseClaims(request.UserNkey)
	response.Audience = request.Server.ID
	response.Jwt, err = d.admit(request)
	if err != nil {
		response.Error = err.Error()
		d.cfg.Log.Warn("connection refused", "reason", pki.ReasonOf(err), "host", request.ClientInformation.Host)
	}
	token, err := response.Encode(d.registry.house.auth)
	if err == nil {
		err = msg.Respond([]byte(token))
	}
	if err != nil {
		d.cfg.Log.Error("auth callout: answering", "err", err)
	}
}

// admit makes the user of one connection.
func (d *door) admit(request *jwt.AuthorizationRequestClaims) (string, error) {
	chains, err := verifiedChains(request.TLS)
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.cfg.Now()
	proof, err := d.current.VerifyClient(chains, now)
	if err != nil {
		d.refused[pki.ReasonOf(err)]++
		return "", err
	}
	a, ok := d.registry.authority(proof.Authority())
	if !ok {
		d.refused[pki.ReasonUnknownAuthority]++
		return "", fmt.Errorf("admitting %s: no account", proof.Authority())
	}
	lifetime := min(d.cfg.UserLifetime, proof.Certificate().NotAfter.Sub(now))
	// The server judges this by its own clock, not by cfg.Now.
	token, err := agentClaims(a, request.UserNkey, time.Now().Add(lifetime)).Encode(a.seed)
	if err != nil {
		return "", fmt.Errorf("encoding a user of %s: %w", proof.Authority(), err)
	}
	if len(d.sessions) >= d.sweepAt {
		d.sweep()
		d.sweepAt = max(firstSweep, 2*len(d.sessions))
	}
	d.sessions[request.ClientInformation.ID] = session{chains: chains, of: proof.Authority()}
	return token, nil
}

// enforce puts view in force and cuts every session that it does not prove.
func (d *door) enforce(view *pki.View) {
	d.mu.Lock()
	d.current = view
	now := d.cfg.Now()
	var out []uint64
	for client, s := range d.sessions {
		if _, err := d.current.VerifyClient(s.chains, now); err != nil {
			out = append(out, client)
			delete(d.sessions, client)
			d.cfg.Log.Warn("connection cut", "reason", pki.ReasonOf(err))
		}
	}
	d.mu.Unlock()
	for _, client := range out {
		d.clients.cut(client)
	}
}

// live is how many agents have a session that has not ended. An agent has two: chunks of evidence have their own.
func (d *door) live() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep()
	agents := map[schemas.AuthorityID]bool{}
	for _, one := range d.sessions {
		agents[one.of] = true
	}
	return len(agents)
}

// sweep forgets the sessions that ended. The caller holds mu.
func (d *door) sweep() {
	for client := range d.sessions {
		if d.clients.gone(client) {
			delete(d.sessions, client)
		}
	}
}

func (d *door) counts() map[pki.Reason]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.refused)
}

// verifiedChains reads what the TLS handshake verified. The certificates that a client merely sent stand in another
// member, which is never read.
func verifiedChains(tls *jwt.ClientTLS) ([][]*x509.Certificate, error) {
	if tls == nil {
		return nil, nil
	}
	var chains [][]*x509.Certificate
	for _, encoded := range tls.VerifiedChains {
		var chain []*x509.Certificate
		for _, text := range encoded {
			block, _ := pem.Decode([]byte(text))
			if block == nil {
				return nil, errors.New("reading the verified chains: not PEM")
			}
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("reading the verified chains: %w", err)
			}
			chain = append(chain, cert)
		}
		chains = append(chains, chain)
	}
	return chains, nil
}
