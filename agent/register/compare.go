package register

import (
	"cmp"
	"iter"
	"math"
	"slices"
)

// Likeness is counted in bits: how much likelier two records would look like this if they were of one person, than by chance.
// It is the sum of what the words of the names say and of what the dates of birth say. The weights were measured on pairs of
// writings of one name and on random pairs (README.md).

// askedWord is a word of a name that is asked about.
type askedWord struct {
	wordCode
	index    *index
	mask     uint64     // has a bit set for each key
	lists    [][]uint32 // of the large segment: who has them
	at       int        // of a text: its place
	small    bool       // of a text: it begins with a small letter, where names have capitals
	rarity   float64    // how rare it is to share one of its keys
	spelling float64    // how rare it is to be spelled like this
}

// askedName is a name that is asked about.
type askedName struct {
	words   []askedWord
	singles int
	mask    uint64 // of all keys, to pass over names that share none
}

func (ix *index) ask(n nameCode) askedName {
	a := askedName{words: make([]askedWord, len(n.words)), singles: n.singles, mask: n.mask}
	for i := range n.words {
		a.words[i] = ix.askWord(n.words[i])
	}
	return a
}

func (ix *index) askWord(w wordCode) askedWord {
	a := askedWord{wordCode: w, index: ix, lists: make([][]uint32, len(w.keys))}
	share := 0.0
	for i, k := range w.keys {
		a.mask |= 1 << (k & 63)
		a.lists[i] = ix.base.with(k)
		share += ix.share(k, w, ix.count(k))
	}
	a.rarity, a.spelling = -math.Log2(min(share, 1)), -math.Log2(ix.shareOfWord(w))
	return a
}

// Weights of whole names, in bits.
const (
	conflict  = 3.0 // taken off where each name has a word that the other lacks
	kindred   = 1.5 // taken off for each word after the first that agrees: words of one language go together
	extraWord = 0.7 // taken off for each further word that only one of them has
)

// likenessOf is what two names say.
type likenessOf struct {
	bits  float64
	exact bool // all words of both are spelled alike
}

// like compares two words: in bits, and whether they are spelled alike.
func (a *askedWord) like(b *wordCode) (float64, bool) {
	if a.letters == b.letters {
		return a.bestSpelled(), true
	}
	vowelled := a.sound != (bloom{}) && b.sound != (bloom{})
	shared := a.shares(b)
	switch {
	case shared && a.shape == (bloom{}):
		return a.rarity, false
	case shared && vowelled:
		return a.rarity + a.vowels(a.sound.dice(b.sound)), false
	case shared:
		return a.rarity + 3*(a.shape.dice(b.shape)-0.8), false
	case a.size < 3 || b.size < 3 || a.span() || b.span() || a.shape == (bloom{}) || b.shape == (bloom{}):
		return 0, false
	}
	return a.slip(b, vowelled), false
}

// slip compares two words that share no key: one may be a slip of the other. What is near a common word is common as well.
func (a *askedWord) slip(b *wordCode, vowelled bool) float64 {
	bits := 1 + 10*(a.shape.dice(b.shape)-0.6)
	if vowelled {
		bits = 4 + 25*((a.shape.dice(b.shape)+a.sound.dice(b.sound))/2-0.6)
	}
	if bits <= 0 {
		return 0
	}
	rarity := a.rarity
	if len(b.keys) > 0 {
		rarity = min(rarity, -math.Log2(a.index.share(b.keys[0], *b, a.index.count(b.keys[0]))))
	}
	return min(bits+(rarity-9)/2, rarity-1)
}

// vowels says what the vowels add to a key that is shared. With a common key they add nothing: most who share it mean one name.
func (a *askedWord) vowels(dice float64) float64 {
	bits := 12.5 * (dice - 0.63)
	if bits > 0 {
		bits *= min(max((a.rarity-4)/6, 0), 1)
	}
	return min(max(bits, -6), 3.5)
}

// best is the most that like can find for a word that shares a key, and is not spelled alike.
func (a *askedWord) best() float64 { return a.rarity + max(a.vowels(1), 1.1) }

// bestSpelled is the same for one that is spelled alike.
func (a *askedWord) bestSpelled() float64 { return max(a.spelling-1, a.rarity) }

// slipped is the most that is expected of a word which shares no key.
const slipped = 8.0

// surely is like for words of a text, most of which are no names: what is not much alike says nothing.
func (a *askedWord) surely(b *wordCode) (float64, bool) {
	if a.letters == b.letters {
		return a.bestSpelled(), true
	}
	if !a.shares(b) || a.shape == (bloom{}) {
		return 0, false
	}
	if a.sound != (bloom{}) && b.sound != (bloom{}) {
		if vowels := a.sound.dice(b.sound); vowels >= 0.5 {
			return a.rarity + a.vowels(vowels), false
		}
		return 0, false
	}
	if a.shape != b.shape || a.size < 2 {
		return 0, false
	}
	return a.rarity, false
}

func (w *wordCode) shares(b *wordCode) bool {
	for _, k := range w.keys {
		for _, other := range b.keys {
			if k == other {
				return true
			}
		}
	}
	return false
}

// overlay is one word laid on another.
type overlay struct {
	bits  float64
	alike bool
	asked *askedWord
	of    *wordCode
}

// layout is the best way to lay one name on another.
type layout struct {
	likenessOf
	chosen       []overlay
	onlyA, onlyN int // single words of each that found none
}

// lay lays a name that is asked about on one that is kept.
func (a *askedName) lay(n *nameCode, room []overlay, like func(*askedWord, *wordCode) (float64, bool), loose bool) layout {
	overlays := room[:0]
	for i := range a.words {
		w := &a.words[i]
		if !loose && w.mask&n.mask == 0 { // most words of a text
			continue
		}
		for j := range n.words {
			o := &n.words[j]
			if w.span() && o.span() {
				continue
			}
			if bits, alike := like(w, o); bits > 0 && len(overlays) < cap(overlays) {
				overlays = append(overlays, overlay{bits, alike, w, o})
			}
		}
	}
	slices.SortFunc(overlays, func(x, y overlay) int { return cmp.Compare(y.bits, x.bits) })
	var takenA, takenN uint16 // words
	l := layout{likenessOf: likenessOf{exact: true}, onlyA: a.singles, onlyN: n.singles, chosen: overlays[:0]}
	for _, o := range overlays {
		ofA, ofN := o.asked.place(), o.of.place()
		if takenA&ofA != 0 || takenN&ofN != 0 {
			continue
		}
		takenA, takenN = takenA|ofA, takenN|ofN
		l.bits += o.bits
		l.exact = l.exact && o.alike
		l.onlyA -= o.asked.words()
		l.onlyN -= o.of.words()
		l.chosen = append(l.chosen, o)
	}
	l.bits -= kindred * float64(max(0, len(l.chosen)-1))
	return l
}

// spans tells whether what was laid covers several words of either name.
func (l *layout) spans() bool {
	return slices.ContainsFunc(l.chosen, func(o overlay) bool { return o.asked.span() || o.of.span() })
}

// small tells whether nothing that was laid begins with a capital, in a text that knows them.
func (l *layout) small() bool {
	return !slices.ContainsFunc(l.chosen, func(o overlay) bool { return !o.asked.small })
}

// within tells whether everything that was laid is a word of one of some names.
func (l *layout) within(names []nameCode) bool {
	return slices.ContainsFunc(names, func(n nameCode) bool {
		return !slices.ContainsFunc(l.chosen, func(o overlay) bool { return !n.has(o.asked) })
	})
}

func (n *nameCode) has(w *askedWord) bool {
	for i := range n.words {
		if bits, _ := w.surely(&n.words[i]); bits > 0 {
			return true
		}
	}
	return false
}

// compare says what a name and another say together. Where loose is false, names that share no key are not looked at.
func (a *askedName) compare(n *nameCode, loose bool) likenessOf {
	if !loose && a.mask&n.mask == 0 {
		return likenessOf{}
	}
	var room [48]overlay
	l := a.lay(n, room[:], (*askedWord).like, true)
	few, many := min(l.onlyA, l.onlyN), max(l.onlyA, l.onlyN)
	l.bits -= conflict*float64(few) + extraWord*float64(many-few)
	l.exact = l.exact && many == 0 && len(l.chosen) > 0
	return l.likenessOf
}

// hits yields who has the word in a segment: those who spell it alike first, then, if wanted, those who share a key. Some come
// twice.
func (a *askedWord) hits(s *segment, byKeys bool) iter.Seq2[uint32, bool] {
	return func(yield func(at uint32, alike bool) bool) {
		for _, at := range s.with(a.letters) {
			if !yield(at, true) {
				return
			}
		}
		if !byKeys {
			return
		}
		for i, key := range a.keys {
			with := a.lists[i]
			if s != a.index.base {
				with = s.with(key)
			}
			for _, at := range with {
				if !yield(at, false) {
					return
				}
			}
		}
	}
}

// place has a bit set for each word of the name that it covers. Places in a text are counted modulo 16.
func (w *wordCode) place() uint16 {
	bits := uint16(0)
	for i := w.from; ; i = (i + 1) & 15 {
		bits |= 1 << i
		if i == w.to {
			return bits
		}
	}
}

// words is how many words it covers.
func (w *wordCode) words() int { return int(w.to-w.from)&15 + 1 }
