package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// streamCeiling is a bare NATS server with one stream that syncs each message, one publisher and one consumer, on
// connections inside the process and without TLS: a message is done when it is stored, delivered and acknowledged.
func streamCeiling(dir string, o Options) (*ceiling, func() error, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "ceiling", DontListen: true, NoSigs: true, NoLog: true, MaxPayload: 8 << 20,
		JetStream: true, StoreDir: filepath.Join(dir, "streams"), SyncAlways: true,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("configuring a NATS server: %w", err)
	}
	s.Start()
	b := &bareStream{server: s, wire: bytes.Repeat([]byte("x"), wireSize(o.Size)), arrived: map[string]chan struct{}{}}
	if err := b.open(); err != nil {
		return nil, nil, errors.Join(err, b.close())
	}
	return &ceiling{
		name: "stream", what: "JetStream, synced: publish, deliver and acknowledge one sealed message", workers: o.Senders, one: b.one,
	}, b.close, nil
}

type bareStream struct {
	server *server.Server
	wire   []byte
	conns  []*nats.Conn
	js     jetstream.JetStream // the publisher's
	stop   func()

	mu      sync.Mutex
	arrived map[string]chan struct{} // by id, until it is acknowledged
}

const bareSubject = "bare"

func (b *bareStream) open() error {
	if !b.server.ReadyForConnections(startTimeout) {
		return errors.New("starting a NATS server: not ready")
	}
	for range 2 {
		conn, err := nats.Connect("", nats.InProcessServer(b.server))
		if err != nil {
			return fmt.Errorf("connecting to a NATS server: %w", err)
		}
		b.conns = append(b.conns, conn)
	}
	var err error
	if b.js, err = jetstream.New(b.conns[0]); err != nil {
		return err
	}
	receiver, err := jetstream.New(b.conns[1])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	stream, err := receiver.CreateStream(ctx, jetstream.StreamConfig{
		Name: bareSubject, Subjects: []string{bareSubject}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
	})
	if err != nil {
		return fmt.Errorf("creating a stream: %w", err)
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: bareSubject, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxAckPending: MaxSenders, MemoryStorage: true,
	})
	if err != nil {
		return fmt.Errorf("creating a consumer: %w", err)
	}
	consuming, err := consumer.Consume(b.take)
	if err != nil {
		return fmt.Errorf("consuming: %w", err)
	}
	b.stop = consuming.Stop
	return nil
}

// take acknowledges a message and tells its sender.
func (b *bareStream) take(msg jetstream.Msg) {
	if msg.Ack() != nil {
		return // the connection is gone: so is the measurement
	}
	id := msg.Headers().Get(jetstream.MsgIDHeader)
	b.mu.Lock()
	defer b.mu.Unlock()
	if told := b.arrived[id]; told != nil {
		close(told)
		delete(b.arrived, id)
	}
}

func (b *bareStream) one(ctx context.Context) error {
	id, told := nats.NewInbox(), make(chan struct{})
	b.mu.Lock()
	b.arrived[id] = told
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, deliveryLimit)
	defer cancel()
	if _, err := b.js.Publish(ctx, bareSubject, b.wire, jetstream.WithMsgID(id)); err != nil {
		return err
	}
	select {
	case <-told:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *bareStream) close() error {
	if b.stop != nil {
		b.stop()
	}
	for _, conn := range b.conns {
		conn.Close()
	}
	b.server.Shutdown()
	b.server.WaitForShutdown()
	return nil
}
