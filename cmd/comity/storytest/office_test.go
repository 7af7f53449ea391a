package storytest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/people"
	"comity/cmd/comity/clerk"
	"comity/cmd/comity/sandbox"
	"comity/schemas"
)

// patience bounds one message from its approval to where it stays.
const patience = 30 * time.Second

// scheme is a sandbox that runs in this process, one for all stories: they do not touch each other.
type scheme struct{ *sandbox.Sandbox }

var running struct {
	once sync.Once
	scheme
	stop func() error
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if running.stop != nil {
		if err := running.stop(); err != nil {
			slog.Error("stopping the sandbox", slog.Any("error", err))
			code = 1
		}
	}
	os.Exit(code)
}

func start(t *testing.T) scheme {
	t.Helper()
	running.once.Do(func() {
		dir, err := os.MkdirTemp("", "c-")
		if err != nil {
			running.err = err
			return
		}
		s, err := sandbox.Init(sandbox.Plan{
			Dir: filepath.Join(dir, "s"), States: []schemas.StateCode{"QM", "QN", "QO", "QP", "QR", "QS"},
			Routine: 20 * time.Millisecond, Urgent: 20 * time.Millisecond, Now: time.Now,
		})
		if err != nil {
			running.err = err
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		ready, ended := make(chan struct{}), make(chan error, 1)
		go func() { ended <- s.Run(ctx, s.AllParts(), slog.New(slog.DiscardHandler), func() { close(ready) }) }()
		running.stop = func() error {
			cancel()
			return errors.Join(<-ended, os.RemoveAll(dir))
		}
		select {
		case <-ready:
		case err := <-ended:
			ended <- err
			running.err = errors.Join(errors.New("the sandbox did not start"), err)
		}
		running.scheme = scheme{s}
	})
	if running.err != nil {
		t.Fatal(running.err)
	}
	return running.scheme
}

// office is one authority with its people.
type office struct {
	t  *testing.T
	s  scheme
	id schemas.AuthorityID
}

func (s scheme) at(t *testing.T, id schemas.AuthorityID) *office { return &office{t: t, s: s, id: id} }

// as is a connection of one of its people.
func (o *office) as(p sandbox.Person) *api.Client {
	o.t.Helper()
	config, err := agent.LoadConfig(o.s.AgentConfig(o.id))
	if err != nil {
		o.t.Fatal(err)
	}
	credential, err := people.ReadCredential(o.s.Credential(o.id, p))
	if err != nil {
		o.t.Fatal(err)
	}
	client := api.Dial(config.Socket, o.id, credential)
	o.t.Cleanup(client.Close)
	return client
}

// registers puts records into the authority's register.
func (o *office) registers(records ...string) {
	o.t.Helper()
	for _, record := range records {
		report, err := o.as(sandbox.Protection1).PutRegister(o.t.Context(), []byte(record))
		if err != nil || len(report.Bad) > 0 {
			o.t.Fatalf("%s registering: %v %+v", o.id, err, report.Bad)
		}
	}
}

// check is what the rules say of a draft, without sending it.
func (o *office) check(draft map[string]any) api.PolicyCheck {
	o.t.Helper()
	check, err := o.as(sandbox.Protection1).CheckPolicy(o.t.Context(), encoded(o.t, draft))
	if err != nil {
		o.t.Fatalf("%s checking: %v", o.id, err)
	}
	return check
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// refuses expects the agent to refuse a draft with a defect at a pointer.
func (o *office) refuses(draft map[string]any, pointer string) {
	o.t.Helper()
	_, err := o.as(sandbox.Officer1).Draft(o.t.Context(), encoded(o.t, draft))
	problem, ok := errors.AsType[*api.Problem](err)
	if !ok || !slices.ContainsFunc(problem.Defects, func(d schemas.Defect) bool { return d.Pointer == pointer }) {
		o.t.Fatalf("%s drafting: %v, want a defect at %s", o.id, err, pointer)
	}
}

// writes drafts and has it approved; of a live alert, its author signs.
func (o *office) writes(draft map[string]any) []api.Message {
	o.t.Helper()
	ctx := o.t.Context()
	made, err := o.as(sandbox.Officer1).Draft(ctx, encoded(o.t, draft))
	if err != nil {
		var defects []schemas.Defect
		if problem, ok := errors.AsType[*api.Problem](err); ok {
			defects = problem.Defects
		}
		o.t.Fatalf("%s drafting: %v %+v", o.id, err, defects)
	}
	for _, m := range made {
		if schemas.SingleSignature(m.Type) {
			_, err = o.as(sandbox.Officer1).SignAlone(ctx, m.ID, m.SHA256)
		} else {
			_, err = o.as(sandbox.Approver).Approve(ctx, m.ID, m.SHA256)
		}
		if err != nil {
			o.t.Fatalf("%s approving: %v", o.id, err)
		}
	}
	return made
}

// delivers writes a message that must arrive, and returns it as it stands then.
func (o *office) delivers(draft map[string]any) api.Message {
	o.t.Helper()
	made := o.writes(draft)
	return o.settles(made[0].ID, "delivered")
}

// stops writes a message that must not leave, with a copy for each recipient, and returns its reviews.
func (o *office) stops(draft map[string]any) []api.Review {
	o.t.Helper()
	var reviews []api.Review
	for _, m := range o.writes(draft) {
		o.settles(m.ID, "under-review")
		r, err := o.as(sandbox.Protection1).Review(o.t.Context(), string(m.ID))
		if err != nil {
			o.t.Fatalf("%s reading a review: %v", o.id, err)
		}
		reviews = append(reviews, r)
		o.peerSeesNothing(m)
	}
	return reviews
}

// settles waits until a message stands in a state.
func (o *office) settles(id schemas.MessageID, state string) api.Message {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), patience)
	defer cancel()
	m, err := clerk.Await(ctx, o.as(sandbox.Officer1), id, state)
	if err != nil {
		if r, err := o.as(sandbox.Protection1).Review(o.t.Context(), string(id)); err == nil {
			o.t.Logf("review: %s by %v: %s", r.Outcome, r.Rules, r.Why)
		}
		o.t.Fatalf("%s: %v", o.id, err)
	}
	return m
}

// peerSeesNothing: a message that did not leave does not exist at its recipient.
func (o *office) peerSeesNothing(m api.Message) {
	o.t.Helper()
	if _, err := o.s.at(o.t, m.To).as(sandbox.Protection1).Message(o.t.Context(), string(m.ID)); err == nil {
		o.t.Errorf("%s has a message of %s that never left", m.To, o.id)
	}
}

// releases has two protection officers release a review, and waits for the receipt.
func (o *office) releases(r api.Review, necessity string) api.Message {
	o.t.Helper()
	for _, officer := range []sandbox.Person{sandbox.Protection1, sandbox.Protection2} {
		if _, err := o.as(officer).Release(o.t.Context(), r.Message.ID, api.Release{SHA256: r.Message.SHA256, Digest: r.Digest, Necessity: necessity}); err != nil {
			o.t.Fatalf("%s releasing as %s: %v", o.id, officer, err)
		}
	}
	return o.settles(r.Message.ID, "delivered")
}

// by expects a review's outcome and rules.
func (o *office) by(r api.Review, outcome string, rules ...string) {
	o.t.Helper()
	o.expect(string(r.Message.To), r.Outcome, r.Rules, outcome, rules)
	if r.Why == "" {
		o.t.Errorf("to %s: no plain sentence says why", r.Message.To)
	}
}

func (o *office) expect(to, gotOutcome string, got []string, outcome string, rules []string) {
	o.t.Helper()
	missing := slices.DeleteFunc(slices.Clone(rules), func(rule string) bool { return slices.Contains(got, rule) })
	if gotOutcome != outcome || len(missing) > 0 {
		o.t.Errorf("to %s: %s by %v, want %s by %v", to, gotOutcome, got, outcome, rules)
	}
}

// says expects what a check says.
func (o *office) says(c api.PolicyCheck, outcome string, rules ...string) {
	o.t.Helper()
	o.expect("all", c.Outcome, c.Rules, outcome, rules)
	if c.Outcome != outcome {
		o.t.Logf("errors %+v; why: %s", c.Errors, c.Why)
	}
}

// arrives is the message as an officer of its recipient reads it.
func (o *office) arrives(m api.Message) api.Message {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), patience)
	defer cancel()
	got, err := clerk.Await(ctx, o.s.at(o.t, m.To).as(sandbox.Officer2), m.ID, "received") // once it has been screened
	if err != nil || len(got.Payload) == 0 {
		o.t.Fatalf("%s cannot read a message of %s: %v", m.To, o.id, err)
	}
	return got
}

// hasNoWord expects that the content of a message holds none of some words.
func hasNoWord(t *testing.T, m api.Message, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(strings.ToLower(string(m.Payload)), word) {
			t.Errorf("the message says %q", word)
		}
	}
}

func registerOf(t *testing.T, s scheme, id schemas.AuthorityID) string {
	t.Helper()
	config, err := agent.LoadConfig(s.AgentConfig(id))
	if err != nil {
		t.Fatal(err)
	}
	return config.Register.Path
}
