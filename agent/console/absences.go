package console

import (
	"net/http"
	"time"

	"comity/agent/api"
	"comity/agent/people"
)

// Who is away, and who acts for them: a key officer records it. A deputy gets roles, so whoever has a passkey confirms with it.

// absencesPage lists who is away or will be.
type absencesPage struct {
	Absences []api.Absence
	Staff    []string
	Today    string
}

func (k *Console) absenceRoutes(handle func(string, people.Act, func(http.ResponseWriter, *http.Request, *visit))) {
	handle("GET /absences", people.KeepAccounts, k.absences)
	handle("POST /absences", people.KeepAccounts, k.putAbsence)
	handle("POST /absences/{name}/end", people.KeepAccounts, k.endAbsence)
}

func (k *Console) absences(w http.ResponseWriter, r *http.Request, v *visit) {
	body := absencesPage{Today: k.Now().UTC().Format(time.DateOnly)}
	staff, err := k.Book.Staff(r.Context())
	if err == nil {
		body.Absences, err = k.Desk.Absences(r.Context())
	}
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	for _, p := range staff {
		body.Staff = append(body.Staff, p.Name)
	}
	k.show(w, r, v, "absences", "absences.title", body)
}

// putAbsence takes days, those of UTC as with the command: the same form is the same absence when it comes again with a passkey.
func (k *Console) putAbsence(w http.ResponseWriter, r *http.Request, v *visit) {
	from, first := time.Parse(time.DateOnly, r.PostFormValue("from"))
	to, last := time.Parse(time.DateOnly, r.PostFormValue("to"))
	if first != nil || last != nil {
		k.fail(w, r, v, &api.Problem{Reason: api.ReasonRequest, Message: "from and to are not both days", Hint: "write a day as 2026-12-01"})
		return
	}
	absence := api.Absence{Person: r.PostFormValue("person"), Deputy: r.PostFormValue("deputy"), From: from, To: to.AddDate(0, 0, 1)}
	if _, ok := k.prove(w, r, v, api.SignAbsence, "", absence); !ok {
		return
	}
	if _, err := k.Desk.PutAbsence(r.Context(), v.Person.Name, absence); err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/absences", "absent")
}

func (k *Console) endAbsence(w http.ResponseWriter, r *http.Request, v *visit) {
	if _, err := k.Desk.EndAbsence(r.Context(), v.Person.Name, r.PathValue("name")); err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/absences", "returned-here")
}
