package schemas

import (
	"bytes"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaBase is where the schemas say they stand. Nothing is ever fetched from there.
const schemaBase = "https://comity.example/schemas/"

// typeNamed writes a message type.
func typeNamed(channel Channel, name string, version int) MessageType {
	return MessageType(string(channel) + "." + name + "/" + strconv.Itoa(version))
}

// schemaSet is every schema, compiled. It is built once and never changed.
type schemaSet struct {
	types    map[MessageType]typeSchema
	envelope *jsonschema.Schema
	docs     map[string]any      // each document by its address, for hints
	names    map[string]struct{} // every member that any schema has: the only names that may be shown
}

type typeSchema struct {
	registration
	schema *jsonschema.Schema
}

var compiled = sync.OnceValues(compile)

// sealed is a loader that loads nothing: a schema that refers outside the embedded ones does not compile.
type sealed struct{}

func (sealed) Load(string) (any, error) { return nil, fs.ErrNotExist }

// compile reads the embedded files, wraps the body of each type in the envelope and compiles them all.
func compile() (*schemaSet, error) {
	set := &schemaSet{types: map[MessageType]typeSchema{}, docs: map[string]any{}, names: map[string]struct{}{}}
	err := fs.WalkDir(schemaFiles, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := schemaFiles.ReadFile(path)
		if err != nil {
			return err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return fmt.Errorf("reading schema %s: %w", path, err)
		}
		set.docs[schemaBase+path] = doc
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, r := range registrations() {
		set.docs[address(r.Type)] = wrap(r)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(sealed{})
	c.UseRegexpEngine(compilePattern)
	for address, doc := range set.docs {
		if err := c.AddResource(address, doc); err != nil {
			return nil, fmt.Errorf("adding schema %s: %w", address, err)
		}
		collectNames(doc, set.names)
	}
	if set.envelope, err = c.Compile(schemaBase + "shared/envelope.json"); err != nil {
		return nil, fmt.Errorf("compiling the envelope: %w", err)
	}
	for _, r := range registrations() {
		schema, err := c.Compile(address(r.Type))
		if err != nil {
			return nil, fmt.Errorf("compiling %s: %w", r.Type, err)
		}
		set.types[r.Type] = typeSchema{r, schema}
	}
	return set, nil
}

func address(t MessageType) string { return schemaBase + "types/" + string(t) }

// wrap is the schema of a whole payload: the envelope, this type, and its body. What it adds narrows members that the
// envelope has, so the envelope alone decides which members exist.
func wrap(r registration) map[string]any {
	never := func(hint string) any { return map[string]any{"not": map[string]any{}, "x-hint": hint} }
	properties := map[string]any{
		"channel": map[string]any{"const": string(r.Type.Channel())},
		"type":    map[string]any{"const": string(r.Type)},
		"body":    map[string]any{"$ref": schemaBase + r.Body},
	}
	required := []any{}
	switch {
	case r.Opens && r.Continues:
	case r.Opens:
		properties["case"] = never("this type opens a case and names none")
	default:
		required = append(required, "case")
	}
	switch {
	case len(r.Answers) > 0:
		required = append(required, "in_reply_to")
	case r.Opens:
		properties["in_reply_to"] = never("this type opens a case and answers nothing")
	}
	doc := map[string]any{
		"$schema":    "https://json-schema.org/draft/2020-12/schema",
		"$id":        address(r.Type),
		"$ref":       schemaBase + "shared/envelope.json",
		"required":   required,
		"properties": properties,
	}
	if r.Envelope != "" {
		doc["allOf"] = []any{map[string]any{"$ref": schemaBase + r.Envelope}}
	}
	return doc
}

// collectNames gathers the members that schemas name.
func collectNames(node any, names map[string]struct{}) {
	switch node := node.(type) {
	case map[string]any:
		properties, _ := node["properties"].(map[string]any)
		for name := range properties {
			names[name] = struct{}{}
		}
		for _, child := range node {
			collectNames(child, names)
		}
	case []any:
		for _, child := range node {
			collectNames(child, names)
		}
	}
}

// at finds the part of a document that a compiled schema's location points to, nil where there is none.
func (s *schemaSet) at(location string) map[string]any {
	base, fragment, _ := strings.Cut(location, "#")
	node := s.docs[base]
	for token := range strings.SplitSeq(strings.TrimPrefix(fragment, "/"), "/") {
		if token == "" {
			continue
		}
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch parent := node.(type) {
		case map[string]any:
			node = parent[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(parent) {
				return nil
			}
			node = parent[i]
		default:
			return nil
		}
	}
	found, _ := node.(map[string]any)
	return found
}
