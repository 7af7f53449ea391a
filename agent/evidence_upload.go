package agent

import (
	"bytes"
	"context"
	"errors"
	"io"

	"filippo.io/age"

	"comity/agent/api"
	"comity/agent/evidence"
	"comity/agent/store"
	"comity/schemas"
)

// A browser sends a file whose size and hash nobody has said before. What is small enough to be scanned is read whole first and then
// goes the way of any other; what is larger is sealed as it comes.

// uploadsAtOnce bounds the files that arrive from browsers at one time: each may have its scannable beginning in memory.
const uploadsAtOnce = 4

// UploadEvidence adds a file of a case from a stream alone. Where the stream fails, nothing of it stays.
func (a *Agent) UploadEvidence(ctx context.Context, by, prefix string, said api.Announcement, body io.Reader) (api.Evidence, error) {
	select {
	case a.uploads <- struct{}{}:
		defer func() { <-a.uploads }()
	default:
		return api.Evidence{}, problem(ReasonUnavailable, "too many files are being added", "wait until some of them are done")
	}
	one := announcement{by: by, at: a.now(), file: said}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.CasesByPrefix(prefix, 2)
		if err != nil {
			return err
		}
		if err := exactlyOne(len(found), "case"); err != nil {
			return err
		}
		one.to = found[0]
		return nil
	})
	if err != nil {
		return api.Evidence{}, err
	}
	beginning, err := io.ReadAll(io.LimitReader(body, scannable+1))
	switch {
	case err != nil:
		return api.Evidence{}, evidenceProblem(evidence.Changed)
	case len(beginning) == 0:
		return api.Evidence{}, evidenceProblem(evidence.Empty)
	case len(beginning) <= scannable:
		one.file.Bytes, one.file.SHA256 = int64(len(beginning)), sha256Hex(beginning)
		return a.keepEvidence(ctx, schemas.NewFileID(), one, bytes.NewReader(beginning))
	}
	one.unknown = true
	return a.keepEvidence(ctx, schemas.NewFileID(), one, io.MultiReader(bytes.NewReader(beginning), body))
}

// sealUnknown seals a file that is too large to be scanned, and learns its size and hash at its end.
func (a *Agent) sealUnknown(ctx context.Context, e *store.Evidence, number int, body io.Reader, to []age.Recipient) error {
	body, err := nameByBeginning(&e.Manifest, number, body)
	if err != nil {
		return err
	}
	is, sealed, err := a.spool.AddUnknown(ctx, e.Manifest.ID, body, to...)
	if err != nil {
		return err
	}
	e.Manifest.Bytes, e.Manifest.SHA256, e.Manifest.Sealed = is.Bytes, is.SHA256, sealed
	e.SHA256, _ = fileHash(is.SHA256)
	return nil
}

// NameEvidence has a draft of ours name files of its case, beside those that it names. It is an edit: an approval is undone.
func (a *Agent) NameEvidence(ctx context.Context, by string, id schemas.MessageID, files []schemas.FileID) (api.Message, error) {
	m, err := a.Message(ctx, string(id))
	if err != nil {
		return m, err
	}
	if m.ID != id || m.From != a.me {
		return m, problem(ReasonNotFound, "this authority has no such message of its own", "comity message list shows the ids")
	}
	var object map[string]any
	if err := schemas.Decode(m.Payload, &object, schemas.PayloadLimits); err != nil {
		return m, errors.Join(errors.New("reading a draft"), err)
	}
	list := []any{}
	for _, f := range evidenceNamed(m.Payload) {
		list = append(list, string(f.ID))
	}
	for _, f := range files {
		if !containsText(list, string(f)) {
			list = append(list, string(f))
		}
	}
	object["evidence"], object["to"] = list, []schemas.AuthorityID{m.To}
	if len(m.Home) > 0 {
		object["home"] = m.Home
	}
	draft, err := schemas.Canonical(object)
	if err != nil {
		return m, err
	}
	return a.Edit(ctx, by, id, draft)
}

func containsText(list []any, text string) bool {
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}
