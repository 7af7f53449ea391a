package console

import (
	"net/http"
	"net/url"

	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// tasksPage is what is due, the next one first.
type tasksPage struct {
	Tasks    []api.Task
	Me       schemas.AuthorityID
	Everyone bool   // also what the peers owe
	Assigned string // mine | none | ""
	New      bool   // only what waits to be acknowledged
	Assign   *assigning
	Draft    bool   // this person may acknowledge
	Next     string // address of the next page; "" on the last one
	First    string // address of the first page; "" on it
}

// newRequests is the kind of the tasks that an acknowledgement meets.
const newRequests = "acknowledgement"

func (k *Console) tasks(w http.ResponseWriter, r *http.Request, v *visit) {
	values := r.URL.Query()
	body := tasksPage{Me: k.Authority, Everyone: values.Get("all") == "true", New: values.Get("kind") == newRequests, Draft: v.Person.May(people.Draft)}
	q := api.TaskQuery{Everybody: body.Everyone, Limit: PageSize}
	q.Whose, body.Assigned = whoseOf(values, v)
	if body.New {
		q.Kind = newRequests
	}
	err := q.ReadCursor(values.Get("cursor"))
	if err == nil {
		body.Tasks, err = k.Desk.TasksAfter(r.Context(), q)
	}
	if err == nil {
		body.Assign, err = k.assigningOf(r, v)
	}
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	if values.Has("cursor") {
		body.First = tasksAddress(values, "")
	}
	if len(body.Tasks) == PageSize {
		body.Next = tasksAddress(values, api.CursorOfTask(body.Tasks[len(body.Tasks)-1]))
	}
	k.show(w, r, v, "tasks", "tasks.title", body)
}

func tasksAddress(values url.Values, cursor string) string {
	values.Del("cursor")
	values.Del("done")
	if cursor != "" {
		values.Set("cursor", cursor)
	}
	return "/tasks?" + values.Encode()
}

func (k *Console) deskRoutes(handle func(string, people.Act, func(http.ResponseWriter, *http.Request, *visit))) {
	handle("GET /tasks", people.ReadList, k.tasks)
	handle("POST /acknowledge", people.Draft, k.acknowledge)
	handle("POST /tasks/assign", people.Assign, k.assignTo("/tasks"))
	handle("POST /cases/assign", people.Assign, k.assignTo("/cases"))
	handle("POST /cases/{id}/assign", people.Assign, k.assignOne)
}
