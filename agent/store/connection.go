package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// connection is one connection to the file, with the queries of this package as it has compiled them: compiling one takes
// longer than running it. Every text is a constant of this package, so their number is bounded. A connection is not safe for
// concurrent use.
//
// A query that has begun is finished whatever becomes of its context: each is short, and to watch a context for its end
// costs more than the query.
type connection struct {
	sql      *sql.Conn
	compiled map[string]*sql.Stmt
}

func connect(ctx context.Context, db *sql.DB) (*connection, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &connection{sql: conn, compiled: map[string]*sql.Stmt{}}, nil
}

func (c *connection) close() error {
	var errs []error
	for _, statement := range c.compiled {
		errs = append(errs, statement.Close())
	}
	return errors.Join(append(errs, c.sql.Close())...)
}

// statement compiles a query at its first use.
func (c *connection) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if known, ok := c.compiled[query]; ok {
		return known, nil
	}
	statement, err := c.sql.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.compiled[query] = statement
	return statement, nil
}

// ExecContext runs a query that gives no rows.
func (c *connection) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	statement, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return statement.ExecContext(ctx, args...)
}

// QueryContext runs a query that gives rows. They must be closed before the same query is run again.
func (c *connection) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	statement, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, args...)
}

// transaction runs work between a begin and its commit. When it returns an error, nothing of work is in the file, except
// after an error of the commit itself: then that cannot be told.
func (c *connection) transaction(ctx context.Context, begin string, work func() error) (err error) {
	if _, err := c.ExecContext(ctx, begin); err != nil {
		return fmt.Errorf("beginning: %w", err)
	}
	committed := false
	defer func() {
		if !committed { // where SQLite has rolled back by itself, there is nothing left to do and this fails
			_, _ = c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	if err := work(); err != nil {
		return err
	}
	_, err = c.ExecContext(context.WithoutCancel(ctx), "COMMIT")
	committed = err == nil
	return err
}

// How a transaction begins: of the one writer, which holds the lock at once, and of readers, who have a snapshot.
const (
	beginWriting = "BEGIN IMMEDIATE"
	beginReading = "BEGIN"
)
