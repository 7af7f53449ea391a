package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"comity/agent/envelope"
	"comity/agent/store"
	"comity/schemas"
)

// event is what a leaf of evidence speaks of. It holds names of functions, ids, numbers and hashes, never content. In a
// peer's log only what both sides see may stand, so times there come from the signed bytes.
type event struct {
	Event  string              `json:"event"`
	From   schemas.AuthorityID `json:"from,omitzero"`
	To     schemas.AuthorityID `json:"to,omitzero"`
	ID     schemas.MessageID   `json:"id,omitzero"`
	Seq    uint64              `json:"seq,omitzero"`
	SHA256 string              `json:"sha256,omitzero"`
	Person string              `json:"person,omitzero"`
	At     string              `json:"at,omitzero"`
}

// The events of the home log.
const (
	eventDrafted     = "drafted"
	eventEdited      = "edited"
	eventApproved    = "approved"
	eventSignedAlone = "signed-alone"
	eventLookedAgain = "looked-again"
	eventDiscarded   = "discarded"
	eventReturned    = "returned"
	eventErased      = "erased"
	eventUnderReview = "under-review"
	eventReleased    = "released" // one officer's word of two
	eventBlocked     = "blocked"
	eventChecked     = "policy-checked" // somebody asked the rules about a draft
	eventQuarantined = "quarantined"
	eventCleared     = "cleared" // one officer's word of two
	eventRegister    = "register-changed"
	eventDistinct    = "not-same-person"
	eventAccepted    = "accepted-by-broker"
	eventRefused     = "bytes-refused"
)

// leafPrefix keeps these hashes apart from every other use of SHA-256 in the program.
const leafPrefix = "comity evidence v1\n"

// record appends the hash of an event to a log, in the transaction of what it speaks of.
func (a *Agent) record(tx *store.Tx, log schemas.AuthorityID, e event) error {
	encoded, err := schemas.Canonical(e)
	if err != nil {
		return fmt.Errorf("encoding evidence: %w", err)
	}
	return tx.AddLeaf(log, sha256.Sum256(append([]byte(leafPrefix), encoded...)), a.now())
}

// recordHome appends a local event about a message.
func (a *Agent) recordHome(tx *store.Tx, what string, id schemas.MessageID, hash store.Hash, person string) error {
	return a.record(tx, store.HomeLog, event{
		Event: what, ID: id, SHA256: hex.EncodeToString(hash[:]), Person: person, At: a.now().UTC().Format(time.RFC3339Nano),
	})
}

// recordSigned appends a signed document that both sides of a pair hold to that pair's log.
func (a *Agent) recordSigned(tx *store.Tx, peer schemas.AuthorityID, kind envelope.Kind, h envelope.Header, hash envelope.Hash) error {
	return a.record(tx, peer, event{
		Event: string(kind), From: h.From, To: h.To, ID: h.ID, Seq: h.Seq, SHA256: hash.String(),
	})
}
