package schemas

import (
	"embed"
	"slices"
	"strings"
)

//go:embed shared/*.json mla/*.json confiscation/*.json border/*.json jit/*.json repatriation/*.json transfer/*.json
var schemaFiles embed.FS

//go:embed examples/*.json
var exampleFiles embed.FS

// registration says of one message type where its body is described and how it stands to its case.
type registration struct {
	Type MessageType
	// Body is the file that describes the body. A channel whose law adds nothing uses the shared file itself; one whose
	// law narrows a shared body has a file of its own that refers to the shared one.
	Body string
	// Envelope is a file that narrows the common members for this type, "" where nothing is narrowed.
	Envelope string
	// SingleSignature: the message may leave before a second person has read it.
	SingleSignature bool
	// Opens: the message opens a case, so it names neither a case nor a message that it answers.
	Opens bool
	// Continues, with Opens: it may also take its place in a case that another type opened, and then names it.
	Continues bool
	// Answers are the types of message that this one is a reply to; a message of such a type names the one it answers.
	Answers []string
	// MayAnswer is Answers for a type that also stands alone.
	MayAnswer []string
}

// registrations is the one list of message types. A channel is added by adding its list.
func registrations() []registration {
	return slices.Concat(mla(), confiscation(), border(), jit(), repatriation(), transfer())
}

// mla lists mutual legal assistance, UNTOC art. 18.
func mla() []registration {
	own := []registration{
		{Type: "mla.request/1", Body: "mla/request.json", Opens: true},
		{Type: "mla.spontaneous-information/1", Body: "mla/spontaneous-information.json", Opens: true},
		{Type: "mla.decision/1", Body: "mla/decision.json"},
	}
	return append(own, sharedTypes(ChannelMLA, "decision")...)
}

// sharedTypes lists the types that every request channel has (DOMAIN section 1), without those that the channel
// describes in a file of its own.
func sharedTypes(channel Channel, own ...string) []registration {
	all := []struct {
		name               string
		answers, mayAnswer []string
	}{
		{name: "acknowledgement"},
		{name: "supplement-request"},
		{name: "supplement", answers: []string{"supplement-request"}},
		{name: "status-query"},
		{name: "status-report", mayAnswer: []string{"status-query"}},
		{name: "consultation"},
		{name: "consultation-reply", answers: []string{"consultation"}},
		{name: "decision"},
		{name: "result"},
		{name: "result-receipt", answers: []string{"result"}},
		{name: "closure"},
		{name: "use-consent-request"},
		{name: "use-consent-decision", answers: []string{"use-consent-request"}},
		{name: "exculpatory-notice"},
		{name: "confidentiality-limit"},
		{name: "return-of-evidence"},
		{name: "return-receipt", answers: []string{"return-of-evidence"}},
		{name: "withdrawal"},
		{name: "withdrawal-confirmation", answers: []string{"withdrawal"}},
		{name: "costs-consultation"},
	}
	var list []registration
	for _, s := range all {
		if !slices.Contains(own, s.name) {
			list = append(list, registration{
				Type:      typeNamed(channel, s.name, 1),
				Body:      "shared/" + s.name + ".json",
				Answers:   s.answers,
				MayAnswer: s.mayAnswer,
			})
		}
	}
	return list
}

func lookUp(t MessageType) (registration, bool) {
	c, err := compiled()
	if err != nil {
		return registration{}, false
	}
	s, ok := c.types[t]
	if !ok {
		return registration{}, false
	}
	return s.registration, true
}

// Types lists every registered message type, sorted.
func Types() []MessageType {
	var types []MessageType
	for _, r := range registrations() {
		types = append(types, r.Type)
	}
	slices.Sort(types)
	return types
}

// Registered tells whether this program reads messages of type t.
func Registered(t MessageType) bool {
	_, ok := lookUp(t)
	return ok
}

// Opens tells whether a message of type t can open a case: it then names none, both sides compute it (CaseOpenedBy). Some
// types may also continue a case that another type opened: what opens a case is the message that names none.
func Opens(t MessageType) bool {
	r, _ := lookUp(t)
	return r.Opens
}

// Answers lists the types of message that one of type t is a reply to. required says that it must name the message
// that it answers; otherwise it may.
func Answers(t MessageType) (types []MessageType, required bool) {
	r, _ := lookUp(t)
	for _, name := range slices.Concat(r.Answers, r.MayAnswer) {
		types = append(types, typeNamed(t.Channel(), name, t.Version()))
	}
	return types, len(r.Answers) > 0
}

// Example is a valid payload of type t, nil where t is not registered. A type that belongs to a case names a case and
// a message that do not exist.
func Example(t MessageType) []byte {
	if !Registered(t) {
		return nil
	}
	raw, err := exampleFiles.ReadFile("examples/" + strings.ReplaceAll(string(t), "/", "-") + ".json")
	if err != nil {
		return nil // a test holds that each type has one
	}
	return raw
}
