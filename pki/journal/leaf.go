package journal

import (
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"comity/schemas"
)

// Hash is that of a leaf, of a subtree or of a whole log (RFC 6962 section 2.1).
type Hash = tlog.Hash

// Number is a leaf of a pair's log: which signed message one authority sent to another under a number.
type Number struct {
	From, To schemas.AuthorityID
	Seq      uint64   // from 1
	JWS      [32]byte // SHA-256 of the compact JWS
}

// Data is what the leaf's hash is computed over: any tool that knows SHA-256 can do it again. A void closes a number and
// leaves its leaf as it is.
func (n Number) Data() []byte {
	return fmt.Appendf(nil, "comity number v1\n%s\n%s\n%d\n%s\n", n.From, n.To, n.Seq, hex.EncodeToString(n.JWS[:]))
}

// Leaf is the hash of the leaf.
func (n Number) Leaf() Hash { return tlog.RecordHash(n.Data()) }

// Index is where the leaf stands in its log, from 0.
func (n Number) Index() int64 { return int64(n.Seq) - 1 }

// Leaf is the hash of a leaf of a home log, over whatever its authority records.
func Leaf(data []byte) Hash { return tlog.RecordHash(data) }
