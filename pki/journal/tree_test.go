package journal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// memory is a Storage that forgets nothing and refuses to write twice.
type memory struct {
	hashes map[int64]Hash
	full   bool // every write fails
}

var errFull = errors.New("full")

func (m *memory) ReadHashes(indexes []int64) ([]Hash, error) {
	found := make([]Hash, len(indexes))
	for i, index := range indexes {
		h, ok := m.hashes[index]
		if !ok {
			return nil, errors.New("no such hash")
		}
		found[i] = h
	}
	return found, nil
}

func (m *memory) WriteHashes(first int64, hashes []Hash) error {
	if m.full {
		return errFull
	}
	for i, h := range hashes {
		if _, taken := m.hashes[first+int64(i)]; taken {
			return errors.New("an index is written twice")
		}
		m.hashes[first+int64(i)] = h
	}
	return nil
}

// grow makes a log of n leaves drawn from a seed.
func grow(tb testing.TB, n int, seed uint64) (*memory, []Hash, []Edge) {
	tb.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	s, leaves, edges := &memory{hashes: map[int64]Hash{}}, []Hash(nil), []Edge{{}}
	for range n {
		var leaf Hash
		for i := range leaf {
			leaf[i] = byte(random.Uint32())
		}
		next, err := Append(s, edges[len(edges)-1], leaf)
		if err != nil {
			tb.Fatal(err)
		}
		leaves, edges = append(leaves, leaf), append(edges, next)
	}
	return s, leaves, edges
}

// byDefinition computes the hash of a log as RFC 6962 section 2.1 defines it.
func byDefinition(leaves []Hash) Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	half := 1
	for half*2 < len(leaves) {
		half *= 2
	}
	left, right := byDefinition(leaves[:half]), byDefinition(leaves[half:])
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

// The edge, the stored hashes and tlog's own arithmetic agree with the definition at every size.
func TestALogIsWhatTheDefinitionSays(t *testing.T) {
	const n = 300
	s, leaves, edges := grow(t, n, 7)
	for size := range n + 1 {
		want := byDefinition(leaves[:size])
		if got := edges[size].Root(); got != want {
			t.Fatalf("%d leaves: root %v, want %v", size, got, want)
		}
		if got, err := tlog.TreeHash(int64(size), s); err != nil || got != want {
			t.Fatalf("%d leaves: from what is stored %v %v, want %v", size, got, err, want)
		}
		read, err := ReadEdge(int64(size), s)
		if err != nil || read.Size() != int64(size) || read.Root() != want {
			t.Fatalf("%d leaves: edge read again %+v, %v", size, read, err)
		}
	}
	if got, want := int64(len(s.hashes)), tlog.StoredHashCount(n); got != want {
		t.Errorf("%d hashes are stored, want %d", got, want)
	}
	for size, leaf := range leaves {
		want, err := tlog.StoredHashesForRecordHash(int64(size), leaf, s)
		if _, got := edges[size].Append(leaf); err != nil || !slices.Equal(got, want) {
			t.Fatalf("leaf %d stores %v, want %v (%v)", size, got, want, err)
		}
	}
}

func TestALeafIsHashedAsOthersDo(t *testing.T) {
	data := []byte("x")
	if want := Hash(sha256.Sum256(append([]byte{0}, data...))); Leaf(data) != want {
		t.Errorf("leaf %v, want %v", Leaf(data), want)
	}
	n := Number{From: "QM/justice", To: "QN/justice", Seq: 7}
	if want := []byte("comity number v1\nQM/justice\nQN/justice\n7\n"); !bytes.HasPrefix(n.Data(), want) || n.Index() != 6 {
		t.Errorf("number: %q, index %d", n.Data(), n.Index())
	}
}

// A write that fails, whether or not something of it was kept, leaves the caller with the edge that it had.
func TestAFailedAppendChangesNothing(t *testing.T) {
	s, leaves, edges := grow(t, 5, 3)
	s.full = true
	if _, err := Append(s, edges[5], leaves[0]); !errors.Is(err, errFull) {
		t.Fatalf("append: %v", err)
	}
	s.full = false
	if next, err := Append(s, edges[5], leaves[0]); err != nil || next.Root() != byDefinition(append(slices.Clone(leaves), leaves[0])) {
		t.Errorf("append again: %v", err)
	}
	if _, err := Append(s, edges[5], leaves[1]); err == nil {
		t.Error("another leaf took the place of one that is stored")
	}
	delete(s.hashes, tlog.StoredHashIndex(2, 0))
	if _, err := ReadEdge(5, s); err == nil {
		t.Error("the edge of a log with a hole was read")
	}
}
