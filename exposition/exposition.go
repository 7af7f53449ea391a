package exposition

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// File is what an operator writes under [metrics]. Without listen there is no listener.
type File struct {
	// Listen is where Prometheus scrapes, such as "127.0.0.1:9464"; ":9464" is the same. Port 0 takes a free one.
	Listen string `toml:"listen"`
	// Remote allows an address that other machines reach. Whoever reaches it reads the metrics: put a proxy before it that asks
	// who they are.
	Remote bool `toml:"remote"`
}

// Address is a checked place to listen. The zero value is nowhere.
type Address struct {
	hostPort string
	remote   bool
}

// On tells whether there is anything to listen on.
func (a Address) On() bool { return a.hostPort != "" }

// Check reads an address. One that other machines reach is refused unless the file says that it may be.
func (f File) Check() (Address, error) {
	if f.Listen == "" {
		return Address{}, nil
	}
	host, port, err := net.SplitHostPort(f.Listen)
	if err != nil {
		return Address{}, errors.New(`metrics.listen is not host:port, such as "127.0.0.1:9464"`)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return Address{}, errors.New("metrics.listen: the port is not a number up to 65535")
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if !loopback(host) && !f.Remote {
		return Address{}, fmt.Errorf("metrics.listen: other machines reach %s; listen on 127.0.0.1, or set metrics.remote = true and put a proxy before it", host)
	}
	return Address{net.JoinHostPort(host, port), f.Remote}, nil
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// Server is a listener that is open and not yet served.
type Server struct {
	listener net.Listener
	http     *http.Server
	log      *slog.Logger
}

// Listen opens the address for what the gatherer has. It is nil for no address; Serve and URL of nil do nothing.
func Listen(a Address, gatherer prometheus.Gatherer, log *slog.Logger) (*Server, error) {
	if !a.On() {
		return nil, nil
	}
	listener, err := net.Listen("tcp", a.hostPort)
	if err != nil {
		return nil, fmt.Errorf("listening for metrics: %w", err)
	}
	return &Server{listener: listener, log: log, http: &http.Server{
		Handler: Handler(gatherer, a.remote), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 40 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}}, nil
}

// Handler answers GET /metrics. Unless other machines may reach it, it answers only those who call this machine by its
// address: a browser that was led here calls it by a name.
func Handler(gatherer prometheus.Gatherer, remote bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{
		// What goes wrong in gathering is not for the reader: a scrape of which a part is missing says so by what is missing.
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 30 * time.Second,
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !remote && !loopback(hostOf(r.Host)) {
			http.Error(w, "this listener answers to the address of this machine only", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func hostOf(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return strings.Trim(hostPort, "[]")
}

// URL is where the metrics are.
func (s *Server) URL() string {
	if s == nil {
		return ""
	}
	return "http://" + s.listener.Addr().String() + "/metrics"
}

// Serve answers until ctx ends, and returns nil then.
func (s *Server) Serve(ctx context.Context) error {
	if s == nil {
		return nil
	}
	s.log.Info("metrics", slog.String("url", s.URL()))
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving metrics: %w", err)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if s.http.Shutdown(patience) != nil { // a scrape that takes longer is cut
		s.http.Close()
	}
	<-served
	return nil
}

// Close gives up a listener that is not served.
func (s *Server) Close() {
	if s != nil {
		s.listener.Close()
	}
}
