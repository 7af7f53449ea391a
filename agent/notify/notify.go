package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/smtp"
	"slices"
	"strings"
	"time"
)

// File is what an operator writes under [mail]. Without server no mail is sent.
type File struct {
	// Server is host:port of the mail server. It must offer STARTTLS; on port 465 TLS is spoken at once.
	Server string `toml:"server"`
	// User and PasswordFile log in there, where it asks for it.
	User         string `toml:"user"`
	PasswordFile string `toml:"password_file"`
	// From is the sender's address, To are those who are told: of functions, such as duty-desk@authority.example.
	From string   `toml:"from"`
	To   []string `toml:"to"`
	// Every is how often mail may be sent at the most; whatever happens meanwhile is one mail. Default 15m, 1m at the least.
	Every Duration `toml:"every"`
}

// Duration is a time.Duration, written "15m".
type Duration time.Duration

// UnmarshalText reads Go's form of a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

const (
	defaultEvery = 15 * time.Minute
	leastEvery   = time.Minute
	maxTo        = 50
	patience     = 30 * time.Second // for one mail
)

// Config is a checked File. The zero value sends nothing.
type Config struct {
	Server, Host string
	User         string
	Password     string
	From         string
	To           []string
	Every        time.Duration
	Roots        *x509.CertPool // nil: those of the system
}

// On tells whether there is a server to send by.
func (c Config) On() bool { return c.Server != "" }

// Check names every defect. password reads the file, which is named with its path.
func (f File) Check(password func(path string) (string, error)) (Config, error) {
	if f.Server == "" {
		return Config{}, nil
	}
	c := Config{Server: f.Server, User: f.User, From: f.From, To: f.To, Every: time.Duration(f.Every)}
	if c.Every == 0 {
		c.Every = defaultEvery
	}
	var errs []error
	var err error
	if c.Host, _, err = net.SplitHostPort(f.Server); err != nil || c.Host == "" {
		errs = append(errs, errors.New(`mail.server is not host:port, such as "mail.authority.example:587"`))
	}
	for _, address := range append([]string{f.From}, f.To...) {
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || strings.ContainsAny(address, "\r\n") {
			errs = append(errs, fmt.Errorf("mail.from and mail.to hold plain addresses: %q is none", address))
		}
	}
	if len(f.To) == 0 || len(f.To) > maxTo {
		errs = append(errs, fmt.Errorf("mail.to holds between 1 and %d addresses", maxTo))
	}
	if c.Every < leastEvery {
		errs = append(errs, fmt.Errorf("mail.every must be %s at the least", leastEvery))
	}
	if (f.User == "") != (f.PasswordFile == "") {
		errs = append(errs, errors.New("mail.user and mail.password_file go together"))
	} else if f.User != "" {
		if c.Password, err = password(f.PasswordFile); err != nil {
			errs = append(errs, fmt.Errorf("mail.password_file: %w", err))
		}
	}
	return c, errors.Join(errs...)
}

// Notifier sends one mail for whatever happened since the last.
type Notifier struct {
	c    Config
	log  *slog.Logger
	woke chan struct{}
}

// New sends nothing before Run.
func New(c Config, log *slog.Logger) *Notifier {
	return &Notifier{c: c, log: log, woke: make(chan struct{}, 1)}
}

// Wake says that something needs a look. It never waits.
func (n *Notifier) Wake() {
	select {
	case n.woke <- struct{}{}:
	default:
	}
}

// Woken tells whether a mail is due, and takes that back.
func (n *Notifier) Woken() bool {
	select {
	case <-n.woke:
		return true
	default:
		return false
	}
}

// Run sends until ctx ends: at once where nothing was sent for a while, and then once in an interval. A mail that cannot be
// sent is tried again after the interval.
func (n *Notifier) Run(ctx context.Context) error {
	for n.c.On() {
		select {
		case <-ctx.Done():
			return nil
		case <-n.woke:
		}
		if err := n.send(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("sending a notice by mail", slog.Any("error", err))
			n.Wake()
		}
		timer := time.NewTimer(n.c.Every)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
	<-ctx.Done()
	return nil
}

// Text is the whole mail but its addresses and date. It holds no content, name, State, channel, number or address of a
// console: whoever reads it learns that Comity is used here.
const Text = "Subject: Something needs a look\r\n" +
	"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\nAuto-Submitted: auto-generated\r\n" +
	"\r\nSomething needs a look. Please open the console.\r\n"

// send hands one mail to the server. Without TLS that proves the server it sends nothing.
func (n *Notifier) send(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := n.dial(ctx)
	if err != nil {
		return fmt.Errorf("reaching the mail server: %w", err)
	}
	defer client.Close()
	if n.c.User != "" {
		if err := client.Auth(smtp.PlainAuth("", n.c.User, n.c.Password, n.c.Host)); err != nil {
			return errors.New("the mail server refuses the login") // its words may hold anything
		}
	}
	if err := client.Mail(n.c.From); err != nil {
		return errors.New("the mail server refuses mail.from")
	}
	for _, to := range slices.Compact(slices.Sorted(slices.Values(n.c.To))) {
		if err := client.Rcpt(to); err != nil {
			return errors.New("the mail server refuses an address of mail.to")
		}
	}
	body, err := client.Data()
	if err != nil {
		return errors.New("the mail server takes no text")
	}
	var text bytes.Buffer
	// Nobody sees who else is told.
	fmt.Fprintf(&text, "From: %s\r\nTo: undisclosed-recipients:;\r\nDate: %s\r\n%s", n.c.From, time.Now().UTC().Format(time.RFC1123Z), Text)
	if _, err := body.Write(text.Bytes()); err != nil {
		return fmt.Errorf("sending the text: %w", err)
	}
	if err := body.Close(); err != nil {
		return errors.New("the mail server refuses the mail")
	}
	return client.Quit()
}

func (n *Notifier) dial(ctx context.Context) (*smtp.Client, error) {
	secure := &tls.Config{ServerName: n.c.Host, RootCAs: n.c.Roots, MinVersion: tls.VersionTLS12}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", n.c.Server)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		conn.Close()
		return nil, err
	}
	_, port, _ := net.SplitHostPort(n.c.Server)
	if port == "465" {
		conn = tls.Client(conn, secure)
	}
	client, err := smtp.NewClient(conn, n.c.Host)
	if err != nil {
		conn.Close()
		return nil, err
	}
	// Its own default name would be told to the server.
	if err := client.Hello("localhost"); err != nil {
		client.Close()
		return nil, err
	}
	if port == "465" {
		return client, nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		client.Close()
		return nil, errors.New("it offers no STARTTLS, and nothing is sent in the clear")
	}
	if err := client.StartTLS(secure); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}
