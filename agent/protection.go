package agent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"comity/agent/register"
	"comity/agent/store"
	"comity/schemas"
)

// guardedRegister is the protection register as the agent uses it: it may be missing, locked or damaged when the agent
// starts and be back later, and until then whoever asks is told that nothing is known, which holds. It is safe for
// concurrent use.
type guardedRegister struct {
	config register.Config // zero Path: this authority has none

	mu    sync.Mutex
	open  *register.Register
	err   error     // why the last attempt to open it failed
	tried time.Time // when that was
}

// registerRetry is the pause between two attempts to open the register.
const registerRetry = 10 * time.Second

var errNoRegister = errors.New("this authority has no protection register: agent.toml names none")

// get opens the register where it is not open yet.
func (g *guardedRegister) get(ctx context.Context) (*register.Register, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open != nil {
		return g.open, nil
	}
	if g.config.Path == "" {
		return nil, errNoRegister
	}
	if g.err != nil && time.Since(g.tried) < registerRetry {
		return nil, g.err
	}
	g.tried = time.Now()
	g.open, g.err = register.Open(ctx, g.config)
	return g.open, g.err
}

func (g *guardedRegister) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		return nil
	}
	return g.open.Close()
}

// Look is what policy asks.
func (g *guardedRegister) Look(ctx context.Context, q register.Question) (register.Answer, error) {
	r, err := g.get(ctx)
	if err != nil {
		return register.Answer{}, err
	}
	return r.Look(ctx, q)
}

// Label registers whom a received message protects.
func (g *guardedRegister) Label(ctx context.Context, who schemas.Identity, from []schemas.StateCode, source string) error {
	r, err := g.get(ctx)
	if err != nil {
		return err
	}
	return r.Label(ctx, who, from, source)
}

// watchRegister evaluates open cases again whenever the register changes, and tells the protection officers when it cannot
// be asked. It returns when ctx ends.
func (a *Agent) watchRegister(ctx context.Context) error {
	for {
		wait := registerRetry
		var changed <-chan struct{}
		r, err := a.register.get(ctx)
		if err == nil {
			wait, changed = time.Hour, r.Changed()
		}
		a.lookAtRegister(ctx, r, err)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// lookAtRegister raises or ends the alert about the register itself, and looks at the open cases.
func (a *Agent) lookAtRegister(ctx context.Context, r *register.Register, opening error) {
	subject := ""
	switch {
	case opening != nil:
		subject = "unreachable"
	default:
		state, err := r.State(ctx)
		if err != nil {
			subject = "unreachable"
		} else if !state.Fresh {
			subject = "stale"
		}
	}
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		var errs []error
		for _, s := range []string{"unreachable", "stale"} {
			if s == subject {
				errs = append(errs, a.alert(tx, AlertRegister, s, ""))
			} else {
				errs = append(errs, a.endAlert(tx, AlertRegister, s, ""))
			}
		}
		return errors.Join(errs...)
	})
	if err == nil && subject != "unreachable" {
		err = a.reviewCases(ctx, r)
	}
	if err != nil && ctx.Err() == nil {
		a.log.Error("looking at the open cases", slog.Any("error", err))
	}
}

// reviewCases is ASY-14: a person whom an open case is about may have come under protection since. What has not been
// sealed is decided again when it would leave, so nothing more goes out; what has gone cannot be called back, and no
// message to that effect is ever sent. A protection officer is told.
func (a *Agent) reviewCases(ctx context.Context, r *register.Register) error {
	type concern struct {
		id      schemas.CaseID
		peer    schemas.AuthorityID
		persons []schemas.Identity
	}
	var open []concern
	err := a.store.View(ctx, func(tx *store.Tx) error {
		files, err := tx.Cases(listLimit)
		if err != nil {
			return err
		}
		for _, file := range files {
			if !file.Open {
				continue
			}
			messages, err := tx.BareMessagesOfCase(file.ID, file.Peer)
			if err != nil {
				return err
			}
			c := concern{id: file.ID, peer: file.Peer}
			for _, m := range messages {
				if m.Counts() && m.Payload != nil {
					c.persons = append(c.persons, identities(glanceAt(m.Payload).Subjects)...)
				}
			}
			if len(c.persons) > 0 {
				open = append(open, c)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range open {
		concerned, err := concerns(ctx, r, c.persons, c.peer.State())
		if err != nil {
			return err
		}
		if concerned {
			a.alertNow(ctx, AlertCase, string(c.id), c.peer)
		}
	}
	return nil
}

func identities(subjects []schemas.Subject) []schemas.Identity {
	var known []schemas.Identity
	for _, s := range subjects {
		if s.Identity != nil {
			known = append(known, *s.Identity)
		}
	}
	return known
}

// concerns tells whether one of the persons may be protected from a State.
func concerns(ctx context.Context, r *register.Register, persons []schemas.Identity, peer schemas.StateCode) (bool, error) {
	for len(persons) > 0 {
		batch := persons[:min(len(persons), register.MaxPersons)]
		persons = persons[len(batch):]
		answer, err := r.Look(ctx, register.Question{Persons: batch})
		if err != nil {
			return false, err
		}
		for _, matches := range answer.Persons {
			for _, m := range matches {
				if m.Status.InP() && (len(m.Origins) == 0 || slices.Contains(m.Origins, peer)) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}
