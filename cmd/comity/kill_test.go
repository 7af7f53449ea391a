package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/people"
	"comity/cmd/comity/clerk"
	"comity/cmd/comity/sandbox"
	"comity/deploy/samples"
	"comity/powercut"
	"comity/schemas"
)

// This test kills processes with SIGKILL while a case runs, starts them again, and holds the two sides against each other
// at the end: the case in one state, no message lost and none doubled (DESIGN section 1, promises 3 and 5).

// victim is one of the three processes of a case: the broker and the agents of the two sides.
type victim string

const (
	theBroker victim = "broker"
	qmAgent   victim = "agent of QM"
	qnAgent   victim = "agent of QN"
)

// patience bounds everything that is awaited: a restart with its reconnection takes a second or two.
const patience = 60 * time.Second

// blow is one kill: which process, and how long after the step has begun.
type blow struct {
	victim victim
	after  time.Duration
}

func (b blow) String() string { return fmt.Sprintf("%s after %s", b.victim, b.after) }

// moments are spread over a step, which takes some 60 ms from draft to receipt when nobody is killed.
var moments = []time.Duration{0, 5 * time.Millisecond, 15 * time.Millisecond, 30 * time.Millisecond, 45 * time.Millisecond, 60 * time.Millisecond, 90 * time.Millisecond}

// Plain runs have TestPowerCut and TestKilledUnderLoad, which kill at named points and at any moment.
func TestKilledAtAnyStep(t *testing.T) {
	if os.Getenv(fullRun) == "" {
		t.Skip("each story under each blow: " + fullRun + "=1")
	}
	for _, story := range samples.Stories() {
		for _, victim := range []victim{theBroker, qmAgent, qnAgent} {
			for _, moment := range moments {
				b := blow{victim, moment}
				t.Run(story.Name+": "+b.String(), func(t *testing.T) { newWorld(t, story).play(func() blow { return b }) })
			}
		}
	}
}

// fullRun asks for all of what a plain run plays a sample of.
const fullRun = "COMITY_FULL"

// world is a sandbox whose broker and two agents are processes of their own.
type world struct {
	t         *testing.T
	sandbox   *sandbox.Sandbox
	story     samples.Story
	qm, qn    schemas.AuthorityID // between which the story plays
	processes map[victim]*process

	calling sync.Mutex
	clients map[string]*api.Client // by desk and person
}

// newWorld starts what a story needs. Its first draft tells between which authorities it plays: those of one name.
func newWorld(t *testing.T, story samples.Story) *world {
	t.Helper()
	_, to := draftOf(t, story.Steps[0])
	w := newWorldOf(t, to.Name(), nil)
	w.story = story
	return w
}

// newWorldOf starts a broker and the agents of one name in two States. change may edit the sandbox's files before.
func newWorldOf(t *testing.T, name string, change func(*sandbox.Sandbox)) *world {
	t.Helper()
	s, err := sandbox.Init(sandbox.Plan{
		Dir: shortDir(t) + "/s", States: []schemas.StateCode{"QM", "QN"}, Routine: 20 * time.Millisecond, Urgent: 20 * time.Millisecond, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	w := &world{t: t, sandbox: s, qm: schemas.AuthorityID("QM/" + name), qn: schemas.AuthorityID("QN/" + name), processes: map[victim]*process{}}
	t.Cleanup(func() {
		for name, p := range w.processes {
			p.kill(t)
			if t.Failed() {
				t.Logf("log of %s:\n%s", name, &p.log)
			}
		}
	})
	w.run(theBroker, "broker", "--config", s.BrokerConfig())
	w.run(qmAgent, "agent", "--config", s.AgentConfig(w.qm))
	w.run(qnAgent, "agent", "--config", s.AgentConfig(w.qn))
	return w
}

// run starts a process of the world.
func (w *world) run(v victim, args ...string) {
	w.t.Helper()
	w.processes[v] = &process{args: args, cut: filepath.Join(w.sandbox.Dir(), "cut-"+strings.ReplaceAll(string(v), " ", "-"))}
	w.processes[v].start(w.t)
}

// process is one child that can be killed and started again.
type process struct {
	args []string
	cut  string       // the file in which the next cut of its power stands
	log  bytes.Buffer // of all its lives; read only while it does not run
	mu   sync.Mutex
	cmd  *exec.Cmd
}

func (p *process) start(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = program(t, context.Background(), p.args...)
	p.cmd.Env = append(p.cmd.Env, powercut.Variable+"="+p.cut)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Errorf("starting %v: %v", p.args, err)
	}
}

// kill ends the process without a warning, and returns once it is gone.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd.ProcessState != nil {
		return // it is gone already
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("killing %v: %v", p.args, err)
	}
	var exit *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Errorf("waiting for %v: %v", p.args, err)
	}
}

// draftOf reads a sample and to whom it goes.
func draftOf(t *testing.T, step samples.Step) (draft []byte, to schemas.AuthorityID) {
	t.Helper()
	draft, err := samples.Draft(step.File, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	recipients, err := clerk.Recipients(draft)
	if err != nil || len(recipients) != 1 {
		t.Fatalf("%s is for %v: %v", step.File, recipients, err)
	}
	return draft, recipients[0]
}

// play plays the story with one blow at each step, and compares both sides after each and at the end.
func (w *world) play(next func() blow) {
	w.t.Helper()
	c := &correspondence{world: w, sent: map[string]schemas.MessageID{}}
	for _, step := range w.story.Steps {
		c.sendUnder(next(), step)
		c.compare(step.State)
	}
}

// sendUnder sends one message while the blow falls, and returns once the victim runs again.
func (c *correspondence) sendUnder(b blow, step samples.Step) {
	c.t.Helper()
	c.t.Logf("%s: kill %s", step.File, b)
	struck := make(chan struct{})
	time.AfterFunc(b.after, func() {
		defer close(struck)
		c.processes[b.victim].kill(c.t)
		c.processes[b.victim].start(c.t)
	})
	defer func() { <-struck }() // also where sending fails: no process may outlive the test
	c.send(step)
}

// correspondence is one case, written by people whose agents die under them.
type correspondence struct {
	*world
	opened schemas.CaseID
	sent   map[string]schemas.MessageID // by file
	all    []schemas.MessageID
}

// client is one for each person at each desk, so that who asks a thousand times does not leave a thousand connections.
func (w *world) client(id schemas.AuthorityID, p sandbox.Person) *api.Client {
	w.t.Helper()
	w.calling.Lock()
	defer w.calling.Unlock()
	who := string(id) + " " + string(p)
	if client := w.clients[who]; client != nil {
		return client
	}
	config, err := agent.LoadConfig(w.sandbox.AgentConfig(id))
	if err != nil {
		w.t.Fatal(err)
	}
	credential, err := people.ReadCredential(w.sandbox.Credential(id, p))
	if err != nil {
		w.t.Fatal(err)
	}
	client := api.Dial(config.Socket, id, credential)
	w.t.Cleanup(client.Close)
	if w.clients == nil {
		w.clients = map[string]*api.Client{}
	}
	w.clients[who] = client
	return client
}

// until tries again what fails because an agent is not there, and gives up what an agent refuses.
func (w *world) until(what string, try func(ctx context.Context) error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		if problem, refused := errors.AsType[*api.Problem](err); refused && problem.Reason != string(people.ReasonOutsideWindow) {
			w.t.Fatalf("%s: %v", what, err)
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			w.t.Fatalf("%s: not within %s: %v", what, patience, err)
		}
	}
}

// send drafts, approves and awaits the receipt of one message. A call whose answer was lost is not repeated blindly: the
// person looks first, as people do.
func (c *correspondence) send(step samples.Step) {
	c.t.Helper()
	draft, to := draftOf(c.t, step)
	from := c.qm
	if to == c.qm {
		from = c.qn
	}
	draft, err := (clerk.Place{Case: c.opened, Answers: c.sent[step.Answers]}).Put(draft)
	if err != nil {
		c.t.Fatal(err)
	}
	officer, approver := c.client(from, sandbox.Officer1), c.client(from, sandbox.Approver)
	var m api.Message
	c.until("drafting "+step.File, func(ctx context.Context) error {
		waiting, err := officer.Messages(ctx, api.Query{State: "in-review"})
		if err != nil {
			return err
		}
		if len(waiting) == 0 {
			waiting, err = officer.Draft(ctx, draft)
		}
		if err == nil {
			m = waiting[0]
		}
		return err
	})
	c.until("approving "+step.File, func(ctx context.Context) error {
		now, err := approver.Message(ctx, string(m.ID))
		if err == nil && now.State == "in-review" {
			_, err = approver.Approve(ctx, m.ID, now.SHA256)
		}
		return err
	})
	c.until("awaiting the receipt of "+step.File, func(ctx context.Context) error {
		m, err = clerk.Await(ctx, officer, m.ID, "delivered")
		return err
	})
	c.opened, c.sent[step.File], c.all = m.Case, m.ID, append(c.all, m.ID)
}

// compare demands of both sides the same state and exactly the messages that were sent, each once.
func (c *correspondence) compare(state string) {
	c.t.Helper()
	want := slices.Sorted(slices.Values(c.all))
	for _, id := range []schemas.AuthorityID{c.qm, c.qn} {
		officer := c.client(id, sandbox.Officer1)
		c.until("reading the case at "+string(id), func(ctx context.Context) error {
			file, err := officer.Case(ctx, string(c.opened))
			if err != nil {
				return err
			}
			messages, err := officer.Messages(ctx, api.Query{})
			if err != nil {
				return err
			}
			var got []schemas.MessageID
			for _, m := range messages {
				if got = append(got, m.ID); m.Direction == "in" && m.State == "under-review" {
					return fmt.Errorf("%s: message %s has not been screened", id, m.ID) // which does not hold up its receipt
				}
				if m.State != "delivered" && m.State != "received" {
					c.t.Errorf("%s: message %s is %s", id, m.ID, m.State)
				}
			}
			slices.Sort(got)
			if file.State != state || !slices.Equal(got, want) {
				c.t.Errorf("%s: case is %s with messages %v; want %s with %v", id, file.State, got, state, want)
			}
			return nil
		})
	}
}
