package main

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"comity/schemas"
)

func TestLetter(t *testing.T) {
	payload := `{"channel":"mla","type":"mla.request/1","due":"2026-12-15","subjects":[{"ref":"p1","names":["TESTPERSON ALPHA-01"]}],
		"attachments":[{"content":"QUJD","name":"a.txt"}],"body":{"facts":"one\ntwo","codes":[["x"],[]],"none":{},"set":true,"count":2}}`
	want := `attachments:
  - content: (bytes; --json has them)
    name: a.txt
due: 2026-12-15
subjects:
  - ref: p1
    names:
      - TESTPERSON ALPHA-01

facts:
  one
  two
codes:
  -
    - x
  -
none:
set: true
count: 2
`
	var got strings.Builder
	if err := printPayload(&got, jsontext.Value(payload)); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

// Who reads an answer that names a text reads the text, in the language of the message.
func TestLetterShowsTheTextThatIsNamed(t *testing.T) {
	for language, want := range map[string]string{
		"en":    "The text of withdrawal-neutral:\n  The request is withdrawn.",
		"fr-QM": "The text of withdrawal-neutral:\n  La demande est retirée.",
		"de":    "The text of withdrawal-neutral:\n  The request is withdrawn.",
	} {
		var got strings.Builder
		payload := `{"language":"` + language + `","body":{"scope":"whole","template":"withdrawal-neutral"}}`
		if err := printPayload(&got, jsontext.Value(payload)); err != nil || !strings.Contains(got.String(), want) {
			t.Errorf("in %s, %v:\n%s", language, err, &got)
		}
	}
	for _, body := range []string{`{"template":"no-such-text"}`, `{"template":7}`, `{}`} {
		var got strings.Builder
		if err := printPayload(&got, jsontext.Value(`{"body":`+body+`}`)); err != nil || strings.Contains(got.String(), "The text of") {
			t.Errorf("%s, %v:\n%s", body, err, &got)
		}
	}
}

// A peer's text must not be able to clear the reader's screen, hide a line or turn its direction.
func TestLetterDisarmsTheTerminal(t *testing.T) {
	payload := `{"bo\u001bdy":"x","body":{"facts":"a\u001b[2Jb\u202ec\u0007\u0085","na\u200bme":"y"}}`
	var got strings.Builder
	if err := printPayload(&got, jsontext.Value(payload)); err != nil {
		t.Fatal(err)
	}
	want := "bo<U+001B>dy: x\n\nfacts: a<U+001B>[2Jb<U+202E>c<U+0007><U+0085>\nna<U+200B>me: y\n"
	if got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}

func TestLetterRefusesWhatIsNoPayload(t *testing.T) {
	for _, text := range []string{``, `[]`, `"x"`, `{"a":`} {
		if err := printPayload(&strings.Builder{}, jsontext.Value(text)); err == nil {
			t.Errorf("%q was printed", text)
		}
	}
}

func FuzzLetter(f *testing.F) {
	for _, mt := range schemas.Types() {
		f.Add(schemas.Example(mt))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var got strings.Builder
		if printPayload(&got, payload) != nil {
			return
		}
		if strings.ContainsAny(got.String(), "\x1b\x07\x08\r\u202e") {
			t.Errorf("a control character reached the terminal: %q", got.String())
		}
	})
}
