package agent

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"comity/agent/api"
	"comity/agent/evidence"
	"comity/agent/scan"
	"comity/agent/store"
	"comity/schemas"
)

// Files of evidence, steps 1 and 2 (package evidence): announced with its hash by a person whose proof covers that hash, then
// streamed. What can be scanned is read as it was handed in and made neutral; a certified original keeps every byte.

const (
	// scannable is the largest file of evidence that is scanned. A larger one waits for two protection officers.
	scannable = 8 << 20
	// scannedInAll bounds what one decision reads of the evidence of a message: beyond it, files count as not read.
	scannedInAll = 24 << 20

	maxAnnounced = 64
	announcedFor = 10 * time.Minute
	maxEvidence  = 10_000 // files of one case
)

// The steps in the custody of a file at a desk.
const (
	custodyAdded     = "added"
	custodySent      = "sent"      // the peer has begun to fetch it
	custodyDelivered = "delivered" // by the peer's signed completion
	custodyReceived  = "received"
	custodyOpened    = "opened"
	custodyErased    = "erased"   // the time for which it was kept is over
	custodyExported  = "exported" // in the file of its case
	custodyReturned  = "returned" // a message that returns it was stored by its owner
)

// The reasons of a refusal at home that evidence alone has. The rest are evidence.Reason.
const (
	ReasonDuplicate = "duplicate" // the case has this file already
	ReasonEvidence  = "evidence"  // a message names a file that is not its own to send
)

// announced are files that somebody is about to stream.
type announced struct {
	mu sync.Mutex
	of map[schemas.FileID]announcement
}

type announcement struct {
	by   string
	at   time.Time
	file api.Announcement
	to   *store.CaseFile
	// unknown: neither size nor hash is known before the end.
	unknown bool
}

// AnnounceEvidence begins a file: everything that can be refused before it streams is refused now.
func (a *Agent) AnnounceEvidence(ctx context.Context, by, prefix string, said api.Announcement) (api.Announced, error) {
	if hash, err := hex.DecodeString(said.SHA256); err != nil || len(hash) != 32 || said.SHA256 != strings.ToLower(said.SHA256) {
		return api.Announced{}, problem(api.ReasonRequest, "sha256 is not 64 lower-case hexadecimal digits", "")
	}
	if said.Bytes <= 0 {
		return api.Announced{}, evidenceProblem(evidence.Empty)
	}
	if err := a.spool.Room(said.Bytes); err != nil {
		return api.Announced{}, asEvidenceProblem(err)
	}
	var file *store.CaseFile
	err := a.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.CasesByPrefix(prefix, 2)
		if err != nil {
			return err
		}
		if err := exactlyOne(len(found), "case"); err != nil {
			return err
		}
		file = found[0]
		hash, _ := fileHash(said.SHA256)
		return refuseDuplicate(tx, a.me, file.ID, hash)
	})
	if err != nil {
		return api.Announced{}, err
	}
	id := schemas.NewFileID()
	a.announced.mu.Lock()
	defer a.announced.mu.Unlock()
	if a.announced.of == nil {
		a.announced.of = map[schemas.FileID]announcement{}
	}
	for old, one := range a.announced.of {
		if a.now().Sub(one.at) > announcedFor {
			delete(a.announced.of, old)
		}
	}
	if len(a.announced.of) >= maxAnnounced {
		return api.Announced{}, problem(ReasonUnavailable, "too many files are being added", "wait until some of them are done")
	}
	a.announced.of[id] = announcement{by: by, at: a.now(), file: said, to: file}
	return api.Announced{ID: id}, nil
}

// refuseDuplicate refuses a file that we have added to the case already.
func refuseDuplicate(tx *store.Tx, me schemas.AuthorityID, id schemas.CaseID, hash store.Hash) error {
	files, err := tx.EvidenceOfCase(id, maxEvidence)
	if err != nil {
		return err
	}
	if len(files) >= maxEvidence {
		return problem(string(evidence.OverQuota), fmt.Sprintf("the case has %d files of evidence, which is the most", maxEvidence), "")
	}
	for _, f := range files {
		if f.Owner == me && (f.SHA256 == hash || f.Original != nil && sha256Hex(f.Original) == hexOf(hash)) {
			return problem(ReasonDuplicate, "this file was added to the case already", "it is "+string(f.Manifest.ID)+": comity evidence show "+string(f.Manifest.ID))
		}
	}
	return nil
}

// AddEvidence streams the file that was announced, and returns it once it is sealed on disk.
func (a *Agent) AddEvidence(ctx context.Context, by string, id schemas.FileID, body io.Reader) (api.Evidence, error) {
	a.announced.mu.Lock()
	one, known := a.announced.of[id]
	delete(a.announced.of, id)
	a.announced.mu.Unlock()
	if !known || one.by != by {
		return api.Evidence{}, problem(ReasonNotFound, "nothing was announced under this id", "announce the file anew")
	}
	return a.keepEvidence(ctx, id, one, body)
}

// keepEvidence seals a file and records it. Whatever fails, nothing of it stays.
func (a *Agent) keepEvidence(ctx context.Context, id schemas.FileID, one announcement, body io.Reader) (api.Evidence, error) {
	e, err := a.sealEvidence(ctx, id, one, body)
	if err != nil {
		return api.Evidence{}, asEvidenceProblem(err)
	}
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		if err := refuseDuplicate(tx, a.me, e.Case, e.SHA256); err != nil {
			return err
		}
		return errors.Join(tx.PutEvidence(e), a.custody(tx, e, custodyAdded, one.by))
	})
	if err != nil {
		return api.Evidence{}, errors.Join(err, a.spool.Forget(id))
	}
	return a.showEvidence(e, nil), nil
}

// sealEvidence reads a file to its end, into the spool.
func (a *Agent) sealEvidence(ctx context.Context, id schemas.FileID, one announcement, body io.Reader) (*store.Evidence, error) {
	view, now := a.trust.View(), a.now()
	to, err := view.EncryptionKey(one.to.Peer, now)
	if err != nil {
		return nil, fmt.Errorf("sealing a file for %s: %w", one.to.Peer, err)
	}
	peer, err := evidence.ForCertificate(to.Certificate())
	if err != nil {
		return nil, err
	}
	own, err := evidence.ForCertificate(a.identity.EncryptionCertificate)
	if err != nil {
		return nil, err
	}
	e := &store.Evidence{
		Owner: a.me, Peer: one.to.Peer, Case: one.to.ID, State: store.EvidenceReady, AddedBy: one.by, AddedAt: now, ChangedAt: now, Reading: readingUnread,
		Manifest: schemas.EvidenceFile{
			ID: id, SHA256: one.file.SHA256, Bytes: one.file.Bytes, Certified: one.file.Certified,
			ChainOfCustody: one.file.Custody, // and no entry of ours: its time would tell a peer how long the message waited
		},
	}
	number, err := a.numberOfEvidence(ctx, e.Case)
	if err != nil {
		return nil, err
	}
	if one.unknown {
		return e, a.sealUnknown(ctx, e, number, body, []age.Recipient{peer, own})
	}
	if one.file.Bytes <= scannable {
		body, err = a.makeNeutral(ctx, e, one.file, number, body)
	} else {
		body, err = nameByBeginning(&e.Manifest, number, body)
	}
	if err != nil {
		return nil, err
	}
	e.SHA256, _ = fileHash(e.Manifest.SHA256)
	e.Manifest.Sealed, err = a.spool.Add(ctx, id, body, evidence.Announced{Bytes: e.Manifest.Bytes, SHA256: e.Manifest.SHA256}, []age.Recipient{peer, own}...)
	return e, err
}

// numberOfEvidence is the number in the name of the next file of a case, as this desk sees it. In a message files are numbered
// anew: a number that is missing there would count what was held back.
func (a *Agent) numberOfEvidence(ctx context.Context, id schemas.CaseID) (n int, err error) {
	err = a.store.View(ctx, func(tx *store.Tx) error {
		files, err := tx.EvidenceOfCase(id, maxEvidence)
		n = len(files) + 1
		return err
	})
	return n, err
}

// makeNeutral reads a small file whole, has it scanned as it was handed in, and takes its metadata out.
func (a *Agent) makeNeutral(ctx context.Context, e *store.Evidence, said api.Announcement, number int, body io.Reader) (io.Reader, error) {
	content, err := io.ReadAll(io.LimitReader(body, said.Bytes+1))
	if err != nil || int64(len(content)) != said.Bytes || sha256Hex(content) != said.SHA256 {
		return nil, evidenceProblem(evidence.Changed)
	}
	was := scan.File{Name: said.Name, MediaType: mediaTypeOf(content), Content: content}
	neutral, err := scan.Neutralise(was, number, said.Certified)
	if err != nil && !errors.Is(err, scan.ErrNotStripped) {
		return nil, fmt.Errorf("making a file neutral: %w", err)
	}
	e.Reading = a.readFile(ctx, was)
	if neutral.Changed {
		e.Original = content
	}
	e.Manifest.MediaType = was.MediaType
	e.Manifest.Name = evidenceName(number, path.Ext(neutral.Name), was.MediaType)
	e.Manifest.SHA256, e.Manifest.Bytes = hex.EncodeToString(neutral.After[:]), int64(len(neutral.Content))
	return bytes.NewReader(neutral.Content), nil
}

// nameByBeginning names a large file by what its first bytes are.
func nameByBeginning(m *schemas.EvidenceFile, number int, body io.Reader) (io.Reader, error) {
	head := make([]byte, 512)
	n, err := io.ReadFull(body, head)
	if err != nil {
		return nil, evidenceProblem(evidence.Changed)
	}
	m.MediaType = mediaTypeOf(head[:n])
	m.Name = evidenceName(number, "", m.MediaType)
	return io.MultiReader(bytes.NewReader(head[:n]), body), nil
}

// mediaTypeOf tells a kind by the first bytes, never by what a name claims.
func mediaTypeOf(content []byte) string {
	kind, _, _ := strings.Cut(http.DetectContentType(content), ";")
	return kind
}

// evidenceEndings are those that a name may have beside the ones of readable kinds.
var evidenceEndings = map[string]string{
	"video/mp4": ".mp4", "video/webm": ".webm", "video/avi": ".avi", "audio/mpeg": ".mp3", "audio/wave": ".wav", "audio/aiff": ".aiff",
	"application/ogg": ".ogg", "application/pdf": ".pdf", "application/zip": ".zip", "application/x-gzip": ".gz", "image/png": ".png",
	"image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "text/plain": ".txt", "text/html": ".html",
}

// evidenceName says what kind of thing a file is and nothing of anybody. A name has five characters after its point at the most.
func evidenceName(number int, ending, mediaType string) string {
	if ending == "" {
		ending = evidenceEndings[mediaType]
	}
	if ending == "" {
		ending = ".bin"
	}
	return fmt.Sprintf("evidence-%d%s", number, ending)
}

// custody notes a step of a file, in its chain and in the home log.
func (a *Agent) custody(tx *store.Tx, e *store.Evidence, what, by string) error {
	return errors.Join(
		tx.AddCustody(e.Owner, e.Manifest.ID, store.Custody{What: what, Person: by, At: a.now()}),
		a.recordHome(tx, "evidence-"+what, schemas.MessageID(e.Manifest.ID), e.SHA256, by),
	)
}

// evidenceHints say what a person can do.
var evidenceHints = map[evidence.Reason][2]string{
	evidence.Changed:   {"the file changed or vanished while it was read", "make sure that nobody writes to it, and add it again"},
	evidence.Empty:     {"the file is empty", "there is nothing to send"},
	evidence.TooLarge:  {fmt.Sprintf("the file is larger than %d GiB", evidence.MaxBytes>>30), "split it, and say in the message how it is put together"},
	evidence.NoSpace:   {"the agent's disk has no room for the file", "free some space, or move the agent's data to a larger disk"},
	evidence.OverQuota: {"the evidence of this authority has reached its quota", "raise quota_bytes under [evidence] in agent.toml"},
	evidence.NotWhole:  {"the file has not arrived whole", "comity evidence status shows how far it is"},
	evidence.Damaged:   {"the file on the agent's disk is not what it was", "its owner's copy is whole: ask for the message again, and look at the disk"},
}

func evidenceProblem(reason evidence.Reason) error {
	said := evidenceHints[reason]
	return problem(string(reason), said[0], said[1])
}

// asEvidenceProblem turns a refusal of the spool into what a person can act on; any other error stays what it is.
func asEvidenceProblem(err error) error {
	reason := evidence.ReasonOf(err)
	if _, known := evidenceHints[reason]; known {
		return evidenceProblem(reason)
	}
	return err
}

func (a *Agent) logEvidence(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		a.log.Error(what, slog.Any("error", err))
	}
}
