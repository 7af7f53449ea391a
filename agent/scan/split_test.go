package scan

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// What is found behind a seam from the state before it is what is found in the two parts written as one, wherever a word is cut.
func TestASeamIsReadAsOneText(t *testing.T) {
	m, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	words := []string{
		"refugee", "asylum", "asile", "Flüchtling", "убежище", "لاجئ", "难民", "r-e-f-u-g-e-e", "eegufer", "a s y l u m", "UNHCR", "wages", "the", "bank",
	}
	random := rand.New(rand.NewPCG(2026, 11))
	word := func() string { return words[random.IntN(len(words))] }
	found := 0
	for range 5000 {
		text := word() + " " + word()
		cut := random.IntN(len(text) + 1)
		a, b := piece{"/a", "a " + text[:cut]}, piece{"/b", text[cut:] + " " + word()}
		behind := m.goOn(m.disguised.states, begin(m.disguised.states), a.tail()+"\n", func(uint16, int) {})
		got := m.across(a, b, behind, false)
		want := atSeam(m.findDisguised(a.tail()+"\n"+b.head()), a, len(a.tail()))
		if !slices.Equal(got, want) {
			t.Fatalf("%q and %q: %+v, and as one text %+v", a.text, b.text, got, want)
		}
		found += len(got)
	}
	if found == 0 {
		t.Error("no word was found over a seam")
	}
}
