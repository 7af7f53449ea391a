package register

import (
	"math"

	"comity/schemas"
)

// candidates are the entries that a person may be, with whether it is certain.
type candidates map[*entry]bool

// person finds the entries that one person may be.
func (l *lookUp) person(id *schemas.Identity) ([]Match, error) {
	if err := l.ctx.Err(); err != nil {
		return nil, err
	}
	who := l.mac.identity(id)
	found := candidates{}
	l.byDocument(who.documents, found)
	names := make([]askedName, len(who.names))
	for i, n := range who.names {
		names[i] = l.index.ask(n)
	}
	for _, s := range l.index.segments() {
		l.byBirth(s, who.born, names, found)
		l.byName(s, who.born, names, found)
	}
	key := l.keys.person(id)
	var matches []Match
	for e, certain := range found {
		if _, decided := l.index.distinctions[distinction{e.id, key}]; decided && !certain {
			continue
		}
		matches = append(matches, l.matches(e, certain)...)
	}
	sortMatches(matches)
	return matches, nil
}

// byDocument: an equal number of the same issuer is certain. Two States may give the same number to two persons, and a number
// may have been read wrong.
func (l *lookUp) byDocument(documents []documentCode, found candidates) {
	for _, d := range documents {
		l.byNumber(d, func(e *entry, o documentCode) {
			found[e] = found[e] || o.number == d.number && (o.issuer == d.issuer || o.issuer == "" || d.issuer == "")
		})
	}
}

// byNumber finds the documents whose number looks like this one.
func (l *lookUp) byNumber(d documentCode, each func(*entry, documentCode)) {
	for _, s := range l.index.segments() {
		for _, at := range s.byNumber[d.look] {
			e := s.entries[at]
			if l.index.hidden[e] {
				continue
			}
			for _, o := range e.who.documents {
				if o.look == d.look {
					each(e, o)
				}
			}
		}
	}
}

// byBirth compares with everybody who was born on that day, or on one that is a slip of the pen away, however badly the names
// are written.
func (l *lookUp) byBirth(s *segment, born birth, names []askedName, found candidates) {
	if !born.known() {
		return
	}
	for i, other := range born.slips() {
		if i > 0 && other == born {
			continue
		}
		for _, at := range s.byBirth[other] {
			l.judge(s.entries[at], born, names, found)
		}
	}
}

// byName compares with everybody who has two words of a name, or one that is rare.
func (l *lookUp) byName(s *segment, born birth, names []askedName, found candidates) {
	words := l.work.counting(len(s.entries)) // how many words of the name an entry has
	for i := range names {
		n := &names[i]
		var some []uint32
		for j := range n.words {
			w := &n.words[j]
			alone := w.rarity >= rareWord || w.span() || n.singles == 1
			for k := range w.keys {
				for _, at := range w.in(l.index, s, k) {
					if c := &words[at]; c.word != uint8(j+1) {
						if c.count == 0 {
							some = append(some, at)
						}
						c.word = uint8(j + 1)
						c.count++
						if alone {
							c.count++
						}
					}
				}
			}
		}
		for _, at := range some {
			if words[at].count > 1 {
				l.judge(s.entries[at], born, names[i:i+1], found)
			}
			words[at] = counted{}
		}
	}
}

// rareWord is a word by which alone entries are looked through.
const rareWord = 9.0

// judge decides whether an entry is held to be the person.
func (l *lookUp) judge(e *entry, born birth, names []askedName, found candidates) {
	if _, known := found[e]; known || l.index.hidden[e] {
		return
	}
	date := born.like(e.who.born)
	for i := range names {
		for j := range e.who.names {
			if l.same(names[i].compare(&e.who.names[j], date == dateEqual), date) {
				found[e] = false
				return
			}
		}
	}
}

// same is the rule of holding. A name that is spelled like the one registered holds wherever the date of birth is not known.
func (l *lookUp) same(n likenessOf, date likeness) bool {
	return n.exact && date == dateUnknown || n.bits > 0 && n.bits+dateBits[date] >= l.enough+margin[date]
}

// enough is how many bits it takes: the more entries, the more are alike by chance.
func enough(entries int) float64 { return max(10, math.Log2(float64(entries+1))) }

// margin is added to that. Where the date of birth is equal or missing, the names are all that can be wrong, or all there is.
var margin = [...]float64{
	dateUnknown: -1.5, dateDiffers: 2.5, dateSameYear: 2.5, dateNear: 1, dateSlip: 0.5, dateYear: 1, dateAboutYear: 1.5, dateBothYear: 1,
	dateEqual: 1.5,
}
