package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"comity/powercut"
)

// commitGroups is the writer. It takes one transaction, adds those that wait behind it, and pays one sync for all of them.
// Each runs inside its own savepoint, so that one that fails takes nothing with it.
func (s *Store) commitGroups() {
	defer close(s.done)
	for {
		select {
		case first := <-s.queue:
			s.commit(s.gather(first))
		case first := <-s.soon:
			s.commit(s.company(first))
		case wipe := <-s.wipes:
			wipe.done <- s.wipe()
		case <-s.closed:
			for { // finish what was accepted before Close
				select {
				case first := <-s.queue:
					s.commit(s.gather(first))
				case first := <-s.soon:
					s.commit(s.gather(first))
				default:
					return
				}
			}
		}
	}
}

// company has a transaction that is in no hurry wait a moment for one that is, and go first in its group: what followed from it
// meanwhile may be in the same one.
func (s *Store) company(first job) []job {
	timer := time.NewTimer(companyWait)
	defer timer.Stop()
	select {
	case next := <-s.queue:
		return append([]job{first}, s.gather(next)...)
	case <-timer.C:
	case <-s.closed:
	}
	return s.gather(first)
}

// gather adds what waits to a transaction that cannot wait any longer. Those that were in no hurry came before it.
func (s *Store) gather(first job) []job {
	group := s.gatherSoon()
	group = append(group, first)
	runtime.Gosched() // those that are ready to come along do so first: each group pays for its sync and its pages once
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

func (s *Store) gatherSoon() (group []job) {
	for len(group) < groupSize/2 {
		select {
		case next := <-s.soon:
			group = append(group, next)
		default:
			return group
		}
	}
	return group
}

func (s *Store) commit(group []job) {
	began := time.Now()
	var results []error
	err := ErrSync
	if !s.isBroken() {
		results, err = s.runGroup(group)
		s.note(began, err)
	}
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
	results, added := make([]error, len(group)), newEdges(s.edges)
	var steps []powercut.Point
	err := s.writer.transaction(ctx, beginWriting, func() (err error) {
		for i, j := range group {
			if err := j.ctx.Err(); err != nil {
				results[i] = err
				continue
			}
			one := &Tx{ctx: ctx, sql: s.writer, columns: s.columns, edges: newEdges(added)}
			if results[i], err = runOne(one, j.work); err != nil {
				return err
			}
			if results[i] == nil {
				steps = append(steps, one.steps...)
			}
		}
		for _, step := range steps {
			powercut.Before(step)
		}
		return nil
	})
	if err != nil {
		s.edges.forget()
		return nil, err
	}
	added.keep()
	for _, step := range steps {
		powercut.After(step)
	}
	return results, nil
}

// runOne returns the work's own error, and apart from it an error that makes the whole transaction unusable.
func runOne(tx *Tx, work func(*Tx) error) (result, fatal error) {
	if err := tx.exec("SAVEPOINT one"); err != nil {
		return nil, err
	}
	result = protect(func() error { return work(tx) })
	if result != nil {
		if err := tx.exec("ROLLBACK TO one"); err != nil {
			return nil, errors.Join(result, err)
		}
	}
	if err := tx.exec("RELEASE one"); err != nil {
		return result, err
	}
	if result == nil {
		tx.edges.keep()
	}
	return result, nil
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
