package scan

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// priorityLanguages are the official languages of the United Nations and of the European Union.
var priorityLanguages = strings.Fields("ar zh en fr ru es bg hr cs da nl et fi de el hu ga it lv lt mt pl pt ro sk sl sv")

// TestEvalUnseen measures the sentences of the rounds. Those of each round were written without a look at the lexicon and put
// aside before it was mended after the round before; what they showed when they were first read stands in EVALUATION.md, and
// since then they are seen: from then on this test says only whether something is lost again. The sentences that are not
// about asylum come near it on purpose, so that more of them are held than of ordinary text.
func TestEvalUnseen(t *testing.T) {
	rounds, err := filepath.Glob("testdata/unseen-*.tsv")
	if err != nil || len(rounds) == 0 {
		t.Fatalf("no rounds: %v", err)
	}
	s := newScanner(t)
	for _, name := range rounds {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".tsv"), func(t *testing.T) {
			var sentences []sentence
			for _, line := range readLines(t, name) {
				if parts := strings.SplitN(line, "\t", 3); len(parts) == 3 && !strings.HasPrefix(line, "#") {
					sentences = append(sentences, sentence{parts[0], parts[1] == "+", parts[2]})
				}
			}
			by, all := evaluate(t, s, sentences)
			reportAll(t, by, all)
			for _, language := range priorityLanguages {
				if f := by[language]; f != nil && f.stopped.rate() < 0.95 {
					t.Errorf("%s: %v stopped", language, f.stopped)
				}
			}
			if all.stopped.rate() < 0.985 || all.neutralBlocked.hits > 1 || all.neutralHeld.rate() > 0.06 {
				t.Errorf("fell behind: %v stopped, others %v held, %v blocked", all.stopped, all.neutralHeld, all.neutralBlocked)
			}
		})
	}
}

// TestNothingIsSoftenedIntoSilence keeps harmless phrases from hiding what stands beside them.
func TestNothingIsSoftenedIntoSilence(t *testing.T) {
	s := newScanner(t)
	for text, want := range map[string]Verdict{
		"The lunatic asylum closed in 1950.":                                            Hold,
		"The lunatic asylum closed in 1950; she applied for asylum in May.":             Block,
		"Убежище гражданской обороны затоплено.":                                        Hold,
		"Убежище гражданской обороны затоплено, она просит убежища.":                    Block,
		"Il ladro si è rifugiato in cantina.":                                           Hold,
		"Il ladro si è rifugiato in cantina, ma è titolare dello status di rifugiato.":  Block,
		"Baudžiamasis persekiojimas nutrauktas.":                                        Pass,
		"Baudžiamasis persekiojimas nutrauktas, jis bijo persekiojimo.":                 Block,
		"Istnieje uzasadniona obawa ucieczki podejrzanego.":                             Pass,
		"Istnieje uzasadniona obawa przed prześladowaniem.":                             Block,
		"ქვეყანაში სისხლისსამართლებრივი დევნის საკითხი.":                                Pass,
		"Die internationale Rechtshilfe umfasst den internationalen Schutz von Marken.": Hold,
		"Die Frau erhielt internationalen Schutz.":                                      Block,
		"يجوز اللجوء إلى القضاء خلال ثلاثين يوما.":                                      Hold,
		"طلبت اللجوء إلى القضاء ثم طلبت اللجوء السياسي.":                                Block,
		"The prisoner was released on humanitarian grounds.":                            Pass,
		"She holds a residence permit on humanitarian grounds.":                         Hold,
	} {
		if r := scanText(t, s, text); r.Verdict != want {
			t.Errorf("%q: %s, want %s (%s)", text, r.Verdict, want, fmt.Sprint(slices.Collect(func(yield func(string) bool) {
				for _, h := range r.Hits {
					if !yield(h.Term + " " + string(h.Grade)) {
						return
					}
				}
			})))
		}
	}
}
