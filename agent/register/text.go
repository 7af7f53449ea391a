package register

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"comity/agent/register/name"
)

// Names in free text are found word by word: an entry is looked at when two words of its name stand near each other, and it is
// named when they are rare enough together, or when its date of birth stands near as well.

const (
	window     = 5        // words that a name in a text may stretch over
	dateWindow = 25       // words between a name and a date of birth
	pieceBytes = 16 << 10 // texts are read in pieces
	overlap    = 400      // bytes that two pieces have in common

	// Margins over what is enough: a text has many words that are no names.
	namedMargin = 4.0
	datedMargin = 6.0
	smallMargin = 6.0 // more, where no word begins with a capital in a text that knows them

	wholeName    = 8.5 // enough for a whole name that is spelled as it is registered
	leastChinese = 9   // bytes of a name in Chinese characters that is enough alone

	commonWord = 4.5 // a word that too many have to look through them all
	smallWord  = 9.0 // the same for one that begins with a small letter, where names begin with a capital
)

// texts finds the persons who are named in free text.
func (l *lookUp) texts(texts []string) ([]Match, error) {
	var matches []Match
	for i, text := range texts {
		found := candidates{}
		l.numbersIn(text, found)
		for piece := range pieces(text) {
			if err := l.ctx.Err(); err != nil {
				return nil, err
			}
			l.namesIn(piece, found)
		}
		for e, certain := range found {
			for _, m := range l.matches(e, certain) {
				m.Text = i
				matches = append(matches, m)
			}
		}
	}
	sortMatches(matches)
	return matches, nil
}

// pieces cuts a long text at spaces into pieces that overlap.
func pieces(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for len(text) > pieceBytes {
			if !yield(text[:runeStart(text, pieceBytes)]) {
				return
			}
			from := runeStart(text, pieceBytes-overlap)
			if space := strings.IndexByte(text[from:pieceBytes], ' '); space >= 0 {
				from += space
			}
			text = text[from:]
		}
		yield(text)
	}
}

func runeStart(text string, at int) int {
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}

// numbersIn: a document number in a text is certain, unless it is so short that any number could be it.
func (l *lookUp) numbersIn(text string, found candidates) {
	numbersIn(text, func(number string) {
		d := l.mac.document(number, "")
		l.byNumber(d, func(e *entry, o documentCode) {
			found[e] = found[e] || o.number == d.number && certain(number)
		})
	})
}

// namesIn looks for names in one piece of a text.
func (l *lookUp) namesIn(text string, found candidates) {
	words := l.words(text)
	for _, s := range l.index.segments() {
		if len(s.entries) > 0 {
			l.near(s, words, found)
		}
	}
	if len(words) == 0 {
		return
	}
	for _, d := range datesIn(text) {
		place := d.at * (words[len(words)-1].at + 1) / len(text) // about, since words come and go in folding
		from, to := around(words, place, dateWindow)
		for _, s := range l.index.segments() {
			for _, at := range s.byBirth[d.born] {
				l.judgeDated(s.entries[at], words[from:to], found)
			}
		}
	}
}

// words encodes the words of a piece of a text, in room that the next piece takes.
func (l *lookUp) words(text string) []askedWord {
	words := l.work.words[:0]
	capitals := strings.ContainsFunc(text, unicode.IsUpper)
	noName := func(c name.Case) bool { return capitals && c == name.Small }
	l.work.reader.Text(text, noName, func(w name.Word, n int, c name.Case) {
		if n == len(l.work.known) {
			l.work.known = append(l.work.known, l.index.askWord(l.mac.word(&w)))
		}
		asked := l.work.known[n]
		asked.at, asked.from, asked.to = w.From, uint8(w.From&15), uint8(w.To&15)
		asked.small = c == name.Small && capitals
		words = append(words, asked)
	})
	l.work.words = words
	return words
}

// near judges every entry of which words stand within a window that can be enough together, or are all spelled alike. A name of
// one word is judged only where no word can be a part of another, as in Chinese.
func (l *lookUp) near(s *segment, words []askedWord, found candidates) {
	last, round := l.work.lastSeen(len(s.entries))
	need := [2]int{int(64 * (l.enough + namedMargin + kindred)), int(64 * (l.enough + namedMargin + kindred + smallMargin))}
	from, upTo := 0, 0 // around w, as around says: words stand in order
	for i := range words {
		w := &words[i]
		if w.spelling < commonWord {
			continue
		}
		byKeys := w.rarity >= commonWord && (!w.small || w.rarity >= smallWord)
		for words[from].at <= w.at-window {
			from++
		}
		for upTo < len(words) && words[upTo].at < w.at+window {
			upTo++
		}
		beside := w.span() || w.shape == (bloom{}) && w.size >= leastChinese || commonBeside(words[from:upTo])
		best, spelled := uint16(64*w.best()), uint16(64*w.bestSpelled())
		for at, alike := range w.hits(s, byKeys) {
			now, company := lastSeen{round: round, word: int32(i), own: best, alike: alike, small: w.small}, beside
			if alike {
				now.own = spelled
			}
			sum := int(now.own)
			if met := last[at]; met.round == round && w.at-words[met.word].at < window {
				if o := &words[met.word]; o.letters == w.letters || o.at == w.at {
					if met.own >= now.own {
						continue
					}
					now.before, now.small = met.before, met.small
				} else {
					now.before, now.small = met.own, met.small && w.small
					sum += int(met.before)
				}
				sum += int(now.before)
				company = company || met.alike
			}
			last[at] = now
			level := 0
			if now.small {
				level = 1
			}
			if sum >= need[level] || alike && company {
				l.judgeText(s.entries[at], words[from:upTo], found)
			}
		}
	}
}

// commonBeside tells whether one of some words is so common that nobody is looked up by it.
func commonBeside(words []askedWord) bool {
	return slices.ContainsFunc(words, func(w askedWord) bool { return max(w.rarity, w.spelling) < commonWord })
}

// around are the words at most so far from a place.
func around(words []askedWord, place, far int) (from, to int) {
	byPlace := func(w askedWord, at int) int { return w.at - at }
	from, _ = slices.BinarySearchFunc(words, place-far+1, byPlace)
	to, _ = slices.BinarySearchFunc(words, place+far, byPlace)
	return from, to
}

// judgeText decides whether the words of a window name an entry.
func (l *lookUp) judgeText(e *entry, words []askedWord, found candidates) {
	if _, known := found[e]; known || l.index.hidden[e] {
		return
	}
	a := askedName{words: words}
	for i := range e.who.names {
		n := &e.who.names[i]
		laid := a.lay(n, l.work.room[:0], (*askedWord).surely, false)
		bits := laid.bits - extraWord*float64(laid.onlyN)
		whole := laid.onlyN == 0 && laid.exact && len(laid.chosen) > 0
		need := l.enough + namedMargin
		switch {
		case whole && n.singles == 1 && laid.chosen[0].of.size >= leastChinese && laid.chosen[0].of.shape == (bloom{}):
			need = 0
		case len(laid.chosen) < 2 && !laid.spans():
			continue
		case whole:
			need = wholeName
		case laid.small():
			need += smallMargin
		}
		if bits >= need && !laid.within(l.decided[e]) {
			found[e] = false
			return
		}
	}
}

// judgeDated decides whether words around a date of birth name an entry that has it.
func (l *lookUp) judgeDated(e *entry, words []askedWord, found candidates) {
	if _, known := found[e]; known || l.index.hidden[e] {
		return
	}
	for i := range e.who.names {
		n := &e.who.names[i]
		bits := 0.0
		for j := range n.words[:n.singles] {
			best := 0.0
			for k := range words {
				more, _ := words[k].like(&n.words[j])
				best = max(best, more)
			}
			bits += best
		}
		if bits+dateBits[dateEqual] >= l.enough+datedMargin {
			found[e] = false
			return
		}
	}
}
