package broker

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"comity/exposition"
	"comity/pki/pkitest"
)

// A broker tells its operator how it is, and nothing of whose messages it holds.
func TestMetricsOfARunningBroker(t *testing.T) {
	cfg := folder(t, pkitest.NewScheme(t, time.Now, "QM", "QN"))
	cfg.Metrics.Listen = "127.0.0.1:0"
	registry := prometheus.NewRegistry()
	b, err := New(cfg, Options{Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	select {
	case <-b.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	want := `
# HELP comity_broker_ready 1 while agents can connect.
# TYPE comity_broker_ready gauge
comity_broker_ready 1
# HELP comity_broker_inboxes Inbox streams.
# TYPE comity_broker_inboxes gauge
comity_broker_inboxes 4
# HELP comity_broker_inbox_messages Messages in all inboxes that no agent has taken yet.
# TYPE comity_broker_inbox_messages gauge
comity_broker_inbox_messages 0
# HELP comity_broker_connections Agents that are connected.
# TYPE comity_broker_connections gauge
comity_broker_connections 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "comity_broker_ready", "comity_broker_inboxes",
		"comity_broker_inbox_messages", "comity_broker_connections"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if found := regexp.MustCompile(`QM|QN|qm/|qn/`).FindString(f.String()); found != "" {
			t.Errorf("%s names %s", f.GetName(), found)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestMetricsThatOthersCouldReachAreRefused(t *testing.T) {
	cfg := folder(t, pkitest.NewScheme(t, time.Now, "QM", "QN"))
	cfg.Metrics = exposition.File{Listen: "0.0.0.0:9465"}
	if _, err := New(cfg, Options{}); err == nil || !strings.Contains(err.Error(), "metrics.remote = true") {
		t.Errorf("%v, want it refused", err)
	}
}
