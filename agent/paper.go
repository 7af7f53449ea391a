package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"comity/agent/api"
	letters "comity/agent/letter"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/pki"
	"comity/schemas"
	"comity/schemas/team"
)

// Authorities that are not connected are written to on paper. Such a message is drafted, approved and cleared as any other, and
// waits at step 5 for a person instead of a seal: it is "to-print". Facts change while it waits, so the rules are asked
// once more when it is printed. The first printing is the disclosure: from then on it counts, and its deadlines run. Nothing of it
// touches a number, an outbox or a log that a peer sees.

// onPaper tells whether what goes to an authority is printed: the directory has it as one that is not connected.
func onPaper(view *pki.View, to schemas.AuthorityID) bool {
	row, err := view.Authority(to)
	return err == nil && row.Kind == pki.KindNotConnected
}

func anyOnPaper(messages []*store.Message) bool {
	return slices.ContainsFunc(messages, func(m *store.Message) bool { return m.Paper > 0 })
}

// errOnPaper says why nothing goes on over Comity where a case began otherwise.
var errOnPaper = errors.New("messages of this case stand on paper alone, so it cannot go on over Comity")

// fitsPaper refuses what needs both sides to be connected: a team's audience is signed, and files of evidence travel in chunks.
func fitsPaper(p *schemas.Payload, peer schemas.AuthorityID) error {
	refuse := func(pointer, hint string) error {
		return unsuitable(ReasonRecipient, peer, "is not connected to the scheme", schemas.Defect{Pointer: pointer, Rule: ruleRecipient, Hint: hint})
	}
	switch {
	case p.Channel == schemas.ChannelJIT || team.IsItem(p.Type):
		return refuse("/to", "the items of a joint investigation team go to connected authorities alone")
	case len(p.Evidence) > 0:
		return refuse("/evidence", "files of evidence travel over Comity alone: attach copies, or hand over the files with the letter")
	}
	return nil
}

// paperSpot is where the next letter to an authority stands: behind what was sealed for it before it left the scheme, and behind
// the letters since.
func (a *Agent) paperSpot(tx *store.Tx, peer schemas.AuthorityID) (spot, error) {
	pair, err := tx.Pair(peer)
	if err != nil {
		return spot{}, err
	}
	out, err := tx.LastPaper(a.me, peer)
	if err != nil {
		return spot{}, err
	}
	in, err := tx.LastPaper(peer, a.me)
	return spot{place: max(pair.Sent, out) + 1, seen: max(pair.Received, in), paper: true}, err
}

// setToPrint is what a message on paper has in place of step 5.
func (a *Agent) setToPrint(ctx context.Context, decided *store.Message, now time.Time) error {
	var m *store.Message
	err := a.store.Update(ctx, func(tx *store.Tx) (err error) {
		if m, err = tx.BareMessage(decided.Key); err != nil {
			return err
		}
		if m.State != store.Approved || m.PayloadSHA256 != decided.PayloadSHA256 {
			return errSuperseded
		}
		if permitted, err := a.paperPermits(tx, m, now); err != nil || !permitted {
			return err
		}
		m.State = store.ToPrint
		return errors.Join(tx.PutMessage(m), a.recordHome(tx, eventToPrint, m.ID, m.PayloadSHA256, ""))
	})
	if errors.Is(err, errSuperseded) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("setting letter %s to be printed: %w", decided.ID, err)
	}
	a.changes.tell(api.Event{Message: m.ID, State: string(m.State), Case: m.Case})
	return nil
}

// paperPermits asks once more what was asked of the draft: its recipient may have left the scheme since. What cannot go goes
// back to its author, with a reason from the case or the directory alone.
func (a *Agent) paperPermits(tx *store.Tx, m *store.Message, now time.Time) (bool, error) {
	p, err := schemas.Validate(m.Payload)
	if err == nil {
		err = fitsPaper(p, m.Recipient)
	}
	if err != nil {
		m.State, m.Reason, m.ApprovedBy, m.Approval = store.Returned, ReasonRecipient, "", nil
		return false, errors.Join(tx.PutMessage(m), a.recordHome(tx, eventReturned, m.ID, m.PayloadSHA256, ""))
	}
	at, err := a.paperSpot(tx, m.Recipient)
	if err != nil {
		return false, err
	}
	return a.stillPermitted(tx, m, at, now)
}

// PrintLetter is the disclosure of a message on paper: the rules are asked once more, the letter is made, and in one
// transaction with it stands who gave it away, when and how. It is done once; Letter shows it again.
func (a *Agent) PrintLetter(ctx context.Context, by string, id schemas.MessageID, p api.Printing) (api.Letter, error) {
	if !slices.Contains(api.Means(), p.Means) {
		return api.Letter{}, problem(api.ReasonRequest, "nothing says how the letter is given away", "one of post, diplomatic-bag, courier, by-hand")
	}
	var m *store.Message
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		if m, err = a.own(tx, id); err != nil {
			return err
		}
		return printable(m, p.SHA256)
	})
	if err != nil {
		return api.Letter{}, err
	}
	view, now := a.trust.View(), a.now()
	if view.Expired(now) {
		return api.Letter{}, problem(ReasonUnavailable, "the trust list has expired: nobody can be proved", "comity doctor says since when")
	}
	decision, clearance, err := a.decide(ctx, outgoingOf(m), view, now, nil)
	if err != nil {
		return api.Letter{}, err
	}
	if clearance == nil || !clearance.OnPaper() {
		return api.Letter{}, a.notPrinted(ctx, m, decision, clearance)
	}
	var paper *store.Paper
	err = a.store.Update(ctx, func(tx *store.Tx) (err error) {
		if m, err = tx.BareMessage(m.Key); err != nil {
			return err
		}
		if err := printable(m, p.SHA256); err != nil {
			return err
		}
		paper = nil
		if permitted, err := a.paperPermits(tx, m, now); err != nil || !permitted {
			return err
		}
		paper, err = a.giveAway(tx, m, by, p.Means, decision, clearance, view, now)
		return err
	})
	if err != nil {
		return api.Letter{}, err
	}
	a.changes.tell(api.Event{Message: m.ID, State: string(m.State), Case: m.Case})
	a.chores.give()
	if paper == nil {
		return api.Letter{}, wrongState(m, "printed")
	}
	return showLetter(m, paper), nil
}

func printable(m *store.Message, sha256 string) error {
	switch {
	case m.State == store.Dispatched:
		return problem(ReasonState, fmt.Sprintf("letter %s was printed and given away already", m.ID), "comity letter copy shows it again")
	case m.State != store.ToPrint:
		return wrongState(m, "printed")
	case sha256 != hexOf(m.PayloadSHA256):
		return problem(ReasonOtherBytes, "the message is not the one that you have read: it was edited since", "comity message show, then print it")
	}
	return nil
}

// notPrinted is for a letter that the rules do not let go now: it comes under review, as at a tick. One whose recipient has been
// connected since leaves over Comity instead.
func (a *Agent) notPrinted(ctx context.Context, m *store.Message, d policy.Decision, c *policy.Clearance) error {
	if c == nil {
		if err := a.stop(ctx, m, d); err != nil {
			return err
		}
		m.State = store.UnderReview
		return wrongState(m, "printed")
	}
	_, err := a.onMessage(ctx, m.ID, func(tx *store.Tx, m *store.Message, _ []string) error {
		if m.State != store.ToPrint {
			return wrongState(m, "printed")
		}
		m.State = store.Approved
		return tx.PutMessage(m)
	})
	if err != nil {
		return err
	}
	return problem(ReasonState, fmt.Sprintf("%s is connected by now", m.Recipient), "the message leaves over Comity, at an ordinary tick")
}

// giveAway makes the letter, and commits it with everything that follows from it.
func (a *Agent) giveAway(tx *store.Tx, m *store.Message, by, means string, d policy.Decision, c *policy.Clearance, view *pki.View, now time.Time) (*store.Paper, error) {
	err := c.Redeem(policy.Use{From: a.me, To: m.Recipient, Channel: m.Channel, At: now, Payload: m.Payload, Paper: true})
	if err != nil {
		return nil, err
	}
	sheet := letters.Sheet{
		Type: m.Type, ID: m.ID, Case: m.Case, InReplyTo: m.InReplyTo, Urgency: m.Urgency, Date: now, Payload: m.Payload,
	}
	if sheet.From, err = view.Authority(a.me); err != nil {
		return nil, err
	}
	if sheet.To, err = view.Authority(m.Recipient); err != nil {
		return nil, err
	}
	text, err := sheet.Print()
	if err != nil {
		return nil, fmt.Errorf("printing letter %s: %w", m.ID, err)
	}
	at, err := a.paperSpot(tx, m.Recipient)
	if err != nil {
		return nil, err
	}
	m.State, m.Paper, m.Seen, m.SentAt = store.Dispatched, at.place, at.seen, now.UTC().Truncate(time.Second)
	paper := &store.Paper{Key: m.Key, Means: means, Person: by, At: now, Letter: text, SHA256: sha256.Sum256(text)}
	return paper, errors.Join(
		tx.PutMessage(m),
		tx.PutPaper(paper),
		noteItems(tx, m),
		a.audit(tx, []byte(m.ID), store.DecisionSent, d),
		a.refile(tx, m.Case, m.Recipient),
		a.record(tx, paperEvent(m, paper)),
	)
}

// paperEvent is the evidence of a paper, made of its rows alone, so that it can be made again: of a letter of ours its hash, of
// one that came what was registered.
func paperEvent(m *store.Message, p *store.Paper) event {
	e := event{Event: eventPaperCame, From: m.Sender, To: m.Recipient, ID: m.ID, Person: p.Person, Means: p.Means}
	e.SHA256, e.At = hexOf(m.PayloadSHA256), p.At.Truncate(time.Millisecond).UTC().Format(time.RFC3339Nano) // as the row keeps it
	if m.Direction == store.Out {
		e.Event, e.SHA256 = eventPrinted, hexOf(p.SHA256)
	}
	return e
}

// Letter shows a letter of ours again, exactly as it was printed.
func (a *Agent) Letter(ctx context.Context, id schemas.MessageID) (shown api.Letter, err error) {
	err = a.store.View(ctx, func(tx *store.Tx) error {
		m, err := a.own(tx, id)
		if err != nil {
			return err
		}
		paper, err := tx.Paper(m.Key)
		if errors.Is(err, store.ErrNotFound) {
			return problem(ReasonNotFound, "no letter was printed of this message", "comity letter list shows what waits to be printed")
		}
		if err == nil {
			shown = showLetter(m, paper)
		}
		return err
	})
	return shown, err
}

func showLetter(m *store.Message, p *store.Paper) api.Letter {
	return api.Letter{
		Message: m.ID, Case: m.Case, To: m.Recipient, SHA256: hexOf(p.SHA256), Means: p.Means, Person: p.Person, At: p.At, Text: string(p.Letter),
	}
}

// showPaper is what is known of a message's way on paper, nil of one that went over Comity.
func showPaper(tx *store.Tx, m *store.Message) (*api.Paper, error) {
	if m.Paper == 0 {
		return nil, nil
	}
	p, err := tx.Paper(m.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the way of message %s: %w", m.ID, err)
	}
	shown := &api.Paper{Means: p.Means, Person: p.Person, At: p.At, Dated: p.Dated, ReceivedOn: p.ReceivedOn, NationalRef: p.NationalRef}
	if m.Direction == store.Out {
		shown.LetterSHA256 = hexOf(p.SHA256)
	}
	return shown, nil
}
