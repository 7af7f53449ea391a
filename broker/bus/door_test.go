package bus_test

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"comity/broker/relay"
	"comity/pki"
	"comity/pki/pkitest"
	"comity/schemas"
)

// TestWhoMayConnect: a certificate is refused either in the TLS handshake, which says why, or by the callout, which
// tells the client nothing and counts the reason.
func TestWhoMayConnect(t *testing.T) {
	w := newWorld(t)
	t.Run("control: the certificate that the directory lists", func(t *testing.T) {
		w.accepted(t, w.connect(t, honest), sealed(t, route(honest, victim)))
	})

	handshake := map[string]struct {
		certificate tls.Certificate
		want        string
	}{
		"no certificate":          {tls.Certificate{}, "certificate required"},
		"expired":                 {w.scheme.IssueRogue(t, honest, pkitest.RogueExpired), "expired certificate"},
		"not yet valid":           {w.scheme.IssueRogue(t, honest, pkitest.RogueNotYet), "expired certificate"}, // one alert for both
		"a CA that nobody listed": {w.scheme.IssueRogue(t, honest, pkitest.RogueUnknownCA), "unknown certificate authority"},
		"of another State's CA":   {w.scheme.IssueRogue(t, honest, pkitest.RogueOtherState), "bad certificate"}, // the CA's name constraint
		"a signing certificate":   {signingForTLS(w, honest), "bad certificate"},
	}
	for name, c := range handshake {
		t.Run(name, func(t *testing.T) {
			before := w.relay.Stats()
			_, err := w.dial(t, c.certificate)
			if err == nil {
				t.Fatal("connected")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if after := w.relay.Stats(); after.Accepted != before.Accepted {
				t.Error("something was accepted")
			}
		})
	}
	callout := map[string]struct {
		rogue pkitest.Rogue
		want  pki.Reason
	}{
		"an encryption certificate": {pkitest.RogueWrongUsage, pki.ReasonWrongUsage},
		"two URI names":             {pkitest.RogueTwoURIs, pki.ReasonURICount},
		"no URI name":               {pkitest.RogueNoURI, pki.ReasonURICount},
		"a host name beside":        {pkitest.RogueExtraDNS, pki.ReasonURICount},
		"not in the directory":      {pkitest.RogueUnlisted, pki.ReasonNotInDirectory},
		"the directory's signer":    {pkitest.RogueDirectoryID, pki.ReasonWrongUsage},
		"a sub-domain of a State":   {pkitest.RogueSubdomain, pki.ReasonWrongState},
	}
	for name, c := range callout {
		t.Run(name, func(t *testing.T) {
			before := w.bus.Refused()
			_, err := w.dial(t, w.scheme.IssueRogue(t, honest, c.rogue))
			if !errors.Is(err, nats.ErrAuthorization) {
				t.Fatalf("%v, want %v", err, nats.ErrAuthorization)
			}
			var counted []pki.Reason
			for reason, n := range w.bus.Refused() {
				if n > before[reason] {
					counted = append(counted, reason)
				}
			}
			if len(counted) != 1 || counted[0] != c.want {
				t.Errorf("counted %v, want %q", counted, c.want)
			}
		})
	}
	t.Run("TLS 1.2", func(t *testing.T) {
		_, err := w.dial(t, w.scheme.Authority(honest).TLS, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 })
		if err == nil || !strings.Contains(err.Error(), "protocol version not supported") {
			t.Errorf("%v, want a refused protocol version", err)
		}
	})
	t.Run("without TLS", func(t *testing.T) {
		_, err := nats.Connect(strings.Replace(w.url, "tls://", "nats://", 1), nats.Timeout(300*time.Millisecond), nats.NoReconnect())
		if err == nil {
			t.Error("connected in the clear")
		}
	})
	t.Run("a name and password beside the certificate change nothing", func(t *testing.T) {
		if _, err := nats.Connect(w.url, nats.Secure(&tls.Config{RootCAs: roots(w.scheme)}), nats.TLSHandshakeFirst(),
			nats.UserInfo("admin", "admin"), nats.NoReconnect()); err == nil || !strings.Contains(err.Error(), "certificate required") {
			t.Errorf("%v, want certificate required", err)
		}
	})
}

func signingForTLS(w *world, id schemas.AuthorityID) tls.Certificate {
	signing := w.scheme.Authority(id).Signing
	return tls.Certificate{Certificate: [][]byte{signing.Certificate.Raw}, PrivateKey: signing.Key}
}

// TestRevocation: the connection that a new CRL concerns is cut, at once, and stays out. Its neighbour's stays.
func TestRevocation(t *testing.T) {
	w := newWorld(t)
	cut, stays := w.connect(t, attacker), w.connect(t, honest)
	gone := cut.closed()
	w.scheme.Revoke(t, attacker.State(), w.scheme.Authority(attacker).TLS.Leaf, 1)
	w.scheme.Refresh(t, w.keeper)
	began := time.Now()
	if err := w.bus.Apply(t.Context(), w.keeper.View()); err != nil {
		t.Fatal(err)
	}
	wait(t, gone)
	took := time.Since(began)
	t.Logf("cut after %v", took)
	if took > time.Second {
		t.Errorf("cut after %v, want within a second", took)
	}
	if _, err := w.dial(t, w.scheme.Authority(attacker).TLS); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("connecting again: %v, want %v", err, nats.ErrAuthorization)
	}
	if n := w.bus.Refused()[pki.ReasonRevoked]; n != 1 {
		t.Errorf("turned away as revoked: %d, want 1", n)
	}
	w.accepted(t, stays, sealed(t, route(honest, victim)))
}

// TestAuthorityLeaves: an authority that its State takes out of the directory loses its connection and its route.
func TestAuthorityLeaves(t *testing.T) {
	w := newWorld(t)
	cut, stays := w.connect(t, "QN/border"), w.connect(t, honest)
	gone := cut.closed()
	w.scheme.EditEntry(t, "QN", func(rows []pki.Authority) {
		for i := range rows {
			if rows[i].ID == "QN/border" {
				rows[i].Kind, rows[i].Certificates = pki.KindNotConnected, pki.Certificates{}
			}
		}
	})
	w.refresh(t)
	wait(t, gone)
	if _, err := w.dial(t, w.scheme.Authority("QN/border").TLS); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("connecting again: %v, want %v", err, nats.ErrAuthorization)
	}
	w.refused(t, stays, sealed(t, route(honest, "QN/border")), schemas.RefusedUnknownRecipient)
}

// TestNewStateJoins without a restart, and without disturbing who is connected.
func TestNewStateJoins(t *testing.T) {
	w := &world{scheme: pkitest.NewScheme(t, time.Now, "QM", "QN", "QP"), dir: t.TempDir()}
	var err error
	if w.keeper, err = pki.OpenKeeper(t.TempDir(), w.scheme.Pin, time.Now); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.keeper.OfferTrustList(w.scheme.TrustList()), w.keeper.OfferEntry(w.scheme.Entry("QM"))); err != nil {
		t.Fatal(err)
	}
	w.start(t)
	c := w.connect(t, honest)
	w.refused(t, c, sealed(t, route(honest, "QP/justice")), schemas.RefusedUnknownRecipient)
	if _, err := w.dial(t, w.scheme.Authority("QP/justice").TLS); !errors.Is(err, nats.ErrAuthorization) {
		t.Fatalf("connecting too early: %v, want %v", err, nats.ErrAuthorization)
	}
	w.refresh(t)
	m := sealed(t, route(honest, "QP/justice"))
	w.accepted(t, c, m)
	if got := w.drain(t, "QP/justice", 1); string(got[0].Data) != string(m.wire) {
		t.Error("another message")
	}
}

func (c *client) closed() <-chan struct{} {
	gone := make(chan struct{})
	c.conn.SetClosedHandler(func(*nats.Conn) { close(gone) })
	return gone
}

func wait(t *testing.T, gone <-chan struct{}) {
	t.Helper()
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatal("the connection lives on")
	}
}

// TestQuota: the sender's and the recipient's refusal cannot be told apart.
func TestQuota(t *testing.T) {
	var answers []string
	for name, change := range map[string]func(*settings){
		"the sender's messages":    func(s *settings) { s.sender = relay.Quota{Messages: 1, MessageBurst: 2} },
		"the sender's bytes":       func(s *settings) { s.sender = relay.Quota{Bytes: 1, ByteBurst: 1800} },
		"the recipient's messages": func(s *settings) { s.recipient = relay.Quota{Messages: 1, MessageBurst: 2} },
		"the recipient's bytes":    func(s *settings) { s.recipient = relay.Quota{Bytes: 1, ByteBurst: 1800} },
		"the inbox":                func(s *settings) { s.inboxBytes = 2100 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, change)
			c := w.connect(t, honest)
			for range 2 {
				w.accepted(t, c, sealedSize(t, route(honest, victim), 200))
			}
			m := sealedSize(t, route(honest, victim), 200)
			w.refused(t, c, m, schemas.RefusedQuota)
			answers = append(answers, string(c.submit(t, m)))
			if name != "the inbox" && !strings.HasPrefix(name, "the sender") {
				w.accepted(t, c, sealedSize(t, route(honest, "QP/justice"), 200)) // another recipient has its own
			}
			w.drain(t, victim, 2)
		})
	}
	for _, answer := range answers {
		if answer != answers[0] {
			t.Errorf("%q and %q: whose quota it was shows", answer, answers[0])
		}
	}
}
