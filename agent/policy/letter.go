package policy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"comity/agent/scan"
	"comity/schemas"
	"comity/schemas/template"
)

// letter is a payload as far as it can be read. What breaks its schema is read as well: a draft that is both invalid and
// forbidden is told so at once, and a member that no schema knows is where somebody would put what must not travel.
type letter struct {
	bytes   []byte
	tree    map[string]any
	payload *schemas.Payload // whole where the payload is valid, else what could be read of it
	defects []schemas.Defect // none where the payload is valid
	leaves  []schemas.Leaf
	files   []scan.File
	// evidence is the hashes of the files that travel beside it, one for each, whatever stands there.
	evidence []string
}

// readLetter takes a payload apart. The error is for bytes that are no JSON document of the strict form.
func readLetter(payload []byte) (*letter, error) {
	valid, tree, err := schemas.Read(payload)
	if _, undecodable := errors.AsType[*schemas.DecodeError](err); undecodable && tree == nil {
		return nil, err
	}
	l := &letter{bytes: payload, payload: valid}
	l.tree, _ = tree.(map[string]any)
	if err != nil {
		invalid, ok := errors.AsType[*schemas.InvalidError](err)
		if !ok {
			return nil, err
		}
		l.defects, l.payload = invalid.Defects, l.rough()
	}
	if l.leaves, err = schemas.LeavesOf(l.payload.Type, tree); err != nil {
		return nil, err
	}
	l.files, l.evidence = filesOf(l.tree), evidenceIn(l.tree)
	return l, nil
}

// rough is what can be read of a payload that breaks its schema.
func (l *letter) rough() *schemas.Payload {
	p := &schemas.Payload{
		Channel:      schemas.Channel(textOf(l.tree["channel"])),
		Language:     schemas.Language(textOf(l.tree["language"])),
		Urgency:      schemas.Urgency(textOf(l.tree["urgency"])),
		UseLimit:     schemas.UseLimit(textOf(l.tree["use_limit"])),
		Onward:       schemas.Onward(textOf(l.tree["onward"])),
		OnwardTo:     statesOf(l.tree["onward_to"]),
		ProtectFrom:  statesOf(l.tree["protect_from"]),
		Subjects:     subjectsOf(l.tree["subjects"]),
		Confidential: l.tree["confidential"] == true,
	}
	if t, err := schemas.ParseMessageType(textOf(l.tree["type"])); err == nil {
		p.Type = t
	}
	if p.Channel == "" {
		p.Channel = p.Type.Channel()
	}
	return p
}

// body is the members of the type, nil where there are none.
func (l *letter) body() map[string]any {
	body, _ := l.tree["body"].(map[string]any)
	return body
}

// inBody is a text that stands directly in the body.
func (l *letter) inBody(member string) string { return textOf(l.body()[member]) }

// defective tells whether the payload has a defect at one of the places.
func (l *letter) defective(pointers ...string) bool {
	return slices.ContainsFunc(l.defects, func(d schemas.Defect) bool { return slices.Contains(pointers, d.Pointer) })
}

// kind is channel and name of the type, without its version.
func (l *letter) kind() string {
	kind, _, _ := strings.Cut(string(l.payload.Type), "/")
	return kind
}

// worded tells whether somebody was free to word the value. What is not of its closed form counts where it reads like words:
// a slip of the pen in a code is a defect and no more.
func worded(leaf schemas.Leaf) bool {
	switch leaf.Kind {
	case schemas.LeafFree:
		return !isIdentity(leaf.Pointer) || leaf.Unknown
	case schemas.LeafBroken:
		return strings.ContainsAny(leaf.Text, " \t\n\u00a0") || len(leaf.Text) > 40
	}
	return false
}

// isIdentity tells whether a place belongs to the identity of a subject: names and numbers, which are asked about as such.
func isIdentity(pointer string) bool {
	tokens := strings.Split(pointer, "/")
	return len(tokens) > 4 && tokens[1] == "subjects" && tokens[3] == "identity"
}

// freeText tells whether there is text that somebody was free to word, or a file. The files of a return are the images that
// its schema allows.
func (l *letter) freeText() bool {
	return len(l.files) > 0 && l.payload.Channel != schemas.ChannelRepatriation || slices.ContainsFunc(l.leaves, worded)
}

// Settles tells whether a message of ours answered every question after persons that stood open when it left: it is the
// one answer that neither confirms nor denies. What the peer asked before it no longer holds what is said after it.
func Settles(payload []byte) bool {
	l, err := readLetter(payload)
	return err == nil && l.neitherConfirmsNorDenies()
}

// neitherConfirmsNorDenies tells whether this is the one answer that is the same for everybody, and nothing beside it (NEU-01).
func (l *letter) neitherConfirmsNorDenies() bool {
	return len(l.defects) == 0 && l.payload.Type.Name() == "decision" && l.inBody("template") == string(template.NeitherConfirmNorDeny) && !l.freeText()
}

// receiptsOfPeople are the messages by which people confirm that something has reached them, and say nothing else.
var receiptsOfPeople = []string{"acknowledgement", "result-receipt", "return-receipt", "withdrawal-confirmation"}

// confirmsOnly tells whether people confirm by it that something has reached them: a time, a file number and a desk, and
// nothing of anybody. Whoever asked waits for it, so it must not wait for what is known of the person asked about.
func (l *letter) confirmsOnly() bool {
	if len(l.defects) > 0 || len(l.files) > 0 || len(l.payload.Subjects) > 0 || !slices.Contains(receiptsOfPeople, l.payload.Type.Name()) {
		return false
	}
	return !slices.ContainsFunc(l.leaves, func(leaf schemas.Leaf) bool {
		return worded(leaf) && leaf.Pointer != "/body/desk" && leaf.Pointer != "/body/national_ref"
	})
}

// notOriginSafe tells whether there is anything that a State of origin may not be told (ASY-06).
func (l *letter) notOriginSafe() bool {
	return slices.ContainsFunc(l.leaves, func(leaf schemas.Leaf) bool { return !leaf.OriginSafe || worded(leaf) })
}

// namingTexts are the texts in which persons may be named, other than the identities that are asked about one by one.
func (l *letter) namingTexts() []string {
	var texts []string
	for _, leaf := range l.leaves {
		if worded(leaf) || leaf.Kind == schemas.LeafName && !isIdentity(leaf.Pointer) {
			texts = append(texts, leaf.Text)
		}
	}
	return texts
}

// drawn is what nobody worded: identifiers, hashes, dates and times.
var drawn = regexp.MustCompile(`^([0-9a-hjkmnp-tv-z]{26}|[0-9a-f]{64}|[0-9TZ:.-]{1,30})$`)

// scanned is every text whose author had a choice, with its place: words, among them the names of members that no schema
// has, and apart from them what was drawn or counted.
func (l *letter) scanned() (words, codes []scan.Field) {
	for _, leaf := range l.leaves {
		if leaf.Unknown {
			name := strings.NewReplacer("_", " ", "-", " ", "/", " ").Replace(leaf.Pointer)
			words = append(words, scan.Field{Pointer: leaf.Pointer + "#", Text: strings.TrimSpace(name)})
		}
		field := scan.Field{Pointer: leaf.Pointer, Text: leaf.Text}
		switch {
		case leaf.Text == "" || leaf.Kind == schemas.LeafChosen || leaf.Kind == schemas.LeafContent:
		case leaf.Kind == schemas.LeafFormed && drawn.MatchString(leaf.Text):
			codes = append(codes, field)
		default:
			words = append(words, field)
		}
	}
	return words, codes
}

// filesOf reads the attachments. Content that is not base64 is handed on as it stands: the scanner says what it is.
func filesOf(tree map[string]any) []scan.File {
	list, _ := tree["attachments"].([]any)
	var files []scan.File
	for _, entry := range list {
		a, _ := entry.(map[string]any)
		text := textOf(a["content"])
		content, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			content = []byte(text)
		}
		files = append(files, scan.File{Name: textOf(a["name"]), MediaType: textOf(a["media_type"]), Content: content})
	}
	return files
}

// evidenceIn reads the hashes of the files that travel beside the message. What stands where a list of files should counts as
// one that nobody has read.
func evidenceIn(tree map[string]any) (hashes []string) {
	value, there := tree["evidence"]
	list, _ := value.([]any)
	for _, entry := range list {
		file, _ := entry.(map[string]any)
		hashes = append(hashes, textOf(file["sha256"]))
	}
	if there && len(list) == 0 {
		hashes = []string{""}
	}
	return hashes
}

var refForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// subjectsOf reads subjects without asking whether each is complete. A reference that is not in its form may be a name, and
// so is replaced by the place.
func subjectsOf(value any) []schemas.Subject {
	list, _ := value.([]any)
	var subjects []schemas.Subject
	for i, entry := range list {
		object, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		s := schemas.Subject{Ref: schemas.SubjectRef(textOf(object["ref"])), Role: schemas.Role(textOf(object["role"]))}
		if !refForm.MatchString(string(s.Ref)) {
			s.Ref = schemas.SubjectRef(fmt.Sprintf("subject-%d", i))
		}
		if identity, ok := object["identity"].(map[string]any); ok {
			s.Identity = identityOf(identity)
		}
		subjects = append(subjects, s)
	}
	return subjects
}

func identityOf(object map[string]any) *schemas.Identity {
	who := &schemas.Identity{
		Names:               textsOf(object["names"]),
		FormerNames:         textsOf(object["former_names"]),
		BirthDate:           schemas.Date(textOf(object["birth_date"])),
		Sex:                 textOf(object["sex"]),
		Nationalities:       statesOf(object["nationalities"]),
		FormerNationalities: statesOf(object["former_nationalities"]),
		HabitualResidences:  statesOf(object["habitual_residences"]),
	}
	if birth := statesOf(object["birth_state"]); len(birth) > 0 {
		who.BirthState = birth[0]
	}
	documents, _ := object["documents"].([]any)
	for _, entry := range documents {
		if d, ok := entry.(map[string]any); ok {
			who.Documents = append(who.Documents, documentOf(d))
		}
	}
	return who
}

func documentOf(object map[string]any) schemas.IdentityDocument {
	d := schemas.IdentityDocument{Kind: textOf(object["kind"]), Number: textOf(object["number"])}
	if issuer := statesOf(object["issuer"]); len(issuer) > 0 {
		d.Issuer = issuer[0]
	}
	return d
}

func textOf(value any) string {
	text, _ := value.(string)
	return text
}

// textsOf reads a list of texts, or one text where a list should stand.
func textsOf(value any) (texts []string) {
	if text := textOf(value); text != "" {
		return []string{text}
	}
	list, _ := value.([]any)
	for _, entry := range list {
		if text := textOf(entry); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

func statesOf(value any) (states []schemas.StateCode) {
	for _, text := range textsOf(value) {
		if state, err := schemas.ParseStateCode(text); err == nil {
			states = append(states, state)
		}
	}
	return states
}

// objects visits every object below a value, with its place.
func objects(value any, at string, visit func(at string, object map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		visit(at, value)
		for name, child := range value {
			objects(child, at+"/"+name, visit)
		}
	case []any:
		for i, child := range value {
			objects(child, at+"/"+strconv.Itoa(i), visit)
		}
	}
}
