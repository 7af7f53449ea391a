package register

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"

	"comity/agent/register/name"
	"comity/schemas"
)

// A name is kept as the encodings of its words: the keyed hashes of the keys of each, and Bloom encodings of how it is spelled,
// 256 bits a word and so a thousand bits for a name of four. Words are compared one by one, in any order.

// bloom is a Bloom encoding of one side of a word: the keyed hashes of its pairs of sounds set two bits each.
type bloom [2]uint64

func (b *bloom) add(h uint64) {
	for range 2 {
		b[h>>6&1] |= 1 << (h & 63)
		h >>= 7
	}
}

func (b bloom) count() int { return bits.OnesCount64(b[0]) + bits.OnesCount64(b[1]) }

// dice is the likeness of two encodings, from 0 to 1.
func (b bloom) dice(o bloom) float64 {
	sum := b.count() + o.count()
	if sum == 0 {
		return 0
	}
	return 2 * float64(bits.OnesCount64(b[0]&o[0])+bits.OnesCount64(b[1]&o[1])) / float64(sum)
}

// wordCode is what is kept of one word of a name, or of several that some write as one.
type wordCode struct {
	letters uint64   // the spelling
	keys    []uint64 // the consonants, the likeliest reading first
	size    uint8    // of the first key, in sounds
	from    uint8    // its place among the words of the name
	to      uint8
	shape   bloom // of the first key; zero where near is not like
	sound   bloom // with the vowels; zero where the script does not write them, too
}

func (w *wordCode) span() bool { return w.from != w.to }

// nameCode is one name: the single words in their order, then the spans.
type nameCode struct {
	words   []wordCode
	singles int
	mask    uint64 // has a bit set for each key, to pass over names that share none
}

func (n *nameCode) setMask() {
	for i := range n.words {
		for _, k := range n.words[i].keys {
			n.mask |= 1 << (k & 63)
		}
	}
}

// identity is what is kept of one person.
type identity struct {
	names     []nameCode
	born      birth
	documents []documentCode
}

// documentCode is what is kept of one document.
type documentCode struct {
	number digest // as it is printed
	look   digest // as it is read: O is 0
	issuer schemas.StateCode
}

// name encodes the words of a name.
func (m *mac) name(words []name.Word) nameCode {
	code := nameCode{singles: name.Singles(words), words: make([]wordCode, len(words))}
	for i := range words {
		code.words[i] = m.word(&words[i])
	}
	code.setMask()
	return code
}

func (m *mac) word(w *name.Word) wordCode {
	c := wordCode{letters: m.short(forLetters, w.Letters), from: uint8(w.From), to: uint8(w.To), keys: make([]uint64, 0, len(w.Keys))}
	for _, k := range w.Keys {
		c.keys = append(c.keys, m.short(forKey, k))
	}
	if len(w.Keys) > 0 {
		c.size = uint8(min(len(w.Keys[0]), 255))
	}
	if w.Exact {
		return c
	}
	if len(w.Keys) > 0 {
		c.shape = m.pairs(w.Keys[0])
	}
	if w.Sound != "" {
		c.sound = m.pairs(w.Sound)
	}
	return c
}

// pairs encodes each two neighbours of a text, and its ends.
func (m *mac) pairs(text string) bloom {
	var b bloom
	last := byte(0)
	for i := range len(text) {
		b.add(m.pair(last, text[i]))
		last = text[i]
	}
	b.add(m.pair(last, 0))
	return b
}

// identity encodes a person as the register keeps them. A number that is a machine-readable line gives the number in it as well.
func (m *mac) identity(id *schemas.Identity) identity {
	c := identity{born: parseBirth(string(id.BirthDate))}
	for _, list := range [][]string{id.Names, id.FormerNames} {
		for _, n := range list {
			if words := name.Words(n); len(words) > 0 {
				c.names = append(c.names, m.name(words))
			}
		}
	}
	for _, d := range id.Documents {
		if n := documentNumber(d.Number); n != "" {
			c.documents = append(c.documents, m.document(n, d.Issuer))
		}
		for line := range strings.FieldsSeq(d.Number) {
			if n := machineNumber(line); n != "" {
				c.documents = append(c.documents, m.document(n, d.Issuer))
			}
		}
	}
	return c
}

// codesVersion is the first byte of sealed codes.
const codesVersion = 3

func (c *identity) marshal() []byte {
	b := []byte{codesVersion, byte(len(c.names))}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(c.documents)))
	b = binary.LittleEndian.AppendUint16(b, uint16(c.born.year))
	b = append(b, byte(c.born.month), byte(c.born.day))
	for _, n := range c.names {
		b = append(b, byte(n.singles), byte(len(n.words)))
		for _, w := range n.words {
			b = append(b, byte(len(w.keys)), w.size, w.from, w.to)
			for _, v := range slices.Concat(w.keys, []uint64{w.letters}, w.shape[:], w.sound[:]) {
				b = binary.LittleEndian.AppendUint64(b, v)
			}
		}
	}
	for _, d := range c.documents {
		b = append(b, d.number[:]...)
		b = append(b, d.look[:]...)
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
func (r *reader) uint16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *reader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

func unmarshalIdentity(b []byte) (identity, error) {
	r := &reader{rest: b}
	if r.byte() != codesVersion {
		return identity{}, ErrCorrupt
	}
	c := identity{names: make([]nameCode, r.byte()), documents: make([]documentCode, r.uint16())}
	c.born = birth{int16(r.uint16()), int8(r.byte()), int8(r.byte())}
	for i := range c.names {
		n := &c.names[i]
		n.singles = r.byte()
		n.words = make([]wordCode, r.byte())
		for j := range n.words {
			n.words[j] = r.word()
		}
		if n.singles > len(n.words) {
			r.wrong = true
		}
		n.setMask()
	}
	for i := range c.documents {
		d := &c.documents[i]
		copy(d.number[:], r.take(len(d.number)))
		copy(d.look[:], r.take(len(d.look)))
		d.issuer = schemas.StateCode(r.take(r.byte()))
	}
	if r.wrong || len(r.rest) > 0 {
		return identity{}, ErrCorrupt
	}
	return c, nil
}

func (r *reader) word() wordCode {
	w := wordCode{keys: make([]uint64, r.byte()), size: uint8(r.byte()), from: uint8(r.byte()), to: uint8(r.byte())}
	for i := range w.keys {
		w.keys[i] = r.uint64()
	}
	w.letters = r.uint64()
	w.shape, w.sound = bloom{r.uint64(), r.uint64()}, bloom{r.uint64(), r.uint64()}
	return w
}
