package agent

import (
	"errors"
	"slices"

	"comity/agent/store"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// A case is derived from the set of messages that both sides hold: sealed, stored or given away on paper, and neither
// rejected, expired nor voided. Nothing else is the truth about it; the case file is a copy for lists.

// errNoCase says that nothing in the set opened the case.
var errNoCase = errors.New("the case is not open")

// derive computes where a case stands. keep picks the set, nil takes all that counts; the messages returned are all of
// the case, whether they count or not.
func (a *Agent) derive(tx *store.Tx, id schemas.CaseID, peer schemas.AuthorityID, keep func(*store.Message) bool) (lifecycle.Case, []*store.Message, error) {
	messages, err := tx.BareMessagesOfCase(id, peer)
	if err != nil {
		return lifecycle.Case{}, nil, err
	}
	var events []lifecycle.Event
	var channel schemas.Channel
	for _, m := range messages {
		if keep == nil && !m.Counts() || keep != nil && !keep(m) {
			continue
		}
		if m.Opens() {
			channel = m.Channel
		}
		events = append(events, eventOf(m))
	}
	if channel == "" {
		return lifecycle.Case{}, messages, errNoCase
	}
	state, err := lifecycle.Derive(channel, events)
	return state.At(a.now()), messages, err
}

// refile brings the case file up to date after a message began or ceased to count.
func (a *Agent) refile(tx *store.Tx, id schemas.CaseID, peer schemas.AuthorityID) error {
	state, messages, err := a.derive(tx, id, peer, nil)
	if errors.Is(err, errNoCase) {
		return errors.Join(tx.DropCase(id, peer), a.untask(tx, id, peer))
	}
	if err != nil {
		return err
	}
	now := a.now()
	file := &store.CaseFile{
		ID: id, Peer: peer, Channel: state.Channel, Requesting: state.Requesting, Requested: state.Requested,
		State: string(state.State), Open: state.Open, ChangedAt: now,
	}
	for _, m := range messages {
		if m.Opens() {
			file.OpenedAt = m.SentAt
		}
	}
	due := a.deadlines(state, messages)
	next, err := a.retask(tx, id, due)
	if err != nil {
		return err
	}
	if file.Pace, err = paceOf(tx, id, state, messages, due, now); err != nil {
		return err
	}
	if err := a.erase(tx, state, messages); err != nil {
		return err
	}
	file.ClosedAt = closedAt(state, messages, now)
	file.LookAt = next
	if state.Expires.After(now) {
		file.LookAt = earliest(file.LookAt, state.Expires)
	}
	return tx.PutCase(file)
}

// erase forgets the content of messages that the case says must not be kept, such as a false hit at a border. Hashes,
// numbers and receipts stay: they prove that there was something, and not what.
func (a *Agent) erase(tx *store.Tx, state lifecycle.Case, messages []*store.Message) error {
	for _, m := range messages {
		settled := m.State == store.Delivered || m.State == store.Received || m.State == store.Dispatched
		if !settled || m.Payload == nil || !slices.Contains(state.Erase, lifecycle.Ref{From: m.Sender, ID: m.ID}) {
			continue
		}
		m.Payload = nil
		if err := errors.Join(tx.PutMessage(m), tx.ForgetSealed(m.Key), tx.ForgetLetter(m.Key), tx.ForgetTranslations(m.Key), tx.ForgetWords(m.Key), a.recordHome(tx, eventErased, m.ID, m.PayloadSHA256, ""), tx.LeaveToWipe()); err != nil {
			return err
		}
	}
	return nil
}

// eventOf is what the lifecycle needs to know of a message.
func eventOf(m *store.Message) lifecycle.Event {
	return lifecycle.Event{
		ID: m.ID, From: m.Sender, To: m.Recipient, Seq: m.Place(), Seen: m.Seen, Type: m.Type, InReplyTo: m.InReplyTo, Outcome: m.Outcome,
		Continues: !m.Opens(), SentAt: m.SentAt,
	}
}

// asSeenBy narrows a case to the causal past of a message that its sender numbered seq when it had received everything
// of the other side up to seen. Both sides compute the same past, in whatever order things arrived.
func asSeenBy(sender schemas.AuthorityID, seq, seen uint64) func(*store.Message) bool {
	return func(m *store.Message) bool {
		if m.Sender == sender {
			return m.Counts() && m.Place() < seq
		}
		return m.Counts() && m.Place() <= seen
	}
}

// asHeldBy is asSeenBy where a peer's message is judged. One of ours may have expired here while the receipt for it is lost
// or on its way, and nobody knows yet whether the peer has it. Who has seen its number and goes on in the case had the
// message: a peer that had the void in its place would have nothing to go on with.
func asHeldBy(peer schemas.AuthorityID, seq, seen uint64) func(*store.Message) bool {
	past := asSeenBy(peer, seq, seen)
	return func(m *store.Message) bool {
		return past(m) || m.Recipient == peer && m.State == store.Expired && m.Seq <= seen
	}
}
