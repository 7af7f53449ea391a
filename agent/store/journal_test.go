package store

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"comity/pki/journal"
)

const (
	homeLog = journal.Origin("comity/qm/justice")
	pairLog = journal.Origin("comity/qm/justice/qn/justice")
)

// grow appends leaves in one transaction each.
func grow(t *testing.T, s *Store, log journal.Origin, leaves ...journal.Hash) {
	t.Helper()
	for _, leaf := range leaves {
		err := s.Update(t.Context(), func(tx *Tx) error {
			_, err := tx.AppendLeaf(log, leaf, time.UnixMilli(1000))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func leavesOf(n int) (leaves []journal.Hash) {
	for i := range n {
		leaves = append(leaves, journal.Leaf([]byte{byte(i)}))
	}
	return leaves
}

// edgeOf is the edge of a log with these leaves, computed without a store.
func edgeOf(leaves []journal.Hash) (e journal.Edge) {
	for _, leaf := range leaves {
		e, _ = e.Append(leaf)
	}
	return e
}

func checkLog(t *testing.T, s *Store, log journal.Origin, leaves []journal.Hash) {
	t.Helper()
	err := s.View(t.Context(), func(tx *Tx) error {
		edge, err := tx.Edge(log)
		if err != nil {
			return err
		}
		if edge.Size() != int64(len(leaves)) || edge.Root() != edgeOf(leaves).Root() {
			t.Errorf("%s: %d leaves with hash %v, want %d with %v", log, edge.Size(), edge.Root(), len(leaves), edgeOf(leaves).Root())
		}
		rows, err := tx.LogRows(log, 0, 1000)
		if err != nil {
			return err
		}
		for i, r := range rows {
			before := edgeOf(leaves[:i])
			next, stored := before.Append(leaves[i])
			if r.Leaf != int64(i) || !slices.Equal(r.Hashes, stored) || r.Root != next.Root() {
				t.Errorf("row %d is %+v", i, r)
			}
			c, err := tx.LogCheckpoint(log, int64(i)+1)
			if err != nil || c != next.Checkpoint(log) {
				t.Errorf("at %d leaves: %+v, %v", i+1, c, err)
			}
		}
		if root, err := tlog.TreeHash(edge.Size(), tx.Log(log)); err != nil || root != edge.Root() {
			t.Errorf("from what is stored: %v, %v", root, err)
		}
		if _, err := tx.LogCheckpoint(log, edge.Size()+1); !errors.Is(err, ErrNotFound) {
			t.Errorf("at a size that it has not: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLogsAreKeptApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.db")
	s := open(t, path)
	home, pair := leavesOf(21), leavesOf(6)
	for i, leaf := range home {
		grow(t, s, homeLog, leaf)
		if i < len(pair) {
			grow(t, s, pairLog, pair[i])
		}
	}
	checkLog(t, s, homeLog, home)
	checkLog(t, s, pairLog, pair)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path) // the edges are read again
	grow(t, s, pairLog, journal.Leaf([]byte("x")))
	checkLog(t, s, pairLog, append(slices.Clone(pair), journal.Leaf([]byte("x"))))
	checkLog(t, s, homeLog, home)
}

var errUndone = errors.New("undone")

// A leaf lives and dies with its transaction, also where others share the sync with it.
func TestALeafOfAFailedTransactionIsNoLeaf(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			err := s.Update(context.Background(), func(tx *Tx) error {
				if _, err := tx.AppendLeaf(homeLog, journal.Leaf([]byte{byte(i)}), time.Now()); err != nil {
					return err
				}
				if i%3 == 0 {
					return errUndone
				}
				return nil
			})
			if (i%3 == 0) != errors.Is(err, errUndone) || i%3 != 0 && err != nil {
				t.Errorf("appending leaf %d: %v", i, err)
			}
		})
	}
	all.Wait()
	err := s.View(t.Context(), func(tx *Tx) error {
		rows, err := tx.LogRows(homeLog, 0, 1000)
		var leaves []journal.Hash
		for _, r := range rows {
			leaves = append(leaves, r.Hashes[0])
		}
		for i := range 200 {
			if kept := slices.Contains(leaves, journal.Leaf([]byte{byte(i)})); kept != (i%3 != 0) {
				t.Errorf("leaf %d is kept: %v", i, kept)
			}
		}
		if edge, err := tx.Edge(homeLog); err != nil || edge.Root() != edgeOf(leaves).Root() {
			t.Errorf("the log is not that of its leaves (%v)", err)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// After a commit that failed nobody knows what is on disk: the edge is read again, never remembered.
func TestEdgesAreForgottenWhenACommitFails(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	leaves := leavesOf(3)
	grow(t, s, homeLog, leaves...)
	err := s.Update(t.Context(), func(tx *Tx) error {
		if _, err := tx.AppendLeaf(homeLog, journal.Leaf([]byte("lost")), time.Now()); err != nil {
			return err
		}
		return tx.exec("ROLLBACK") // what follows finds no transaction, as after an error of the disk
	})
	if err == nil {
		t.Fatal("the group was committed")
	}
	grow(t, s, homeLog, leaves...)
	checkLog(t, s, homeLog, append(slices.Clone(leaves), leaves...))
}
