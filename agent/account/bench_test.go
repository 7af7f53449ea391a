package account

import (
	"testing"

	"comity/agent/people"
)

// BenchmarkSession is what every page pays to know who asks.
func BenchmarkSession(b *testing.B) {
	d := newDesk(b)
	if err := d.AddWith(b.Context(), "", "officer-1", []people.Role{people.CaseOfficer}, good); err != nil {
		b.Fatal(err)
	}
	e, err := d.Login(b.Context(), "officer-1", good)
	if err != nil {
		b.Fatal(err)
	}
	r := requestWith(e.Cookie)
	for b.Loop() {
		if s, err := d.Session(b.Context(), r); s == nil || err != nil {
			b.Fatal(s, err)
		}
	}
}

// BenchmarkHash is what a login costs at the default parameters.
func BenchmarkHash(b *testing.B) {
	for b.Loop() {
		if _, err := DefaultCost.hash(good); err != nil {
			b.Fatal(err)
		}
	}
}
