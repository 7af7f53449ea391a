// Package storetest opens the database of a desk beside the agent, as somebody who has the disk can, for tests.
//
// It trusts whoever calls it with the whole file, and goes around everything that agent/store promises: it must never be imported but
// by tests.
package storetest

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

// Raw opens the database in the data folder of an agent until the test ends.
func Raw(t testing.TB, data string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "agent.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
