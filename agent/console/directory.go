package console

import (
	"net/http"
	"slices"
	"strings"

	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// directoryPage lists the authorities of the scheme.
type directoryPage struct {
	Entries  []api.DirectoryEntry
	Text     string
	Channel  schemas.Channel
	Channels []schemas.Channel
}

func (k *Console) directory(w http.ResponseWriter, r *http.Request, v *visit) {
	d, err := k.Desk.Directory(r.Context())
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	body := directoryPage{Text: r.URL.Query().Get("q"), Channel: schemas.Channel(r.URL.Query().Get("channel")), Channels: schemas.Channels()}
	text := strings.ToLower(body.Text)
	for _, e := range d.Authorities {
		names := strings.ToLower(string(e.ID) + " " + e.Name + " " + v.lang.Authority(e.ID))
		if strings.Contains(names, text) && (body.Channel == "" || slices.Contains(e.Channels, body.Channel)) {
			body.Entries = append(body.Entries, e)
		}
	}
	k.show(w, r, v, "directory", "directory.title", body)
}

// entryPage is one authority.
type entryPage struct {
	api.DirectoryEntry
	Own bool
	New []reply // what can be written to it to open a case
}

func (k *Console) directoryEntry(w http.ResponseWriter, r *http.Request, v *visit) {
	id := schemas.AuthorityID(r.PathValue("state") + "/" + r.PathValue("name"))
	d, err := k.Desk.Directory(r.Context())
	i := slices.IndexFunc(d.Authorities, func(e api.DirectoryEntry) bool { return e.ID == id })
	if err == nil && i < 0 {
		err = &api.Problem{Reason: "not-found", Message: "no such authority"}
	}
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	body := entryPage{DirectoryEntry: d.Authorities[i], Own: id == k.Authority}
	if v.Person.May(people.Draft) {
		body.New = openings(body.DirectoryEntry)
	}
	k.show(w, r, v, "entry", "entry.title", body)
}

// openings are the types that open a case and that an authority reads on the channels on which it can be written to.
func openings(e api.DirectoryEntry) (list []reply) {
	for _, t := range e.Types {
		reachable := slices.ContainsFunc(e.Routes, func(r api.DirectoryRoute) bool { return r.Channel == t.Channel() })
		if reachable && schemas.Registered(t) && schemas.Opens(t) {
			list = append(list, reply{Type: t, Address: composeAddress(t) + "?to=" + string(e.ID)})
		}
	}
	return list
}
