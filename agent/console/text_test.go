package console

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"comity/agent/console/consoletest"
	"comity/agent/people"
	"comity/schemas"
)

// Every language has every text of the console. The texts of the schemas stand in these; in the others they are English, and marked so.
var whole = []string{"en", "fr"}

// Every text stands in every whole language, with the same places for what is put in, and no catalogue has one that nobody asks for.
func TestTextsAreWholeInEveryLanguage(t *testing.T) {
	p := testPages(t)
	english := p.languages[0]
	for _, l := range p.languages {
		for key, text := range english.texts {
			other, there := l.texts[key]
			switch {
			case !there:
				t.Errorf("%s has no text for %s", l.Code, key)
			case there && !slices.Equal(places(text), places(other)):
				t.Errorf("%s, %s: %v are put in, in English %v", l.Code, key, places(other), places(text))
			case there && strings.TrimSpace(other) == "":
				t.Errorf("%s, %s: empty", l.Code, key)
			}
		}
		for key := range l.texts {
			if english.texts[key] == "" {
				t.Errorf("%s has a text for %s, which English has not", l.Code, key)
			}
		}
	}
}

func places(text string) []string {
	found := regexp.MustCompile(`\{\d\}`).FindAllString(text, -1)
	slices.Sort(found)
	return found
}

var (
	asked  = regexp.MustCompile(`\bt "([^"]+)"`)
	action = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
)

// No template holds a word of its own: whatever a reader reads comes from a catalogue, and is there.
func TestTemplatesHoldNoText(t *testing.T) {
	english := testPages(t).languages[0]
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil || len(files) < 20 {
		t.Fatal(err, len(files))
	}
	for _, file := range files {
		content, err := templateFiles.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range asked.FindAllStringSubmatch(string(content), -1) {
			if !english.Has(match[1]) {
				t.Errorf("%s asks for %q, which no catalogue has", file, match[1])
			}
		}
		for _, word := range ownWords(t, string(content)) {
			t.Errorf("%s holds text of its own: %q", file, word)
		}
	}
	if len(ownWords(t, `<p title="Help">{{t "x"}}</p>`)) == 0 || len(ownWords(t, `<p>Help {{t "x"}}</p>`)) == 0 {
		t.Error("a text in a template is not noticed")
	}
}

var letters = regexp.MustCompile(`\pL{2,}`)

// ownWords are the words of a template that a reader would see or hear.
func ownWords(t *testing.T, content string) (words []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(action.ReplaceAllString(content, " ")))
	if err != nil {
		t.Fatal(err)
	}
	words = letters.FindAllString(consoletest.Text(root), -1)
	consoletest.Walk(root, func(n *html.Node) {
		for _, name := range []string{"title", "alt", "aria-label", "placeholder"} {
			words = append(words, letters.FindAllString(consoletest.Attribute(n, name), -1)...)
		}
	})
	return words
}

// Codes of closed sets that a page shows have a word in the catalogue.
func TestCodesHaveWords(t *testing.T) {
	english := testPages(t).languages[0]
	var keys []string
	for _, channel := range schemas.Channels() {
		keys = append(keys, "channel."+string(channel), "channel-about."+string(channel))
	}
	for _, role := range people.Roles() {
		keys = append(keys, "role."+string(role))
	}
	for _, done := range doneNotices {
		keys = append(keys, "done."+done)
	}
	for _, n := range menu {
		keys = append(keys, n.Key)
	}
	for _, key := range keys {
		if !english.Has(key) {
			t.Errorf("no word for %s", key)
		}
	}
}

// Whatever the schemas say to a reader, their names, sentences, hints, conditions and codes, stands in every whole language, with
// the same articles, numbers and bounds; nothing is translated that no schema says.
func TestWordsOfTheSchemas(t *testing.T) {
	words := wordsOfAllSchemas(t)
	if len(words) < 1500 {
		t.Fatalf("only %d texts", len(words))
	}
	for _, l := range testPages(t).languages {
		if !slices.Contains(whole, l.Code) {
			continue
		}
		for word := range words {
			text, own := l.Schema(word)
			if !own || strings.TrimSpace(text) == "" {
				t.Errorf("%s has no word for %q", l.Code, word)
			}
			if !slices.Equal(numerals(word), numerals(text)) {
				t.Errorf("%s: %q has other numbers than %q", l.Code, text, word)
			}
		}
		for word := range l.lexicon {
			if !words[word] {
				t.Errorf("%s translates %q, which no schema says", l.Code, word)
			}
		}
	}
}

// numerals are the numbers of a text, each once.
func numerals(text string) []string {
	found := regexp.MustCompile(`\d+`).FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// A form speaks of its fields by their titles and never by the names that they have in a draft.
func TestConditionsSpeakOfTitles(t *testing.T) {
	name := regexp.MustCompile(`[a-z]+(_[a-z]+)+|\b[a-z]+\.[a-z]`)
	found := 0
	for _, l := range testPages(t).languages[:2] {
		for _, kind := range schemas.Types() {
			schemas.Field{Fields: []schemas.Field{formField(described(kind))}}.Each(func(f schemas.Field, _ int) {
				for _, condition := range f.Conditions {
					found++
					if text, _ := l.Schema(condition); name.MatchString(text) {
						t.Errorf("%s: %q", l.Code, text)
					}
				}
			})
		}
	}
	if found < 200 || !name.MatchString("where release_reason is given") {
		t.Errorf("%d conditions were looked at", found)
	}
}

// wordsOfAllSchemas are the texts of all types that a form, a letter or a refusal can show.
func wordsOfAllSchemas(t *testing.T) map[string]bool {
	t.Helper()
	words := map[string]bool{}
	for _, kind := range schemas.Types() {
		d := described(kind)
		words[d.Title], words[d.Description] = true, true
		wordsOf(formField(d), words)
		raw, err := schemas.Schema(kind)
		if err != nil {
			t.Fatal(err)
		}
		document, err := objectOf(raw)
		if err != nil {
			t.Fatal(err)
		}
		hintsOf(document, words)
	}
	delete(words, "")
	return words
}

func wordsOf(f schemas.Field, words map[string]bool) {
	words[f.Title], words[f.Description], words[f.Hint] = true, true, true
	for _, s := range f.Conditions {
		words[s] = true
	}
	if f.Kind != schemas.KindConstant || !f.Required {
		for _, code := range f.Enum {
			words[code] = true
		}
	}
	for _, child := range f.Fields {
		if !child.Absent {
			wordsOf(child, words)
		}
	}
}

// hintsOf collects what a refusal says of a value.
func hintsOf(node any, words map[string]bool) {
	switch node := node.(type) {
	case map[string]any:
		if hint, ok := node["x-hint"].(string); ok {
			words[hint] = true
		}
		for _, child := range node {
			hintsOf(child, words)
		}
	case []any:
		for _, child := range node {
			hintsOf(child, words)
		}
	}
}

// Whatever reason a problem has, a reader is told in their language what it is; the detail stands beside it in English.
func TestReasonsHaveWords(t *testing.T) {
	reasons := reasonsOf(t, "../*.go", "../api/*.go")
	if len(reasons) < 30 {
		t.Fatalf("only %d reasons: %v", len(reasons), reasons)
	}
	for _, l := range testPages(t).languages {
		for _, reason := range reasons {
			if l.texts["problem."+reason] == "" {
				t.Errorf("%s has no text for the reason %s", l.Code, reason)
			}
		}
	}
}

// reasonsOf reads the closed set of reasons from where it stands: the constants whose names begin with Reason.
func reasonsOf(t *testing.T, globs ...string) (reasons []string) {
	t.Helper()
	constant := regexp.MustCompile(`(?m)^(?:const |\t)Reason[A-Z]\w*\s*= "([a-z-]+)"`)
	for _, glob := range globs {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			t.Fatal(glob, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range constant.FindAllSubmatch(content, -1) {
				reasons = append(reasons, string(match[1]))
			}
		}
	}
	slices.Sort(reasons)
	return slices.Compact(reasons)
}
