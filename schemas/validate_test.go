package schemas

import (
	"testing"
)

func TestExamplesAreValid(t *testing.T) {
	for _, typ := range Types() {
		example := Example(typ)
		if example == nil {
			t.Errorf("%s has no example", typ)
			continue
		}
		p, err := Validate(example)
		if err != nil {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		if p.Type != typ || p.Channel != typ.Channel() || (p.Case == "") != Opens(typ) {
			t.Errorf("%s: decoded as type %q, channel %q, case %q", typ, p.Type, p.Channel, p.Case)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	example := Example("mla.request/1")
	for b.Loop() {
		if _, err := Validate(example); err != nil {
			b.Fatal(err)
		}
	}
}
