package bench

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"comity/agent/store"
	"comity/pki/jose"
	"comity/pki/keyfile"
	"comity/schemas"
)

// ceiling is what one part of the way of a message could do alone.
type ceiling struct {
	name, what string
	// one does the work of one message; as many as there are senders call it at the same time.
	one func(ctx context.Context) error
	// workers call it: senders where it waits for a disk, one for each CPU where it does not.
	workers int
	done    int
	took    spent
}

// ceilings are all of them, with what they hold.
type ceilings struct {
	list    []*ceiling
	closers []func() error
}

func newCeilings(dir string, o Options) (*ceilings, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := &ceilings{}
	for _, add := range []func(string, Options) (*ceiling, func() error, error){streamCeiling, cryptoCeiling, databaseCeiling} {
		one, end, err := add(dir, o)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.list, c.closers = append(c.list, one), append(c.closers, end)
	}
	return c, nil
}

func (c *ceilings) close() error {
	var errs []error
	for _, end := range c.closers {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

// measure adds a round for each ceiling. What was done in an earlier round counts too.
func (c *ceilings) measure(ctx context.Context, long time.Duration) error {
	for _, one := range c.list {
		if err := one.measure(ctx, long); err != nil {
			return fmt.Errorf("ceiling %s: %w", one.name, err)
		}
	}
	return nil
}

func (c *ceiling) measure(ctx context.Context, long time.Duration) error {
	var done atomic.Int64
	var group errgroup.Group
	begun, ended := time.Now(), stopwatch()
	for range c.workers {
		group.Go(func() error {
			for time.Since(begun) < long {
				if err := c.one(ctx); err != nil {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	c.done += int(done.Load())
	took := ended()
	c.took = spent{c.took.wall + took.wall, c.took.processor + took.processor}
	return err
}

// wireSize is about what a sealed payload of a size has: the payload is encoded twice, and padded.
func wireSize(size int) int { return base64.RawURLEncoding.EncodedLen(paddedSize(size)) + 700 }

func paddedSize(size int) int {
	return max(4096, base64.RawURLEncoding.EncodedLen(size)+700)
}

// cryptoCeiling signs, seals, opens and verifies a message and its receipt, in their forms on the wire.
func cryptoCeiling(_ string, o Options) (*ceiling, func() error, error) {
	signing, err := keyfile.Generate()
	if err != nil {
		return nil, nil, err
	}
	encryption, err := keyfile.Generate()
	if err != nil {
		return nil, nil, err
	}
	opening, err := encryption.ECDH()
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256([]byte("a certificate"))
	party := party{signing: signing, x5t: base64.RawURLEncoding.EncodeToString(sum[:]), sealing: &encryption.PublicKey, opening: opening}
	message, receipt := bytes.Repeat([]byte("x"), o.Size), bytes.Repeat([]byte("x"), 200)
	return &ceiling{
		name: "cryptography", what: "sign, seal, open and verify a message and its receipt, on every CPU", workers: runtime.GOMAXPROCS(0),
		one: func(context.Context) error { return errors.Join(party.roundTrip(message), party.roundTrip(receipt)) },
	}, func() error { return nil }, nil
}

// party has the keys of both sides.
type party struct {
	signing *ecdsa.PrivateKey
	x5t     string
	sealing *ecdsa.PublicKey
	opening *ecdh.PrivateKey
}

func (p party) roundTrip(payload []byte) error {
	jws, err := jose.Sign(p.signing, p.x5t, jose.TypMessage, nil, payload)
	if err != nil {
		return err
	}
	padded := append(jws, bytes.Repeat([]byte(" "), max(0, paddedSize(len(payload))-len(jws)))...)
	jwe, err := jose.Encrypt(p.sealing, jose.TypEnvelope, nil, padded)
	if err != nil {
		return err
	}
	sealed, err := jose.ParseEncrypted(jwe, jose.TypEnvelope)
	if err != nil {
		return err
	}
	opened, err := sealed.Decrypt(p.opening)
	if err != nil {
		return err
	}
	signed, err := jose.ParseSigned(bytes.TrimRight(opened, " "), jose.TypMessage)
	if err != nil {
		return err
	}
	_, err = signed.Verify(&p.signing.PublicKey)
	return err
}

// databaseCeiling commits one row with the payload, sealed as columns are, and synced; those that come together share a
// sync.
func databaseCeiling(dir string, o Options) (*ceiling, func() error, error) {
	key := filepath.Join(dir, "store.key")
	if err := store.WriteNewKey(key); err != nil {
		return nil, nil, err
	}
	columns, err := store.ReadColumns(key)
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(context.Background(), filepath.Join(dir, "ceiling.db"), columns)
	if err != nil {
		return nil, nil, err
	}
	payload := bytes.Repeat([]byte("x"), o.Size)
	return &ceiling{
		name: "database", what: "SQLite group commit: one message row each, synced", workers: o.Senders,
		one: func(ctx context.Context) error {
			m := &store.Message{
				Key: store.Key{Sender: sender, ID: schemas.NewMessageID()}, Recipient: recipient, Direction: store.Out, State: store.InReview,
				Channel: schemas.ChannelMLA, Type: "mla.request/1", Urgency: string(schemas.Routine), Payload: payload,
			}
			return s.Update(ctx, func(tx *store.Tx) error { return tx.PutMessage(m) })
		},
	}, s.Close, nil
}
