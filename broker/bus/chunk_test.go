package bus_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"comity/broker/bus"
	"comity/broker/relay"
	"comity/schemas"
)

// chunked is a world in which chunks of evidence are relayed too.
func chunked(t *testing.T, cfg relay.ChunkConfig) *world {
	t.Helper()
	w := newWorld(t, func(s *settings) { s.maxMessage = 512 << 10 }) // so that a chunk passes the server's own bound
	conn, err := w.bus.RelayConn()
	if err != nil {
		t.Fatal(err)
	}
	cfg.View = w.keeper.View
	chunks, err := relay.StartChunks(conn, w.bus, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(chunks.Close)
	return w
}

func chunkRoute(from, to schemas.AuthorityID) schemas.ChunkRoute {
	return schemas.ChunkRoute{From: from, To: to, Channel: channel, File: schemas.NewFileID(), Proof: make([]byte, 64)}
}

func chunk(t *testing.T, r schemas.ChunkRoute, body []byte) []byte {
	t.Helper()
	wire, err := schemas.EncodeChunk(r, body)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// hand submits a chunk and returns why it was refused, "" where it was taken.
func (c *client) hand(t *testing.T, to schemas.AuthorityID, wire []byte, headers ...string) schemas.RefusalReason {
	t.Helper()
	msg := nats.NewMsg("comity.chunk." + to.State().Lower() + "." + to.Name() + "." + string(channel))
	msg.Data = wire
	for i := 0; i+1 < len(headers); i += 2 {
		msg.Header.Set(headers[i], headers[i+1])
	}
	answer, err := c.conn.RequestMsg(msg, patience)
	if err != nil {
		t.Fatalf("submitting a chunk: %v", err)
	}
	if string(answer.Data) == "+" {
		return ""
	}
	reason, err := schemas.ParseRefusal(answer.Data)
	if err != nil {
		t.Fatalf("neither taken nor refused: %q", answer.Data)
	}
	return reason
}

// take gets one chunk of the client's own stream and acknowledges it; nil where there is none.
func (c *client) take(t *testing.T) *nats.Msg {
	t.Helper()
	msg := c.request(t, "CORE.API.CONSUMER.MSG.NEXT.chunks.desk", []byte(`{"batch":1,"no_wait":true}`))
	if msg.Header.Get("Status") != "" {
		return nil
	}
	if _, err := c.conn.Request(msg.Reply, []byte("+ACK"), patience); err != nil {
		t.Fatalf("acknowledging a chunk: %v", err)
	}
	return msg
}

// TestChunksAreJudged: what the relay takes of chunks, and why it refuses the others. Nothing that was refused reaches anybody.
func TestChunksAreJudged(t *testing.T) {
	w := chunked(t, relay.ChunkConfig{})
	h, v := w.connect(t, honest), w.connect(t, victim)
	attempt := func() string { return string(schemas.NewMessageID()) }
	good := chunk(t, chunkRoute(honest, victim), []byte("x"))
	for _, test := range []struct {
		name   string
		to     schemas.AuthorityID
		wire   []byte
		header []string
		want   schemas.RefusalReason
	}{
		{"nothing", victim, nil, []string{relay.AttemptHeader, attempt()}, schemas.RefusedMalformed},
		{"no chunk", victim, []byte("CMC1 but no head"), []string{relay.AttemptHeader, attempt()}, schemas.RefusedMalformed},
		{"a message", victim, sealed(t, route(honest, victim)).wire, []string{relay.AttemptHeader, attempt()}, schemas.RefusedMalformed},
		{"an unknown member in the head", victim, bytes.Replace(good, []byte(`"index"`), []byte(`"undex"`), 1), []string{relay.AttemptHeader, attempt()}, schemas.RefusedMalformed},
		{"nobody has asked for it", victim, good, nil, schemas.RefusedMalformed},
		{"asked for by no message", victim, good, []string{relay.AttemptHeader, "again"}, schemas.RefusedMalformed},
		{"another's name in the head", victim, chunk(t, chunkRoute(attacker, victim), []byte("x")), []string{relay.AttemptHeader, attempt()}, schemas.RefusedSenderMismatch},
		{"another recipient in the head", "QP/justice", good, []string{relay.AttemptHeader, attempt()}, schemas.RefusedRouteMismatch},
		{"a recipient that nobody knows", "QN/nobody", chunk(t, chunkRoute(honest, "QN/nobody"), []byte("x")), []string{relay.AttemptHeader, attempt()}, schemas.RefusedUnknownRecipient},
		{"its own State", attacker, chunk(t, chunkRoute(honest, attacker), []byte("x")), []string{relay.AttemptHeader, attempt()}, schemas.RefusedRouteNotInForce},
		{"too large", victim, make([]byte, schemas.MaxChunkWire+1), []string{relay.AttemptHeader, attempt()}, schemas.RefusedTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := h.hand(t, test.to, test.wire, test.header...); got != test.want {
				t.Errorf("refused as %q, want %q", got, test.want)
			}
		})
	}
	if msg := v.take(t); msg != nil {
		t.Errorf("a chunk that was refused arrived: %q", msg.Data)
	}
	t.Run("the largest, with commands to a stream", func(t *testing.T) {
		wire := chunk(t, chunkRoute(honest, victim), bytes.Repeat([]byte("y"), schemas.ChunkBytes))
		if got := h.hand(t, victim, wire, relay.AttemptHeader, attempt(), "Nats-Rollup", "all", "Nats-Expected-Stream", "other", "Nats-Msg-Id", "mine"); got != "" {
			t.Fatalf("refused as %q", got)
		}
		msg := v.take(t)
		if msg == nil || !bytes.Equal(msg.Data, wire) {
			t.Fatal("it did not arrive as it was sent")
		}
		for name, values := range msg.Header {
			if name != "Nats-Msg-Id" || slices.Contains(values, "mine") {
				t.Errorf("header %q went along: %q", name, values)
			}
		}
	})
	t.Run("the same for the same question", func(t *testing.T) {
		once, again := attempt(), attempt()
		for _, a := range []string{once, once, again} {
			if got := h.hand(t, victim, good, relay.AttemptHeader, a); got != "" {
				t.Fatalf("refused as %q", got)
			}
		}
		arrived := 0
		for v.take(t) != nil {
			arrived++
		}
		if arrived != 2 {
			t.Errorf("asked for twice, it arrived %d times", arrived)
		}
	})
}

// TestFullWindow: a recipient that takes nothing stops its sender, and nobody else.
func TestFullWindow(t *testing.T) {
	w := chunked(t, relay.ChunkConfig{})
	h, other, v := w.connect(t, honest), w.connect(t, "QP/justice"), w.connect(t, victim)
	send := func(c *client, from schemas.AuthorityID) schemas.RefusalReason {
		return c.hand(t, victim, chunk(t, chunkRoute(from, victim), []byte("x")), relay.AttemptHeader, string(schemas.NewMessageID()))
	}
	for n := range bus.ChunkWindow {
		if got := send(h, honest); got != "" {
			t.Fatalf("chunk %d of a window of %d was refused as %q", n+1, bus.ChunkWindow, got)
		}
	}
	if got := send(h, honest); got != schemas.RefusedQuota || !got.Temporary() {
		t.Errorf("beyond the window: %q, want %q and a hint to wait", got, schemas.RefusedQuota)
	}
	if got := send(other, "QP/justice"); got != "" {
		t.Errorf("another sender's window is full too: %q", got)
	}
	m := sealed(t, route(honest, victim))
	w.accepted(t, h, m) // no message waits for chunks
	w.drain(t, victim, 1)
	if v.take(t) == nil {
		t.Fatal("nothing arrived")
	}
	if got := send(h, honest); got != "" {
		t.Errorf("after one was taken: refused as %q", got)
	}
}

// TestQuotaOfChunks: a sender that goes beyond its quota waits, and nobody else.
func TestQuotaOfChunks(t *testing.T) {
	now := time.Now() // and stays: no quota comes back
	w := chunked(t, relay.ChunkConfig{
		Quota: relay.Quota{Messages: 1, MessageBurst: 2, Bytes: 1 << 20, ByteBurst: 1 << 20}, Now: func() time.Time { return now }})
	h, other := w.connect(t, honest), w.connect(t, "QP/justice")
	for n, want := range []schemas.RefusalReason{"", "", schemas.RefusedQuota} {
		if got := h.hand(t, victim, chunk(t, chunkRoute(honest, victim), []byte("x")), relay.AttemptHeader, string(schemas.NewMessageID())); got != want {
			t.Errorf("chunk %d: %q, want %q", n+1, got, want)
		}
	}
	if got := other.hand(t, victim, chunk(t, chunkRoute("QP/justice", victim), []byte("x")), relay.AttemptHeader, string(schemas.NewMessageID())); got != "" {
		t.Errorf("another sender was refused as %q", got)
	}
}
