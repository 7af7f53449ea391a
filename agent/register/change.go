package register

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"comity/schemas"
)

// change is a set of changes on its way: written to the file row by row, seen by look-ups all at once after the commit.
type change struct {
	r       *Register
	tx      *sql.Tx
	insert  *sql.Stmt
	before  *index
	now     time.Time
	ledger  ledger
	put     map[digest]*entry // by reference
	gone    map[digest]*entry
	decided map[distinction]digest
}

// update runs work as one change. Nothing of it stays when work or the commit fails.
func (r *Register) update(ctx context.Context, work func(*change) error) error {
	if _, err := r.current(ctx); err != nil {
		return err
	}
	if err := r.writing.enter(ctx); err != nil {
		return err
	}
	defer r.writing.leave()
	s := r.snapshot.Load()
	if s == nil {
		return ErrClosed
	}
	c := &change{
		r: r, before: s.index, now: r.config.Now(), ledger: r.ledger,
		put: map[digest]*entry{}, gone: map[digest]*entry{}, decided: map[distinction]digest{},
	}
	var next *index
	err := r.transact(ctx, func(tx *sql.Tx) error {
		c.tx = tx
		if err := work(c); err != nil {
			return err
		}
		next = c.apply(s.index) // before the commit, so that look-ups do not wait for it
		return r.writeLedger(ctx, tx, c.ledger)
	})
	if err != nil {
		return err
	}
	r.ledger = c.ledger
	err = r.publish(ctx, next)
	r.tell()
	return err
}

// apply makes the index of after the change.
func (c *change) apply(ix *index) *index {
	var put, gone []*entry
	for _, e := range c.put {
		put = append(put, e)
		if before := ix.byRef(e.ref); before != nil {
			gone = append(gone, before)
		}
	}
	for ref := range c.gone {
		if before := ix.byRef(ref); before != nil {
			gone = append(gone, before)
		}
	}
	return ix.change(c.r.keys, put, gone, c.decided)
}

// find is the entry of a reference as it stands now, within this change.
func (c *change) find(ref digest) *entry {
	if e := c.put[ref]; e != nil {
		return e
	}
	if c.gone[ref] != nil {
		return nil
	}
	return c.before.byRef(ref)
}

// write puts an entry in the place of the one with its reference.
func (c *change) write(ctx context.Context, e *entry, before *entry) error {
	row, err := c.r.keys.sealEntry(e)
	if err != nil {
		return err
	}
	if c.insert == nil {
		c.insert, err = c.tx.PrepareContext(ctx, `INSERT INTO entry (id, ref, codes, record) VALUES (?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET codes = excluded.codes, record = excluded.record`) // closed with the transaction
		if err != nil {
			return fmt.Errorf("writing entry: %w", err)
		}
	}
	if _, err := c.insert.ExecContext(ctx, string(row.id), row.ref[:], row.codes, row.record); err != nil {
		return fmt.Errorf("writing entry: %w", err)
	}
	if before != nil {
		c.ledger.roll(before.row)
	} else {
		c.ledger.Rows++
	}
	c.ledger.roll(e.row)
	c.put[e.ref] = e
	delete(c.gone, e.ref)
	if before != nil && before.card.Content != e.card.Content {
		return c.forgetDecisions(ctx, e.id)
	}
	return nil
}

func (c *change) remove(ctx context.Context, e *entry) error {
	if _, err := c.tx.ExecContext(ctx, "DELETE FROM entry WHERE id = ?", string(e.id)); err != nil {
		return fmt.Errorf("removing entry: %w", err)
	}
	c.ledger.roll(e.row)
	c.ledger.Rows--
	c.gone[e.ref] = e
	delete(c.put, e.ref)
	return c.forgetDecisions(ctx, e.id)
}

func (c *change) forgetDecisions(ctx context.Context, id EntryID) error {
	if _, err := c.tx.ExecContext(ctx, "DELETE FROM distinction WHERE entry = ?", string(id)); err != nil {
		return fmt.Errorf("undoing decisions: %w", err)
	}
	return nil
}

// outcome of one record.
type outcome int

const (
	added outcome = iota
	updated
	unchanged
	older
	deleted
)

// record takes one checked record in.
func (c *change) record(ctx context.Context, rec *Record) (EntryID, outcome, error) {
	ref := c.r.keys.digest(forRef, rec.Ref)
	before := c.find(ref)
	at, _ := parseUpdated(rec.Updated) // checked
	switch {
	case before != nil && !at.IsZero() && at.Before(before.card.Updated):
		return before.id, older, nil
	case rec.Delete && before == nil:
		return "", unchanged, nil
	case rec.Delete:
		return before.id, deleted, c.remove(ctx, before)
	case before == nil:
		e := c.r.keys.encode(newEntryID(), rec)
		return e.id, added, c.write(ctx, &e, nil)
	}
	if c.r.keys.digest(forContent, content(*rec)) == before.card.Content {
		if at.Equal(before.card.Updated) {
			return before.id, unchanged, nil
		}
		again := *before
		again.card.Updated = at
		return before.id, unchanged, c.write(ctx, &again, before)
	}
	e := c.r.keys.encode(before.id, rec)
	return e.id, updated, c.write(ctx, &e, before)
}

// Put adds one record or replaces the one with its ref; with Delete it removes it. It does not make the register fresh. A
// record that cannot be taken is a *Defect.
func (r *Register) Put(ctx context.Context, rec Record) (EntryID, error) {
	if d := rec.check(); d != nil {
		return "", d
	}
	var id EntryID
	err := r.update(ctx, func(c *change) (err error) {
		id, _, err = c.record(ctx, &rec)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("putting a record into the register: %w", err)
	}
	return id, nil
}

// Label registers a person about whom an asylum datum arrived, with the States from which the sender's signed protect_from
// keeps it. A label has no end and no feed removes it. Labels of one person from several sources are one entry, which keeps
// the States of all.
func (r *Register) Label(ctx context.Context, who schemas.Identity, protectFrom []schemas.StateCode, source string) error {
	switch {
	case tooLarge(&who):
		return fmt.Errorf("labelling a person: %w", &Defect{"/names", TooMany})
	case !r.findable(&who):
		return fmt.Errorf("labelling a person: %w", &Defect{"/names", NoIdentity})
	}
	person := r.keys.person(&who)
	ref := r.keys.digest(forLabel, string(person[:]))
	err := r.update(ctx, func(c *change) error {
		before := c.find(ref)
		rec := Record{Identity: who, Status: Labelled, FearedStates: nil}
		id := newEntryID()
		if before != nil {
			id = before.id
		}
		e := r.keys.encode(id, &rec)
		e.ref = ref
		e.card.Origins = unite(e.card.Origins, protectFrom)
		e.card.Sources = []string{source}
		if before != nil {
			e.card.Origins = unite(e.card.Origins, before.card.Origins)
			e.card.Sources = append(e.card.Sources, before.card.Sources...)
		}
		slices.Sort(e.card.Sources)
		e.card.Sources = slices.Compact(e.card.Sources)
		e.card.Content = r.keys.digest(forContent, fmt.Sprint(e.card.Origins, e.card.Sources))
		if before != nil && before.card.Content == e.card.Content {
			return nil
		}
		return c.write(ctx, &e, before)
	})
	if err != nil {
		return fmt.Errorf("labelling a person: %w", err)
	}
	return nil
}

// findable tells whether an identity has anything that it can be found by.
func (r *Register) findable(who *schemas.Identity) bool {
	m := r.keys.mac()
	defer r.keys.release(m)
	c := m.identity(who)
	return len(c.names)+len(c.documents) > 0
}
