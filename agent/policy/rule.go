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

// Rule is one rule as people read it. A rule may have several forms under its one id: the plain one and variants, each
// with a verdict of its own.
type Rule struct {
	ID      RuleID  `json:"id"`
	Verdict Outcome `json:"verdict"`          // the strictest of its forms; Allow for a permit
	Source  string  `json:"source"`           // the legal source
	Text    string  `json:"text"`             // one plain sentence
	Propose string  `json:"propose,omitzero"` // what could be done instead, "" where there is nothing to say
	Example string  `json:"example,omitzero"`
	Base    bool    `json:"base"` // compiled in; false for what a State has added
	// Elsewhere says what keeps the rule where no rule file does, "" where one does.
	Elsewhere string    `json:"kept_by,omitzero"`
	Variants  []Variant `json:"variants,omitzero"` // the forms beside the plain one, in the order in which they are written
}

// Variant is one further form of a rule.
type Variant struct {
	Name    string  `json:"name"`
	Verdict Outcome `json:"verdict"`
	Source  string  `json:"source"`
	Text    string  `json:"text"`
	Propose string  `json:"propose,omitzero"`
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

// ruleset is the rules in the forms that a decision needs: all of them by action, and the permits alone.
type ruleset struct {
	message, person               *cedar.PolicySet
	permitsMessage, permitsPerson *cedar.PolicySet
	forms                         map[cedar.PolicyID]form
	index                         map[RuleID]*Rule
}

// form is one policy of a rule file.
type form struct {
	id RuleID
	Variant
	permits bool
	base    bool
	example string
}

func (f form) policyID() cedar.PolicyID {
	if f.Name == "" {
		return cedar.PolicyID(f.id)
	}
	return cedar.PolicyID(string(f.id) + "/" + f.Name)
}

func newRuleset() *ruleset {
	r := &ruleset{
		message: cedar.NewPolicySet(), person: cedar.NewPolicySet(),
		permitsMessage: cedar.NewPolicySet(), permitsPerson: cedar.NewPolicySet(),
		forms: map[cedar.PolicyID]form{}, index: map[RuleID]*Rule{},
	}
	for _, rule := range keptElsewhere() {
		r.index[rule.ID] = &rule
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
		if !base && rule.permits {
			return fmt.Errorf("rules %s: rule %s permits; added rules may only forbid", file.Name, rule.id)
		}
		if err := schema.Policy(string(rule.policyID()), (*cedarast.Policy)(policy.AST())); err != nil {
			return fmt.Errorf("rules %s: rule %s against the schema: %w", file.Name, rule.id, err)
		}
		rule.base = base
		if err := r.take(rule, policy); err != nil {
			return fmt.Errorf("rules %s: %w", file.Name, err)
		}
	}
	return nil
}

// take enters one form. A rule that a State adds may have variants of its own, but none may join a base rule: what is
// under its id is what is compiled in.
func (r *ruleset) take(f form, policy *cedar.Policy) error {
	known := r.index[f.id]
	_, taken := r.forms[f.policyID()]
	joins := known != nil && f.Name != "" && known.Base == f.base && known.Elsewhere == ""
	if taken || known != nil && !joins {
		return fmt.Errorf("rule id %s is used twice", f.id)
	}
	switch {
	case known == nil && f.Name != "":
		return fmt.Errorf("rule %s has a variant before its plain form", f.id)
	case known == nil:
		r.index[f.id] = &Rule{
			ID: f.id, Verdict: f.Verdict, Source: f.Source, Text: f.Text, Propose: f.Propose, Example: f.example, Base: f.base,
		}
	default:
		known.Variants = append(known.Variants, f.Variant)
		if severity(f.Verdict) > severity(known.Verdict) {
			known.Verdict = f.Verdict
		}
	}
	r.forms[f.policyID()] = f
	r.place(f, policy)
	return nil
}

// place puts a policy where its action asks for it. One that names no single action is asked about both.
func (r *ruleset) place(f form, policy *cedar.Policy) {
	all, permits := []*cedar.PolicySet{r.message, r.person}, []*cedar.PolicySet{r.permitsMessage, r.permitsPerson}
	if scope, ok := (*cedarast.Policy)(policy.AST()).Action.(cedarast.ScopeTypeEq); ok {
		switch scope.Entity.ID {
		case "send":
			all, permits = all[:1], permits[:1]
		case "disclose":
			all, permits = all[1:], permits[1:]
		}
	}
	for i := range all {
		all[i].Add(f.policyID(), policy)
		if f.permits {
			permits[i].Add(f.policyID(), policy)
		}
	}
}

// severity orders the outcomes.
func severity(o Outcome) int {
	return slices.Index([]Outcome{Allow, Hold, Invalid, Block}, o)
}

var (
	ruleIDForm  = regexp.MustCompile(`^[A-Z][A-Z0-9]{1,11}-[0-9]{2,3}$`)
	variantForm = regexp.MustCompile(`^[a-z][a-z-]{1,30}$`)
)

// describe reads a rule's annotations. Id, verdict, source and text are required; variant, propose and example are not.
func describe(policy *cedar.Policy) (form, error) {
	notes := policy.Annotations()
	f := form{
		id:      RuleID(notes["id"]),
		permits: policy.Effect() == cedar.Permit,
		example: string(notes["example"]),
		Variant: Variant{
			Name:    string(notes["variant"]),
			Verdict: Outcome(notes["verdict"]),
			Source:  string(notes["source"]),
			Text:    string(notes["text"]),
			Propose: string(notes["propose"]),
		},
	}
	switch {
	case !ruleIDForm.MatchString(string(f.id)):
		return form{}, errors.New(`a rule needs @id("LETTERS-00")`)
	case f.Name != "" && !variantForm.MatchString(f.Name):
		return form{}, fmt.Errorf("rule %s: @variant is a word in lower case", f.id)
	case f.Source == "" || f.Text == "":
		return form{}, fmt.Errorf("rule %s needs @source and @text", f.id)
	case f.permits && f.Verdict != "":
		return form{}, fmt.Errorf("rule %s permits and so carries no @verdict", f.id)
	case f.permits:
		f.Verdict = Allow
	case f.Verdict != Block && f.Verdict != Hold:
		return form{}, fmt.Errorf(`rule %s needs @verdict("block") or @verdict("hold")`, f.id)
	}
	return f, nil
}

// sorted gives the rules in the order of their ids.
func (r *ruleset) sorted() []Rule {
	rules := make([]Rule, 0, len(r.index))
	for _, rule := range r.index {
		rules = append(rules, *rule)
	}
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return rules
}
