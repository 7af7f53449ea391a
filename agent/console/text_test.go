package console

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"comity/agent/console/consoletest"
	"comity/agent/people"
	"comity/schemas"
)

// whole are the languages that have every text; the others show how one begins.
var whole = []string{"en", "fr"}

// Every text stands in every whole language, with the same places for what is put in, and no catalogue has one that nobody asks for.
func TestTextsAreWholeInEveryLanguage(t *testing.T) {
	p := testPages(t)
	english := p.languages[0]
	for _, l := range p.languages {
		for key, text := range english.texts {
			other, there := l.texts[key]
			switch {
			case !there && slices.Contains(whole, l.Code):
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

// What the schemas call things and the codes that they allow are translated whole. The sentences that explain a field are not yet:
// they are shown in English and marked so.
func TestWordsOfTheSchemas(t *testing.T) {
	words, sentences := map[string]bool{}, map[string]bool{}
	for _, kind := range schemas.Types() {
		d := described(kind)
		words[d.Title] = true
		wordsOf(formField(d), words, sentences)
	}
	delete(words, "")
	for _, l := range testPages(t).languages {
		if l.Code == "en" || !slices.Contains(whole, l.Code) {
			continue
		}
		for word := range words {
			if _, own := l.Schema(word); !own {
				t.Errorf("%s has no word for %q", l.Code, word)
			}
		}
		for word := range l.lexicon {
			if !words[word] && !sentences[word] {
				t.Errorf("%s translates %q, which no schema says", l.Code, word)
			}
		}
	}
}

func wordsOf(f schemas.Field, words, sentences map[string]bool) {
	words[f.Title], sentences[f.Description], sentences[f.Hint] = true, true, true
	for _, s := range f.Conditions {
		sentences[s] = true
	}
	if f.Kind != schemas.KindConstant || !f.Required {
		for _, code := range f.Enum {
			words[code] = true
		}
	}
	for _, child := range f.Fields {
		if !child.Absent {
			wordsOf(child, words, sentences)
		}
	}
}
