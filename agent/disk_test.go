package agent

import (
	"errors"
	"os"
	"os/exec"
	ossignal "os/signal"
	"strings"
	"syscall"
	"testing"

	"comity/agent/api"
	"comity/agent/store"
	"comity/agent/store/baddisk"
)

// receivesOn makes the test binary play a desk that receives on a bad disk.
const receivesOn = "COMITY_TEST_RECEIVES_ON"

// doctorSaid is before what the desk on the bad disk calls it.
const doctorSaid = "doctor said: "

// What a desk cannot store it neither acknowledges nor receipts: the broker keeps it. Doctor names what is wrong with the
// disk, and when it is good again the message comes in, once.
func TestNothingIsTakenOnABadDisk(t *testing.T) {
	faults := map[store.Fault]func() error{
		store.FaultReadOnly: func() error { return baddisk.Fail(syscall.EROFS, baddisk.Write, baddisk.Create) },
		store.FaultSync:     func() error { return baddisk.Fail(syscall.EIO, baddisk.Sync) },
		store.FaultFull:     nil, // by a limit, which can be taken back
	}
	if fault := store.Fault(os.Getenv(receivesOn)); fault != "" {
		receiveOnABadDisk(t, fault, faults[fault])
		return
	}
	var table namedFaults
	t.Cleanup(func() { table.print(t) })
	for fault := range faults {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNothingIsTakenOnABadDisk$", "-test.v")
			child.Env = append(os.Environ(), receivesOn+"="+string(fault))
			out, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if strings.Contains(string(out), "--- SKIP") {
				t.Skip("this system cannot make its disk bad")
			}
			_, named, _ := strings.Cut(string(out), doctorSaid)
			named, _, _ = strings.Cut(named, "\n")
			table.add("a disk that is "+string(fault), "doctor store: "+named)
		})
	}
}

func receiveOnABadDisk(t *testing.T, fault store.Fault, spoil func() error) {
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	sent := m.send(draft(t, qn, "request", "", ""))
	mend := func() {}
	if spoil == nil {
		mend = fillDisk(t)
	} else if err := spoil(); errors.Is(err, baddisk.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	err := n.accept(t.Context(), sent.Wire)
	check := storeCheck(n)
	mend()
	if err == nil {
		t.Error("a message was taken that cannot be stored")
	}
	t.Log(doctorSaid + check.Detail)
	if check.OK || !strings.HasPrefix(check.Detail, string(fault)) || check.Hint == "" {
		t.Errorf("doctor says %+v, want %s", check, fault)
	}
	switch fault {
	case store.FaultFull:
		n.take(sent.Wire)
		w.carry(t)
		w.wantEqual(t, qm, qn)
		if check := storeCheck(n); !check.OK {
			t.Errorf("with room again doctor says %+v", check)
		}
	case store.FaultSync:
		if err := n.watchDisk(t.Context()); !errors.Is(err, store.ErrSync) {
			t.Errorf("the agent goes on: %v", err)
		}
	default:
		if depth := outboxDepth(t, n); depth != 0 {
			t.Errorf("%d rows in the outbox: something was receipted", depth)
		}
	}
}

func storeCheck(d *desk) (found api.Check) {
	d.t.Helper()
	h, err := d.Health(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, check := range h.Checks {
		if check.Name == "store" {
			found = check
		}
	}
	return found
}

// fillDisk lets no file of this process grow until mend is called.
func fillDisk(t *testing.T) (mend func()) {
	t.Helper()
	ossignal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	full := limit
	full.Cur = 1
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		ossignal.Reset(syscall.SIGXFSZ)
	}
}
