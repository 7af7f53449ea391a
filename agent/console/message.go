package console

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"comity/agent/api"
	"comity/agent/letter"
	"comity/agent/people"
	"comity/schemas"
	"comity/schemas/template"
)

// messagePage is one message, with what this person may do about it.
type messagePage struct {
	api.Message
	Me                                    schemas.AuthorityID
	Letter                                *letterView // nil for whom a role does not let read it
	MayApprove, MaySign, MayEdit, MayLook bool
	HasCase                               bool // a draft that opens a case has none yet
	OwnDraft                              bool // this person wrote of it, so another one approves
	MayDiscard                            bool
	MayPrint                              bool
	Means                                 []string
	Alert                                 bool // a live alert that waits: the same without its persons is offered
	Replies                               []reply
	Attachments                           []attached
}

// letterView is a payload as a person reads it.
type letterView struct {
	Frame, Body  []letterLine
	Text         string // that the body names by an id
	TextLanguage string
	Language     string
}

// letterLine is a line with the title that the schema gives its member.
type letterLine struct {
	letter.Line
	Title schemaText
	Value schemaText // of a code of a closed set; Text is what stands there
}

// attached is a file of a message.
type attached struct {
	N         int
	Name      string
	MediaType string
	SHA256    string
	Bytes     int
}

// visible reports whether a person may read the content of a message. What was withheld on arrival is for protection officers.
func visible(p *people.Person, m api.Message) bool {
	return p.May(people.ReadText) && (!m.Withheld || p.May(people.ReadReviews))
}

func (k *Console) message(w http.ResponseWriter, r *http.Request, v *visit) {
	m, err := k.Desk.Message(r.Context(), r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	body := k.messageBody(v, m)
	if m.Case != "" {
		c, err := k.Desk.Case(r.Context(), string(m.Case))
		body.HasCase = err == nil
		if err == nil && m.Direction == "in" && !m.Withheld {
			for _, reply := range k.replies(v, c) {
				if answers, _ := schemas.Answers(reply.Type); slices.Contains(answers, m.Type) || len(answers) == 0 {
					body.Replies = append(body.Replies, reply)
				}
			}
		}
	}
	k.show(w, r, v, "message", "message.title", body)
}

func (k *Console) messageBody(v *visit, m api.Message) messagePage {
	own := slices.Contains(m.Authors, v.Person.Name)
	ours := m.Direction == "out"
	editable := ours && slices.Contains([]string{"in-review", "approved", "to-print", "returned"}, m.State)
	body := messagePage{
		Message: m, Me: k.Authority, OwnDraft: own,
		MayApprove: ours && m.State == "in-review" && !own && v.Person.May(people.Approve),
		MaySign:    ours && m.State == "in-review" && own && schemas.SingleSignature(m.Type) && v.Person.May(people.SignAlone),
		MayLook:    ours && schemas.SingleSignature(m.Type) && !own && m.Number > 0 && v.Person.May(people.Approve),
		MayPrint:   ours && m.State == "to-print" && v.Person.May(people.PrintLetter), Means: api.Means(),
		MayEdit: editable && v.Person.May(people.Draft), MayDiscard: editable && v.Person.May(people.Draft),
		Alert: ours && m.State == "under-review" && schemas.SingleSignature(m.Type),
	}
	if len(m.Payload) > 0 && visible(v.Person, m) {
		body.Letter = readLetter(v.lang, m.Type, m.Payload)
		body.Attachments = attachments(m.Payload)
	}
	return body
}

// readLetter is nil for a payload that cannot be taken apart: then nothing of it is shown, and nobody can approve it unread.
func readLetter(l *Language, t schemas.MessageType, payload jsontext.Value) *letterView {
	read, err := letter.Read(payload)
	if err != nil {
		return nil
	}
	fields := fieldsOf(t)
	view := &letterView{Language: read.Language}
	name := func(lines []letter.Line) (named []letterLine) {
		for _, line := range lines {
			f := fields[generic(line.Pointer)]
			one := letterLine{Line: line, Title: nameOf(l, f, line)}
			if len(line.Text) == 1 && (f.Kind == schemas.KindChoice || f.Kind == schemas.KindConstant || f.Kind == schemas.KindFlag) {
				one.Value = l.code(line.Text[0])
			}
			named = append(named, one)
		}
		return named
	}
	view.Frame, view.Body = name(read.Frame), name(read.Body)
	if text, known := template.ByID(template.ID(read.Template)); known {
		in := schemas.Language(read.Language)
		if in == "" {
			in = "en"
		}
		view.Text, view.TextLanguage = text.Text(in), string(in.Primary())
	}
	return view
}

// nameOf is what a line is called: the title of its member in the schema, or its name.
func nameOf(l *Language, f schemas.Field, line letter.Line) schemaText {
	if line.Name == "" {
		return schemaText{Own: true}
	}
	if f.Title != "" {
		text, own := l.Schema(f.Title)
		return schemaText{text, own}
	}
	return schemaText{strings.ReplaceAll(line.Name, "_", " "), false}
}

// code is a code of a closed set in words.
func (l *Language) code(code string) schemaText {
	if text, own := l.Schema(code); own && l.base != nil {
		return schemaText{text, true}
	}
	switch code {
	case "true":
		return schemaText{l.T("yes"), true}
	case "false":
		return schemaText{l.T("no"), true}
	}
	return schemaText{strings.ReplaceAll(code, "-", " "), l.base == nil}
}

// generic is a pointer with "-" for the number of each item, as the schemas describe it.
func generic(pointer string) string {
	parts := strings.Split(pointer, "/")
	for i, p := range parts {
		if _, err := strconv.Atoi(p); err == nil && i > 0 {
			parts[i] = "-"
		}
	}
	return strings.Join(parts, "/")
}

// attachments lists the files of a payload.
func attachments(payload []byte) (list []attached) {
	for i, f := range filesOf(payload) {
		list = append(list, attached{N: i, Name: letter.Printable(f.Name), MediaType: letter.Printable(f.MediaType), SHA256: f.SHA256, Bytes: len(f.Content)})
	}
	return list
}

// payloadFile is a file as it stands in a payload.
type payloadFile struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	SHA256    string `json:"sha256"`
	Content   []byte `json:"content"`
}

func filesOf(payload []byte) []payloadFile {
	var p struct {
		Attachments []payloadFile `json:"attachments"`
	}
	if json.Unmarshal(payload, &p) != nil {
		return nil
	}
	return p.Attachments
}

// letter is the page that is printed.
func (k *Console) letter(w http.ResponseWriter, r *http.Request, v *visit) {
	m, err := k.Desk.Message(r.Context(), r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.show(w, r, v, "letter", "letter.title", k.messageBody(v, m))
}

// file hands out a file of a message to be saved, never to be opened in the console.
func (k *Console) file(w http.ResponseWriter, r *http.Request, v *visit) {
	m, err := k.Desk.Message(r.Context(), r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	files := filesOf(m.Payload)
	if err != nil || n < 0 || n >= len(files) || !visible(v.Person, m) {
		k.refuse(w, r, v.Session, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="attachment-`+strconv.Itoa(n+1)+safeEnding(files[n].Name)+`"`)
	w.Write(files[n].Content)
}

// safeEnding is the ending of a file's name, if it is a short plain one.
func safeEnding(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 || len(name)-i > 6 {
		return ""
	}
	for _, c := range name[i+1:] {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return ""
		}
	}
	return name[i:]
}

// approvalsPage lists what waits for a second person.
type approvalsPage struct {
	Waiting []api.Message // that this person may approve
	Own     []api.Message
}

func (k *Console) approvals(w http.ResponseWriter, r *http.Request, v *visit) {
	drafts, err := k.Records.InState(r.Context(), "in-review", waitingShown)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	var body approvalsPage
	for _, m := range drafts {
		if slices.Contains(m.Authors, v.Person.Name) {
			body.Own = append(body.Own, m)
		} else {
			body.Waiting = append(body.Waiting, m)
		}
	}
	k.show(w, r, v, "approve", "approve.title", body)
}

func (k *Console) approve(w http.ResponseWriter, r *http.Request, v *visit) {
	k.sign(w, r, v, api.SignApproval, "approved", k.Desk.Approve)
}

func (k *Console) signAlone(w http.ResponseWriter, r *http.Request, v *visit) {
	k.sign(w, r, v, api.SignAlone, "signed", k.Desk.SignAlone)
}

func (k *Console) lookAgain(w http.ResponseWriter, r *http.Request, v *visit) {
	k.sign(w, r, v, api.SignSecondLook, "looked", k.Desk.LookAgain)
}

// sign puts a person's name to the bytes that the page showed them, by their hash: the same command as at every other door.
func (k *Console) sign(w http.ResponseWriter, r *http.Request, v *visit, what api.Signing, done string, act signing) {
	id, err := schemas.ParseMessageID(r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, &api.Problem{Reason: api.ReasonRequest, Message: "not a message id"})
		return
	}
	hash := r.PostFormValue("sha256")
	proof, ok := k.prove(w, r, v, what, id, api.Approval{SHA256: hash})
	if !ok {
		return
	}
	if _, err := act(r.Context(), v.Person.Name, id, hash, proof); err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/messages/"+string(id), done)
}

func (k *Console) discard(w http.ResponseWriter, r *http.Request, v *visit) {
	id, err := schemas.ParseMessageID(r.PathValue("id"))
	if err == nil {
		_, err = k.Desk.Discard(r.Context(), v.Person.Name, id)
	}
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/messages/"+string(id), "discarded")
}
