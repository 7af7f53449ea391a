package schemas

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Rule says which rule a payload broke: one of the strict decoder (DecodeRule), one of JSON Schema, or one of the
// rules below that a schema cannot say. The set is closed.
type Rule string

// The rules of Validate beside those of Decode.
const (
	RuleRequired           Rule = "required"            // a member is missing; Pointer is where it should stand
	RuleType               Rule = "type"                // another kind of JSON value
	RuleEnum               Rule = "enum"                // not one of the closed set
	RuleConst              Rule = "const"               // not the one value that is possible here
	RuleFormat             Rule = "format"              // not a date, time or pointer
	RulePattern            Rule = "pattern"             // not in the form demanded
	RuleLength             Rule = "length"              // text too short or too long
	RuleCount              Rule = "count"               // too few or too many items or members
	RuleRange              Rule = "range"               // number too small or too large
	RuleUnique             Rule = "unique"              // the same twice
	RuleNotAllowed         Rule = "not-allowed"         // a member that may not stand here, given the others
	RuleAlternative        Rule = "alternative"         // none of several possibilities is met
	RuleOther              Rule = "schema"              // any other keyword of the schema
	RuleUnknownType        Rule = "unknown-type"        // no such message type
	RuleUnsupportedVersion Rule = "unsupported-version" // a known type in a version that is not read here
	RuleAttachmentHash     Rule = "attachment-hash"     // the content is not what its SHA-256 says
	RuleAttachmentSize     Rule = "attachment-size"     // the content is not as long as it says
	RuleAttachmentEncoding Rule = "attachment-encoding" // not canonical base64
	RuleAttachmentsTotal   Rule = "attachments-total"   // more than MaxAttachmentBytes in all
	RuleUnknownRef         Rule = "unknown-ref"         // a person or file that the message does not have
)

// A payload of such a type is never half read: nothing but its type was looked at.
var (
	ErrUnknownType        = errors.New("unknown message type")
	ErrUnsupportedVersion = errors.New("unsupported version of the message type")
)

// Defect is one thing that is wrong with a payload. It never holds a value of the payload, nor a member's name that
// is not a name of the schema: both may be a person's.
type Defect struct {
	Pointer string `json:"pointer"` // RFC 6901; "" is the whole payload
	Rule    Rule   `json:"rule"`
	Hint    string `json:"hint,omitzero"` // what would be right; from the schema alone
}

// InvalidError is every refusal of Validate.
type InvalidError struct {
	Defects []Defect // sorted by pointer, then rule; never empty
	cause   error    // ErrUnknownType, ErrUnsupportedVersion, a *DecodeError, or nil
}

func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString("validating payload: ")
	for i, d := range e.Defects {
		if i == 5 {
			fmt.Fprintf(&b, "; and %d more", len(e.Defects)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s at %q", d.Rule, d.Pointer)
	}
	return b.String()
}

func (e *InvalidError) Unwrap() error { return e.cause }

// Validate checks a payload against the schema of its type and the rules that no schema can say, and returns it
// decoded. The error is an *InvalidError with every defect at once; it wraps ErrUnknownType or ErrUnsupportedVersion
// where the type is not read here.
func Validate(payload []byte) (*Payload, error) {
	p, _, err := Read(payload)
	return p, err
}

// Read is Validate, and gives the tree of the text as well: also where the payload is not valid, as long as it is one
// document of the strict form.
func Read(payload []byte) (*Payload, any, error) {
	set, err := compiled()
	if err != nil {
		return nil, nil, fmt.Errorf("compiling the embedded schemas: %w", err)
	}
	// 1. One text, one document.
	var tree any
	if err := Decode(payload, &tree, PayloadLimits); err != nil {
		return nil, nil, set.undecodable(err)
	}
	// 2. Its type decides the schema. Without a type only the envelope can be looked at.
	object, _ := tree.(map[string]any)
	name, _ := object["type"].(string)
	schema := set.envelope
	if t, err := ParseMessageType(name); err == nil {
		known, ok := set.types[t]
		if !ok {
			return nil, tree, set.unread(t)
		}
		schema = known.schema
	}
	// 3. The schema, then what it cannot say.
	var defects []Defect
	if err := schema.Validate(tree); err != nil {
		invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
		if !ok {
			return nil, tree, &InvalidError{Defects: []Defect{{Rule: RuleOther}}}
		}
		defects = set.translate(invalid, defects)
	}
	defects = append(defects, set.checkContent(object)...)
	if len(defects) > 0 {
		return nil, tree, &InvalidError{Defects: tidy(defects)}
	}
	// 4. The typed form. A schema that lets through what the type cannot hold is a mistake of ours, and refuses too.
	var p Payload
	if err := fill(payload, &p); err != nil {
		return nil, tree, set.undecodable(err)
	}
	return &p, tree, nil
}

// undecodable turns the decoder's refusal into a defect.
func (s *schemaSet) undecodable(err error) error {
	refused, ok := errors.AsType[*DecodeError](err)
	if !ok {
		return &InvalidError{Defects: []Defect{{Rule: Rule(RuleSyntax)}}}
	}
	hint := ""
	switch refused.Rule {
	case RuleTooLarge:
		hint = fmt.Sprintf("at most %d bytes", PayloadLimits.Bytes)
	case RuleTooDeep:
		hint = fmt.Sprintf("at most %d levels", PayloadLimits.Depth)
	case RuleDuplicateName:
		hint = "the same member stands here twice"
	case RuleCaseVariant:
		hint = "two members differ in case only"
	}
	return &InvalidError{Defects: []Defect{{Pointer: s.known(refused.Pointer), Rule: Rule(refused.Rule), Hint: hint}}, cause: refused}
}

// known cuts a pointer off before the first name that no schema has.
func (s *schemaSet) known(pointer string) string {
	var b strings.Builder
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		_, ok := s.names[token]
		if !ok && strings.Trim(token, "0123456789") != "" || token == "" {
			break
		}
		b.WriteString("/" + token)
	}
	return b.String()
}

// unread is the refusal of a type that is not registered, which says whether another version of it is.
func (s *schemaSet) unread(t MessageType) error {
	var versions []string
	for known := range s.types {
		if known.Channel() == t.Channel() && known.Name() == t.Name() {
			versions = append(versions, string(known))
		}
	}
	if len(versions) == 0 {
		return &InvalidError{
			Defects: []Defect{{Pointer: "/type", Rule: RuleUnknownType, Hint: "no message type of this name is registered"}},
			cause:   ErrUnknownType,
		}
	}
	slices.Sort(versions)
	return &InvalidError{
		Defects: []Defect{{Pointer: "/type", Rule: RuleUnsupportedVersion, Hint: "read here: " + strings.Join(versions, ", ")}},
		cause:   ErrUnsupportedVersion,
	}
}

// tidy sorts defects and keeps one for each place and rule, the one with a hint before the one without.
func tidy(defects []Defect) []Defect {
	slices.SortStableFunc(defects, func(a, b Defect) int {
		return cmp.Or(strings.Compare(a.Pointer, b.Pointer), strings.Compare(string(a.Rule), string(b.Rule)),
			-cmp.Compare(len(a.Hint), len(b.Hint)))
	})
	return slices.CompactFunc(defects, func(a, b Defect) bool { return a.Pointer == b.Pointer && a.Rule == b.Rule })
}
