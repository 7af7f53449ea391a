package linktest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"comity/agent/link"
	"comity/broker"
)

// brokerProcess makes the test binary a broker of its own, so that it can be killed as a power cut does: without a
// word.
const brokerProcess = "COMITY_TEST_BROKER_CONFIG"

func TestMain(m *testing.M) {
	if path := os.Getenv(brokerProcess); path != "" {
		fmt.Fprintln(os.Stderr, runBroker(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func runBroker(path string) error {
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

// spawn starts a broker process on the net's folder and returns how to kill it.
func (n *net) spawn(t *testing.T) (kill func()) {
	t.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), brokerProcess+"="+filepath.Join(n.dir, "broker.toml"))
	process.Stderr = os.Stderr
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = process.Process.Kill() // SIGKILL; fails only where it is dead already
		_ = process.Wait()
	})
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the broker process did not come up: %v", err)
	}
	if got := strings.TrimSpace(line); got != n.broker.URL() {
		t.Fatalf("the broker process listens on %s", got)
	}
	return kill
}

// TestKill: what was accepted is delivered after kill -9, in hand of an agent or not; what was acknowledged is not
// delivered again; the accounts are the same, and so are the links.
func TestKill(t *testing.T) {
	n := newNet(t)
	n.stop()
	kill := n.spawn(t)
	s, r := n.up(t, sender), n.up(t, recipient)
	var sent []message
	for range 4 {
		m := seal(t)
		submit(t, s, m)
		sent = append(sent, m)
	}
	accounts := readFile(t, n.dir, "data/accounts.json")

	// The first is acknowledged; the second is in hand when the power goes.
	inHand, dark := make(chan struct{}), make(chan struct{})
	got := make(chan link.Delivery, 16)
	receiver(t, r, func(ctx context.Context, d link.Delivery) error {
		if bytes.Equal(d.Wire, sent[1].wire) {
			select {
			case <-dark:
			default:
				close(inHand)
				<-dark
				return errors.New("the broker is gone")
			}
		}
		if err := d.Ack(ctx); err != nil {
			return err
		}
		got <- d
		return nil
	})
	if d := next(t, got); !bytes.Equal(d.Wire, sent[0].wire) {
		t.Fatal("another message than the first")
	}
	<-inHand
	kill()
	close(dark)
	waitDown(t, s)

	began := time.Now()
	n.spawn(t)
	t.Logf("up again after %v", time.Since(began))
	if readFile(t, n.dir, "data/accounts.json") != accounts {
		t.Error("other accounts after the restart")
	}
	missing := map[string]bool{string(sent[1].wire): true, string(sent[2].wire): true, string(sent[3].wire): true}
	for range 3 {
		d := next(t, got)
		if !missing[string(d.Wire)] {
			t.Error("delivered twice, or never sent")
		}
		delete(missing, string(d.Wire))
	}
	none(t, got)
	t.Run("a duplicate is still known", func(t *testing.T) {
		waitUp(t, s)
		submit(t, s, sent[3])
		none(t, got)
	})
}

func readFile(t *testing.T, dir, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
