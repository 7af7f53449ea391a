package console

import (
	"context"
	"encoding/json"
	"net/http"

	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// Reviews are for protection officers. Nobody else is shown that there are any, nor which messages wait for one.

// signing is an act by which a person puts their name to exact bytes.
type signing func(ctx context.Context, by string, id schemas.MessageID, sha256 string, proof []byte) (api.Message, error)

func (k *Console) reviewRoutes(handle func(string, people.Act, func(http.ResponseWriter, *http.Request, *visit))) {
	handle("GET /reviews", people.ReadReviews, k.reviews)
	handle("GET /reviews/{id}", people.ReadReviews, k.review)
	handle("POST /reviews/{id}/release", people.DecideReviews, k.release)
	handle("POST /reviews/{id}/clear", people.DecideReviews, k.clear)
	handle("POST /reviews/{id}/return", people.DecideReviews, k.decide(k.Desk.ReturnHeld, "returned"))
	handle("POST /reviews/{id}/block", people.DecideReviews, k.decide(k.Desk.BlockHeld, "blocked"))
	handle("POST /reviews/{id}/not-same", people.DecideReviews, k.notSame)
	handle("POST /reviews/alerts", people.ReadReviews, k.endAlert)
}

// reviewsPage lists what waits, and what an officer must look at.
type reviewsPage struct {
	Reviews  []api.Review
	Alerts   []api.ProtectionAlert
	Withheld []api.Message
	Register api.RegisterState
}

func (k *Console) reviews(w http.ResponseWriter, r *http.Request, v *visit) {
	var body reviewsPage
	var err error
	if body.Reviews, err = k.Desk.Reviews(r.Context()); err == nil {
		body.Alerts, err = k.Desk.ProtectionAlerts(r.Context())
	}
	if err == nil {
		body.Register, err = k.Desk.RegisterState(r.Context())
	}
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.show(w, r, v, "reviews", "reviews.title", body)
}

// reviewPage is one review with the message itself.
type reviewPage struct {
	api.Review
	Letter      *letterView
	Attachments []attached
	Home        []letterLine
	Mine        bool // this officer has released it: another one must
	Withheld    bool // it came from a peer
}

func (k *Console) review(w http.ResponseWriter, r *http.Request, v *visit) {
	found, err := k.Desk.Review(r.Context(), r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	m, err := k.Desk.Message(r.Context(), string(found.Message.ID))
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	body := reviewPage{Review: found, Withheld: m.Direction == "in"}
	for _, by := range found.ReleasedBy {
		body.Mine = body.Mine || by == v.Person.Name
	}
	if v.Person.May(people.ReadText) {
		body.Letter, body.Attachments = readLetter(v.lang, m.Type, m.Payload), attachments(m.Payload)
		body.Home = homeLines(v.lang, found.Home)
	}
	k.show(w, r, v, "review", "review.title", body)
}

// release says that a held message may go, of exactly the bytes and the decision that the page showed.
func (k *Console) release(w http.ResponseWriter, r *http.Request, v *visit) {
	word := api.Release{SHA256: r.PostFormValue("sha256"), Digest: r.PostFormValue("digest"), Necessity: r.PostFormValue("necessity")}
	k.onReview(w, r, v, "release", word, "released", func(ctx context.Context, id schemas.MessageID, proof []byte) error {
		_, err := k.Desk.ReleaseHeld(ctx, v.Person.Name, id, word, proof)
		return err
	})
}

func (k *Console) clear(w http.ResponseWriter, r *http.Request, v *visit) {
	k.onReview(w, r, v, "clear", nil, "cleared", func(ctx context.Context, id schemas.MessageID, proof []byte) error {
		_, err := k.Desk.ClearWithheld(ctx, v.Person.Name, id, proof)
		return err
	})
}

// onReview does what needs the officer's proof. The review is gone once two have said so, so the list is shown then.
func (k *Console) onReview(w http.ResponseWriter, r *http.Request, v *visit, route string, command any, done string, act func(context.Context, schemas.MessageID, []byte) error) {
	id, err := schemas.ParseMessageID(r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, &api.Problem{Reason: api.ReasonRequest, Message: "not a message id"})
		return
	}
	var body []byte
	if command != nil {
		if body, err = json.Marshal(command); err != nil {
			k.fail(w, r, v, err)
			return
		}
	}
	proof, ok := k.prove(w, r, v, "/v1/messages/"+string(id)+"/"+route, body)
	if !ok {
		return
	}
	if err := act(r.Context(), id, proof); err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/reviews", done)
}

func (k *Console) decide(act func(context.Context, string, schemas.MessageID) (api.Message, error), done string) func(http.ResponseWriter, *http.Request, *visit) {
	return func(w http.ResponseWriter, r *http.Request, v *visit) {
		id, err := schemas.ParseMessageID(r.PathValue("id"))
		if err == nil {
			_, err = act(r.Context(), v.Person.Name, id)
		}
		if err != nil {
			k.fail(w, r, v, err)
			return
		}
		back(w, r, "/reviews", done)
	}
}

func (k *Console) notSame(w http.ResponseWriter, r *http.Request, v *visit) {
	id, err := schemas.ParseMessageID(r.PathValue("id"))
	if err == nil {
		_, err = k.Desk.NotSamePerson(r.Context(), v.Person.Name, id, api.Distinction{Person: r.PostFormValue("person"), Entry: r.PostFormValue("entry")})
	}
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/reviews/"+string(id), "distinguished")
}

func (k *Console) endAlert(w http.ResponseWriter, r *http.Request, v *visit) {
	if err := k.Desk.EndProtectionAlert(r.Context(), v.Person.Name, r.PostFormValue("kind"), r.PostFormValue("subject")); err != nil {
		k.fail(w, r, v, err)
		return
	}
	back(w, r, "/reviews", "ended")
}
