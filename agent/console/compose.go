package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"comity/agent/api"
	"comity/agent/people"
	"comity/pki"
	"comity/schemas"
)

func (k *Console) composeRoutes(handle func(string, people.Act, func(http.ResponseWriter, *http.Request, *visit))) {
	handle("GET /compose", people.Draft, k.choose)
	handle("GET /compose/{name}/{version}", people.Draft, k.compose)
	handle("POST /compose/{name}/{version}", people.Draft, k.composed)
	handle("POST /compose/check/{name}/{version}", people.Draft, k.checkForm)
	handle("GET /messages/{id}/edit", people.Draft, k.edit)
	handle("POST /messages/{id}/edit", people.Draft, k.edited)
	handle("GET /drafts/{id}", people.Draft, k.resume)
	handle("POST /drafts/{id}/drop", people.Draft, k.drop)
}

// composeAddress is where the form of a type is.
func composeAddress(t schemas.MessageType) string { return "/compose/" + string(t) }

// choosePage offers what can be written.
type choosePage struct {
	To       schemas.AuthorityID
	Entries  []api.DirectoryEntry
	Channels []channelTypes
	Drafts   []Unfinished
}

// channelTypes are the types of a channel that open a case.
type channelTypes struct {
	Channel schemas.Channel
	Types   []reply
}

// choose offers the types that open a case, to one recipient or to all: everything else is written from its case.
func (k *Console) choose(w http.ResponseWriter, r *http.Request, v *visit) {
	d, err := k.Desk.Directory(r.Context())
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	body := choosePage{To: schemas.AuthorityID(r.URL.Query().Get("to"))}
	for _, e := range d.Authorities {
		if len(e.Routes) > 0 {
			body.Entries = append(body.Entries, e)
		}
	}
	for _, channel := range schemas.Channels() {
		types := channelTypes{Channel: channel}
		for _, e := range body.Entries {
			if body.To != "" && e.ID != body.To {
				continue
			}
			for _, one := range openings(e) {
				if body.To == "" {
					one.Address = composeAddress(one.Type)
				}
				if one.Type.Channel() == channel && !slices.Contains(types.Types, one) {
					types.Types = append(types.Types, one)
				}
			}
		}
		if len(types.Types) > 0 {
			body.Channels = append(body.Channels, types)
		}
	}
	if body.Drafts, err = k.Records.Unfinished(r.Context(), v.Person.Name); err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.show(w, r, v, "choose", "choose.title", body)
}

// composePage is a form.
type composePage struct {
	Type        schemas.MessageType
	Description *schemas.Description
	Form        *node
	Action      string
	Check       string // where a script asks what is wrong
	Draft       string // id of an unfinished draft
	Message     *api.Message
	Summary     []defect
	Checked     bool // somebody asked whether it is complete
	Problem     *api.Problem
	States      []schemas.StateCode
	Authorities []schemas.AuthorityID
	Persons     []string
	Hashes      []attached
}

// defect is one line of the summary of what is wrong.
type defect struct {
	Name  string // of the control that it leads to
	Title schemaText
	Text  schemaText
	Rule  string
}

// typeOfPath is the type that an address names, or "".
func typeOfPath(r *http.Request) schemas.MessageType {
	t := schemas.MessageType(r.PathValue("name") + "/" + r.PathValue("version"))
	if described(t) == nil {
		return ""
	}
	return t
}

func (k *Console) unknownType(w http.ResponseWriter, r *http.Request, v *visit) {
	k.fail(w, r, v, &api.Problem{Reason: "not-found", Message: "there is no such type of message"})
}

// compose is an empty form, with what the address says already.
func (k *Console) compose(w http.ResponseWriter, r *http.Request, v *visit) {
	t := typeOfPath(r)
	if t == "" {
		k.unknownType(w, r, v)
		return
	}
	q := r.URL.Query()
	draft := map[string]any{"language": v.lang.Code}
	if to := q.Get("to"); to != "" {
		draft["to"] = []any{to}
		k.suggest(r, t, schemas.AuthorityID(to), draft)
	}
	for member, name := range map[string]string{"case": "case", "in_reply_to": "reply"} {
		if value := q.Get(name); value != "" {
			draft[member] = value
		}
	}
	d := described(t)
	k.showForm(w, r, v, http.StatusOK, composePage{Type: t, Description: d, Form: fill(formField(d), "", draft, true), Action: r.URL.Path})
}

// suggest begins with a language that the recipient reads and an instrument that is in force, the Convention where it is.
func (k *Console) suggest(r *http.Request, t schemas.MessageType, to schemas.AuthorityID, draft map[string]any) {
	d, err := k.Desk.Directory(r.Context())
	if err != nil {
		return
	}
	for _, e := range d.Authorities {
		if e.ID != to {
			continue
		}
		if language, _ := draft["language"].(string); !slices.Contains(e.Languages, language) && len(e.Languages) > 0 {
			draft["language"] = e.Languages[0]
		}
		for _, route := range e.Routes {
			if route.Channel == t.Channel() && len(route.Instruments) > 0 {
				instrument := route.Instruments[0]
				if slices.Contains(route.Instruments, pki.UNTOC) {
					instrument = pki.UNTOC
				}
				draft["legal_basis"] = []any{map[string]any{"instrument": instrument}}
			}
		}
	}
}

// formOf reads the form that a browser sent, and does what its buttons ask of the form itself.
func formOf(r *http.Request, t schemas.MessageType) (form *node, act string, err error) {
	form = read(formField(described(t)), "", r.PostForm)
	act = r.PostFormValue("act")
	if name := r.PostFormValue("add"); name != "" {
		if list := form.at(name); list != nil && list.Kind == schemas.KindList && len(list.Nodes) < maxItems {
			list.addItem(fill(list.item(), name+"/"+strconv.Itoa(len(list.Nodes)), nil, true))
			list.Open = true
		}
		return form, "add", nil
	}
	if name := r.PostFormValue("remove"); name != "" {
		form.remove(name)
		return form, "remove", nil
	}
	return form, act, addFiles(r, form)
}

// composed takes a form: to go on with it, to keep it, to say what is wrong with it, or to draft the message.
func (k *Console) composed(w http.ResponseWriter, r *http.Request, v *visit) {
	t := typeOfPath(r)
	if t == "" {
		k.unknownType(w, r, v)
		return
	}
	k.takeForm(w, r, v, composePage{Type: t, Action: r.URL.Path, Draft: r.PostFormValue("draft")}, func(draft []byte) (string, error) {
		made, err := k.Desk.Draft(r.Context(), v.Person.Name, draft)
		if err != nil {
			return "", err
		}
		if id := r.PostFormValue("draft"); id != "" {
			if err := k.Records.DropUnfinished(r.Context(), v.Person.Name, id); err != nil {
				return "", err
			}
		}
		return "/messages/" + string(made[0].ID) + "?done=drafted", nil
	})
}

// takeForm is the same for a new draft and for one that is edited; finish does what the last button asks.
func (k *Console) takeForm(w http.ResponseWriter, r *http.Request, v *visit, body composePage, finish func(draft []byte) (to string, err error)) {
	body.Description = described(body.Type)
	form, act, err := formOf(r, body.Type)
	form.inZone(zoneNamed(r.PostFormValue(zoneControl))) // what is typed already stays where it was typed
	body.Form = form
	if err != nil {
		body.Problem, _ = k.problemOf(err)
		k.showForm(w, r, v, http.StatusUnprocessableEntity, body)
		return
	}
	if act == "add" || act == "remove" || act == "attach" {
		k.showForm(w, r, v, http.StatusOK, body)
		return
	}
	if k.explainTimes(v, &body) {
		k.showForm(w, r, v, http.StatusUnprocessableEntity, body)
		return
	}
	draft, err := body.prune()
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	switch act {
	case "save":
		k.save(w, r, v, body, draft)
		return
	case "submit":
		to, err := finish(draft)
		if err == nil {
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		k.explain(v, &body, err)
		k.showForm(w, r, v, http.StatusUnprocessableEntity, body)
	default:
		body.Checked = true
		if err := k.Records.CheckDraft(r.Context(), draft); err != nil {
			k.explain(v, &body, err)
		}
		k.showForm(w, r, v, http.StatusOK, body)
	}
}

// prune leaves out what is empty, so that places in the draft and in the form are the same, and returns the draft.
func (p *composePage) prune() ([]byte, error) {
	value, _, _ := p.Form.draft()
	draft, _ := value.(map[string]any)
	p.Form = fill(formField(p.Description), "", draft, false)
	homeFromForm(draft)
	return json.Marshal(draft)
}

// explain puts each defect where it belongs, and all of them into the summary.
func (k *Console) explain(v *visit, body *composePage, err error) {
	problem, _ := k.problemOf(err)
	if len(problem.Defects) == 0 {
		body.Problem = problem
		return
	}
	for _, d := range problem.Defects {
		n := body.Form.find(d.Pointer)
		text, own := v.lang.Schema(d.Hint)
		line := defect{Name: n.Name, Rule: v.lang.Word("rule", string(d.Rule)), Text: schemaText{text, own}}
		title, own := v.lang.Schema(n.Title)
		if rest := strings.TrimPrefix(d.Pointer, n.Name); rest != "" && rest != d.Pointer || n.Title == "" { // a member that the form leaves out
			title = strings.ReplaceAll(strings.TrimPrefix(d.Pointer, "/"), "/", ", ")
		}
		line.Title = schemaText{title, own}
		body.Summary = append(body.Summary, line)
		n.Errors = append(n.Errors, strings.TrimSuffix(line.Rule+": "+text, ": "))
	}
}

// explainTimes says which times the clocks of the form's zone never show, or show twice. They cannot stand in a draft.
func (k *Console) explainTimes(v *visit, body *composePage) (any bool) {
	for _, n := range body.Form.troubled() {
		title, own := v.lang.Schema(n.Title)
		line := defect{Name: n.Name, Title: schemaText{title, own}, Rule: v.lang.T(n.trouble, n.Zone())}
		body.Summary = append(body.Summary, line)
		n.Errors = append(n.Errors, line.Rule)
		any = true
	}
	return any
}

// showForm adds what a form suggests, and shows it.
func (k *Console) showForm(w http.ResponseWriter, r *http.Request, v *visit, status int, body composePage) {
	body.Check = "/compose/check/" + string(body.Type)
	if body.Form.zone == nil {
		body.Form.inZone(v.zone)
	}
	if d, err := k.Desk.Directory(r.Context()); err == nil {
		for _, e := range d.Authorities {
			if !slices.Contains(body.States, e.ID.State()) {
				body.States = append(body.States, e.ID.State())
			}
			if slices.ContainsFunc(e.Routes, func(r api.DirectoryRoute) bool { return r.Channel == body.Type.Channel() }) {
				body.Authorities = append(body.Authorities, e.ID)
			}
		}
	}
	if subjects := body.Form.at("/subjects"); subjects != nil {
		for _, s := range subjects.Nodes {
			if ref := s.Member("ref"); ref != nil && ref.Value != "" {
				body.Persons = append(body.Persons, ref.Value)
			}
		}
	}
	if files := body.Form.at("/attachments"); files != nil {
		for _, f := range files.Nodes {
			body.Hashes = append(body.Hashes, attached{Name: f.Member("name").Value, SHA256: f.Member("sha256").Value})
		}
	}
	text, _ := v.lang.Schema(body.Description.Title)
	p := k.pageOf(r, v, text, body)
	p.Status, p.Problem = status, body.Problem
	k.render(w, status, "compose", p)
}

// checkForm answers a script that asks what is wrong with the form as it is now.
func (k *Console) checkForm(w http.ResponseWriter, r *http.Request, v *visit) {
	t := typeOfPath(r)
	if t == "" {
		k.unknownType(w, r, v)
		return
	}
	body := composePage{Type: t, Description: described(t), Form: read(formField(described(t)), "", r.PostForm), Checked: true}
	if k.explainTimes(v, &body) {
		k.fragment(w, v, "compose", "completeness", k.pageOf(r, v, "", body))
		return
	}
	draft, err := body.prune()
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	if err := k.Records.CheckDraft(r.Context(), draft); err != nil {
		k.explain(v, &body, err)
	}
	k.fragment(w, v, "compose", "completeness", k.pageOf(r, v, "", body))
}

// save keeps the form for later.
func (k *Console) save(w http.ResponseWriter, r *http.Request, v *visit, body composePage, draft []byte) {
	id := body.Draft
	if _, err := schemas.ParseMessageID(id); err != nil {
		id = string(schemas.NewMessageID())
	}
	err := k.Records.KeepUnfinished(r.Context(), v.Person.Name, Unfinished{ID: id, Type: body.Type, Form: draft})
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/drafts/"+id, "saved")
}

// resume goes on with a form that was kept.
func (k *Console) resume(w http.ResponseWriter, r *http.Request, v *visit) {
	kept, err := k.Records.Unfinished(r.Context(), v.Person.Name)
	i := slices.IndexFunc(kept, func(u Unfinished) bool { return u.ID == r.PathValue("id") })
	if err == nil && i < 0 {
		err = &api.Problem{Reason: "not-found", Message: "no such draft"}
	}
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	if described(kept[i].Type) == nil {
		k.unknownType(w, r, v)
		return
	}
	k.showKept(w, r, v, composePage{Type: kept[i].Type, Action: composeAddress(kept[i].Type), Draft: kept[i].ID}, kept[i].Form)
}

// showKept fills a form from a draft as JSON.
func (k *Console) showKept(w http.ResponseWriter, r *http.Request, v *visit, body composePage, draft []byte) {
	object, err := objectOf(draft)
	if err != nil {
		k.fail(w, r, v, fmt.Errorf("reading a draft: %w", err))
		return
	}
	homeToForm(object)
	body.Description = described(body.Type)
	body.Form = fill(formField(body.Description), "", object, false)
	k.showForm(w, r, v, http.StatusOK, body)
}

// objectOf reads a JSON object; numbers stay as they are written.
func objectOf(text []byte) (object map[string]any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&object)
	return object, err
}

func (k *Console) drop(w http.ResponseWriter, r *http.Request, v *visit) {
	if err := k.Records.DropUnfinished(r.Context(), v.Person.Name, r.PathValue("id")); err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/compose", "dropped")
}

// edit shows a message that has not left as a form.
func (k *Console) edit(w http.ResponseWriter, r *http.Request, v *visit) {
	m, err := k.Desk.Message(r.Context(), r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	object, err := objectOf(m.Payload)
	if m.Direction != "out" || err != nil || described(m.Type) == nil {
		k.refuse(w, r, v.Session, http.StatusNotFound)
		return
	}
	object["to"] = []any{string(m.To)}
	if len(m.Home) > 0 {
		home, err := objectOf(m.Home)
		if err != nil {
			k.fail(w, r, v, fmt.Errorf("reading what is recorded beside a draft: %w", err))
			return
		}
		object["home"] = home
	}
	draft, err := json.Marshal(object)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.showKept(w, r, v, composePage{Type: m.Type, Action: r.URL.Path, Message: &m}, draft)
}

func (k *Console) edited(w http.ResponseWriter, r *http.Request, v *visit) {
	m, err := k.Desk.Message(r.Context(), r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	if m.Direction != "out" || described(m.Type) == nil {
		k.refuse(w, r, v.Session, http.StatusNotFound)
		return
	}
	k.takeForm(w, r, v, composePage{Type: m.Type, Action: r.URL.Path, Message: &m}, func(draft []byte) (string, error) {
		_, err := k.Desk.Edit(r.Context(), v.Person.Name, m.ID, draft)
		return "/messages/" + url.PathEscape(string(m.ID)) + "?done=edited", err
	})
}
