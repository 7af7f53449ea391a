package policy

import (
	"context"
	"slices"
	"strings"

	"comity/schemas"
)

// question is what is open between us and the peer about where a victim or witness is, about status or about protection
// (NEU-01). It never depends on the register: an answer that did would tell whom it knows.
type question struct {
	open     bool
	byChoice bool // the written choice of everybody concerned is recorded
}

// openQuestion looks at what the author recorded, and at what the peer asked and nobody has settled.
func openQuestion(ctx context.Context, s Scanner, f Facts, persons []*person) question {
	var concerned []*person
	for _, p := range persons {
		if needsNeutrality(p) {
			concerned = append(concerned, p)
		}
	}
	open := f.Home.Question != "" && mayBeOrigin(f.To.State(), persons, concerned)
	for _, payload := range f.Asked {
		asked, err := readLetter(payload)
		if err != nil {
			continue // it was validated when it came
		}
		theirs := findPersons(Facts{To: f.From, At: f.At}, asked)
		var theirConcerned []*person
		for _, p := range theirs {
			if needsNeutrality(p) {
				theirConcerned = append(theirConcerned, p)
			}
		}
		if asksAfterPersons(ctx, s, asked) && mayBeOrigin(f.To.State(), slices.Concat(theirs, persons), slices.Concat(theirConcerned, concerned)) {
			open = true
		}
	}
	return question{open: open, byChoice: open && choiceRecorded(f, concerned)}
}

// needsNeutrality tells whether a person is one about whom nothing is confirmed or denied.
func needsNeutrality(p *person) bool {
	return p.role == schemas.RoleVictim || p.role == schemas.RoleWitness || p.role == schemas.RoleFamily
}

// mayBeOrigin tells whether a State may be one of origin of somebody concerned: it is, or no State is known to be, or
// nobody at all is known.
func mayBeOrigin(state schemas.StateCode, persons, concerned []*person) bool {
	if len(persons) == 0 {
		return true
	}
	return slices.ContainsFunc(concerned, func(p *person) bool {
		set := p.origins.all()
		return len(set) == 0 || slices.Contains(set, state)
	})
}

// choiceRecorded tells whether each person concerned chose in writing to have it answered. Where the message is about nobody,
// the record is about the persons of the question.
func choiceRecorded(f Facts, concerned []*person) bool {
	chose := func(r PersonRecord) bool { return r.WhereaboutsChoice != "" }
	var here []*person
	for _, p := range concerned {
		if p.here {
			here = append(here, p)
		}
	}
	if len(here) > 0 {
		return !slices.ContainsFunc(here, func(p *person) bool { return !chose(p.record) })
	}
	for _, r := range f.Home.Persons {
		if !chose(r) {
			return false
		}
	}
	return len(f.Home.Persons) > 0
}

// questionStems are how a question after a person begins or what it is about, in the languages that authorities write.
var questionStems = []string{
	"whereabouts", "where is", "where she", "where he", "where they", "is staying", "are staying", "staying in", "current address", "present address", "place of residence", "place of stay", "address of the victim", "address of the witness", "locate the victim", "locate the witness",
	"under protection", "protection status", "protected person", "protection program", "witness protection", "legal status", "immigration status", "residence status", "residence permit", "status of the victim", "status of the witness", "status of the person",
	"où se trouve", "où réside", "où séjourne", "lieu de séjour", "lieu de résidence", "adresse actuelle", "adresse de la victime", "hébergé", "sous protection", "statut de séjour", "titre de séjour", "statut de la", "programme de protection",
	"paradero", "dónde se encuentra", "dónde está", "dónde reside", "domicilio actual", "lugar de residencia", "bajo protección", "situación migratoria", "permiso de residencia",
	"aufenthaltsort", "aufenthaltsstatus", "aufenthaltstitel", "wo sich", "wohnhaft", "derzeitige anschrift", "zeugenschutz", "unter schutz",
	"onde se encontra", "paradeiro", "dove si trova", "sotto protezione",
	"местонахожд", "где находится", "место жительства", "под защитой",
	"مكان وجود", "محل إقامة", "تحت الحماية",
	"下落", "住址", "在哪里", "受保护", "身份状况",
}

// asksAfterPersons tells whether the words of a received message ask where somebody is, about status or about protection.
// Words of asylum in a request ask about status too.
func asksAfterPersons(ctx context.Context, s Scanner, asked *letter) bool {
	for _, leaf := range asked.leaves {
		if worded(leaf) && containsAny(strings.ToLower(leaf.Text), questionStems) {
			return true
		}
	}
	found := scanLetter(ctx, s, asked)
	return found.datum || found.doubtful && !found.unreadable
}
