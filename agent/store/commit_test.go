package store

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// What is in no hurry goes along with what is, and before it; alone it is committed too.
func TestWhatIsInNoHurryGoesAlong(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	var order []string // of the goroutine that commits
	var callers sync.WaitGroup
	do := func(name string, update func(work func(*Tx) error) error) {
		callers.Go(func() {
			err := update(func(tx *Tx) error {
				order = append(order, name)
				_, err := tx.RaiseAlarm(Alarm{Kind: "hole", Peer: "QN/justice", Subject: name, RaisedAt: time.UnixMilli(1000)})
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	soon := func(work func(*Tx) error) error { return s.UpdateSoon(t.Context(), work) }
	now := func(work func(*Tx) error) error { return s.Update(t.Context(), work) }
	do("alone", soon)
	callers.Wait() // it came back without any company

	busy, free := make(chan struct{}), make(chan struct{})
	callers.Go(func() {
		_ = s.Update(t.Context(), func(*Tx) error {
			close(busy)
			<-free
			return nil
		})
	})
	<-busy // whatever comes now waits for the next group
	do("soon", soon)
	await(t, func() bool { return len(s.soon) == 1 })
	do("now", now)
	await(t, func() bool { return len(s.queue) == 1 })
	close(free)
	callers.Wait()
	if want := []string{"alone", "soon", "now"}; !slices.Equal(order, want) {
		t.Errorf("in the order %q, want %q", order, want)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := soon(func(*Tx) error { return nil }); err != ErrClosed {
		t.Errorf("after Close: %v, want %v", err, ErrClosed)
	}
}

// await returns once a condition holds.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 10 s")
		}
	}
}

// What was accepted before Close is committed, also where it was in no hurry.
func TestCloseCommitsWhatIsInNoHurry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.db")
	s := open(t, path)
	busy, free := make(chan struct{}), make(chan struct{})
	var callers sync.WaitGroup
	callers.Go(func() {
		_ = s.Update(t.Context(), func(*Tx) error {
			close(busy)
			<-free
			return nil
		})
	})
	<-busy
	callers.Go(func() {
		err := s.UpdateSoon(t.Context(), func(tx *Tx) error {
			_, err := tx.RaiseAlarm(Alarm{Kind: "hole", Peer: "QN/justice", Subject: "7", RaisedAt: time.UnixMilli(1000)})
			return err
		})
		if err != nil {
			t.Errorf("a transaction that was accepted: %v", err)
		}
	})
	await(t, func() bool { return len(s.soon) == 1 })
	callers.Go(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	<-s.closed
	close(free)
	callers.Wait()
	again := open(t, path)
	err := again.View(t.Context(), func(tx *Tx) error {
		alarms, err := tx.Alarms(10)
		if len(alarms) != 1 {
			t.Errorf("%d alarms are in the file, want 1", len(alarms))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
