package policy

import "comity/schemas"

// Item is something received that a message quotes, answers to or attaches, with what sticks to it (ASY-08): who sent it
// under which limits. The caller finds items by message, by the hash of an attachment before and after neutralising, and
// by what the author declared.
type Item struct {
	From     schemas.AuthorityID
	Onward   schemas.Onward
	OnwardTo []schemas.StateCode // with OnwardListed
	UseLimit schemas.UseLimit
	// SentTo is the States to which From sent the item itself: the audience of a team's item. For them it is not new.
	SentTo []schemas.StateCode
	// SameCase: the message belongs to the case that brought the item, or to the team.
	SameCase bool
	// Consented: a granted consent of From covers this recipient and this purpose. It lifts the limits of the item, never
	// what protects a person.
	Consented bool
	// ProtectFrom is the label of the item: it is itself an asylum datum.
	ProtectFrom []schemas.StateCode
}
