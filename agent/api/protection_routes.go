package api

import (
	"net/http"

	"comity/agent/people"
	"comity/schemas"
)

// protectionRoutes are the routes of protection officers.
func (s *Server) protectionRoutes() []route {
	one := describe[Message]
	return []route{
		{method: "GET", path: "/reviews", doors: onBoth, act: people.ReadReviews, handle: s.reviews,
			about: describe[Reviews]("List what policy stopped and nobody has decided on, the oldest first")},
		{method: "GET", path: "/reviews/{id}", doors: onBoth, act: people.ReadReviews, handle: s.review, about: describe[Review]("Show one review")},
		{method: "POST", path: "/messages/{id}/release", doors: onBoth, act: people.DecideReviews, handle: s.releaseHeld,
			about: one("Put one's name to a release; the second officer's lets the message go").takes(Release{})},
		{method: "POST", path: "/messages/{id}/return", doors: onBoth, act: people.DecideReviews, handle: s.returnHeld,
			about: one("Give a message under review back to its author")},
		{method: "POST", path: "/messages/{id}/block", doors: onBoth, act: people.DecideReviews, handle: s.blockHeld,
			about: one("Close the review of a message that must not leave")},
		{method: "POST", path: "/messages/{id}/clear", doors: onBoth, act: people.DecideReviews, handle: s.clearWithheld,
			about: one("Put one's name to letting people read a received message; it takes two")},
		{method: "POST", path: "/messages/{id}/not-same-person", doors: onBoth, act: people.DecideReviews, handle: s.notSamePerson,
			about: describe[Distinguished]("Put one's name to the decision that a person is not that of an entry").takes(Distinction{})},
		{method: "GET", path: "/protection/alerts", doors: onBoth, act: people.ReadReviews, handle: s.protectionAlerts,
			about: describe[ProtectionAlerts]("List what a protection officer must look at")},
		{method: "POST", path: "/protection/alerts", doors: onBoth, act: people.ReadReviews, handle: s.endProtectionAlert,
			about: describe[ProtectionAlert]("Be done with an alert").takes(ProtectionAlert{})},
		{method: "POST", path: "/policy/check", doors: onBoth, act: people.CheckPolicy, handle: s.checkPolicy,
			about: describe[PolicyCheck]("Ask the rules about a draft; it is counted and recorded").takes(draftBody{})},
		{method: "GET", path: "/policy/decisions", doors: onBoth, act: people.ReadDecisions, handle: s.decisions,
			about: describe[Decisions]("List which rules decided, and not about whom").query("limit")},
		{method: "GET", path: "/register", doors: onBoth, act: people.KeepRegister, handle: s.registerState,
			about: describe[RegisterState]("How the protection register is")},
		{method: "POST", path: "/register/entries", doors: onSocket, act: people.KeepRegister, handle: s.putRegister},
		{method: "POST", path: "/register/feed", doors: onSocket, act: people.KeepRegister, handle: s.importRegister},
	}
}

func (s *Server) reviews(r *request) (int, any, error) {
	found, err := s.desk.Reviews(r.Context())
	return http.StatusOK, Reviews{Reviews: found}, err
}

func (s *Server) review(r *request) (int, any, error) {
	found, err := s.desk.Review(r.Context(), r.PathValue("id"))
	return http.StatusOK, found, err
}

func (s *Server) releaseHeld(r *request) (int, any, error) {
	id, body, err := named[Release](r)
	if err != nil {
		return 0, nil, err
	}
	proof, err := r.sign(SignRelease, id, body)
	if err != nil {
		return 0, nil, err
	}
	m, err := s.desk.ReleaseHeld(r.Context(), r.person.Name, id, body, proof)
	return http.StatusOK, m, err
}

func (s *Server) returnHeld(r *request) (int, any, error) {
	id, err := r.id()
	if err != nil {
		return 0, nil, err
	}
	m, err := s.desk.ReturnHeld(r.Context(), r.person.Name, id)
	return http.StatusOK, m, err
}

func (s *Server) blockHeld(r *request) (int, any, error) {
	id, err := r.id()
	if err != nil {
		return 0, nil, err
	}
	m, err := s.desk.BlockHeld(r.Context(), r.person.Name, id)
	return http.StatusOK, m, err
}

func (s *Server) clearWithheld(r *request) (int, any, error) {
	id, err := r.id()
	if err != nil {
		return 0, nil, err
	}
	proof, err := r.sign(SignClear, id, nil)
	if err != nil {
		return 0, nil, err
	}
	m, err := s.desk.ClearWithheld(r.Context(), r.person.Name, id, proof)
	return http.StatusOK, m, err
}

func (s *Server) notSamePerson(r *request) (int, any, error) {
	id, body, err := named[Distinction](r)
	if err != nil {
		return 0, nil, err
	}
	d, err := s.desk.NotSamePerson(r.Context(), r.person.Name, id, body)
	return http.StatusOK, d, err
}

// named reads the message that a request names and its body.
func named[T any](r *request) (id schemas.MessageID, body T, err error) {
	if id, err = r.id(); err != nil {
		return id, body, err
	}
	if err := schemas.Decode(r.body, &body, schemas.DefaultLimits); err != nil {
		return id, body, badRequest(err)
	}
	return id, body, nil
}

func (s *Server) protectionAlerts(r *request) (int, any, error) {
	found, err := s.desk.ProtectionAlerts(r.Context())
	return http.StatusOK, ProtectionAlerts{Alerts: found}, err
}

func (s *Server) endProtectionAlert(r *request) (int, any, error) {
	var body ProtectionAlert
	if err := schemas.Decode(r.body, &body, schemas.DefaultLimits); err != nil {
		return 0, nil, badRequest(err)
	}
	if err := s.desk.EndProtectionAlert(r.Context(), r.person.Name, body.Kind, body.Subject); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, body, nil
}

func (s *Server) checkPolicy(r *request) (int, any, error) {
	found, err := s.desk.CheckPolicy(r.Context(), r.person.Name, r.body)
	return http.StatusOK, found, err
}

func (s *Server) decisions(r *request) (int, any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return 0, nil, err
	}
	found, err := s.desk.Decisions(r.Context(), limit)
	return http.StatusOK, Decisions{Decisions: found}, err
}

func (s *Server) registerState(r *request) (int, any, error) {
	state, err := s.desk.RegisterState(r.Context())
	return http.StatusOK, state, err
}

func (s *Server) putRegister(r *request) (int, any, error) {
	report, err := s.desk.PutRegister(r.Context(), r.person.Name, r.body)
	return http.StatusOK, report, err
}

func (s *Server) importRegister(r *request) (int, any, error) {
	report, err := s.desk.ImportRegister(r.Context(), r.person.Name, r.URL.Query().Get("format"), r.body)
	return http.StatusOK, report, err
}
