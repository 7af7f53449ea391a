package console

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"comity/agent/letter"
	"comity/schemas"
)

// What is recorded beside a draft is no message and has no schema (agent/policy reads it). Its form is described here, in the
// same terms.

func homeField() schemas.Field {
	flag := func(at, title, description string) schemas.Field {
		return schemas.Field{Pointer: at, Title: title, Description: description, Kind: schemas.KindFlag}
	}
	choice := func(at, title string, options ...string) schemas.Field {
		return schemas.Field{Pointer: at, Title: title, Kind: schemas.KindChoice, Enum: options}
	}
	line := func(at, title, hint string) schemas.Field {
		return schemas.Field{Pointer: at, Title: title, Kind: schemas.KindLine, Hint: hint}
	}
	gate := schemas.Field{
		Pointer: "/home/gate", Title: "Gates of a return", Description: "What was established before a person returns. What is left open was not.", Kind: schemas.KindObject,
		Fields: []schemas.Field{
			flag("/home/gate/voluntary", "Voluntary", "The person returns of free will."),
			flag("/home/gate/informed_of_right_to_asylum", "Informed of the right to asylum", ""),
			choice("/home/gate/risk_assessment", "Risk assessment", "low", "medium", "high"),
			choice("/home/gate/proceedings", "Proceedings here", "none", "victim-required", "testimony-done"),
			flag("/home/gate/age_in_doubt", "Age in doubt", "Whoever may be a child is treated as one."),
			{Pointer: "/home/gate/child", Title: "Child", Kind: schemas.KindObject, Fields: []schemas.Field{
				flag("/home/gate/child/best_interests_determined", "Best interests determined", ""),
				flag("/home/gate/child/guardian", "Guardian appointed", ""),
			}},
			{Pointer: "/home/gate/notes", Title: "Notes", Kind: schemas.KindText},
		},
	}
	persons := schemas.Field{
		Pointer: "/home/persons", Title: "Choices of persons", Description: "What a person of this message chose, and why the recipient needs the name.", Kind: schemas.KindList,
		Fields: []schemas.Field{{Pointer: "/home/persons/-", Title: "Person", Kind: schemas.KindObject, Fields: []schemas.Field{
			line("/home/persons/-/ref", "Reference", "lower-case letters, digits and hyphens, such as p1; never a name"),
			flag("/home/persons/-/name_by_choice", "The name is given by the person's choice", ""),
			{Pointer: "/home/persons/-/necessity", Title: "Why the name is needed", Kind: schemas.KindText},
			{Pointer: "/home/persons/-/whereabouts_choice", Title: "Day of the written choice to tell whereabouts", Kind: schemas.KindDate},
			flag("/home/persons/-/protected_witness", "Protected witness", ""),
		}}},
	}
	quotes := schemas.Field{
		Pointer: "/home/quotes", Title: "Quotes", Description: "What this message quotes or attaches of something that was received.", Kind: schemas.KindList,
		Fields: []schemas.Field{{Pointer: "/home/quotes/-", Title: "Quote", Kind: schemas.KindObject, Fields: []schemas.Field{
			line("/home/quotes/-/message", "Message", "26 characters of lower-case base32"),
			line("/home/quotes/-/sha256", "SHA-256 of the attachment", "64 lower-case hexadecimal digits"),
		}}},
	}
	forwarding := schemas.Field{
		Pointer: "/home/forwarding", Title: "Known forwarding", Description: "States to which the recipient is known to pass this on.", Kind: schemas.KindList,
		Fields: []schemas.Field{line("/home/forwarding/-", "State", "ISO 3166-1 alpha-2 code in capitals")},
	}
	question := choice("/home/question", "Question that is answered", "whereabouts", "status", "protection")
	return schemas.Field{
		Pointer: "/home", Title: "Recorded at home", Kind: schemas.KindObject, Fields: []schemas.Field{gate, persons, quotes, forwarding, question},
		Description: "For the rules of the own authority. It is never part of the message and leaves this authority never.",
	}
}

// homeToForm and homeFromForm turn the records of persons, which a draft keeps by their references, into a list and back.
func homeToForm(draft map[string]any) {
	home, _ := draft["home"].(map[string]any)
	persons, ok := home["persons"].(map[string]any)
	if !ok {
		return
	}
	list := []any{}
	for _, ref := range slices.Sorted(maps.Keys(persons)) {
		if record, ok := persons[ref].(map[string]any); ok {
			item := maps.Clone(record)
			item["ref"] = ref
			list = append(list, item)
		}
	}
	home["persons"] = list
}

func homeFromForm(draft map[string]any) {
	home, _ := draft["home"].(map[string]any)
	list, ok := home["persons"].([]any)
	if !ok {
		return
	}
	persons := map[string]any{}
	for _, one := range list {
		if item, ok := one.(map[string]any); ok {
			ref, _ := item["ref"].(string)
			delete(item, "ref")
			persons[ref] = item
		}
	}
	home["persons"] = persons
}

// homeLines shows a record as lines.
func homeLines(l *Language, home jsontext.Value) (list []letterLine) {
	if len(home) == 0 {
		return nil
	}
	lines, err := letter.Member("home", home)
	if err != nil {
		return nil
	}
	titles := map[string]schemas.Field{}
	schemas.Field{Fields: []schemas.Field{homeField()}}.Each(func(f schemas.Field, _ int) { titles[f.Pointer] = f })
	for _, line := range lines {
		list = append(list, letterLine{Line: line, Title: nameOf(l, titles[generic(line.Pointer)], line)})
	}
	return list
}
