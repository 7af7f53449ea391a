package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/people"
	"comity/agent/register"
	"comity/cmd/comity/sandbox"
	"comity/schemas"
)

// The two desks between which messages go.
const (
	sender    schemas.AuthorityID = "QM/justice"
	recipient schemas.AuthorityID = "QN/justice"
)

// scheme is a running broker with the two desks.
type scheme struct {
	from, to *agent.Agent
	approver *people.Credential
	states   *states

	numbered []schemas.MessageID // everything that left; of the goroutine that measures
	stop     func() error
}

// start makes a sandbox in dir and runs what is needed of it in this process.
func start(ctx context.Context, dir string, o Options) (*scheme, error) {
	box, err := sandbox.Init(sandbox.Plan{Dir: filepath.Join(dir, "s"), States: []schemas.StateCode{sender.State(), recipient.State()}, Now: time.Now})
	if err != nil {
		return nil, err
	}
	box.Extractor = o.Extractor
	if err := errors.Join(liftQuotas(box.BrokerConfig()), fillRegister(ctx, box, sender)); err != nil {
		return nil, err
	}
	s := &scheme{}
	if s.approver, err = people.ReadCredential(box.Credential(sender, sandbox.Approver)); err != nil {
		return nil, err
	}
	running, end := context.WithCancel(ctx)
	group, running := errgroup.WithContext(running)
	s.stop = func() error {
		end()
		return group.Wait()
	}
	if err := s.run(running, group, box, o); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// run starts the broker, then the agents, and returns once both are connected.
func (s *scheme) run(ctx context.Context, group *errgroup.Group, box *sandbox.Sandbox, o Options) error {
	open := make(chan struct{})
	group.Go(func() error { return box.Run(ctx, sandbox.Parts{Broker: true}, o.Log, func() { close(open) }) })
	if err := await(ctx, open); err != nil {
		return err
	}
	for id, place := range map[schemas.AuthorityID]**agent.Agent{sender: &s.from, recipient: &s.to} {
		a, err := box.OpenAgent(ctx, id, o.Log)
		if err != nil {
			return err
		}
		*place = a
		group.Go(func() error { return errors.Join(a.Run(ctx), a.Close()) })
		if err := await(ctx, a.Ready()); err != nil {
			return err
		}
	}
	s.states = newStates()
	group.Go(func() error { return s.states.follow(ctx, s.from) })
	return nil
}

func await(ctx context.Context, ready <-chan struct{}) error {
	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("not ready within %s", startTimeout)
	}
}

// quotas let everything through: the load is what is measured, not what holds it back.
const quotas = `
[limits]
inbox_bytes = 1073741824

[limits.sender]
messages_per_second = 1000000
message_burst = 1000000
bytes_per_second = 1073741824
byte_burst = 1073741824

[limits.recipient]
messages_per_second = 1000000
message_burst = 1000000
bytes_per_second = 1073741824
byte_burst = 1073741824
`

func liftQuotas(config string) error {
	file, err := os.OpenFile(config, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(quotas)
	return errors.Join(err, file.Close())
}

// registered is how many people the sender's register knows. None is in any message.
const registered = 1000

// fillRegister imports the feed of an authority in whose State invented people have asked for protection.
func fillRegister(ctx context.Context, box *sandbox.Sandbox, id schemas.AuthorityID) error {
	config, err := agent.LoadConfig(box.AgentConfig(id))
	if err != nil {
		return err
	}
	var feed bytes.Buffer
	for n := range registered {
		row, err := schemas.Canonical(object{
			"ref": fmt.Sprintf("bench-%d", n), "names": []any{inventedName(n)}, "birth_date": fmt.Sprintf("%d-%02d-%02d", 1900+n%50, 1+n%12, 1+n%28),
			"nationalities": []any{"QX"}, "feared_states": []any{"QX"}, "status": register.Pending,
		})
		if err != nil {
			return err
		}
		feed.Write(append(row, '\n'))
	}
	r, err := register.Open(ctx, agent.RegisterConfig(config, time.Now))
	if err != nil {
		return err
	}
	report, err := r.Import(ctx, &feed, register.Options{Format: register.JSONLines})
	if err == nil && report.Added != registered {
		err = fmt.Errorf("%d of %d people are in the register, %d rows were refused", report.Added, registered, report.BadRows)
	}
	return errors.Join(err, r.Close())
}

// inventedName is a name that nobody bears, another for each n.
func inventedName(n int) string {
	syllables := []string{"ba", "do", "fi", "gu", "ke", "lo", "mi", "nu", "pa", "ro", "su", "ta", "vi"}
	var b strings.Builder
	for i, k := 0, n; i < 4; i, k = i+1, k/len(syllables)+i {
		b.WriteString(syllables[k%len(syllables)])
	}
	return fmt.Sprintf("TESTPERSON %s-%04d", strings.ToUpper(b.String()), n)
}

// prepared is a message that waits for its approval.
type prepared struct {
	id     schemas.MessageID
	sha256 string
}

// writers is how many people draft at the same time.
const writers = 8

// draftAll has officers draft n messages, each of its own bytes, or as many as there is time for.
func (s *scheme) draftAll(ctx context.Context, first, n, size int, until time.Time) ([]prepared, error) {
	all := make([]prepared, n)
	var group errgroup.Group
	group.SetLimit(writers)
	for i := range all {
		if over(until) {
			all = all[:i]
			break
		}
		group.Go(func() error {
			draft, err := draftOf(first+i, size)
			if err != nil {
				return err
			}
			made, err := s.from.Draft(ctx, string(sandbox.Officer1), draft)
			if err != nil {
				return explain(err)
			}
			all[i] = prepared{made[0].ID, made[0].SHA256}
			return nil
		})
	}
	return all, group.Wait()
}

// explain names what was wrong with a draft.
func explain(err error) error {
	problem, ok := errors.AsType[*api.Problem](err)
	if ok {
		for _, d := range problem.Defects {
			err = fmt.Errorf("%w; at %s: %s", err, d.Pointer, d.Rule)
		}
	}
	return fmt.Errorf("drafting: %w", err)
}

// approve is the second person's signed word.
func (s *scheme) approve(ctx context.Context, m prepared) error {
	body, err := schemas.Canonical(api.Approval{SHA256: m.sha256})
	if err != nil {
		return err
	}
	proof, err := s.approver.Prove(sender, "POST", "/v1/messages/"+string(m.id)+"/approval", body, time.Now())
	if err != nil {
		return err
	}
	_, err = s.from.Approve(ctx, string(sandbox.Approver), m.id, m.sha256, proof)
	return err
}

// count asks the recipient for every message that was delivered. A number that no message of ours bears would be one too
// many.
func (s *scheme) count(ctx context.Context) (lost, doubled int, err error) {
	seen := map[uint64]bool{}
	for _, id := range s.numbered {
		m, err := s.to.Message(ctx, string(id))
		problem, refused := errors.AsType[*api.Problem](err)
		switch {
		case refused && problem.Reason == agent.ReasonNotFound:
			lost++
			continue
		case refused && problem.Reason == agent.ReasonAmbiguous, err == nil && seen[m.Number]:
			doubled++
			continue
		case err != nil:
			return 0, 0, err
		}
		seen[m.Number] = true
	}
	for n := range seen {
		if n > uint64(len(s.numbered)) {
			doubled++
		}
	}
	return lost, doubled, nil
}
