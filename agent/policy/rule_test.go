package policy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/schema/ast"
)

// forbid is an added rule with the given id, verdict and condition.
func forbid(id, verdict, condition string) RuleFile {
	return RuleFile{Name: "state.cedar", Text: []byte(`@id("` + id + `") @verdict("` + verdict + `")
		@source("National law") @text("A sentence.")
		forbid (principal is Authority, action == Action::"send", resource is Message) when { ` + condition + ` };`)}
}

func TestAddedForbids(t *testing.T) {
	hold := forbid("NAT-01", "hold", `resource.confidential || !resource.confidential`)
	block := forbid("NAT-02", "block", `resource.channel == "mla"`)
	silent := forbid("NAT-03", "block", `resource.channel == "border"`)
	tests := []struct {
		name    string
		extra   []RuleFile
		spoil   func(*directory)
		outcome Outcome
		rules   []RuleID
	}{
		{"hold", []RuleFile{hold}, nil, Hold, []RuleID{"NAT-01"}},
		{"block", []RuleFile{block}, nil, Block, []RuleID{"NAT-02"}},
		{"block outranks hold", []RuleFile{hold, block}, nil, Block, []RuleID{"NAT-01", "NAT-02"}},
		{"a forbid that does not apply", []RuleFile{silent}, nil, Allow, nil},
		{"a hold of what nothing permits is a block", []RuleFile{hold},
			func(d *directory) { d.agreement = nil }, Block, []RuleID{"BASE-01", "NAT-01", "ROUTE-01"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			facts, d := cleared(t)
			if test.spoil != nil {
				test.spoil(d)
			}
			decision, clearance := engine(t, Config{Extra: test.extra}).Decide(t.Context(), facts)
			if decision.Outcome != test.outcome || !slices.Equal(decision.Rules, test.rules) {
				t.Fatalf("decision = %+v, want %s by %v", decision, test.outcome, test.rules)
			}
			if (clearance != nil) != (test.outcome == Allow) {
				t.Fatalf("clearance made: %v on %s", clearance != nil, decision.Outcome)
			}
		})
	}
}

// TestDefaultDeny takes every forbid away: what the permit does not say is still denied.
func TestDefaultDeny(t *testing.T) {
	files, err := baseRuleFiles()
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f RuleFile) bool { return f.Name != "rules/base.cedar" })
	e, err := newEngine(files, Config{})
	if err != nil {
		t.Fatal(err)
	}
	facts, d := cleared(t)
	if decision, _ := e.Decide(t.Context(), facts); decision.Outcome != Allow {
		t.Fatalf("decision = %+v, want allow", decision)
	}
	d.agreement = nil
	decision, clearance := e.Decide(t.Context(), facts)
	if decision.Outcome != Block || !slices.Equal(decision.Rules, []RuleID{RuleBase}) || clearance != nil {
		t.Fatalf("decision = %+v, want block by %s", decision, RuleBase)
	}
}

// TestFailingRuleBlocks has a forbid that is well typed and fails when it is evaluated. Cedar skips it and allows.
func TestFailingRuleBlocks(t *testing.T) {
	broken := forbid("NAT-01", "hold", `(resource.attachments + 9223372036854775807) * 2 > 0`)
	e := engine(t, Config{Extra: []RuleFile{broken}})
	facts, _ := cleared(t)
	decision, clearance := e.Decide(t.Context(), facts)
	if decision.Outcome != Block || !slices.Equal(decision.Rules, []RuleID{RuleEval}) || clearance != nil {
		t.Fatalf("decision = %+v, want block by %s", decision, RuleEval)
	}
	if decision.Cause == nil || !strings.Contains(decision.Cause.Error(), "NAT-01") {
		t.Fatalf("cause = %v, want the failing rule named", decision.Cause)
	}
}

func TestNewRefusesRules(t *testing.T) {
	text := func(s string) RuleFile { return RuleFile{Name: "state.cedar", Text: []byte(s)} }
	tests := []struct {
		name string
		file RuleFile
		want string
	}{
		{"permit", text(`@id("NAT-01") @source("s") @text("t") permit (principal is Authority, action == Action::"send", resource is Message);`), "may only forbid"},
		{"id of a base rule", forbid("ROUTE-01", "block", "true"), "used twice"},
		{"id of an engine rule", forbid("EVAL-01", "block", "true"), "used twice"},
		{"no id", text(`forbid (principal, action, resource);`), "needs @id"},
		{"no verdict", text(`@id("NAT-01") @source("s") @text("t") forbid (principal, action, resource);`), "needs @verdict"},
		{"verdict allow", forbid("NAT-01", "allow", "true"), "needs @verdict"},
		{"no text", text(`@id("NAT-01") @verdict("hold") @source("s") forbid (principal, action, resource);`), "needs @source and @text"},
		{"syntax", text(`forbid (`), "parsing rules state.cedar"},
		{"empty", text(``), "no rule in the file"},
		{"comment only", text(`// nothing`), "no rule in the file"},
		{"undeclared attribute", forbid("NAT-01", "block", `resource.asylum == true`), "against the schema"},
		{"wrong type", forbid("NAT-01", "block", `resource.channel > 3`), "against the schema"},
		{"undeclared entity", forbid("NAT-01", "block", `principal in Group::"x"`), "against the schema"},
		{"other action", text(`@id("NAT-01") @verdict("block") @source("s") @text("t") forbid (principal, action == Action::"receive", resource);`), "against the schema"},
		{"too large", text(strings.Repeat(" ", maxRuleFile+1)), "larger than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(Config{Extra: []RuleFile{test.file}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error = %v, want %q", err, test.want)
			}
		})
	}
}

// fakeSource is a Source as a protection register would be one.
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

func (r *fakeSource) Facts(context.Context, Message) (cedar.Record, error) {
	return cedar.NewRecord(r.facts), r.err
}

func TestSources(t *testing.T) {
	rules := []RuleFile{
		forbid("NAT-01", "block", `context.register.status == "pending"`),
		forbid("NAT-02", "hold", `!context.register.fresh`),
	}
	tests := []struct {
		name    string
		source  fakeSource
		outcome Outcome
		rules   []RuleID
	}{
		{"nothing known", fakeSource{facts: cedar.RecordMap{"status": cedar.String("none"), "fresh": cedar.True}}, Allow, nil},
		{"known", fakeSource{facts: cedar.RecordMap{"status": cedar.String("pending"), "fresh": cedar.True}}, Block, []RuleID{"NAT-01"}},
		{"stale", fakeSource{facts: cedar.RecordMap{"status": cedar.String("none"), "fresh": cedar.False}}, Hold, []RuleID{"NAT-02"}},
		{"out of reach", fakeSource{err: errors.New("register is locked")}, Block, []RuleID{RuleFacts}},
		{"half an answer", fakeSource{facts: cedar.RecordMap{"status": cedar.String("none")}}, Block, []RuleID{RuleFacts}},
		{"empty answer", fakeSource{}, Block, []RuleID{RuleFacts}},
		{"undeclared fact", fakeSource{facts: cedar.RecordMap{"status": cedar.String("none"), "fresh": cedar.True, "more": cedar.True}}, Block, []RuleID{RuleFacts}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := engine(t, Config{Extra: rules, Sources: []Source{&test.source}})
			facts, _ := cleared(t)
			decision, clearance := e.Decide(t.Context(), facts)
			if decision.Outcome != test.outcome || !slices.Equal(decision.Rules, test.rules) {
				t.Fatalf("decision = %+v, want %s by %v", decision, test.outcome, test.rules)
			}
			if (clearance != nil) != (test.outcome == Allow) {
				t.Fatalf("clearance made: %v on %s", clearance != nil, decision.Outcome)
			}
		})
	}
}

func TestNewRefusesSources(t *testing.T) {
	tests := []struct {
		name    string
		sources []Source
		want    string
	}{
		{"twice", []Source{&fakeSource{}, &fakeSource{}}, "name is taken"},
		{"name of a base fact", []Source{&fakeSource{name: "agreement_in_force"}}, "name is taken"},
		{"name form", []Source{&fakeSource{name: "Register 1"}}, "not lower-case"},
		{"optional fact", []Source{&fakeSource{shape: ast.RecordType{"status": {Type: ast.String(), Optional: true}}}}, "is optional"},
		{"unknown type", []Source{&fakeSource{shape: ast.RecordType{"status": {Type: ast.Type("Status")}}}}, "resolving"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(Config{Sources: test.sources})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error = %v, want %q", err, test.want)
			}
		})
	}
}

// FuzzExtra: whatever a State writes into its rules, the engine starts with forbids or not at all.
func FuzzExtra(f *testing.F) {
	f.Add(forbid("NAT-01", "hold", `resource.attachments > 1`).Text)
	f.Add([]byte(`permit (principal, action, resource);`))
	f.Add([]byte(`@id("NAT-01") @source("s") @text("t") permit (principal, action, resource);`))
	f.Add([]byte("forbid (principal, action, resource) when { context.x.y.z };"))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := New(Config{Extra: []RuleFile{{Name: "state.cedar", Text: text}}})
		if err != nil {
			return
		}
		for _, rule := range e.Rules() {
			if !rule.Base && rule.Verdict != Hold && rule.Verdict != Block {
				t.Fatalf("added rule %s has verdict %s", rule.ID, rule.Verdict)
			}
		}
	})
}
