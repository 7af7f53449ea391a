package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"comity/agent/people"
	"comity/schemas"
)

func (s *Server) draft(r *request) (int, any, error) {
	made, err := s.desk.Draft(r.Context(), r.person.Name, r.body)
	return http.StatusCreated, Messages{Messages: made}, err
}

func (s *Server) edit(r *request) (int, any, error) {
	id, err := r.id()
	if err != nil {
		return 0, nil, err
	}
	m, err := s.desk.Edit(r.Context(), r.person.Name, id, r.body)
	return http.StatusOK, m, err
}

func (s *Server) discard(r *request) (int, any, error) {
	id, err := r.id()
	if err != nil {
		return 0, nil, err
	}
	m, err := s.desk.Discard(r.Context(), r.person.Name, id)
	return http.StatusOK, m, err
}

// sign is for every act by which a person puts their name to exact bytes.
func (s *Server) sign(what Signing, act func(ctx context.Context, by string, id schemas.MessageID, sha256 string, proof []byte) (Message, error)) func(*request) (int, any, error) {
	return func(r *request) (int, any, error) {
		id, approval, err := named[Approval](r)
		if err != nil {
			return 0, nil, err
		}
		proof, err := r.sign(what, id, approval)
		if err != nil {
			return 0, nil, err
		}
		m, err := act(r.Context(), r.person.Name, id, approval.SHA256, proof)
		return http.StatusOK, m, err
	}
}

// sign makes or takes the proof of an act on a message.
func (r *request) sign(what Signing, id schemas.MessageID, body any) ([]byte, error) {
	method, target, canonical, err := what.Command(id, body)
	if err != nil {
		return nil, err
	}
	return r.prove(method, target, canonical)
}

func (s *Server) messages(r *request) (int, any, error) {
	values := r.URL.Query()
	q := Query{State: values.Get("state"), Case: schemas.CaseID(values.Get("case")), Peer: schemas.AuthorityID(values.Get("peer"))}
	var err error
	if q.Limit, err = limitOf(r); err != nil {
		return 0, nil, err
	}
	if q.After, err = cursorOf[schemas.MessageID](r); err != nil {
		return 0, nil, err
	}
	found, err := s.desk.Messages(r.Context(), q)
	answer := Messages{Messages: found}
	if len(found) > 0 && len(found) == pageOf(q.Limit) {
		last := found[len(found)-1]
		answer.Next = Place[schemas.MessageID]{At: later(last.DraftedAt, last.SentAt), ID: last.ID}.text()
	}
	return http.StatusOK, answer, err
}

func (s *Server) search(r *request) (int, any, error) {
	found, err := s.desk.Search(r.Context(), r.URL.Query().Get("words"))
	return http.StatusOK, Messages{Messages: found}, err
}

// message shows the content to whom a role lets read it, and to others the rest.
func (s *Server) message(r *request) (int, any, error) {
	m, err := s.desk.Message(r.Context(), r.PathValue("id"))
	if !r.person.May(people.ReadText) || m.Withheld && !r.person.May(people.ReadReviews) {
		m.Payload, m.Home = nil, nil
	}
	return http.StatusOK, m, err
}

func (s *Server) cases(r *request) (int, any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return 0, nil, err
	}
	q := CaseQuery{Limit: limit}
	if q.After, err = cursorOf[schemas.CaseID](r); err != nil {
		return 0, nil, err
	}
	if q.Whose, err = whoseOf(r); err != nil {
		return 0, nil, err
	}
	found, err := s.desk.CasesAfter(r.Context(), q)
	answer := Cases{Cases: found}
	if len(found) > 0 && len(found) == pageOf(limit) {
		last := found[len(found)-1]
		answer.Next = Place[schemas.CaseID]{At: last.ChangedAt, ID: last.ID}.text()
	}
	return http.StatusOK, answer, err
}

func (s *Server) caseFile(r *request) (int, any, error) {
	c, err := s.desk.Case(r.Context(), r.PathValue("id"))
	return http.StatusOK, c, err
}

func (s *Server) tasks(r *request) (int, any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return 0, nil, err
	}
	q := TaskQuery{Everybody: r.URL.Query().Get("all") == "true", Kind: r.URL.Query().Get("kind"), Limit: limit}
	if q.After, err = cursorOf[string](r); err != nil {
		return 0, nil, err
	}
	if q.Whose, err = whoseOf(r); err != nil {
		return 0, nil, err
	}
	found, err := s.desk.TasksAfter(r.Context(), q)
	answer := Tasks{Tasks: found}
	if len(found) > 0 && len(found) == pageOf(limit) {
		answer.Next = placeOfTask(found[len(found)-1]).text()
	}
	return http.StatusOK, answer, err
}

func (s *Server) health(r *request) (int, any, error) {
	h, err := s.desk.Health(r.Context())
	return http.StatusOK, h, err
}

func limitOf(r *request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return 0, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 {
		return 0, &Problem{Reason: ReasonRequest, Message: "limit is not a positive number"}
	}
	return limit, nil
}

func badRequest(err error) error {
	if decode, ok := errors.AsType[*schemas.DecodeError](err); ok {
		return &Problem{Reason: ReasonRequest, Message: decode.Error()}
	}
	return &Problem{Reason: ReasonRequest, Message: "the request is not readable"}
}
