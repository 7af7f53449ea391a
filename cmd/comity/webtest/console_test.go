package webtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"comity/agent/console/consoletest"
	"comity/cmd/comity/sandbox"
	"comity/pki/keyfile"
	"comity/schemas"
)

const (
	qm       = schemas.AuthorityID("QM/justice")
	qn       = schemas.AuthorityID("QN/justice")
	qmBorder = schemas.AuthorityID("QM/border")
	qnBorder = schemas.AuthorityID("QN/border")
)

// patience bounds one thing that is waited for.
const patience = 20 * time.Second

// running is one sandbox for all tests of the package.
var running struct {
	once     sync.Once
	sandbox  *sandbox.Sandbox
	password string
	stop     func() error
	err      error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if running.stop != nil {
		if err := running.stop(); err != nil {
			slog.Error("stopping the sandbox", slog.Any("error", err))
			code = 1
		}
	}
	os.Exit(code)
}

func start(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	running.once.Do(func() { running.err = startSandbox() })
	if running.err != nil {
		t.Fatal(running.err)
	}
	return running.sandbox
}

func startSandbox() error {
	dir, err := os.MkdirTemp("", "w-")
	if err != nil {
		return err
	}
	s, err := sandbox.Init(sandbox.Plan{
		Dir: filepath.Join(dir, "s"), States: []schemas.StateCode{"QM", "QN"}, Logins: true,
		Routine: 20 * time.Millisecond, Urgent: 20 * time.Millisecond, Now: time.Now,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Run(ctx, s.AllParts(), slog.New(slog.DiscardHandler), func() { close(ready) }) }()
	running.sandbox = s
	running.stop = func() error {
		cancel()
		return errors.Join(<-ended, os.RemoveAll(dir))
	}
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		return errors.Join(errors.New("the sandbox did not start"), err)
	}
	running.password, err = s.Password()
	return err
}

// officer is somebody at the console of an authority, with a browser that runs no script.
type officer struct {
	*consoletest.Browser
	t    *testing.T
	name string
}

// login opens a console as one of its people.
func login(t *testing.T, id schemas.AuthorityID, name string) *officer {
	t.Helper()
	s := start(t)
	_, certificate, err := keyfile.ReadPair(filepath.Join(s.Home(id), "data", "console.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}
	t.Cleanup(transport.CloseIdleConnections)
	o := &officer{t: t, name: name, Browser: &consoletest.Browser{Base: s.ConsoleURL(id), Language: "en", Client: &http.Client{Jar: jar, Transport: transport}}}
	page := o.get("/login")
	page = o.press(page, "/login", "", "", "name", name, "password", running.password)
	if page.URL.Path != "/" {
		t.Fatalf("%s is not logged in: %s %d %.300s", name, page.URL.Path, page.Status, page.Text())
	}
	return o
}

func (o *officer) get(path string) *consoletest.Page {
	o.t.Helper()
	page, err := o.Get(o.t.Context(), path)
	if err != nil {
		o.t.Fatal(err)
	}
	return page
}

// press fills in controls of a form and presses a button.
func (o *officer) press(page *consoletest.Page, action, button, value string, controls ...string) *consoletest.Page {
	o.t.Helper()
	form, err := page.Form(action)
	if err != nil {
		o.t.Fatalf("%s: %v", o.name, err)
	}
	for i := 0; i+1 < len(controls); i += 2 {
		form.Values.Set(controls[i], controls[i+1])
	}
	next, err := form.Press(o.t.Context(), button, value)
	if err != nil {
		o.t.Fatal(err)
	}
	return next
}

// waits asks for a page again until it says something.
func (o *officer) waits(path, text string) *consoletest.Page {
	o.t.Helper()
	for end := time.Now().Add(patience); ; {
		page := o.get(path)
		if strings.Contains(page.Text(), text) {
			return page
		}
		if time.Now().After(end) {
			o.t.Fatalf("%s: %s never says %q: %.1500s", o.name, path, text, page.Text())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// expects fails unless a page says something.
func (o *officer) expects(page *consoletest.Page, texts ...string) {
	o.t.Helper()
	for _, text := range texts {
		if !strings.Contains(page.Text(), text) {
			o.t.Fatalf("%s: %s (%d) does not say %q: %.2500s", o.name, page.URL, page.Status, text, page.Text())
		}
	}
}
