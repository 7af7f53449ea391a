package evidence

import (
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/tlog"

	"comity/schemas"
)

// tree is the hashes of a sealed file on disk: of every chunk, and of every full subtree over them, each at its stored hash
// index (tlog.StoredHashIndex). It is twice 32 bytes for each 512 KiB.
type tree struct {
	file   *os.File
	chunks int64
}

// ReadHashes implements tlog.HashReader.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if _, err := t.file.ReadAt(hashes[i][:], index*tlog.HashSize); err != nil {
			return nil, onDisk("reading the tree of a file", err)
		}
	}
	return hashes, nil
}

// add appends the hash of the next chunk.
func (t *tree) add(chunk []byte) error {
	hashes, err := tlog.StoredHashesForRecordHash(t.chunks, tlog.RecordHash(chunk), t)
	if err != nil {
		return err
	}
	at := tlog.StoredHashIndex(0, t.chunks) * tlog.HashSize
	joined := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		joined = append(joined, h[:]...)
	}
	if _, err := t.file.WriteAt(joined, at); err != nil {
		return onDisk("writing the tree of a file", err)
	}
	t.chunks++
	return nil
}

// root is the hash over all chunks.
func (t *tree) root() (tlog.Hash, error) { return tlog.TreeHash(t.chunks, t) }

// prove is the proof that goes with a chunk.
func (t *tree) prove(index int64) ([]byte, error) {
	proof, err := tlog.ProveRecord(t.chunks, index, t)
	if err != nil {
		return nil, fmt.Errorf("proving a chunk: %w", err)
	}
	joined := make([]byte, 0, len(proof)*tlog.HashSize)
	for _, h := range proof {
		joined = append(joined, h[:]...)
	}
	return joined, nil
}

// proves tells whether a chunk stands at a place of the tree with this root.
func proves(root tlog.Hash, chunks, index int64, leaf tlog.Hash, proof []byte) bool {
	if len(proof)%tlog.HashSize != 0 {
		return false
	}
	path := make(tlog.RecordProof, len(proof)/tlog.HashSize)
	for i := range path {
		copy(path[i][:], proof[i*tlog.HashSize:])
	}
	return tlog.CheckRecord(path, chunks, root, index, leaf) == nil
}

// lengthAt is how long the chunk at a place is.
func lengthAt(sealed schemas.SealedFile, index int64) int64 {
	return min(schemas.ChunkBytes, sealed.Bytes-index*schemas.ChunkBytes)
}
