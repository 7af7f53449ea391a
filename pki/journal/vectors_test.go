package journal

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"comity/schemas"
)

var update = flag.Bool("update", false, "write new test vectors with a new key")

// The hashes of the logs of 0 to 8 leaves that implementations of RFC 6962 test themselves with.
func TestTheCommonVectors(t *testing.T) {
	leaves := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var edge Edge
	for size, want := range roots {
		if root := edge.Root(); hex.EncodeToString(root[:]) != want {
			t.Errorf("%d leaves: %x, want %s", size, root, want)
		}
		if size < len(leaves) {
			data, err := hex.DecodeString(leaves[size])
			if err != nil {
				t.Fatal(err)
			}
			edge, _ = edge.Append(Leaf(data))
		}
	}
}

// testdata/vectors.json: a log of QM/justice's with all that can be said of it, so that another program can be held
// against this one. The key is known to everybody.
const vectorFile = "testdata/vectors.json"

type vectors struct {
	Key    []byte              `json:"key"` // PKCS #8, DER
	Keeper schemas.AuthorityID `json:"keeper"`
	Leaves []vectorLeaf        `json:"leaves"`
	Text   string              `json:"checkpoint"`
	Note   string              `json:"note"`
	Proof  string              `json:"proof"` // of the leaf at its index
	Growth vectorGrowth        `json:"growth"`
}

type vectorLeaf struct {
	Seq  uint64 `json:"number"`
	JWS  string `json:"jws_sha256"`
	Data string `json:"data"`
	Hash Hash   `json:"hash"`
	Root Hash   `json:"root"` // of the log that ends with it
}

type vectorGrowth struct {
	From   string `json:"from"` // an older checkpoint
	Hashes []Hash `json:"hashes"`
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	raw, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(raw, &v, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	key := v.key(t)
	var edge Edge
	for _, l := range v.Leaves {
		n := Number{From: qm, To: qn, Seq: l.Seq}
		if _, err := hex.Decode(n.JWS[:], []byte(l.JWS)); err != nil {
			t.Fatal(err)
		}
		edge, _ = edge.Append(n.Leaf())
		if string(n.Data()) != l.Data || n.Leaf() != l.Hash || edge.Root() != l.Root {
			t.Errorf("number %d: %q %v %v", l.Seq, n.Data(), n.Leaf(), edge.Root())
		}
	}
	c := edge.Checkpoint(Between(qm, qn))
	if c.Text() != v.Text {
		t.Errorf("checkpoint %q", c.Text())
	}
	if opened, err := Open([]byte(v.Note), v.Keeper, key.Public()); err != nil || opened != c {
		t.Errorf("note: %+v, %v", opened, err)
	}
	p, err := ParseProof([]byte(v.Proof))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Holds(v.Leaves[p.Index].Hash, p.Index, p.Hashes); err != nil || string(p.Note) != v.Note {
		t.Errorf("proof: %v", err)
	}
	older, err := ParseCheckpoint(v.Growth.From)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Continues(older, v.Growth.Hashes); err != nil {
		t.Errorf("growth: %v", err)
	}
}

func (v vectors) key(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*ecdsa.PrivateKey)
}

func writeVectors(t *testing.T) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	v := vectors{Key: der, Keeper: qm}
	s, edge := &memory{hashes: map[int64]Hash{}}, Edge{}
	var older Checkpoint
	for seq := uint64(1); seq <= 11; seq++ {
		n := Number{From: qm, To: qn, Seq: seq, JWS: sha256.Sum256(fmt.Appendf(nil, "TEST MESSAGE %d", seq))}
		if edge, err = Append(s, edge, n.Leaf()); err != nil {
			t.Fatal(err)
		}
		v.Leaves = append(v.Leaves, vectorLeaf{Seq: seq, JWS: hex.EncodeToString(n.JWS[:]), Data: string(n.Data()), Hash: n.Leaf(), Root: edge.Root()})
		if seq == 6 {
			older = edge.Checkpoint(Between(qm, qn))
		}
	}
	c := edge.Checkpoint(Between(qm, qn))
	signed, err := Sign(c, qm, v.key(t))
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := ProveLeaf(c.Size, 4, s)
	if err != nil {
		t.Fatal(err)
	}
	growth, err := ProveGrowth(c.Size, older.Size, s)
	if err != nil {
		t.Fatal(err)
	}
	v.Text, v.Note, v.Growth = c.Text(), string(signed), vectorGrowth{From: older.Text(), Hashes: growth}
	v.Proof = string(Proof{Index: 4, Hashes: hashes, Note: signed}.Text())
	raw, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorFile, append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
