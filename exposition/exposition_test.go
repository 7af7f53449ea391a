package exposition

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestAddressIsOfThisMachineUnlessSaidOtherwise(t *testing.T) {
	for _, c := range []struct {
		file File
		want string // "" refused
	}{
		{File{Listen: "127.0.0.1:9464"}, "127.0.0.1:9464"},
		{File{Listen: ":9464"}, "127.0.0.1:9464"},
		{File{Listen: "[::1]:0"}, "[::1]:0"},
		{File{Listen: "localhost:1"}, "localhost:1"},
		{File{Listen: "0.0.0.0:9464"}, ""},
		{File{Listen: "10.0.0.1:9464"}, ""},
		{File{Listen: "10.0.0.1:9464", Remote: true}, "10.0.0.1:9464"},
		{File{Listen: "metrics.example:9464"}, ""},
		{File{Listen: "9464"}, ""},
		{File{Listen: "127.0.0.1:http"}, ""},
		{File{Listen: "127.0.0.1:65536"}, ""},
	} {
		got, err := c.file.Check()
		if got.hostPort != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+v: %q, %v; want %q", c.file, got.hostPort, err, c.want)
		}
	}
	if a, err := (File{}).Check(); err != nil || a.On() {
		t.Errorf("without listen: %+v, %v", a, err)
	}
}

func TestServesMetricsAndNothingElse(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "comity_test", Help: "A test."}, func() float64 { return 7 }))
	address, err := File{Listen: "127.0.0.1:0"}.Check()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen(address, registry, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	get := func(method, url, host string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			request.Host = host
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	if code, body := get("GET", s.URL(), ""); code != http.StatusOK || !strings.Contains(body, "comity_test 7\n") {
		t.Errorf("answered %d: %s", code, body)
	}
	for _, c := range []struct {
		method, path, host string
		want               int
	}{
		{"GET", "/", "", http.StatusNotFound},
		{"GET", "/debug/pprof/", "", http.StatusNotFound},
		{"POST", "/metrics", "", http.StatusMethodNotAllowed},
		{"GET", "/metrics", "evil.example", http.StatusMisdirectedRequest},
		{"GET", "/metrics", "evil.example:9464", http.StatusMisdirectedRequest},
		{"GET", "/metrics", "localhost:9464", http.StatusOK},
	} {
		if code, _ := get(c.method, strings.TrimSuffix(s.URL(), "/metrics")+c.path, c.host); code != c.want {
			t.Errorf("%s %s as %q: %d, want %d", c.method, c.path, c.host, code, c.want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}

// A proxy before a listener that other machines reach may call it by any name.
func TestARemoteListenerAnswersToEveryName(t *testing.T) {
	answer := httptest.NewRecorder()
	request := httptest.NewRequest("GET", "/metrics", nil)
	request.Host = "agent.justice.example"
	Handler(prometheus.NewRegistry(), true).ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		t.Errorf("answered %d", answer.Code)
	}
}
