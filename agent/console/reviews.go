package console

import (
	"context"
	"net/http"
	"slices"

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
	handle("POST /handouts/{id}/release", people.DecideReviews, k.releaseHandout)
	handle("POST /handouts/{id}/return", people.DecideReviews, k.endHandout(k.Desk.ReturnHandout, "returned"))
	handle("POST /handouts/{id}/block", people.DecideReviews, k.endHandout(k.Desk.BlockHandout, "blocked"))
	handle("POST /reviews/alerts", people.ReadReviews, k.endAlert)
}

// reviewsPage lists what waits, and what an officer must look at.
type reviewsPage struct {
	Reviews  []api.Review
	Handouts []handoutRow
	Alerts   []api.ProtectionAlert
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
	if err == nil {
		body.Handouts, err = k.handouts(r, v)
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
	k.onReview(w, r, v, api.SignRelease, word, "released", func(ctx context.Context, id schemas.MessageID, proof []byte) error {
		_, err := k.Desk.ReleaseHeld(ctx, v.Person.Name, id, word, proof)
		return err
	})
}

func (k *Console) clear(w http.ResponseWriter, r *http.Request, v *visit) {
	k.onReview(w, r, v, api.SignClear, nil, "cleared", func(ctx context.Context, id schemas.MessageID, proof []byte) error {
		_, err := k.Desk.ClearWithheld(ctx, v.Person.Name, id, proof)
		return err
	})
}

// onReview does what needs the officer's proof. The review is gone once two have said so, so the list is shown then.
func (k *Console) onReview(w http.ResponseWriter, r *http.Request, v *visit, what api.Signing, command any, done string, act func(context.Context, schemas.MessageID, []byte) error) {
	id, err := schemas.ParseMessageID(r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, &api.Problem{Reason: api.ReasonRequest, Message: "not a message id"})
		return
	}
	proof, ok := k.prove(w, r, v, what, id, command)
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

// handoutRow is the file of a case that does not go to its reader as it is.
type handoutRow struct {
	api.Handout
	Mine bool // this officer has released it: another one must
}

func (k *Console) handouts(r *http.Request, v *visit) (rows []handoutRow, err error) {
	found, err := k.Desk.Handouts(r.Context())
	for _, h := range found {
		rows = append(rows, handoutRow{h, slices.Contains(h.ReleasedBy, v.Person.Name)})
	}
	return rows, err
}

// releaseHandout says that a file may go to its reader, by the decision that the page showed.
func (k *Console) releaseHandout(w http.ResponseWriter, r *http.Request, v *visit) {
	word := api.HandoutRelease{Digest: r.PostFormValue("digest"), Necessity: r.PostFormValue("necessity")}
	k.onReview(w, r, v, api.SignHandout, word, "released", func(ctx context.Context, id schemas.MessageID, proof []byte) error {
		_, err := k.Desk.ReleaseHandout(ctx, v.Person.Name, id, word, proof)
		return err
	})
}

func (k *Console) endHandout(act func(context.Context, string, schemas.MessageID) (api.Handout, error), done string) func(http.ResponseWriter, *http.Request, *visit) {
	return k.decide(func(ctx context.Context, by string, id schemas.MessageID) (api.Message, error) {
		_, err := act(ctx, by, id)
		return api.Message{}, err
	}, done)
}
