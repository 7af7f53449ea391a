package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MetricsTargets is the file that says where the metrics of broker and agents are, in the form that Prometheus reads
// (file_sd_configs). It is there where Plan.Metrics asked for it.
func (s *Sandbox) MetricsTargets() string { return filepath.Join(s.dir, "targets.json") }

// target is one place to scrape.
type target struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// exposeMetrics gives the broker and each agent a listener of its own on a port that is free now.
func (s *Sandbox) exposeMetrics() error {
	authorities := s.Authorities()
	ports, err := freePorts(len(authorities) + 1)
	if err != nil {
		return err
	}
	var targets []target
	expose := func(config string, port int, labels map[string]string) error {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		targets = append(targets, target{[]string{address}, labels})
		file, err := os.OpenFile(config, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(file, "\n# Prometheus reads here how it is doing.\n[metrics]\nlisten = %q\n", address)
		return errors.Join(err, file.Close())
	}
	errs := []error{expose(s.BrokerConfig(), ports[0], map[string]string{"component": "broker"})}
	for i, id := range authorities {
		errs = append(errs, expose(s.AgentConfig(id), ports[i+1], map[string]string{"component": "agent", "authority": string(id)}))
	}
	text, err := json.Marshal(targets, json.Deterministic(true), jsontext.Multiline(true), jsontext.WithIndent("  "))
	return errors.Join(append(errs, err, writeFile(s.MetricsTargets(), append(text, '\n'), 0o600))...)
}

// freePorts asks the system for several ports at once, so that it gives none twice.
func freePorts(n int) (ports []int, err error) {
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("finding free ports: %w", err)
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
