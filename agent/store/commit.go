package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// commitGroups is the writer. It takes one transaction, adds those that wait behind it, and pays one sync for all of them.
// Each runs inside its own savepoint, so that one that fails takes nothing with it.
func (s *Store) commitGroups() {
	defer close(s.done)
	for {
		select {
		case first := <-s.queue:
			s.commit(s.gather(first))
		case <-s.closed:
			for { // finish what was accepted before Close
				select {
				case first := <-s.queue:
					s.commit(s.gather(first))
				default:
					return
				}
			}
		}
	}
}

func (s *Store) gather(first job) []job {
	group := []job{first}
	for len(group) < groupSize {
		select {
		case next := <-s.queue:
			group = append(group, next)
		default:
			return group
		}
	}
	return group
}

func (s *Store) commit(group []job) {
	results, err := s.runGroup(group)
	for i, j := range group {
		if err != nil { // nothing of the group is on disk
			j.done <- fmt.Errorf("committing: %w", err)
			continue
		}
		j.done <- results[i]
	}
}

func (s *Store) runGroup(group []job) ([]error, error) {
	// The writer's own context: a caller that goes away must not undo the others of its group.
	ctx := context.Background()
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // no effect after Commit
	results := make([]error, len(group))
	for i, j := range group {
		if err := j.ctx.Err(); err != nil {
			results[i] = err
			continue
		}
		if results[i], err = runOne(ctx, tx, s.columns, j.work); err != nil {
			return nil, err
		}
	}
	return results, tx.Commit()
}

// runOne returns the work's own error, and apart from it an error that makes the whole transaction unusable.
func runOne(ctx context.Context, tx *sql.Tx, columns *Columns, work func(*Tx) error) (result, fatal error) {
	if _, err := tx.ExecContext(ctx, "SAVEPOINT one"); err != nil {
		return nil, err
	}
	result = protect(func() error { return work(&Tx{ctx: ctx, sql: tx, columns: columns}) })
	if result != nil {
		if _, err := tx.ExecContext(ctx, "ROLLBACK TO one"); err != nil {
			return nil, errors.Join(result, err)
		}
	}
	_, err := tx.ExecContext(ctx, "RELEASE one")
	return result, err
}

// protect turns a panic into an error: the writer serves every caller and must outlive one that is broken.
func protect(work func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("transaction panicked: %T", r) // the type only: the value may hold what people wrote
		}
	}()
	return work()
}
