package scan

import (
	"strings"
	"testing"
	"time"
)

// TestNothingIsSlow feeds long runs of what each reader looks for: none may take more than its length allows, since a
// scan that takes too long holds messages.
func TestNothingIsSlow(t *testing.T) {
	if testing.Short() {
		t.Skip("it is about time, which -short is used to save")
	}
	s := newScanner(t)
	for _, piece := range []string{
		"<", "<a", "<!--", "&", "&#", "&amp;", "=?", "=?a?b?", "=", "=3", "%", "%u", `\`, `\u`, "U+", "[", "[a", "{{", "YWJj", "YWJj\n", "6162", "61 ", "\u202e",
		"\u202ea\u202c", "\u200b", "ɐɯ", "a ", "a.", "a*", "a\u0301", "aА", "A1", "aB", "\U000e0061", "asylu", "refuge ", "r e f u g e ", "ａ", "=?utf-8?B?YQ==?=", "'", "asylum ",
		"international ", "medzinárodn", "避", "난 ", "\xff", "\n", ".", "1 ", ".- ", "Alfa ", "alfa-", "1. a ", "+A", "+AGE-", "xn--a ", "Ã©", "a\b", "\x1b[", "2DJ=F> ", "aB1!", "01", "0119", "begin a\n",
		"MFZX ", "dGhl ", "\\61 ", "chr(97)+", "r*f*g* ", "a|_|", "axsx", "/*", "a s y l u ",
	} {
		text := strings.Repeat(piece, 64<<10/len(piece))
		begin := time.Now()
		scanText(t, s, text)
		took := time.Since(begin)
		t.Logf("%-20q %v", piece, took)
		if took > 5*time.Second {
			t.Errorf("%q: 64 kB took %v", piece, took)
		}
	}
}
