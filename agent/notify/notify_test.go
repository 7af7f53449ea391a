package notify

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailbox is a real SMTP server on the loopback interface. It takes mail over TLS alone, from whoever logs in.
type mailbox struct {
	address string
	roots   *x509.CertPool
	got     chan received
}

type received struct {
	from string
	to   []string
	text string
}

func newMailbox(t *testing.T, offersTLS bool) *mailbox {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{roots: x509.NewCertPool(), got: make(chan received, 10)}
	m.roots.AddCert(certificate)
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{box: m}, nil }))
	server.Domain, server.ErrorLog = "localhost", log.New(io.Discard, "", 0)
	if offersTLS {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	m.address = "localhost:" + port
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return m
}

// session is one connection to the mailbox.
type session struct {
	box    *mailbox
	mail   received
	logged bool
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.logged = user == "comity" && password == "secret"; !s.logged {
			return errors.New("no")
		}
		return nil
	}), nil
}
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.logged {
		return smtp.ErrAuthRequired
	}
	s.mail.from = from
	return nil
}
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = append(s.mail.to, to)
	return nil
}
func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.mail.text = string(text)
	s.box.got <- s.mail
	return err
}
func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (m *mailbox) config() Config {
	return Config{
		Server: m.address, Host: "localhost", User: "comity", Password: "secret", From: "comity@authority.example",
		To: []string{"liaison@authority.example", "duty-desk@authority.example"}, Every: time.Hour, Roots: m.roots,
	}
}

// Whatever happens until it can be sent is one mail, and it says nothing of what happened.
func TestOneMailThatSaysNothing(t *testing.T) {
	box := newMailbox(t, true)
	n := New(box.config(), slog.New(slog.DiscardHandler))
	for range 5 {
		n.Wake()
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	var got received
	select {
	case got = <-box.got:
	case <-time.After(30 * time.Second):
		t.Fatal("no mail came")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	want := "From: comity@authority.example\r\nTo: undisclosed-recipients:;\r\nDate: DATE\r\n" + Text
	if text := regexp.MustCompile(`(?m)^Date: .*\r$`).ReplaceAllString(got.text, "Date: DATE\r"); text != want {
		t.Errorf("the mail is\n%q, want\n%q", text, want)
	}
	if got.from != "comity@authority.example" || len(got.to) != 2 {
		t.Errorf("from %s to %v", got.from, got.to)
	}
	select {
	case more := <-box.got:
		t.Errorf("a second mail: %+v", more)
	default:
	}
	if found := regexp.MustCompile(`(?i)\bQ[M-Z]\b|mla|border|jit|confiscation|transfer|repatriation|alert|case|message|review|urgent|[0-9]{3}`).FindString(strings.ReplaceAll(Text, "message/", "")); found != "" {
		t.Errorf("the text says %q", found)
	}
}

// Without TLS that proves the server nothing is sent, and what the log says holds no password and none of the server's words.
func TestNothingIsSentInTheClear(t *testing.T) {
	for name, c := range map[string]struct {
		tls    bool
		change func(*Config)
		why    string
	}{
		"no STARTTLS":                {false, func(*Config) {}, "offers no STARTTLS"},
		"an unknown certificate":     {true, func(c *Config) { c.Roots = x509.NewCertPool() }, "certificate"},
		"another server's name":      {true, func(c *Config) { c.Host = "mail.authority.example" }, "certificate"},
		"a wrong password":           {true, func(c *Config) { c.Password = "hush-hush" }, "refuses the login"},
		"nobody listens":             {true, func(c *Config) { c.Server = "127.0.0.1:1" }, "reaching the mail server"},
		"no login where it is asked": {true, func(c *Config) { c.User = "" }, "refuses mail.from"},
	} {
		t.Run(name, func(t *testing.T) {
			box := newMailbox(t, c.tls)
			config := box.config()
			c.change(&config)
			err := New(config, slog.New(slog.DiscardHandler)).send(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.why) || strings.Contains(err.Error(), "hush-hush") {
				t.Errorf("%v, want %q", err, c.why)
			}
			select {
			case got := <-box.got:
				t.Errorf("a mail was sent: %+v", got)
			default:
			}
		})
	}
}

// A mail that could not be sent is tried again, and the log says so without an address.
func TestAFailedMailIsTriedAgain(t *testing.T) {
	box := newMailbox(t, true)
	config := box.config()
	config.Every, config.Password = 10*time.Millisecond, "wrong"
	var said bytes.Buffer
	n := New(config, slog.New(slog.NewTextHandler(&said, nil)))
	n.Wake()
	ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer stop()
	if err := n.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if tries := strings.Count(said.String(), "refuses the login"); tries < 2 {
		t.Errorf("tried %d times:\n%s", tries, said.String())
	}
	if strings.Contains(said.String(), "@") {
		t.Errorf("the log says %s", said.String())
	}
}

func TestConfigurationNamesEveryDefect(t *testing.T) {
	read := func(string) (string, error) { return "secret", nil }
	if c, err := (File{}).Check(read); err != nil || c.On() {
		t.Errorf("no server: %+v, %v", c, err)
	}
	good := File{Server: "mail.authority.example:587", From: "a@b.example", To: []string{"c@b.example"}, User: "u", PasswordFile: "p"}
	if c, err := good.Check(read); err != nil || c.Password != "secret" || c.Every != defaultEvery {
		t.Errorf("%+v, %v", c, err)
	}
	bad := File{Server: "mail", From: "Name <a@b.example>", To: []string{"x@y.example\r\nBcc: z@z"}, User: "u", Every: Duration(time.Second)}
	_, err := bad.Check(read)
	for _, want := range []string{"mail.server is not host:port", "Name <a@b.example>", "Bcc", "mail.every", "go together"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %q", err, want)
		}
	}
}
