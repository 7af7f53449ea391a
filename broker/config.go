package broker

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pelletier/go-toml/v2"

	"comity/broker/relay"
	"comity/exposition"
	"comity/schemas"
)

// Config is what an operator writes in broker.toml. Relative paths are relative to that file. Unknown keys are
// refused.
type Config struct {
	// Listen is the host:port on which agents connect. Port 0 takes a free one. Default "127.0.0.1:4222".
	Listen string `toml:"listen"`
	// Data is the folder of the inboxes, the account keys and the last good trust documents. It must be on a disk
	// that keeps what fsync promised, and readable by the broker alone. Default "data".
	Data string `toml:"data"`
	// Trust is the folder in which the trust list, the directory and the CRLs are published: trust-list.json,
	// directory/<state>.jws, crl/<state>.crl. A change is in force within RefreshEvery. Default "trust".
	Trust string `toml:"trust"`
	// Pin is the file that names the scheme signers whose first trust list is believed. Default "pin.json".
	Pin string `toml:"pin"`
	// TLS is the server's certificate (with its chain) and key, PEM, under the CA that the trust list names for
	// this broker. Default tls.crt and tls.key.
	TLS KeyFiles `toml:"tls"`
	// Signing is the certificate and key with which acceptances are signed, as the trust list names it. Default
	// signing.crt and signing.key.
	Signing KeyFiles `toml:"signing"`
	// RefreshEvery is how often the trust folder is looked at. Default "250ms".
	RefreshEvery Duration `toml:"refresh_every"`
	// ConnectionLifetime is how long an agent's connection lives before its certificate is looked at afresh.
	// Default "15m".
	ConnectionLifetime Duration `toml:"connection_lifetime"`
	// RedeliverAfter is how long a delivered message may stay unacknowledged before it is delivered again: what a
	// message may wait for that an agent had in hand when it was killed. Default "5s".
	RedeliverAfter Duration `toml:"redeliver_after"`
	// Metrics is where the operator's Prometheus reads how the broker is doing. Without listen nobody can.
	Metrics exposition.File `toml:"metrics"`
	// Limits bound what agents may submit.
	Limits Limits `toml:"limits"`
}

// KeyFiles are the paths of a certificate and its private key.
type KeyFiles struct {
	Certificate string `toml:"certificate"`
	Key         string `toml:"key"`
}

// Limits are bounds in bytes, and rates in messages and bytes a second.
type Limits struct {
	// MaxMessage is the largest sealed message. Default 2097152 (2 MiB); less would refuse what
	// desks may seal.
	MaxMessage int `toml:"max_message"`
	// InboxBytes is reserved on disk for each authority's inbox; a full inbox refuses. Default 67108864 (64 MiB).
	InboxBytes int64 `toml:"inbox_bytes"`
	// Replicas of each inbox in a cluster. Default 1.
	Replicas int `toml:"replicas"`
	// Sender bounds each sender; Recipient what each recipient is sent by all together.
	Sender    Quota `toml:"sender"`
	Recipient Quota `toml:"recipient"`
	// Evidence bounds the chunks of evidence files of each sender.
	Evidence Quota `toml:"evidence"`
}

// Quota is a rate and a burst, for messages and for bytes. Zero takes the default of broker/relay.
type Quota struct {
	Messages     int `toml:"messages_per_second"`
	MessageBurst int `toml:"message_burst"`
	Bytes        int `toml:"bytes_per_second"`
	ByteBurst    int `toml:"byte_burst"`
}

// Duration is a time.Duration as Go writes it: "250ms", "15m".
type Duration time.Duration

// UnmarshalText parses a positive duration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	if v <= 0 {
		return errors.New("a duration must be positive")
	}
	*d = Duration(v)
	return nil
}

// MarshalText is the inverse.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// LoadConfig reads broker.toml.
func LoadConfig(path string) (Config, error) {
	var cfg Config
	raw, err := os.ReadFile(path)
	if err != nil {
		return cfg, fmt.Errorf("reading the broker's configuration: %w", err)
	}
	decoder := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields()
	if err := decoder.Decode(&cfg); err != nil {
		var unknown *toml.StrictMissingError
		if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
			return cfg, fmt.Errorf("reading the broker's configuration %q: unknown key %q", path, unknown.Errors[0].Key())
		}
		return cfg, fmt.Errorf("reading the broker's configuration %q: %w", path, err)
	}
	return cfg.under(filepath.Dir(path)), nil
}

// under sets the defaults and makes relative paths relative to dir.
func (c Config) under(dir string) Config {
	c = c.withDefaults()
	for _, p := range []*string{&c.Data, &c.Trust, &c.Pin, &c.TLS.Certificate, &c.TLS.Key, &c.Signing.Certificate, &c.Signing.Key} {
		if !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	return c
}

func (c Config) withDefaults() Config {
	or(&c.Listen, "127.0.0.1:4222")
	or(&c.Data, "data")
	or(&c.Trust, "trust")
	or(&c.Pin, "pin.json")
	or(&c.TLS.Certificate, "tls.crt")
	or(&c.TLS.Key, "tls.key")
	or(&c.Signing.Certificate, "signing.crt")
	or(&c.Signing.Key, "signing.key")
	or(&c.RefreshEvery, Duration(250*time.Millisecond))
	or(&c.Limits.MaxMessage, schemas.MaxSealed)
	return c
}

func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (q Quota) relay() relay.Quota {
	return relay.Quota{Messages: q.Messages, MessageBurst: q.MessageBurst, Bytes: q.Bytes, ByteBurst: q.ByteBurst}
}
