package agent

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// How two views are compared: what was drawn at random is named by where it first stands, the rest is taken as it is.

// token is what identifiers and hashes look like in text: in hexadecimal, in a checkpoint in base64.
var token = regexp.MustCompile(`[0-9a-f]{64}|[A-Za-z0-9+/]{43}=|[0-9abcdefghjkmnpqrstvwxyz]{26}`)

// drew tells the view of text that was made in its world and holds identifiers or hashes of this world alone.
func (v *view) drew(text string) {
	for _, found := range token.FindAllString(text, -1) {
		v.drawn[found] = true
	}
}

// label gives an identifier the name that the story has for it.
func (v *view) label(drawn, name string) {
	v.drawn[drawn] = true
	if _, known := v.labelled[drawn]; !known {
		v.labelled[drawn] = name
	}
}

// plain is the view with every drawn identifier and hash named. Observations keep their order; those of a set come last,
// sorted.
func (v *view) plain() []observation {
	n := naming{view: v, names: map[string]string{}}
	for drawn, name := range v.labelled {
		n.names[drawn] = "<" + name + ">"
	}
	var plain []observation
	type keyed struct {
		key string
		o   observation
	}
	var sets []keyed
	for _, o := range v.seen {
		if !o.loose {
			plain = append(plain, n.rename(o, true))
		}
	}
	// What first stands in a set is named once the set has an order, which it has by all else that stands in it.
	for _, o := range v.seen {
		if o.loose {
			sets = append(sets, keyed{n.rename(o, false).text(), o})
		}
	}
	slices.SortStableFunc(sets, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	for _, s := range sets {
		plain = append(plain, n.rename(s.o, true))
	}
	return plain
}

// naming gives what was drawn a name by the order in which it first stands somewhere.
type naming struct {
	*view
	names map[string]string
	count int
}

// rename renames what was drawn. Without draw, what has no name yet is left open.
func (n *naming) rename(o observation, draw bool) observation {
	renamed := observation{what: o.what, facts: make([]fact, len(o.facts))}
	for i, f := range o.facts {
		renamed.facts[i] = fact{f.name, token.ReplaceAllStringFunc(f.value, func(found string) string {
			name, known := n.names[found]
			switch {
			case known:
				return name
			case !n.drawn[found]:
				return found
			case !draw:
				return "<?>"
			}
			kind := "id"
			if len(found) != 26 {
				kind = "hash"
			}
			n.count++
			n.names[found] = fmt.Sprintf("<%s %d>", kind, n.count)
			return n.names[found]
		})}
	}
	return renamed
}

func (o observation) text() string {
	var b strings.Builder
	b.WriteString(o.what)
	for _, f := range o.facts {
		fmt.Fprintf(&b, "\n%s: %s", f.name, f.value)
	}
	return b.String()
}

// difference is one way in which two views are not equal.
type difference struct {
	at    int    // which observation
	what  string // it is, in the first view or the only one that has it
	other string // it is in the second, where that has another in its place
	fact  string // the name of the fact, "" where one view has an observation that the other has not
	a, b  string
}

func (d difference) String() string {
	name := d.fact
	if name == "" {
		name = "presence"
	}
	return fmt.Sprintf("observation %d, %s: %s\n    %s\n    %s", d.at, d.what, name, cut(d.a), cut(d.b))
}

// cut shortens what would fill a page. Both worlds are synthetic.
func cut(text string) string {
	if len(text) > 600 {
		return text[:600] + "…"
	}
	return text
}

// differences compares two views. It stops at the first observation that only one of them has: behind it, everything
// stands elsewhere.
func differences(a, b *view) (found []difference, compared int) {
	x, y := a.plain(), b.plain()
	for i := range max(len(x), len(y)) {
		switch {
		case i >= len(x):
			return append(found, difference{at: i, what: y[i].what, a: "nothing", b: y[i].text()}), compared
		case i >= len(y):
			return append(found, difference{at: i, what: x[i].what, a: x[i].text(), b: "nothing"}), compared
		case x[i].what != y[i].what:
			return append(found, difference{at: i, what: x[i].what, other: y[i].what, a: x[i].text(), b: y[i].text()}), compared
		}
		found = append(found, compareFacts(i, x[i], y[i])...)
		compared += max(len(x[i].facts), len(y[i].facts))
	}
	return found, compared
}

func compareFacts(at int, a, b observation) (found []difference) {
	differ := func(name, inA, inB string) {
		found = append(found, difference{at: at, what: a.what, fact: name, a: inA, b: inB})
	}
	for i := range max(len(a.facts), len(b.facts)) {
		switch {
		case i >= len(a.facts):
			differ(b.facts[i].name, "nothing", b.facts[i].value)
			return found
		case i >= len(b.facts):
			differ(a.facts[i].name, a.facts[i].value, "nothing")
			return found
		case a.facts[i].name != b.facts[i].name: // the first of them by name stands in one alone
			differ(min(a.facts[i].name, b.facts[i].name), a.facts[i].value, b.facts[i].value)
			return found
		case a.facts[i].value != b.facts[i].value:
			differ(a.facts[i].name, a.facts[i].value, b.facts[i].value)
		}
	}
	return found
}
