package journal

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// maxProof bounds the hashes of a proof: two for each level of the largest log.
const maxProof = 128

// ProveLeaf makes the proof that a leaf stands in the log at a size (RFC 6962 section 2.1.1).
func ProveLeaf(size, index int64, r tlog.HashReader) ([]Hash, error) {
	proof, err := tlog.ProveRecord(size, index, r)
	if err != nil {
		return nil, fmt.Errorf("proving leaf %d of %d: %w", index, size, err)
	}
	return proof, nil
}

// Holds checks that the log has the leaf at the index.
func (c Checkpoint) Holds(leaf Hash, index int64, proof []Hash) error {
	if index < 0 || index >= c.Size || len(proof) > maxProof || tlog.CheckRecord(proof, c.Size, c.Root, index, leaf) != nil {
		return refuse(ReasonNotIncluded, "the proof does not lead from leaf %d to the hash of %d leaves", index, c.Size)
	}
	return nil
}

// ProveGrowth makes the proof that the log at one size begins with the log at an older size (RFC 6962 section 2.1.2).
func ProveGrowth(size, older int64, r tlog.HashReader) ([]Hash, error) {
	if older == 0 && size >= 0 {
		return nil, nil // every log begins with nothing
	}
	proof, err := tlog.ProveTree(size, older, r)
	if err != nil {
		return nil, fmt.Errorf("proving that %d leaves begin with %d: %w", size, older, err)
	}
	return proof, nil
}

// Continues checks that the log goes on from what an older checkpoint of it says.
func (c Checkpoint) Continues(older Checkpoint, proof []Hash) error {
	switch {
	case c.Origin != older.Origin:
		return refuse(ReasonOrigin, "two checkpoints of different logs")
	case c.Size < older.Size:
		return refuse(ReasonShrunk, "%d leaves, where there were %d", c.Size, older.Size)
	case older.Size == 0:
		if older.Root != emptyRoot() || len(proof) > 0 {
			return refuse(ReasonRewritten, "a log without leaves has one hash and needs no proof")
		}
		return nil
	case len(proof) > maxProof || tlog.CheckTree(proof, c.Size, c.Root, older.Size, older.Root) != nil:
		return refuse(ReasonRewritten, "%d leaves do not begin with the %d that were seen before", c.Size, older.Size)
	}
	return nil
}

// Proof is the proof of a leaf with the signed checkpoint that it leads to, as one document (c2sp.org/tlog-proof).
type Proof struct {
	Index  int64
	Hashes []Hash
	Note   []byte // not verified
}

const (
	proofHeader = "c2sp.org/tlog-proof@v1\n"
	proofIndex  = "index "
)

// Text is the document.
func (p Proof) Text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%s%d\n", proofHeader, proofIndex, p.Index)
	for _, h := range p.Hashes {
		fmt.Fprintf(&b, "%s\n", h)
	}
	b.WriteString("\n")
	b.Write(p.Note)
	return b.Bytes()
}

// ParseProof reads exactly what Text writes. A document with extra data is refused: nobody here would check it.
func ParseProof(text []byte) (Proof, error) {
	rest, ok := strings.CutPrefix(string(text), proofHeader)
	head, signed, ends := strings.Cut(rest, "\n\n")
	lines := strings.Split(head, "\n")
	index, named := strings.CutPrefix(lines[0], proofIndex)
	if !ok || !ends || !named || len(lines)-1 > maxProof || len(signed) > maxNote {
		return Proof{}, refuse(ReasonMalformed, "not a proof of a leaf")
	}
	p := Proof{Note: []byte(signed)}
	var err error
	if p.Index, err = parseCount(index); err != nil {
		return Proof{}, err
	}
	for _, line := range lines[1:] {
		h, err := parseHash(line)
		if err != nil {
			return Proof{}, err
		}
		p.Hashes = append(p.Hashes, h)
	}
	return p, nil
}
