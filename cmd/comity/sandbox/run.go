package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"golang.org/x/sync/errgroup"

	"comity/agent"
	"comity/broker"
	"comity/schemas"
)

// Parts are what of a sandbox runs in this process.
type Parts struct {
	Broker      bool
	Authorities []schemas.AuthorityID
}

// AllParts are the broker and every agent.
func (s *Sandbox) AllParts() Parts { return Parts{Broker: true, Authorities: s.Authorities()} }

// ParseParts accepts "broker" and authorities, "qm/justice".
func (s *Sandbox) ParseParts(names []string) (Parts, error) {
	var p Parts
	for _, name := range names {
		if name == "broker" {
			p.Broker = true
			continue
		}
		id, err := s.ParseAuthority(name)
		if err != nil {
			return p, err
		}
		if !slices.Contains(p.Authorities, id) {
			p.Authorities = append(p.Authorities, id)
		}
	}
	return p, nil
}

// Run runs the parts in this process until ctx ends, and returns once all have stopped: the agents first, so that what
// they still have to say reaches the broker. ready is called once all parts are ready.
func (s *Sandbox) Run(ctx context.Context, parts Parts, log *slog.Logger, ready func()) error {
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	group, grouped := errgroup.WithContext(running)
	if !parts.Broker {
		return s.runAgents(grouped, group, parts.Authorities, log, ready)
	}
	config, err := broker.LoadConfig(s.BrokerConfig())
	if err != nil {
		return err
	}
	b, err := broker.New(config, broker.Options{Log: log.With("part", "broker")})
	if err != nil {
		return err
	}
	brokerContext, stopBroker := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan error, 1)
	go func() {
		err := b.Run(brokerContext)
		if err != nil {
			err = fmt.Errorf("broker: %w", err)
			fail(err)
		}
		stopped <- err
	}()
	select {
	case <-b.Ready():
		err = s.runAgents(grouped, group, parts.Authorities, log, ready)
	case <-running.Done():
	}
	stopBroker()
	return errors.Join(err, <-stopped)
}

// runAgents runs the agents until ctx ends or one of them fails.
func (s *Sandbox) runAgents(ctx context.Context, group *errgroup.Group, authorities []schemas.AuthorityID, log *slog.Logger, ready func()) error {
	var waiting []<-chan struct{}
	var opening error
	agents := map[schemas.AuthorityID]*agent.Agent{}
	for _, id := range authorities {
		a, err := s.OpenAgent(ctx, id, log)
		if err != nil {
			opening = err
			break
		}
		waiting = append(waiting, a.Ready())
		agents[id] = a
		group.Go(func() error { return errors.Join(a.Run(ctx), a.Close()) })
	}
	group.Go(func() error {
		if opening != nil {
			return opening
		}
		for _, one := range waiting {
			select {
			case <-one:
			case <-ctx.Done():
				return nil
			}
		}
		for id, a := range agents {
			s.consoles.Store(id, a.ConsoleURL())
		}
		ready()
		<-ctx.Done()
		return nil
	})
	return group.Wait()
}

// OpenAgent opens the agent of an authority in this process. The caller runs and closes it.
func (s *Sandbox) OpenAgent(ctx context.Context, id schemas.AuthorityID, log *slog.Logger) (*agent.Agent, error) {
	config, err := agent.LoadConfig(s.AgentConfig(id))
	if err != nil {
		return nil, err
	}
	a, err := agent.New(ctx, config, agent.Options{Log: log, Extractor: s.Extractor})
	if err != nil {
		return nil, err
	}
	if err := s.addLogins(ctx, id, a.Accounts()); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}
