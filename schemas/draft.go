package schemas

import (
	"errors"
	"fmt"
	"slices"
)

// MaxRecipients bounds the recipients of one draft.
const MaxRecipients = 20

// Draft is a draft file taken apart: a payload as JSON with one more member, "to".
type Draft struct {
	To []AuthorityID // each once
	// Payload is the rest in its one canonical form (RFC 8785), with the defaults of DOMAIN section 1 written out: the
	// bytes that people approve.
	Payload []byte
	Parsed  *Payload
}

// ParseDraft reads a draft. The error is an *InvalidError with every defect at once, of the recipients and of the payload.
func ParseDraft(data []byte) (*Draft, error) {
	var tree any
	if err := Decode(data, &tree, PayloadLimits); err != nil {
		return nil, asInvalid(err)
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return nil, &InvalidError{Defects: []Defect{{Rule: RuleType, Hint: "a draft is a JSON object"}}}
	}
	d := &Draft{}
	defects := d.takeRecipients(object["to"])
	delete(object, "to")
	for member, value := range map[string]any{
		"use_limit": string(StatedCaseOnly), "confidential": true, "onward": string(OnwardNone),
	} {
		if _, given := object[member]; !given {
			object[member] = value
		}
	}
	var err error
	if d.Payload, err = Canonical(object); err != nil { // a default beside a case variant of its name
		return nil, asInvalid(err)
	}
	d.Parsed, err = Validate(d.Payload)
	invalid, refused := errors.AsType[*InvalidError](err)
	if err != nil && !refused {
		return nil, err
	}
	if refused {
		defects = append(defects, invalid.Defects...)
	}
	if len(defects) > 0 {
		result := &InvalidError{Defects: tidy(defects)}
		if refused {
			result.cause = invalid.cause
		}
		return nil, result
	}
	return d, nil
}

func (d *Draft) takeRecipients(to any) (defects []Defect) {
	list, _ := to.([]any)
	if len(list) == 0 || len(list) > MaxRecipients {
		return []Defect{{Pointer: "/to", Rule: RuleCount, Hint: fmt.Sprintf("a list of 1 to %d authorities, such as [\"QN/justice\"]", MaxRecipients)}}
	}
	for i, entry := range list {
		text, _ := entry.(string)
		id, err := ParseAuthorityID(text)
		pointer := fmt.Sprintf("/to/%d", i)
		switch {
		case err != nil:
			defects = append(defects, Defect{Pointer: pointer, Rule: RulePattern, Hint: "STATE/name, such as QN/justice"})
		case slices.Contains(d.To, id):
			defects = append(defects, Defect{Pointer: pointer, Rule: RuleUnique, Hint: "each recipient once"})
		}
		d.To = append(d.To, id)
	}
	return defects
}

func asInvalid(err error) error {
	set, compileErr := compiled()
	if compileErr != nil {
		return fmt.Errorf("compiling the embedded schemas: %w", compileErr)
	}
	return set.undecodable(err)
}
