package store

import (
	"cmp"
	"context"
	"errors"
	"time"

	"comity/powercut"
)

// Tx is a transaction, valid only inside the function that Update or View handed it to.
type Tx struct {
	ctx     context.Context
	sql     *connection
	columns *Columns
	edges   *edges
	steps   []powercut.Point // what this transaction does, where a test may cut the power
}

// Step names what the transaction does, for tests that cut the power before and after its commit.
func (t *Tx) Step(p powercut.Point) {
	if powercut.Armed() {
		t.steps = append(t.steps, p)
	}
}

// ErrNotFound says that no row has this key.
var ErrNotFound = errors.New("not found")

func (t *Tx) exec(query string, args ...any) error {
	_, err := t.sql.ExecContext(t.ctx, query, args...)
	return err
}

// row reads one row, or ErrNotFound.
func (t *Tx) row(dest []any, query string, args ...any) error {
	rows, err := t.sql.QueryContext(t.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return cmp.Or(rows.Err(), ErrNotFound)
	}
	return rows.Scan(dest...)
}

// collect reads every row of a query with scan.
func collect[T any](t *Tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.sql.QueryContext(t.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

type scanner interface{ Scan(dest ...any) error }

// millis and instant convert between Go's times and the file's; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
