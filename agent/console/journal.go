package console

import (
	"net/http"

	"comity/agent/api"
	"comity/agent/people"
)

// journalPage is the evidence: what a verification found, once somebody asked for one.
type journalPage struct {
	Report     *api.JournalReport
	Checkpoint bool
}

func (k *Console) journal(w http.ResponseWriter, r *http.Request, v *visit) {
	k.show(w, r, v, "journal", "journal.title", journalPage{Checkpoint: v.Person.May(people.SignCheckpoint)})
}

// verifyJournal holds every log against everything that the agent has, and against the checkpoints that somebody kept.
func (k *Console) verifyJournal(w http.ResponseWriter, r *http.Request, v *visit) {
	report, err := k.Desk.VerifyJournal(r.Context(), []byte(r.PostFormValue("kept")))
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.show(w, r, v, "journal", "journal.title", journalPage{Report: &report, Checkpoint: v.Person.May(people.SignCheckpoint)})
}

// checkpoint hands out what a log is now, signed, to be kept elsewhere.
func (k *Console) checkpoint(w http.ResponseWriter, r *http.Request, v *visit) {
	c, err := k.Desk.Checkpoint(r.Context(), v.Person.Name, r.PostFormValue("log"))
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="checkpoint.txt"`)
	w.Write([]byte(c.Note))
}

// decisionsShown bounds the list of decisions.
const decisionsShown = 200

func (k *Console) decisions(w http.ResponseWriter, r *http.Request, v *visit) {
	found, err := k.Desk.Decisions(r.Context(), decisionsShown)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.show(w, r, v, "decisions", "decisions.title", found)
}

func (k *Console) health(w http.ResponseWriter, r *http.Request, v *visit) {
	h, err := k.Desk.Health(r.Context())
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.show(w, r, v, "health", "health.title", h)
}
