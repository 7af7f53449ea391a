package agent

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"comity/agent/account"
	"comity/agent/deadline"
	"comity/agent/evidence"
	"comity/agent/notify"
	"comity/agent/people"
	"comity/agent/retention"
	"comity/exposition"
	"comity/pki"
	"comity/pki/keyfile"
	"comity/schemas"
)

// File is what an operator writes in agent.toml. Unknown keys are refused. Relative paths start at the file's folder.
type File struct {
	// Authority is this authority's id in the scheme, such as "QM/justice".
	Authority string `toml:"authority"`
	// Data is the folder of the database and of the last good trust documents. Only the agent's account may read it.
	Data string `toml:"data"`
	// Socket is where people and programs of this authority reach the agent.
	Socket string `toml:"socket"`
	Broker struct {
		// URL of the broker, such as "tls://127.0.0.1:4222".
		URL string `toml:"url"`
	} `toml:"broker"`
	Trust struct {
		// Published is the folder in which trust list, directory entries and revocation lists appear.
		Published string `toml:"published"`
		// Scheme, Threshold and Signers pin the first trust list: so many of these keys must have signed it.
		Scheme    string   `toml:"scheme"`
		Threshold int      `toml:"threshold"`
		Signers   []string `toml:"signers"`
		// Refresh is how often the folder is looked at. Default 1s.
		Refresh Duration `toml:"refresh"`
	} `toml:"trust"`
	Keys struct {
		// TLS, Signing and Encryption are PEM files: the private key (PKCS #8), then its certificate.
		TLS        string `toml:"tls"`
		Signing    string `toml:"signing"`
		Encryption string `toml:"encryption"`
		// Store is the key of the database's encrypted columns: 32 random bytes.
		Store string `toml:"store"`
	} `toml:"keys"`
	// Register is this State's protection register. Without one nobody's status is known, and every message about an
	// identifiable person is held.
	Register struct {
		// Path is its database, Key its key: 32 random bytes in a file of their own, apart from the agent's other keys.
		Path string `toml:"path"`
		Key  string `toml:"key"`
	} `toml:"register"`
	Policy struct {
		// Rules are files of Cedar rules that this State adds. They may only forbid. They are read at the start and again
		// whenever they change; while one cannot be read, nothing leaves.
		Rules []string `toml:"rules"`
	} `toml:"policy"`
	Release ReleaseFile `toml:"release"`
	Timing  TimingFile  `toml:"timing"`
	Backup  struct {
		// Recipients are the age keys (age1…) that backups are encrypted for. Keep the keys that open them elsewhere.
		Recipients []string `toml:"recipients"`
	} `toml:"backup"`
	// Console is where browsers and national case systems of this authority reach the agent. Without listen nobody does.
	Console ConsoleFile `toml:"console"`
	// Metrics is where this authority's Prometheus reads how the agent and its exchange are doing. Without listen nobody can.
	Metrics  exposition.File `toml:"metrics"`
	Evidence struct {
		// QuotaBytes is the most that all sealed files of evidence here may have. Default 64 GiB.
		QuotaBytes int64 `toml:"quota_bytes"`
		// ReserveBytes is what must stay free on the disk. Default 256 MiB.
		ReserveBytes int64 `toml:"reserve_bytes"`
	} `toml:"evidence"`
	// Retention is for how long the content of closed cases is kept (agent/retention).
	Retention retention.File `toml:"retention"`
	// Mail tells people by mail that something needs a look, and nothing else. Without a server nobody is told.
	Mail notify.File `toml:"mail"`
	// Deadlines overrides terms of the table in agent/deadline, such as acknowledgement = "5 working days".
	Deadlines deadline.Table `toml:"deadlines"`
	People    []PersonFile   `toml:"people"`
}

// ConsoleFile sets the listener for browsers and for the API under /api/v1. It speaks TLS only.
type ConsoleFile struct {
	// Listen is an address such as "127.0.0.1:8443"; port 0 takes a free one. An address that is not of this machine alone needs
	// a certificate.
	Listen string `toml:"listen"`
	// Certificate is a PEM file: the private key (PKCS #8), then its certificate. Default: one that the agent makes and signs
	// itself, in its data folder.
	Certificate string `toml:"certificate"`
	// Origin is how browsers write where the console is, such as "https://console.justice.example". Passkeys belong to it.
	// Default: https://localhost and the port.
	Origin string `toml:"origin"`
	// Idle and Absolute end a session: since it was last used, and since it began. Default 30m, 12h.
	Idle     Duration `toml:"idle"`
	Absolute Duration `toml:"absolute"`
}

// ReleaseFile sets the ticks at which approved messages leave. "0s" means at once, which shows a peer when a person
// approved: for benchmarks only.
type ReleaseFile struct {
	Routine Duration `toml:"routine"` // default 15m
	Urgent  Duration `toml:"urgent"`  // default 1m
}

// TimingFile has a default for everything.
type TimingFile struct {
	ValidFor    Duration `toml:"valid_for"`    // how long a sealed message is good for; default 720h
	ResendFirst Duration `toml:"resend_first"` // first wait for a receipt, doubled each time up to 1h; default 130s, beyond the broker's window of suppression
	HoleAsk     Duration `toml:"hole_ask"`     // a missing number is asked for after this; default 60s
	HoleAlarm   Duration `toml:"hole_alarm"`   // and alarmed after this; default 15m
	LinkAlarm   Duration `toml:"link_alarm"`   // being without the broker is alarmed after this; default 5m
	// ReceiptLate is when an officer is warned that a receipt has not come, again and again. Default 1h, 12h, 24h.
	ReceiptLate []Duration `toml:"receipt_late"`
}

// PersonFile is a member of staff.
type PersonFile struct {
	Name        string   `toml:"name"`
	Roles       []string `toml:"roles"`
	Certificate string   `toml:"certificate"` // PEM
}

// Duration is a time.Duration in TOML, written "15m".
type Duration time.Duration

// UnmarshalText reads Go's form of a duration; negative ones are refused.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	if v < 0 {
		return errors.New("negative duration")
	}
	*d = Duration(v)
	return nil
}

// MarshalText is the inverse.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Config is what the agent runs with: read, complete and checked.
type Config struct {
	Authority schemas.AuthorityID
	Data      string
	Socket    string
	BrokerURL string
	Published string
	Pin       pki.Pin
	Refresh   time.Duration
	Keys      KeyFiles
	Register  RegisterFiles
	Rules     []string // paths of the State's own rules
	Routine   time.Duration
	Urgent    time.Duration
	Timing    Timing
	Deadlines deadline.Table
	Retention retention.Schedule
	Evidence  evidence.Config // its folder is in Data
	Backup    []string        // age recipients
	Console   Console
	Metrics   exposition.Address
	Mail      notify.Config
	Staff     []*people.Person
}

// Console is ConsoleFile with its defaults; Listen is "" where there is none.
type Console struct {
	Listen, Certificate, Origin string // Certificate and Origin may be "": then the agent makes them
	Idle, Absolute              time.Duration
	Cost                        account.Cost // of a new hash of a password; zero: account.DefaultCost
}

// KeyFiles are the paths of the authority's keys.
type KeyFiles struct{ TLS, Signing, Encryption, Store string }

// RegisterFiles are the paths of the protection register, both empty where there is none.
type RegisterFiles struct{ Path, Key string }

// Timing is TimingFile with its defaults.
type Timing struct {
	ValidFor, ResendFirst, HoleAsk, HoleAlarm, LinkAlarm time.Duration
	ReceiptLate                                          []time.Duration // ascending
}

// LoadConfig reads and checks agent.toml. Its error names every defect.
func LoadConfig(path string) (Config, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("reading configuration: %w", err)
	}
	file := File{}
	file.Release = ReleaseFile{Routine: Duration(15 * time.Minute), Urgent: Duration(time.Minute)}
	file.Timing = TimingFile{
		ValidFor: Duration(30 * 24 * time.Hour), ResendFirst: Duration(130 * time.Second),
		HoleAsk: Duration(time.Minute), HoleAlarm: Duration(15 * time.Minute), LinkAlarm: Duration(5 * time.Minute),
		ReceiptLate: []Duration{Duration(time.Hour), Duration(12 * time.Hour), Duration(24 * time.Hour)},
	}
	file.Trust.Refresh = Duration(time.Second)
	file.Console.Idle, file.Console.Absolute = Duration(account.DefaultIdle), Duration(account.DefaultAbsolute)
	file.Deadlines = deadline.Defaults()
	decoder := toml.NewDecoder(bytes.NewReader(content)).DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		var strict *toml.StrictMissingError
		if errors.As(err, &strict) {
			return Config{}, fmt.Errorf("configuration %s: unknown keys:\n%s", path, strict.String())
		}
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	base, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	c, err := file.check(base)
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

func (f *File) check(base string) (Config, error) {
	var errs []error
	at := func(key, path string) string {
		if path == "" {
			errs = append(errs, fmt.Errorf("%s is missing", key))
		}
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(base, path)
	}
	c := Config{
		Data: at("data", f.Data), Socket: at("socket", f.Socket), BrokerURL: f.Broker.URL,
		Published: at("trust.published", f.Trust.Published), Refresh: time.Duration(f.Trust.Refresh),
		Pin: pki.Pin{Scheme: f.Trust.Scheme, Threshold: f.Trust.Threshold, Signers: f.Trust.Signers},
		Keys: KeyFiles{
			TLS: at("keys.tls", f.Keys.TLS), Signing: at("keys.signing", f.Keys.Signing),
			Encryption: at("keys.encryption", f.Keys.Encryption), Store: at("keys.store", f.Keys.Store),
		},
		Routine: time.Duration(f.Release.Routine), Urgent: time.Duration(f.Release.Urgent),
		Timing: Timing{
			ValidFor: time.Duration(f.Timing.ValidFor), ResendFirst: time.Duration(f.Timing.ResendFirst),
			HoleAsk: time.Duration(f.Timing.HoleAsk), HoleAlarm: time.Duration(f.Timing.HoleAlarm), LinkAlarm: time.Duration(f.Timing.LinkAlarm),
		},
	}
	if f.Register.Path != "" || f.Register.Key != "" {
		c.Register = RegisterFiles{Path: at("register.path", f.Register.Path), Key: at("register.key", f.Register.Key)}
	}
	for _, path := range f.Policy.Rules {
		c.Rules = append(c.Rules, at("policy.rules", path))
	}
	c.Evidence = evidence.Config{Quota: f.Evidence.QuotaBytes, Reserve: f.Evidence.ReserveBytes}
	c.Backup = f.Backup.Recipients
	if _, err := parseRecipients(c.Backup); err != nil {
		errs = append(errs, fmt.Errorf("backup.recipients: %w", err))
	}
	var failed error
	if c.Retention, failed = f.Retention.Check(); failed != nil {
		errs = append(errs, failed)
	}
	if c.Console, failed = f.Console.check(base); failed != nil {
		errs = append(errs, failed)
	}
	if c.Metrics, failed = f.Metrics.Check(); failed != nil {
		errs = append(errs, failed)
	}
	if c.Mail, failed = f.Mail.Check(func(path string) (string, error) { return readSecret(at("mail.password_file", path)) }); failed != nil {
		errs = append(errs, failed)
	}
	c.Deadlines = f.Deadlines
	if err := c.Deadlines.Check(); err != nil {
		errs = append(errs, fmt.Errorf("deadlines: %w", err))
	}
	var err error
	if c.Authority, err = schemas.ParseAuthorityID(f.Authority); err != nil {
		errs = append(errs, fmt.Errorf("authority: %w", err))
	}
	if c.BrokerURL == "" {
		errs = append(errs, errors.New("broker.url is missing"))
	}
	if c.Refresh < 100*time.Millisecond || c.Refresh > time.Hour {
		errs = append(errs, errors.New("trust.refresh must lie between 100ms and 1h"))
	}
	if c.Timing.ValidFor < time.Minute || c.Timing.ValidFor > 400*24*time.Hour {
		errs = append(errs, errors.New("timing.valid_for must lie between 1m and 9600h"))
	}
	for _, after := range f.Timing.ReceiptLate {
		c.Timing.ReceiptLate = append(c.Timing.ReceiptLate, time.Duration(after))
	}
	if len(c.Timing.ReceiptLate) > maxWarnings || !slices.IsSorted(c.Timing.ReceiptLate) {
		errs = append(errs, fmt.Errorf("timing.receipt_late must be up to %d durations, each longer than the one before", maxWarnings))
	}
	if c.Timing.ResendFirst < time.Second || c.Timing.HoleAsk < time.Second || c.Timing.HoleAlarm < c.Timing.HoleAsk {
		errs = append(errs, errors.New("timing: resend_first and hole_ask must be at least 1s, hole_alarm at least hole_ask"))
	}
	for _, p := range f.People {
		person, err := p.check(at("people.certificate", p.Certificate))
		if err != nil {
			errs = append(errs, fmt.Errorf("people %q: %w", p.Name, err))
			continue
		}
		c.Staff = append(c.Staff, person)
	}
	return c, errors.Join(errs...)
}

func (f ConsoleFile) check(base string) (Console, error) {
	c := Console{Listen: f.Listen, Certificate: f.Certificate, Origin: f.Origin, Idle: time.Duration(f.Idle), Absolute: time.Duration(f.Absolute)}
	if c.Certificate != "" && !filepath.IsAbs(c.Certificate) {
		c.Certificate = filepath.Join(base, c.Certificate)
	}
	var errs []error
	if c.Idle < time.Minute || c.Absolute < c.Idle || c.Absolute > 24*time.Hour {
		errs = append(errs, errors.New("console: idle must be 1m at least, absolute not less than idle, and 24h at most"))
	}
	if c.Listen == "" {
		return c, errors.Join(errs...)
	}
	host, _, err := net.SplitHostPort(c.Listen)
	ip := net.ParseIP(host)
	switch {
	case err != nil || ip == nil:
		errs = append(errs, errors.New("console.listen must be an IP address and a port, such as 127.0.0.1:8443"))
	case !ip.IsLoopback() && (c.Certificate == "" || c.Origin == ""):
		errs = append(errs, errors.New("console: an address that others can reach needs a certificate and an origin"))
	}
	if u, err := url.Parse(c.Origin); c.Origin != "" && (err != nil || u.Scheme != "https" || u.Host == "" || c.Origin != "https://"+u.Host) {
		errs = append(errs, errors.New("console.origin must be https://host or https://host:port"))
	}
	return c, errors.Join(errs...)
}

// readSecret reads a file of one line.
func readSecret(path string) (string, error) {
	content, err := os.ReadFile(path)
	secret := strings.TrimRight(string(content), "\r\n")
	switch {
	case err != nil:
		return "", err
	case secret == "" || len(secret) > 1000 || strings.ContainsAny(secret, "\r\n"):
		return "", errors.New("the file does not hold one line")
	}
	return secret, nil
}

func (p PersonFile) check(certificate string) (*people.Person, error) {
	person := &people.Person{Name: p.Name}
	var err error
	if person.Certificate, err = keyfile.ReadCertificate(certificate); err != nil {
		return nil, err
	}
	for _, name := range p.Roles {
		role, err := people.ParseRole(name)
		if err != nil {
			return nil, err
		}
		person.Roles = append(person.Roles, role)
	}
	return person, nil
}
