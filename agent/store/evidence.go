package store

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"comity/schemas"
)

// Evidence is a file of evidence, ours or a peer's. Its bytes are in the spool (agent/evidence).
type Evidence struct {
	Owner    schemas.AuthorityID // who sends it
	Peer     schemas.AuthorityID // the other side of the case
	Case     schemas.CaseID
	Message  schemas.MessageID // of the owner's, "" until one names it
	State    EvidenceState
	Reason   string // of a refusal, closed set
	Manifest schemas.EvidenceFile
	SHA256   Hash
	Reading  string // of ours, closed set
	Original []byte // of ours: the content as it was before it was made neutral, nil where it is the same
	AddedBy  string
	AddedAt  time.Time
	// ChangedAt is when the state last changed.
	ChangedAt time.Time
	Receipt   []byte // the signed completion (JWS)
}

// EvidenceState is where a file stands.
type EvidenceState string

// The states: ours are ready until the peer's signed completion; a peer's are fetching until they are whole.
const (
	EvidenceReady     EvidenceState = "ready"
	EvidenceDelivered EvidenceState = "delivered"
	EvidenceRefused   EvidenceState = "refused"
	EvidenceFetching  EvidenceState = "fetching"
	EvidenceComplete  EvidenceState = "complete"
	EvidenceWithheld  EvidenceState = "withheld" // whole, and kept from people until two protection officers let it be read
	EvidenceErased    EvidenceState = "erased"   // the time for which it was kept is over
)

const evidenceColumns = `owner, id, peer, case_id, message, state, reason, manifest, sha256, reading, original, added_by, added_at, changed_at, receipt`

func evidenceRow(owner schemas.AuthorityID, id schemas.FileID) string {
	return string(owner) + "/" + string(id)
}

// PutEvidence writes a file, new or changed.
func (t *Tx) PutEvidence(e *Evidence) error {
	manifest, err := json.Marshal(e.Manifest)
	if err != nil {
		return fmt.Errorf("writing a manifest: %w", err)
	}
	row := evidenceRow(e.Owner, e.Manifest.ID)
	return t.exec(`INSERT INTO evidence (`+evidenceColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (owner, id) DO UPDATE SET
		message = excluded.message, state = excluded.state, reason = excluded.reason, changed_at = excluded.changed_at, receipt = excluded.receipt WHERE state <> 'erased'`,
		e.Owner, e.Manifest.ID, e.Peer, e.Case, e.Message, e.State, e.Reason, t.columns.seal("manifest", row, manifest), e.SHA256[:], e.Reading,
		t.columns.seal("original", row, e.Original), e.AddedBy, millis(e.AddedAt), millis(e.ChangedAt), e.Receipt)
}

// Evidence reads one file, or ErrNotFound.
func (t *Tx) Evidence(owner schemas.AuthorityID, id schemas.FileID) (*Evidence, error) {
	return firstOf(t.evidence(`WHERE owner = ? AND id = ?`, owner, id))
}

// EvidenceByPrefix lists at most limit files whose id begins with prefix.
func (t *Tx) EvidenceByPrefix(prefix string, limit int) ([]*Evidence, error) {
	return t.evidence(`WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`, prefix, prefix+"\x7f", limit)
}

// EvidenceOfCase lists the files of a case, the oldest first.
func (t *Tx) EvidenceOfCase(id schemas.CaseID, limit int) ([]*Evidence, error) {
	return t.evidence(`WHERE case_id = ? ORDER BY added_at, id LIMIT ?`, id, limit)
}

// EvidenceIn lists at most limit files in a state, the oldest first.
func (t *Tx) EvidenceIn(state EvidenceState, limit int) ([]*Evidence, error) {
	return t.evidence(`WHERE state = ? ORDER BY added_at, id LIMIT ?`, state, limit)
}

// DropEvidence forgets a file of ours that no message names.
func (t *Tx) DropEvidence(owner schemas.AuthorityID, id schemas.FileID) error {
	if err := t.exec(`DELETE FROM custody WHERE owner = ? AND id = ?`, owner, id); err != nil {
		return err
	}
	return t.exec(`DELETE FROM evidence WHERE owner = ? AND id = ?`, owner, id)
}

func (t *Tx) evidence(where string, args ...any) ([]*Evidence, error) {
	return collect(t, func(s scanner) (*Evidence, error) {
		var e Evidence
		var id schemas.FileID
		var manifest, hash, original []byte
		var added, changed int64
		err := s.Scan(&e.Owner, &id, &e.Peer, &e.Case, &e.Message, &e.State, &e.Reason, &manifest, &hash, &e.Reading, &original,
			&e.AddedBy, &added, &changed, &e.Receipt)
		if err != nil {
			return nil, err
		}
		copy(e.SHA256[:], hash)
		e.AddedAt, e.ChangedAt = instant(added), instant(changed)
		row := evidenceRow(e.Owner, id)
		if manifest, err = t.columns.open("manifest", row, manifest); err == nil {
			err = json.Unmarshal(manifest, &e.Manifest)
		}
		if err == nil {
			e.Original, err = t.columns.open("original", row, original)
		}
		if err != nil {
			return nil, fmt.Errorf("reading file of evidence %s: %w", id, err)
		}
		return &e, nil
	}, `SELECT `+evidenceColumns+` FROM evidence `+where, args...)
}

func firstOf[T any](found []T, err error) (one T, _ error) {
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return one, err
	}
	return found[0], nil
}

// Custody is one step of a file at this desk.
type Custody struct {
	What   string // closed set
	Person string // "" where the agent did it by itself
	At     time.Time
}

// AddCustody notes a step.
func (t *Tx) AddCustody(owner schemas.AuthorityID, id schemas.FileID, c Custody) error {
	return t.exec(`INSERT INTO custody (owner, id, what, person, at) VALUES (?,?,?,?,?)`, owner, id, c.What, c.Person, millis(c.At))
}

// CustodyOf lists the steps of a file, in their order.
func (t *Tx) CustodyOf(owner schemas.AuthorityID, id schemas.FileID) ([]Custody, error) {
	return collect(t, func(s scanner) (Custody, error) {
		var c Custody
		var at int64
		err := s.Scan(&c.What, &c.Person, &at)
		c.At = instant(at)
		return c, err
	}, `SELECT what, person, at FROM custody WHERE owner = ? AND id = ? ORDER BY n`, owner, id)
}
