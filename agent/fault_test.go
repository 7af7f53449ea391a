package agent

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/register"
	"comity/agent/scan"
	"comity/agent/store"
	"comity/schemas"
)

// aboutSomebody is a request about a suspect whom the register can be asked about; without a fault it leaves.
func aboutSomebody(t *testing.T) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(draft(t, qn, "request", "", ""), &object); err != nil {
		t.Fatal(err)
	}
	object["subjects"] = []any{map[string]any{"ref": "p1", "role": "suspect", "identity": map[string]any{"names": []any{"TESTPERSON HOTEL-08"}, "nationalities": []any{"QM"}}}}
	body := map[string]any{}
	for _, member := range []string{"assistance", "matter", "facts", "description", "purpose", "offence"} {
		body[member] = object["body"].(map[string]any)[member]
	}
	body["assistance"] = []any{"provide-records"}
	object["body"] = body
	encoded, err := schemas.Canonical(object) // always the same text: tests replace parts of it
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// slow is a register that does not answer in time.
type slow struct{ real *guardedRegister }

func (s slow) Look(ctx context.Context, q register.Question) (register.Answer, error) {
	<-ctx.Done()
	return register.Answer{}, ctx.Err()
}

type outOfMemory struct{}

func (outOfMemory) Scan(context.Context, scan.Input) (scan.Report, error) {
	return scan.Report{}, errors.New("the budget of memory is used up")
}

// Whatever fails in the filter, the message does not leave: no number is used, nothing is sealed, the outbox is empty.
func TestAFilterThatFailsLetsNothingOut(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "national.cedar")
	if err := os.WriteFile(rules, []byte(holding), 0o600); err != nil {
		t.Fatal(err)
	}
	faults := []struct {
		name string
		rule string
		hurt func(t *testing.T, d *desk)
	}{
		{"no register is configured", "ASY-03", func(t *testing.T, d *desk) { d.replaceRegister(t, register.Config{}) }},
		{"the register's file is missing", "ASY-03", func(t *testing.T, d *desk) {
			if err := os.Rename(d.config.Register.Path, d.config.Register.Path+".away"); err != nil {
				t.Fatal(err)
			}
		}},
		{"another process holds the register", "ASY-03", func(t *testing.T, d *desk) {
			d.register.close()
			other, err := register.Open(t.Context(), RegisterConfig(d.config, d.now))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { other.Close() })
			d.replaceRegister(t, RegisterConfig(d.config, d.now))
		}},
		{"the register is damaged", "ASY-03", func(t *testing.T, d *desk) {
			d.register.close()
			content, err := os.ReadFile(d.config.Register.Path)
			if err != nil {
				t.Fatal(err)
			}
			for i := range content[100:] {
				content[100+i] ^= 0x55
			}
			if err := os.WriteFile(d.config.Register.Path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			d.replaceRegister(t, RegisterConfig(d.config, d.now))
		}},
		{"the key is another one", "ASY-03", func(t *testing.T, d *desk) {
			d.register.close()
			if err := os.WriteFile(d.config.Register.Key, make([]byte, register.KeySize), 0o600); err != nil {
				t.Fatal(err)
			}
			d.replaceRegister(t, RegisterConfig(d.config, d.now))
		}},
		{"the feed is old", "ASY-03", func(_ *testing.T, d *desk) { d.w.clock.Advance(27 * time.Hour) }},
		{"the register is slow", "ASY-03", func(t *testing.T, d *desk) {
			d.policy.config.Register, d.policy.config.Patience = slow{d.register}, 50*time.Millisecond
			d.policy.load()
		}},
		{"the scanner is out of memory", "ASY-10", func(t *testing.T, d *desk) {
			d.policy.config.Scanner = outOfMemory{}
			d.policy.load()
		}},
		{"the State's rules cannot be read", "EVAL-01", func(t *testing.T, d *desk) {
			d.policy.paths = []string{rules + ".away"}
			d.policy.refresh()
		}},
	}
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			w := newWorldOf(t, qm, qn)
			d := w.desks[qm]
			m := d.write(aboutSomebody(t))
			fault.hurt(t, d)
			d.seal(m.ID)
			d.hasSentNothing(m.ID)
			if got := d.message(qm, m.ID).State; got != store.UnderReview {
				t.Fatalf("the message is %s", got)
			}
			r := d.review(m.ID)
			if len(r.Rules) != 1 || r.Rules[0] != fault.rule {
				t.Errorf("stopped by %v, want %s", r.Rules, fault.rule)
			}
		})
	}
}

func (d *desk) replaceRegister(t *testing.T, c register.Config) {
	t.Helper()
	d.register = &guardedRegister{config: c}
	d.policy.config.Register = d.register
	d.policy.load()
}

func (d *desk) hasSentNothing(id schemas.MessageID) {
	d.t.Helper()
	m := d.message(d.me, id)
	if m.Seq != 0 || m.Wire != nil || m.JWS != nil {
		d.t.Errorf("number %d, %d bytes sealed", m.Seq, len(m.Wire))
	}
	if got := d.outgoingKinds(); len(got) > 0 {
		d.t.Errorf("the outbox holds %v", got)
	}
}

// fullDisk makes the test binary play on a disk that is full: the limit is one of a whole process.
const fullDisk = "COMITY_TEST_FULL_DISK"

// The disk is full when the message would be sealed, and again when it would be put under review: it stays where it is.
func TestAFullDiskLetsNothingOut(t *testing.T) {
	if os.Getenv(fullDisk) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.CommandContext(t.Context(), self, "-test.run=^TestAFullDiskLetsNothingOut$")
		child.Env = append(os.Environ(), fullDisk+"=1")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	if _, err := d.register.get(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := d.write(aboutSomebody(t))
	mend := fillDisk(t)
	err := d.releaseOne(t.Context(), d.message(qm, m.ID))
	mend()
	if err == nil {
		t.Error("sealing on a full disk reported success")
	}
	d.hasSentNothing(m.ID)
	if got := d.message(qm, m.ID).State; got != store.Approved {
		t.Errorf("the message is %s, and should wait for the next tick", got)
	}
	d.seal(m.ID) // there is room again
	if got := d.message(qm, m.ID); got.State != store.Sent || got.Seq != 1 {
		t.Errorf("with room again the message is %s, number %d", got.State, got.Seq)
	}
}
