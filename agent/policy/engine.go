package policy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"comity/schemas"
)

// Config is what a State adds to the base rules. The zero value is the base rules alone.
type Config struct {
	// Extra holds further forbids. They are checked against the schema at the start; a permit among them is refused.
	Extra []RuleFile
	// Register and Scanner are asked for every decision. One that is nil, fails or takes longer than Patience leaves what
	// it would have said unknown, which holds.
	Register Register
	Scanner  Scanner
	Patience time.Duration // for both together; 2 s where it is zero
	// Sources are asked for every decision, in this order.
	Sources []Source
}

// Engine decides. It is immutable after New and safe for concurrent use: to change rules, make a new one.
type Engine struct {
	rules   *ruleset
	schema  *validate.Validator
	sources []Source
}

// New loads the base rules and what c adds, and checks every rule against the schema.
func New(c Config) (*Engine, error) {
	base, err := baseRuleFiles()
	if err != nil {
		return nil, err
	}
	return newEngine(base, c)
}

func newEngine(base []RuleFile, c Config) (*Engine, error) {
	schema, err := compileSchema(c.Sources)
	if err != nil {
		return nil, err
	}
	rules := newRuleset()
	for _, file := range base {
		if err := rules.add(file, true, schema); err != nil {
			return nil, err
		}
	}
	for _, file := range c.Extra {
		if err := rules.add(file, false, schema); err != nil {
			return nil, err
		}
	}
	return &Engine{rules: rules, schema: schema, sources: slices.Clone(c.Sources)}, nil
}

// Rules lists every rule in force, by id.
func (e *Engine) Rules() []Rule { return e.rules.sorted() }

// Rule finds one rule.
func (e *Engine) Rule(id RuleID) (Rule, bool) {
	rule, found := e.rules.index[id]
	return rule, found
}

// Decide asks the rules whether f.Payload may go from f.From to f.To. The Clearance is nil unless the outcome is Allow.
// It fails closed: whatever goes wrong is a Block, and so there is no error to overlook.
func (e *Engine) Decide(ctx context.Context, f Facts) (Decision, *Clearance) {
	// 1. Facts from the bytes themselves. Validate refuses what two readers could read differently.
	payload, err := schemas.Validate(f.Payload)
	if err != nil {
		return undecided(RuleForm, err), nil
	}
	if f.Directory == nil || f.At.IsZero() {
		return undecided(RuleFacts, errors.New("deciding without a directory or a time")), nil
	}
	// 2. Facts from the directory and from the sources.
	q, err := gather(ctx, f, payload, e.sources)
	if err != nil {
		return undecided(RuleFacts, err), nil
	}
	// 3. and 4.
	decision := e.decide(q)
	decision.Route = q.closed
	// A decision that outlives its caller's patience may rest on facts that a source could not finish reading.
	if err := ctx.Err(); err != nil {
		return undecided(RuleFacts, fmt.Errorf("deciding: %w", err)), nil
	}
	if decision.Outcome != Allow {
		return decision, nil
	}
	// 5. The proof.
	return decision, &Clearance{
		digest:  sha256.Sum256(f.Payload),
		from:    f.From,
		to:      f.To,
		channel: payload.Channel,
		decided: f.At,
	}
}

// decide evaluates a query. Facts are checked against the schema first; Cedar would let a rule that reads a missing
// attribute fail, and skip it.
func (e *Engine) decide(q query) Decision {
	if err := e.check(q); err != nil {
		return undecided(RuleFacts, err)
	}
	verdict, diagnostic := cedar.Authorize(e.rules.all, q.entities, q.request)
	if len(diagnostic.Errors) > 0 {
		// The messages of Cedar may quote the facts; the ids of the rules do not.
		failed := make([]RuleID, 0, len(diagnostic.Errors))
		for _, problem := range diagnostic.Errors {
			failed = append(failed, RuleID(problem.PolicyID))
		}
		slices.Sort(failed)
		return undecided(RuleEval, fmt.Errorf("evaluating rules %v", failed))
	}
	if verdict == cedar.Allow {
		return Decision{Outcome: Allow}
	}

	decision := Decision{Outcome: Hold}
	for _, reason := range diagnostic.Reasons {
		rule := e.rules.index[RuleID(reason.PolicyID)]
		decision.Rules = append(decision.Rules, RuleID(reason.PolicyID))
		if rule.Verdict != Hold {
			decision.Outcome = Block
		}
	}
	// A hold asks for a person's release, and no person can release what nothing permits.
	if permitted, _ := cedar.Authorize(e.rules.permits, q.entities, q.request); permitted != cedar.Allow {
		decision.Outcome = Block
		decision.Rules = append(decision.Rules, RuleBase)
	}
	slices.Sort(decision.Rules)
	return decision
}

// check holds a query against the schema: every declared attribute is there with its type, nothing else is.
// The validator's own errors are dropped: they print the values.
func (e *Engine) check(q query) error {
	if err := e.schema.Request(q.request); err != nil {
		return errors.New("the circumstances do not follow the policy schema")
	}
	for _, uid := range []cedar.EntityUID{q.request.Principal, q.request.Resource} {
		if _, found := q.entities[uid]; !found {
			return errors.New("the sender or the message is missing from the facts")
		}
	}
	if err := e.schema.Entities(q.entities); err != nil {
		return errors.New("the facts do not follow the policy schema")
	}
	return nil
}

func undecided(rule RuleID, cause error) Decision {
	decision := Decision{Outcome: Block, Rules: []RuleID{rule}, Cause: cause}
	var invalid *schemas.InvalidError
	if errors.As(cause, &invalid) {
		decision.Defects = invalid.Defects
	}
	return decision
}
