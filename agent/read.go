package agent

import (
	"context"
	"errors"
	"time"

	"comity/agent/api"
	"comity/agent/store"
	"comity/schemas/lifecycle"
)

// listLimit bounds every list.
const listLimit = api.MaxPage

// Messages lists messages without their content, newest first.
func (a *Agent) Messages(ctx context.Context, q api.Query) ([]api.Message, error) {
	return a.listed(ctx, func(tx *store.Tx) ([]*store.Message, error) {
		return tx.Messages(store.Filter{
			State: store.State(q.State), Case: q.Case, Peer: q.Peer, Limit: clamp(q.Limit), AfterTime: q.After.At, AfterID: q.After.ID,
		})
	})
}

// Message shows one message, named by its id or the beginning of it, with its payload.
func (a *Agent) Message(ctx context.Context, prefix string) (api.Message, error) {
	var shown api.Message
	err := a.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.MessagesByPrefix(prefix, 2)
		if err != nil {
			return err
		}
		if err := exactlyOne(len(found), "message"); err != nil {
			return err
		}
		authors, err := tx.Authors(found[0].Key)
		shown = show(found[0], authors)
		shown.Payload, shown.Home = found[0].Payload, found[0].Home
		if err != nil {
			return err
		}
		if e, err := tx.Erased(shown.Case); err == nil && shown.Payload == nil {
			shown.ErasedAt = e.At
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		files, err := tx.Files(found[0].Key)
		shown.Files = showFiles(files)
		if err != nil {
			return err
		}
		shown.Paper, err = showPaper(tx, found[0])
		return err
	})
	return shown, err
}

// Cases lists cases, the last changed first.
func (a *Agent) Cases(ctx context.Context, limit int) ([]api.Case, error) {
	return a.CasesAfter(ctx, api.CaseQuery{Limit: limit})
}

// CasesAfter goes on with the list behind a place in it, or with that of a desk.
func (a *Agent) CasesAfter(ctx context.Context, q api.CaseQuery) ([]api.Case, error) {
	var shown []api.Case
	err := a.store.View(ctx, func(tx *store.Tx) error {
		away, err := a.away(tx)
		if err != nil {
			return err
		}
		found, err := tx.CasesAfter(deskOf(q.Whose, away), q.After.At, q.After.ID, clamp(q.Limit))
		for _, c := range found {
			shown = append(shown, showCase(c, away))
		}
		return err
	})
	return shown, err
}

// Case shows one case, named by its id or the beginning of it: whose turn it is, what we may send, and its messages.
func (a *Agent) Case(ctx context.Context, prefix string) (api.Case, error) {
	var shown api.Case
	err := a.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.CasesByPrefix(prefix, 2)
		if err != nil {
			return err
		}
		if err := exactlyOne(len(found), "case"); err != nil {
			return err
		}
		state, messages, err := a.derive(tx, found[0].ID, found[0].Peer, nil)
		if err != nil {
			return err
		}
		away, err := a.away(tx)
		if err != nil {
			return err
		}
		shown = showCase(found[0], away)
		shown.State, shown.Open = string(state.State), state.Open
		shown.Deadlines = a.showDeadlines(state, messages)
		shown.TimeLeft = a.showTimeLeft(state, messages)
		if state.NextToAct.Has(lifecycle.Requesting) {
			shown.Next = append(shown.Next, state.Requesting)
		}
		if state.NextToAct.Has(lifecycle.Requested) {
			shown.Next = append(shown.Next, state.Requested)
		}
		shown.MayNow = state.Next(state.SideOf(a.me))
		if err := a.showRetention(tx, found[0], &shown); err != nil {
			return err
		}
		for _, m := range messages {
			authors, err := tx.Authors(m.Key)
			if err != nil {
				return err
			}
			one := show(m, authors)
			one.Steps = provedSteps(m)
			if one.Paper, err = showPaper(tx, m); err != nil {
				return err
			}
			shown.OnPaper = shown.OnPaper || m.Paper > 0
			effect, counted := state.Effects[lifecycle.Ref{From: m.Sender, ID: m.ID}]
			one.NoEffect = counted && !effect
			shown.Messages = append(shown.Messages, one)
		}
		shown.Team, err = a.showTeam(tx, found[0], messages)
		return err
	})
	return shown, err
}

func exactlyOne(n int, what string) error {
	switch n {
	case 0:
		return problem(ReasonNotFound, "no such "+what, "comity "+what+" list shows the ids")
	case 1:
		return nil
	default:
		return problem(ReasonAmbiguous, "several ids of a "+what+" begin like this", "write more characters of it")
	}
}

func clamp(limit int) int {
	if limit <= 0 || limit > listLimit {
		return listLimit
	}
	return limit
}

// show is a message without its content.
func show(m *store.Message, authors []string) api.Message {
	shown := api.Message{
		ID: m.ID, Direction: string(m.Direction), From: m.Sender, To: m.Recipient, State: string(m.State), Reason: m.Reason,
		Channel: m.Channel, Type: m.Type, Case: m.Case, InReplyTo: m.InReplyTo, Urgency: m.Urgency, Language: m.Language,
		SHA256: hexOf(m.PayloadSHA256), Number: m.Seq, Authors: authors, ApprovedBy: m.ApprovedBy,
		DraftedAt: m.DraftedAt, ApprovedAt: m.ApprovedAt, SentAt: m.SentAt, ValidUntil: m.ValidUntil, Accepted: m.Acceptance != nil,
		StoredAt: m.StoredAt, ReceiptedAt: m.ReceiptedAt, OnPaper: m.Paper > 0 || m.State == store.ToPrint,
	}
	if m.Direction == store.In && m.Screening != store.ScreenClear {
		shown.State, shown.Withheld = string(store.UnderReview), true // the one word for every kind of review
	}
	if m.Paper > 0 {
		shown.StoredAt = time.Time{} // no receipt says so
	}
	if !m.ReceiptedAt.IsZero() && !m.SealedAt.IsZero() {
		shown.ReceiptMillis = max(m.ReceiptedAt.Sub(m.SealedAt), time.Millisecond).Milliseconds()
	}
	return shown
}

func showCase(c *store.CaseFile, away []store.Absence) api.Case {
	return api.Case{
		ID: c.ID, Peer: c.Peer, Channel: c.Channel, Requesting: c.Requesting, Requested: c.Requested, State: c.State, Open: c.Open,
		OpenedAt: c.OpenedAt, ChangedAt: c.ChangedAt, Officer: c.Officer, Deputy: deputyOf(c.Officer, away),
	}
}
