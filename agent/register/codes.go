package register

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode"

	"comity/agent/register/name"
	"comity/schemas"
)

// clk is a Bloom encoding of one name: 1,024 bits in which the features of its words are hashed with the key.
type clk [16]uint64

const (
	clkBits   = 1024
	clkHashes = 10
)

func (c *clk) add(h uint64) {
	a, b := uint32(h), uint32(h>>32)|1
	for i := range uint32(clkHashes) {
		bit := (a + i*b) % clkBits
		c[bit/64] |= 1 << (bit % 64)
	}
}

func (c *clk) dice(o *clk) float64 {
	both, sum := 0, 0
	for i := range c {
		both += bits.OnesCount64(c[i] & o[i])
		sum += bits.OnesCount64(c[i]) + bits.OnesCount64(o[i])
	}
	if sum == 0 {
		return 0
	}
	return 2 * float64(both) / float64(sum)
}

// nameCode is what is kept of one name.
type nameCode struct {
	keys  []uint64 // of its words
	whole clk
}

func parts(s string) []name.Word { return name.Words(s) }

func (m *mac) name(words []name.Word) nameCode {
	var code nameCode
	for _, w := range words {
		for _, k := range w.Keys {
			code.keys = append(code.keys, m.short(forToken, []byte(k)))
			padded := "_" + k + "_"
			for i := 0; i+2 <= len(padded); i++ {
				code.whole.add(m.short(forFeature, []byte(padded[i:i+2])))
			}
		}
	}
	return code
}

// codes are what is kept of one person's identity.
type codes struct {
	names     []nameCode
	born      birth
	documents []documentCode
}

// documentCode is what is kept of one document.
type documentCode struct {
	number digest
	issuer schemas.StateCode
}

func (m *mac) identity(id *schemas.Identity) codes {
	c := codes{born: parseBirth(string(id.BirthDate))}
	for _, list := range [][]string{id.Names, id.FormerNames} {
		for _, n := range list[:min(len(list), maxNames)] {
			if words := parts(n); len(words) > 0 {
				c.names = append(c.names, m.name(words))
			}
		}
	}
	for _, d := range id.Documents[:min(len(id.Documents), maxDocuments)] {
		if n := documentNumber(d.Number); n != "" {
			c.documents = append(c.documents, documentCode{m.digest(forDocument, []byte(n)), d.Issuer})
		}
	}
	return c
}

// documentNumber is a number as it is compared: letters and digits, upper-case.
func documentNumber(s string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToUpper(r)
		}
		return -1
	}, s)
}

func (c *codes) marshal() []byte {
	b := []byte{1, byte(len(c.names)), byte(len(c.documents))}
	b = binary.LittleEndian.AppendUint16(b, uint16(c.born.year))
	b = append(b, byte(c.born.month), byte(c.born.day))
	for _, n := range c.names {
		b = append(b, byte(len(n.keys)))
		for _, k := range n.keys {
			b = binary.LittleEndian.AppendUint64(b, k)
		}
		for _, w := range n.whole {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
	}
	for _, d := range c.documents {
		b = append(b, d.number[:]...)
		b = append(b, byte(len(d.issuer)))
		b = append(b, d.issuer...)
	}
	return b
}

// reader takes values off sealed bytes; it goes wrong once and stays wrong.
type reader struct {
	rest  []byte
	wrong bool
}

func (r *reader) take(n int) []byte {
	if r.wrong || n > len(r.rest) {
		r.wrong = true
		return make([]byte, n)
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() int      { return int(r.take(1)[0]) }
func (r *reader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

func unmarshalCodes(b []byte) (codes, error) {
	r := &reader{rest: b}
	if r.byte() != 1 {
		return codes{}, ErrCorrupt
	}
	names, documents := r.byte(), r.byte()
	c := codes{born: birth{int16(binary.LittleEndian.Uint16(r.take(2))), int8(r.byte()), int8(r.byte())}}
	for range names {
		var n nameCode
		for range r.byte() {
			n.keys = append(n.keys, r.uint64())
		}
		for i := range n.whole {
			n.whole[i] = r.uint64()
		}
		c.names = append(c.names, n)
	}
	for range documents {
		var d documentCode
		copy(d.number[:], r.take(len(d.number)))
		d.issuer = schemas.StateCode(r.take(r.byte()))
		c.documents = append(c.documents, d)
	}
	if r.wrong {
		return codes{}, ErrCorrupt
	}
	return c, nil
}
