package schemas

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// smuggled stands for the name of a person who must not turn up in any error.
const smuggled = "TESTPERSON ALPHA-01"

// tree is a fresh copy of a JSON text. The standard decoder is used so that a mutation can hold anything.
func tree(t testing.TB, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// walk visits every value with its pointer.
func walk(v any, at string, visit func(at string, v any)) {
	visit(at, v)
	switch v := v.(type) {
	case map[string]any:
		for name, child := range v {
			walk(child, at+"/"+name, visit)
		}
	case []any:
		for i, child := range v {
			walk(child, at+"/"+strconv.Itoa(i), visit)
		}
	}
}

// places lists the pointers of all values of an example, sorted.
func places(t testing.TB, raw []byte) []string {
	var list []string
	walk(tree(t, raw), "", func(at string, _ any) { list = append(list, at) })
	slices.Sort(list)
	return list
}

// mutate changes the value at a pointer, or deletes the member where change returns nil, and gives the text again.
func mutate(t testing.TB, raw []byte, at string, change func(any) any) []byte {
	t.Helper()
	root := tree(t, raw)
	if at == "" {
		return marshal(t, change(root))
	}
	tokens := strings.Split(at, "/")[1:]
	node := root
	for _, token := range tokens[:len(tokens)-1] {
		node = child(node, token)
	}
	last := tokens[len(tokens)-1]
	switch node := node.(type) {
	case map[string]any:
		if v := change(node[last]); v == nil {
			delete(node, last)
		} else {
			node[last] = v
		}
	case []any:
		i, err := strconv.Atoi(last)
		if err != nil {
			t.Fatal(err)
		}
		node[i] = change(node[i])
	}
	return marshal(t, root)
}

func child(node any, token string) any {
	if object, ok := node.(map[string]any); ok {
		return object[token]
	}
	i, _ := strconv.Atoi(token)
	return node.([]any)[i]
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// refused validates a text that must be refused, and holds the error to what no error may do.
func refused(t testing.TB, raw []byte) []Defect {
	t.Helper()
	_, err := Validate(raw)
	invalid, ok := errors.AsType[*InvalidError](err)
	if !ok || len(invalid.Defects) == 0 {
		t.Fatalf("accepted or refused without defects: %v", err)
	}
	if !slices.IsSortedFunc(invalid.Defects, func(a, b Defect) int {
		return strings.Compare(a.Pointer+"\x00"+string(a.Rule), b.Pointer+"\x00"+string(b.Rule))
	}) {
		t.Errorf("defects are not sorted: %v", invalid.Defects)
	}
	if text := fmt.Sprintf("%v %#v", err, invalid.Defects); strings.Contains(text, smuggled) || strings.Contains(text, "ALPHA") {
		t.Errorf("the error shows a value: %s", text)
	}
	return invalid.Defects
}

func has(defects []Defect, pointer string, rules ...Rule) bool {
	return slices.ContainsFunc(defects, func(d Defect) bool {
		return d.Pointer == pointer && (len(rules) == 0 || slices.Contains(rules, d.Rule))
	})
}

// Each member that an example has is taken away. Either the payload is still valid, because the member is optional, or
// a defect stands where the member is missing or at what depends on it.
func TestEachMemberRemoved(t *testing.T) {
	required := 0
	for _, typ := range Types() {
		raw := Example(typ)
		for _, at := range places(t, raw) {
			if at == "" || strings.Trim(at[strings.LastIndex(at, "/")+1:], "0123456789") == "" {
				continue
			}
			mutated := mutate(t, raw, at, func(any) any { return nil })
			if _, err := Validate(mutated); err == nil {
				continue
			}
			required++
			defects := refused(t, mutated)
			dependent := []Rule{RuleUnknownRef, RuleNotAllowed, RuleAlternative, RuleCount}
			if !has(defects, at, RuleRequired) && !slices.ContainsFunc(defects, func(d Defect) bool { return slices.Contains(dependent, d.Rule) }) {
				t.Errorf("%s without %s: %v", typ, at, defects)
			}
		}
	}
	if required < 300 {
		t.Errorf("only %d required members were met", required)
	}
}

// The members that a type requires whatever else it says, by name: what is taken from the schemas themselves cannot
// tell whether a schema forgot one.
func TestRequiredMembers(t *testing.T) {
	for typ, members := range map[MessageType][]string{
		"mla.request/1":                 {"assistance", "matter", "facts", "description", "purpose", "offence", "matter/subject", "matter/nature", "matter/conducting_authority", "matter/functions", "temporary_transfer/consent", "temporary_transfer/authorities_agree"},
		"mla.spontaneous-information/1": {"content", "restrictions"},
		"mla.acknowledgement/1":         {"received_at", "national_ref", "desk", "complete"},
		"mla.supplement-request/1":      {"items", "items/0/field", "items/0/why"},
		"mla.supplement/1":              {"answers"},
		"mla.status-report/1":           {"stage"},
		"mla.consultation/1":            {"proposed_terms"},
		"mla.consultation-reply/1":      {"answer"},
		"mla.decision/1":                {"outcome", "ground", "reasons", "ground_text"},
		"mla.result/1":                  {"extent", "items/0/certified"},
		"mla.result-receipt/1":          {"received_at"},
		"mla.closure/1":                 {"outcome"},
		"mla.use-consent-request/1":     {"new_purpose", "items", "recipients"},
		"mla.use-consent-decision/1":    {"outcome", "new_purpose", "items", "recipients", "terms"},
		"mla.exculpatory-notice/1":      {"items", "notice"},
		"mla.confidentiality-limit/1":   {"cannot_keep"},
		"mla.return-of-evidence/1":      {"items"},
		"mla.return-receipt/1":          {"items"},
		"mla.withdrawal/1":              {"scope", "reason"},
		"mla.withdrawal-confirmation/1": {"scope"},
		"mla.costs-consultation/1":      {"nature", "proposed_bearer"},
	} {
		for _, member := range members {
			at := "/body/" + member
			if defects := refused(t, mutate(t, Example(typ), at, func(any) any { return nil })); !has(defects, at, RuleRequired) {
				t.Errorf("%s without %s: %v", typ, at, defects)
			}
		}
		envelope := []string{"channel", "type", "legal_basis", "language", "urgency", "use_limit", "confidential", "onward", "body"}
		if !Opens(typ) {
			envelope = append(envelope, "case")
		}
		if _, required := Answers(typ); required {
			envelope = append(envelope, "in_reply_to")
		}
		for _, member := range envelope {
			if defects := refused(t, mutate(t, Example(typ), "/"+member, func(any) any { return nil })); !has(defects, "/"+member, RuleRequired) {
				t.Errorf("%s without %s: %v", typ, member, defects)
			}
		}
	}
}

// Each value of an example is replaced by a person's name: where that is no free text it is refused at the right
// place, and never shown.
func TestEachValueBroken(t *testing.T) {
	for _, typ := range Types() {
		raw := Example(typ)
		for _, at := range places(t, raw) {
			mutated := mutate(t, raw, at, func(any) any { return smuggled })
			p, err := Validate(mutated)
			if err == nil {
				if !isText(at) {
					t.Errorf("%s: any text is accepted at %s", typ, at)
				}
				continue
			}
			if p != nil {
				t.Errorf("%s: a payload beside an error", typ)
			}
			if defects := refused(t, mutated); !has(defects, at) {
				t.Errorf("%s with a broken %s: %v", typ, at, defects)
			}
		}
		for _, at := range places(t, raw) { // no member takes a fraction
			if defects := refused(t, mutate(t, raw, at, func(any) any { return 12.5 })); !has(defects, at, RuleType, RuleEnum, RuleConst) {
				t.Errorf("%s with a number at %s: %v", typ, at, defects)
			}
		}
	}
}

// isText lists the places where anything in one or several lines is right.
func isText(at string) bool {
	last := at[strings.LastIndex(at, "/")+1:]
	if strings.Trim(last, "0123456789") == "" {
		return isText(at[:strings.LastIndex(at, "/")])
	}
	return slices.Contains([]string{
		"text", "article", "facts", "description", "procedure_requested", "purpose", "other_assistance", "subject", "conducting_authority",
		"functions", "location", "to", "reason", "technical_desk", "conditions", "urgency_reason", "due_reason", "names", "former_names", "number",
		"content", "use", "national_ref", "desk", "why", "answer", "next_step", "proposed_terms", "concern", "remarks", "ground_text", "reasons",
		"summary", "holder", "aliases", "birth_place", "place", "district", "street", "new_purpose", "terms", "cannot_keep", "condition", "part", "nature",
	}, last) || slices.Contains(jitTexts(), last) || slices.Contains(confiscationTexts(), last) || slices.Contains(transferTexts(), last)
}

// An unknown member is added to every object: it is reported at the object, without its name.
func TestUnknownMemberAnywhere(t *testing.T) {
	for _, typ := range Types() {
		raw := Example(typ)
		walk(tree(t, raw), "", func(at string, v any) {
			if _, ok := v.(map[string]any); !ok {
				return
			}
			for _, name := range []string{smuggled, "alpha", "person/" + smuggled} {
				mutated := mutate(t, raw, at, func(v any) any {
					v.(map[string]any)[name] = map[string]any{"person": "unheard-of"}
					return v
				})
				if defects := refused(t, mutated); !has(defects, at, Rule(RuleUnknownMember)) {
					t.Errorf("%s with an unknown member at %q: %v", typ, at, defects)
				} else if text := fmt.Sprint(defects); strings.Contains(text, "alpha") || strings.Contains(text, "unheard") {
					t.Errorf("%s: the unknown member is shown: %s", typ, text)
				}
			}
		})
	}
}
