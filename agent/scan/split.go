package scan

import (
	"strings"
	"unicode/utf8"
)

// A word may be split over two parts of a message: two fields, subject and body, two attachments, or one letter in each of
// many. The parts are put side by side, and what is found across a seam, and in no part alone, is a hit on the joined track.

const (
	seamBytes = 96 // of each part, on each side of a seam: longer than any term
	maxPairs  = 96 // parts of which every pair is tried; of more, only neighbours
)

// piece is one part of a message.
type piece struct{ pointer, text string }

// head and tail are the beginning and the end of a part, at whole characters.
func (p piece) head() string {
	if len(p.text) <= seamBytes {
		return p.text
	}
	cut := seamBytes
	for !utf8.RuneStart(p.text[cut]) {
		cut--
	}
	return p.text[:cut]
}

func (p piece) tail() string {
	if len(p.text) <= seamBytes {
		return p.text
	}
	cut := len(p.text) - seamBytes
	for !utf8.RuneStart(p.text[cut]) {
		cut++
	}
	return p.text[cut:]
}

// findJoined lists the hits across the seams of a message. Their place is the end of the first of the two parts.
func (m *matcher) findJoined(pieces []piece) []Hit {
	var texts []piece
	for _, p := range pieces {
		if strings.TrimSpace(p.text) != "" {
			texts = append(texts, piece{p.pointer, strings.TrimSpace(p.text)})
		}
	}
	var hits []Hit
	for _, h := range m.acrossAll(texts) {
		hits = add(hits, h)
	}
	for i, a := range texts {
		// What stands before a seam is passed over once for all that may stand behind it.
		behind := m.goOn(m.disguised.states, begin(m.disguised.states), a.tail()+"\n", func(uint16, int) {})
		for j, b := range texts {
			if i == j || len(texts) > maxPairs && j != i+1 && i != j+1 {
				continue
			}
			for _, h := range m.across(a, b, behind, j == i+1) {
				hits = add(hits, h)
			}
		}
	}
	return hits
}

// across finds what stands across the seam of two parts: words that are split there and, in neighbours, phrases. behind is the
// state behind the seam.
func (m *matcher) across(a, b piece, behind uint16, neighbours bool) []Hit {
	tail, head := a.tail(), b.head()
	seam := len(tail)
	found := m.disguisedAt(seam, tail, head, behind)
	if neighbours {
		hits, _ := m.find(tail + "\n" + head)
		found = append(found, hits...)
	}
	return atSeam(found, a, seam)
}

// disguisedAt is findDisguised of what stands on both sides of a seam, as far as it ends behind it.
func (m *matcher) disguisedAt(seam int, tail, head string, behind uint16) (hits []Hit) {
	d, joined := m.disguised, ""
	look := func(state uint16, end int) {
		if joined == "" {
			joined = tail + "\n" + head
		}
		for _, i := range d.states.found[state-d.states.hit] {
			if h, real := m.lookDisguised(joined, &d.forms[i], seam+1+end); real {
				hits = add(hits, h)
			}
		}
	}
	if s := d.states.step(m.goOn(d.states, behind, head, look), codeSpace); s >= d.states.hit {
		look(s, len(head))
	}
	return hits
}

func atSeam(found []Hit, a piece, seam int) []Hit {
	var hits []Hit
	for _, h := range found {
		if h.local != "" || h.Grade != Strong || h.Start >= seam || h.End <= seam+1 {
			continue
		}
		h.Track, h.Pointer = Joined, a.pointer
		h.Start, h.End = len(a.text)-(seam-h.Start), len(a.text)
		hits = append(hits, h)
	}
	return hits
}

// acrossAll finds words of which more than two parts hold letters: short parts in a row.
func (m *matcher) acrossAll(texts []piece) []Hit {
	var hits []Hit
	for i := 0; i < len(texts); i++ {
		j := i
		var row strings.Builder
		for j < len(texts) && len(texts[j].text) <= 16 && row.Len() < 4096 {
			row.WriteString(texts[j].text)
			row.WriteByte('\n')
			j++
		}
		if j-i >= 3 {
			for _, h := range m.findDisguised(row.String()) {
				h.Track, h.Pointer, h.Start, h.End = Joined, texts[i].pointer, 0, len(texts[i].text)
				hits = append(hits, h)
			}
		}
		i = j
	}
	return hits
}
