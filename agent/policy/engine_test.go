package policy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"

	"comity/pki"
	"comity/schemas"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const request schemas.MessageType = "mla.request/1"

// directory is a directory of two States with one agreement between them; the tests take parts away.
type directory struct {
	rows      map[schemas.AuthorityID]*pki.Authority
	agreement *pki.Agreement
}

var errNoAgreement = errors.New("no agreement in force")

func (d *directory) Authority(id schemas.AuthorityID) (*pki.Authority, error) {
	if row, found := d.rows[id]; found {
		return row, nil
	}
	return nil, errors.New("not in the directory")
}

func (d *directory) Route(_, _ schemas.AuthorityID, ch schemas.Channel, _ time.Time) (*pki.Agreement, error) {
	if d.agreement == nil || ch != schemas.ChannelMLA {
		return nil, errNoAgreement
	}
	return d.agreement, nil
}

func row(id schemas.AuthorityID, p *schemas.Payload) *pki.Authority {
	return &pki.Authority{
		ID: id, Kind: "central-authority",
		Channels:  []schemas.Channel{p.Channel},
		Types:     []schemas.MessageType{p.Type},
		Languages: []string{string(p.Language.Primary())},
	}
}

// cleared is facts that the rules allow.
func cleared(tb testing.TB) (Facts, *directory) {
	tb.Helper()
	payload := schemas.Example(request)
	parsed, err := schemas.Validate(payload)
	if err != nil {
		tb.Fatal(err)
	}
	d := &directory{
		rows: map[schemas.AuthorityID]*pki.Authority{
			"QM/justice": row("QM/justice", parsed),
			"QN/justice": row("QN/justice", parsed),
		},
		agreement: &pki.Agreement{ID: "QM-QN-1"},
	}
	return Facts{From: "QM/justice", To: "QN/justice", Payload: payload, Directory: d, At: noon}, d
}

func engine(tb testing.TB, c Config) *Engine {
	tb.Helper()
	e, err := New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func TestDecideAllows(t *testing.T) {
	facts, _ := cleared(t)
	decision, clearance := engine(t, Config{}).Decide(t.Context(), facts)
	if decision.Outcome != Allow || len(decision.Rules) != 0 || decision.Cause != nil {
		t.Fatalf("decision = %+v, want a plain allow", decision)
	}
	if !clearance.Covers(facts.Payload, "QN/justice") {
		t.Fatal("the clearance does not cover what was decided")
	}
}

// TestEachRule has one row for each rule: TestDecideAllows is the other way of all of them. A rule without a row fails.
func TestEachRule(t *testing.T) {
	tests := []struct {
		name  string
		rules []RuleID
		spoil func(*Facts, *directory)
	}{
		{"no agreement in force", []RuleID{"BASE-01", "ROUTE-01"},
			func(_ *Facts, d *directory) { d.agreement = nil }},
		{"unknown recipient", []RuleID{"BASE-01", "ROUTE-02"},
			func(_ *Facts, d *directory) { delete(d.rows, "QN/justice") }},
		{"recipient not connected", []RuleID{"BASE-01", "ROUTE-02"},
			func(_ *Facts, d *directory) { d.rows["QN/justice"].Kind = pki.KindNotConnected }},
		{"directory answers with another authority", []RuleID{"BASE-01", "ROUTE-02"},
			func(_ *Facts, d *directory) { d.rows["QN/justice"].ID = "QN/border" }},
		{"unknown sender", []RuleID{"BASE-01", "ROUTE-03"},
			func(_ *Facts, d *directory) { delete(d.rows, "QM/justice") }},
		{"sender not connected", []RuleID{"BASE-01", "ROUTE-03"},
			func(_ *Facts, d *directory) { d.rows["QM/justice"].Kind = pki.KindNotConnected }},
		{"channel not taken part in", []RuleID{"BASE-01", "ROUTE-04"},
			func(_ *Facts, d *directory) { d.rows["QN/justice"].Channels = []schemas.Channel{schemas.ChannelBorder} }},
		{"type version not read", []RuleID{"BASE-01", "TYPE-01"},
			func(_ *Facts, d *directory) { d.rows["QN/justice"].Types = []schemas.MessageType{"mla.request/2"} }},
		{"language not accepted", []RuleID{"BASE-01", "LANG-01"},
			func(_ *Facts, d *directory) { d.rows["QN/justice"].Languages = []string{"xx"} }},
		{"several causes are all named", []RuleID{"BASE-01", "LANG-01", "ROUTE-01", "TYPE-01"},
			func(_ *Facts, d *directory) {
				d.agreement, d.rows["QN/justice"].Types, d.rows["QN/justice"].Languages = nil, nil, nil
			}},
		{"payload breaks its schema", []RuleID{RuleForm},
			func(f *Facts, _ *directory) { f.Payload = []byte(`{"type":"mla.request/1"}`) }},
		{"payload is not JSON", []RuleID{RuleForm},
			func(f *Facts, _ *directory) { f.Payload = []byte(`TESTPERSON ALPHA-01`) }},
		{"no directory", []RuleID{RuleFacts},
			func(f *Facts, _ *directory) { f.Directory = nil }},
		{"no time", []RuleID{RuleFacts},
			func(f *Facts, _ *directory) { f.At = time.Time{} }},
	}
	e := engine(t, Config{})
	seen := map[RuleID]bool{RuleEval: true} // TestFailingRuleBlocks
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			facts, d := cleared(t)
			test.spoil(&facts, d)
			decision, clearance := e.Decide(t.Context(), facts)
			if decision.Outcome != Block || clearance != nil {
				t.Fatalf("outcome = %s (clearance %v), want block without clearance", decision.Outcome, clearance != nil)
			}
			if !slices.Equal(decision.Rules, test.rules) {
				t.Fatalf("rules = %v, want %v", decision.Rules, test.rules)
			}
			if decision.Cause != nil && strings.Contains(decision.Cause.Error(), "TESTPERSON") {
				t.Fatalf("the decision echoes the payload: %v", decision.Cause)
			}
			if decision.Invalid() != (test.rules[0] == RuleForm) {
				t.Fatalf("invalid = %v", decision.Invalid())
			}
		})
		for _, id := range test.rules {
			seen[id] = true
		}
	}
	for _, rule := range e.Rules() {
		if !seen[rule.ID] {
			t.Errorf("rule %s has no test", rule.ID)
		}
		if !rule.Base || rule.Text == "" || rule.Source == "" {
			t.Errorf("rule %s is not fully described: %+v", rule.ID, rule)
		}
	}
}

func TestDecisionSaysWhyTheRouteIsClosed(t *testing.T) {
	facts, d := cleared(t)
	e := engine(t, Config{})
	if decision, _ := e.Decide(t.Context(), facts); decision.Route != nil {
		t.Fatalf("route = %v on an open one", decision.Route)
	}
	d.agreement = nil
	if decision, _ := e.Decide(t.Context(), facts); !errors.Is(decision.Route, errNoAgreement) {
		t.Fatalf("route = %v, want the directory's answer", decision.Route)
	}
}

func TestInvalidNamesDefects(t *testing.T) {
	facts, _ := cleared(t)
	facts.Payload = []byte(`{"type":"mla.request/1"}`)
	decision, _ := engine(t, Config{}).Decide(t.Context(), facts)
	if !decision.Invalid() || len(decision.Defects) == 0 {
		t.Fatalf("decision = %+v, want invalid with its defects", decision)
	}
}

// without gives the record less one attribute.
func without(r cedar.Record, name cedar.String) cedar.Record {
	m := r.Map()
	delete(m, name)
	return cedar.NewRecord(m)
}

// with gives the record with one attribute replaced by a value of a type that nothing declares.
func with(r cedar.Record, name cedar.String, v cedar.Value) cedar.Record {
	m := r.Map()
	m[name] = v
	return cedar.NewRecord(m)
}

// TestMissingFactNeverAllows deletes each attribute that the rules could read, and replaces it by one of another type,
// in turn; then each entity. None may be allowed, and all must be noticed before a rule is asked.
func TestMissingFactNeverAllows(t *testing.T) {
	source := &fakeSource{facts: cedar.RecordMap{"status": cedar.String("none"), "fresh": cedar.True}}
	e := engine(t, Config{Sources: []Source{source}})
	facts, _ := cleared(t)
	parsed, err := schemas.Validate(facts.Payload)
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() query {
		q, err := gather(t.Context(), facts, parsed, e.sources)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	if got := e.decide(fresh()); got.Outcome != Allow {
		t.Fatalf("complete facts: %+v, want allow", got)
	}
	wrong := cedar.NewDatetime(noon) // no attribute is a datetime
	expect := func(what string, q query) {
		t.Helper()
		if got := e.decide(q); got.Outcome != Block || !slices.Equal(got.Rules, []RuleID{RuleFacts}) {
			t.Errorf("%s: %+v, want block by %s", what, got, RuleFacts)
		}
	}

	tried := 0
	for uid, entity := range fresh().entities {
		for name := range entity.Attributes.All() {
			q := fresh()
			q.entities[uid] = cedar.Entity{UID: uid, Attributes: without(entity.Attributes, name)}
			expect(uid.String()+" without "+string(name), q)
			q.entities[uid] = cedar.Entity{UID: uid, Attributes: with(entity.Attributes, name, wrong)}
			expect(uid.String()+" with a wrong "+string(name), q)
			tried++
		}
	}
	for name, value := range fresh().request.Context.All() {
		q := fresh()
		q.request.Context = without(q.request.Context, name)
		expect("context without "+string(name), q)
		q.request.Context = with(q.request.Context, name, wrong)
		expect("context with a wrong "+string(name), q)
		tried++
		record, nested := value.(cedar.Record)
		if !nested {
			continue
		}
		for inner := range record.All() {
			q := fresh()
			q.request.Context = with(q.request.Context, name, without(record, inner))
			expect("context without "+string(name+"."+inner), q)
			tried++
		}
	}
	if tried < 20 {
		t.Fatalf("only %d attributes tried", tried)
	}

	for uid := range fresh().entities {
		q := fresh()
		delete(q.entities, uid)
		if got := e.decide(q); got.Outcome != Block {
			t.Errorf("without entity %s: %+v, want block", uid, got)
		}
	}
	q := fresh()
	q.request.Context = with(q.request.Context, "undeclared", cedar.True)
	expect("context with an undeclared attribute", q)
}

func TestDecideStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	facts, _ := cleared(t)
	decision, clearance := engine(t, Config{}).Decide(ctx, facts)
	if decision.Outcome != Block || !slices.Equal(decision.Rules, []RuleID{RuleFacts}) || clearance != nil {
		t.Fatalf("decision = %+v, want block by %s", decision, RuleFacts)
	}
	if !errors.Is(decision.Cause, context.Canceled) {
		t.Fatalf("cause = %v, want the context's", decision.Cause)
	}
}

// BenchmarkDecide is the cost of one message to one recipient, the reading of the payload included.
func BenchmarkDecide(b *testing.B) {
	e := engine(b, Config{})
	facts, _ := cleared(b)
	b.ReportAllocs()
	for b.Loop() {
		if decision, _ := e.Decide(b.Context(), facts); decision.Outcome != Allow {
			b.Fatal(decision)
		}
	}
}

// BenchmarkRules is the part of it that the rules cost.
func BenchmarkRules(b *testing.B) {
	e := engine(b, Config{})
	facts, _ := cleared(b)
	parsed, err := schemas.Validate(facts.Payload)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		q, err := gather(b.Context(), facts, parsed, nil)
		if err != nil {
			b.Fatal(err)
		}
		if decision := e.decide(q); decision.Outcome != Allow {
			b.Fatal(decision)
		}
	}
}
