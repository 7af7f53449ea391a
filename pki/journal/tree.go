package journal

import (
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Storage keeps the hashes of one log, each under its stored hash index (tlog.StoredHashIndex): of every leaf, and of
// every subtree as soon as it is full. A leaf completes two of them on average.
//
// The caller appends one leaf at a time. WriteHashes must make its hashes durable together with the rows that the leaf
// speaks of, in one transaction: all of it survives a crash or none does, and nothing is signed or sent that rests on a
// hash that is not durable. A hash is written once and never changed; a write at an index that is taken must fail.
type Storage interface {
	// ReadHashes returns the hashes under these indexes, in their order. One that is missing is an error.
	tlog.HashReader
	// WriteHashes writes hashes under first, first+1 and so on.
	WriteHashes(first int64, hashes []Hash) error
}

// Edge is the right edge of a log: the roots of its full subtrees, the largest first. It is all that is needed to append
// and to compute the hash of the log, and has one root for each 1 in the binary size. The zero Edge is an empty log's.
// An Edge never changes, so copies may be kept.
type Edge struct {
	size  int64
	roots []Hash
}

// ReadEdge reads the edge of a log of this size.
func ReadEdge(size int64, r tlog.HashReader) (Edge, error) {
	var indexes []int64
	for rest := size; rest > 0; {
		level := bits.Len64(uint64(rest)) - 1
		done := size - rest
		indexes = append(indexes, tlog.StoredHashIndex(level, done>>level))
		rest -= 1 << level
	}
	if len(indexes) == 0 {
		return Edge{}, nil
	}
	roots, err := r.ReadHashes(indexes)
	if err != nil {
		return Edge{}, fmt.Errorf("reading the edge of a log: %w", err)
	}
	return Edge{size: size, roots: roots}, nil
}

// Size is the number of leaves.
func (e Edge) Size() int64 { return e.size }

// Root is the hash of the whole log.
func (e Edge) Root() Hash {
	if e.size == 0 {
		return emptyRoot()
	}
	root := e.roots[len(e.roots)-1]
	for _, left := range slices.Backward(e.roots[:len(e.roots)-1]) {
		root = tlog.NodeHash(left, root)
	}
	return root
}

// emptyRoot is the hash of a log without leaves.
func emptyRoot() Hash {
	root, err := tlog.TreeHash(0, nil)
	if err != nil { // it reads nothing
		panic(err)
	}
	return root
}

// Append is the edge with one more leaf, and the hashes to store for it: they begin at tlog.StoredHashIndex(0, e.Size()).
func (e Edge) Append(leaf Hash) (next Edge, stored []Hash) {
	roots, stored := slices.Clone(e.roots), []Hash{leaf}
	for n := e.size; n&1 == 1; n >>= 1 { // each 1 at the end is a full subtree that gets its right half
		last := len(roots) - 1
		leaf = tlog.NodeHash(roots[last], leaf)
		roots, stored = roots[:last], append(stored, leaf)
	}
	return Edge{size: e.size + 1, roots: append(roots, leaf)}, stored
}

// Append writes one more leaf and returns the edge after it.
func Append(s Storage, e Edge, leaf Hash) (Edge, error) {
	next, stored := e.Append(leaf)
	if err := s.WriteHashes(tlog.StoredHashIndex(0, e.size), stored); err != nil {
		return Edge{}, fmt.Errorf("appending to a log: %w", err)
	}
	return next, nil
}
