package console

import (
	"net/http"
	"strconv"
	"strings"

	"comity/agent/api"
	"comity/schemas"
)

// acknowledgePage is the one form for several requests that came in, and afterwards what was made of it.
type acknowledgePage struct {
	Rows        []acknowledgeRow
	NationalRef string
	Desk        string
	Complete    string // true | false
	Done        bool
}

// acknowledgeRow is one case of the form.
type acknowledgeRow struct {
	Case        schemas.CaseID
	NationalRef string
	Defects     []formDefect
	Made        bool
	Message     api.Message // once the form is done
}

// formDefect is one thing that is wrong with the draft of a case.
type formDefect struct {
	Place string // in the message; "" is all of it
	Rule  string
	Hint  string
}

// acknowledge shows the form for the chosen cases; sent from that form it drafts. Sent again it makes nothing twice.
func (k *Console) acknowledge(w http.ResponseWriter, r *http.Request, v *visit) {
	body := acknowledgePage{NationalRef: r.PostFormValue("national_ref"), Desk: r.PostFormValue("desk"), Complete: r.PostFormValue("complete")}
	said := api.Acknowledging{NationalRef: body.NationalRef, Desk: body.Desk, Complete: body.Complete == "true"}
	for _, id := range chosen[schemas.CaseID](r, "case") {
		row := acknowledgeRow{Case: id, NationalRef: r.PostFormValue("ref-" + string(id))}
		body.Rows = append(body.Rows, row)
		said.Cases = append(said.Cases, api.Acknowledge{Case: id, NationalRef: row.NationalRef})
	}
	p := k.pageOf(r, v, v.lang.T("acknowledge.title"), nil)
	if n := len(body.Rows); r.PostFormValue("act") == "draft" || n == 0 || n > api.MaxBulk {
		made, err := k.Desk.Acknowledge(r.Context(), v.Person.Name, said)
		if err != nil && !body.takeDefects(err) {
			k.fail(w, r, v, err)
			return
		}
		if err != nil {
			p.Problem, p.Status = &api.Problem{Reason: "invalid"}, http.StatusUnprocessableEntity
		}
		for i := range made {
			body.Done, body.Rows[i].Made, body.Rows[i].Message = true, made[i].Made, made[i].Message
		}
	}
	p.Body = body
	k.render(w, p.Status, "acknowledge", p)
}

// takeDefects puts each defect to its case. It reports whether the error is one of defects.
func (a *acknowledgePage) takeDefects(err error) bool {
	problem, ok := err.(*api.Problem)
	if !ok || len(problem.Defects) == 0 {
		return false
	}
	for _, d := range problem.Defects {
		number, place, _ := strings.Cut(strings.TrimPrefix(d.Pointer, "/cases/"), "/")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 || i >= len(a.Rows) {
			return false
		}
		a.Rows[i].Defects = append(a.Rows[i].Defects, formDefect{Place: place, Rule: string(d.Rule), Hint: d.Hint})
	}
	return true
}
