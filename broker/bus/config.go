package bus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"comity/schemas"
)

// Config is what the bus needs. Zero values that have a default say so.
type Config struct {
	// Dir holds the account registry and the streams. It must be on a disk that keeps what fsync promised.
	Dir string
	// Listen is host:port. Port 0 takes a free one. Default 127.0.0.1:0.
	Listen string
	// Certificate is the server's, under the broker's own CA that the trust list names.
	Certificate tls.Certificate
	// MaxMessage is the largest sealed message in bytes. The wire takes twice as much, so that what is somewhat too
	// large gets a clear refusal from the relay and not a cut connection. Default schemas.MaxSealed.
	MaxMessage int
	// InboxBytes is reserved on disk for each inbox. Default 64 MiB.
	InboxBytes int64
	// Replicas of each inbox stream. Default 1; a cluster takes 3.
	Replicas int
	// AckWait is how long a delivered message may stay unacknowledged before it is delivered again. Default 5 s.
	AckWait time.Duration
	// UserLifetime is how long one connection lives before its certificate is looked at afresh. Default 15 min.
	UserLifetime time.Duration
	// Now is the clock by which certificates are judged. Default time.Now.
	Now func() time.Time
	// Log receives the server's own warnings and errors. Default: discarded.
	Log *slog.Logger
}

// endpoint is Config.Listen, parsed.
type endpoint struct {
	host string
	port int
}

func (c Config) withDefaults() (Config, endpoint, error) {
	if c.Dir == "" || len(c.Certificate.Certificate) == 0 {
		return c, endpoint{}, errors.New("configuring the bus: a data directory and a server certificate are needed")
	}
	setDefault(&c.Listen, "127.0.0.1:0")
	setDefault(&c.MaxMessage, schemas.MaxSealed)
	setDefault(&c.InboxBytes, 64<<20)
	setDefault(&c.Replicas, 1)
	setDefault(&c.AckWait, 5*time.Second)
	setDefault(&c.UserLifetime, 15*time.Minute)
	setDefault(&c.Log, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	host, portText, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return c, endpoint{}, fmt.Errorf("configuring the bus: listen address %q: %w", c.Listen, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < 0 || port > 65535 {
		return c, endpoint{}, fmt.Errorf("configuring the bus: listen address %q: port is not a number up to 65535", c.Listen)
	}
	return c, endpoint{host, port}, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
