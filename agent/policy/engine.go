package policy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	rules    *ruleset
	schema   *validate.Validator
	register Register
	scanner  Scanner
	sources  []Source
	patience time.Duration
}

// defaultPatience is how long a decision waits for register and scanner together.
const defaultPatience = 2 * time.Second

// New loads the base rules and what c adds, and checks every rule against the schema. Any rule that cannot be used is an
// error: an engine never has fewer rules than it was given.
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
	return &Engine{
		rules: rules, schema: schema, register: c.Register, scanner: c.Scanner, sources: slices.Clone(c.Sources),
		patience: cmp.Or(max(c.Patience, 0), defaultPatience),
	}, nil
}

// Check tells whether a State's rule files can be used beside the base rules: all of them or none. It is for a reload, before
// the engine in use is given up.
func Check(files []RuleFile) error {
	_, err := New(Config{Extra: files})
	return err
}

// Rules lists every rule in force, and those that other parts of the agent keep, by id.
func (e *Engine) Rules() []Rule { return e.rules.sorted() }

// Explain finds one rule.
func (e *Engine) Explain(id RuleID) (Rule, bool) {
	rule, found := e.rules.index[id]
	if !found {
		return Rule{}, false
	}
	return *rule, true
}

// Decide asks the rules whether f.Payload may go from f.From to f.To. The Clearance is nil unless the outcome is Allow.
// It fails closed: whatever goes wrong is a Block, and so there is no error to overlook.
func (e *Engine) Decide(ctx context.Context, f Facts) (Decision, *Clearance) {
	// 1. Facts from the bytes themselves, as far as they can be read.
	l, err := readLetter(f.Payload)
	if err != nil {
		return undecided(RuleForm, err), nil
	}
	if f.Directory == nil || f.At.IsZero() {
		return undecided(RuleFacts, errors.New("deciding without a directory or a time")), nil
	}
	// 2. Facts from the directory, the scanner, the register and further sources.
	q, err := e.gather(ctx, f, l)
	if err != nil {
		return undecided(RuleFacts, err), nil
	}
	// 3. and 4.
	decision := e.decide(q, l)
	decision.Route = q.closed
	// A decision that outlives its caller's patience may rest on facts that nobody could finish reading.
	if err := ctx.Err(); err != nil {
		return undecided(RuleFacts, fmt.Errorf("deciding: %w", err)), nil
	}
	// 5. What two officers released.
	decision.seal(f, q.standings)
	if f.Release.covers(decision, l.payload) {
		decision.Outcome, decision.Released = Allow, true
	}
	if decision.Outcome != Allow {
		return decision, nil
	}
	// 6. The proof.
	return decision, &Clearance{
		digest:  sha256.Sum256(f.Payload),
		from:    f.From,
		to:      f.To,
		channel: l.payload.Channel,
		paper:   f.Paper,
		decided: f.At,
	}
}

// decide evaluates a query. Facts are checked against the schema first; Cedar would let a rule that reads a missing
// attribute fail, and skip it.
func (e *Engine) decide(q query, l *letter) Decision {
	if err := e.check(q); err != nil {
		return undecided(RuleFacts, err)
	}
	grounds, failed := e.evaluate(e.rules.message, e.rules.permitsMessage, q.entities, q.message, RuleBase, "")
	for i, request := range q.persons {
		more, wrong := e.evaluate(e.rules.person, e.rules.permitsPerson, q.entities, request, RulePerson, q.standings[i].ref)
		grounds, failed = append(grounds, more...), append(failed, wrong...)
	}
	if len(failed) > 0 {
		slices.Sort(failed)
		return undecided(RuleEval, fmt.Errorf("evaluating rules %v", slices.Compact(failed)))
	}
	if l.defective("/type", "/channel", "/language") {
		// What could not be read is no reason why the route is closed; the defect says what is wrong.
		grounds = slices.DeleteFunc(grounds, func(g Ground) bool { return restsOnRoute(g.Rule) })
	}
	return e.conclude(grounds, q, l)
}

// restsOnRoute tells whether a rule looks at nothing but who may read what.
func restsOnRoute(id RuleID) bool {
	family, _, _ := strings.Cut(string(id), "-")
	return id == RuleBase || slices.Contains([]string{"ROUTE", "TYPE", "LANG"}, family)
}

// evaluate asks one question, and gives its grounds and the rules that could not be evaluated. The messages of Cedar may
// quote the facts; the ids of the rules do not.
func (e *Engine) evaluate(all, permits *cedar.PolicySet, entities cedar.EntityMap, request cedar.Request, permit RuleID, who string) (grounds []Ground, failed []RuleID) {
	verdict, diagnostic := cedar.Authorize(all, entities, request)
	for _, problem := range diagnostic.Errors {
		failed = append(failed, e.rules.forms[problem.PolicyID].id)
	}
	if verdict == cedar.Allow {
		return nil, failed
	}
	for _, reason := range diagnostic.Reasons {
		form := e.rules.forms[reason.PolicyID]
		ground := Ground{Rule: form.id, Variant: form.Name, Verdict: Block, Person: who}
		if form.Verdict == Hold {
			ground.Verdict = Hold
		}
		grounds = append(grounds, ground)
	}
	// A hold asks for a person's release, and no person can release what nothing permits.
	if permitted, _ := cedar.Authorize(permits, entities, request); permitted != cedar.Allow {
		grounds = append(grounds, Ground{Rule: permit, Verdict: Block, Person: who})
	}
	return grounds, failed
}

// check holds a query against the schema: every declared attribute is there with its type, nothing else is.
// The validator's own errors are dropped: they print the values.
func (e *Engine) check(q query) error {
	for _, request := range append([]cedar.Request{q.message}, q.persons...) {
		if err := e.schema.Request(request); err != nil {
			return errors.New("the circumstances do not follow the policy schema")
		}
		for _, uid := range []cedar.EntityUID{request.Principal, request.Resource} {
			if _, found := q.entities[uid]; !found {
				return errors.New("the sender, the message or a person is missing from the facts")
			}
		}
	}
	if len(q.persons) != len(q.standings) {
		return errors.New("not every person is asked about")
	}
	if err := e.schema.Entities(q.entities); err != nil {
		return errors.New("the facts do not follow the policy schema")
	}
	return nil
}

// undecided is a block for a reason that is no rule file's.
func undecided(rule RuleID, cause error) Decision {
	decision := Decision{Outcome: Block, Rules: []RuleID{rule}, Grounds: []Ground{{Rule: rule, Verdict: Block}}, Cause: cause}
	for _, kept := range keptElsewhere() {
		if kept.ID == rule {
			decision.Why, decision.Proposals = string(rule)+": "+kept.Text, []string{kept.Propose}
		}
	}
	if invalid, ok := errors.AsType[*schemas.InvalidError](cause); ok {
		decision.Defects = invalid.Defects
	}
	return decision
}
