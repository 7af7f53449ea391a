package policy_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cedar-policy/cedar-go"

	"comity/agent/policy"
	"comity/agent/policy/policytest"
	"comity/agent/register"
	"comity/agent/scan"
	"comity/schemas"
)

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
// in turn; then each entity, and each question. None may be allowed, and all must be noticed before a rule is asked.
func TestMissingFactNeverAllows(t *testing.T) {
	s := bankRecords(t).about(schemas.RoleWitness, unnamed)
	s.facts.Payload = s.payload()
	source := &fakeSource{facts: cedar.RecordMap{"status": cedar.String("none"), "fresh": cedar.True}}
	e, err := policy.New(policy.Config{Register: s.register, Scanner: s.scanner, Sources: []policy.Source{source}})
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() *policy.Query {
		q, err := e.Gather(t.Context(), s.facts)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	if got := e.Evaluate(fresh()); got.Outcome != policy.Allow {
		t.Fatalf("complete facts: %+v, want allow", got)
	}
	wrong := cedar.NewDatetime(noon) // no attribute is a datetime
	expect := func(what string, q *policy.Query) {
		t.Helper()
		if got := e.Evaluate(q); got.Outcome != policy.Block || !slices.Equal(got.Rules, []policy.RuleID{policy.RuleFacts}) {
			t.Errorf("%s: %+v, want block by %s", what, got, policy.RuleFacts)
		}
	}

	tried := 0
	for uid, entity := range fresh().Entities {
		for name, value := range entity.Attributes.All() {
			change := func(what string, attributes cedar.Record) {
				q := fresh()
				q.Entities[uid] = cedar.Entity{UID: uid, Attributes: attributes}
				expect(uid.String()+what+string(name), q)
				tried++
			}
			change(" without ", without(entity.Attributes, name))
			change(" with a wrong ", with(entity.Attributes, name, wrong))
			if record, nested := value.(cedar.Record); nested {
				for inner := range record.All() {
					change(" without "+string(inner)+" in ", with(entity.Attributes, name, without(record, inner)))
				}
			}
		}
	}
	inContext := func(what string, context cedar.Record) {
		q := fresh()
		q.Message.Context = context
		expect("context of the message "+what, q)
		for i := range fresh().Persons {
			q := fresh()
			q.Persons[i].Context = context
			expect("context of a person "+what, q)
		}
		tried++
	}
	whole := fresh().Message.Context
	for name, value := range whole.All() {
		inContext("without "+string(name), without(whole, name))
		inContext("with a wrong "+string(name), with(whole, name, wrong))
		if record, nested := value.(cedar.Record); nested {
			for inner := range record.All() {
				inContext("without "+string(name+"."+inner), with(whole, name, without(record, inner)))
			}
		}
	}
	inContext("with an undeclared attribute", with(whole, "undeclared", cedar.True))
	if tried < 150 {
		t.Fatalf("only %d changes tried", tried)
	}

	for uid := range fresh().Entities {
		q := fresh()
		delete(q.Entities, uid)
		if got := e.Evaluate(q); got.Outcome != policy.Block {
			t.Errorf("without entity %s: %+v, want block", uid, got)
		}
	}
	q := fresh()
	q.Persons = q.Persons[1:]
	expect("a person who is not asked about", q)
}

// TestFaultsNeverAllow breaks register and scanner in every way in turn. What they would have said is unknown, which holds;
// a message about nobody, without words, leaves.
func TestFaultsNeverAllow(t *testing.T) {
	broken := errors.New("TESTPERSON ALPHA-01 broke it")
	registers := map[string]policy.Register{
		"none":  nil,
		"error": &policytest.Register{Fresh: true, Err: broken},
		"stale": &policytest.Register{},
		"half": registerFunc(func(context.Context, register.Question) (register.Answer, error) {
			return register.Answer{Fresh: true}, nil
		}),
		"panic":      registerFunc(func(context.Context, register.Question) (register.Answer, error) { panic(broken) }),
		"nil inside": (*policytest.Register)(nil),
	}
	for name, r := range registers {
		t.Run("register "+name, func(t *testing.T) {
			e := engineOf(t, policy.Config{Register: r, Scanner: &policytest.Scanner{}})
			held(t, e, bankRecords(t), policy.Hold, "ASY-03")
			held(t, e, alertAboutNobody(t), policy.Allow, "")
		})
	}
	scanners := map[string]policy.Scanner{
		"none":                     nil,
		"error":                    &policytest.Scanner{Err: broken},
		"panic":                    scannerFunc(func(context.Context, scan.Input) (scan.Report, error) { panic(broken) }),
		"no verdict":               &policytest.Scanner{Report: &scan.Report{Covered: true}},
		"not covered":              &policytest.Scanner{Report: &scan.Report{Verdict: scan.Pass}},
		"unread":                   &policytest.Scanner{Report: &scan.Report{Verdict: scan.Pass, Covered: true, Unscannable: []scan.Unread{{Reason: scan.Crashed}}}},
		"hold for no reason given": &policytest.Scanner{Report: &scan.Report{Verdict: scan.Hold, Covered: true}},
	}
	for name, s := range scanners {
		t.Run("scanner "+name, func(t *testing.T) {
			held(t, engineOf(t, policy.Config{Register: &policytest.Register{Fresh: true}, Scanner: s}), bankRecords(t), policy.Hold, "ASY-10")
		})
	}
}

// TestSlowAnswersHold: neither waits longer than the patience, also where somebody is deaf to the context.
func TestSlowAnswersHold(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	slow := func(name string, c policy.Config, rule policy.RuleID) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				silent := make(chan struct{})
				if r, ok := c.Register.(*policytest.Register); ok && r.Deaf != nil {
					r.Deaf = silent
				}
				if s, ok := c.Scanner.(*policytest.Scanner); ok && s.Deaf != nil {
					s.Deaf = silent
				}
				c.Patience = time.Minute
				begin := time.Now()
				held(t, engineOf(t, c), bankRecords(t), policy.Hold, rule)
				if took := time.Since(begin); took > time.Minute {
					t.Errorf("it waited %s", took)
				}
				close(silent)
				synctest.Wait()
			})
		})
	}
	slow("register", policy.Config{Register: &policytest.Register{Fresh: true, Deaf: never}, Scanner: &policytest.Scanner{}}, "ASY-03")
	slow("scanner", policy.Config{Register: &policytest.Register{Fresh: true}, Scanner: &policytest.Scanner{Deaf: never}}, "ASY-10")
}

type registerFunc func(context.Context, register.Question) (register.Answer, error)

func (f registerFunc) Look(ctx context.Context, q register.Question) (register.Answer, error) {
	return f(ctx, q)
}

type scannerFunc func(context.Context, scan.Input) (scan.Report, error)

func (f scannerFunc) Scan(ctx context.Context, in scan.Input) (scan.Report, error) { return f(ctx, in) }

func engineOf(tb testing.TB, c policy.Config) *policy.Engine {
	tb.Helper()
	e, err := policy.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func alertAboutNobody(tb testing.TB) *story {
	return tell(tb, alert).body(map[string]any{
		"kind": "vehicle", "vehicle": map[string]any{"type": "van", "plate": "TEST-123"}, "handling": "stop", "expires_at": "2026-11-21T06:00:00Z",
	})
}

// held asserts the outcome, and a rule among those that led to it.
func held(t *testing.T, e *policy.Engine, s *story, outcome policy.Outcome, rule policy.RuleID) {
	t.Helper()
	s.facts.Payload = s.payload()
	d, c := e.Decide(t.Context(), s.facts)
	if d.Outcome != outcome || rule != "" && !slices.Contains(d.Rules, rule) || (c != nil) != (outcome == policy.Allow) {
		t.Fatalf("%s by %v (cause %v), want %s by %s", d.Outcome, d.Rules, d.Cause, outcome, rule)
	}
	if d.Cause != nil && strings.Contains(d.Cause.Error(), "TESTPERSON") {
		t.Fatalf("the decision echoes what a fault said: %v", d.Cause)
	}
}

func TestDecideStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := bankRecords(t)
	s.facts.Payload = s.payload()
	d, c := s.engine().Decide(ctx, s.facts)
	if d.Outcome != policy.Block || !slices.Equal(d.Rules, []policy.RuleID{policy.RuleFacts}) || c != nil {
		t.Fatalf("decision = %+v, want block by %s", d, policy.RuleFacts)
	}
	if !errors.Is(d.Cause, context.Canceled) {
		t.Fatalf("cause = %v, want the context's", d.Cause)
	}
}

func TestWhatIsNoMessage(t *testing.T) {
	for name, payload := range map[string]string{
		"not JSON": `TESTPERSON ALPHA-01`, "twice the same member": `{"type":"mla.request/1","type":"mla.request/1"}`, "nothing": ``,
	} {
		s := bankRecords(t)
		s.facts.Payload = []byte(payload)
		d, c := s.engine().Decide(t.Context(), s.facts)
		if d.Outcome != policy.Block || !slices.Equal(d.Rules, []policy.RuleID{policy.RuleForm}) || c != nil || !d.Invalid() || len(d.Defects) == 0 {
			t.Errorf("%s: %+v, want block by %s with its defects", name, d, policy.RuleForm)
		}
		if strings.Contains(d.Cause.Error(), "TESTPERSON") {
			t.Errorf("%s: the decision echoes the payload: %v", name, d.Cause)
		}
	}
}

// TestInvalidIsSaidBesideTheRest: invalid outranks hold and is outranked by block, and a member that cannot be read is no
// reason why the route is closed.
func TestInvalidIsSaidBesideTheRest(t *testing.T) {
	tests := []struct {
		name    string
		story   *story
		outcome policy.Outcome
		rules   []policy.RuleID
	}{
		{"a defect alone", bankRecords(t).set("/body/purpose", nil), policy.Invalid, nil},
		{"no language", bankRecords(t).set("/language", nil), policy.Invalid, nil},
		{"no channel", bankRecords(t).set("/channel", nil), policy.Invalid, nil},
		{"an unknown type", bankRecords(t).set("/type", "mla.gossip/1"), policy.Invalid, nil},
		{"a slip of the pen in a return", verification(t, noNationality).set("/body/civil_status", "maried"), policy.Invalid, nil},
		{"a defect beside a hold", bankRecords(t).set("/body/purpose", nil).registered("D-ALPHA", protectedFromQN), policy.Invalid, []policy.RuleID{"ASY-01", "ASY-05"}},
		{"a defect beside a block", letterAbout(t, schemas.RoleVictim, victimOfQN, "asylum").set("/body/restrictions", nil), policy.Block, []policy.RuleID{"ASY-01"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if d := test.story.expect(test.outcome, test.rules...); !d.Invalid() || len(d.Defects) == 0 {
				t.Errorf("its defects are not reported: %+v", d)
			}
		})
	}
}

func TestDecisionSaysWhyTheRouteIsClosed(t *testing.T) {
	s := bankRecords(t)
	if d, _ := s.decide(); d.Route != nil {
		t.Fatalf("route = %v on an open one", d.Route)
	}
	s.directory.channels = nil
	if d, _ := s.decide(); !errors.Is(d.Route, errNoAgreement) {
		t.Fatalf("route = %v, want the directory's answer", d.Route)
	}
}

// TestDecisionsAreTheSameEachTime: no order of a map, no moment shows in a decision.
func TestDecisionsAreTheSameEachTime(t *testing.T) {
	s := letterAbout(t, schemas.RoleVictim, victimOfQN, "asylum").about(schemas.RoleWitness, noNationality).attach("refugee").
		registered("D-BRAVO", protectedFromQN).likeRegistered(noNationality.name, protectedFromQN).set("/body/remarks", map[string]any{"a": "x", "b": "y"})
	e := s.engine()
	s.facts.Payload = s.payload()
	first, _ := e.Decide(t.Context(), s.facts)
	for range 50 {
		again, _ := e.Decide(t.Context(), s.facts)
		if again.Digest() != first.Digest() || again.Why != first.Why || !slices.Equal(again.Grounds, first.Grounds) || !slices.Equal(again.Proposals, first.Proposals) {
			t.Fatalf("decision = %+v, before %+v", again, first)
		}
	}
}

// A file that travels beside a message is read like one within it: for words, for the people whom it names, and for not being
// there to be read.
func TestFilesBesideAMessageAreRead(t *testing.T) {
	const list = "TESTPERSON CHARLIE-01\nTESTPERSON CHARLIE-02\n"
	beside := func() *story {
		return tell(t, "confiscation.supplement/1").body(map[string]any{"answers": []any{map[string]any{"field": "/body/facts", "answer": "See the list."}}})
	}
	beside().sendBeside(list).expect(policy.Allow)
	protected := register.Match{Status: register.Granted, Origins: []schemas.StateCode{"QN"}}
	beside().sendBeside(list).likeRegistered("TESTPERSON CHARLIE-02", protected).expect(policy.Hold, "ASY-01", "ASY-05")

	unread := beside().sendBeside(list)
	unread.facts.Evidence = nil
	unread.expect(policy.Hold, "ASY-10")
}
