package agent

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"slices"
	"time"

	"comity/agent/api"
	"comity/agent/people"
	"comity/agent/store"
	"comity/schemas"
)

// Who is away has a deputy, who has their roles for that time and no longer. Key officers record it, as they keep the
// accounts: nobody hands their roles on alone. The two stay one where two persons are asked for: neither approves what the
// other wrote, and both together release nothing.

// longestAbsence bounds how long somebody can be stood in for. Whoever is away for longer has a successor.
const longestAbsence = 120 * 24 * time.Hour

// maxAbsences bounds the table.
const maxAbsences = 500

// PutAbsence records that a person is away from one moment until before another, and who acts for them. by is a key officer.
func (a *Agent) PutAbsence(ctx context.Context, by string, absence api.Absence) (api.Absence, error) {
	now := a.now()
	switch {
	case absence.Person == absence.Deputy:
		return absence, problem(api.ReasonRequest, "nobody is their own deputy", "name a colleague with --deputy")
	case !absence.From.Before(absence.To) || !absence.To.After(now):
		return absence, problem(api.ReasonRequest, "an absence begins before it ends, and ends in the future", "write --from 2026-12-01 --to 2026-12-14")
	case absence.To.Sub(absence.From) > longestAbsence:
		return absence, problem(api.ReasonRequest, "an absence lasts 120 days at the most", "whoever is away for longer has a successor: comity user roles")
	}
	for _, name := range []string{absence.Person, absence.Deputy} {
		if p, err := a.accounts.Person(ctx, name); err != nil || p == nil {
			return absence, orProblem(err, ReasonNotFound, "no such person: "+name, "comity user list shows the accounts; agent.toml lists others")
		}
	}
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		present, err := tx.Absences(now)
		if err != nil {
			return err
		}
		if len(present) >= maxAbsences {
			return problem(ReasonState, "there are as many absences as there may be", "")
		}
		return recordAbsence(a, tx, eventAbsent, absence, by, func() error {
			return tx.PutAbsence(store.Absence{Person: absence.Person, Deputy: absence.Deputy, From: absence.From, To: absence.To})
		})
	})
	return absence, err
}

// EndAbsence says that a person is back.
func (a *Agent) EndAbsence(ctx context.Context, by, person string) (api.Absence, error) {
	absence := api.Absence{Person: person}
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		present, err := tx.Absences(a.now())
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(present, func(one store.Absence) bool { return one.Person == person }) {
			return problem(ReasonNotFound, "nobody of this name is recorded as away", "comity user absences lists them")
		}
		return recordAbsence(a, tx, eventBack, absence, by, func() error { return tx.DropAbsence(person) })
	})
	return absence, err
}

// recordAbsence leaves the evidence of a change in the home log.
func recordAbsence(a *Agent, tx *store.Tx, event string, absence api.Absence, by string, change func() error) error {
	text, err := schemas.Canonical(absence)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	return a.recordHome(tx, event, "", sha256.Sum256(text), by)
}

// Absences lists who is away or will be, and who acts for them.
func (a *Agent) Absences(ctx context.Context) (shown []api.Absence, err error) {
	err = a.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.Absences(a.now())
		for _, one := range found {
			shown = append(shown, api.Absence(one))
		}
		return err
	})
	return shown, err
}

// away are the absences of this moment.
func (a *Agent) away(tx *store.Tx) ([]store.Absence, error) {
	now := a.now()
	present, err := tx.Absences(now)
	return slices.DeleteFunc(present, func(one store.Absence) bool { return now.Before(one.From) }), err
}

// acting is a person with the roles of those for whom they stand in now, whatever these roles are now. Where it cannot be
// found out, they have their own roles alone.
func (a *Agent) acting(p *people.Person) *people.Person {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var absent []store.Absence
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		absent, err = a.away(tx)
		return err
	})
	var others []*people.Person
	for _, one := range absent {
		if one.Deputy != p.Name || err != nil {
			continue
		}
		var other *people.Person
		if other, err = a.accounts.Person(ctx, one.Person); other != nil {
			others = append(others, other)
		}
	}
	if err != nil {
		a.log.Warn("reading who stands in for whom", slog.Any("error", err))
		return p
	}
	if len(others) == 0 {
		return p
	}
	return p.ActingFor(others...)
}

// sameSide tells whether a person is one of some others, or stands in for one of them now, or is stood in for by one: together
// they are not two persons.
func (a *Agent) sameSide(tx *store.Tx, by string, others []string) (bool, error) {
	if slices.Contains(others, by) {
		return true, nil
	}
	absent, err := a.away(tx)
	return slices.ContainsFunc(absent, func(one store.Absence) bool {
		return one.Deputy == by && slices.Contains(others, one.Person) || one.Person == by && slices.Contains(others, one.Deputy)
	}), err
}

// orProblem is an error, or a problem where there is none.
func orProblem(err error, reason, message, hint string) error {
	if err != nil {
		return err
	}
	return problem(reason, message, hint)
}
