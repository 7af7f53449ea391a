package scan

import (
	"bufio"
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/text/unicode/norm"
)

//go:embed lexicon/*.txt
var lexiconFiles embed.FS

// term is one entry of the lexicon.
type term struct {
	language string
	code     string // A1 to A13
	grade    Grade
	// start and end demand a word boundary there.
	start, end bool
	// accents: with other accents it is another word, and without any, in capitals, it is ambiguous.
	accents bool
	// local: the word means something else in other languages, and counts only where the text may be in this one.
	local bool
	// core: people disguise this word, so it is looked for misspelt, masked, reversed and rotated as well.
	core bool
	half half
	// pair numbers the pair of lines that a half stands in.
	pair int
	// solid: parts of it are words of the language, so something must stand between all of its letters to disguise it.
	solid bool
	// inner: no other word has it in it, so that it is a disguise within one.
	inner bool
	// shout: an acronym, which counts in capitals only.
	shout bool
	// name: people and places are called like this.
	name bool
	text string // as written in the lexicon
	// before are the stems that the words before the last one must begin with: "medzinárodn* ochran".
	before []string
	last   string // what the automaton looks for

	stems [][]uint8 // of before, in codes
	light string    // last, with its accents
}

// half says that a term counts only together with one of the other half, of the line that follows or goes before.
type half uint8

const (
	whole half = iota
	first
	second
)

// harmless is the grade of a phrase in which a word of the lexicon means something else.
const harmless Grade = "H"

// readLexicon reads every file of the lexicon. A line is
//
//	language code grade mode pattern, pattern, …
//
// with the modes p (prefix of a word), w (whole word), s (anywhere), followed by ! where with other accents it is another word, and by @
// where the word counts in its own language only, by ~ where it is looked for disguised as well, by = where
// parts of it are words, by + where no other word has it in it, by # where only capitals count, by ^ where it is also a name, and by < or > where it is half of a pair. A star ends a stem that is not the last word of a pattern.
func readLexicon(files fs.FS) ([]term, error) {
	names, err := fs.Glob(files, "lexicon/*.txt")
	if err != nil {
		return nil, fmt.Errorf("listing the lexicon: %w", err)
	}
	var all []term
	pair := 0
	for _, name := range names {
		f, err := files.Open(name)
		if err != nil {
			return nil, fmt.Errorf("opening the lexicon: %w", err)
		}
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			terms, err := parseLine(lines.Text())
			if err != nil {
				f.Close()
				return nil, fmt.Errorf("%s:%d: %w", name, n, err)
			}
			if len(terms) > 0 && terms[0].half == first {
				pair++
			}
			for _, t := range terms {
				if t.half != whole {
					t.pair = pair
				}
				all = append(all, t)
			}
		}
		f.Close()
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return all, nil
}

func parseLine(line string) ([]term, error) {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") {
		return nil, nil
	}
	words := strings.Fields(line)
	if len(words) < 5 {
		return nil, fmt.Errorf("want language, code, grade, mode and patterns")
	}
	shape, err := parseMode(words[3])
	if err != nil {
		return nil, err
	}
	shape.language, shape.code, shape.grade = words[0], words[1], Grade(words[2])
	if shape.grade != Strong && shape.grade != Ambiguous && shape.grade != harmless {
		return nil, fmt.Errorf("grade %q is none of A, B and H", words[2])
	}
	if !strings.HasPrefix(shape.code, "A") && shape.grade != harmless {
		return nil, fmt.Errorf("code %q is none of A1 to A13", words[1])
	}
	var terms []term
	for pattern := range strings.SplitSeq(strings.Join(words[4:], " "), ",") {
		t := shape
		t.text = norm.NFC.String(strings.TrimSpace(pattern))
		pieces := strings.Split(t.text, "* ")
		t.before, t.last = pieces[:len(pieces)-1], pieces[len(pieces)-1]
		if t.last == "" {
			return nil, fmt.Errorf("empty pattern")
		}
		terms = append(terms, t)
	}
	return terms, nil
}

func parseMode(mode string) (term, error) {
	var t term
	for i, c := range mode {
		switch {
		case i == 0 && c == 'p':
			t.start = true
		case i == 0 && c == 'w':
			t.start, t.end = true, true
		case i == 0 && c == 's':
		case i > 0 && c == '!':
			t.accents = true
		case i > 0 && c == '@':
			t.local = true
		case i > 0 && c == '~':
			t.core = true
		case i > 0 && c == '=':
			t.solid = true
		case i > 0 && c == '+':
			t.inner = true
		case i > 0 && c == '#':
			t.shout = true
		case i > 0 && c == '^':
			t.name = true
		case i > 0 && c == '<':
			t.half = first
		case i > 0 && c == '>':
			t.half = second
		default:
			return t, fmt.Errorf("mode %q is not p, w or s with !, @, ~, =, +, #, ^, < or >", mode)
		}
	}
	return t, nil
}
