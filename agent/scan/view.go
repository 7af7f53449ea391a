package scan

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// view is a text as it reads after some disguise was taken off, with the way back to the offsets of the text that it was
// made from.
type view struct {
	text  string
	marks []mark // ascending
}

// mark says that what stands at out in the view comes from what stands at in.
type mark struct{ out, in int }

// source is the offset in the original, which is of some size, of an offset in the view.
func (v *view) source(out, size int) int {
	i := sort.Search(len(v.marks), func(i int) bool { return v.marks[i].out > out }) - 1
	if i < 0 {
		return min(out, size)
	}
	at := v.marks[i].in + out - v.marks[i].out
	if i+1 < len(v.marks) {
		at = min(at, v.marks[i+1].in)
	}
	return min(at, size)
}

// viewBuilder writes a view: what is copied, and what is put in the place of something.
type viewBuilder struct {
	b     strings.Builder
	marks []mark
}

func (w *viewBuilder) copy(text string, from, to int) {
	if from < to {
		w.mark(from)
		w.b.WriteString(text[from:to])
	}
}

func (w *viewBuilder) put(replacement string, from, to int) {
	w.mark(from)
	w.b.WriteString(replacement)
	w.mark(to)
}

func (w *viewBuilder) mark(in int) {
	m := mark{w.b.Len(), in}
	if n := len(w.marks); n > 0 && w.marks[n-1].out == m.out {
		w.marks[n-1] = m
		return
	}
	w.marks = append(w.marks, m)
}

// rest copies what follows the last thing that was put in, and is the view if there was any.
func (w *viewBuilder) rest(text string, last int, changed bool) (view, bool) {
	if !changed {
		return view{}, false
	}
	w.copy(text, last, len(text))
	return w.view(), true
}

func (w *viewBuilder) view() view { return view{w.b.String(), w.marks} }

// decoder takes off one kind of disguise. It reports false where there is nothing to take off: the first look must be
// cheap, since every text is looked at.
type decoder func(text string) (view, bool)

// decoders are tried in this order on every text, and on what they make of it.
var decoders = []decoder{
	decodeInvisible, decodeMojibake, decodeCodepages, decodeTags, decodeEntities, decodeComments, decodeRFC2047, decodeQuotedPrintable, decodePercent,
	decodeEscapes, decodeStyleEscapes, decodeUTF7, decodePunycode, decodeBase64, decodeHex, decodeUuencode, decodeNumbers, decodeTurned,
	decodeRightToLeft,
}

const (
	// maxDepth bounds how often a disguise may lie in another one.
	maxDepth = 4
	// maxViews bounds what is made of one text, in its own size, plus a little for short ones. A text that needs more is not
	// read to its end, and held.
	maxViews     = 24
	viewsAtLeast = 64 << 10
)

// reading is one text on its way through all tracks.
type reading struct {
	match  *matcher
	hits   []Hit
	budget int
	spent  bool // the budget did not do
	seen   map[string]bool
}

// readAll finds what is on any track of a text. Complete is false where so much is encoded in so little that it was not
// read to its end.
func (m *matcher) readAll(text string) (hits []Hit, complete bool) {
	r := reading{match: m, budget: maxViews*len(text) + viewsAtLeast}
	r.read(text, nil, 0)
	return r.hits, !r.spent
}

// read looks at a text, and then at all that can be made of it. Back leads to the offsets of the first text; nil means
// that this is the first.
func (r *reading) read(text string, back func(int) int, depth int) {
	if r.budget -= len(text); r.budget < 0 {
		r.spent = true
		return
	}
	hits, mild := r.match.find(text)
	repaired, seen := r.match.findRepaired(text)
	for _, found := range [][]Hit{hits, findMachineReadable(text), r.match.findDisguised(text), repaired} {
		for _, h := range soften(found, mild) {
			r.keep(h, back)
		}
	}
	if depth == maxDepth {
		return
	}
	for _, decode := range decoders {
		r.decode(decode, text, back, depth)
	}
	for _, d := range signalled {
		if seen&d.by != 0 {
			r.decode(d.decode, text, back, depth)
		}
	}
}

// decode reads what a decoder makes of a text, if it is anything new.
func (r *reading) decode(decode decoder, text string, back func(int) int, depth int) {
	v, changed := decode(text)
	if !changed || v.text == text || r.seen[v.text] {
		return
	}
	if r.seen == nil {
		r.seen = map[string]bool{text: true}
	}
	r.seen[v.text] = true
	r.read(v.text, func(at int) int {
		at = v.source(at, len(text))
		if back != nil {
			at = back(at)
		}
		return at
	}, depth+1)
}

// keep adds a hit with the offsets of the first text. In a text that had to be decoded, nothing is plain.
func (r *reading) keep(h Hit, back func(int) int) {
	if back != nil {
		if h.local != "" && !h.leftOut {
			return // what is ambiguous over languages means nothing in an encoding
		}
		h.Start, h.End = back(h.Start), back(h.End)
		if h.Start > h.End {
			h.Start, h.End = h.End, h.Start
		}
		if h.Track == Plain || h.Track == Folded {
			h.Track = Decoded
		}
	}
	r.hits = add(r.hits, h)
}

// readable reports whether bytes that came out of a code are text: UTF-8 with letters and hardly anything else that is
// not printed.
func readable(b []byte) bool {
	if len(b) < 3 || !utf8.Valid(b) {
		return false
	}
	letters, odd := 0, 0
	for _, r := range string(b) {
		switch {
		case r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x7F:
			odd++
		case r == utf8.RuneError:
			odd++
		case wordRune(r):
			letters++
		}
	}
	return letters >= 3 && odd == 0
}
