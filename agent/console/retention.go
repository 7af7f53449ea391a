package console

import (
	"net/http"
	"slices"

	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// retentionPage lists the cases whose content is due to go, and those that are kept.
type retentionPage struct {
	api.Retention
	Rows    []retentionRow
	Reasons []string
	Erase   bool
	Keep    bool
}

type retentionRow struct {
	api.RetentionCase
	Mine bool // this person has confirmed it: another one must
}

func (k *Console) retention(w http.ResponseWriter, r *http.Request, v *visit) {
	found, err := k.Desk.Retention(r.Context())
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	body := retentionPage{Retention: found, Reasons: api.KeepReasons(), Erase: v.Person.May(people.EraseCases), Keep: v.Person.May(people.KeepCases)}
	for _, c := range slices.Concat(found.Due, found.Kept) {
		body.Rows = append(body.Rows, retentionRow{c, slices.Contains(c.ConfirmedBy, v.Person.Name)})
	}
	k.show(w, r, v, "retention", "retention.title", body)
}

// eraseCase is one of the two words that let the content of a case go, for what the page showed.
func (k *Console) eraseCase(w http.ResponseWriter, r *http.Request, v *visit) {
	id, err := schemas.ParseCaseID(r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, &api.Problem{Reason: api.ReasonRequest, Message: "not a case id"})
		return
	}
	word := api.Erasure{Digest: r.PostFormValue("digest")}
	proof, ok := k.prove(w, r, v, api.SignErasure, schemas.MessageID(id), word)
	if !ok {
		return
	}
	c, err := k.Desk.EraseCase(r.Context(), v.Person.Name, id, word, proof)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	done := "confirmed"
	if !c.ErasedAt.IsZero() {
		done = "erased"
	}
	back(w, r, "/retention", done)
}

func (k *Console) keepCase(w http.ResponseWriter, r *http.Request, v *visit) {
	_, err := k.Desk.KeepCase(r.Context(), v.Person.Name, r.PathValue("id"), api.Keeping{Reason: r.PostFormValue("reason")})
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/cases/"+r.PathValue("id"), "kept")
}

func (k *Console) endKeeping(w http.ResponseWriter, r *http.Request, v *visit) {
	if _, err := k.Desk.EndKeeping(r.Context(), v.Person.Name, r.PathValue("id")); err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/cases/"+r.PathValue("id"), "unkept")
}
