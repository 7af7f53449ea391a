package console

import (
	"net/http"

	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// teamsPage lists the cases of joint investigation teams.
type teamsPage struct{ Rows []CaseRow }

func (k *Console) teams(w http.ResponseWriter, r *http.Request, v *visit) {
	found, err := k.Records.FindCases(r.Context(), CaseQuery{Channel: schemas.ChannelJIT, Page: 1})
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.show(w, r, v, "teams", "teams.title", teamsPage{found.Rows})
}

// teamPage is a team as this authority sees it: no item that it was not sent, and no number that counts such.
type teamPage struct {
	api.Case
	Replies []reply
}

func (k *Console) team(w http.ResponseWriter, r *http.Request, v *visit) {
	c, err := k.Desk.Case(r.Context(), r.PathValue("id"))
	if err == nil && c.Team == nil {
		err = &api.Problem{Reason: "not-found", Message: "no such team"}
	}
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	body := teamPage{Case: c}
	if v.Person.May(people.Draft) {
		body.Replies = k.replies(v, c)
	}
	k.show(w, r, v, "team", "team.title", body)
}
