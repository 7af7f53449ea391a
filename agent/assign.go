package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"comity/agent/api"
	"comity/agent/people"
	"comity/agent/store"
	"comity/schemas"
)

// Which officer works on a case is this desk's own affair: it moves no message, changes no right, and no peer is told.

// ruleNoCase says that an entry of a list names no case.
const ruleNoCase schemas.Rule = "no-case"

// Assign gives all of the cases to an officer, or to nobody. Where one of them cannot be given, none is, and each that cannot is
// named.
func (a *Agent) Assign(ctx context.Context, by string, said api.Assigning) ([]api.Case, error) {
	if err := bulkSize(len(said.Cases), "case"); err != nil {
		return nil, err
	}
	if said.Officer != "" {
		p, err := a.accounts.Person(ctx, said.Officer)
		if err != nil {
			return nil, err
		}
		if !p.May(people.Draft) {
			return nil, problem(ReasonNotFound, "nobody of this name works on cases: "+said.Officer, "comity case officers lists who does")
		}
	}
	var given []api.Case
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		given = nil
		away, err := a.away(tx)
		if err != nil {
			return err
		}
		var files []*store.CaseFile
		var defects []schemas.Defect
		for i, id := range said.Cases {
			if slices.Contains(said.Cases[:i], id) {
				continue
			}
			file, err := tx.Case(id)
			switch {
			case errors.Is(err, store.ErrNotFound):
				defects = append(defects, schemas.Defect{Pointer: fmt.Sprintf("/cases/%d", i), Rule: ruleNoCase, Hint: "comity case list shows the ids"})
				continue
			case err != nil:
				return err
			}
			files = append(files, file)
		}
		if len(defects) > 0 {
			p := problemOf(ReasonCase, "some of these are no cases of this authority: none was assigned", "each defect names its place in the list")
			p.Defects = defects
			return p
		}
		for _, file := range files {
			if err := a.assignOne(tx, file, said.Officer, by); err != nil {
				return err
			}
			given = append(given, showCase(file, away))
		}
		return nil
	})
	return given, err
}

// assignOne gives one case, unless it is the officer's already.
func (a *Agent) assignOne(tx *store.Tx, file *store.CaseFile, officer, by string) error {
	if file.Officer == officer {
		return nil
	}
	file.Officer = officer
	err := tx.DropAssignment(file.ID)
	if officer != "" {
		err = tx.PutAssignment(store.Assignment{Case: file.ID, Person: officer, At: a.now()})
	}
	if err != nil {
		return err
	}
	text, err := schemas.Canonical(api.Assigning{Cases: []schemas.CaseID{file.ID}, Officer: officer})
	if err != nil {
		return err
	}
	return a.recordHome(tx, eventAssigned, "", sha256.Sum256(text), by)
}

// bulkSize bounds what is done at once.
func bulkSize(n int, what string) error {
	if n < 1 || n > api.MaxBulk {
		return problem(api.ReasonRequest, fmt.Sprintf("name one %s at least and %d at the most", what, api.MaxBulk), "")
	}
	return nil
}

// Officers lists who can be given a case, how many open ones they have, and who is away.
func (a *Agent) Officers(ctx context.Context) (o api.Officers, err error) {
	staff, err := a.accounts.Staff(ctx)
	if err != nil {
		return o, err
	}
	err = a.store.View(ctx, func(tx *store.Tx) error {
		counts, err := tx.CountAssigned()
		if err != nil {
			return err
		}
		away, err := a.away(tx)
		if err != nil {
			return err
		}
		o.Unassigned = counts[""]
		o.Officers = []api.Officer{}
		for _, p := range staff {
			if !p.May(people.Draft) {
				continue
			}
			one := api.Officer{Name: p.Name, Cases: counts[p.Name]}
			if i := slices.IndexFunc(away, func(absence store.Absence) bool { return absence.Person == p.Name }); i >= 0 {
				one.AwayUntil, one.Deputy = away[i].To, away[i].Deputy
			}
			o.Officers = append(o.Officers, one)
		}
		return nil
	})
	return o, err
}

// deskOf is whose cases are asked for. To an officer's belong those of whom they stand in for.
func deskOf(w api.Whose, away []store.Absence) store.Desk {
	desk := store.Desk{Unassigned: w.Unassigned}
	if w.Officer == "" {
		return desk
	}
	desk.Officers = []string{w.Officer}
	for _, one := range away {
		if one.Deputy == w.Officer {
			desk.Officers = append(desk.Officers, one.Person)
		}
	}
	return desk
}

// deputyOf is who acts for an officer, "" where the officer is there.
func deputyOf(officer string, away []store.Absence) string {
	for _, one := range away {
		if officer != "" && one.Person == officer {
			return one.Deputy
		}
	}
	return ""
}

// countOwn counts the open cases of a person, with those of whom they stand in for, and the open cases of nobody.
func (a *Agent) countOwn(tx *store.Tx, person string) (own, unassigned int, err error) {
	counts, err := tx.CountAssigned()
	if err != nil {
		return 0, 0, err
	}
	away, err := a.away(tx)
	for _, name := range deskOf(api.Whose{Officer: person}, away).Officers {
		own += counts[name]
	}
	return own, counts[""], err
}
