package agent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"comity/agent/account"
	"comity/pki/keyfile"
)

// The listener is there where the configuration says, with TLS 1.3 and a certificate for this machine that outlives a start, and
// nowhere else.
func TestTheConsoleListens(t *testing.T) {
	d := newWorldOf(t, qm, qn).desks[qm]
	if off, err := d.openConsole(); err != nil || off.listener != nil || d.ConsoleURL() != "" {
		t.Fatalf("without [console] something listens: %v, %v", off, err)
	}
	d.Agent.now = time.Now
	d.config.Console = Console{Listen: "127.0.0.1:0", Idle: account.DefaultIdle, Absolute: account.DefaultAbsolute}
	certificate := func() *x509.Certificate {
		t.Helper()
		_, c, err := keyfile.ReadPair(filepath.Join(d.config.Data, ownCertificate))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	open := func() *x509.Certificate {
		t.Helper()
		w, err := d.openConsole()
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.serve(ctx) }()
		roots := x509.NewCertPool()
		roots.AddCert(certificate())
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
		response, err := client.Get(d.ConsoleURL() + "/api/v1/openapi.json")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || response.TLS.Version != tls.VersionTLS13 || response.ProtoMajor != 2 || !strings.Contains(string(body), `"openapi"`) {
			t.Errorf("%s, TLS %x, %s: %.80s, %v", response.Status, response.TLS.Version, response.Proto, body, err)
		}
		address := strings.Replace(d.ConsoleURL(), "https://localhost", "127.0.0.1", 1)
		old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
		if conn, err := tls.Dial("tcp", address, old); err == nil {
			conn.Close()
			t.Error("TLS 1.2 is spoken")
		}
		plain, err := http.Get("http://" + address + "/api/v1/openapi.json")
		if err == nil {
			plain.Body.Close()
			if plain.StatusCode == http.StatusOK {
				t.Error("it answers without TLS")
			}
		}
		client.CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		return certificate()
	}
	first := open()
	if again := open(); !again.Equal(first) {
		t.Error("the next start has another certificate, which browsers would have to be told of")
	}
	d.Agent.now = func() time.Time { return first.NotAfter.Add(-ownCertificateRenewal) }
	if err := d.renewOwnCertificate(filepath.Join(d.config.Data, ownCertificate)); err != nil || certificate().Equal(first) {
		t.Errorf("a certificate near its end is kept: %v", err)
	}
	d.config.Console.Certificate = filepath.Join(d.config.Data, ownCertificate)
	if err := os.Chmod(d.config.Console.Certificate, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := d.openConsole(); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("a key that others may read: %v", err)
	}
}

func TestWhereTheConsoleMayListen(t *testing.T) {
	base := ConsoleFile{Idle: Duration(account.DefaultIdle), Absolute: Duration(account.DefaultAbsolute)}
	for name, tt := range map[string]struct {
		change func(*ConsoleFile)
		wrong  string
	}{
		"nowhere":            {func(*ConsoleFile) {}, ""},
		"this machine":       {func(f *ConsoleFile) { f.Listen = "127.0.0.1:0" }, ""},
		"this machine, IPv6": {func(f *ConsoleFile) { f.Listen = "[::1]:8443" }, ""},
		"everywhere":         {func(f *ConsoleFile) { f.Listen = "0.0.0.0:8443" }, "needs a certificate and an origin"},
		"everywhere, with both": {func(f *ConsoleFile) {
			f.Listen, f.Certificate, f.Origin = "0.0.0.0:8443", "x.pem", "https://console.example"
		}, ""},
		"everywhere, no origin":     {func(f *ConsoleFile) { f.Listen, f.Certificate = "10.0.0.1:8443", "x.pem" }, "needs a certificate and an origin"},
		"a name":                    {func(f *ConsoleFile) { f.Listen = "localhost:8443" }, "must be an IP address and a port"},
		"no port":                   {func(f *ConsoleFile) { f.Listen = "127.0.0.1" }, "must be an IP address and a port"},
		"an origin without TLS":     {func(f *ConsoleFile) { f.Listen, f.Origin = "127.0.0.1:0", "http://localhost" }, "console.origin"},
		"an origin with a path":     {func(f *ConsoleFile) { f.Listen, f.Origin = "127.0.0.1:0", "https://localhost/x" }, "console.origin"},
		"a session that never ends": {func(f *ConsoleFile) { f.Absolute = Duration(48 * time.Hour) }, "24h at most"},
		"idle for longer than all":  {func(f *ConsoleFile) { f.Idle = Duration(13 * time.Hour) }, "absolute not less than idle"},
	} {
		f := base
		tt.change(&f)
		_, err := f.check("/home")
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
