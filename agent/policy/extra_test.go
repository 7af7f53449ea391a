package policy_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/schema/ast"

	"comity/agent/policy"
	"comity/agent/policy/policytest"
)

// forbid is an added rule with the given id, verdict and condition.
func forbid(id, verdict, condition string) policy.RuleFile {
	return policy.RuleFile{Name: "state.cedar", Text: []byte(`@id("` + id + `") @verdict("` + verdict + `")
		@source("National law") @text("A sentence.")
		forbid (principal is Authority, action == Action::"send", resource is Message) when { ` + condition + ` };`)}
}

// forbidPerson is the same about a person.
func forbidPerson(id, verdict, condition string) policy.RuleFile {
	f := forbid(id, verdict, condition)
	f.Text = []byte(strings.NewReplacer(`"send"`, `"disclose"`, "is Message", "is Person").Replace(string(f.Text)))
	return f
}

func TestAddedForbids(t *testing.T) {
	hold := forbid("NAT-01", "hold", `resource.confidential || !resource.confidential`)
	block := forbid("NAT-02", "block", `resource.channel == "mla"`)
	silent := forbid("NAT-03", "block", `resource.channel == "border"`)
	suspects := forbidPerson("NAT-04", "hold", `resource.role == "suspect" && resource.message.channel == "mla"`)
	tests := []struct {
		name    string
		extra   []policy.RuleFile
		spoil   func(*story)
		outcome policy.Outcome
		rules   []policy.RuleID
	}{
		{"hold", []policy.RuleFile{hold}, nil, policy.Hold, []policy.RuleID{"NAT-01"}},
		{"block", []policy.RuleFile{block}, nil, policy.Block, []policy.RuleID{"NAT-02"}},
		{"block outranks hold", []policy.RuleFile{hold, block}, nil, policy.Block, []policy.RuleID{"NAT-01", "NAT-02"}},
		{"a forbid that does not apply", []policy.RuleFile{silent}, nil, policy.Allow, nil},
		{"about a person", []policy.RuleFile{suspects}, nil, policy.Hold, []policy.RuleID{"NAT-04"}},
		{"a hold of what nothing permits is a block", []policy.RuleFile{hold},
			func(s *story) { s.directory.channels = nil }, policy.Block, []policy.RuleID{"BASE-01", "NAT-01", "ROUTE-01"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := bankRecords(t)
			s.extra = test.extra
			if test.spoil != nil {
				test.spoil(s)
			}
			s.expect(test.outcome, test.rules...)
		})
	}
}

// TestDefaultDeny takes every forbid away: what the permits do not say is still denied.
func TestDefaultDeny(t *testing.T) {
	e, err := policy.NewWithout(policytest.Config(), func(name string) bool { return name == "rules/base.cedar" })
	if err != nil {
		t.Fatal(err)
	}
	s := bankRecords(t)
	held(t, e, s, policy.Allow, "")
	s.directory.channels = nil
	held(t, e, s, policy.Block, policy.RuleBase)

	// And without the permit for persons no message about anybody leaves.
	text := `@id("BASE-01") @source("s") @text("t") permit (principal is Authority, action == Action::"send", resource is Message);`
	e, err = policy.NewOf([]policy.RuleFile{{Name: "only.cedar", Text: []byte(text)}}, policytest.Config())
	if err != nil {
		t.Fatal(err)
	}
	held(t, e, bankRecords(t), policy.Block, policy.RulePerson)
	held(t, e, alertAboutNobody(t), policy.Allow, "")
}

// TestFailingRuleBlocks has forbids that are well typed and fail when they are evaluated. Cedar skips them and allows.
func TestFailingRuleBlocks(t *testing.T) {
	for _, broken := range []policy.RuleFile{
		forbid("NAT-01", "hold", `(resource.attachments + 9223372036854775807 + 1) > 0`),
		forbidPerson("NAT-01", "hold", `(resource.message.attachments + 9223372036854775807 + 1) > 0`),
	} {
		s := bankRecords(t)
		s.extra = []policy.RuleFile{broken}
		d := s.expect(policy.Block, policy.RuleEval)
		if d.Cause == nil || !strings.Contains(d.Cause.Error(), "NAT-01") {
			t.Fatalf("cause = %v, want the failing rule named", d.Cause)
		}
	}
}

func TestNewRefusesRules(t *testing.T) {
	text := func(s string) policy.RuleFile { return policy.RuleFile{Name: "state.cedar", Text: []byte(s)} }
	variant := func(id, name string) policy.RuleFile {
		f := forbid(id, "hold", "true")
		f.Text = append([]byte(`@variant("`+name+`") `), f.Text...)
		return f
	}
	tests := []struct {
		name string
		file policy.RuleFile
		want string
	}{
		{"permit", text(`@id("NAT-01") @source("s") @text("t") permit (principal is Authority, action == Action::"send", resource is Message);`), "may only forbid"},
		{"permit for a person", text(`@id("NAT-01") @source("s") @text("t") permit (principal is Authority, action == Action::"disclose", resource is Person);`), "may only forbid"},
		{"id of a base rule", forbid("ROUTE-01", "block", "true"), "used twice"},
		{"variant of a base rule", variant("ASY-01", "ours"), "used twice"},
		{"id of an engine rule", forbid("EVAL-01", "block", "true"), "used twice"},
		{"id of a rule that is kept elsewhere", variant("ASY-11", "ours"), "used twice"},
		{"variant before the rule", variant("NAT-01", "ours"), "before its plain form"},
		{"variant form", variant("NAT-01", "Ours 1"), "in lower case"},
		{"no id", text(`forbid (principal, action, resource);`), "needs @id"},
		{"no verdict", text(`@id("NAT-01") @source("s") @text("t") forbid (principal, action, resource);`), "needs @verdict"},
		{"verdict allow", forbid("NAT-01", "allow", "true"), "needs @verdict"},
		{"no text", text(`@id("NAT-01") @verdict("hold") @source("s") forbid (principal, action, resource);`), "needs @source and @text"},
		{"syntax", text(`forbid (`), "parsing rules state.cedar"},
		{"empty", text(``), "no rule in the file"},
		{"comment only", text(`// nothing`), "no rule in the file"},
		{"undeclared attribute", forbid("NAT-01", "block", `resource.asylum == true`), "against the schema"},
		{"wrong type", forbid("NAT-01", "block", `resource.channel > 3`), "against the schema"},
		{"a person's fact asked of the message", forbid("NAT-01", "block", `resource.role == "suspect"`), "against the schema"},
		{"undeclared entity", forbid("NAT-01", "block", `principal in Group::"x"`), "against the schema"},
		{"other action", text(`@id("NAT-01") @verdict("block") @source("s") @text("t") forbid (principal, action == Action::"receive", resource);`), "against the schema"},
		{"too large", text(strings.Repeat(" ", policy.MaxRuleFile+1)), "larger than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := policy.Check([]policy.RuleFile{forbid("NAT-09", "hold", "true"), test.file})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error = %v, want %q", err, test.want)
			}
			if _, newErr := policy.New(policy.Config{Extra: []policy.RuleFile{test.file}}); newErr == nil {
				t.Fatal("an engine was made without the rule")
			}
		})
	}
	if err := policy.Check([]policy.RuleFile{forbid("NAT-01", "hold", "true"), forbidPerson("NAT-02", "block", "true")}); err != nil {
		t.Fatal(err)
	}
}

// fakeSource is a Source of facts that a State added.
type fakeSource struct {
	facts cedar.RecordMap
	err   error
	shape ast.RecordType
	name  string
}

func (r *fakeSource) Name() string {
	if r.name != "" {
		return r.name
	}
	return "register"
}

func (r *fakeSource) Shape() ast.RecordType {
	if r.shape != nil {
		return r.shape
	}
	return ast.RecordType{"status": {Type: ast.String()}, "fresh": {Type: ast.Bool()}}
}

func (r *fakeSource) Facts(context.Context, policy.Message) (cedar.Record, error) {
	return cedar.NewRecord(r.facts), r.err
}

func TestSources(t *testing.T) {
	rules := []policy.RuleFile{
		forbid("NAT-01", "block", `context.register.status == "pending"`),
		forbid("NAT-02", "hold", `!context.register.fresh`),
	}
	tests := []struct {
		name    string
		source  fakeSource
		outcome policy.Outcome
		rules   []policy.RuleID
	}{
		{"nothing known", fakeSource{facts: cedar.RecordMap{"status": cedar.String("none"), "fresh": cedar.True}}, policy.Allow, nil},
		{"known", fakeSource{facts: cedar.RecordMap{"status": cedar.String("pending"), "fresh": cedar.True}}, policy.Block, []policy.RuleID{"NAT-01"}},
		{"stale", fakeSource{facts: cedar.RecordMap{"status": cedar.String("none"), "fresh": cedar.False}}, policy.Hold, []policy.RuleID{"NAT-02"}},
		{"out of reach", fakeSource{err: errors.New("register is locked")}, policy.Block, []policy.RuleID{policy.RuleFacts}},
		{"half an answer", fakeSource{facts: cedar.RecordMap{"status": cedar.String("none")}}, policy.Block, []policy.RuleID{policy.RuleFacts}},
		{"empty answer", fakeSource{}, policy.Block, []policy.RuleID{policy.RuleFacts}},
		{"undeclared fact", fakeSource{facts: cedar.RecordMap{"status": cedar.String("none"), "fresh": cedar.True, "more": cedar.True}}, policy.Block, []policy.RuleID{policy.RuleFacts}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := policytest.Config()
			c.Extra, c.Sources = rules, []policy.Source{&test.source}
			s := bankRecords(t)
			s.facts.Payload = s.payload()
			d, clearance := engineOf(t, c).Decide(t.Context(), s.facts)
			if d.Outcome != test.outcome || !slices.Equal(d.Rules, test.rules) || (clearance != nil) != (test.outcome == policy.Allow) {
				t.Fatalf("decision = %+v, want %s by %v", d, test.outcome, test.rules)
			}
		})
	}
}

func TestNewRefusesSources(t *testing.T) {
	tests := []struct {
		name    string
		sources []policy.Source
		want    string
	}{
		{"twice", []policy.Source{&fakeSource{}, &fakeSource{}}, "name is taken"},
		{"name of a base fact", []policy.Source{&fakeSource{name: "agreement_in_force"}}, "name is taken"},
		{"name form", []policy.Source{&fakeSource{name: "Register 1"}}, "not lower-case"},
		{"optional fact", []policy.Source{&fakeSource{shape: ast.RecordType{"status": {Type: ast.String(), Optional: true}}}}, "is optional"},
		{"unknown type", []policy.Source{&fakeSource{shape: ast.RecordType{"status": {Type: ast.Type("Status")}}}}, "resolving"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := policy.New(policy.Config{Sources: test.sources})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error = %v, want %q", err, test.want)
			}
		})
	}
}

// FuzzExtra: whatever a State writes into its rules, the engine starts with forbids or not at all, and with all base rules.
func FuzzExtra(f *testing.F) {
	base := len(engineOf(f, policy.Config{}).Rules())
	f.Add(forbid("NAT-01", "hold", `resource.attachments > 1`).Text)
	f.Add(forbidPerson("NAT-01", "hold", `resource.named`).Text)
	f.Add([]byte(`permit (principal, action, resource);`))
	f.Add([]byte(`@id("NAT-01") @source("s") @text("t") permit (principal, action, resource);`))
	f.Add([]byte("forbid (principal, action, resource) when { context.x.y.z };"))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := policy.New(policy.Config{Extra: []policy.RuleFile{{Name: "state.cedar", Text: text}}})
		if err != nil {
			return
		}
		kept := 0
		for _, rule := range e.Rules() {
			if rule.Base {
				kept++
			} else if rule.Verdict != policy.Hold && rule.Verdict != policy.Block {
				t.Fatalf("added rule %s has verdict %s", rule.ID, rule.Verdict)
			}
		}
		if kept != base {
			t.Fatalf("%d of %d base rules are left", kept, base)
		}
	})
}
