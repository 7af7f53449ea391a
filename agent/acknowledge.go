package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/store"
	"comity/powercut"
	"comity/schemas"
)

// Several requests that came in are acknowledged with one form. Each acknowledgement is a draft of its own, with every check of a
// draft, and waits for a second person like any other: what is done at once is the writing.

// intake is one case of the list, with the draft for it.
type intake struct {
	at    int // in the list that was asked for
	file  *store.CaseFile
	there *store.Message // the acknowledgement that there is already
	draft *schemas.Draft
	files attached
}

// gone are the states in which an acknowledgement does not stand in the way of another one. What waits under review does,
// whatever will become of it: an answer that told a block from a hold would say what nobody is told.
var gone = []store.State{store.Rejected, store.Expired, store.Voided, store.Discarded}

// Acknowledge drafts an acknowledgement in each of the cases. Where one cannot be drafted, none is, and every defect is named under
// the place of its case in the list.
func (a *Agent) Acknowledge(ctx context.Context, by string, said api.Acknowledging) ([]api.Acknowledgement, error) {
	if err := bulkSize(len(said.Cases), "case"); err != nil {
		return nil, err
	}
	list, err := a.prepareIntake(ctx, said)
	if err != nil {
		return nil, err
	}
	var made []*store.Message
	var files []attached
	var answers []api.Acknowledgement
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		made, files, answers = nil, nil, nil
		if err := a.checkIntake(tx, list); err != nil {
			return err
		}
		tx.Step(powercut.Drafted)
		for _, one := range list {
			if one.there != nil {
				authors, err := tx.Authors(one.there.Key)
				if err != nil {
					return err
				}
				answers = append(answers, api.Acknowledgement{Case: one.file.ID, Message: show(one.there, authors)})
				continue
			}
			messages, err := a.draftOne(tx, one.draft, one.files, by)
			if err != nil {
				return err
			}
			made, files = append(made, messages...), append(files, one.files)
			answers = append(answers, api.Acknowledgement{Case: one.file.ID, Made: true, Message: show(messages[0], []string{by})})
		}
		return nil
	})
	if err == nil && len(made) > 0 {
		a.drafted(made, files, by)
	}
	return answers, err
}

// prepareIntake writes the drafts.
func (a *Agent) prepareIntake(ctx context.Context, said api.Acknowledging) (list []*intake, err error) {
	var defects []schemas.Defect
	var texts [][]byte
	err = a.store.View(ctx, func(tx *store.Tx) error {
		for i, one := range said.Cases {
			if slices.ContainsFunc(said.Cases[:i], func(earlier api.Acknowledge) bool { return earlier.Case == one.Case }) {
				defects = append(defects, schemas.Defect{Pointer: intakeAt(i), Rule: schemas.RuleUnique, Hint: "each case once"})
				continue
			}
			file, request, err := a.requestOf(tx, one.Case)
			if err != nil {
				if defects, err = addDefects(defects, i, err); err != nil {
					return err
				}
				continue
			}
			text, err := a.acknowledgementOf(file, request, one, said)
			if err != nil {
				return err
			}
			texts, list = append(texts, text), append(list, &intake{at: i, file: file})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for n, one := range list {
		copies, err := a.parseCopies(ctx, texts[n])
		if err == nil {
			one.draft = copies[0]
			one.files, err = a.attach(ctx, one.draft)
		}
		if err != nil {
			if defects, err = addDefects(defects, one.at, err); err != nil {
				return nil, err
			}
		}
	}
	return list, refusedIntake(defects)
}

// checkIntake holds every draft against its case as it is now, and finds what is acknowledged already.
func (a *Agent) checkIntake(tx *store.Tx, list []*intake) error {
	var defects []schemas.Defect
	for _, one := range list {
		messages, err := tx.BareMessagesOfCase(one.file.ID, one.file.Peer)
		if err != nil {
			return err
		}
		one.there = nil
		for _, m := range messages {
			if m.Sender == a.me && m.Type.Name() == one.draft.Parsed.Type.Name() && !slices.Contains(gone, m.State) {
				one.there = m
			}
		}
		if one.there != nil {
			continue
		}
		err = a.checkTeamDraft(tx, []*schemas.Draft{one.draft})
		if err == nil {
			err = a.checkDraft(tx, one.draft)
		}
		if err != nil {
			if defects, err = addDefects(defects, one.at, err); err != nil {
				return err
			}
		}
	}
	return refusedIntake(defects)
}

// requestOf is the message that a peer opened a case with, as far as our people may read it.
func (a *Agent) requestOf(tx *store.Tx, id schemas.CaseID) (*store.CaseFile, *store.Message, error) {
	file, err := tx.Case(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, problem(ReasonCase, "this authority has no such case", "comity task list shows what waits to be acknowledged")
	}
	if err != nil {
		return nil, nil, err
	}
	messages, err := tx.BareMessagesOfCase(id, file.Peer)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(messages, func(m *store.Message) bool { return m.Opens() && m.Sender == file.Peer && m.State == store.Received })
	if i < 0 {
		return nil, nil, problem(ReasonNotPermitted, "the case was not opened by the peer: nothing in it is acknowledged", "comity case show says what may be sent")
	}
	if shown := show(messages[i], nil); shown.Withheld || messages[i].Payload == nil {
		return nil, nil, problem(ReasonState, "the request is "+shown.State+" or its content is erased", "leave it out")
	}
	return file, messages[i], nil
}

// acknowledgementOf is a draft in words of this authority alone: of the request it takes the legal basis, the language where the peer
// takes it, and on the border channel the urgency, which is a code there.
func (a *Agent) acknowledgementOf(file *store.CaseFile, request *store.Message, one api.Acknowledge, said api.Acknowledging) ([]byte, error) {
	var asked schemas.Payload
	if err := json.Unmarshal(request.Payload, &asked); err != nil {
		return nil, fmt.Errorf("reading request %s: %w", request.ID, err)
	}
	language := asked.Language
	if entry, err := a.trust.View().Authority(file.Peer); err == nil && len(entry.Languages) > 0 &&
		!slices.ContainsFunc(entry.Languages, func(l string) bool { return schemas.Language(l).Primary() == language.Primary() }) {
		language = schemas.Language(entry.Languages[0])
	}
	ref := said.NationalRef
	if one.NationalRef != "" {
		ref = one.NationalRef
	}
	draft := map[string]any{
		"to": []schemas.AuthorityID{file.Peer}, "channel": file.Channel, "type": string(file.Channel) + ".acknowledgement", "case": file.ID,
		"legal_basis": asked.LegalBasis, "language": language, "urgency": schemas.Routine,
		"use_limit": "stated-case-only", "confidential": true, "onward": "none",
		"body": map[string]any{
			"received_at": request.StoredAt.UTC().Format(time.RFC3339), "national_ref": ref, "desk": said.Desk, "complete": said.Complete,
		},
	}
	if file.Channel == schemas.ChannelBorder {
		draft["urgency"] = asked.Urgency
		if asked.UrgencyReason != "" {
			draft["urgency_reason"] = asked.UrgencyReason
		}
	}
	return json.Marshal(draft, json.Deterministic(true))
}

func intakeAt(i int) string { return fmt.Sprintf("/cases/%d", i) }

// addDefects puts what is wrong with one case under its place in the list. An error that is no refusal stays one.
func addDefects(defects []schemas.Defect, i int, err error) ([]schemas.Defect, error) {
	refused, ok := errors.AsType[*api.Problem](err)
	if !ok {
		return defects, err
	}
	for _, d := range refused.Defects {
		d.Pointer = intakeAt(i) + d.Pointer
		defects = append(defects, d)
	}
	if len(refused.Defects) == 0 {
		defects = append(defects, schemas.Defect{Pointer: intakeAt(i), Rule: schemas.Rule(refused.Reason), Hint: refused.Message})
	}
	return defects, nil
}

func refusedIntake(defects []schemas.Defect) error {
	if len(defects) == 0 {
		return nil
	}
	return &api.Problem{Reason: ReasonInvalid, Message: "some of these requests cannot be acknowledged so: nothing was drafted", Defects: defects,
		Hint: "each defect names the place of its case in the list"}
}
