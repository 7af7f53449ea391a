package policy

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"

	"github.com/cedar-policy/cedar-go"
	cedarast "github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

// RuleID names a rule in decisions, evidence and explanations: "ROUTE-01".
type RuleID string

// Outcome is what a decision comes to. Block outranks invalid, invalid outranks hold, hold outranks allow; the zero value
// allows nothing.
type Outcome string

// The outcomes. A held message waits for a person's release, a blocked one cannot leave, an invalid one is not a message.
const (
	Allow   Outcome = "allow"
	Hold    Outcome = "hold"
	Invalid Outcome = "invalid"
	Block   Outcome = "block"
)

// Rule is one rule as people read it.
type Rule struct {
	ID      RuleID
	Verdict Outcome // Allow for the permit, Hold or Block for a forbid
	Source  string  // the legal source
	Text    string  // one plain sentence
	Base    bool    // compiled in; false for what a State has added
}

// The rules that are checks of the engine itself and so cannot be written in Cedar.
const (
	RuleForm  RuleID = "FORM-01"
	RuleFacts RuleID = "FACT-01"
	RuleEval  RuleID = "EVAL-01"
	RuleBase  RuleID = "BASE-01" // the permit; named in a decision where it did not hold
)

func engineRules() []Rule {
	return []Rule{
		{ID: RuleForm, Verdict: Block, Base: true, Source: "What the filter cannot read does not leave",
			Text: "The message does not follow the schema of its type."},
		{ID: RuleFacts, Verdict: Block, Base: true, Source: "What the filter cannot know does not leave",
			Text: "A fact that the rules need could not be established."},
		{ID: RuleEval, Verdict: Block, Base: true, Source: "A rule that fails is never skipped",
			Text: "A rule could not be evaluated."},
	}
}

//go:embed rules/*.cedar
var baseRules embed.FS

// RuleFile is one file of Cedar rules that a State adds in its configuration.
type RuleFile struct {
	Name string
	Text []byte
}

// maxRuleFile bounds one file of added rules.
const maxRuleFile = 256 << 10

func baseRuleFiles() ([]RuleFile, error) {
	names, err := fs.Glob(baseRules, "rules/*.cedar")
	if err != nil {
		return nil, fmt.Errorf("listing the base rules: %w", err)
	}
	files := make([]RuleFile, 0, len(names))
	for _, name := range names {
		text, err := baseRules.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading base rules %s: %w", name, err)
		}
		files = append(files, RuleFile{Name: name, Text: text})
	}
	return files, nil
}

// ruleset is the rules in the two forms that a decision needs: all of them, and the permits alone.
type ruleset struct {
	all     *cedar.PolicySet
	permits *cedar.PolicySet
	index   map[RuleID]Rule
}

func newRuleset() *ruleset {
	r := &ruleset{all: cedar.NewPolicySet(), permits: cedar.NewPolicySet(), index: map[RuleID]Rule{}}
	for _, rule := range engineRules() {
		r.index[rule.ID] = rule
	}
	return r
}

// add parses a file, checks each rule against the schema and takes it in. Rules that are not base rules may only
// forbid, and may not take the id of another rule.
func (r *ruleset) add(file RuleFile, base bool, schema *validate.Validator) error {
	if len(file.Text) > maxRuleFile {
		return fmt.Errorf("rules %s: larger than %d bytes", file.Name, maxRuleFile)
	}
	list, err := cedar.NewPolicyListFromBytes(file.Name, file.Text)
	if err != nil {
		return fmt.Errorf("parsing rules %s: %w", file.Name, err)
	}
	if len(list) == 0 {
		return fmt.Errorf("rules %s: no rule in the file", file.Name)
	}
	for _, policy := range list {
		rule, err := describe(policy)
		if err != nil {
			return fmt.Errorf("rules %s line %d: %w", file.Name, policy.Position().Line, err)
		}
		if _, taken := r.index[rule.ID]; taken {
			return fmt.Errorf("rules %s: rule id %s is used twice", file.Name, rule.ID)
		}
		if !base && rule.Verdict == Allow {
			return fmt.Errorf("rules %s: rule %s permits; added rules may only forbid", file.Name, rule.ID)
		}
		if err := schema.Policy(string(rule.ID), (*cedarast.Policy)(policy.AST())); err != nil {
			return fmt.Errorf("rules %s: rule %s against the schema: %w", file.Name, rule.ID, err)
		}
		rule.Base = base
		r.index[rule.ID] = rule
		r.all.Add(cedar.PolicyID(rule.ID), policy)
		if policy.Effect() == cedar.Permit {
			r.permits.Add(cedar.PolicyID(rule.ID), policy)
		}
	}
	return nil
}

var ruleIDForm = regexp.MustCompile(`^[A-Z][A-Z0-9]{1,11}-[0-9]{2,3}$`)

// describe reads a rule's annotations; all are required.
func describe(policy *cedar.Policy) (Rule, error) {
	notes := policy.Annotations()
	rule := Rule{
		ID:      RuleID(notes["id"]),
		Verdict: Outcome(notes["verdict"]),
		Source:  string(notes["source"]),
		Text:    string(notes["text"]),
	}
	switch {
	case !ruleIDForm.MatchString(string(rule.ID)):
		return Rule{}, errors.New(`a rule needs @id("LETTERS-00")`)
	case rule.Source == "" || rule.Text == "":
		return Rule{}, fmt.Errorf("rule %s needs @source and @text", rule.ID)
	case policy.Effect() == cedar.Permit && rule.Verdict != "":
		return Rule{}, fmt.Errorf("rule %s permits and so carries no @verdict", rule.ID)
	case policy.Effect() == cedar.Permit:
		rule.Verdict = Allow
	case rule.Verdict != Block && rule.Verdict != Hold:
		return Rule{}, fmt.Errorf(`rule %s needs @verdict("block") or @verdict("hold")`, rule.ID)
	}
	return rule, nil
}

// sorted gives the rules in the order of their ids.
func (r *ruleset) sorted() []Rule {
	rules := make([]Rule, 0, len(r.index))
	for _, rule := range r.index {
		rules = append(rules, rule)
	}
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return rules
}
