package clerk

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"comity/agent/api"
	"comity/deploy/samples"
	"comity/schemas"
)

const (
	someCase    = schemas.CaseID("4qpz61q91ghy7y81bfwsrj4350")
	someMessage = schemas.MessageID("nrc9nstbz6g7xm6d51xxss65s4")
)

func TestPut(t *testing.T) {
	tests := []struct {
		name, draft, want string
		place             Place
	}{
		{"nothing to put leaves the text as it is", `{ "b":1, "a":2 }`, `{ "b":1, "a":2 }`, Place{}},
		{"a case", `{"a":1}`, `{"a":1,"case":"` + string(someCase) + `"}`, Place{Case: someCase}},
		{"over what stands there", `{"case":"x","in_reply_to":"y"}`,
			`{"case":"` + string(someCase) + `","in_reply_to":"` + string(someMessage) + `"}`, Place{someCase, someMessage}},
		{"every other member as it was", `{"z":{"n":[1,"é",null]},"a":false}`,
			`{"a":false,"in_reply_to":"` + string(someMessage) + `","z":{"n":[1,"é",null]}}`, Place{Answers: someMessage}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.place.Put([]byte(tt.draft))
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

// A draft that two readers could read as two texts must not be mended on the way.
func TestPutRefusesWhatIsNotStrict(t *testing.T) {
	for draft, want := range map[string]schemas.DecodeRule{
		`{"a":1,"a":2}`:    schemas.RuleDuplicateName,
		`{"a":1,"A":2}`:    schemas.RuleCaseVariant,
		`{"a":1} x`:        schemas.RuleTrailing,
		"{\"a\":\"\xff\"}": schemas.RuleInvalidUTF8,
	} {
		_, err := Place{Case: someCase}.Put([]byte(draft))
		if refused, ok := errors.AsType[*schemas.DecodeError](err); !ok || refused.Rule != want {
			t.Errorf("%q: got %v, want rule %s", draft, err, want)
		}
	}
}

func TestRecipientsOfTheSamples(t *testing.T) {
	files, err := fs.Glob(samples.Files, "*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		draft, err := fs.ReadFile(samples.Files, file)
		if err != nil {
			t.Fatal(err)
		}
		if to, err := Recipients(draft); err != nil || len(to) == 0 {
			t.Errorf("%s is for %v: %v", file, to, err)
		}
	}
	if _, err := Recipients([]byte(`{"to":"QN/justice"}`)); err == nil {
		t.Error("one bare recipient was read as a list")
	}
}

func TestCheckShown(t *testing.T) {
	payload := `{"a":1,"b":"x"}`
	sum := sha256.Sum256([]byte(payload))
	hash := hex.EncodeToString(sum[:])
	tests := []struct {
		name    string
		message api.Message
		want    error
	}{
		{"what the hash names", api.Message{SHA256: hash, Payload: jsontext.Value(payload)}, nil},
		{"the same in another spelling", api.Message{SHA256: hash, Payload: jsontext.Value(`{ "b":"x", "a":1 }`)}, nil},
		{"another content", api.Message{SHA256: hash, Payload: jsontext.Value(`{"a":1,"b":"y"}`)}, ErrOtherContent},
		{"no content", api.Message{SHA256: hash}, ErrNotShown},
		{"no JSON", api.Message{SHA256: hash, Payload: jsontext.Value(`{"a"`)}, ErrOtherContent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := string(tt.message.Payload)
			if err := CheckShown(tt.message); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if string(tt.message.Payload) != before {
				t.Error("the payload was changed")
			}
		})
	}
}
