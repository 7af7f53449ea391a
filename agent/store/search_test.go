package store

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"comity/schemas"
)

// A search in the words of 10,000 cases of four messages with 80 words each, for one that a message in a thousand has and for two
// that none has together.
func BenchmarkFind(b *testing.B) {
	columns, err := NewColumns(make([]byte, KeySize))
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "agent.db"), columns)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	random := rand.New(rand.NewPCG(1, 2))
	for range 80 {
		var entries []Entry
		for i := range 500 {
			e := Entry{Key: Key{Sender: "QM/justice", ID: schemas.NewMessageID()}}
			for range 80 {
				e.Words = append(e.Words, random.Uint32())
			}
			if i%1000 == 0 {
				e.Words = append(e.Words, 42)
			}
			slices.Sort(e.Words)
			entries = append(entries, e)
		}
		if err := s.Update(b.Context(), func(tx *Tx) error { return tx.AddEntries(entries) }); err != nil {
			b.Fatal(err)
		}
	}
	for name, words := range map[string][]uint32{"one": {42}, "none": {7, 9}} {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				n = 0
				err := s.View(b.Context(), func(tx *Tx) error {
					_, err := tx.Find(words, func(Key) (bool, error) { n++; return true, nil })
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			if (n > 0) != (name == "one") {
				b.Error(fmt.Sprint(name, ": found ", n))
			}
		})
	}
}
