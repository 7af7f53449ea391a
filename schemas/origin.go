package schemas

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Which members of a message may go to a State of origin is written in the schemas: "x-origin-safe" on a property covers
// the property and all that stands below it. What is not marked may not, so a member that is added later is barred until
// somebody has thought about it (ASY-06).

// OriginSafe tells whether the schema of type t lets the member at a JSON pointer (RFC 6901) into the payload go to a
// State of origin of a person. It is false for whatever it does not know.
func OriginSafe(t MessageType, pointer string) bool {
	set, err := compiled()
	if err != nil {
		return false
	}
	if _, known := set.types[t]; !known || !strings.HasPrefix(pointer, "/") {
		return false
	}
	at := set.expand([]schemaAt{{base: address(t), node: set.docs[address(t)]}})
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		var safe bool
		if at, safe = set.step(at, token); safe {
			return true
		}
	}
	return false
}

// NotOriginSafe lists the pointers of all values in a payload that may not go to a State of origin, sorted. A type
// without any mark is not safe at all. The pointers hold names of the schema only if the payload was validated.
func NotOriginSafe(t MessageType, payload []byte) ([]string, error) {
	all, err := Leaves(t, payload)
	if err != nil {
		return nil, err
	}
	var unsafe []string
	for _, leaf := range all {
		if !leaf.OriginSafe {
			unsafe = append(unsafe, leaf.Pointer)
		}
	}
	return unsafe, nil
}

// schemaAt is a part of a schema, with the address that its references are relative to.
type schemaAt struct {
	base string
	node any
}

// expand adds what a schema always applies beside itself: what it refers to and the members of allOf.
func (s *schemaSet) expand(places []schemaAt) []schemaAt {
	for i := 0; i < len(places); i++ { // grows while it is read; the schemas have no cycles, or they would not compile
		node, _ := places[i].node.(map[string]any)
		if all, ok := node["allOf"].([]any); ok {
			for _, member := range all {
				places = append(places, schemaAt{places[i].base, member})
			}
		}
		if ref, ok := node["$ref"].(string); ok {
			if to, ok := resolve(places[i].base, ref); ok {
				places = append(places, schemaAt{to, s.at(to)})
			}
		}
	}
	return places
}

// step goes one member or item down, and tells whether what it comes to is marked.
func (s *schemaSet) step(from []schemaAt, token string) (down []schemaAt, safe bool) {
	index := token != "" && token[0] >= '0' && token[0] <= '9'
	if index {
		_, err := strconv.ParseUint(token, 10, 16)
		index = err == nil
	}
	for _, p := range from {
		node, _ := p.node.(map[string]any)
		if properties, ok := node["properties"].(map[string]any); ok && properties[token] != nil {
			down = append(down, schemaAt{p.base, properties[token]})
		}
		if index && node["items"] != nil {
			down = append(down, schemaAt{p.base, node["items"]})
		}
	}
	down = s.expand(down)
	return down, slices.ContainsFunc(down, func(p schemaAt) bool {
		node, _ := p.node.(map[string]any)
		return node["x-origin-safe"] == true
	})
}

// resolved keeps what resolve found; schemas have some hundred references.
var resolved sync.Map

// resolve reads a reference relative to the document that it stands in.
func resolve(base, ref string) (string, bool) {
	type reference struct{ base, ref string }
	if known, ok := resolved.Load(reference{base, ref}); ok {
		return known.(string), true
	}
	to, ok := parseReference(base, ref)
	if ok {
		resolved.Store(reference{base, ref}, to)
	}
	return to, ok
}

func parseReference(base, ref string) (string, bool) {
	from, err := url.Parse(base)
	if err != nil {
		return "", false
	}
	to, err := from.Parse(ref)
	if err != nil {
		return "", false
	}
	return to.String(), true
}
