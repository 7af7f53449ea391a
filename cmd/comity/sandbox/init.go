package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"comity/schemas"
)

// Plan is what a sandbox is to be.
type Plan struct {
	Dir    string
	States []schemas.StateCode
	// Port is where the broker will listen, on the loopback interface. 0 takes one that is free now.
	Port int
	// Routine and Urgent are the release ticks. A sandbox has short ones; a real authority 15 and 1 minutes.
	Routine, Urgent time.Duration
	// ResendFirst is the first wait for a receipt. 0 leaves the agent's default.
	ResendFirst time.Duration
	// Logins has each agent make an account for every role when it is opened, all with one password (Sandbox.Password).
	Logins bool
	// Metrics gives the broker and each agent a listener for Prometheus (Sandbox.MetricsTargets).
	Metrics bool
	Now     func() time.Time
}

// maxSocketPath is what Linux takes as the path of a unix socket, less its final zero byte; BSD takes 4 fewer.
const maxSocketPath = 103

// ErrNotEmpty says that Init found something in the folder.
var ErrNotEmpty = errors.New("folder is not empty")

// Init makes a sandbox in a new or empty folder. When it fails it leaves nothing behind.
func Init(p Plan) (*Sandbox, error) {
	s, err := p.check()
	if err != nil {
		return nil, fmt.Errorf("making sandbox: %w", err)
	}
	if err := s.write(p); err != nil {
		return nil, fmt.Errorf("making sandbox: %w", errors.Join(err, os.RemoveAll(s.dir)))
	}
	return s, nil
}

func (p *Plan) check() (*Sandbox, error) {
	if len(p.States) < 2 {
		return nil, errors.New("a scheme needs two States at least")
	}
	if len(slices.Compact(slices.Sorted(slices.Values(p.States)))) != len(p.States) {
		return nil, errors.New("a State is named twice")
	}
	for _, state := range p.States {
		if err := checkState(state); err != nil {
			return nil, err
		}
	}
	dir, err := filepath.Abs(p.Dir)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{dir: dir, mark: mark{Scheme: SchemeName, States: p.States}}
	entries, err := os.ReadDir(dir)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case len(entries) > 0:
		return nil, fmt.Errorf("%s: %w", p.Dir, ErrNotEmpty)
	}
	for _, id := range s.Authorities() {
		if socket := filepath.Join(s.Home(id), "agent.sock"); len(socket) > maxSocketPath {
			return nil, fmt.Errorf("the path of the socket %s has %d characters and may have %d: choose a shorter folder", socket, len(socket), maxSocketPath)
		}
	}
	if p.Port == 0 {
		if p.Port, err = freePort(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// freePort asks the system for a port. Somebody else may take it before the broker does, which the broker then reports.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// write makes everything, the mark last: a folder without it is no sandbox.
func (s *Sandbox) write(p Plan) error {
	for _, folder := range []string{"", "ca", "ca/scheme", "broker", "trust", "trust/directory", "trust/crl"} {
		if err := os.MkdirAll(filepath.Join(s.dir, folder), 0o700); err != nil {
			return err
		}
	}
	m, err := newScheme(p)
	if err != nil {
		return err
	}
	brokerRow, err := m.writeBroker(s, "127.0.0.1:"+strconv.Itoa(p.Port))
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	for _, state := range p.States {
		if err := m.writeState(s, state, p); err != nil {
			return fmt.Errorf("authorities of %s: %w", state, err)
		}
	}
	if err := m.publishList(s, brokerRow); err != nil {
		return fmt.Errorf("trust list: %w", err)
	}
	if p.Logins {
		if err := writeFile(filepath.Join(s.dir, passwordFile), []byte(newPassword()+"\n"), 0o600); err != nil {
			return err
		}
	}
	if p.Metrics {
		if err := s.exposeMetrics(); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	text, err := schemas.Canonical(s.mark)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(s.dir, markFile), append(text, '\n'), 0o600)
}

// writeFile puts a whole file in place at once: agents and brokers look at the published folder at any time.
func writeFile(path string, content []byte, mode os.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), path)
}
