package scan

import (
	"crypto/sha256"
	"path"
	"strings"
	"sync"
)

// maxRemembered bounds the text of the attachments that a scanner remembers, in bytes.
const maxRemembered = 16 << 20

// remembered keeps what was read of an attachment, by what it is: a message is decided on more than once, and a file is the
// same each time. What failed is read again. It is safe for concurrent use.
type remembered struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]extraction
	order [][sha256.Size]byte // oldest first
	size  int
}

// nameOf is what decides how a file is read: its content and what it claims to be. The rest of its name does not, so a file
// that was given a neutral name is known.
func nameOf(f File) [sha256.Size]byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(strings.ToLower(path.Ext(f.Name))), []byte(f.MediaType), f.Content} {
		sum := sha256.Sum256(part)
		h.Write(sum[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func (r *remembered) find(name [sha256.Size]byte) (extraction, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x, ok := r.known[name]
	return x, ok
}

func (r *remembered) keep(name [sha256.Size]byte, x extraction) {
	weight := len(x.Text) + len(x.Notes)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.known[name]; ok || weight > maxRemembered/4 {
		return
	}
	if r.known == nil {
		r.known = map[[sha256.Size]byte]extraction{}
	}
	r.known[name], r.size = x, r.size+weight
	for r.order = append(r.order, name); r.size > maxRemembered; r.order = r.order[1:] {
		oldest := r.known[r.order[0]]
		r.size -= len(oldest.Text) + len(oldest.Notes)
		delete(r.known, r.order[0])
	}
}
