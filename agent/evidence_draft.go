package agent

import (
	"bytes"
	"context"
	"errors"
	"path"

	"comity/agent/policy"
	"comity/agent/scan"
	"comity/agent/store"
	"comity/schemas"
)

// Files of evidence, step 3: a draft names files by their identifiers, and the agent writes their manifests in their places.
// Whatever a manifest in a draft says, it must be our own, of this case and for this peer.

// nameFiles writes the manifest of each file that a draft names by its identifier. What cannot be read stays for the
// schema to refuse.
func (a *Agent) nameFiles(ctx context.Context, draft []byte) ([]byte, error) {
	var object map[string]any
	if schemas.Decode(draft, &object, schemas.PayloadLimits) != nil {
		return draft, nil
	}
	list, _ := object["evidence"].([]any)
	changed := false
	err := a.store.View(ctx, func(tx *store.Tx) error {
		for i, entry := range list {
			id, named := entry.(string)
			if !named {
				continue
			}
			e, err := tx.Evidence(a.me, schemas.FileID(id))
			if errors.Is(err, store.ErrNotFound) {
				return problem(ReasonEvidence, "the draft names a file of evidence that was not added here", "comity evidence list CASE shows the files of a case")
			}
			if err != nil {
				return err
			}
			list[i], changed = asSent(e.Manifest, i), true
		}
		return nil
	})
	if err != nil || !changed {
		return draft, err
	}
	return schemas.Canonical(object)
}

// evidenceNamed are the files that a payload names. Most name none, and are not taken apart for it.
func evidenceNamed(payload []byte) []schemas.EvidenceFile {
	if !bytes.Contains(payload, []byte(`"evidence"`)) {
		return nil
	}
	return glanceAt(payload).Evidence
}

// asSent is a manifest as the i-th of a message.
func asSent(m schemas.EvidenceFile, i int) schemas.EvidenceFile {
	m.Name = evidenceName(i+1, path.Ext(m.Name), "")
	return m
}

// checkEvidence holds the manifests of a draft against what was added here.
func (a *Agent) checkEvidence(tx *store.Tx, p *schemas.Payload, peer schemas.AuthorityID) error {
	for i, m := range p.Evidence {
		e, err := tx.Evidence(a.me, m.ID)
		if errors.Is(err, store.ErrNotFound) {
			return problem(ReasonEvidence, "the draft names a file of evidence that was not added here", "comity evidence list CASE shows the files of a case")
		}
		if err != nil {
			return err
		}
		ours, err := schemas.Canonical(asSent(e.Manifest, i))
		if err != nil {
			return err
		}
		said, err := schemas.Canonical(m)
		if err != nil {
			return err
		}
		if !bytes.Equal(ours, said) || e.Peer != peer || e.Case != p.Case {
			return problem(ReasonEvidence, "file of evidence "+string(m.ID)+" is another's, of another case, or not as the draft says",
				"name a file by its identifier alone, and add it to the case in which the message is")
		}
	}
	return nil
}

// claimEvidence notes which message names the files.
func (a *Agent) claimEvidence(tx *store.Tx, m *store.Message) error {
	for _, f := range evidenceNamed(m.Payload) {
		e, err := tx.Evidence(a.me, f.ID)
		if err != nil {
			return err
		}
		e.Message, e.ChangedAt = m.ID, a.now()
		if err := tx.PutEvidence(e); err != nil {
			return err
		}
	}
	return nil
}

// evidenceContents reads the files of a payload for the rules, as they are and, of our own, as they were handed in. What is too large, or
// cannot be opened, counts as not read.
func (a *Agent) evidenceContents(ctx context.Context, owner schemas.AuthorityID, payload []byte) ([]policy.EvidenceContent, error) {
	var files []policy.EvidenceContent
	left := int64(scannedInAll)
	for _, f := range evidenceNamed(payload) {
		one := policy.EvidenceContent{SHA256: f.SHA256, File: scan.File{Name: f.Name, MediaType: f.MediaType, Unread: scan.TooMuch}}
		var original []byte
		if f.Bytes <= min(scannable, left) {
			left -= f.Bytes
			var content bytes.Buffer
			err := a.copyEvidence(ctx, owner, f, &content)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err == nil:
				one.Content, one.Unread = content.Bytes(), ""
			default:
				one.Unread = scan.Broken
			}
			if err := a.store.View(ctx, func(tx *store.Tx) (err error) { original, err = originalOf(tx, owner, f.ID); return err }); err != nil {
				return nil, err
			}
		}
		files = append(files, one)
		if original != nil {
			was := one
			was.Content, was.Unread = original, ""
			if left -= int64(len(original)); left < 0 {
				was.Content, was.Unread = nil, scan.TooMuch
			}
			files = append(files, was)
		}
	}
	return files, nil
}

// originalOf is the content of a file of ours as it was handed in, nil where that is the same.
func originalOf(tx *store.Tx, owner schemas.AuthorityID, id schemas.FileID) ([]byte, error) {
	e, err := tx.Evidence(owner, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return e.Original, nil
}

// returnEvidence notes in the custody of the files that a message returns that they were, once its recipient has stored it.
func (a *Agent) returnEvidence(tx *store.Tx, m *store.Message) error {
	if m.Type.Name() != "return-of-evidence" || !m.Counts() || m.Payload == nil {
		return nil
	}
	for _, item := range returnedItems(m.Payload) {
		files, err := tx.EvidenceOfCase(m.Case, maxEvidence)
		if err != nil {
			return err
		}
		for _, e := range files {
			whole := e.State == store.EvidenceComplete || e.State == store.EvidenceDelivered || e.State == store.EvidenceWithheld
			if e.Owner == m.Sender || !whole || e.Message != item.Message || item.SHA256 != "" && item.SHA256 != e.Manifest.SHA256 {
				continue
			}
			if err := a.custody(tx, e, custodyReturned, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

type returnedItem struct {
	Message schemas.MessageID `json:"message"`
	SHA256  string            `json:"sha256"`
}
