package scan

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMakeProfiles makes profiles.bin.gz anew from a folder of texts, one file a language, named by its code, one sentence a line:
//
//	COMITY_PROFILES_FROM=texts go test ./agent/scan -run TestMakeProfiles
//
// The texts themselves are not kept, only how often three letters and words occur (profiles.md says where they come from).
func TestMakeProfiles(t *testing.T) {
	from := os.Getenv("COMITY_PROFILES_FROM")
	if from == "" {
		t.Skip("COMITY_PROFILES_FROM names no folder of texts")
	}
	texts := map[string][]string{}
	files, err := filepath.Glob(filepath.Join(from, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		texts[strings.TrimSuffix(filepath.Base(name), ".txt")] = readLines(t, name)
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	covered := coveredLanguages(t)
	for f := latinFamily; f < familyCount; f++ {
		z.Write(makeProfile(f, texts, covered))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("profiles.bin.gz", out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("profiles.bin.gz: %d bytes", out.Len())
}

func readLines(t testing.TB, name string) []string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		lines = append(lines, s.Text())
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// coveredLanguages are those of the lexicon, less the ones with too few words.
func coveredLanguages(t testing.TB) map[string]bool {
	t.Helper()
	terms, err := readLexicon(lexiconFiles)
	if err != nil {
		t.Fatal(err)
	}
	covered := map[string]bool{}
	for _, term := range terms {
		covered[term.language] = !isUncovered(term.language)
	}
	for _, language := range strings.Fields(likeCovered) {
		covered[language] = true
	}
	return covered
}

const (
	profileBits   = 15
	profileTop    = 2600 // features kept of each language
	profileLeast  = 3000 // letters that a language needs, to be compared at all
	profileAmount = 160_000
)

func makeProfile(f family, texts map[string][]string, covered map[string]bool) []byte {
	type counted struct {
		name  string
		share []float64
	}
	var all []counted
	average := make([]float64, 1<<profileBits)
	for name, lines := range texts {
		c := counted{name: name, share: make([]float64, 1<<profileBits)}
		total, letters := 0.0, 0
		for _, line := range lines {
			if familyOf(line) != f || letters > profileAmount {
				continue
			}
			lowered := lowerLetters(line)
			letters += len(lowered)
			features(lowered, profileBits, func(feature int) {
				c.share[feature]++
				total++
			})
		}
		if letters < profileLeast || letters < familyLetters(lines)/4 {
			continue // what is not translated, in another script
		}
		for i := range c.share {
			c.share[i] /= total
			average[i] += c.share[i]
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b counted) int { return cmp.Compare(a.name, b.name) })
	out := binary.AppendUvarint(nil, uint64(len(all)))
	out = binary.AppendUvarint(out, profileBits)
	for _, c := range all {
		type weighed struct {
			feature int
			gain    uint8
			weight  float64
		}
		var kept []weighed
		for i, share := range c.share {
			if gain := gainOf(share, average[i]/float64(len(all))); share > 0 && gain > 0 {
				kept = append(kept, weighed{i, gain, share * float64(gain)})
			}
		}
		slices.SortFunc(kept, func(a, b weighed) int { return cmp.Compare(b.weight, a.weight) })
		kept = kept[:min(len(kept), profileTop)]
		slices.SortFunc(kept, func(a, b weighed) int { return cmp.Compare(a.feature, b.feature) })
		out = binary.AppendUvarint(out, uint64(len(c.name)))
		out = append(out, c.name...)
		flag := uint64(0)
		if covered[c.name] {
			flag = 1
		}
		out = binary.AppendUvarint(out, flag)
		out = binary.AppendUvarint(out, uint64(len(kept)))
		last := 0
		for _, k := range kept {
			out = binary.AppendUvarint(out, uint64(k.feature-last))
			out = binary.AppendUvarint(out, uint64(k.gain))
			last = k.feature
		}
	}
	return out
}

// familyLetters counts the characters of some lines.
func familyLetters(lines []string) int {
	n := 0
	for _, line := range lines {
		n += len([]rune(line))
	}
	return min(n, profileAmount)
}

// familyOf is the family of most letters of a text.
func familyOf(text string) family {
	var counts [familyCount]int
	for _, r := range text {
		if b := blockOf(r); b != nil {
			counts[b.family]++
		}
	}
	best := noFamily
	for f, n := range counts {
		if n > counts[best] {
			best = family(f)
		}
	}
	return best
}
