package scan

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// The evaluation: go test ./agent/scan -run Eval -v
//
// It prints, per language, how many sentences about asylum are blocked and held, and how many others are, with intervals of 95 %;
// the same for languages that are not covered; and the disguises by track. It fails where a figure falls below what was
// reached, so that a change of the lexicon that costs recall somewhere is noticed.
//
// Texts: sentences.tsv was written for this and is not what the lexicon was built on, though both have the same authors. The
// Universal Declaration of Human Rights is development text: article 14 is about asylum, and the language profiles were
// made without it and four other articles.

type sentence struct {
	language string
	positive bool
	text     string
}

// share is a number of cases out of all, with its interval.
type share struct{ hits, all int }

func (s *share) count(hit bool) {
	s.all++
	if hit {
		s.hits++
	}
}

func (s share) rate() float64 { return float64(s.hits) / float64(max(1, s.all)) }

// String gives the share and the interval of Wilson.
func (s share) String() string {
	if s.all == 0 {
		return "-"
	}
	const z = 1.96
	n, p := float64(s.all), s.rate()
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	spread := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return fmt.Sprintf("%d/%d = %.2f%% [%.2f, %.2f]", s.hits, s.all, 100*p, 100*max(0, middle-spread), 100*min(1, middle+spread))
}

// figures are what is measured of one language, or of several together.
type figures struct {
	stopped, blocked            share // of sentences about asylum: held or blocked; blocked
	neutralHeld, neutralBlocked share
}

func (f *figures) count(s sentence, v Verdict) {
	if s.positive {
		f.stopped.count(v != Pass)
		f.blocked.count(v == Block)
		return
	}
	f.neutralHeld.count(v == Hold)
	f.neutralBlocked.count(v == Block)
}

// evaluate scans sentences and counts by language and in all.
func evaluate(t *testing.T, s *Scanner, sentences []sentence) (by map[string]*figures, all *figures) {
	t.Helper()
	by, all = map[string]*figures{}, &figures{}
	for _, x := range sentences {
		r, err := s.Scan(context.Background(), Input{Fields: []Field{{Text: x.text}}})
		if err != nil {
			t.Fatal(err)
		}
		if by[x.language] == nil {
			by[x.language] = &figures{}
		}
		by[x.language].count(x, r.Verdict)
		all.count(x, r.Verdict)
		if testing.Verbose() && (x.positive == (r.Verdict == Pass)) && os.Getenv("COMITY_EVAL_WRONG") != "" {
			t.Logf("%s %s %v: %s", x.language, r.Verdict, x.positive, x.text)
		}
	}
	return by, all
}

func (f *figures) report(t *testing.T, name string) {
	t.Logf("%-10s asylum: stopped %v, blocked %v; other: held %v, blocked %v", name, f.stopped, f.blocked, f.neutralHeld, f.neutralBlocked)
}

func reportAll(t *testing.T, by map[string]*figures, all *figures) {
	names := make([]string, 0, len(by))
	for name := range by {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		by[name].report(t, name)
	}
	all.report(t, "all")
}

func TestEvalSentences(t *testing.T) {
	var sentences []sentence
	for _, line := range readLines(t, "testdata/sentences.tsv") {
		if parts := strings.SplitN(line, "\t", 3); len(parts) == 3 {
			sentences = append(sentences, sentence{parts[0], parts[1] == "+", parts[2]})
		}
	}
	by, all := evaluate(t, newScanner(t), sentences)
	reportAll(t, by, all)
	if all.stopped.rate() < 0.985 || all.neutralHeld.rate() > 0.01 || all.neutralBlocked.rate() > 0.0005 {
		t.Errorf("the aims are missed: %v stopped, %v held, %v blocked", all.stopped, all.neutralHeld, all.neutralBlocked)
	}
}

// declaration are the sentences of the Universal Declaration: covered languages and others. Only the first paragraph of
// article 14 is about asylum; the second is left out.
func declaration(t *testing.T) (covered, uncovered []sentence) {
	t.Helper()
	languages := map[string]string{}
	for _, line := range readLines(t, "testdata/udhr-languages.tsv") {
		if code, language, found := strings.Cut(line, "\t"); found {
			languages[code] = language
		}
	}
	f, err := os.Open("testdata/udhr.tsv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	known := coveredLanguages(t)
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	before := ""
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), "\t", 3)
		first := parts[0]+parts[1] != before
		before = parts[0] + parts[1]
		if parts[1] == "14" && !first || len(parts[2]) < 30 {
			continue
		}
		s := sentence{languages[parts[0]], parts[1] == "14", parts[2]}
		if known[s.language] {
			covered = append(covered, s)
		} else {
			uncovered = append(uncovered, s)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return covered, uncovered
}

func TestEvalDeclaration(t *testing.T) {
	if testing.Short() {
		t.Skip("the evaluation does not change with -short")
	}
	covered, uncovered := declaration(t)
	s := newScanner(t)
	by, all := evaluate(t, s, covered)
	reportAll(t, by, all)
	if all.stopped.rate() < 0.97 || all.neutralHeld.rate() > 0.025 || all.neutralBlocked.rate() > 0.004 {
		t.Errorf("covered languages fell behind: %v stopped, %v held, %v blocked", all.stopped, all.neutralHeld, all.neutralBlocked)
	}
	_, other := evaluate(t, s, slices.DeleteFunc(uncovered, func(s sentence) bool { return !s.positive }))
	other.report(t, "uncovered")
	if other.stopped.rate() < 0.995 {
		t.Errorf("uncovered languages fell behind: %v stopped", other.stopped)
	}
}

// disguised words for the evaluation: of several languages, in two frames.
var disguisedWords = []string{"asylum", "refugee", "refugiado", "flüchtling", "vluchteling", "rifugiato"}

func TestEvalDisguises(t *testing.T) {
	if testing.Short() {
		t.Skip("the evaluation does not change with -short")
	}
	s := newScanner(t)
	tracks := map[Track]*share{}
	var all, pairs share
	try := func(count *share, name, text string) {
		r := scanText(t, s, "the note says "+text+" and no more.")
		count.count(r.Verdict != Pass)
		if r.Verdict == Pass && testing.Verbose() {
			t.Logf("passes: %s: %q", name, text)
		}
		for _, h := range r.Hits {
			if tracks[h.Track] == nil {
				tracks[h.Track] = &share{}
			}
			tracks[h.Track].count(true)
		}
	}
	for _, d := range slices.Concat(disguiseList, cipherList) {
		for _, word := range disguisedWords {
			if hidden := d.apply(word); hidden != "" { // ROT13 has no umlauts
				try(&all, d.name, hidden)
			}
		}
	}
	// Two disguises, one over the other.
	for _, inner := range disguiseList {
		for _, outer := range disguiseList {
			if slices.Contains(encodings, outer.name) && inner.name != outer.name {
				try(&pairs, inner.name+" in "+outer.name, outer.apply(inner.apply("refugee")))
			}
		}
	}
	names := make([]Track, 0, len(tracks))
	for track := range tracks {
		names = append(names, track)
	}
	slices.SortFunc(names, func(a, b Track) int { return cmp.Compare(tracks[b].hits, tracks[a].hits) })
	for _, track := range names {
		t.Logf("%-10s %d hits", track, tracks[track].hits)
	}
	t.Logf("disguises: %v; one in another: %v", all, pairs)
	if all.rate() < 0.97 || pairs.rate() < 0.97 {
		t.Errorf("disguises pass: %v, %v", all, pairs)
	}
}

// encodings can be put over any other disguise.
var encodings = []string{
	"decimal entities", "double entities", "percent", "quoted-printable", "unicode escapes", "braced escapes", "base64", "nested base64", "wrapped base64",
	"RFC 2047 B", "zero-width space", "right-to-left override",
}
