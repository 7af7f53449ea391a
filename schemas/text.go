package schemas

import (
	"regexp"
	"regexp/syntax"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// plainText is a pattern that asks of each character alone whether it may stand there, as those of our texts do. Held by a
// table, a long text takes a tenth of the time that the engine takes.
type plainText struct {
	pattern string
	ascii   [128]bool
	beyond  []rune // pairs of first and last, in order
}

// String is the pattern.
func (p *plainText) String() string { return p.pattern }

// MatchString tells whether every character may stand there. Bytes that are not UTF-8 count as U+FFFD, as they do for regexp.
func (p *plainText) MatchString(text string) bool {
	for _, r := range text {
		if r < 128 && !p.ascii[r] || r >= 128 && !p.allows(r) {
			return false
		}
	}
	return true
}

func (p *plainText) allows(r rune) bool {
	for i := 0; i+1 < len(p.beyond) && p.beyond[i] <= r; i += 2 {
		if r <= p.beyond[i+1] {
			return true
		}
	}
	return false
}

// compilePattern is the regular expressions of the schemas: those of one character class, from the beginning to the end, as
// tables, and all others as they are.
func compilePattern(pattern string) (jsonschema.Regexp, error) {
	whole, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	class, ok := onlyClass(pattern)
	if !ok {
		return whole, nil
	}
	p := &plainText{pattern: pattern, beyond: class}
	for r := range p.ascii {
		p.ascii[r] = p.allows(rune(r))
	}
	return p, nil
}

// onlyClass gives the class of a pattern of the form ^[...]*$.
func onlyClass(pattern string) ([]rune, bool) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || tree.Op != syntax.OpConcat || len(tree.Sub) != 3 {
		return nil, false
	}
	begin, many, end := tree.Sub[0], tree.Sub[1], tree.Sub[2]
	if begin.Op != syntax.OpBeginText || many.Op != syntax.OpStar || end.Op != syntax.OpEndText ||
		many.Sub[0].Op != syntax.OpCharClass || many.Sub[0].Flags&syntax.FoldCase != 0 {
		return nil, false
	}
	return many.Sub[0].Rune, true
}
