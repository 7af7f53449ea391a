package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Limits bounds what Decode will look at.
type Limits struct {
	Bytes int // length of the text
	Depth int // objects and arrays inside each other
}

// DefaultLimits is for small documents: headers, commands, receipts. PayloadLimits is for the payload of a message.
var (
	DefaultLimits = Limits{Bytes: 64 << 10, Depth: 16}
	PayloadLimits = Limits{Bytes: 1 << 20, Depth: 32}
)

// DecodeRule says which rule of the strict decoder a text broke. The set is closed.
type DecodeRule string

// The rules of Decode.
const (
	RuleTooLarge      DecodeRule = "too-large"      // more bytes than Limits allow
	RuleTooDeep       DecodeRule = "too-deep"       // more nesting than Limits allow
	RuleSyntax        DecodeRule = "syntax"         // not RFC 8259 JSON
	RuleInvalidUTF8   DecodeRule = "invalid-utf8"   // a string that is not UTF-8, or half a surrogate pair
	RuleDuplicateName DecodeRule = "duplicate-name" // the same member twice in one object
	RuleCaseVariant   DecodeRule = "case-variant"   // two members of one object that differ in case only
	RuleNumberRange   DecodeRule = "number-range"   // a number beyond 2^53, where doubles have gaps (RFC 7493 section 2.2)
	RuleTrailing      DecodeRule = "trailing-data"  // anything but white space after the value
	RuleUnknownMember DecodeRule = "unknown-member" // a member that the document type does not have
	RuleMismatch      DecodeRule = "does-not-fit"   // a value of another kind or form than the member takes
)

// DecodeError is every refusal of Decode. It holds the place and the rule, never a value of the document.
type DecodeError struct {
	Pointer string // JSON pointer (RFC 6901); names that do not look like members of a schema are shown as "?"
	Rule    DecodeRule
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("decoding JSON: %s at %q", e.Rule, e.Pointer)
}

// Decode is the one strict JSON decoder: everything that comes from outside passes through it. v is a pointer to a
// struct, or to an any that takes the whole tree.
//
// It refuses duplicate names, names of one object that differ only in case, invalid UTF-8, unknown members, numbers
// that lose precision, data after the value, null in place of the document, and more than limits allow: wherever two
// readers of one text could see two documents, a filter could be shown one and a desk the other. Names match exactly.
//
// On error v may be partly filled and must not be used.
func Decode(data []byte, v any, limits Limits) error {
	if len(data) > limits.Bytes {
		return &DecodeError{Rule: RuleTooLarge}
	}
	if err := scan(data, limits.Depth); err != nil {
		return err
	}
	return fill(data, v)
}

// fill decodes a text that scan let through.
func fill(data []byte, v any) error {
	if t := reflect.TypeOf(v); t != nil && t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct &&
		jsontext.Value(data).Kind() != '{' {
		return &DecodeError{Rule: RuleMismatch}
	}
	if err := json.Unmarshal(data, v, json.RejectUnknownMembers(true)); err != nil {
		return refusal(err)
	}
	return nil
}

// Canonical is the deterministic JSON of v (RFC 8785): the bytes that people approve and keys sign.
func Canonical(v any) ([]byte, error) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encoding canonical JSON: %w", refusal(err))
	}
	// Canonicalisation rounds numbers to doubles: what it would change, it may not have.
	if err := scan(raw, math.MaxInt); err != nil {
		return nil, fmt.Errorf("encoding canonical JSON: %w", err)
	}
	value := jsontext.Value(raw)
	if err := value.Canonicalize(); err != nil {
		return nil, fmt.Errorf("encoding canonical JSON: %w", refusal(err))
	}
	return value, nil
}

// scan walks the tokens once and holds every rule that does not depend on the type of the document. Names that differ in
// case only are looked for where there is any name at all that is not in lower case: in all of our documents there is none.
func scan(data []byte, depth int) error {
	mixed, err := readTokens(data, depth, nil)
	if err == nil && mixed {
		_, err = readTokens(data, depth, &nameCases{})
	}
	return err
}

// readTokens holds the rules; those of names only where cases is given. mixed tells whether a name has anything but lower-case
// ASCII in it.
func readTokens(data []byte, depth int, cases *nameCases) (mixed bool, err error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(data))
	before := int64(0)
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			return mixed, refusal(err)
		}
		raw := data[before:dec.InputOffset()] // the token, behind what separates it from the last one
		before = dec.InputOffset()
		switch tok.Kind() {
		case '{', '[', '}', ']':
			cases.nest(tok.Kind())
		case '"':
			if !isName(dec) {
				break
			}
			mixed = mixed || !plainName(raw)
			if cases.twice(tok) {
				return mixed, &DecodeError{Pointer: place(dec.StackPointer()), Rule: RuleCaseVariant}
			}
		case '0':
			if !exact(tok.String()) {
				return mixed, &DecodeError{Pointer: place(dec.StackPointer()), Rule: RuleNumberRange}
			}
		}
		if dec.StackDepth() > depth {
			return mixed, &DecodeError{Pointer: place(dec.StackPointer()), Rule: RuleTooDeep}
		}
		if dec.StackDepth() == 0 {
			break
		}
	}
	switch _, err := dec.ReadToken(); {
	case errors.Is(err, io.EOF):
		return mixed, nil
	default:
		return mixed, &DecodeError{Rule: RuleTrailing}
	}
}

// plainName tells whether a name is its own only case: it is, where it has no letter that could be another's case.
func plainName(raw []byte) bool {
	for _, b := range raw {
		if b >= 'A' && b <= 'Z' || b == '\\' || b >= 0x80 {
			return false
		}
	}
	return true
}

// nameCases are the names of the objects that are open, without their case. A nil one looks at none.
type nameCases struct{ open []map[string]struct{} } // nil for an array

func (n *nameCases) nest(kind jsontext.Kind) {
	switch {
	case n == nil:
	case kind == '{':
		n.open = append(n.open, map[string]struct{}{})
	case kind == '[':
		n.open = append(n.open, nil)
	default:
		n.open = n.open[:len(n.open)-1]
	}
}

// twice notes a name, and tells whether the object had it already in another case.
func (n *nameCases) twice(tok jsontext.Token) bool {
	if n == nil {
		return false
	}
	seen, name := n.open[len(n.open)-1], fold(tok.String())
	_, twice := seen[name]
	seen[name] = struct{}{}
	return twice
}

// isName tells whether the string just read is a member's name: in an object, names are the odd tokens.
func isName(dec *jsontext.Decoder) bool {
	kind, length := dec.StackIndex(dec.StackDepth())
	return kind == '{' && length%2 == 1
}

// fold maps all case variants of a name to one text, as encoding/json matches names.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}

// exact tells whether every reader sees the same number: beyond 2^53 doubles are integers with gaps between them.
func exact(number string) bool {
	const most = 1 << 53
	if !strings.ContainsAny(number, ".eE") {
		n, err := strconv.ParseInt(number, 10, 64)
		return err == nil && n <= most && n >= -most
	}
	f, err := strconv.ParseFloat(number, 64)
	return err == nil && math.Abs(f) <= most
}

// refusal turns the library's error into ours. Its text is dropped: it can quote the document.
func refusal(err error) error {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		rule := RuleMismatch
		if errors.Is(err, json.ErrUnknownName) {
			rule = RuleUnknownMember
		}
		return &DecodeError{Pointer: place(semantic.JSONPointer), Rule: rule}
	}
	syntactic, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		return &DecodeError{Rule: RuleSyntax} // an empty or cut-off text
	}
	rule := RuleSyntax
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		rule = RuleDuplicateName
	case strings.Contains(syntactic.Error(), "UTF-8"), strings.Contains(syntactic.Error(), "surrogate"):
		rule = RuleInvalidUTF8
	}
	return &DecodeError{Pointer: place(syntactic.JSONPointer), Rule: rule}
}

// place shows where in the document the defect is. A name that a schema cannot have may be a person's name that
// somebody put in the wrong place, so it is not shown.
func place(pointer jsontext.Pointer) string {
	var b strings.Builder
	for token := range pointer.Tokens() {
		b.WriteByte('/')
		if isMemberName(token) {
			b.WriteString(token)
		} else {
			b.WriteByte('?')
		}
	}
	return b.String()
}

// isMemberName accepts array indices and names of lower-case letters, digits, "_", "-" and "#", as all our documents
// and headers use.
func isMemberName(token string) bool {
	if token == "" || len(token) > 40 {
		return false
	}
	for _, r := range token {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '#' {
			return false
		}
	}
	return true
}
