package store

import "comity/schemas"

// MessagesOnChannel reads all messages of a channel with their content, in the order of their numbers within each pair;
// those that have none yet come first.
func (t *Tx) MessagesOnChannel(ch schemas.Channel) ([]*Message, error) {
	return t.messages(`WHERE channel = ? ORDER BY sender, recipient, seq, drafted_at, id`, ch)
}
