package schemas

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// last is the value of a keyword in the part that has it and is the most special.
func last(parts []part, keyword string) any {
	for _, p := range slices.Backward(parts) {
		if v, ok := p.node[keyword]; ok {
			return v
		}
	}
	return nil
}

func text(parts []part, keyword string) string {
	s, _ := last(parts, keyword).(string)
	return s
}

// constant writes a value of the schema; "" where there is none.
func constant(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// enumOf is what all parts allow: a part can only take away.
func enumOf(parts []part) (allowed []string) {
	for _, p := range parts {
		list, ok := p.node["enum"].([]any)
		if !ok {
			continue
		}
		var these []string
		for _, v := range list {
			if s := constant(v); allowed == nil || slices.Contains(allowed, s) {
				these = append(these, s)
			}
		}
		allowed = these
	}
	return allowed
}

func requiredOf(parts []part) (names []string) {
	for _, p := range parts {
		names = append(names, textsOf(p.node["required"])...)
	}
	return names
}

func textsOf(v any) (list []string) {
	items, _ := v.([]any)
	for _, item := range items {
		if s, ok := item.(string); ok {
			list = append(list, s)
		}
	}
	return list
}

// never tells whether no value is valid.
func never(parts []part) bool {
	return slices.ContainsFunc(parts, func(p part) bool {
		not, ok := p.node["not"].(map[string]any)
		return ok && len(not) == 0
	})
}

func number(parts []part, keyword string) (string, bool) {
	switch v := last(parts, keyword).(type) {
	case json.Number:
		return v.String(), true
	case nil:
		return "", false
	default:
		return fmt.Sprint(v), true
	}
}

func kindOf(parts []part, f Field) Kind {
	pattern := text(parts, "pattern")
	switch {
	case f.Const != "":
		return KindConstant
	case len(f.Enum) > 0:
		return KindChoice
	}
	switch text(parts, "type") {
	case "object":
		return KindObject
	case "array":
		return KindList
	case "boolean":
		return KindFlag
	case "integer", "number":
		return KindNumber
	case "string":
		switch format := text(parts, "format"); {
		case format == "date":
			return KindDate
		case format == "date-time":
			return KindTime
		case strings.HasPrefix(pattern, `^[^\x00-\x08\x0b-`): // line feeds pass
			return KindText
		}
		return KindLine
	}
	if slices.ContainsFunc(parts, func(p part) bool { return p.node["properties"] != nil }) {
		return KindObject
	}
	return KindAny
}

// formOf says the kind with its bounds.
func formOf(parts []part, f Field) string {
	if f.Absent {
		return cmp.Or(f.Hint, "not in this type")
	}
	switch f.Kind {
	case KindConstant:
		return "always " + f.Const
	case KindChoice:
		if len(f.Enum) == 1 {
			return "only " + f.Enum[0]
		}
		return "one of " + strings.Join(f.Enum, ", ")
	case KindList:
		return "list" + bounds(parts, "minItems", "maxItems", "item")
	case KindNumber:
		return "number" + bounds(parts, "minimum", "maximum", "")
	case KindFlag:
		return "yes or no"
	case KindDate:
		return "date"
	case KindTime:
		return "time in UTC"
	case KindText:
		return "text" + bounds(parts, "", "maxLength", "character")
	case KindLine:
		if f.Hint != "" && text(parts, "contentEncoding") == "" && !strings.HasPrefix(f.Hint, "one line of text") {
			return f.Hint
		}
		return "one line" + bounds(parts, "", "maxLength", "character")
	case KindObject:
		return "object"
	}
	return "any"
}

func bounds(parts []part, least, most, unit string) string {
	low, hasLow := number(parts, least)
	high, hasHigh := number(parts, most)
	switch {
	case hasLow && hasHigh && low == high:
		return ", " + counted(low, unit)
	case hasLow && hasHigh:
		return fmt.Sprintf(", %s to %s", low, counted(high, unit))
	case hasHigh:
		return ", at most " + counted(high, unit)
	case hasLow:
		return ", at least " + counted(low, unit)
	}
	return ""
}

func counted(n, unit string) string {
	switch {
	case unit == "":
		return n
	case n == "1":
		return n + " " + unit
	}
	return n + " " + unit + "s"
}
