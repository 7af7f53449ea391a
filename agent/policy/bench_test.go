package policy_test

import (
	"testing"

	"comity/agent/policy"
	"comity/agent/policy/policytest"
	"comity/agent/scan"
)

func BenchmarkReal(b *testing.B) {
	scanner, err := scan.New(scan.Config{})
	if err != nil {
		b.Fatal(err)
	}
	e, err := policy.New(policy.Config{Register: &policytest.Register{Fresh: true}, Scanner: scanner})
	if err != nil {
		b.Fatal(err)
	}
	s := bankRecords(b)
	s.facts.Payload = s.payload()
	b.ReportAllocs()
	for b.Loop() {
		e.Decide(b.Context(), s.facts)
	}
}

func BenchmarkFakes(b *testing.B) {
	s := bankRecords(b)
	s.facts.Payload = s.payload()
	e := s.engine()
	b.ReportAllocs()
	for b.Loop() {
		e.Decide(b.Context(), s.facts)
	}
}
