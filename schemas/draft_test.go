package schemas

import (
	"errors"
	"strings"
	"testing"
)

func TestParseDraft(t *testing.T) {
	payload := strings.TrimSuffix(strings.TrimSpace(string(Example("mla.request/1"))), "}")
	tests := []struct {
		name, draft string
		want        []string // "pointer rule"
	}{
		{name: "good", draft: payload + `,"to":["QN/justice","QP/justice"]}`},
		{name: "nobody", draft: payload + `}`, want: []string{"/to count"}},
		{name: "not a list", draft: payload + `,"to":"QN/justice"}`, want: []string{"/to count"}},
		{name: "twice", draft: payload + `,"to":["QN/justice","QN/justice"]}`, want: []string{"/to/1 unique"}},
		{name: "not an authority", draft: payload + `,"to":["TESTPERSON ALPHA-01"]}`, want: []string{"/to/0 pattern"}},
		{name: "two members of one name", draft: payload + `,"to":["QN/justice"],"to":["QP/justice"]}`, want: []string{"/to duplicate-name"}},
		{name: "not an object", draft: `["QN/justice"]`, want: []string{" type"}},
		{name: "every defect at once", draft: `{"type":"mla.acknowledgement/1","channel":"mla","to":["x"]}`, want: []string{"/body required", "/to/0 pattern"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := ParseDraft([]byte(tt.draft), nil)
			if tt.want == nil {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				if len(d.To) != 2 || strings.Contains(string(d.Payload), "QN/justice") {
					t.Errorf("recipients %v; the payload still names them, or not two", d.To)
				}
				return
			}
			invalid, ok := errors.AsType[*InvalidError](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			var got []string
			for _, defect := range invalid.Defects {
				got = append(got, defect.Pointer+" "+string(defect.Rule))
				if strings.Contains(defect.Hint+defect.Pointer, "TESTPERSON") {
					t.Error("a defect echoes what was written")
				}
			}
			for _, want := range tt.want {
				if !strings.Contains(strings.Join(got, "\n"), want) {
					t.Errorf("defects %q lack %q", got, want)
				}
			}
		})
	}
}

func TestParseDraftWritesTheDefaultsOut(t *testing.T) {
	d, err := ParseDraft([]byte(`{"to":["QN/justice"],"channel":"mla","type":"mla.status-query/1","case":"00000000000000000000000000",
		"legal_basis":[{"instrument":"untoc","article":"18(24)"}],"language":"en","urgency":"routine","body":{}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !d.Parsed.Confidential || d.Parsed.UseLimit != StatedCaseOnly || d.Parsed.Onward != OnwardNone {
		t.Errorf("defaults: %+v", d.Parsed)
	}
	for _, member := range []string{`"confidential":true`, `"onward":"none"`, `"use_limit":"stated-case-only"`} {
		if !strings.Contains(string(d.Payload), member) {
			t.Errorf("the bytes to approve lack %s", member)
		}
	}
}

func FuzzParseDraft(f *testing.F) {
	f.Add([]byte(`{"to":["QN/justice"]}`))
	f.Add([]byte(strings.TrimSuffix(strings.TrimSpace(string(Example("mla.request/1"))), "}") + `,"to":["QN/justice"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseDraft(data, nil)
		if err != nil {
			return
		}
		if _, err := Validate(d.Payload); err != nil {
			t.Errorf("a draft was accepted whose payload is not valid: %v", err)
		}
	})
}

func TestTheHighestCommonVersionIsWrittenIn(t *testing.T) {
	draft := []byte(strings.Replace(strings.TrimSuffix(strings.TrimSpace(string(Example("mla.request/1"))), "}")+`,"to":["QN/justice","QP/justice"]}`,
		`"mla.request/1"`, `"mla.request"`, 1))
	all := func(AuthorityID) []MessageType { return []MessageType{"mla.request/9", "mla.request/1"} }
	for name, reads := range map[string]Reads{"this program's": nil, "everybody's": all} {
		if d, err := ParseDraft(draft, reads); err != nil || d.Parsed.Type != "mla.request/1" {
			t.Errorf("%s: %v", name, err)
		}
	}
	onlyNewer := func(id AuthorityID) []MessageType {
		if id == "QP/justice" {
			return []MessageType{"mla.request/9"}
		}
		return all(id)
	}
	_, err := ParseDraft(draft, onlyNewer)
	invalid, ok := errors.AsType[*InvalidError](err)
	if !ok || invalid.Defects[0].Pointer != "/type" {
		t.Errorf("no version in common: %v", err)
	}
}

func TestHomeNeverBecomesPartOfThePayload(t *testing.T) {
	payload := strings.TrimSuffix(strings.TrimSpace(string(Example("mla.request/1"))), "}")
	d, err := ParseDraft([]byte(payload+`,"to":["QN/justice"],"home":{"gate":{"notes":"TESTPERSON ALPHA-01 is afraid"}}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if string(d.Home) != `{"gate":{"notes":"TESTPERSON ALPHA-01 is afraid"}}` {
		t.Errorf("home = %s", d.Home)
	}
	if strings.Contains(string(d.Payload), "afraid") || strings.Contains(string(d.Payload), `"home"`) {
		t.Error("what was recorded at home stands in the payload")
	}
	if d, err = ParseDraft([]byte(payload+`,"to":["QN/justice"]}`), nil); err != nil || d.Home != nil {
		t.Errorf("no home: %s, %v", d.Home, err)
	}
}

// TestAnInvalidDraftIsStillTakenApart: the rules of policy are asked about it as well.
func TestAnInvalidDraftIsStillTakenApart(t *testing.T) {
	payload := strings.TrimSuffix(strings.TrimSpace(string(Example("mla.request/1"))), "}")
	d, err := ParseDraft([]byte(payload+`,"to":["QN/justice"],"observations":"none","home":{}}`), nil)
	if _, ok := errors.AsType[*InvalidError](err); !ok {
		t.Fatalf("got %v", err)
	}
	if d == nil || d.Parsed != nil || len(d.To) != 1 || !strings.Contains(string(d.Payload), "observations") || string(d.Home) != "{}" {
		t.Errorf("draft = %+v", d)
	}
}

// Every type has one version so far; the choice must be right on the day on which there are more.
func TestHighestCommonVersion(t *testing.T) {
	ours := []MessageType{"mla.request/1", "mla.request/2", "mla.request/10", "mla.result/11", "border.request/12"}
	tables := map[AuthorityID][]MessageType{
		"QN/justice": {"mla.request/1", "mla.request/2", "mla.request/3"},
		"QP/justice": {"mla.request/10", "mla.request/1"},
	}
	reads := func(id AuthorityID) []MessageType { return tables[id] }
	for _, test := range []struct {
		to    []AuthorityID
		reads Reads
		want  MessageType
	}{
		{nil, nil, "mla.request/10"},
		{[]AuthorityID{"QN/justice"}, reads, "mla.request/2"},
		{[]AuthorityID{"QP/justice"}, reads, "mla.request/10"},
		{[]AuthorityID{"QN/justice", "QP/justice"}, reads, "mla.request/1"},
		{[]AuthorityID{"QN/justice", "QZ/justice"}, reads, ""},
	} {
		if got := highestCommon(ours, "mla.request", test.to, test.reads); got != test.want {
			t.Errorf("for %v: %q, want %q", test.to, got, test.want)
		}
	}
}
