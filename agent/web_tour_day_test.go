package agent

import (
	"time"

	"comity/agent/api"
	"comity/agent/retention"
	"comity/schemas"
)

// The steps of the tour through the API (web_routes_test.go) for what a working day needs beside messages.

// mail is a letter that goes on paper, one that comes, and a translation.
func (s *webTour) mail(w *world) {
	officer, registrar := s.d.login(s.t, "web-case-officer"), s.d.login(s.t, "web-registrar")
	m := s.d.cleared(draft(s.t, qp, "request", "", ""))
	s.step(officer, 404, "GET", "/messages/{id}/letter", nil, nil, string(m.ID))
	s.step(officer, 400, "POST", "/messages/{id}/letter", api.Printing{SHA256: m.SHA256, Means: "pigeon"}, nil, string(m.ID))
	s.step(officer, 200, "POST", "/messages/{id}/letter", api.Printing{SHA256: m.SHA256, Means: "post"}, nil, string(m.ID))
	s.step(officer, 200, "GET", "/messages/{id}/letter", nil, nil, string(m.ID))
	s.step(registrar, 201, "POST", "/papers", w.paperFrom(s.t, qp, qm, "request", "", ""), nil)
	s.step(registrar, 422, "POST", "/papers", []byte(`{"to":`), nil)
	waiting := s.d.write(draft(s.t, qn, "request", "", ""))
	var ordered api.Translation
	order := api.TranslationOrder{Language: "fr", DueOn: schemas.Date(s.d.now().AddDate(0, 0, 7).Format(time.DateOnly))}
	s.step(officer, 201, "POST", "/messages/{id}/translations", order, &ordered, string(waiting.ID))
	s.step(officer, 200, "GET", "/messages/{id}/translations", nil, nil, string(waiting.ID))
	s.step(officer, 200, "GET", "/translations", nil, nil)
	s.step(officer, 200, "POST", "/translations/{id}", text("Une demande."), nil, ordered.Order)
	s.step(officer, 200, "GET", "/search", nil, nil, "?words=bank")
}

// endOfTime is a case whose time is over: kept, no longer kept, and erased by two persons.
func (s *webTour) endOfTime(w *world) {
	s.d.keeps(s.t, retention.File{MLA: "24h"})
	id, _ := w.closedCase(s.t)
	w.later(s.t, 48*time.Hour)
	registrar, auditor := s.d.login(s.t, "web-registrar"), s.d.login(s.t, "web-auditor")
	var listed api.Retention
	s.step(registrar, 200, "PUT", "/retention/{id}/keeping", api.Keeping{Reason: "appeal"}, nil, string(id))
	s.step(registrar, 200, "GET", "/retention", nil, nil)
	s.step(registrar, 200, "DELETE", "/retention/{id}/keeping", nil, nil, string(id))
	s.step(registrar, 200, "GET", "/retention", nil, &listed)
	if len(listed.Due) != 1 {
		s.t.Fatalf("%d cases are due", len(listed.Due))
	}
	s.step(registrar, 409, "POST", "/retention/{id}/erasure", api.Erasure{Digest: "00"}, nil, string(id))
	s.step(registrar, 200, "POST", "/retention/{id}/erasure", api.Erasure{Digest: listed.Due[0].Digest}, nil, string(id))
	s.step(auditor, 200, "POST", "/retention/{id}/erasure", api.Erasure{Digest: listed.Due[0].Digest}, nil, string(id))
}
