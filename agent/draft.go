package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"comity/agent/api"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/powercut"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// Draft is step 1 of the life of a message. draft is a payload as JSON with one more member, "to". It becomes one message
// for each recipient, each with its own id, in review. A draft with a defect is refused whole, with every defect named.
func (a *Agent) Draft(ctx context.Context, by string, draft []byte) ([]api.Message, error) {
	draft, err := a.nameFiles(ctx, draft)
	if err != nil {
		return nil, err
	}
	copies, err := a.parseCopies(ctx, draft)
	if err != nil {
		return nil, err
	}
	files := make([]attached, len(copies))
	for i, d := range copies {
		if files[i], err = a.attach(ctx, d); err != nil {
			return nil, err
		}
	}
	var made []*store.Message
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		if err := a.checkTeamDraft(tx, copies); err != nil {
			return err
		}
		tx.Step(powercut.Drafted)
		for i, d := range copies {
			messages, err := a.draftOne(tx, d, files[i], by)
			if err != nil {
				return err
			}
			made = append(made, messages...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.drafted(made, files, by), nil
}

// draftOne puts the messages that one payload becomes into review.
func (a *Agent) draftOne(tx *store.Tx, d *schemas.Draft, files attached, by string) (made []*store.Message, err error) {
	if err := a.checkDraft(tx, d); err != nil {
		return nil, err
	}
	for _, peer := range d.To {
		m := &store.Message{Key: store.Key{Sender: a.me, ID: schemas.NewMessageID()}, Recipient: peer, Direction: store.Out}
		if err := a.fill(m, d); err != nil {
			return nil, err
		}
		if err := a.putDraft(tx, m, files, by, eventDrafted); err != nil {
			return nil, err
		}
		made = append(made, m)
	}
	return made, nil
}

// Edit replaces the content of a message that has not left. Any approval is undone: it was given for other bytes.
func (a *Agent) Edit(ctx context.Context, by string, id schemas.MessageID, draft []byte) (api.Message, error) {
	draft, err := a.nameFiles(ctx, draft)
	if err != nil {
		return api.Message{}, err
	}
	d, err := a.parseDraft(draft)
	if err != nil {
		return api.Message{}, err
	}
	files, err := a.attach(ctx, d)
	if err != nil {
		return api.Message{}, err
	}
	m, err := a.onMessage(ctx, id, func(tx *store.Tx, m *store.Message, authors []string) error {
		if !slices.Contains(editable, m.State) {
			return wrongState(m, "edited")
		}
		tx.Step(powercut.Edited)
		if err := keepCopiesAlike(m); err != nil {
			return err
		}
		if len(d.To) != 1 || d.To[0] != m.Recipient {
			return problem(ReasonRecipient, "an edited message keeps its recipient", `write "to": ["`+string(m.Recipient)+`"], or discard the message and draft a new one`)
		}
		if err := a.checkDraft(tx, d); err != nil {
			return err
		}
		if err := a.fill(m, d); err != nil {
			return err
		}
		return a.putDraft(tx, m, files, by, eventEdited)
	})
	m.Files = showFiles(files)
	return m, err
}

// editable are the states in which a message is still the authority's own affair.
var editable = []store.State{store.InReview, store.Approved, store.ToPrint, store.Returned}

// Discard gives up a message that has not left, and with one copy of an item of a team all that have not left.
func (a *Agent) Discard(ctx context.Context, by string, id schemas.MessageID) (api.Message, error) {
	m, err := a.move(ctx, id, editable, store.Discarded, eventDiscarded, by)
	if err != nil {
		return m, err
	}
	return m, a.discardCopies(ctx, by, id)
}

// move changes the state of a message that has not left, from one of the states given.
func (a *Agent) move(ctx context.Context, id schemas.MessageID, from []store.State, to store.State, what, by string) (api.Message, error) {
	return a.onMessage(ctx, id, func(tx *store.Tx, m *store.Message, _ []string) error {
		if !slices.Contains(from, m.State) {
			return wrongState(m, what)
		}
		m.State, m.ApprovedBy, m.Approval = to, "", nil
		if to == store.Discarded {
			tx.Step(powercut.Discarded)
		}
		if to == store.Discarded && m.Opens() {
			if err := a.untask(tx, m.Case, m.Recipient); err != nil {
				return err
			}
		}
		return errors.Join(tx.PutMessage(m), a.recordHome(tx, what, m.ID, m.PayloadSHA256, by))
	})
}

// own reads one of our messages.
func (a *Agent) own(tx *store.Tx, id schemas.MessageID) (*store.Message, error) {
	m, err := tx.BareMessage(store.Key{Sender: a.me, ID: id})
	if errors.Is(err, store.ErrNotFound) {
		return nil, problem(ReasonNotFound, "this authority has no such message of its own", "comity message list shows the ids")
	}
	return m, err
}

func wrongState(m *store.Message, verb string) error {
	return problem(ReasonState, fmt.Sprintf("message %s is %s and cannot be %s", m.ID, m.State, verb), "")
}

// parseDraft takes a draft apart. The error is a problem with every defect.
func (a *Agent) parseDraft(draft []byte) (*schemas.Draft, error) {
	d, err := schemas.ParseDraft(draft, a.reads())
	if err != nil {
		return nil, asProblem(err)
	}
	if _, err := policy.ParseHome(d.Home); err != nil {
		return nil, homeProblem(err)
	}
	for i, id := range d.To {
		if id == a.me {
			return nil, invalidDraft([]schemas.Defect{{Pointer: fmt.Sprintf("/to/%d", i), Rule: schemas.RuleNotAllowed, Hint: "this is the sender itself"}})
		}
	}
	return d, nil
}

// reads is the directory as far as drafts need it: which types an authority reads.
func (a *Agent) reads() schemas.Reads {
	view := a.trust.View()
	return func(id schemas.AuthorityID) []schemas.MessageType {
		entry, err := view.Authority(id)
		if err != nil {
			return nil
		}
		return entry.Types
	}
}

// checkDraft asks what only this authority's own records and the directory can answer: does the recipient take this, and
// does the case allow it now.
func (a *Agent) checkDraft(tx *store.Tx, d *schemas.Draft) error {
	view, p, to := a.trust.View(), d.Parsed, d.To
	for _, peer := range to {
		if err := a.checkRecipient(view, d, peer); err != nil {
			return err
		}
		if err := a.checkEvidence(tx, p, peer); err != nil {
			return err
		}
	}
	if p.Case == "" {
		return a.checkOpening(p)
	}
	if len(to) != 1 {
		return problem(ReasonRecipient, "a case lies between two authorities: a message in it has one recipient", "draft one message for each case")
	}
	file, err := tx.Case(p.Case)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err != nil || file.Peer != to[0] || file.Channel != p.Channel {
		return problem(ReasonCase, "there is no such case with this recipient on this channel", "comity case list shows the cases")
	}
	if err := erasedProblem(tx, p.Case); err != nil {
		return err
	}
	state, messages, err := a.derive(tx, p.Case, to[0], nil)
	if err != nil {
		return err
	}
	if anyOnPaper(messages) && !onPaper(view, to[0]) {
		return problem(ReasonCase, errOnPaper.Error(), "open a new case: the other side holds no message of this one over Comity")
	}
	if p.InReplyTo != "" && !slices.ContainsFunc(messages, func(m *store.Message) bool { return m.ID == p.InReplyTo && m.Counts() }) {
		return problem(ReasonCase, "in_reply_to names no message of this case", "comity case show lists them")
	}
	return a.permits(state, p, to[0])
}

// checkOpening holds the expiry that a message gives to the case that it opens against this moment.
func (a *Agent) checkOpening(p *schemas.Payload) error {
	outcome, err := lifecycle.Essence(p)
	if err != nil {
		return asProblem(err)
	}
	return notPermitted(lifecycle.CheckExpiry(lifecycle.Event{Type: p.Type, Outcome: outcome, SentAt: a.now()}))
}

// permits asks the lifecycle whether we may send this now.
func (a *Agent) permits(c lifecycle.Case, p *schemas.Payload, peer schemas.AuthorityID) error {
	outcome, err := lifecycle.Essence(p)
	if err != nil {
		return asProblem(err)
	}
	return notPermitted(c.PermitsEvent(lifecycle.Event{
		From: a.me, To: peer, Type: p.Type, InReplyTo: p.InReplyTo, Outcome: outcome, Continues: true,
	}))
}

// notPermitted turns a refusal of the lifecycle into a problem.
func notPermitted(err error) error {
	if refused, ok := errors.AsType[*lifecycle.NotPermittedError](err); ok {
		return problem(ReasonNotPermitted, refused.Error(), refused.Hint)
	}
	return err
}

// fill sets what follows from the payload and puts the message into review without any approval.
func (a *Agent) fill(m *store.Message, d *schemas.Draft) error {
	p := d.Parsed
	outcome, err := lifecycle.Essence(p)
	if err != nil {
		return asProblem(err)
	}
	m.Channel, m.Type, m.Case, m.InReplyTo, m.Outcome = p.Channel, p.Type, p.Case, p.InReplyTo, outcome
	if m.Team, err = teamOf(m.Sender, p); err != nil {
		return err
	}
	m.Urgency, m.Language, m.Home = string(p.Urgency), string(p.Language), d.Home
	if p.Case == "" {
		m.Case = schemas.CaseOpenedBy(m.Sender, m.Recipient, m.ID)
	}
	m.Payload, m.PayloadSHA256 = d.Payload, sha256.Sum256(d.Payload)
	m.State, m.Reason, m.DraftedAt = store.InReview, "", a.now()
	m.ApprovedBy, m.Approval, m.ApprovedAt = "", nil, time.Time{}
	return nil
}

func (a *Agent) putDraft(tx *store.Tx, m *store.Message, files attached, by, what string) error {
	if err := tx.PutMessage(m); err != nil {
		return err
	}
	if err := tx.ReplaceFiles(m.Key, files); err != nil {
		return err
	}
	if err := a.claimEvidence(tx, m); err != nil {
		return err
	}
	if err := tx.AddAuthor(m.Key, by); err != nil {
		return err
	}
	return errors.Join(a.taskOral(tx, m), a.recordHome(tx, what, m.ID, m.PayloadSHA256, by))
}

func (a *Agent) drafted(made []*store.Message, files []attached, by string) []api.Message {
	shown := make([]api.Message, len(made))
	for i, m := range made {
		a.changes.tell(api.Event{Message: m.ID, State: string(m.State), Case: m.Case})
		a.notifier.Wake() // somebody has to approve it
		shown[i] = show(m, []string{by})
		shown[i].Files = showFiles(files[min(i, len(files)-1)]) // one draft for several has the same files in each
	}
	a.chores.give()
	return shown
}

func sha256Hex(b []byte) string { return hexOf(sha256.Sum256(b)) }

func hexOf(h store.Hash) string { return hex.EncodeToString(h[:]) }
