package schemas

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// edits are changes to an example: a pointer to a new value, nil to take the member away.
type edits map[string]any

func changed(t testing.TB, typ MessageType, changes edits) []byte {
	raw := Example(typ)
	for _, at := range slices.Sorted(maps.Keys(changes)) {
		raw = mutate(t, raw, at, func(any) any { return changes[at] })
	}
	return raw
}

// The conditions of the law that a list of members cannot express.
func TestConditions(t *testing.T) {
	const request, decision = "mla.request/1", "mla.decision/1"
	only := func(kind string) edits {
		return edits{"/body/assistance": []string{kind}, "/body/other_assistance": nil, "/body/video_hearing": nil}
	}
	with := func(base edits, more edits) edits {
		all := maps.Clone(base)
		maps.Copy(all, more)
		return all
	}
	refusal := func(ground any) edits {
		return edits{"/body": map[string]any{"outcome": "refused", "ground": ground, "reasons": "Because of the law."}}
	}
	body := func(v map[string]any) edits { return edits{"/body": v} }
	tests := []struct {
		name    string
		typ     MessageType
		changes edits
		at      string // "" where it is valid
		rule    Rule
	}{
		{"facts left out for service of documents", request, with(only("serve-documents"), edits{"/body/facts": nil}), "", ""},
		{"facts left out for records", request, with(only("provide-records"), edits{"/body/facts": nil}), "/body/facts", RuleRequired},
		{"facts left out for service and more", request, with(only(""), edits{"/body/assistance": []string{"serve-documents", "provide-records"}, "/body/facts": nil}), "/body/facts", RuleRequired},
		{"no assistance", request, edits{"/body/assistance": []string{}}, "/body/assistance", RuleCount},
		{"assistance twice", request, edits{"/body/assistance": []string{"provide-records", "provide-records", "take-evidence", "other"}}, "/body/assistance", RuleUnique},
		{"unknown assistance", request, only("extradite"), "/body/assistance/0", RuleEnum},
		{"other without text", request, edits{"/body/other_assistance": nil}, "/body/other_assistance", RuleRequired},
		{"text without other", request, edits{"/body/assistance": []string{"take-evidence"}}, "/body/other_assistance", RuleNotAllowed},
		{"persons are never required", request, edits{"/body/persons": nil, "/body/video_hearing": nil, "/body/temporary_transfer": nil, "/body/safe_conduct": nil, "/subjects": nil}, "", ""},
		{"video hearing without taking of evidence", request, edits{"/body/assistance": []string{"other"}}, "/body/assistance", RuleAlternative},
		{"person who is no subject", request, edits{"/body/safe_conduct/person": "p9"}, "/body/safe_conduct/person", RuleUnknownRef},
		{"consent given on no day", request, edits{"/body/temporary_transfer/consent": map[string]any{"status": "given"}}, "/body/temporary_transfer/consent/given_on", RuleRequired},
		{"consent still to be taken", request, edits{"/body/temporary_transfer/consent": map[string]any{"status": "to-be-taken"}}, "", ""},
		{"authority does not agree", request, edits{"/body/temporary_transfer/authorities_agree": false}, "/body/temporary_transfer/authorities_agree", RuleConst},
		{"nature of the matter", request, edits{"/body/matter/nature": "inquiry"}, "/body/matter/nature", RuleEnum},
		{"safe conduct for no day", request, edits{"/body/safe_conduct/days": 0}, "/body/safe_conduct/days", RuleRange},
		{"case in an opening message", request, edits{"/case": strings.Repeat("a", 26)}, "/case", RuleNotAllowed},
		{"reply in an opening message", request, edits{"/in_reply_to": strings.Repeat("a", 26)}, "/in_reply_to", RuleNotAllowed},
		{"recipient in the payload", request, edits{"/to": []string{"QN/justice"}}, "", Rule(RuleUnknownMember)},

		{"urgent without a reason", request, edits{"/urgency_reason": nil}, "/urgency_reason", RuleRequired},
		{"routine with a reason", request, edits{"/urgency": "routine"}, "/urgency_reason", RuleNotAllowed},
		{"deadline without a reason", request, edits{"/due_reason": nil}, "/due_reason", RuleRequired},
		{"reason without a deadline", request, edits{"/due": nil}, "/due", RuleRequired},
		{"no such day", request, edits{"/due": "2026-02-30"}, "/due", RuleFormat},
		{"listed without a list", request, edits{"/onward_to": nil}, "/onward_to", RuleRequired},
		{"list without listed", request, edits{"/onward": "none"}, "/onward_to", RuleNotAllowed},
		{"protected and passed on", request, edits{"/protect_from": []string{"QP"}}, "/onward", RuleConst},
		{"no legal basis", request, edits{"/legal_basis": []any{}}, "/legal_basis", RuleCount},
		{"identity without name or document", request, edits{"/subjects/0/identity": map[string]any{"sex": "female"}}, "/subjects/0/identity", RuleAlternative},
		{"identity by document alone", request, edits{"/subjects/0/identity/names": nil}, "", ""},
		{"two subjects with one reference", request, edits{"/subjects/1/ref": "p1"}, "/subjects/1/ref", RuleUnique},
		{"text that turns its direction", request, edits{"/body/facts": "paid \u202e000,1"}, "/body/facts", RulePattern},
		{"text too long", request, edits{"/body/facts": strings.Repeat("a", 20001)}, "/body/facts", RuleLength},

		{"time with an offset", "mla.acknowledgement/1", edits{"/body/received_at": "2026-11-02T09:30:00+01:00"}, "/body/received_at", RulePattern},
		{"time without a zone", "mla.acknowledgement/1", edits{"/body/received_at": "2026-11-02T09:30:00"}, "/body/received_at", RuleFormat},

		{"refusal, 21(b)", decision, refusal("sovereignty-security-ordre-public"), "", ""},
		{"refusal because of bank secrecy", decision, refusal("bank-secrecy"), "/body/ground", RuleEnum},
		{"refusal because the matter is fiscal", decision, refusal("fiscal-only"), "/body/ground", RuleEnum},
		{"refusal under an unnamed treaty", decision, refusal("treaty-other"), "/body/ground_text", RuleRequired},
		{"refusal without ground", decision, edits{"/body/ground": nil}, "/body/ground", RuleRequired},
		{"refusal without reasons", decision, edits{"/body/reasons": nil}, "/body/reasons", RuleRequired},
		{"accepted", decision, body(map[string]any{"outcome": "accepted"}), "", ""},
		{"accepted with reasons", decision, body(map[string]any{"outcome": "accepted", "reasons": "x"}), "/body/reasons", RuleNotAllowed},
		{"not available says no more", decision, body(map[string]any{"outcome": "not-available", "reasons": "x"}), "/body/reasons", RuleNotAllowed},
		{"conditional without terms", decision, body(map[string]any{"outcome": "conditional"}), "/body/terms", RuleRequired},
		{"terms without condition", decision, body(map[string]any{"outcome": "accepted", "terms": []string{"x"}}), "/body/terms", RuleNotAllowed},
		{"partial without reasons", decision, body(map[string]any{"outcome": "partial"}), "/body/reasons", RuleRequired},
		{"postponed", decision, body(map[string]any{"outcome": "postponed", "reason": "interferes-with-ongoing-proceedings", "review_at": "2027-01-01", "reasons": "x"}), "", ""},
		{"postponed without review", decision, body(map[string]any{"outcome": "postponed", "reason": "interferes-with-ongoing-proceedings", "reasons": "x"}), "/body/review_at", RuleRequired},
		{"postponed for another reason", decision, body(map[string]any{"outcome": "postponed", "reason": "busy", "review_at": "2027-01-01", "reasons": "x"}), "/body/reason", RuleEnum},
		{"ground on a postponement", decision, body(map[string]any{"outcome": "postponed", "reason": "interferes-with-ongoing-proceedings", "review_at": "2027-01-01", "reasons": "x", "ground": "non-conforming"}), "/body/ground", RuleNotAllowed},

		{"a reason of a postponement on a refusal", decision, edits{"/body/reason": "interferes-with-ongoing-proceedings"}, "/body/reason", RuleNotAllowed},
		{"a review of a refusal", decision, edits{"/body/review_at": "2027-01-01"}, "/body/review_at", RuleNotAllowed},
		{"not available, with the text of a refusal", decision, body(map[string]any{"outcome": "not-available", "template": "refusal-non-conforming"}), "/body/template", RuleEnum},
		{"neither confirmed nor denied", decision, body(map[string]any{"outcome": "not-available", "template": "neither-confirm-nor-deny"}), "", ""},

		{"nothing, with items", "mla.result/1", edits{"/body/extent": "none"}, "/body/items", RuleNotAllowed},
		{"withdrawal for any reason", "mla.withdrawal/1", edits{"/body/reason": "no longer wanted"}, "/body/reason", RuleEnum},
		{"withdrawal of the whole names no part", "mla.withdrawal/1", edits{"/body/scope": "whole"}, "/body/part", RuleNotAllowed},
		{"confirmation of an unnamed part", "mla.withdrawal-confirmation/1", edits{"/body/part": nil}, "/body/part", RuleRequired},
		{"confirmation of the whole names no part", "mla.withdrawal-confirmation/1", edits{"/body/scope": "whole"}, "/body/part", RuleNotAllowed},
		{"withdrawal of an unnamed part", "mla.withdrawal/1", edits{"/body/part": nil}, "/body/part", RuleRequired},
		{"consent refused, with terms", "mla.use-consent-decision/1", edits{"/body/outcome": "refused"}, "/body/terms", RuleNotAllowed},
		{"answer with a file that is not there", "mla.supplement/1", edits{"/attachments": nil}, "/body/answers/0/files/0", RuleUnknownRef},
		{"confidential always, until a day", "mla.spontaneous-information/1", edits{"/body/restrictions/keep_confidential": "always"}, "/body/restrictions/until", RuleNotAllowed},
		{"confidential until no day", "mla.spontaneous-information/1", edits{"/body/restrictions/until": nil}, "/body/restrictions/until", RuleRequired},
		{"status query with a text", "mla.status-query/1", edits{"/body/question": "when?"}, "/body", Rule(RuleUnknownMember)},
		{"report that answers nothing", "mla.status-report/1", edits{"/in_reply_to": nil}, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw := changed(t, test.typ, test.changes)
			if test.rule == "" {
				if _, err := Validate(raw); err != nil {
					t.Fatal(err)
				}
				return
			}
			if defects := refused(t, raw); !has(defects, test.at, test.rule) {
				t.Fatalf("want %s at %q, got %v", test.rule, test.at, defects)
			}
		})
	}
}

func TestAttachments(t *testing.T) {
	file := func(name string, content []byte) map[string]any {
		sum := sha256.Sum256(content)
		return map[string]any{
			"name": name, "media_type": "application/pdf", "sha256": hex.EncodeToString(sum[:]),
			"bytes": len(content), "content": base64.StdEncoding.EncodeToString(content),
		}
	}
	put := func(a map[string]any, name string, v any) map[string]any {
		a[name] = v
		return a
	}
	full := make([]byte, MaxAttachmentBytes)
	tests := []struct {
		name  string
		files []any
		at    string
		rule  Rule
	}{
		{"as large as may be", []any{file("a.pdf", full)}, "", ""},
		{"one byte more", []any{file("a.pdf", full), file("b.pdf", []byte("x"))}, "/attachments", RuleAttachmentsTotal},
		{"other content", []any{put(file("a.pdf", []byte("x")), "content", "eQ==")}, "/attachments/0/sha256", RuleAttachmentHash},
		{"other size", []any{put(file("a.pdf", []byte("x")), "bytes", 2)}, "/attachments/0/bytes", RuleAttachmentSize},
		{"line ends in base64", []any{put(file("a.pdf", []byte("x")), "content", "eA\n==")}, "/attachments/0/content", RuleAttachmentEncoding},
		{"second text for the same bytes", []any{put(file("a.pdf", []byte("x")), "content", "eB==")}, "/attachments/0/content", RuleAttachmentEncoding},
		{"no padding", []any{put(file("a.pdf", []byte("xyz4")), "content", "eHl6NA")}, "/attachments/0/content", RuleAttachmentEncoding},
		{"two of one name", []any{file("a.pdf", []byte("x")), file("a.pdf", []byte("y"))}, "/attachments/1/name", RuleUnique},
		{"a name that says something", []any{file("Statement of ALPHA.pdf", []byte("x"))}, "/attachments/0/name", RulePattern},
		{"a path", []any{file("../a.pdf", []byte("x"))}, "/attachments/0/name", RulePattern},
		{"empty", []any{file("a.pdf", nil)}, "/attachments/0/bytes", RuleRange},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw := changed(t, "mla.request/1", edits{"/attachments": test.files})
			if test.rule == "" {
				p, err := Validate(raw)
				if err != nil || len(p.Attachments) != 1 || len(p.Attachments[0].Content) != MaxAttachmentBytes {
					t.Fatalf("%v", err)
				}
				return
			}
			if defects := refused(t, raw); !has(defects, test.at, test.rule) {
				t.Fatalf("want %s at %q, got %v", test.rule, test.at, defects)
			}
		})
	}
}

// A type that is not read here is refused as such, and nothing else of the payload is looked at.
func TestTypesThatAreNotRead(t *testing.T) {
	tests := []struct {
		typ  string
		rule Rule
		is   error
	}{
		{"mla.request/2", RuleUnsupportedVersion, ErrUnsupportedVersion},
		{"mla.requests/1", RuleUnknownType, ErrUnknownType},
		{"jit.unheard/1", RuleUnknownType, ErrUnknownType},
		{"request", RulePattern, nil},
		{"mla.request/01", RulePattern, nil},
		{smuggled, RulePattern, nil},
	}
	for _, test := range tests {
		raw := changed(t, "mla.request/1", edits{"/type": test.typ, "/body/facts": nil})
		_, err := Validate(raw)
		if defects := refused(t, raw); !has(defects, "/type", test.rule) || test.is != nil && (!errors.Is(err, test.is) || len(defects) != 1) {
			t.Errorf("%q: %v", test.typ, defects)
		}
		if test.is == nil && (errors.Is(err, ErrUnknownType) || errors.Is(err, ErrUnsupportedVersion)) {
			t.Errorf("%q is taken for a type", test.typ)
		}
	}
	if defects := refused(t, changed(t, "mla.request/1", edits{"/channel": "jit"})); !has(defects, "/channel", RuleConst) {
		t.Errorf("a type on another channel: %v", defects)
	}
}

// What the decoder refuses comes out as a defect as well, and never with a name that no schema has.
func TestUndecodable(t *testing.T) {
	example := string(Example("mla.request/1"))
	tests := []struct {
		name, text, at string
		rule           DecodeRule
	}{
		{"twice", strings.Replace(example, `"urgency":`, `"urgency": "routine", "urgency":`, 1), "/urgency", RuleDuplicateName},
		{"case variant", strings.Replace(example, `"urgency":`, `"Urgency": "routine", "urgency":`, 1), "/urgency", RuleCaseVariant},
		{"a person's name, twice", `{"body": {"alpha": 1, "alpha": 2}}`, "/body", RuleDuplicateName},
		{"trailing", example + "{}", "", RuleTrailing},
		{"cut off", example[:200], "", RuleSyntax},
		{"empty", "", "", RuleSyntax},
		{"too large", strings.Repeat(" ", PayloadLimits.Bytes+1), "", RuleTooLarge},
		{"too deep", strings.Repeat("[", 40) + strings.Repeat("]", 40), "", RuleTooDeep},
		{"not UTF-8", "{\"channel\": \"\xff\"}", "/channel", RuleInvalidUTF8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			defects := refused(t, []byte(test.text))
			if len(defects) != 1 || defects[0].Rule != Rule(test.rule) || test.at != "" && defects[0].Pointer != test.at {
				t.Fatalf("got %v, want %s at %q", defects, test.rule, test.at)
			}
			if strings.Contains(fmt.Sprint(defects), "alpha") {
				t.Fatalf("a name that no schema has is shown: %v", defects)
			}
		})
	}
	if defects := refused(t, []byte(`[]`)); !has(defects, "", RuleType) {
		t.Errorf("a list: %v", defects)
	}
}

// Every defect is reported at once.
func TestEveryDefectAtOnce(t *testing.T) {
	raw := changed(t, "mla.request/1", edits{
		"/language": nil, "/urgency": "asap", "/body/purpose": nil, "/body/matter/nature": "rumour", "/subjects/1/ref": "p1",
		"/attachments/0/bytes": 3, "/body/offence/max_penalty_months": -1, "/subjects/0/identity/documents/0/issuer": "qm",
	})
	want := []string{
		"/attachments/0/bytes attachment-size", "/body/matter/nature enum", "/body/offence/max_penalty_months range", "/body/persons/1/person unknown-ref",
		"/body/purpose required", "/body/safe_conduct/person unknown-ref", "/body/video_hearing/person unknown-ref", "/language required", "/subjects/0/identity/documents/0/issuer pattern",
		"/subjects/1/ref unique", "/urgency enum",
	}
	var got []string
	for _, d := range refused(t, raw) {
		got = append(got, d.Pointer+" "+string(d.Rule))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
