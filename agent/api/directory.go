package api

import (
	"net/http"

	"comity/pki"
	"comity/schemas"
)

// Directory is who can be written to, as the States publish it.
type Directory struct {
	Authorities []DirectoryEntry `json:"authorities"`
}

// DirectoryEntry is what an authority's own State says of it, and how this authority may write to it.
type DirectoryEntry struct {
	ID        schemas.AuthorityID   `json:"id"`
	Kind      pki.Kind              `json:"kind"`
	Name      string                `json:"name"`
	Channels  []schemas.Channel     `json:"channels"`
	Types     []schemas.MessageType `json:"types"`
	Languages []string              `json:"languages"`
	Requires  []pki.Requirement     `json:"requires,omitzero"`
	DutyDesk  pki.DutyDesk          `json:"duty_desk"`
	Calendar  pki.Calendar          `json:"calendar"`
	TimeZone  string                `json:"time_zone"`
	Routes    []DirectoryRoute      `json:"routes"` // in force from this authority; none to its own State
}

// DirectoryRoute is a channel on which this authority may write, and on what a message may rest.
type DirectoryRoute struct {
	Channel     schemas.Channel `json:"channel"`
	Instruments []string        `json:"instruments"`
}

func (s *Server) directory(r *request) (int, any, error) {
	d, err := s.desk.Directory(r.Context())
	return http.StatusOK, d, err
}
