package policy

import (
	"context"

	"github.com/cedar-policy/cedar-go"
)

// Query is the facts as the rules read them, for tests that take parts away.
type Query struct {
	Message  cedar.Request
	Persons  []cedar.Request
	Entities cedar.EntityMap
	q        query
	l        *letter
}

// Gather reads the facts.
func (e *Engine) Gather(ctx context.Context, f Facts) (*Query, error) {
	l, err := readLetter(f.Payload)
	if err != nil {
		return nil, err
	}
	q, err := e.gather(ctx, f, l)
	return &Query{q.message, q.persons, q.entities, q, l}, err
}

// Evaluate asks the rules.
func (e *Engine) Evaluate(t *Query) Decision {
	q := t.q
	q.message, q.persons, q.entities = t.Message, t.Persons, t.Entities
	return e.decide(q, t.l)
}

// NewWithout makes an engine of the base rules of some files only.
func NewWithout(c Config, keep func(name string) bool) (*Engine, error) {
	base, err := baseRuleFiles()
	if err != nil {
		return nil, err
	}
	var kept []RuleFile
	for _, file := range base {
		if keep(file.Name) {
			kept = append(kept, file)
		}
	}
	return newEngine(kept, c)
}

// MaxRuleFile bounds one file of added rules.
const MaxRuleFile = maxRuleFile

// NewOf makes an engine of other base rules.
func NewOf(base []RuleFile, c Config) (*Engine, error) { return newEngine(base, c) }
