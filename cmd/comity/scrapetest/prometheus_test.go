package scrapetest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/people"
	"comity/cmd/comity/sandbox"
	"comity/deploy/samples"
	"comity/schemas"
)

// patience bounds a real Prometheus from its start to what a test waits for.
const patience = 60 * time.Second

// A real Prometheus scrapes a running sandbox by the configuration of deploy/: every target answers, a request that went from
// one authority to the other is counted on both sides, and every expression of the dashboards and every alert is evaluated.
func TestPrometheusScrapesARunningSandbox(t *testing.T) {
	program := tool(t, "prometheus")
	s := newSandbox(t)
	start(t, s)
	server := scrape(t, program, s)

	server.until(t, "every target is scraped", `sum(up{job="comity"})`, 5)
	server.until(t, "agents are connected", `sum(comity_link_up)`, 4)
	send(t, s)
	server.until(t, "the request is counted where it was sent", `sum(comity_messages_total{authority="QM/justice",direction="sent",channel="mla",peer="QN/justice"})`, 1)
	server.until(t, "and where it arrived", `sum(comity_messages_total{authority="QN/justice",direction="received",channel="mla",peer="QM/justice"})`, 1)
	server.until(t, "it is a case on both sides", `sum(comity_requests{stage="sent",open="true"})`, 2)
	server.until(t, "its receipt came", `sum(comity_receipt_latency_seconds_count{authority="QM/justice"})`, 1)
	server.until(t, "the broker accepted it and the receipt", `sum(comity_broker_accepted_total)`, 2)

	for place, expression := range expressions(t) {
		expression = strings.NewReplacer(`"$authority"`, `".*"`, `"$channel"`, `".*"`, `"$peer"`, `".*"`).Replace(expression)
		if _, err := server.query(t.Context(), expression); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
	server.rules(t)
}

// start runs the sandbox in this process until the test ends.
func start(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Run(ctx, s.AllParts(), slog.New(slog.DiscardHandler), func() { close(ready) }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatalf("the sandbox did not start: %v", err)
	}
}

// send has two people of QM/justice write and approve a request.
func send(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	const from = schemas.AuthorityID("QM/justice")
	config, err := agent.LoadConfig(s.AgentConfig(from))
	if err != nil {
		t.Fatal(err)
	}
	as := func(p sandbox.Person) *api.Client {
		credential, err := people.ReadCredential(s.Credential(from, p))
		if err != nil {
			t.Fatal(err)
		}
		client := api.Dial(config.Socket, from, credential)
		t.Cleanup(client.Close)
		return client
	}
	content, err := samples.Draft("mla-request-bank-records.json", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	made, err := as(sandbox.Officer1).Draft(t.Context(), content)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := as(sandbox.Approver).Approve(t.Context(), made[0].ID, made[0].SHA256); err != nil {
		t.Fatal(err)
	}
}

// scraper is a Prometheus that a test started.
type scraper struct{ url string }

// scrape starts Prometheus on a port of the loopback interface, with the files of deploy/ and the targets of a sandbox. It
// scrapes every second: a test does not wait for half a minute.
func scrape(t *testing.T, program string, s *sandbox.Sandbox) *scraper {
	t.Helper()
	dir := t.TempDir()
	config := strings.NewReplacer("scrape_interval: 30s", "scrape_interval: 1s", "scrape_timeout: 25s", "scrape_timeout: 1s", "evaluation_interval: 30s", "evaluation_interval: 1s").
		Replace(read(t, deploy+"/prometheus/prometheus.yml"))
	write(t, filepath.Join(dir, "prometheus.yml"), config)
	copyFile(t, rulesFile, filepath.Join(dir, "rules", "comity.yml"))
	copyFile(t, s.MetricsTargets(), filepath.Join(dir, "targets", "comity.json"))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	command := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn")
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // whatever becomes of the test
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		command.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("prometheus said:\n%s", read(t, filepath.Join(dir, "log")))
		}
	})
	server := &scraper{"http://" + address}
	deadline := time.Now().Add(patience)
	for {
		if _, err := server.get(t.Context(), "/-/ready"); err == nil {
			return server
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("prometheus ended: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("prometheus does not start")
		}
	}
}

func (p *scraper) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, "GET", p.url+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %s: %s", response.Status, body)
	}
	return body, err
}

// query is the values of an instant query.
func (p *scraper) query(ctx context.Context, expression string) (values []string, err error) {
	body, err := p.get(ctx, "/api/v1/query?query="+url.QueryEscape(expression))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	for _, r := range answer.Data.Result {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return values, nil
}

// until waits for a query to have one value.
func (p *scraper) until(t *testing.T, what, expression string, want int) {
	t.Helper()
	var last []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		values, err := p.query(t.Context(), expression)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if last = values; len(values) == 1 && values[0] == fmt.Sprint(want) {
			return
		}
	}
	t.Fatalf("%s: %s is %v, want %d", what, expression, last, want)
}

// rules asks whether every alert could be evaluated, and that none fires which should not.
func (p *scraper) rules(t *testing.T) {
	t.Helper()
	body, err := p.get(t.Context(), "/api/v1/rules")
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, State, LastError string }
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, group := range answer.Data.Groups {
		for _, r := range group.Rules {
			seen++
			if r.Health != "ok" {
				t.Errorf("alert %s is %s: %s", r.Name, r.Health, r.LastError)
			}
			if r.State == "firing" {
				t.Errorf("alert %s fires in a sandbox where all is well", r.Name)
			}
		}
	}
	if want := len(alerts(t)); seen != want {
		t.Errorf("prometheus has %d rules, want %d", seen, want)
	}
}
