package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"comity/schemas"
)

// One form for every type of message: it is made of the type's description (schemas.Describe) and of nothing else, so that no form
// asks for what the schema does not have. A form is a tree of nodes that is filled from a draft, or from what a browser sent, and
// that gives a draft back. What is left empty is not in the draft.

// node is one place of a form.
type node struct {
	schemas.Field
	Name   string   // the place in the draft, with the numbers of items; also the name of its control
	Value  string   // of a control
	Values []string // of a list of choices: those that are chosen
	Nodes  []*node  // of an object its members, of a list its items
	Errors []string
	Open   bool // an optional part that is shown at once
	Number int  // of an item of a list, from 1
	files  bool // it is the list of attachments

	zone    *time.Location // of a time: in which it is shown
	trouble string         // of a time: why what was typed is none
}

// described caches the descriptions: they never change.
func described(t schemas.MessageType) *schemas.Description {
	if d, ok := descriptions.Load(t); ok {
		return d.(*schemas.Description)
	}
	d, err := schemas.Describe(t)
	if err != nil {
		return nil
	}
	descriptions.Store(t, d)
	return d
}

var descriptions sync.Map // of *schemas.Description by schemas.MessageType

// fieldsOf lists the fields of a type by their pointers.
func fieldsOf(t schemas.MessageType) map[string]schemas.Field {
	all := map[string]schemas.Field{}
	if d := described(t); d != nil {
		schemas.Field{Fields: d.Fields}.Each(func(f schemas.Field, _ int) { all[f.Pointer] = f })
	}
	return all
}

// order is where the parts of a form stand: who, on what ground, what, about whom; then the rest.
var order = []string{"/to", "/channel", "/type", "/case", "/in_reply_to", "/legal_basis", "/body", "/subjects", "/attachments", "/urgency", "/urgency_reason", "/due", "/due_reason", "/language", "/translation"}

// formField is the whole form of a type: the payload, to whom it goes, and what is recorded beside it.
func formField(d *schemas.Description) schemas.Field {
	form := schemas.Field{Kind: schemas.KindObject, Required: true, Conditions: d.Own}
	form.Fields = append(form.Fields, recipientField(d))
	form.Fields = append(form.Fields, d.Fields...)
	slices.SortStableFunc(form.Fields, func(a, b schemas.Field) int { return cmp.Compare(place(a), place(b)) })
	form.Fields = append(form.Fields, homeField())
	return form
}

func place(f schemas.Field) int {
	if i := slices.Index(order, f.Pointer); i >= 0 {
		return i
	}
	return len(order)
}

func recipientField(d *schemas.Description) schemas.Field {
	f := schemas.Field{
		Pointer: "/to", Title: "Recipients", Kind: schemas.KindList, Required: true,
		Description: "Who receives the message: each gets a message of its own.",
		Fields:      []schemas.Field{{Pointer: "/to/-", Title: "Recipient", Kind: schemas.KindLine, Hint: "an authority, such as QN/justice"}},
	}
	if !d.Opens {
		f.Description = "Who receives the message."
	}
	return f
}

// fill makes a node of a value, nil where there is none. suggest has it begin with the defaults of the schema and a first item
// where one is needed.
func fill(f schemas.Field, name string, value any, suggest bool) *node {
	n := &node{Field: f, Name: name, files: f.Pointer == "/attachments"}
	switch f.Kind {
	case schemas.KindObject:
		object, _ := value.(map[string]any)
		for _, child := range f.Fields {
			if !child.Absent {
				n.Nodes = append(n.Nodes, fill(child, name+memberOf(child), object[strings.TrimPrefix(memberOf(child), "/")], suggest && child.Required))
			}
		}
		n.Open = len(object) > 0
	case schemas.KindList:
		list, _ := value.([]any)
		n.Open = len(list) > 0
		if n.Choices() {
			for _, v := range list {
				n.Values = append(n.Values, textOf(v))
			}
			return n
		}
		for i, v := range list {
			n.addItem(fill(n.item(), name+"/"+strconv.Itoa(i), v, false))
		}
		if suggest && len(list) == 0 && !n.files {
			n.addItem(fill(n.item(), name+"/0", nil, true))
		}
	default:
		n.Value = textOf(value)
		if value == nil && suggest {
			n.Value = f.Default
		}
	}
	return n
}

// read makes a node of what a browser sent.
func read(f schemas.Field, name string, values url.Values) *node {
	n := &node{Field: f, Name: name, files: f.Pointer == "/attachments"}
	switch f.Kind {
	case schemas.KindObject:
		for _, child := range f.Fields {
			if !child.Absent {
				n.Nodes = append(n.Nodes, read(child, name+memberOf(child), values))
			}
		}
		n.Open = n.anything()
	case schemas.KindList:
		if n.Choices() {
			n.Values = values[name]
			n.Open = len(n.Values) > 0
			return n
		}
		count, _ := strconv.Atoi(values.Get(countOf(name)))
		for i := range min(max(count, 0), maxItems) {
			n.addItem(read(n.item(), name+"/"+strconv.Itoa(i), values))
		}
		n.Open = len(n.Nodes) > 0
	default:
		n.Value = strings.ReplaceAll(values.Get(name), "\r\n", "\n")
		if f.Kind != schemas.KindText {
			n.Value = strings.TrimSpace(n.Value)
		}
		if f.Kind == schemas.KindTime {
			n.readTime(zoneNamed(values.Get(zoneControl)), values.Get(offsetOf(name)))
		}
	}
	return n
}

// maxItems bounds the items that a list of a form can have; the schemas have their own bounds below it.
const maxItems = 200

// anything reports whether somebody has written something below n.
func (n *node) anything() bool {
	if n.Kind == schemas.KindConstant {
		return !n.Required && n.Value != ""
	}
	return n.Value != "" || len(n.Values) > 0 || slices.ContainsFunc(n.Nodes, (*node).anything)
}

func (n *node) item() schemas.Field {
	if len(n.Fields) == 0 {
		return schemas.Field{Kind: schemas.KindLine}
	}
	return n.Fields[0]
}

func (n *node) addItem(item *node) {
	item.Number = len(n.Nodes) + 1
	n.Nodes = append(n.Nodes, item)
}

// memberOf is the last step of a field's pointer.
func memberOf(f schemas.Field) string { return f.Pointer[strings.LastIndexByte(f.Pointer, '/'):] }

func countOf(name string) string { return "#" + name }

func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// draft is what n gives to a draft. present says whether it is in it, written whether somebody wrote something there.
func (n *node) draft() (value any, present, written bool) {
	switch n.Kind {
	case schemas.KindObject:
		object := map[string]any{}
		for _, child := range n.Nodes {
			v, in, wrote := child.draft()
			if in {
				object[strings.TrimPrefix(memberOf(child.Field), "/")] = v
			}
			written = written || wrote
		}
		return object, n.Required || written, written
	case schemas.KindList:
		list := []any{}
		for _, v := range n.Values {
			list = append(list, v)
		}
		for _, item := range n.Nodes {
			if v, _, wrote := item.draft(); wrote {
				list = append(list, v)
			}
		}
		return list, n.Required || len(list) > 0, len(list) > 0
	case schemas.KindConstant:
		if n.Required {
			return typed(n.Const), true, false
		}
		return typed(n.Const), n.Value != "", n.Value != ""
	case schemas.KindFlag, schemas.KindNumber:
		return typed(n.Value), n.Value != "", n.Value != ""
	}
	return n.Value, n.Value != "", n.Value != ""
}

// numeral is a number as JSON writes it.
var numeral = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$`)

// typed is a flag or number of a form. What is neither stays text, for the schema to refuse.
func typed(text string) any {
	switch {
	case text == "true":
		return true
	case text == "false":
		return false
	case numeral.MatchString(text):
		return json.Number(text)
	}
	return text
}

// find is the node of a pointer, or the nearest one above it.
func (n *node) find(pointer string) *node {
	for _, child := range n.Nodes {
		if pointer == child.Name || strings.HasPrefix(pointer, child.Name+"/") {
			return child.find(pointer)
		}
	}
	return n
}

// at is the node of exactly this name, or nil.
func (n *node) at(name string) *node {
	if found := n.find(name); found.Name == name {
		return found
	}
	return nil
}

// remove takes an item out of its list and gives those behind it their new names.
func (n *node) remove(name string) {
	cut := strings.LastIndexByte(name, '/')
	if cut < 0 {
		return
	}
	list := n.at(name[:cut])
	i, err := strconv.Atoi(name[cut+1:])
	if list == nil || list.Kind != schemas.KindList || err != nil || i < 0 || i >= len(list.Nodes) {
		return
	}
	list.Nodes = slices.Delete(list.Nodes, i, i+1)
	for i, item := range list.Nodes {
		item.rename(list.Name + "/" + strconv.Itoa(i))
		item.Number = i + 1
	}
}

func (n *node) rename(name string) {
	for _, child := range n.Nodes {
		child.rename(name + strings.TrimPrefix(child.Name, n.Name))
	}
	n.Name = name
}

// What templates ask of a node.

// Choices reports whether n is a list of choices, which are boxes to be ticked.
func (n *node) Choices() bool {
	return n.Kind == schemas.KindList && n.item().Kind == schemas.KindChoice
}

// Options are what can be ticked.
func (n *node) Options() []string { return n.item().Enum }

// Chosen reports whether a box is ticked.
func (n *node) Chosen(option string) bool { return slices.Contains(n.Values, option) }

// Count is the name of the control that says how many items the browser was shown.
func (n *node) Count() string { return countOf(n.Name) }

// Files reports whether n is the list of attachments.
func (n *node) Files() bool { return n.files }

// Hidden reports whether n is not for people: what the address or the schema has decided.
func (n *node) Hidden() bool {
	return n.Kind == schemas.KindConstant && n.Required || (n.Pointer == "/case" || n.Pointer == "/in_reply_to") && n.Value != "" && len(n.Errors) == 0
}

// Wrong reports whether something is wrong at n or below it.
func (n *node) Wrong() bool {
	return len(n.Errors) > 0 || slices.ContainsFunc(n.Nodes, (*node).Wrong)
}

// Shown reports whether an optional part stands open.
func (n *node) Shown() bool { return n.Open || n.Wrong() }

// Suggestions is the id of the list of likely values, "" where there is none.
func (n *node) Suggestions() string {
	switch {
	case strings.HasPrefix(n.Hint, "an authority"):
		return "authorities"
	case strings.HasPrefix(n.Hint, "ISO 3166-1"):
		return "states"
	case strings.HasPrefix(n.Hint, "lower-case letters, digits and hyphens, such as p1") && n.Pointer != "/subjects/-/ref":
		return "persons"
	case strings.HasPrefix(n.Hint, "64 lower-case"):
		return "hashes"
	case strings.HasPrefix(n.Hint, "a neutral file name") || strings.HasPrefix(n.Hint, "image-1"):
		return "files"
	}
	return ""
}

// Advice says how the value is written, where that is not plain from the control.
func (n *node) Advice() string {
	switch {
	case n.Kind == schemas.KindDate, n.Kind == schemas.KindTime, n.Kind == schemas.KindText, strings.HasPrefix(n.Hint, "one line of text"):
		return ""
	}
	return n.Hint
}

// Main reports whether n is the body: the heading of the page has said already what it is.
func (n *node) Main() bool { return n.Pointer == "/body" }

// Member is an item's or member's node by its name, for templates that show one by hand.
func (n *node) Member(name string) *node {
	for _, child := range n.Nodes {
		if memberOf(child.Field) == "/"+name {
			return child
		}
	}
	return nil
}

// DescribedBy lists the ids of what explains the control.
func (n *node) DescribedBy() string {
	ids := "h" + n.Name
	if len(n.Errors) > 0 {
		ids += " e" + n.Name
	}
	return ids
}
