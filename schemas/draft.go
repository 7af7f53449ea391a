package schemas

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxRecipients bounds the recipients of one draft.
const MaxRecipients = 20

// Draft is a draft file taken apart: a payload as JSON with two more members, "to" and, where something was recorded
// beside the draft, "home".
type Draft struct {
	To []AuthorityID // each once
	// Home is what the author recorded for the policy of the own authority (policy.ParseHome), nil where there is nothing.
	// It is never part of the payload. Nothing of it was checked here but that it is strict JSON.
	Home []byte
	// Payload is the rest in its one canonical form (RFC 8785), with the defaults of DOMAIN section 1 written out: the
	// bytes that people approve.
	Payload []byte
	Parsed  *Payload
}

// Reads tells which types and versions an authority reads, by its directory entry; nil for one that is not known.
type Reads func(AuthorityID) []MessageType

// ParseDraft reads a draft. Its type may stand without a version ("mla.request"): the highest that this program and every
// recipient read is then written in; without reads, the highest of this program. The error is an *InvalidError with every
// defect at once, of the recipients and of the payload. With it comes the draft as far as it could be read, without
// Parsed, so that what else is wrong with it can be told at the same time; nil where it could not be taken apart.
func ParseDraft(data []byte, reads Reads) (*Draft, error) {
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
	if err := d.takeHome(object); err != nil {
		return nil, err
	}
	d.chooseVersion(object, reads)
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
		d.Parsed = nil
		return d, result
	}
	return d, nil
}

// takeHome moves what was recorded beside the draft out of it.
func (d *Draft) takeHome(object map[string]any) (err error) {
	home, given := object["home"]
	if !given {
		return nil
	}
	delete(object, "home")
	if d.Home, err = Canonical(home); err != nil {
		return asInvalid(err)
	}
	return nil
}

// chooseVersion leaves a type that nobody reads in common as it stands, for Validate to refuse.
func (d *Draft) chooseVersion(object map[string]any, reads Reads) {
	name, _ := object["type"].(string)
	if strings.Contains(name, "/") {
		return
	}
	if best := highestCommon(Types(), name, d.To, reads); best != "" {
		object["type"] = string(best)
	}
}

// highestCommon is the highest version of a type, named without one, among ours and what every recipient reads; "" where
// there is none.
func highestCommon(ours []MessageType, name string, to []AuthorityID, reads Reads) (best MessageType) {
	for _, t := range ours {
		if string(t.Channel())+"."+t.Name() != name || t.Version() <= best.Version() {
			continue
		}
		if reads == nil || !slices.ContainsFunc(to, func(id AuthorityID) bool { return !slices.Contains(reads(id), t) }) {
			best = t
		}
	}
	return best
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
