package schemas

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// LeafKind says how much freedom the schema leaves to whoever writes a value.
type LeafKind string

// The kinds. What the schema does not know is free.
const (
	LeafValue   LeafKind = "value"   // a number, true, false or null
	LeafChosen  LeafKind = "chosen"  // one of a closed set
	LeafFormed  LeafKind = "formed"  // a date, an identifier, a code: a form that holds no sentence
	LeafName    LeafKind = "name"    // letters and single separators: a name of a person or a place
	LeafFree    LeafKind = "free"    // any text
	LeafBroken  LeafKind = "broken"  // a text where the schema asks for one of the closed kinds, and it is not
	LeafContent LeafKind = "content" // the content of a file in base64
)

// Leaf is one value of a payload that holds no other.
type Leaf struct {
	Pointer string // RFC 6901
	Text    string // where it is a string
	Kind    LeafKind
	// OriginSafe: the schema lets it go to a State of origin (ASY-06).
	OriginSafe bool
	// Unknown: the schema of the type has no such member.
	Unknown bool
}

// Leaves reads every value of a payload with what the schema of t says of its place. It needs no valid payload: filters
// read what breaks its schema as well. The pointers hold names of the schema only where Unknown is false.
func Leaves(t MessageType, payload []byte) ([]Leaf, error) {
	var tree any
	if err := Decode(payload, &tree, PayloadLimits); err != nil {
		return nil, err
	}
	return LeavesOf(t, tree)
}

// LeavesOf is Leaves of a payload that Decode has read into a tree.
func LeavesOf(t MessageType, tree any) ([]Leaf, error) {
	set, err := compiled()
	if err != nil {
		return nil, err
	}
	var root []schemaAt
	if _, known := set.types[t]; known {
		root = set.expand([]schemaAt{{base: address(t), node: set.docs[address(t)]}})
	}
	var found []Leaf
	set.survey(tree, root, Leaf{Unknown: len(root) == 0}, func(l Leaf) { found = append(found, l) })
	slices.SortFunc(found, func(a, b Leaf) int { return strings.Compare(a.Pointer, b.Pointer) })
	return found, nil
}

// survey visits the values below node, which stands at the given places of the schema.
func (s *schemaSet) survey(node any, places []schemaAt, at Leaf, visit func(Leaf)) {
	below := func(child any, token string) {
		down, safe := s.step(places, token)
		next := Leaf{Pointer: at.Pointer + pointerTo([]string{token}), OriginSafe: at.OriginSafe || safe, Unknown: len(down) == 0}
		s.survey(child, down, next, visit)
	}
	switch node := node.(type) {
	case map[string]any:
		for name, child := range node {
			below(child, name)
		}
		if len(node) > 0 || !at.Unknown {
			return // an empty object says nothing, but for the name of a member that no schema has
		}
	case []any:
		for i, child := range node {
			below(child, strconv.Itoa(i))
		}
		if len(node) > 0 || !at.Unknown {
			return
		}
	case string:
		at.Text, at.Kind = node, leafKind(node, places)
	}
	if at.Kind == "" {
		at.Kind = LeafValue
	}
	visit(at)
}

// leafKind holds a text against everything that the schema says of its place.
func leafKind(text string, places []schemaAt) LeafKind {
	kind := LeafFree
	narrow := func(to LeafKind, holds bool) {
		switch {
		case kind == LeafBroken:
		case !holds:
			kind = LeafBroken
		case kind != LeafChosen:
			kind = to
		}
	}
	for _, p := range places {
		node, _ := p.node.(map[string]any)
		if node["contentEncoding"] != nil {
			return LeafContent
		}
		if set, ok := node["enum"].([]any); ok {
			narrow(LeafChosen, slices.Contains(set, any(text)))
		}
		if only, ok := node["const"].(string); ok {
			narrow(LeafChosen, only == text)
		}
		if format, ok := node["format"].(string); ok {
			narrow(LeafFormed, closedFormats[format] != nil && closedFormats[format].MatchString(text))
		}
		// A pattern that only shuts characters out leaves the text free.
		if pattern, ok := node["pattern"].(string); ok && !strings.HasPrefix(pattern, "^[^") {
			to := LeafFormed
			if strings.Contains(pattern, `\p{L}`) {
				to = LeafName
			}
			narrow(to, matches(pattern, text))
		}
	}
	return kind
}

// closedFormats are coarse forms of the formats that schemas use: enough to see that no sentence stands there.
var closedFormats = map[string]*regexp.Regexp{
	"date":         regexp.MustCompile(`^[0-9-]{1,10}$`),
	"date-time":    regexp.MustCompile(`^[0-9TZ:.+-]{1,35}$`),
	"json-pointer": regexp.MustCompile(`^(/[a-z0-9_-]{1,40}){1,16}$`),
}

// patterns keeps the patterns of the schemas compiled; there are some thirty.
var patterns sync.Map

// matches holds a text against a pattern of a schema. A pattern that does not compile matches nothing.
func matches(pattern, text string) bool {
	kept, ok := patterns.Load(pattern)
	if !ok {
		form, err := regexp.Compile(pattern)
		if err != nil {
			return false
		}
		kept, _ = patterns.LoadOrStore(pattern, form)
	}
	return kept.(*regexp.Regexp).MatchString(text)
}
