package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire stands between an agent and the broker and does what networks do. With a certificate of the broker's it stands
// inside the encryption too, as the broker's own operator does, and can change what the broker says.
type wire struct {
	listener net.Listener
	target   string
	server   *tls.Config // nil: the bytes pass as they are
	client   *tls.Config

	mu      sync.Mutex
	mode    mode
	changed chan struct{} // closed when the mode next changes
	open    map[net.Conn]struct{}
	came    int // connections so far
	says    func(payload []byte) []byte
}

// mode is how a network behaves.
type mode string

const (
	passes   mode = "passes"
	cuts     mode = "cuts"      // ends every connection, at once
	halfOpen mode = "half-open" // keeps connections and carries nothing
	crawls   mode = "crawls"    // some bytes at a time
)

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, target: target, mode: passes, changed: make(chan struct{}), open: map[net.Conn]struct{}{}}
	go w.accept()
	t.Cleanup(func() {
		listener.Close()
		w.set(cuts)
	})
	return w
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) set(m mode) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mode = m
	close(w.changed)
	w.changed = make(chan struct{})
	if m == cuts {
		for conn := range w.open {
			conn.Close()
		}
	}
}

// lie has what the broker says changed; nil is the truth.
func (w *wire) lie(says func(payload []byte) []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.says = says
}

func (w *wire) now() (mode, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mode, w.changed
}

func (w *wire) attempts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.came
}

func (w *wire) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.join(near)
	}
}

func (w *wire) join(near net.Conn) {
	defer near.Close()
	w.mu.Lock()
	w.came++
	cut := w.mode == cuts
	w.open[near] = struct{}{}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.open, near)
	}()
	if cut {
		return
	}
	far, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer far.Close()
	inside, outside := near, far
	if w.server != nil {
		inside, outside = tls.Server(near, w.server), tls.Client(far, w.client)
	}
	ended := make(chan struct{}, 2)
	go func() {
		w.carry(outside, inside)
		ended <- struct{}{}
	}()
	go func() {
		if w.server == nil {
			w.carry(inside, outside)
		} else {
			w.retell(inside, outside)
		}
		ended <- struct{}{}
	}()
	<-ended
}

// carry copies as the mode of the moment says.
func (w *wire) carry(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		m, changed := w.now()
		some := buffer
		switch m {
		case halfOpen:
			<-changed
			continue
		case crawls:
			<-time.After(10 * time.Millisecond)
			some = buffer[:512]
		}
		n, err := from.Read(some)
		if m, changed := w.now(); n > 0 && m == halfOpen {
			<-changed // what was read when the line died is carried when it is back, if anybody still waits
		}
		if n > 0 {
			if _, err := to.Write(some[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// retell passes on what the broker says in the NATS protocol, with the payload of each message as it is told.
func (w *wire) retell(to io.Writer, from io.Reader) {
	in := bufio.NewReader(from)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "MSG" && fields[0] != "HMSG" {
			if _, err := io.WriteString(to, line); err != nil {
				return
			}
			continue
		}
		size, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil {
			return
		}
		payload := make([]byte, size+2) // and the end of its line
		if _, err := io.ReadFull(in, payload); err != nil {
			return
		}
		w.mu.Lock()
		says := w.says
		w.mu.Unlock()
		if says != nil && fields[0] == "MSG" {
			payload = append(says(bytes.TrimSuffix(payload, []byte("\r\n"))), "\r\n"...)
			fields[len(fields)-1] = strconv.Itoa(len(payload) - 2)
		}
		if _, err := fmt.Fprintf(to, "%s\r\n%s", strings.Join(fields, " "), payload); err != nil {
			return
		}
	}
}
