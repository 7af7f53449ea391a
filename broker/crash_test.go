package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"comity/broker"
)

// brokerProcess makes the test binary a broker of its own, so that it can be killed as power cuts do: without a word.
const brokerProcess = "COMITY_TEST_BROKER_CONFIG"

func TestMain(m *testing.M) {
	if path := os.Getenv(brokerProcess); path != "" {
		fmt.Fprintln(os.Stderr, runProcess(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func runProcess(path string) error {
	cfg, err := broker.LoadConfig(path)
	if err != nil {
		return err
	}
	b, err := broker.New(cfg, broker.Options{})
	if err != nil {
		return err
	}
	go func() {
		<-b.Ready()
		fmt.Println(b.URL())
	}()
	return b.Run(context.Background())
}

// spawn starts a broker process on the world's folder and returns how to kill it.
func (w *world) spawn(t *testing.T) (kill func()) {
	t.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), brokerProcess+"="+filepath.Join(w.dir, "broker.toml"))
	process.Stderr = os.Stderr
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill = func() {
		if killed {
			return
		}
		killed = true
		_ = process.Process.Kill() // SIGKILL; fails only where it is dead already
		_ = process.Wait()
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the broker process did not come up: %v", err)
	}
	w.url = strings.TrimSpace(line)
	return kill
}

// TestKill: what was accepted is delivered after kill -9, what was acknowledged is not delivered again, and the
// accounts are the same.
func TestKill(t *testing.T) {
	w := newFolder(t)
	kill := w.spawn(t)
	h, v := w.connect(t, honest), w.connect(t, victim)
	var sent []message
	for range 4 {
		m := sealed(t, route(honest, victim))
		w.accepted(t, h, m)
		sent = append(sent, m)
	}
	before := w.account(t, victim)
	if got := v.pull(t); string(got.Data) != string(sent[0].wire) { // delivered and acknowledged
		t.Fatal("another message than the first")
	} else if _, err := v.conn.Request(got.Reply, []byte("+ACK"), patience); err != nil {
		t.Fatal(err)
	}
	v.pull(t) // delivered and not acknowledged
	kill()

	began := time.Now()
	w.spawn(t)
	t.Logf("up again after %v", time.Since(began))
	if w.account(t, victim) != before {
		t.Error("another account after the restart")
	}
	got := w.drain(t, victim, 3)
	for i, msg := range got {
		if string(msg.Data) != string(sent[i+1].wire) {
			t.Errorf("message %d is not the one that was sent", i)
		}
	}
	t.Run("a duplicate is known after the restart", func(t *testing.T) {
		w.accepted(t, w.connect(t, honest), sent[3])
		w.untouched(t, victim)
	})
}
