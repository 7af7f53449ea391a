package agent

import (
	"maps"
	"slices"
	"time"

	"comity/schemas"
)

// A story is what people do, at which moment. Two worlds play it: in one of them the person in question is under protection.

// about is whom an act concerns.
type about string

const (
	nobody      about = ""
	theGuarded  about = "the person in question" // under protection in one of the two worlds
	someoneElse about = "somebody else"          // under protection in none
)

// story is a list of acts between a host State, a State of origin and a third.
type story struct {
	name string
	acts []act
	// length is how long the world is looked at.
	length time.Duration
}

// act is something that is done at a desk. Exactly one of missive, verdict and deed is set.
type act struct {
	at      time.Duration
	by      schemas.AuthorityID
	about   about
	missive *missive
	verdict *verdict
	deed    func(*stage, *desk)
	what    string // of a deed
}

// missive is a message that somebody writes and somebody else approves.
type missive struct {
	label   string // by which the story names it
	to      []schemas.AuthorityID
	form    map[string]any // a draft without to, case and what it answers
	clean   map[string]any // as its author writes it anew if it comes back from a review; nil where nobody does
	in      string         // label of the message that opened its case; "" opens one
	answers string         // label, "" answers none
	files   [][]byte       // of evidence, added when it is written
	team    bool           // an item of a team: it finds its cases by itself
	// fit completes the body when it is written, nil where there is nothing to complete.
	fit func(*stage, *desk, map[string]any) bool
	// settled: whoever must release it has done so before it waits for its tick.
	settled bool
}

// verdict is what two protection officers decide about a message, if it is under review then.
type verdict struct {
	label string
	says  ruling
}

type ruling string

const (
	released ruling = "release"
	returned ruling = "return"
	blocked  ruling = "block"
)

// isOf tells whether a desk is one of a State.
func isOf(d schemas.AuthorityID, s schemas.StateCode) bool { return d.State() == s }

// retold is the story as the other world plays it (DOMAIN section 4, purge): without the acts about the person in question
// that the first world never released, and with those that it released in their released form, approved in an ordinary way
// at the moment when the first world had no more to decide about them. What the State of origin does itself it does in both.
func (s *story) retold(first *stage, origin schemas.StateCode) *story {
	again := &story{name: s.name, length: s.length}
	for _, a := range s.acts {
		if a.about != theGuarded || isOf(a.by, origin) || a.deed != nil {
			again.acts = append(again.acts, a)
			continue
		}
		if a.verdict != nil {
			continue
		}
		w := first.wrote[a.missive.label]
		if w == nil || w.left.IsZero() {
			continue
		}
		m := *a.missive
		m.settled = true
		if w.leftClean {
			m.form = m.clean
		}
		a.at, a.missive = w.leftApproved.Sub(first.began), &m
		again.acts = append(again.acts, a)
	}
	again.sort()
	return again
}

func (s *story) sort() {
	slices.SortStableFunc(s.acts, func(a, b act) int { return int(a.at - b.at) })
}

// tokens is all text of a story that looks like something drawn and is not: it is the same in every world.
func (s *story) tokens() map[string]bool {
	fixed := map[string]bool{}
	for _, a := range s.acts {
		if a.missive == nil {
			continue
		}
		for _, form := range []map[string]any{a.missive.form, a.missive.clean} {
			text, err := schemas.Canonical(form)
			if err != nil {
				continue
			}
			for _, found := range token.FindAllString(string(text), -1) {
				fixed[found] = true
			}
		}
	}
	return fixed
}

// draftOf is the missive as a draft.
func (m *missive) draftOf(form map[string]any, in schemas.CaseID, answers schemas.MessageID) ([]byte, error) {
	object := maps.Clone(form)
	object["to"] = m.to
	if in != "" {
		object["case"] = string(in)
	}
	if answers != "" {
		object["in_reply_to"] = string(answers)
	}
	return schemas.Canonical(object)
}
