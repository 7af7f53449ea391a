package search

import (
	"slices"
	"testing"
)

func TestWordsAreFolded(t *testing.T) {
	payload := []byte(`{"body":{"facts":"Überweisung an TESTPERSON Müller, Konto 4711.","list":["élève"]},"attachments":[{"name":"a.txt","content":"c2VjcmV0"}]}`)
	have := InPayload(payload)
	for _, query := range []string{"testperson", "MÜLLER", "4711", "Eleve", "uberweisung konto"} {
		for _, w := range InText(query) {
			if !slices.Contains(have, w) {
				t.Errorf("%q is not found", query)
			}
		}
	}
	for _, query := range []string{"c2VjcmV0", "testpersonen", "facts"} {
		for _, w := range InText(query) {
			if slices.Contains(have, w) {
				t.Errorf("%q is found", query)
			}
		}
	}
	if !slices.IsSorted(have) {
		t.Error("they are in no order")
	}
}
