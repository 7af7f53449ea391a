package main

import (
	"context"
	"crypto"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/broker"
	"comity/cmd/comity/sandbox"
	"comity/pki/jose"
	"comity/schemas"
)

// newWiredMatrix is a matrix in which the agent of QM reaches the broker through a wire.
func newWiredMatrix(t *testing.T) (*matrix, *wire) {
	t.Helper()
	var line *wire
	w := newWorldOf(t, "justice", func(s *sandbox.Sandbox) {
		config, err := broker.LoadConfig(s.BrokerConfig())
		if err != nil {
			t.Fatal(err)
		}
		line = newWire(t, config.Listen)
		edit(t, s.BrokerConfig(), "", "redeliver_after = \"500ms\"\n")
		edit(t, s.AgentConfig("QM/justice"), "tls://"+config.Listen, "tls://"+line.address())
		edit(t, s.AgentConfig("QM/justice"), "[[people]]", "[timing]\nlink_alarm = \"1s\"\n\n[[people]]")
	})
	return &matrix{world: w, outcomes: map[string]string{}}, line
}

// called notes what a fault is called, for the table at the end.
func (m *matrix) called(fault, name string) {
	m.names = append(m.names, fmt.Sprintf("%-40s %s", fault, name))
}

func (m *matrix) printNames() {
	m.t.Helper()
	m.t.Logf("%d faults, and what each is called:\n%s", len(m.names), strings.Join(m.names, "\n"))
}

// allFaults tells whether those are played that only wait.
func allFaults() bool { return os.Getenv(fullRun) != "" || os.Getenv("COMITY_REQUIRE") != "" }

// wantNamed waits until the agent of QM has given what happens its name: an alarm, a notice, or a check of doctor's that
// fails.
func (m *matrix) wantNamed(name string) {
	m.t.Helper()
	officer := m.client(m.qm, sandbox.Officer1)
	m.until("naming it "+name, func(ctx context.Context) error {
		h, err := officer.Health(ctx)
		if err != nil {
			return err
		}
		var all []string
		for _, a := range h.Alarms {
			all = append(all, strings.TrimSpace(a.Kind+" "+a.Subject), a.Kind)
		}
		for _, n := range h.Noticed {
			all = append(all, n.Kind)
		}
		for _, c := range h.Checks {
			if !c.OK {
				all = append(all, "doctor "+c.Name)
			}
		}
		for _, one := range all {
			if one == name {
				return nil
			}
		}
		return fmt.Errorf("it is named %q", all)
	})
}

// TestTheNetwork plays what networks do to a real agent and a real broker. Each is named to a person, and afterwards both
// sides have the same, once.
func TestTheNetwork(t *testing.T) {
	t.Parallel()
	m, line := newWiredMatrix(t)
	m.deliver(m.qm, m.request(), nil, sandbox.Officer1)

	// Cut: what is approved waits unsealed, and leaves when the line is back.
	line.set(cuts)
	m.wantNamed("doctor broker")
	waits := m.approved(m.qm, m.request())
	m.wantNamed("broker-unreachable")
	m.called("the line is cut", "doctor broker, broker-unreachable")
	came := line.attempts()
	<-time.After(time.Second) // a storm of attempts would show
	if more := line.attempts() - came; more > 10 {
		t.Errorf("the agent tried to connect %d times in a second", more)
	}
	line.set(passes)
	m.awaitDelivery(waits)

	// Slow: nothing is lost, it only takes longer.
	line.set(crawls)
	m.deliver(m.qm, m.request(), nil, sandbox.Officer1)
	line.set(passes)
	m.called("the line is slow", "nothing: it takes longer")

	// A storm: the line comes and goes.
	for range 10 {
		line.set(cuts)
		<-time.After(20 * time.Millisecond)
		line.set(passes)
		<-time.After(80 * time.Millisecond)
		m.sent = append(m.sent, m.approved(m.qm, m.request()))
	}
	m.called("the line comes and goes ten times", "doctor broker, while it is away")

	// Half open: the connection stands and carries nothing.
	if allFaults() { // a submission waits 15 seconds for its answer
		m.deliver(m.qm, m.request(), nil, sandbox.Officer1) // the storm is over: the connection stands
		line.set(halfOpen)
		waits := m.approved(m.qm, m.request()) // after that, or it could be accepted before
		m.wantNamed("no-acceptance")
		m.called("the line is half open", "no-acceptance")
		line.set(passes)
		m.awaitDelivery(waits)
	}
	m.printNames()
	m.wantSame()
	m.settle()
	m.verifyStores()
}

// TestABrokerThatLiesOnTheLine has a real broker's acceptances changed inside the encryption, as its operator could.
func TestABrokerThatLiesOnTheLine(t *testing.T) {
	t.Parallel()
	m, line := newWiredMatrix(t)
	brokerHome := filepath.Dir(m.sandbox.BrokerConfig())
	pair := func(name string) tls.Certificate {
		t.Helper()
		found, err := tls.LoadX509KeyPair(filepath.Join(brokerHome, name+".crt"), filepath.Join(brokerHome, name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	signing := pair("signing")
	_, own := m.keys(m.qm)
	line.mu.Lock()
	line.server = &tls.Config{Certificates: []tls.Certificate{pair("tls")}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS13}
	line.client = &tls.Config{Certificates: []tls.Certificate{own.TLS}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13} // the test's own broker
	line.mu.Unlock()
	line.set(cuts) // what stands was joined outside the encryption
	line.set(passes)
	m.deliver(m.qm, m.request(), nil, sandbox.Officer1)

	signed := func(by tls.Certificate, change func(*schemas.Acceptance)) func([]byte) []byte {
		return acceptances(func(said schemas.Acceptance) []byte {
			change(&said)
			body, err := json.Marshal(said)
			if err != nil {
				t.Error(err)
			}
			lie, err := jose.Sign(by.PrivateKey.(crypto.Signer), jose.Thumbprint(by.Leaf), jose.TypAcceptance, nil, body)
			if err != nil {
				t.Error(err)
			}
			return lie
		})
	}
	for _, lie := range []struct {
		what string
		says func([]byte) []byte
		name string
	}{
		{"accepts other bytes", signed(signing, func(a *schemas.Acceptance) { a.SHA256 = strings.Repeat("0", 64) }), "acceptance-wrong other-submission"},
		{"accepts in another's name", signed(own.TLS, func(*schemas.Acceptance) {}), "acceptance-wrong unknown-broker"},
		{"accepts without a signature", acceptances(func(schemas.Acceptance) []byte { return []byte("accepted") }), "acceptance-wrong malformed"},
		{"says another time", signed(signing, func(a *schemas.Acceptance) { a.AcceptedAt = a.AcceptedAt.Add(-3 * time.Hour) }), "doctor clock"},
	} {
		line.lie(lie.says)
		id := m.approved(m.qm, m.request())
		m.wantNamed(lie.name)
		line.lie(nil)
		m.awaitDelivery(id)
		m.called(lie.what, lie.name)
	}
	m.printNames()
	m.wantSame()
	m.settle()
	m.verifyStores()
}

// acceptances changes what is an acceptance, and passes on all else.
func acceptances(change func(schemas.Acceptance) []byte) func([]byte) []byte {
	return func(payload []byte) []byte {
		if _, err := jose.ParseSigned(payload, jose.TypAcceptance); err != nil {
			return payload
		}
		body, err := base64.RawURLEncoding.DecodeString(strings.Split(string(payload), ".")[1])
		var said schemas.Acceptance
		if err := errors.Join(err, json.Unmarshal(body, &said)); err != nil {
			return payload
		}
		return change(said)
	}
}

// approved writes a letter and has it approved, and does not wait for more.
func (m *matrix) approved(from schemas.AuthorityID, draft []byte) schemas.MessageID {
	m.t.Helper()
	made := m.draft(from, draft)
	approver := m.client(from, sandbox.Approver)
	m.until("approving", func(ctx context.Context) error {
		now, err := approver.Message(ctx, string(made.ID))
		if err == nil && now.State == "in-review" {
			_, err = approver.Approve(ctx, made.ID, now.SHA256)
		}
		return err
	})
	return made.ID
}

// awaitDelivery waits for the receipt of a letter of QM's.
func (m *matrix) awaitDelivery(id schemas.MessageID) {
	m.t.Helper()
	officer := m.client(m.qm, sandbox.Officer1)
	m.until("awaiting the receipt", func(ctx context.Context) error {
		now, err := officer.Message(ctx, string(id))
		if err == nil && now.State != "delivered" {
			err = fmt.Errorf("message %s is %s", id, now.State)
		}
		return err
	})
	m.sent = append(m.sent, id)
}
