package store

import "time"

// Absence is a time for which a person is away and another one acts for them.
type Absence struct {
	Person, Deputy string
	From, To       time.Time // To is the first moment after it
}

// PutAbsence records an absence, in the place of an earlier one of the same person.
func (t *Tx) PutAbsence(a Absence) error {
	return t.exec(`INSERT OR REPLACE INTO absence (person, deputy, from_at, to_at) VALUES (?,?,?,?)`, a.Person, a.Deputy, millis(a.From), millis(a.To))
}

// DropAbsence ends the absence of a person; one that is not there is no error.
func (t *Tx) DropAbsence(person string) error {
	return t.exec(`DELETE FROM absence WHERE person = ?`, person)
}

// Absences lists those that are not over at a time, by person.
func (t *Tx) Absences(now time.Time) ([]Absence, error) {
	return collect(t, func(s scanner) (Absence, error) {
		var a Absence
		var from, to int64
		err := s.Scan(&a.Person, &a.Deputy, &from, &to)
		a.From, a.To = instant(from), instant(to)
		return a, err
	}, `SELECT person, deputy, from_at, to_at FROM absence WHERE to_at > ? ORDER BY person`, millis(now))
}
