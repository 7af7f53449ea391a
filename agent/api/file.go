package api

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"comity/agent/people"
	"comity/schemas"
)

// file answers one file of a message, as a download: whatever it is, no browser shows it as a page of ours.
func (s *Server) file(w http.ResponseWriter, r *request) {
	m, err := s.desk.Message(r.Context(), r.PathValue("id"))
	if err != nil {
		s.refuse(w, err)
		return
	}
	var payload struct {
		Attachments []schemas.Attachment `json:"attachments"`
	}
	if readable := !m.Withheld || r.person.May(people.ReadReviews); readable && len(m.Payload) > 0 {
		if err := json.Unmarshal(m.Payload, &payload); err != nil {
			s.refuse(w, err)
			return
		}
	}
	for _, a := range payload.Attachments {
		if a.SHA256 != r.PathValue("sha256") {
			continue
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", "attachment; filename="+strconv.Quote(a.Name))
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Content)))
		w.WriteHeader(http.StatusOK)
		w.Write(a.Content) // the caller may be gone; nothing to do about it
		return
	}
	s.refuse(w, &Problem{Reason: "not-found", Message: "the message has no such file", Hint: "attachments of its payload name the hashes"})
}
