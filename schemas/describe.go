package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Description is the schema of a message type as data. The table of a person, the reference page and a form are all
// made of it, so that none of them says anything that the schema does not.
type Description struct {
	Type        MessageType
	Title       string
	Description string
	Article     string
	Opens       bool // the message can open a case
	Continues   bool // with Opens: it can also belong to a case that another type opened
	Answers     []MessageType
	MustAnswer  bool
	Body        string  // where the body is described; types with the same text here have the same body
	Fields      []Field // the members of the payload, in the order of the schema; the body is the last
	Conditions  []string
	Own         []string // those of Conditions that not every message has to meet
}

// Field is one member, or one item of a list.
type Field struct {
	// Pointer is where the field stands in the payload; an item of a list stands at "-" (RFC 6901 section 4).
	Pointer     string
	Title       string
	Description string
	Article     string
	Kind        Kind
	Form        string // the kind with its bounds, in words
	Required    bool   // whatever else the message says; Conditions of the parent may require it too
	Absent      bool   // this type never has it
	Narrowed    bool   // of the payload: this type allows less than every message does
	OriginSafe  bool   // may be told to a State from which its subject may have to be protected (rule ASY-06)
	Enum        []string
	Const       string // the one value that is possible
	Default     string
	Hint        string // the form in words, where a pattern says it
	Conditions  []string
	Fields      []Field // of an object its members, of a list its one item
}

// Kind is what kind of value a field holds. The set is closed: a form has one control for each.
type Kind string

// The kinds of field.
const (
	KindObject   Kind = "object"
	KindList     Kind = "list"
	KindChoice   Kind = "choice" // one of Enum
	KindFlag     Kind = "flag"   // yes or no
	KindNumber   Kind = "number"
	KindLine     Kind = "line" // text in one line
	KindText     Kind = "text" // text in several lines
	KindDate     Kind = "date"
	KindTime     Kind = "time"
	KindConstant Kind = "constant" // Const
	KindAny      Kind = "any"
)

// maxDescribed bounds how deep a description goes: a schema that contains itself must not go on for ever.
const maxDescribed = 16

// Describe is the schema of type t as data. The error is ErrUnknownType or ErrUnsupportedVersion, wrapped in an
// *InvalidError, where t is not registered.
func Describe(t MessageType) (*Description, error) {
	set, err := compiled()
	if err != nil {
		return nil, fmt.Errorf("compiling the embedded schemas: %w", err)
	}
	known, ok := set.types[t]
	if !ok {
		return nil, set.unread(t)
	}
	w := &describer{set: set, order: map[string][]string{}}
	whole, err := w.field("", w.parts(address(t), set.docs[address(t)]), 0)
	if err != nil {
		return nil, fmt.Errorf("describing %s: %w", t, err)
	}
	every, err := DescribeEnvelope()
	if err != nil {
		return nil, err
	}
	place := []string{"/channel", "/type", "/case", "/in_reply_to", "/body"} // these say what type it is
	for i := range whole.Fields {
		if f := &whole.Fields[i]; !slices.Contains(place, f.Pointer) {
			f.narrows(every.Fields)
		}
	}
	d := &Description{
		Type: t, Opens: known.Opens, Continues: known.Continues, Body: known.Body, Fields: whole.Fields, Conditions: whole.Conditions,
	}
	for _, c := range d.Conditions {
		if !slices.Contains(every.Conditions, c) {
			d.Own = append(d.Own, c)
		}
	}
	d.Answers, d.MustAnswer = Answers(t)
	body := slices.IndexFunc(d.Fields, func(f Field) bool { return f.Pointer == "/body" })
	if body < 0 {
		return nil, fmt.Errorf("describing %s: it has no body", t)
	}
	d.Title, d.Description, d.Article = d.Fields[body].Title, d.Fields[body].Description, d.Fields[body].Article
	return d, nil
}

// DescribeEnvelope is what every message carries, as it is before a type narrows it: its fields are the members.
func DescribeEnvelope() (Field, error) {
	set, err := compiled()
	if err != nil {
		return Field{}, fmt.Errorf("compiling the embedded schemas: %w", err)
	}
	const at = schemaBase + "shared/envelope.json"
	w := &describer{set: set, order: map[string][]string{}}
	f, err := w.field("", w.parts(at, set.docs[at]), 0)
	if err != nil {
		return Field{}, fmt.Errorf("describing what every message carries: %w", err)
	}
	return f, nil
}

// BodyField is the field that differs from type to type.
func (d *Description) BodyField() Field {
	for _, f := range d.Fields {
		if f.Pointer == "/body" {
			return f
		}
	}
	return Field{}
}

// narrows marks f and what is below it where they are not as in the list of those at the same place, and tells whether
// anything was marked.
func (f *Field) narrows(list []Field) bool {
	i := slices.IndexFunc(list, func(e Field) bool { return e.Pointer == f.Pointer })
	if i < 0 {
		list = append(slices.Clip(list), Field{})
		i = len(list) - 1
	}
	mine, theirs := *f, list[i]
	mine.Fields, theirs.Fields = nil, nil
	f.Narrowed = !reflect.DeepEqual(mine, theirs)
	for k := range f.Fields {
		if f.Fields[k].narrows(list[i].Fields) {
			f.Narrowed = true
		}
	}
	return f.Narrowed
}

// Narrowed holds the members of the payload of which this type allows less than every message does, and the conditions
// that it adds.
func (d *Description) Narrowed() Field {
	return Field{Fields: onlyNarrowed(d.Fields), Conditions: d.Own}
}

func onlyNarrowed(fields []Field) (kept []Field) {
	for _, f := range fields {
		if f.Narrowed {
			f.Fields = onlyNarrowed(f.Fields)
			kept = append(kept, f)
		}
	}
	return kept
}

// Each visits the fields below f, parents first, with their depth.
func (f Field) Each(visit func(f Field, depth int)) {
	var walk func(fields []Field, depth int)
	walk = func(fields []Field, depth int) {
		for _, f := range fields {
			visit(f, depth)
			walk(f.Fields, depth+1)
		}
	}
	walk(f.Fields, 0)
}

// describer walks the documents of a schema set.
type describer struct {
	set   *schemaSet
	order map[string][]string // of each document read so far: pointer of a "properties" → its names in the order of the text
}

// part is one schema object that applies at a place; several can: a reference, what stands beside it, what narrows it.
type part struct {
	base string // address of its document
	at   string // JSON pointer within the document
	node map[string]any
}

// parts lists everything that applies where node stands, the most general first: what it refers to, then itself.
func (w *describer) parts(base string, node any) []part {
	return w.collect(part{base: base}, node, 0)
}

func (w *describer) collect(at part, node any, depth int) []part {
	object, ok := node.(map[string]any)
	if !ok || depth > maxDescribed {
		return nil
	}
	at.node = object
	var list []part
	if ref, ok := object["$ref"].(string); ok {
		target := w.resolve(at.base, ref)
		list = append(list, w.collect(target, target.node, depth+1)...)
	}
	all, _ := object["allOf"].([]any)
	for i, child := range all {
		if c, ok := child.(map[string]any); ok && c["if"] == nil {
			list = append(list, w.collect(part{base: at.base, at: fmt.Sprintf("%s/allOf/%d", at.at, i)}, c, depth+1)...)
		}
	}
	return append(list, at)
}

// resolve finds what a reference in the document at base means.
func (w *describer) resolve(base, ref string) part {
	document, fragment, _ := strings.Cut(ref, "#")
	address := base
	if document != "" {
		address = resolveAddress(base, document)
	}
	return part{base: address, at: fragment, node: w.set.at(address + "#" + fragment)}
}

// resolveAddress applies RFC 3986 section 5.2 to the two forms that occur: absolute, and relative with "..".
func resolveAddress(base, ref string) string {
	if strings.HasPrefix(ref, schemaBase) {
		return ref
	}
	segments := strings.Split(strings.TrimPrefix(base, schemaBase), "/")
	segments = segments[:len(segments)-1]
	for segment := range strings.SplitSeq(ref, "/") {
		if segment == ".." && len(segments) > 0 {
			segments = segments[:len(segments)-1]
		} else if segment != "." {
			segments = append(segments, segment)
		}
	}
	return schemaBase + strings.Join(segments, "/")
}

var errTooDeep = errors.New("the schema contains itself")

// field describes what stands at a pointer.
func (w *describer) field(pointer string, parts []part, depth int) (Field, error) {
	if depth > maxDescribed {
		return Field{}, fmt.Errorf("at %s: %w", pointer, errTooDeep)
	}
	f := Field{
		Pointer: pointer,
		Title:   text(parts, "title"), Description: text(parts, "description"), Article: text(parts, "x-article"), Hint: text(parts, "x-hint"),
		Enum: enumOf(parts), Default: constant(last(parts, "default")), Const: constant(last(parts, "const")),
		OriginSafe: last(parts, "x-origin-safe") == true, Absent: never(parts),
	}
	f.Kind = kindOf(parts, f)
	f.Form = formOf(parts, f)
	if f.Absent {
		return f, nil
	}
	for _, p := range parts {
		f.Conditions = append(f.Conditions, conditionsOf(p.node)...)
	}
	f.Conditions = unique(f.Conditions)
	required := requiredOf(parts)
	names, err := w.members(parts)
	if err != nil {
		return f, err
	}
	for _, name := range names {
		child, err := w.field(pointer+pointerTo([]string{name}), w.below(parts, "properties", name), depth+1)
		if err != nil {
			return f, err
		}
		child.Required = slices.Contains(required, name)
		f.Fields = append(f.Fields, child)
	}
	if items := w.below(parts, "items", ""); len(items) > 0 {
		item, err := w.field(pointer+"/-", items, depth+1)
		if err != nil {
			return f, err
		}
		f.Fields = append(f.Fields, item)
	}
	return f, nil
}

// below gathers what applies to a member, or to the items where name is empty.
func (w *describer) below(parts []part, keyword, name string) (list []part) {
	for _, p := range parts {
		node, at := p.node[keyword], p.at+"/"+keyword
		if name != "" {
			members, _ := node.(map[string]any)
			node, at = members[name], at+pointerTo([]string{name})
		}
		list = append(list, w.collect(part{base: p.base, at: at}, node, 0)...)
	}
	return list
}

// members are the names of an object's members, each once, in the order of the texts.
func (w *describer) members(parts []part) (names []string, err error) {
	for _, p := range parts {
		properties, _ := p.node["properties"].(map[string]any)
		if len(properties) == 0 {
			continue
		}
		ordered, err := w.inOrder(p, properties)
		if err != nil {
			return nil, err
		}
		for _, name := range ordered {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// inOrder reads the names of properties as their document has them; a decoded object has no order.
func (w *describer) inOrder(p part, properties map[string]any) ([]string, error) {
	if _, known := w.order[p.base]; !known {
		path := strings.TrimPrefix(p.base, schemaBase)
		if raw, err := schemaFiles.ReadFile(path); err == nil {
			if err := w.readOrder(p.base, raw); err != nil {
				return nil, fmt.Errorf("reading schema %s: %w", path, err)
			}
		}
		w.order[p.base] = []string{}
	}
	if names, ok := w.order[p.base+"#"+p.at+"/properties"]; ok {
		return names, nil
	}
	// The wrapper of a type has no text: what it narrows stands in the envelope, which has the order.
	var names []string
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func (w *describer) readOrder(base string, raw []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := decoder.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		at := string(decoder.StackPointer())
		parent := at[:max(strings.LastIndexByte(at, '/'), 0)]
		if token.Kind() != '"' || !strings.HasSuffix(parent, "/properties") {
			continue
		}
		if name := token.String(); pointerTo([]string{name}) == at[len(parent):] && !slices.Contains(w.order[base+"#"+parent], name) {
			w.order[base+"#"+parent] = append(w.order[base+"#"+parent], name)
		}
	}
}
