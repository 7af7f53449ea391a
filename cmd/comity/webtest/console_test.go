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
	if chromium.stop != nil {
		chromium.stop()
	}
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

// means are how somebody uses a console: with plain forms, or in a real browser.
type means interface {
	open(ctx context.Context, path string) (*consoletest.Page, error)
	// press fills in controls (name, value and so on) of the form of an action and presses a button, which may have no name.
	press(ctx context.Context, page *consoletest.Page, action, button, value string, controls []string) (*consoletest.Page, error)
	// attach chooses a file in a form, under a name that says too much, and presses the button that attaches it.
	attach(ctx context.Context, page *consoletest.Page, action string, content []byte) (*consoletest.Page, error)
}

// plain is a browser that runs no script.
type plain struct{ *consoletest.Browser }

func (p plain) open(ctx context.Context, path string) (*consoletest.Page, error) {
	return p.Get(ctx, path)
}

func (p plain) press(ctx context.Context, page *consoletest.Page, action, button, value string, controls []string) (*consoletest.Page, error) {
	form, err := page.Form(action)
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(controls); i += 2 {
		form.Values.Set(controls[i], controls[i+1])
	}
	return form.Press(ctx, button, value)
}

func (p plain) attach(ctx context.Context, page *consoletest.Page, action string, content []byte) (*consoletest.Page, error) {
	form, err := page.Form(action)
	if err != nil {
		return nil, err
	}
	form.Files["file"] = content
	return form.Press(ctx, "act", "attach")
}

// officer is somebody at the console of an authority.
type officer struct {
	means
	t    *testing.T
	name string
}

// entrance opens a console for somebody who is to log in.
type entrance func(t *testing.T, id schemas.AuthorityID) means

// withoutScripts is the entrance of a browser that runs none.
func withoutScripts(t *testing.T, id schemas.AuthorityID) means {
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
	return plain{&consoletest.Browser{Base: s.ConsoleURL(id), Language: "en", Client: &http.Client{Jar: jar, Transport: transport}}}
}

// logs in as one of the people of an authority.
func (enter entrance) as(t *testing.T, id schemas.AuthorityID, name string) *officer {
	t.Helper()
	start(t)
	o := &officer{t: t, name: name, means: enter(t, id)}
	page := o.presses(o.get("/login"), "/login", "", "", "name", name, "password", running.password)
	if page.URL.Path != "/" || page.Status != http.StatusOK {
		t.Fatalf("%s is not logged in: %s %d %.300s", name, page.URL.Path, page.Status, page.Text())
	}
	return o
}

func (o *officer) get(path string) *consoletest.Page {
	o.t.Helper()
	page, err := o.open(o.t.Context(), path)
	if err != nil {
		o.t.Fatalf("%s: %s: %v", o.name, path, err)
	}
	return page
}

// presses fills in controls of a form and presses a button.
func (o *officer) presses(page *consoletest.Page, action, button, value string, controls ...string) *consoletest.Page {
	o.t.Helper()
	next, err := o.press(o.t.Context(), page, action, button, value, controls)
	if err != nil {
		o.t.Fatalf("%s: %v", o.name, err)
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
