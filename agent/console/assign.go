package console

import (
	"net/http"
	"net/url"
	"slices"

	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// Who works on what: the cases and tasks of one desk, and cases that are given to an officer, one or several at a time. Boxes and
// buttons of plain forms do it.

// assigning is the form that gives the chosen cases to an officer. It is nil for whom a role does not let.
type assigning struct {
	api.Officers
	Back string // the query of the list, to come back to
	One  bool   // the form is for one case
	Here string // its officer
}

func (k *Console) assigningOf(r *http.Request, v *visit) (*assigning, error) {
	if !v.Person.May(people.Assign) {
		return nil, nil
	}
	officers, err := k.Desk.Officers(r.Context())
	return &assigning{Officers: officers, Back: r.URL.RawQuery}, err
}

// whoseOf reads whose list is asked for.
func whoseOf(values url.Values, v *visit) (w api.Whose, assigned string) {
	switch assigned = values.Get("assigned"); assigned {
	case api.AssignedMine:
		return api.Whose{Officer: v.Person.Name}, assigned
	case api.AssignedNone:
		return api.Whose{Unassigned: true}, assigned
	}
	return api.Whose{}, ""
}

// chosen are the cases whose boxes were ticked, each once.
func chosen[ID ~string](r *http.Request, name string) (ids []ID) {
	for _, text := range r.PostForm[name] {
		if id := ID(text); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// assignTo gives the chosen cases, and goes back to the page of the kind that the route is for.
func (k *Console) assignTo(page string) func(http.ResponseWriter, *http.Request, *visit) {
	return func(w http.ResponseWriter, r *http.Request, v *visit) {
		_, err := k.Desk.Assign(r.Context(), v.Person.Name, api.Assigning{Cases: chosen[schemas.CaseID](r, "case"), Officer: r.PostFormValue("officer")})
		if err != nil {
			k.fail(w, r, v, err)
			return
		}
		backTo(w, r, page, "assigned")
	}
}

func (k *Console) assignOne(w http.ResponseWriter, r *http.Request, v *visit) {
	id := schemas.CaseID(r.PathValue("id"))
	if _, err := k.Desk.Assign(r.Context(), v.Person.Name, api.Assigning{Cases: []schemas.CaseID{id}, Officer: r.PostFormValue("officer")}); err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/cases/"+url.PathEscape(string(id)), "assigned")
}

// backTo goes to a list as it was narrowed when the form was sent.
func backTo(w http.ResponseWriter, r *http.Request, page, done string) {
	query, err := url.ParseQuery(r.PostFormValue("back"))
	if err != nil || len(r.PostFormValue("back")) > 1000 {
		query = url.Values{}
	}
	query.Set("done", done)
	http.Redirect(w, r, page+"?"+query.Encode(), http.StatusSeeOther)
}
