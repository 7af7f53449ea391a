package scan

import (
	"strings"
	"unicode/utf8"
)

// acrostic follows the first letters of words, or of lines.
type acrostic struct {
	state  uint16
	starts [32]int // of the words whose letters were read last
	read   int
}

// next reads the code of the first letter of a word that starts at an offset. It returns what has now been spelled, and where
// that began.
func (a *acrostic) next(h *hidden, code uint8, at int) (word string, start int, found bool) {
	a.starts[a.read%len(a.starts)] = at
	a.read++
	if a.state = h.initials.step(a.state, code); a.state < h.initials.hit {
		return "", 0, false
	}
	word = h.words[h.initials.found[a.state-h.initials.hit][0]]
	n := utf8.RuneCountInString(word)
	if n > min(a.read, len(a.starts)) {
		return "", 0, false
	}
	return word, a.starts[(a.read-n)%len(a.starts)], true
}

// initial is the code of the first letter of a word.
func (m *matcher) initial(text string, at int) uint8 {
	if b := text[at]; b < utf8.RuneSelf {
		return m.ascii[b]
	}
	r, _ := decode(text, at)
	if codes := m.codesOf(r); len(codes) == 1 {
		return codes[0]
	}
	return codeOther
}

// acrostics follow the words and the lines of a text.
type acrostics struct {
	match *matcher
	// First letters of words, lines and sentences, last letters of lines, and capitals within words.
	words, lines, sentences, ends, capitals acrostic
	lineStart, sentenceStart                bool
	lastWord                                int // where its last letter is, from 1
}

func newAcrostics(m *matcher) *acrostics {
	return &acrostics{match: m, lineStart: true, sentenceStart: true}
}

func (a *acrostics) space(b byte) { a.lineStart = a.lineStart || b == '\n' }

// word takes the next word, and lists what its letters complete. Signs before the first are those of a list or a quotation.
func (a *acrostics) word(text string, start, end int, inner bool) (hits []Hit) {
	if a.lineStart && a.lastWord > 0 {
		hits = a.follow(hits, &a.ends, text, a.lastWord-1)
	}
	sentence := a.sentenceStart
	a.sentenceStart = strings.IndexByte(".!?", text[end-1]) >= 0
	for at := end; at > start; at-- {
		if kinds[text[at-1]]&(lower|upper) != 0 {
			a.lastWord = at
			break
		}
	}
	if inner {
		for at := start + 1; at < end; at++ {
			if kinds[text[at]]&upper != 0 {
				hits = a.follow(hits, &a.capitals, text, at)
				break
			}
		}
	}
	for start < len(text) && kinds[text[start]]&(lower|upper|high) == 0 {
		if kinds[text[start]] == 0 {
			return nil
		}
		start++
	}
	if start == len(text) {
		return nil
	}
	hits = a.follow(hits, &a.words, text, start)
	if sentence {
		hits = a.follow(hits, &a.sentences, text, start)
	}
	if a.lineStart {
		a.lineStart = false
		hits = a.follow(hits, &a.lines, text, start)
	}
	return hits
}

func (a *acrostics) follow(hits []Hit, which *acrostic, text string, at int) []Hit {
	w, from, found := which.next(a.match.hidden, a.match.initial(text, at), at)
	if found && !oneLetterWords(text[from:at]) {
		hits = append(hits, acrosticHit(w, from, at+1))
	}
	return hits
}

// oneLetterWords reports letters that stand apart, which the collapsed track reads.
func oneLetterWords(text string) bool { return len(text) <= 3*lettersOfHidden }

func acrosticHit(word string, start, end int) Hit {
	return Hit{Code: "A1", Grade: Strong, Term: word, Track: Collapsed, Start: start, End: end}
}
