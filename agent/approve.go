package agent

import (
	"context"
	"slices"

	"comity/agent/api"
	"comity/agent/store"
	"comity/schemas"
)

// Approve is step 2: a second person, who wrote no part of the message, approves exactly the bytes whose SHA-256 they
// name in hexadecimal. proof is their signed command, kept with the message.
func (a *Agent) Approve(ctx context.Context, by string, id schemas.MessageID, sha256 string, proof []byte) (api.Message, error) {
	var m *store.Message
	var authors []string
	err := a.store.Update(ctx, func(tx *store.Tx) (err error) {
		if m, err = a.unsealed(tx, id, "approved", store.InReview); err != nil {
			return err
		}
		if authors, err = tx.Authors(m.Key); err != nil {
			return err
		}
		if len(authors) == 0 || slices.Contains(authors, by) {
			return problem(ReasonFourEyes, "who wrote a message does not approve it", "ask a colleague with the role approver")
		}
		if sha256 != hexOf(m.PayloadSHA256) {
			return problem(ReasonOtherBytes, "the message is not the one that you have read: it was edited since", "comity message show, then approve again")
		}
		m.State, m.ApprovedBy, m.ApprovedAt, m.Approval = store.Approved, by, a.now(), proof
		if err := tx.PutMessage(m); err != nil {
			return err
		}
		return a.recordHome(tx, eventApproved, m.ID, m.PayloadSHA256, by)
	})
	if err != nil {
		return api.Message{}, err
	}
	a.changes.tell(api.Event{Message: m.ID, State: string(m.State), Case: m.Case})
	a.released.give()
	return show(m, authors), nil
}
