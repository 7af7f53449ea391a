package api

import (
	"net/http"

	"comity/agent/people"
	"comity/schemas"
)

// protectionRoutes are the routes of protection officers.
func (s *Server) protectionRoutes(route func(pattern string, act people.Act, handle func(*request) (int, any, error))) {
	route("GET /v1/reviews", people.ReadReviews, s.reviews)
	route("GET /v1/reviews/{id}", people.ReadReviews, s.review)
	route("POST /v1/messages/{id}/release", people.DecideReviews, s.releaseHeld)
	route("POST /v1/messages/{id}/return", people.DecideReviews, s.returnHeld)
	route("POST /v1/messages/{id}/block", people.DecideReviews, s.blockHeld)
	route("POST /v1/messages/{id}/clear", people.DecideReviews, s.clearWithheld)
	route("POST /v1/messages/{id}/not-same-person", people.DecideReviews, s.notSamePerson)
	route("GET /v1/protection/alerts", people.ReadReviews, s.protectionAlerts)
	route("POST /v1/protection/alerts", people.ReadReviews, s.endProtectionAlert)
	route("POST /v1/policy/check", people.CheckPolicy, s.checkPolicy)
	route("GET /v1/policy/decisions", people.ReadDecisions, s.decisions)
	route("GET /v1/register", people.KeepRegister, s.registerState)
	route("POST /v1/register/entries", people.KeepRegister, s.putRegister)
	route("POST /v1/register/feed", people.KeepRegister, s.importRegister)
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
	m, err := s.desk.ReleaseHeld(r.Context(), r.person.Name, id, body, r.proof)
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
	m, err := s.desk.ClearWithheld(r.Context(), r.person.Name, id, r.proof)
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
