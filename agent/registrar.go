package agent

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"comity/agent/api"
	"comity/agent/register"
	"comity/agent/store"
	"comity/schemas"
)

// What protection officers do with the register. Every change is recorded in the home log, without a word of whom it is about.

// RegisterConfig is where an authority's register stands.
func RegisterConfig(c Config, now func() time.Time) register.Config {
	return register.Config{Path: c.Register.Path, KeyPath: c.Register.Key, Now: now}
}

// RegisterState tells whether the register can be asked.
func (a *Agent) RegisterState(ctx context.Context) (api.RegisterState, error) {
	r, err := a.register.get(ctx)
	if err == nil {
		var state register.State
		if state, err = r.State(ctx); err == nil {
			return api.RegisterState{Reachable: true, Entries: state.Entries, Fresh: state.Fresh, Feed: state.Fed}, nil
		}
	}
	return api.RegisterState{Detail: err.Error()}, nil
}

// ImportRegister takes a feed of the asylum authority, all of it or nothing.
func (a *Agent) ImportRegister(ctx context.Context, by, format string, feed []byte) (api.RegisterReport, error) {
	known := []register.Format{register.ByContent, register.JSONLines, register.CSV}
	if !slices.Contains(known, register.Format(format)) {
		return api.RegisterReport{}, problem(api.ReasonRequest, "a feed is jsonl or csv", "")
	}
	return a.feed(ctx, by, feed, register.Options{Format: register.Format(format)})
}

// PutRegister adds or changes one record. It does not make the register fresh: only a feed tells that there is no more.
func (a *Agent) PutRegister(ctx context.Context, by string, record []byte) (api.RegisterReport, error) {
	var object map[string]any
	if err := schemas.Decode(record, &object, schemas.DefaultLimits); err != nil {
		return api.RegisterReport{}, problem(api.ReasonRequest, "the record is not readable: "+err.Error(), "agent/register/README.md has its members")
	}
	row, err := schemas.Canonical(object) // on one line, as a feed has it
	if err != nil {
		return api.RegisterReport{}, problem(api.ReasonRequest, "the record is not readable", "")
	}
	return a.feed(ctx, by, row, register.Options{Format: register.JSONLines, Partial: true})
}

func (a *Agent) feed(ctx context.Context, by string, feed []byte, o register.Options) (api.RegisterReport, error) {
	r, err := a.register.get(ctx)
	if err != nil {
		return api.RegisterReport{}, registerProblem(err)
	}
	if err := a.store.Update(ctx, func(tx *store.Tx) error { return a.recordHome(tx, eventRegister, "", sha256.Sum256(feed), by) }); err != nil {
		return api.RegisterReport{}, err
	}
	report, err := r.Import(ctx, bytes.NewReader(feed), o)
	shown := api.RegisterReport{Added: report.Added, Updated: report.Updated, Deleted: report.Deleted, Unchanged: report.Unchanged + report.Older}
	for _, bad := range report.Bad {
		shown.Bad = append(shown.Bad, api.BadRow{Line: bad.Line, Member: bad.Member, Reason: string(bad.Reason)})
	}
	if errors.Is(err, register.ErrBadRows) {
		return shown, nil
	}
	if err != nil {
		return shown, registerProblem(err)
	}
	return shown, nil
}

// registerProblem says what is wrong with the register to an officer, who may know.
func registerProblem(err error) error {
	return problem(ReasonRegister, err.Error(), "comity register status; while the register cannot be asked, every message about an identifiable person is held")
}

// NotSamePerson is one of the two words by which a likeness no longer holds: the person of a message under review is not
// the one of an entry.
func (a *Agent) NotSamePerson(ctx context.Context, by string, id schemas.MessageID, d api.Distinction) (api.Distinguished, error) {
	r, err := a.register.get(ctx)
	if err != nil {
		return api.Distinguished{}, registerProblem(err)
	}
	var who *schemas.Identity
	var words []*store.Release
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		m, err := a.own(tx, id)
		if err != nil {
			return err
		}
		persons, err := a.personsOf(tx, m)
		if err != nil {
			return err
		}
		if who = persons[d.Person]; who == nil {
			return problem(ReasonNotFound, "the message has no identified person of this reference", "comity review show lists persons and entries")
		}
		digest := store.Hash(sha256.Sum256([]byte("not the same person\n" + d.Person + "\n" + d.Entry)))
		word := &store.Release{Key: m.Key, Digest: digest, Person: by, At: a.now(), Proof: []byte{}}
		if err := errors.Join(tx.AddRelease(word), a.recordHome(tx, eventDistinct, m.ID, digest, by)); err != nil {
			return err
		}
		words, err = tx.Releases(m.Key, digest)
		return err
	})
	if err != nil {
		return api.Distinguished{}, err
	}
	said := api.Distinguished{}
	for _, w := range words {
		said.By = append(said.By, w.Person)
	}
	if len(said.By) < 2 {
		return said, nil
	}
	if err := r.Distinct(ctx, *who, register.EntryID(d.Entry), [2]string{said.By[0], said.By[1]}); err != nil {
		return said, registerProblem(err)
	}
	said.Done = true
	return said, a.decideAgain(ctx, id)
}

// decideAgain puts a message under review back among the approved ones, to be judged anew at the next tick.
func (a *Agent) decideAgain(ctx context.Context, id schemas.MessageID) error {
	_, err := a.onMessage(ctx, id, func(tx *store.Tx, m *store.Message, _ []string) error {
		if m.State != store.UnderReview {
			return nil
		}
		m.State = store.Approved
		return tx.PutMessage(m)
	})
	return err
}

// personsOf are the identified persons of a message and of its case, by the references that decisions use.
func (a *Agent) personsOf(tx *store.Tx, m *store.Message) (map[string]*schemas.Identity, error) {
	f, err := a.facts(tx, outgoingOf(m))
	if err != nil {
		return nil, err
	}
	persons := map[string]*schemas.Identity{}
	for _, s := range f.Case {
		if s.Identity != nil {
			persons["case:"+string(s.Ref)] = s.Identity
		}
	}
	for _, s := range glanceAt(m.Payload).Subjects {
		if s.Identity != nil {
			persons[string(s.Ref)] = s.Identity
		}
	}
	return persons, nil
}

// matched looks the persons of a message up for an officer who decides about it.
func (a *Agent) matched(ctx context.Context, persons map[string]*schemas.Identity) []api.Matched {
	r, err := a.register.get(ctx)
	if err != nil {
		return nil
	}
	var shown []api.Matched
	for ref, who := range persons {
		answer, err := r.Look(ctx, register.Question{Persons: []schemas.Identity{*who}})
		if err != nil {
			return nil
		}
		for _, m := range answer.Persons[0] {
			shown = append(shown, api.Matched{Person: ref, Entry: string(m.Entry), Certain: m.Certain, Status: string(m.Status)})
		}
	}
	slices.SortFunc(shown, func(x, y api.Matched) int {
		return cmp.Or(cmp.Compare(x.Person, y.Person), cmp.Compare(x.Entry, y.Entry))
	})
	return shown
}
