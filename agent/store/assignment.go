package store

import (
	"strings"
	"time"

	"comity/schemas"
)

// Assignment says which officer works on a case here.
type Assignment struct {
	Case   schemas.CaseID
	Person string
	At     time.Time
}

// PutAssignment records who works on a case, in the place of whoever did.
func (t *Tx) PutAssignment(a Assignment) error {
	return t.exec(`INSERT OR REPLACE INTO assignment (case_id, person, at) VALUES (?,?,?)`, a.Case, a.Person, millis(a.At))
}

// DropAssignment leaves a case to nobody; one that was nobody's is no error.
func (t *Tx) DropAssignment(id schemas.CaseID) error {
	return t.exec(`DELETE FROM assignment WHERE case_id = ?`, id)
}

// CountAssigned counts the open cases of each officer. Those of nobody are under "".
func (t *Tx) CountAssigned() (map[string]int, error) {
	type count struct {
		person string
		n      int
	}
	found, err := collect(t, func(s scanner) (c count, err error) { return c, s.Scan(&c.person, &c.n) },
		`SELECT coalesce(person, ''), count(*) FROM casefile LEFT JOIN assignment ON case_id = id WHERE open GROUP BY 1`)
	counts := map[string]int{}
	for _, c := range found {
		counts[c.person] = c.n
	}
	return counts, err
}

// Desk narrows a list to the cases of some officers, or to those of nobody. The zero value narrows nothing.
type Desk struct {
	Officers   []string
	Unassigned bool
}

// where is the condition on the id of a case, "" for none. Its arguments stand for unnumbered places.
func (d Desk) where(id string) (condition string, args []any) {
	if d.Unassigned {
		return id + ` NOT IN (SELECT case_id FROM assignment)`, nil
	}
	if len(d.Officers) == 0 {
		return ``, nil
	}
	for _, name := range d.Officers {
		args = append(args, name)
	}
	return id + ` IN (SELECT case_id FROM assignment WHERE person IN (` + strings.TrimSuffix(strings.Repeat(`?,`, len(args)), `,`) + `))`, args
}
