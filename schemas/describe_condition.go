package schemas

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// conditionsOf says in sentences what a schema object demands of its members beyond each one's own form. What the
// keywords cannot be put into words for is said by the hint that stands beside them.
func conditionsOf(node map[string]any) (sentences []string) {
	add := func(s string) {
		if s != "" {
			sentences = append(sentences, s)
		}
	}
	if node["if"] != nil {
		add(conditional(node, "then", false))
		add(conditional(node, "else", true))
	}
	all, _ := node["allOf"].([]any)
	for _, child := range all {
		if c, ok := child.(map[string]any); ok && c["if"] != nil {
			sentences = append(sentences, conditionsOf(c)...)
		}
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if list, ok := node[keyword].([]any); ok {
			add(sentence("", alternatives(list, keyword == "oneOf"), node))
		}
	}
	if not, ok := node["not"].(map[string]any); ok && len(not) > 0 {
		add(sentence("", negated(not), node))
	}
	together, _ := node["dependentRequired"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(together)) {
		add(sentence("with "+name, demand("", map[string]any{"required": together[name]}), nil))
	}
	if n := constant(node["minProperties"]); n != "" && node["properties"] != nil {
		add(sentence("", "at least "+counted(n, "member"), nil))
	}
	return sentences
}

func conditional(node map[string]any, branch string, negate bool) string {
	then, ok := node[branch].(map[string]any)
	if !ok {
		return ""
	}
	when, _ := node["if"].(map[string]any)
	condition := premise("", when)
	if negate {
		if condition == "" {
			return ""
		}
		return sentence("unless "+condition, demand("", then), then)
	}
	if condition == "" {
		return sentence("", demand("", then), then)
	}
	return sentence("where "+condition, demand("", then), then)
}

// sentence joins what is demanded and when; the hint of the schema says why, or all of it.
func sentence(when, demanded string, node map[string]any) string {
	why := hintIn(node)
	switch {
	case demanded == "" && why == "":
		return ""
	case demanded == "":
		return capital(strings.TrimPrefix(when+": "+why, ": "))
	case when == "":
		when = demanded
	default:
		when += ": " + demanded
	}
	if why != "" {
		when += " (" + why + ")"
	}
	return capital(when)
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// hintIn finds the hint of a demand: beside it, or at the one member that it is about.
func hintIn(node map[string]any) string {
	if hint, ok := node["x-hint"].(string); ok {
		return hint
	}
	properties, _ := node["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if child, ok := properties[name].(map[string]any); ok {
			if hint := hintIn(child); hint != "" {
				return hint
			}
		}
	}
	return ""
}

// premise says when an "if" holds. The members that it only requires so that the rest means something are passed over.
func premise(at string, when map[string]any) string {
	var said []string
	properties, _ := when["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if child, ok := properties[name].(map[string]any); ok {
			said = append(said, premiseOf(memberAt(at, name), child))
		}
	}
	for _, name := range textsOf(when["required"]) {
		if properties[name] == nil {
			said = append(said, memberAt(at, name)+" is given")
		}
	}
	if not, ok := when["not"].(map[string]any); ok {
		if inner := premise(at, not); inner != "" {
			said = append(said, "not ("+inner+")")
		}
	}
	for keyword, word := range map[string]string{"anyOf": " or ", "allOf": " and "} {
		list, _ := when[keyword].([]any)
		var inner []string
		for _, child := range list {
			if c, ok := child.(map[string]any); ok {
				inner = append(inner, premise(at, c))
			}
		}
		if len(inner) > 0 && !slices.Contains(inner, "") {
			said = append(said, strings.Join(inner, word))
		}
	}
	if slices.Contains(said, "") {
		return ""
	}
	return strings.Join(said, " and ")
}

func premiseOf(name string, schema map[string]any) string {
	if v, ok := schema["const"]; ok {
		if list, ok := v.([]any); ok {
			return name + " is only " + values(list)
		}
		return name + " is " + said(v)
	}
	if list, ok := schema["enum"].([]any); ok {
		return name + " is " + choice(list)
	}
	if contains, ok := schema["contains"].(map[string]any); ok {
		return strings.Replace(premiseOf(name, contains), " is ", " has ", 1)
	}
	if not, ok := schema["not"].(map[string]any); ok && len(not) > 0 {
		return strings.Replace(premiseOf(name, not), " is ", " is not ", 1)
	}
	return premise(name, schema)
}

// demand says what a schema demands of the members that it names.
func demand(at string, schema map[string]any) string {
	var said []string
	if required := textsOf(schema["required"]); len(required) > 0 {
		for i := range required {
			required[i] = memberAt(at, required[i])
		}
		said = append(said, listed(required)+are(required, " is", " are")+" required")
	}
	var absent []string
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		child, ok := properties[name].(map[string]any)
		if !ok {
			continue
		}
		if not, ok := child["not"].(map[string]any); ok && len(not) == 0 {
			absent = append(absent, memberAt(at, name))
			continue
		}
		if s := demandOf(memberAt(at, name), child); s != "" {
			said = append(said, s)
		}
	}
	if len(absent) > 0 {
		said = append(said, listed(absent)+are(absent, " is", " are")+" not allowed")
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if list, ok := schema[keyword].([]any); ok {
			said = append(said, alternatives(list, keyword == "oneOf"))
		}
	}
	if not, ok := schema["not"].(map[string]any); ok && len(not) > 0 {
		said = append(said, negated(not))
	}
	said = slices.DeleteFunc(said, func(s string) bool { return s == "" })
	return strings.Join(said, "; ")
}

func demandOf(name string, schema map[string]any) string {
	if v, ok := schema["const"]; ok {
		return name + " must be " + said(v)
	}
	if list, ok := schema["enum"].([]any); ok {
		return name + " must be " + choice(list)
	}
	if contains, ok := schema["contains"].(map[string]any); ok {
		return strings.Replace(premiseOf(name, contains), " is ", " must have ", 1)
	}
	if n := constant(schema["minItems"]); n != "" {
		return name + " has at least " + counted(n, "item")
	}
	if n := constant(schema["maxItems"]); n != "" {
		return name + " has at most " + counted(n, "item")
	}
	return demand(name, schema)
}

// alternatives says which of several demands are enough; "" where one of them cannot be said.
func alternatives(list []any, exactly bool) string {
	var names []string
	for _, child := range list {
		c, _ := child.(map[string]any)
		required := textsOf(c["required"])
		if len(required) == 0 {
			return ""
		}
		names = append(names, strings.Join(required, " with "))
	}
	if exactly {
		return "exactly one is required of " + strings.Join(names, ", ")
	}
	return strings.Join(names, " or ") + " is required"
}

func negated(not map[string]any) string {
	if required := textsOf(not["required"]); len(required) > 1 && len(not) == 1 {
		return listed(required) + " do not go together"
	}
	if s := premise("", not); s != "" {
		return "not where " + s
	}
	return ""
}

func memberAt(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func said(v any) string {
	switch v {
	case true:
		return "yes"
	case false:
		return "no"
	}
	return fmt.Sprint(v)
}

func choice(list []any) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = said(v)
	}
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " or " + texts[len(texts)-1]
}

func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func are(names []string, one, many string) string {
	if len(names) == 1 {
		return one
	}
	return many
}

func unique(list []string) (out []string) {
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
