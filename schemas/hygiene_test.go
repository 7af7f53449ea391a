package schemas

import (
	"bytes"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Forms and reference pages are made from the schemas, and everything that comes from outside is bounded: each member
// says what it is and where in the treaty it comes from, each object is closed, each text and list has a limit.
func TestSchemasAreCompleteAndBounded(t *testing.T) {
	paths, err := fs.Glob(schemaFiles, "*/*.json")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d schemas: %v", len(paths), err)
	}
	used := referred(t, paths)
	for _, r := range registrations() {
		used[r.Body], used[r.Envelope] = true, true
	}
	for _, file := range paths {
		raw, err := schemaFiles.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		root := doc.(map[string]any)
		if root["$id"] != schemaBase+file || root["title"] == nil || root["description"] == nil {
			t.Errorf("%s: $id, title or description", file)
		}
		if !used[file] {
			t.Errorf("%s describes no registered type", file)
		}
		inspect(t, file, doc, false)
	}
}

// referred lists the files that others refer to; every type refers to the envelope.
func referred(t *testing.T, paths []string) map[string]bool {
	used := map[string]bool{"shared/envelope.json": true}
	reference := regexp.MustCompile(`"\$ref": "([^"#]+)`)
	for _, from := range paths {
		raw, err := schemaFiles.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range reference.FindAllSubmatch(raw, -1) {
			used[path.Join(path.Dir(from), string(match[1]))] = true
		}
	}
	return used
}

// inspect walks a schema. Inside the conditions only what narrows is written, so nothing is asked for there.
func inspect(t *testing.T, at string, node any, condition bool) {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			inspect(t, at, child, condition)
		}
	case map[string]any:
		if !condition {
			inspectSchema(t, at, node)
		}
		for name, child := range node {
			switch name {
			case "if", "then", "else", "not", "contains", "anyOf":
				inspect(t, at+"/"+name, child, true)
			case "enum", "const", "required", "default":
			default:
				inspect(t, at+"/"+name, child, condition || name == "allOf")
			}
		}
	}
}

func inspectSchema(t *testing.T, at string, node map[string]any) {
	switch node["type"] {
	case "string":
		if node["maxLength"] == nil {
			t.Errorf("%s: text without a limit", at)
		}
	case "array":
		if node["maxItems"] == nil || node["items"] == nil {
			t.Errorf("%s: list without a limit or without a kind", at)
		}
	case "integer":
		if node["minimum"] == nil || node["maximum"] == nil {
			t.Errorf("%s: number without limits", at)
		}
	case "object":
		if node["additionalProperties"] != false && !strings.HasSuffix(at, "envelope.json/properties/body") {
			t.Errorf("%s: open object", at)
		}
	}
	properties, _ := node["properties"].(map[string]any)
	for name, property := range properties {
		p := property.(map[string]any)
		for _, member := range []string{"title", "description", "x-article"} {
			if text, _ := p[member].(string); text == "" {
				t.Errorf("%s/%s has no %s", at, name, member)
			}
		}
		if name != strings.ToLower(name) || strings.Contains(name, "-") {
			t.Errorf("%s/%s is not in snake_case", at, name)
		}
	}
	values, _ := node["enum"].([]any)
	for _, v := range values {
		if text, ok := v.(string); !ok || text != strings.ToLower(text) || strings.Contains(text, "_") {
			t.Errorf("%s: %v is not in lower-kebab-case", at, v)
		}
	}
}
