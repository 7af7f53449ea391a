package broker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"comity/exposition"
	"comity/schemas"
)

func load(t *testing.T, text string) (Config, string, error) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "broker.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(path)
	return cfg, dir, err
}

func TestAnEmptyFileIsAConfiguration(t *testing.T) {
	cfg, dir, err := load(t, "")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Listen: "127.0.0.1:4222", Data: filepath.Join(dir, "data"), Trust: filepath.Join(dir, "trust"), Pin: filepath.Join(dir, "pin.json"),
		TLS:          KeyFiles{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")},
		Signing:      KeyFiles{filepath.Join(dir, "signing.crt"), filepath.Join(dir, "signing.key")},
		RefreshEvery: Duration(250 * time.Millisecond), Limits: Limits{MaxMessage: schemas.MaxSealed},
	}
	if cfg != want {
		t.Errorf("%+v\nwant %+v", cfg, want)
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	cfg, _, err := load(t, `
listen = "0.0.0.0:7422"
data = "/srv/data"
trust = "/srv/trust"
pin = "/etc/pin.json"
refresh_every = "1s"
connection_lifetime = "1h"
redeliver_after = "10s"
[tls]
certificate = "/etc/a.crt"
key = "/etc/a.key"
[signing]
certificate = "/etc/b.crt"
key = "/etc/b.key"
[metrics]
listen = "127.0.0.1:9465"
[limits]
max_message = 1
inbox_bytes = 2
replicas = 3
[limits.sender]
messages_per_second = 4
message_burst = 5
bytes_per_second = 6
byte_burst = 7
[limits.recipient]
messages_per_second = 8
message_burst = 9
bytes_per_second = 10
byte_burst = 11
`)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Listen: "0.0.0.0:7422", Data: "/srv/data", Trust: "/srv/trust", Pin: "/etc/pin.json",
		TLS: KeyFiles{"/etc/a.crt", "/etc/a.key"}, Signing: KeyFiles{"/etc/b.crt", "/etc/b.key"},
		RefreshEvery: Duration(time.Second), ConnectionLifetime: Duration(time.Hour), RedeliverAfter: Duration(10 * time.Second),
		Metrics: exposition.File{Listen: "127.0.0.1:9465"},
		Limits:  Limits{MaxMessage: 1, InboxBytes: 2, Replicas: 3, Sender: Quota{4, 5, 6, 7}, Recipient: Quota{8, 9, 10, 11}},
	}
	if cfg != want {
		t.Errorf("%+v\nwant %+v", cfg, want)
	}
}

func TestConfigurationThatIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":           {`lissten = "x"`, `unknown key ["lissten"]`},
		"unknown key in a part": {"[limits]\nmax = 1", "unknown key"},
		"not TOML":              {"listen = ", "reading the broker's configuration"},
		"not a duration":        {`refresh_every = "soon"`, "invalid duration"},
		"a duration of nothing": {`refresh_every = "0s"`, "positive"},
		"a negative duration":   {`redeliver_after = "-1s"`, "positive"},
		"of another kind":       {`listen = 4222`, "reading the broker's configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := load(t, c.text); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
