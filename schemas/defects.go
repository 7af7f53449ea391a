package schemas

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// translate flattens the library's tree of errors into defects. The library's own texts quote the offending value, so
// none of them is used: a hint is made of the schema alone.
func (s *schemaSet) translate(e *jsonschema.ValidationError, into []Defect) []Defect {
	at := pointerTo(e.InstanceLocation)
	where := s.at(e.SchemaURL)
	add := func(rule Rule, hint string) []Defect {
		if own, ok := where["x-hint"].(string); ok {
			hint = strings.TrimPrefix(hint+"; "+own, "; ")
		}
		return append(into, Defect{Pointer: at, Rule: rule, Hint: hint})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return missing(into, at, k.Missing, where)
	case *kind.DependentRequired:
		return missing(into, at, k.Missing, map[string]any{"x-hint": "goes together with " + k.Prop})
	case *kind.AdditionalProperties:
		return append(into, Defect{Pointer: at, Rule: Rule(RuleUnknownMember), Hint: "members here: " + members(where)})
	case *kind.Type:
		return add(RuleType, strings.Join(k.Want, " or "))
	case *kind.Enum:
		return add(RuleEnum, "one of "+values(k.Want))
	case *kind.Const:
		return add(RuleConst, "must be "+values([]any{k.Want}))
	case *kind.Format:
		return add(RuleFormat, k.Want)
	case *kind.Pattern:
		return add(RulePattern, "")
	case *kind.MinLength:
		return add(RuleLength, "at least "+plural(k.Want, "character"))
	case *kind.MaxLength:
		return add(RuleLength, "at most "+plural(k.Want, "character"))
	case *kind.MinItems:
		return add(RuleCount, "at least "+plural(k.Want, "item"))
	case *kind.MaxItems:
		return add(RuleCount, "at most "+plural(k.Want, "item"))
	case *kind.MinProperties:
		return add(RuleCount, "at least "+plural(k.Want, "member"))
	case *kind.Minimum:
		return add(RuleRange, "at least "+k.Want.RatString())
	case *kind.Maximum:
		return add(RuleRange, "at most "+k.Want.RatString())
	case *kind.UniqueItems:
		return add(RuleUnique, fmt.Sprintf("items %d and %d are the same", k.Duplicates[0], k.Duplicates[1]))
	case *kind.Not:
		return add(RuleNotAllowed, "")
	case *kind.AnyOf, *kind.OneOf, *kind.Contains:
		return add(RuleAlternative, "") // the causes say only why each possibility was not met
	}
	if len(e.Causes) == 0 {
		return add(RuleOther, "")
	}
	for _, cause := range e.Causes {
		into = s.translate(cause, into)
	}
	return into
}

// missing reports each missing member at the place where it should stand.
func missing(into []Defect, at string, names []string, where map[string]any) []Defect {
	hint, _ := where["x-hint"].(string)
	for _, name := range names {
		into = append(into, Defect{Pointer: at + pointerTo([]string{name}), Rule: RuleRequired, Hint: hint})
	}
	return into
}

// pointerTo writes a JSON pointer. The tokens are names of the schema and indices: schemas here are closed, so the
// library never descends into a member that they do not name.
func pointerTo(tokens []string) string {
	var b strings.Builder
	for _, token := range tokens {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// members lists what an object may hold.
func members(where map[string]any) string {
	properties, _ := where["properties"].(map[string]any)
	if len(properties) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(properties)), ", ")
}

// values lists constants of a schema.
func values(list []any) string {
	var texts []string
	for _, v := range list {
		texts = append(texts, fmt.Sprint(v))
	}
	return strings.Join(texts, ", ")
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}
