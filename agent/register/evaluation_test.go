package register

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"comity/schemas"
)

// The evaluation makes up persons from testdata, registers them in one writing of their names and asks for them in
// another. Its figures stand in README.md; the test fails where they become worse.

// writings is one word of a name: the original, then usual Latin writings of it.
type writings []string

// culture is a section of testdata/names.txt.
type culture struct {
	name          string
	share         int
	given, family []writings
	classes       map[string][]letterForms
	patterns      [][]letterForms // a class has its name as its original, and no forms
}

// letterForms is a letter and how it is written in Latin letters.
type letterForms struct {
	original string
	latin    []string
}

func readCultures(t testing.TB) []culture {
	t.Helper()
	var cultures []culture
	readSections(t, "testdata/names.txt", func(head, fields []string) {
		if n := len(cultures); n == 0 || cultures[n-1].name != head[0] {
			share, err := strconv.Atoi(head[1])
			if err != nil {
				t.Fatal(err)
			}
			cultures = append(cultures, culture{name: head[0], share: share, classes: map[string][]letterForms{}})
		}
		c := &cultures[len(cultures)-1]
		words := map[string]*[]writings{"g": &c.given, "f": &c.family}[fields[0]]
		*words = append(*words, fields[1:])
	})
	readSections(t, "testdata/sounds.txt", func(head, fields []string) {
		var row []letterForms
		for _, f := range fields[1:] {
			original, latin, _ := strings.Cut(f, ":")
			row = append(row, letterForms{original, strings.Split(latin, ",")})
		}
		for i := range cultures {
			switch c := &cultures[i]; {
			case !slices.Contains(head, c.name):
			case fields[0] == "pattern":
				c.patterns = append(c.patterns, row)
			default:
				c.classes[fields[0]] = row
			}
		}
	})
	return cultures
}

// readSections reads the lines of a file with the words of the section's head.
func readSections(t testing.TB, path string, each func(head, fields []string)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var head []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			head = strings.Fields(strings.Trim(line, "[]"))
		default:
			each(head, strings.Fields(line))
		}
	}
}

// madeUp is a person who does not exist.
type madeUp struct {
	culture string
	words   []writings
	born    time.Time
}

// people makes persons up, always the same.
type people struct {
	cultures []culture
	*rand.Rand
}

func (p *people) person() madeUp {
	at := p.IntN(100)
	c := p.cultures[len(p.cultures)-1]
	for _, next := range p.cultures {
		if at -= next.share; at < 0 {
			c = next
			break
		}
	}
	m := madeUp{culture: c.name}
	m.words = append(m.words, p.word(c.given))
	for range p.IntN(3) { // of the father, of the grandfather
		m.words = append(m.words, p.word(c.given))
	}
	if p.IntN(4) == 0 {
		m.words = append(m.words, p.word(c.family))
	} else {
		m.words = append(m.words, p.invent(c))
	}
	m.born = time.Date(1950+p.IntN(58), 1, 1, 0, 0, 0, 0, time.UTC)
	if p.IntN(8) > 0 {
		m.born = m.born.AddDate(0, 0, p.IntN(365))
	}
	return m
}

// word prefers the front of a list: some names are much commoner than others.
func (p *people) word(from []writings) writings {
	return from[min(p.IntN(len(from)), p.IntN(len(from)))]
}

// invent makes up a word that is no name, with three Latin writings of it.
func (p *people) invent(c culture) writings {
	word := make(writings, 4)
	for _, l := range c.patterns[p.IntN(len(c.patterns))] {
		if class := c.classes[l.original]; class != nil {
			l = class[p.IntN(len(class))]
		}
		word[0] += l.original
		for i := range word[1:] {
			word[1+i] += l.latin[min(p.IntN(len(l.latin)), p.IntN(len(l.latin)))]
		}
	}
	return word
}

// first is how a name came into the register: in the original script, or as the first papers had it.
func (p *people) first(m madeUp) string {
	var words []string
	original := p.IntN(2) == 0
	for _, w := range m.words {
		if original {
			words = append(words, w[0])
		} else {
			words = append(words, w[1])
		}
	}
	return strings.Join(words, " ")
}

// again is how the same name is written elsewhere: in any writing, in another order, in capitals, shortened, with a slip.
func (p *people) again(m madeUp) string {
	var words []string
	original := p.IntN(4) == 0
	for _, w := range m.words {
		if original {
			words = append(words, w[0])
		} else {
			words = append(words, w[1+p.IntN(len(w)-1)])
		}
	}
	if len(words) > 2 && p.IntN(4) == 0 {
		words = slices.Delete(words, 1, 2)
	}
	if p.IntN(3) == 0 {
		words = append(words[len(words)-1:], words[:len(words)-1]...)
	}
	text := strings.Join(words, " ")
	if p.IntN(10) == 0 {
		text = p.slip(text)
	}
	if p.IntN(3) == 0 {
		text = strings.ToUpper(text)
	}
	return text
}

// slip drops, doubles or exchanges a letter.
func (p *people) slip(text string) string {
	r := []rune(text)
	at := 1 + p.IntN(len(r)-2)
	switch p.IntN(3) {
	case 0:
		return string(slices.Delete(r, at, at+1))
	case 1:
		return string(slices.Insert(r, at, r[at]))
	}
	r[at], r[at+1] = r[at+1], r[at]
	return string(r)
}

// dates are how a date of birth is written elsewhere.
var dates = []struct {
	name  string
	again func(p *people, born time.Time) string
}{
	{"equal", func(_ *people, b time.Time) string { return b.Format(time.DateOnly) }},
	{"slip", func(p *people, b time.Time) string {
		switch p.IntN(5) {
		case 0:
			return fmt.Sprintf("%04d-01-01", b.Year())
		case 1:
			return b.AddDate(1, 0, 0).Format(time.DateOnly)
		case 2:
			return b.AddDate(-10, 0, 0).Format(time.DateOnly)
		case 3:
			return fmt.Sprintf("%04d-%02d-%02d", b.Year(), b.Month(), b.Day()/10*10+(b.Day()+1)%10%8)
		}
		return fmt.Sprintf("%04d-%02d-%02d", b.Year(), min(b.Day(), 12), int(b.Month()))
	}},
	{"missing", func(*people, time.Time) string { return "" }},
	{"wrong", func(_ *people, b time.Time) string { return b.AddDate(-3, 5, 11).Format(time.DateOnly) }},
}

// populate registers made-up persons, in memory only.
func populate(t testing.TB, p *people, n int) (*Register, []madeUp) {
	t.Helper()
	k, err := deriveKeys(make([]byte, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	entries, persons := make([]*entry, n), make([]madeUp, n)
	for i := range entries {
		persons[i] = p.person()
		rec := Record{Ref: fmt.Sprint(i), Status: Pending}
		rec.Names, rec.BirthDate = []string{p.first(persons[i])}, schemas.Date(persons[i].born.Format(time.DateOnly))
		e := k.encode(EntryID(fmt.Sprint(i)), &rec)
		entries[i] = &e
	}
	r := &Register{keys: k, config: Config{Path: os.DevNull, Now: func() time.Time { return noon }, MaxFeedAge: DefaultMaxFeedAge}, writing: newGate()}
	file, err := stateOf(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	r.snapshot.Store(&snapshot{index: k.newIndex(entries, nil), fed: noon, file: file})
	return r, persons
}

// evaluated are the figures of one way of writing the date of birth.
type evaluated struct {
	recall  float64 // of registered persons, found
	wrong   float64 // other entries found with one of them
	held    float64 // of persons who are not registered, held
	missed  map[string]int
	queries int
}

func evaluate(t testing.TB, r *Register, p *people, persons []madeUp, queries int, again func(*people, time.Time) string) evaluated {
	found, wrong, held := 0, 0, 0
	e := evaluated{missed: map[string]int{}, queries: queries}
	for range queries {
		i := p.IntN(len(persons))
		id := named(p.again(persons[i]))
		id.BirthDate = schemas.Date(again(p, persons[i].born))
		hit := false
		for _, m := range ask(t, r, id) {
			if m.Entry == EntryID(fmt.Sprint(i)) {
				hit = true
			} else {
				wrong++
			}
		}
		if hit {
			found++
		} else {
			e.missed[persons[i].culture]++
		}
		stranger := p.person()
		id = named(p.again(stranger))
		id.BirthDate = schemas.Date(again(p, stranger.born))
		if len(ask(t, r, id)) > 0 {
			held++
		}
	}
	n := float64(queries)
	e.recall, e.wrong, e.held = float64(found)/n, float64(wrong)/n, float64(held)/n
	return e
}

// size of the evaluation; COMITY_EVALUATE=100000 makes the figures of README.md.
func size(t testing.TB) (entries, queries int) {
	entries, queries = 5000, 400
	if s := os.Getenv("COMITY_EVALUATE"); s != "" {
		if _, err := fmt.Sscan(s, &entries); err != nil {
			t.Fatal(err)
		}
		queries = 3000
	}
	return entries, queries
}

func TestEvaluation(t *testing.T) {
	entries, queries := size(t)
	p := &people{readCultures(t), rand.New(rand.NewPCG(2026, 11))}
	r, persons := populate(t, p, entries)
	least := map[string]float64{"equal": 0.98, "slip": 0.87, "missing": 0.85, "wrong": 0.33}
	most := map[string]float64{"equal": 0.08, "slip": 0.10, "missing": 0.50, "wrong": 0.06}
	for _, d := range dates {
		e := evaluate(t, r, p, persons, queries, d.again)
		t.Logf("date %-7s of %d: recall %.3f, other entries %.2f, strangers held %.3f, missed %v", d.name, entries, e.recall, e.wrong, e.held, e.missed)
		if entries == 5000 && (e.recall < least[d.name] || e.held > most[d.name]) {
			t.Errorf("date %s: recall %.3f, want %.2f at least; strangers held %.3f, want %.2f at most", d.name, e.recall, least[d.name], e.held, most[d.name])
		}
	}
}
