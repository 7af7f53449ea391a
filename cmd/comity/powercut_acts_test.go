package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/link"
	"comity/cmd/comity/sandbox"
	"comity/deploy/samples"
	"comity/pki"
	"comity/pki/jose"
	"comity/schemas"
)

// deed is what people do while the power of a process is about to be cut. It calls arm once the victim may die, with what
// starts the victim where it did not run.
type deed func(m *matrix, arm func(start ...func()))

// The agents of the border desks start when the first alert is sent.
const (
	qmBorder victim = "border agent of QM"
	qnBorder victim = "border agent of QN"
)

func (m *matrix) openBorder() {
	m.t.Helper()
	if m.processes[qmBorder] == nil {
		m.run(qmBorder, "agent", "--config", m.sandbox.AgentConfig("QM/border"))
		m.run(qnBorder, "agent", "--config", m.sandbox.AgentConfig("QN/border"))
	}
	m.until("reaching the border desk", func(ctx context.Context) error {
		_, err := m.client("QM/border", sandbox.Officer1).Health(ctx)
		return err
	})
}

// exchange is a request from QM to QN, edited once, approved and receipted.
func exchange(m *matrix, arm func(...func())) {
	draft := m.request()
	arm()
	m.deliver(m.qm, draft, m.request(), sandbox.Officer1)
}

// request is a sample with a text that no other has.
func (m *matrix) request() []byte {
	m.t.Helper()
	return m.sample("mla-request-bank-records.json", func(object map[string]any) {
		body := object["body"].(map[string]any)
		body["description"] = fmt.Sprintf("%s (letter %d)", body["description"], m.letters)
	})
}

func (m *matrix) sample(file string, change func(map[string]any)) []byte {
	m.t.Helper()
	m.letters++
	draft, err := samples.Draft(file, time.Now())
	if err != nil {
		m.t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(draft, &object); err != nil {
		m.t.Fatal(err)
	}
	if change != nil {
		change(object)
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		m.t.Fatal(err)
	}
	return encoded
}

// draft hands in a draft unless it is there already: a person whose call had no answer looks first.
func (m *matrix) draft(from schemas.AuthorityID, draft []byte) (made api.Message) {
	m.t.Helper()
	officer := m.client(from, sandbox.Officer1)
	m.until("drafting", func(ctx context.Context) error {
		waiting, err := officer.Messages(ctx, api.Query{State: "in-review"})
		if err != nil {
			return err
		}
		if len(waiting) == 0 {
			waiting, err = officer.Draft(ctx, draft)
		}
		if err == nil {
			made = waiting[0]
		}
		return err
	})
	return made
}

// deliver writes a letter, edits it if there is another text, has it approved and awaits its receipt.
func (m *matrix) deliver(from schemas.AuthorityID, draft, edited []byte, author sandbox.Person) {
	m.t.Helper()
	officer, approver := m.client(from, author), m.client(from, sandbox.Approver)
	made := m.draft(from, draft)
	if edited != nil {
		m.until("editing", func(ctx context.Context) error {
			_, err := officer.Edit(ctx, made.ID, edited)
			return err
		})
	}
	m.until("approving", func(ctx context.Context) error {
		now, err := approver.Message(ctx, string(made.ID))
		if err == nil && now.State == "in-review" {
			_, err = approver.Approve(ctx, made.ID, now.SHA256)
		}
		return err
	})
	m.until("awaiting the receipt", func(ctx context.Context) error {
		now, err := officer.Message(ctx, string(made.ID))
		if err == nil && now.State == "under-review" {
			err = m.release(ctx, from, made.ID)
		}
		if err == nil && now.State != "delivered" {
			err = fmt.Errorf("message %s is %s", made.ID, now.State)
		}
		return err
	})
	m.sent = append(m.sent, made.ID)
}

// release has both protection officers release what is held, each unless they have done so already. What they read may
// have changed meanwhile: then they look again.
func (m *matrix) release(ctx context.Context, at schemas.AuthorityID, id schemas.MessageID) error {
	for _, who := range []sandbox.Person{sandbox.Protection1, sandbox.Protection2} {
		officer := m.client(at, who)
		r, err := officer.Review(ctx, string(id))
		if err == nil && !slices.Contains(r.ReleasedBy, string(who)) {
			_, err = officer.Release(ctx, id, api.Release{SHA256: r.Message.SHA256, Digest: r.Digest, Necessity: "QM interviews her as a witness and must protect her."})
		}
		if problem, refused := errors.AsType[*api.Problem](err); refused {
			return errors.New(problem.Message) // no longer under review, or decided on anew
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// giveUp is a draft that its author discards.
func giveUp(m *matrix, arm func(...func())) {
	made := m.draft(m.qm, m.request())
	arm()
	officer := m.client(m.qm, sandbox.Officer1)
	m.until("discarding", func(ctx context.Context) error {
		now, err := officer.Message(ctx, string(made.ID))
		if err == nil && now.State != "discarded" {
			_, err = officer.Discard(ctx, made.ID)
		}
		return err
	})
}

// alert is a live border alert: one signature, and a second look afterwards.
func alert(m *matrix, arm func(...func())) {
	made := m.draft("QM/border", m.sample("border-alert.json", nil))
	arm()
	officer, approver := m.client("QM/border", sandbox.Officer1), m.client("QM/border", sandbox.Approver)
	m.until("signing alone", func(ctx context.Context) error {
		now, err := officer.Message(ctx, string(made.ID))
		if err == nil && now.State == "in-review" {
			_, err = officer.SignAlone(ctx, made.ID, now.SHA256)
		}
		if err == nil && now.State != "delivered" {
			err = fmt.Errorf("message %s is %s", made.ID, now.State)
		}
		return err
	})
	m.until("looking again", func(ctx context.Context) error {
		_, err := approver.LookAgain(ctx, made.ID, made.SHA256)
		if problem, refused := errors.AsType[*api.Problem](err); refused && problem.Reason == agent.ReasonState {
			return nil // the look was recorded, and its answer lost
		}
		return err
	})
}

// reviewed is a letter of QN to QM about a person whom QM must protect from QO: held, released by two, and labelled there.
func reviewed(m *matrix, arm func(...func())) {
	m.letters++
	letter, err := json.Marshal(map[string]any{
		"to": []any{string(m.qm)}, "channel": "mla", "type": "mla.spontaneous-information/1", "language": "en", "urgency": "routine",
		"legal_basis": []any{map[string]any{"instrument": "untoc", "article": "18(4)"}}, "onward": "none", "protect_from": []any{"QO"},
		"body": map[string]any{"content": fmt.Sprintf("The girl asked for asylum (letter %d).", m.letters), "restrictions": map[string]any{"keep_confidential": "always"}},
		"subjects": []any{map[string]any{"ref": "p1", "role": "victim", "identity": map[string]any{
			"names": []any{"TESTPERSON CHARLIE-03"}, "nationalities": []any{"QO"},
		}}},
		"home": map[string]any{"persons": map[string]any{"p1": map[string]any{"name_by_choice": true, "necessity": "QM interviews her."}}},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	arm()
	m.deliver(m.qn, letter, nil, sandbox.Officer1)
}

// rubbish is bytes that QN's desk seals for QM's and that are nothing. The agent's keys are in other hands then, or it is
// broken.
func rubbish(m *matrix, arm func(...func())) {
	arm()
	config, keys := m.keys(m.qn)
	view := m.published(config)
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	l, err := link.Dial(ctx, link.Config{URL: config.BrokerURL, TLS: keys.TLS, Roots: view.BrokerRoots()})
	if err == nil {
		err = l.WaitUp(ctx)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	to, err := view.EncryptionKey(m.qm, time.Now())
	if err != nil {
		m.t.Fatal(err)
	}
	id := schemas.NewMessageID()
	route := schemas.Route{From: m.qn, To: m.qm, Channel: schemas.ChannelMLA, ID: id, Suite: 1, Key: jose.Thumbprint(to.Certificate())}
	wire, err := jose.Encrypt(to.Certificate().PublicKey.(*ecdsa.PublicKey), jose.TypEnvelope, route, []byte("rubbish"+strings.Repeat(" ", 4096-7)))
	if err == nil {
		_, err = l.Submit(ctx, m.qm, schemas.ChannelMLA, id, wire)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	officer := m.client(m.qm, sandbox.Officer1)
	m.until("raising the alarm", func(ctx context.Context) error {
		health, err := officer.Health(ctx)
		if err == nil && !slices.ContainsFunc(health.Alarms, func(a api.Alarm) bool { return a.Kind == string(agent.AlarmUnreadable) }) {
			err = errors.New("no alarm yet")
		}
		return err
	})
}

func (m *matrix) keys(id schemas.AuthorityID) (agent.Config, *agent.Identity) {
	m.t.Helper()
	config, err := agent.LoadConfig(m.sandbox.AgentConfig(id))
	if err != nil {
		m.t.Fatal(err)
	}
	keys, err := agent.ReadIdentity(config.Keys)
	if err != nil {
		m.t.Fatal(err)
	}
	return config, keys
}

func (m *matrix) published(config agent.Config) *pki.View {
	m.t.Helper()
	keeper, err := pki.OpenKeeper(m.t.TempDir(), config.Pin, time.Now)
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := keeper.Refresh(config.Published); err != nil {
		m.t.Fatal(err)
	}
	return keeper.View()
}

// lose is a message that the broker loses after it has accepted it, so that QN must ask for its number.
func lose(m *matrix, arm func(...func())) {
	broker, qn := m.processes[theBroker], m.processes[qnAgent]
	qn.kill(m.t)
	officer, approver := m.client(m.qm, sandbox.Officer1), m.client(m.qm, sandbox.Approver)
	lost := m.draft(m.qm, m.request())
	m.until("approving what will be lost", func(ctx context.Context) error {
		now, err := approver.Message(ctx, string(lost.ID))
		if err == nil && now.State == "in-review" {
			_, err = approver.Approve(ctx, lost.ID, now.SHA256)
		}
		return err
	})
	m.awaitAcceptance(lost.ID)
	broker.kill(m.t)
	if err := os.RemoveAll(m.inboxOf("inbox-qn-justice")); err != nil {
		m.t.Fatal(err)
	}
	broker.start(m.t)
	if qn == m.armed {
		arm(func() { qn.start(m.t) })
	} else {
		arm()
		qn.start(m.t)
	}
	m.deliver(m.qm, m.request(), nil, sandbox.Officer1) // which shows QN that the one before is missing
	m.until("awaiting the receipt of what was lost", func(ctx context.Context) error {
		now, err := officer.Message(ctx, string(lost.ID))
		if err == nil && now.State != "delivered" {
			err = fmt.Errorf("message %s is %s", lost.ID, now.State)
		}
		return err
	})
	m.sent = append(m.sent, lost.ID)
}

// inboxOf is the folder of a stream of the broker.
func (w *world) inboxOf(stream string) string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.sandbox.Dir(), "broker", "data", "streams", "jetstream", "*", "streams", stream))
	if err != nil || len(found) != 1 {
		w.t.Fatalf("folders of %s: %v %v", stream, found, err)
	}
	return found[0]
}

// renew publishes every trust document anew.
func renew(m *matrix, arm func(...func())) {
	arm()
	if err := m.sandbox.Renew(time.Now); err != nil {
		m.t.Fatal(err)
	}
	m.deliver(m.qm, m.request(), nil, sandbox.Officer1)
}

// wipe is a broker whose disk is empty.
func wipe(m *matrix, arm func(...func())) {
	broker := m.processes[theBroker]
	broker.kill(m.t)
	if err := os.RemoveAll(filepath.Join(m.sandbox.Dir(), "broker", "data")); err != nil {
		m.t.Fatal(err)
	}
	arm(func() { broker.start(m.t) })
	m.deliver(m.qm, m.request(), nil, sandbox.Officer1)
}

// loseDisk is an authority whose disk is lost after people went on working, and restored from the backup before.
func loseDisk(m *matrix, arm func(...func())) {
	dir := m.t.TempDir()
	home, key, file := m.sandbox.Home(m.qm), filepath.Join(dir, "key"), filepath.Join(dir, "backup.age")
	recipient := strings.TrimSpace(m.program("backup", "key", key))
	m.until("reaching the agent", func(ctx context.Context) error {
		_, err := m.client(m.qm, sandbox.Officer1).Health(ctx)
		return err
	})
	m.program("backup", "--home", home, "-o", file, "--to", recipient)
	m.deliver(m.qm, m.request(), nil, sandbox.Officer1)
	m.deliver(m.qn, m.letterTo(m.qm), nil, sandbox.Officer1)
	m.wantSame()
	m.processes[qmAgent].kill(m.t)
	for _, lost := range []string{"data", "register/register.db", "register/register.db-wal", "register/register.db-shm"} {
		m.remove(filepath.Join(home, lost))
	}
	m.program("restore", file, "--key", key, "--home", home)
	if m.armed == m.processes[qmAgent] {
		arm(func() { m.processes[qmAgent].start(m.t) })
	} else {
		arm()
		m.processes[qmAgent].start(m.t)
	}
	officer := m.client(m.qm, sandbox.Protection1)
	m.until("feeding the register", func(ctx context.Context) error {
		_, err := officer.ImportRegister(ctx, "jsonl", nil)
		return err
	})
	m.deliver(m.qm, m.request(), nil, sandbox.Officer1)
}

// letterTo is a request to an authority.
func (m *matrix) letterTo(to schemas.AuthorityID) []byte {
	return m.sample("mla-request-bank-records.json", func(object map[string]any) {
		object["to"] = []any{string(to)}
		body := object["body"].(map[string]any)
		body["description"] = fmt.Sprintf("%s (letter %d)", body["description"], m.letters)
	})
}

// program runs a command to its end and returns what it prints.
func (m *matrix) program(args ...string) string {
	m.t.Helper()
	cmd := program(m.t, m.t.Context(), args...)
	out, err := cmd.Output()
	if err != nil {
		var said []byte
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			said = exit.Stderr
		}
		m.t.Fatalf("comity %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return string(out)
}
