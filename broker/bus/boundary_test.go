package bus

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"comity/pki/pkitest"
	"comity/schemas"
)

// TestTheAccountIsTheBoundary: the users that the callout makes have narrow permissions, and the attack tests of
// package broker meet those first. Here the intruder has none at all: a user of its account that may name anything,
// as no agent ever gets it. Still nothing of another account's is within reach, because the account is the boundary
// and the permissions are only the second lock.
func TestTheAccountIsTheBoundary(t *testing.T) {
	b := startBus(t)
	intruder, victim := accountOf(t, b, "QM/border"), accountOf(t, b, "QN/justice")
	conn := open(t, b, intruder)
	store(t, b, victim, "a message")
	inbox, err := b.js.Stream(t.Context(), victim.Stream)
	if err != nil {
		t.Fatal(err)
	}
	own := victim.Stream + "." + string(victim.Key)

	t.Run("control: its own consumer", func(t *testing.T) {
		store(t, b, intruder, "for the intruder")
		msg, err := conn.Request(aliasNext, []byte(`{"batch":1,"expires":3000000000}`), 3*time.Second)
		if err != nil || string(msg.Data) != "for the intruder" {
			t.Fatalf("%v, %v", msg, err)
		}
	})
	for name, subject := range map[string]string{
		"another's ingress":      ingressPrefix + "." + string(victim.Key) + ".qp.justice.mla",
		"its inbox":              inboxPrefix + "." + string(victim.Key),
		"next":                   apiNext + "." + own,
		"next by the alias":      aliasPrefix + ".CONSUMER.MSG.NEXT." + own,
		"info":                   apiInfo + "." + own,
		"another's chunks":       chunksIngress + "." + string(victim.Key) + ".qp.justice.mla",
		"its chunks":             chunksPrefix + "." + string(victim.Key) + "." + string(intruder.Key),
		"next chunk":             apiNext + "." + victim.chunks() + "." + string(victim.Key),
		"info of chunks":         apiInfo + "." + victim.chunks() + "." + string(victim.Key),
		"acknowledging a chunk":  apiAck + "." + victim.chunks() + "." + string(victim.Key) + ".1.1.1.1.0",
		"acknowledging":          apiAck + "." + own + ".1.1.1.1.0",
		"terminating a delivery": apiAck + "." + own + ".1.1.1.1.0",
		"creating a consumer":    "$JS.API.CONSUMER.CREATE." + victim.Stream,
		"deleting its consumer":  "$JS.API.CONSUMER.DELETE." + own,
		"stream info":            "$JS.API.STREAM.INFO." + victim.Stream,
		"purge":                  "$JS.API.STREAM.PURGE." + victim.Stream,
		"deleting the stream":    "$JS.API.STREAM.DELETE." + victim.Stream,
		"message get":            "$JS.API.STREAM.MSG.GET." + victim.Stream,
		"direct get":             "$JS.API.DIRECT.GET." + victim.Stream + "." + inboxPrefix + "." + string(victim.Key),
		"creating a stream":      "$JS.API.STREAM.CREATE.mine",
	} {
		t.Run(name, func(t *testing.T) {
			msg, err := conn.Request(subject, []byte(`{}`), time.Second)
			if errors.Is(err, nats.ErrNoResponders) {
				return
			}
			// The server answers its API in every account: that this one has no JetStream.
			if err != nil || !strings.Contains(string(msg.Data), `"err_code":10039`) {
				t.Errorf("answered %v, %v; want no responder, or JetStream not enabled for this account", msg, err)
			}
		})
	}
	t.Run("listening to everything", func(t *testing.T) {
		all, err := conn.SubscribeSync(">")
		if err != nil {
			t.Fatal(err)
		}
		store(t, b, victim, "another message")
		other := open(t, b, victim)
		if _, err := other.Request(aliasNext, []byte(`{"batch":1}`), 3*time.Second); err != nil {
			t.Fatal(err)
		}
		for {
			msg, err := all.NextMsg(100 * time.Millisecond)
			if errors.Is(err, nats.ErrTimeout) {
				return
			}
			// The server audits in each account what that account itself asked of the API, such as the requests above, and
			// may be late with it.
			if err != nil || msg.Subject != "$JS.EVENT.ADVISORY.API" || !strings.Contains(string(msg.Data), `"acc":"`+string(intruder.Key)+`"`) {
				t.Fatalf("heard %v, %v", msg, err)
			}
		}
	})
	info, err := inbox.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs != 2 || info.State.Consumers != 1 {
		t.Errorf("the victim's inbox has %d messages and %d consumers, want 2 and 1", info.State.Msgs, info.State.Consumers)
	}
}

// TestForeignTokenIsRefused: were the broker ever to sign an account that imports another's names, the account token
// position of the exports would still refuse it.
func TestForeignTokenIsRefused(t *testing.T) {
	b := startBus(t)
	intruder, victim := accountOf(t, b, "QM/border"), accountOf(t, b, "QN/justice")
	claims := authorityClaims(victim, b.core)
	claims.Subject, claims.Name = string(intruder.Key), string(intruder.Authority)
	token, err := claims.Encode(b.registry.house.operator)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.resolver.Store(string(intruder.Key), token); err != nil {
		t.Fatal(err)
	}
	conn := open(t, b, intruder)
	for _, subject := range []string{aliasNext, aliasInfo, apiAck + "." + victim.Stream + "." + string(victim.Key) + ".1.1.1.1.0", submitPrefix + ".qn.justice.mla",
		aliasChunksNext, aliasChunksInfo, chunkPrefix + ".qn.justice.mla"} {
		if msg, err := conn.Request(subject, nil, time.Second); !errors.Is(err, nats.ErrNoResponders) {
			t.Errorf("%s: %v, %v; want no responders", subject, msg, err)
		}
	}
}

// TestSharedAccountWouldNotDo shows on this very server why each authority has an account of its own (nats-server issue
// 8274): in one shared account a user's subject permissions bind the subjects that it publishes to, and not the reply
// that it asks for. The attack tests show the same attempts coming to nothing between accounts.
func TestSharedAccountWouldNotDo(t *testing.T) {
	b := startBus(t)
	if _, err := b.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "shared", Subjects: []string{"shared.in"}, Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
	intruder, err := b.connect(b.registry.house.core, inProcess{name: "intruder", pub: []string{"shared.in"}, sub: []string{"nothing"}})
	if err != nil {
		t.Fatal(err)
	}
	defer intruder.Close()
	victim, err := b.admin.SubscribeSync("shared.victim")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.admin.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := intruder.PublishRequest("shared.in", "shared.victim", []byte("x")); err != nil {
		t.Fatal(err)
	}
	msg, err := victim.NextMsg(3 * time.Second)
	if err != nil {
		t.Fatalf("%v: if NATS has come to check replies, the reason for the accounts is to be looked at again", err)
	}
	if !strings.Contains(string(msg.Data), `"stream":"shared"`) {
		t.Errorf("%s, want the acknowledgement under the forged subject", msg.Data)
	}
}

// TestPullsLeaveNothingBehind: each pull makes a reply mapping in the exporting account. They must go with the pulls,
// or a broker would grow with every message.
func TestPullsLeaveNothingBehind(t *testing.T) {
	b := startBus(t)
	a := accountOf(t, b, "QN/justice")
	conn := open(t, b, a)
	core, err := b.server.LookupAccount(b.core)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		store(t, b, a, "x")
		sub, err := conn.SubscribeSync(conn.NewInbox())
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.PublishRequest(aliasNext, sub.Subject, []byte(`{"batch":1,"expires":3000000000}`)); err != nil {
			t.Fatal(err)
		}
		msg, err := sub.NextMsg(3 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Request(msg.Reply, []byte("+ACK"), 3*time.Second); err != nil {
			t.Fatal(err)
		}
		if err := sub.Unsubscribe(); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	if n := core.NumPendingAllResponses(); n > 10 {
		t.Errorf("%d reply mappings are left of 200 pulls", n)
	}
}

func startBus(t *testing.T) *Bus {
	t.Helper()
	scheme := pkitest.NewScheme(t, time.Now, "QM", "QN")
	b, err := Start(t.Context(), Config{Dir: t.TempDir(), Certificate: scheme.Broker.TLS, InboxBytes: 1 << 20}, scheme.Keeper(t).View())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func accountOf(t *testing.T, b *Bus, id schemas.AuthorityID) *account {
	t.Helper()
	a, ok := b.registry.authority(id)
	if !ok {
		t.Fatalf("%s has no account", id)
	}
	return a
}

// open connects a user that may name everything in the account.
func open(t *testing.T, b *Bus, a *account) *nats.Conn {
	t.Helper()
	conn, err := b.connect(a.seed, inProcess{name: "intruder"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func store(t *testing.T, b *Bus, a *account, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := b.js.Publish(ctx, inboxPrefix+"."+string(a.Key), []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// TestEveryWriteIsSynced: kill -9 cannot show it, because the system's cache outlives the process, and a power cut is not
// to be had in a test. So the server's own account of itself is asked.
func TestEveryWriteIsSynced(t *testing.T) {
	b := startBus(t)
	if config := b.server.JetStreamConfig(); config == nil || !config.SyncAlways {
		t.Errorf("the streams are configured as %+v: what was acknowledged would not survive a power cut", config)
	}
	inbox, err := b.js.Stream(t.Context(), accountOf(t, b, "QN/justice").Stream)
	if err != nil {
		t.Fatal(err)
	}
	if storage := inbox.CachedInfo().Config.Storage; storage != jetstream.FileStorage {
		t.Errorf("an inbox is kept in %s", storage)
	}
}
