package relay

import (
	"crypto"
	"errors"
	"log/slog"
	"time"

	"comity/pki"
	"comity/schemas"
)

// Accounts is what the relay asks of the bus. It is called concurrently.
type Accounts interface {
	// Sender is the authority that holds the account.
	Sender(account string) (schemas.AuthorityID, bool)
	// Inbox is the subject of the authority's inbox stream.
	Inbox(to schemas.AuthorityID) (subject string, ok bool)
}

// Signer signs acceptances with the key that the trust list names for this broker.
type Signer struct {
	Key        crypto.Signer
	Thumbprint string
}

// Quota bounds what one authority may send, or be sent. Each is a token bucket: so many a second, and a burst.
type Quota struct {
	Messages, MessageBurst int
	Bytes, ByteBurst       int
}

// Config is what the relay needs. Zero values have the defaults named.
type Config struct {
	// MaxMessage is the largest sealed message in bytes.
	MaxMessage int
	// Sender bounds each sender: 200 messages and 16 MiB a second, bursts of 2,000 and 128 MiB.
	Sender Quota
	// Recipient bounds what each recipient is sent by all: 500 and 64 MiB, bursts of 5,000 and 256 MiB. The inbox's
	// size on disk is the backstop.
	Recipient Quota
	// Workers store messages at the same time. Default 32.
	Workers int
	// Waiting is how many messages may wait for a worker; WaitingBytes their size. Default 1,024 and 128 MiB.
	Waiting      int
	WaitingBytes int64
	// PerSender is how many of these may be one sender's. Default 256.
	PerSender int

	Signer Signer
	// View is the trust of the moment.
	View func() *pki.View
	Now  func() time.Time
	Log  *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Signer.Key == nil || c.View == nil || c.MaxMessage <= 0 {
		return c, errors.New("configuring the relay: a signing key, a view and a size limit are needed")
	}
	c.Sender = c.Sender.or(Quota{Messages: 200, MessageBurst: 2000, Bytes: 16 << 20, ByteBurst: 128 << 20})
	c.Recipient = c.Recipient.or(Quota{Messages: 500, MessageBurst: 5000, Bytes: 64 << 20, ByteBurst: 256 << 20})
	c.Workers = or(c.Workers, 32)
	c.Waiting = or(c.Waiting, 1024)
	c.WaitingBytes = or(c.WaitingBytes, 128<<20)
	c.PerSender = or(c.PerSender, 256)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func (q Quota) or(d Quota) Quota {
	return Quota{
		Messages: or(q.Messages, d.Messages), MessageBurst: or(q.MessageBurst, d.MessageBurst),
		Bytes: or(q.Bytes, d.Bytes), ByteBurst: or(q.ByteBurst, d.ByteBurst),
	}
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
