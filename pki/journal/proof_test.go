package journal

import (
	"slices"
	"testing"
)

const testOrigin = Origin("comity/qm/justice/qn/justice")

// Every leaf of every size is proved, and by no proof of another leaf, size or hash.
func TestEveryLeafIsProved(t *testing.T) {
	const n = 70
	s, leaves, edges := grow(t, n, 11)
	for size := 1; size <= n; size++ {
		c := edges[size].Checkpoint(testOrigin)
		for index := range size {
			proof, err := ProveLeaf(int64(size), int64(index), s)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Holds(leaves[index], int64(index), proof); err != nil {
				t.Fatalf("leaf %d of %d: %v", index, size, err)
			}
			refused := func(what string, err error) {
				t.Helper()
				if ReasonOf(err) != ReasonNotIncluded {
					t.Fatalf("leaf %d of %d, %s: %v", index, size, what, err)
				}
			}
			refused("another leaf", c.Holds(leaves[(index+1)%n], int64(index), proof))
			refused("another index", c.Holds(leaves[index], int64(index+1), proof))
			refused("a longer proof", c.Holds(leaves[index], int64(index), append(slices.Clone(proof), Hash{})))
			other := c
			other.Root[5] ^= 1
			refused("another hash", other.Holds(leaves[index], int64(index), proof))
			if len(proof) > 0 {
				refused("a shorter proof", c.Holds(leaves[index], int64(index), proof[1:]))
				changed := slices.Clone(proof)
				changed[len(proof)/2][0] ^= 1
				refused("a changed proof", c.Holds(leaves[index], int64(index), changed))
			}
		}
	}
	if _, err := ProveLeaf(5, 5, s); err == nil {
		t.Error("a leaf beyond the end was proved")
	}
	if err := edges[5].Checkpoint(testOrigin).Holds(leaves[0], -1, nil); ReasonOf(err) != ReasonNotIncluded {
		t.Errorf("index -1: %v", err)
	}
}

// Every size is proved to continue every smaller one, and a log with one leaf changed continues nothing that held it.
func TestALogOnlyGrows(t *testing.T) {
	const n = 40
	s, leaves, edges := grow(t, n, 13)
	for size := range n + 1 {
		c := edges[size].Checkpoint(testOrigin)
		for older := range size + 1 {
			before := edges[older].Checkpoint(testOrigin)
			proof, err := ProveGrowth(int64(size), int64(older), s)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Continues(before, proof); err != nil {
				t.Fatalf("%d leaves continue %d: %v", size, older, err)
			}
			if older == 0 {
				continue
			}
			changed := before
			changed.Root[0] ^= 1
			if err := c.Continues(changed, proof); ReasonOf(err) != ReasonRewritten {
				t.Fatalf("%d leaves continue %d others: %v", size, older, err)
			}
			if older < size {
				if err := before.Continues(c, proof); ReasonOf(err) != ReasonShrunk {
					t.Fatalf("%d leaves continue %d: %v", older, size, err)
				}
			}
		}
	}
	other := Checkpoint{Origin: "comity/qm/justice/qp/justice", Size: 3, Root: edges[3].Root()}
	if err := edges[4].Checkpoint(testOrigin).Continues(other, nil); ReasonOf(err) != ReasonOrigin {
		t.Errorf("another log: %v", err)
	}
	// A history in which one leaf is another: nothing that a forger may prove makes it the old one.
	forged := slices.Clone(leaves)
	forged[2][0] ^= 1
	rewritten, edge := &memory{hashes: map[int64]Hash{}}, Edge{}
	for _, leaf := range forged {
		var err error
		if edge, err = Append(rewritten, edge, leaf); err != nil {
			t.Fatal(err)
		}
	}
	for older := 3; older <= n; older++ {
		proof, err := ProveGrowth(n, int64(older), rewritten)
		if err != nil {
			t.Fatal(err)
		}
		if err := edge.Checkpoint(testOrigin).Continues(edges[older].Checkpoint(testOrigin), proof); ReasonOf(err) != ReasonRewritten {
			t.Fatalf("a rewritten log continues %d leaves: %v", older, err)
		}
	}
}

func TestAProofHasOneSpelling(t *testing.T) {
	s, _, edges := grow(t, 11, 17)
	hashes, err := ProveLeaf(11, 4, s)
	if err != nil {
		t.Fatal(err)
	}
	note := []byte(edges[11].Checkpoint(testOrigin).Text() + "\n— x YWJjZGVm\n")
	text := string(Proof{Index: 4, Hashes: hashes, Note: note}.Text())
	p, err := ParseProof([]byte(text))
	if err != nil || p.Index != 4 || !slices.Equal(p.Hashes, hashes) || string(p.Note) != string(note) {
		t.Fatalf("read again: %+v, %v", p, err)
	}
	for name, changed := range map[string]string{
		"another version":    "c2sp.org/tlog-proof@v2" + text[len(proofHeader)-1:],
		"extra data":         proofHeader + "extra YQ==\n" + text[len(proofHeader):],
		"a leading zero":     proofHeader + "index 04" + text[len(proofHeader)+len("index 4"):],
		"a negative index":   proofHeader + "index -4" + text[len(proofHeader)+len("index 4"):],
		"a hash of 31 bytes": proofHeader + "index 4\nYWJj\n\n" + string(note),
		"no checkpoint":      proofHeader + "index 4\n",
		"nothing":            "",
	} {
		if _, err := ParseProof([]byte(changed)); ReasonOf(err) != ReasonMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	f.Add([]byte(proofHeader + "index 0\n\ncomity/qm/justice\n"))
	f.Add([]byte(proofHeader + "index 12\nnND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=\n\nx\n"))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra YQ==\nindex 1\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProof(data)
		if err != nil {
			if ReasonOf(err) == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		if string(p.Text()) != string(data) {
			t.Fatalf("a second spelling of %q", p.Text())
		}
	})
}
