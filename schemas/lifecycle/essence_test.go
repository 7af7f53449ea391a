package lifecycle

import (
	"slices"
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
	for _, ch := range schemas.Channels() {
		ruled := map[schemas.MessageType]bool{}
		for _, s := range stories(ch) {
			ruled[newest(ch, s.Opening)] = true
			if !schemas.Opens(newest(ch, s.Opening)) {
				t.Errorf("%s.%s opens no case in the schemas", ch, s.Opening)
			}
			for _, r := range s.Rules {
				ruled[newest(ch, r.Type)] = true
				fits(t, ch, s, r)
			}
		}
		for _, typ := range schemas.Types() {
			if typ.Channel() == ch && stories(ch) != nil && !ruled[typ] {
				t.Errorf("type %s has no rule", typ)
			}
		}
	}
}

func fits(t *testing.T, ch schemas.Channel, s *story, r rule) {
	typ := newest(ch, r.Type)
	if typ == "" {
		t.Errorf("%s.%s: type %s is not registered", ch, s.Opening, r.Type)
		return
	}
	answers, required := schemas.Answers(typ)
	known := slices.ContainsFunc(answers, func(a schemas.MessageType) bool { return a.Name() == r.Answers+r.MayAnswer })
	if answer := r.Answers + r.MayAnswer; (answer != "" || required) && (!known || required && r.Answers == "") {
		t.Errorf("%s.%s: %s answers %q here, and %v in the schemas", ch, s.Opening, r.Type, answer, answers)
	}
	if essenceMember(ch, r.Type) == "" && r.Outcomes != nil {
		t.Errorf("%s.%s: %s has outcomes and no essence", ch, s.Opening, r.Type)
	}
	for _, state := range slices.Concat([]State{r.To}, r.From, s.Lapses, s.Ends) {
		if _, ok := s.States[state]; !ok && state != "" {
			t.Errorf("%s.%s: %s speaks of state %s", ch, s.Opening, r.Type, state)
		}
	}
}
