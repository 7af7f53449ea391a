package api

import "comity/schemas"

// Team is how the joint investigation team of a case stands, as this authority sees it.
type Team struct {
	Proposer  schemas.AuthorityID   `json:"proposer"`
	ID        schemas.MessageID     `json:"id"`
	State     string                `json:"state"`
	Members   []schemas.AuthorityID `json:"members,omitzero"`
	Left      []schemas.AuthorityID `json:"left,omitzero"`
	Agreement string                `json:"agreement,omitzero"` // SHA-256 of the text in force
	To        schemas.Date          `json:"to,omitzero"`        // last day, extensions included
	Items     []TeamItem            `json:"items,omitzero"`     // those of this case, in the order of their numbers
}

// TeamItem is an item of a team as its recipient knows it.
type TeamItem struct {
	Message  schemas.MessageID     `json:"message"`
	Type     schemas.MessageType   `json:"type"`
	Author   schemas.AuthorityID   `json:"author"`
	Item     schemas.MessageID     `json:"item"`
	Number   int                   `json:"number"` // counts what this recipient was sent by this author
	Audience []schemas.AuthorityID `json:"audience"`
	SHA256   string                `json:"sha256"` // the same for every copy
}
