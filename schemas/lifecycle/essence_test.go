package lifecycle

import (
	"testing"

	"comity/schemas"
)

func TestEssence(t *testing.T) {
	want := map[schemas.MessageType]string{
		"mla.decision/1":             refusedUnderOtherTreaty, // the example's ground is treaty-other
		"mla.result/1":               "partial",
		"mla.consultation-reply/1":   "reject",
		"mla.status-report/1":        "in-execution",
		"mla.withdrawal/1":           "part",
		"mla.use-consent-decision/1": "granted-with-terms",
	}
	for _, typ := range schemas.Types() {
		if typ.Channel() != schemas.ChannelMLA {
			continue
		}
		p, err := schemas.Validate(schemas.Example(typ))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Essence(p); err != nil || got != want[typ] {
			t.Errorf("%s: %q, %v; want %q", typ, got, err, want[typ])
		}
	}
	if _, err := Essence(&schemas.Payload{Type: "mla.result/1", Body: []byte(`{}`)}); err == nil {
		t.Error("a result without extent has an essence")
	}
}

// Each row of a table speaks of a registered type, of states that the table has, and of answers that the schemas
// know as answers.
func TestTablesFitTheSchemas(t *testing.T) {
	for _, s := range mlaStories() {
		ruled := map[string]bool{s.Opening: true}
		for _, r := range s.Rules {
			ruled[r.Type] = true
			typ := newest(schemas.ChannelMLA, r.Type)
			if typ == "" {
				t.Errorf("%s: type %s is not registered", s.Opening, r.Type)
				continue
			}
			answers, required := schemas.Answers(typ)
			if answer := r.Answers + r.MayAnswer; (answer != "") != (len(answers) == 1) || answer != "" && (answers[0].Name() != answer || required != (r.Answers != "")) {
				t.Errorf("%s: %s answers %q here, and %v in the schemas", s.Opening, r.Type, answer, answers)
			}
			if essenceMember(schemas.ChannelMLA, r.Type) == "" && r.Outcomes != nil {
				t.Errorf("%s: %s has outcomes and no essence", s.Opening, r.Type)
			}
			for _, state := range append([]State{r.To}, r.From...) {
				if _, ok := s.States[state]; !ok && state != "" {
					t.Errorf("%s: %s speaks of state %s", s.Opening, r.Type, state)
				}
			}
		}
		if s.Opening != "request" {
			continue
		}
		for _, typ := range schemas.Types() {
			if typ.Channel() == schemas.ChannelMLA && !schemas.Opens(typ) && !ruled[typ.Name()] {
				t.Errorf("type %s has no rule", typ)
			}
		}
	}
}
