package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Schema is the JSON Schema of a whole payload of type t as one document (JSON Schema 2020-12 section 9.3.1): the schemas
// that it refers to are embedded under their own addresses, so that any validator reads it without fetching anything.
// What no schema can say, Validate holds beside it: that hashes are those of the contents, and that references are met.
func Schema(t MessageType) ([]byte, error) {
	set, err := compiled()
	if err != nil {
		return nil, fmt.Errorf("compiling the embedded schemas: %w", err)
	}
	if _, ok := set.types[t]; !ok {
		return nil, set.unread(t)
	}
	whole, _ := set.docs[address(t)].(map[string]any)
	embedded := map[string]any{}
	gather(set, address(t), whole, embedded)
	bundle := maps.Clone(whole)
	bundle["$defs"] = embedded
	var text bytes.Buffer
	encoder := json.NewEncoder(&text) // the standard one: it writes the numbers of the documents as they stand there
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(bundle); err != nil {
		return nil, fmt.Errorf("writing the schema of %s: %w", t, err)
	}
	return text.Bytes(), nil
}

// gather collects the documents that a part of the document at base refers to, and those that these refer to.
func gather(set *schemaSet, base string, node any, into map[string]any) {
	switch node := node.(type) {
	case map[string]any:
		if ref, ok := node["$ref"].(string); ok {
			document, _, _ := strings.Cut(ref, "#")
			if at := resolveAddress(base, document); document != "" && into[strings.TrimPrefix(at, schemaBase)] == nil {
				into[strings.TrimPrefix(at, schemaBase)] = set.docs[at]
				gather(set, at, set.docs[at], into)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(node)) {
			gather(set, base, node[name], into)
		}
	case []any:
		for _, child := range node {
			gather(set, base, child, into)
		}
	}
}
