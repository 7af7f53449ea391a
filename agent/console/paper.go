package console

import (
	"net/http"

	"comity/agent/api"
	"comity/schemas"
)

// lettersPage lists what goes on paper: what waits to be printed, and what was given away.
type lettersPage struct {
	Waiting, Given []api.Message
}

func (k *Console) letters(w http.ResponseWriter, r *http.Request, v *visit) {
	var body lettersPage
	var err error
	if body.Waiting, err = k.Records.InState(r.Context(), "to-print", waitingShown); err == nil {
		body.Given, err = k.Desk.Messages(r.Context(), api.Query{State: "dispatched", Limit: waitingShown})
	}
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.show(w, r, v, "letters", "letters.title", body)
}

// printLetter makes the letter of the bytes that the page showed, by their hash, and shows it to be printed.
func (k *Console) printLetter(w http.ResponseWriter, r *http.Request, v *visit) {
	id, err := messageID(r)
	if err == nil {
		_, err = k.Desk.PrintLetter(r.Context(), v.Person.Name, id, api.Printing{SHA256: r.PostFormValue("sha256"), Means: r.PostFormValue("means")})
	}
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/messages/"+string(id)+"/paper", "printed")
}

// paper is a letter as it was printed.
func (k *Console) paper(w http.ResponseWriter, r *http.Request, v *visit) {
	id, err := messageID(r)
	var l api.Letter
	if err == nil {
		l, err = k.Desk.Letter(r.Context(), id)
	}
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.show(w, r, v, "paper", "paper.title", l)
}

func messageID(r *http.Request) (schemas.MessageID, error) {
	id, err := schemas.ParseMessageID(r.PathValue("id"))
	if err != nil {
		return "", &api.Problem{Reason: api.ReasonRequest, Message: "not a message id"}
	}
	return id, nil
}
