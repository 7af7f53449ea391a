package register

import (
	"math"

	"comity/agent/register/name"
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
	for _, list := range [][]string{id.Names, id.FormerNames} {
		for _, n := range list {
			if name.Singles(name.Words(n)) == name.MaxWords { // more than a name: there may be another behind it
				l.namesIn(n, found)
			}
		}
	}
	for _, e := range l.index.decided[l.keys.person(id)] {
		if certain := found[e]; !certain {
			delete(found, e)
			l.decided[e] = append(l.decided[e], who.names...)
		}
	}
	var matches []Match
	for e, certain := range found {
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

// byName compares with everybody who has words of a name that could be enough together, at their best and with the date of birth.
func (l *lookUp) byName(s *segment, born birth, names []askedName, found candidates) {
	met := l.work.counting(len(s.entries))
	for i := range names {
		n := &names[i]
		var some []uint32
		for j := range n.words {
			w := &n.words[j]
			best, spelled := uint16(64*w.best()), uint16(64*w.bestSpelled())
			for at, alike := range w.hits(s, true) {
				c := &met[at]
				if c.word == uint8(j+1) {
					continue
				}
				if c.words == 0 {
					some = append(some, at)
				}
				c.word, c.words = uint8(j+1), c.words+uint8(w.words())
				if alike {
					c.alike, c.bits = c.alike+uint8(w.words()), c.bits+spelled
				} else {
					c.bits += best
				}
			}
		}
		for _, at := range some {
			c := met[at]
			met[at] = counted{}
			date := born.like(s.births[at])
			most := float64(c.bits)/64 + dateBits[date]
			if int(c.words) < n.singles {
				most += slipped
			}
			if most >= l.enough+margin[date] || date == dateUnknown && int(c.alike) >= n.singles {
				l.judge(s.entries[at], born, names[i:i+1], found)
			}
		}
	}
}

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

// margin is added to that. Less is asked where the birth date speaks for it, or says nothing; more where it speaks against.
var margin = [...]float64{
	dateUnknown: -2, dateDiffers: 2.5, dateSameYear: 2, dateNear: 0, dateSlip: -1, dateYear: 0, dateAboutYear: 0.5, dateBothYear: 0,
	dateEqual: 1,
}
