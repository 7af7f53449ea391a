package policy_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"comity/agent/policy"
	"comity/agent/policy/policytest"
	"comity/agent/register"
	"comity/agent/scan"
	"comity/pki"
	"comity/schemas"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// directory lists the authorities of all sandbox States with everything; the tests take parts away.
type directory struct {
	rows     map[schemas.AuthorityID]*pki.Authority
	channels []schemas.Channel // with an agreement in force
}

var errNoAgreement = errors.New("no agreement in force")

func (d *directory) Authority(id schemas.AuthorityID) (*pki.Authority, error) {
	if row, found := d.rows[id]; found {
		return row, nil
	}
	return nil, errors.New("not in the directory")
}

func (d *directory) Route(_, _ schemas.AuthorityID, ch schemas.Channel, _ time.Time) (*pki.Agreement, error) {
	if slices.Contains(d.channels, ch) {
		return &pki.Agreement{ID: "all"}, nil
	}
	return nil, errNoAgreement
}

func (d *directory) PaperRoute(from, to schemas.AuthorityID, ch schemas.Channel, at time.Time) (*pki.Agreement, error) {
	return d.Route(from, to, ch, at)
}

func newDirectory() *directory {
	d := &directory{rows: map[schemas.AuthorityID]*pki.Authority{}, channels: schemas.Channels()}
	for _, state := range []string{"QM", "QN", "QO", "QP", "QR", "QS"} {
		for name, kind := range map[string]pki.Kind{"justice": pki.KindCentralAuthority, "border": pki.KindBorderAgency} {
			id := schemas.AuthorityID(state + "/" + name)
			d.rows[id] = &pki.Authority{
				ID: id, Kind: kind, Name: "Central Authority of " + state,
				Channels: schemas.Channels(), Types: schemas.Types(), Languages: []string{"en", "fr"},
			}
		}
	}
	return d
}

// story is a message on its way, with all that is known about it. The zero of most things is harmless.
type story struct {
	tb        testing.TB
	facts     policy.Facts
	draft     map[string]any
	directory *directory
	register  *policytest.Register
	scanner   *policytest.Scanner
	extra     []policy.RuleFile
	patience  time.Duration
}

// tell begins a story with the example of a type, without its persons and files, from QM to QN.
func tell(tb testing.TB, typ schemas.MessageType) *story {
	tb.Helper()
	s := &story{
		tb: tb, directory: newDirectory(),
		register: &policytest.Register{Fresh: true, ByDocument: map[string][]register.Match{}, ByName: map[string][]register.Match{}},
		scanner:  &policytest.Scanner{},
	}
	desk := "/justice"
	if typ.Channel() == schemas.ChannelBorder {
		desk = "/border"
	}
	s.facts = policy.Facts{From: schemas.AuthorityID("QM" + desk), To: schemas.AuthorityID("QN" + desk), At: noon, Directory: s.directory}
	if err := schemas.Decode(schemas.Example(typ), &s.draft, schemas.PayloadLimits); err != nil {
		tb.Fatal(err)
	}
	for _, member := range []string{"subjects", "attachments", "urgency_reason", "due", "due_reason", "translation", "onward_to", "protect_from"} {
		delete(s.draft, member)
	}
	s.set("/urgency", "routine").set("/onward", "none").set("/use_limit", "stated-case-only")
	return s
}

// body replaces the body.
func (s *story) body(members map[string]any) *story { return s.set("/body", members) }

// set writes one value of the draft; nil takes it away.
func (s *story) set(pointer string, value any) *story {
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	var node any = s.draft
	for _, token := range tokens[:len(tokens)-1] {
		switch parent := node.(type) {
		case map[string]any:
			if parent[token] == nil {
				parent[token] = map[string]any{}
			}
			node = parent[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil {
				s.tb.Fatalf("no %s in the draft", pointer)
			}
			node = parent[i]
		}
	}
	object, ok := node.(map[string]any)
	if !ok {
		s.tb.Fatalf("no %s in the draft", pointer)
	}
	if last := tokens[len(tokens)-1]; value == nil {
		delete(object, last)
	} else {
		object[last] = value
	}
	return s
}

// who is a subject of a story.
type who struct {
	name, number, born string
	nationalities      []any
	more               map[string]any
}

func (w who) identity() map[string]any {
	identity := map[string]any{}
	if w.name != "" {
		identity["names"] = []any{w.name}
	}
	if w.number != "" {
		// A driving licence says nothing of the nationality.
		identity["documents"] = []any{map[string]any{"kind": "driving-licence", "number": w.number, "issuer": "QS"}}
	}
	if w.born != "" {
		identity["birth_date"] = w.born
	}
	if w.nationalities != nil {
		identity["nationalities"] = w.nationalities
	}
	for member, value := range w.more {
		identity[member] = value
	}
	return identity
}

// about adds a subject; its reference is p1, p2 and so on. A zero who is somebody unnamed.
func (s *story) about(role schemas.Role, w who) *story {
	list, _ := s.draft["subjects"].([]any)
	subject := map[string]any{"ref": "p" + strconv.Itoa(len(list)+1), "role": string(role)}
	if identity := w.identity(); len(identity) > 0 {
		subject["identity"] = identity
	}
	s.draft["subjects"] = append(list, subject)
	return s
}

// before adds a subject of an earlier message of the case.
func (s *story) before(role schemas.Role, w who) *story {
	raw, err := schemas.Canonical(w.identity())
	if err != nil {
		s.tb.Fatal(err)
	}
	var identity schemas.Identity
	if err := schemas.Decode(raw, &identity, schemas.DefaultLimits); err != nil {
		s.tb.Fatal(err)
	}
	s.facts.Case = append(s.facts.Case, schemas.Subject{Ref: "p9", Role: role, Identity: &identity})
	return s
}

// registered gives the holder of a document an entry, found with certainty.
func (s *story) registered(number string, m register.Match) *story {
	m.Entry = register.EntryID("e-" + number)
	s.register.ByDocument[number] = append(s.register.ByDocument[number], m)
	return s
}

// likeRegistered gives everybody of a name an entry, found by likeness.
func (s *story) likeRegistered(name string, m register.Match) *story {
	m.Entry = register.EntryID("l-" + name)
	s.register.ByName[name] = append(s.register.ByName[name], m)
	return s
}

// attach adds a text file.
func (s *story) attach(text string) *story {
	sum := sha256.Sum256([]byte(text))
	list, _ := s.draft["attachments"].([]any)
	s.draft["attachments"] = append(list, map[string]any{
		"name": "annex-1.txt", "media_type": "text/plain", "bytes": len(text),
		"sha256": hex.EncodeToString(sum[:]), "content": base64.StdEncoding.EncodeToString([]byte(text)),
	})
	return s
}

// sendBeside adds a text file that travels beside the message.
func (s *story) sendBeside(text string) *story {
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:])
	list, _ := s.draft["evidence"].([]any)
	s.draft["evidence"] = append(list, map[string]any{
		"id": schemas.NewFileID(), "name": "evidence-1.txt", "media_type": "text/plain", "bytes": len(text), "sha256": hash, "certified": false,
		"sealed": map[string]any{"bytes": 4096, "root": hash},
	})
	s.facts.Evidence = append(s.facts.Evidence, policy.EvidenceContent{
		SHA256: hash, File: scan.File{Name: "evidence-1.txt", MediaType: "text/plain", Content: []byte(text)},
	})
	return s
}

func (s *story) to(id schemas.AuthorityID) *story {
	s.facts.To = id
	return s
}

// gated records a complete gate.
func (s *story) gated() *story {
	s.facts.Home.Gate = &policy.Gate{Voluntary: true, InformedOfRight: true, Risk: policy.RiskLow, Proceedings: policy.ProceedingsTestimonyDone}
	return s
}

// recorded notes something of a person at home.
func (s *story) recorded(ref schemas.SubjectRef, r policy.PersonRecord) *story {
	if s.facts.Home.Persons == nil {
		s.facts.Home.Persons = map[schemas.SubjectRef]policy.PersonRecord{}
	}
	s.facts.Home.Persons[ref] = r
	return s
}

func (s *story) payload() []byte {
	s.tb.Helper()
	raw, err := schemas.Canonical(s.draft)
	if err != nil {
		s.tb.Fatal(err)
	}
	return raw
}

func (s *story) engine() *policy.Engine {
	s.tb.Helper()
	e, err := policy.New(policy.Config{Extra: s.extra, Register: s.register, Scanner: s.scanner, Patience: s.patience})
	if err != nil {
		s.tb.Fatal(err)
	}
	return e
}

func (s *story) decide() (policy.Decision, *policy.Clearance) {
	s.tb.Helper()
	s.facts.Payload = s.payload()
	d, c := s.engine().Decide(s.tb.Context(), s.facts)
	if (c != nil) != (d.Outcome == policy.Allow) {
		s.tb.Fatalf("outcome %s, clearance %t", d.Outcome, c != nil)
	}
	return d, c
}

// expect asserts outcome and rules, exactly.
func (s *story) expect(outcome policy.Outcome, rules ...policy.RuleID) policy.Decision {
	s.tb.Helper()
	d, _ := s.decide()
	if d.Outcome != outcome || !slices.Equal(d.Rules, rules) {
		s.tb.Fatalf("%s by %v (%s; defects %v; cause %v), want %s by %v", d.Outcome, d.Rules, d.Why, d.Defects, d.Cause, outcome, rules)
	}
	return d
}

// readJSON reads a few members of a document.
func readJSON(data []byte, into any) error { return json.Unmarshal(data, into) }
