package schemas

import (
	"errors"
	"slices"
	"testing"
)

// Whatever is fed in: no crash, a payload or an InvalidError, never both; an accepted text gives the same payload in
// its canonical form; a refused one shows only pointers that schemas know.
func FuzzValidate(f *testing.F) {
	for _, typ := range Types() {
		f.Add(Example(typ))
	}
	f.Add([]byte(`{"type":"mla.request/2"}`))
	f.Add([]byte(`{"channel":"mla","type":"mla.request/1","subjects":[{"ref":1},2],"attachments":[{"content":"eB=="}],"body":{"persons":[{"person":"p1"}],"files":[1]}}`))
	f.Add([]byte(`[{"a":"\ud800"}]`))
	f.Add([]byte(`null`))
	set, err := compiled()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := Validate(raw)
		if err != nil {
			invalid, ok := errors.AsType[*InvalidError](err)
			if !ok || p != nil || len(invalid.Defects) == 0 {
				t.Fatalf("refused with %v and payload %v", err, p)
			}
			for _, d := range invalid.Defects {
				if d.Pointer != set.known(d.Pointer) || d.Rule == RuleOther {
					t.Fatalf("defect %+v", d)
				}
			}
			return
		}
		if !slices.Contains(Types(), p.Type) || p.Type.Channel() != p.Channel || Opens(p.Type) != (p.Case == "") {
			t.Fatalf("accepted type %q on channel %q", p.Type, p.Channel)
		}
		canonical, err := Canonical(p)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Validate(canonical); err != nil || again.Type != p.Type {
			t.Fatalf("the canonical form is refused: %v", err)
		}
	})
}
