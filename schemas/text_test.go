package schemas

import (
	"regexp"
	"strings"
	"testing"
)

// A table says of a text what the regular expression says.
func TestPlainTextIsWhatItsPatternSays(t *testing.T) {
	const long = "^[^\\x00-\\x08\\x0b-\\x1f\\x7f\u202a-\u202e\u2066-\u2069]*$"
	texts := []string{"", "a", "two\nlines\tand a tab", "\x00", "\x1f", "\x7f", "\x80", "\xff\xfe", "é", "\u202a", "\u202e", "\u202f", "\u2065", "\u2066", "\u2069",
		"\u206a", "\U0010ffff", "TESTPERSON ALPHA-01", strings.Repeat("long ", 500) + "\u202b", "ſ", "K"}
	for _, pattern := range []string{long, "^[a-z]*$", "^[^a-z]*$", "^[\\p{L} ]*$"} {
		fast, err := compilePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := fast.(*plainText); !ok {
			t.Errorf("%s is held by the engine", pattern)
		}
		engine := regexp.MustCompile(pattern)
		for _, text := range texts {
			if got, want := fast.MatchString(text), engine.MatchString(text); got != want {
				t.Errorf("%s of %q: %v, want %v", pattern, text, got, want)
			}
		}
	}
	for _, pattern := range []string{"[a-z]*", "^[a-z]+$", "^[a-z]*", "(?i)^[a-z]*$", "^a*$", "^[a-z]*[0-9]*$", "(?m)^[a-z]*$"} {
		other, err := compilePattern(pattern)
		if _, fast := other.(*plainText); fast || err != nil {
			t.Errorf("%s is held by a table; %v", pattern, err)
		}
	}
	if _, err := compilePattern("["); err == nil {
		t.Error("a pattern that is none compiles")
	}
}
