package agent

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"comity/agent/account"
	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki/journal"
	"comity/schemas"
)

// Every durable step leaves its evidence in the transaction that makes it: in the log of a direction the numbers that both
// sides have, and in the home log, which no peer ever sees, everything else (pki/journal says why). Leaves are hashes.

// event is what a leaf of the home log is the hash of. It holds names of functions, ids, numbers and hashes, never content.
// A leaf about a signed document is made of that document alone, so that it can be made again from the row that keeps it.
type event struct {
	Event  string              `json:"event"`
	From   schemas.AuthorityID `json:"from,omitzero"`
	To     schemas.AuthorityID `json:"to,omitzero"`
	ID     schemas.MessageID   `json:"id,omitzero"`
	Seq    uint64              `json:"seq,omitzero"`
	SHA256 string              `json:"sha256,omitzero"`
	Person string              `json:"person,omitzero"`
	Means  string              `json:"means,omitzero"` // of a letter: how it was given away, or came
	At     string              `json:"at,omitzero"`
}

// The events of this authority's own people and rules.
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
	eventRefused     = "bytes-refused"
	eventCheckpoint  = "checkpoint-signed"
	eventExported    = "case-exported"
	eventAbsent      = "absence-recorded" // a person is away, and a deputy has their roles
	eventBack        = "absence-ended"
	eventAssigned    = "case-assigned"  // which officer works on a case, or that nobody does
	eventToPrint     = "letter-cleared" // it waits for a person who prints it
	eventPrinted     = "letter-printed" // and given away, by these means
	eventTranslated  = "translation-attached"
	eventPaperCame   = "paper-registered"
	eventErasure     = "erasure-confirmed" // one person's word of two that the content of a case goes
	eventKept        = "case-kept"         // beyond the time of its channel
	eventUnkept      = "case-kept-no-longer"
)

// eventAccepted is the broker's signed word that it holds a message. The sender alone has it. The other events of signed
// documents have the names of their kinds (envelope.Kind).
const eventAccepted = "accepted-by-broker"

// leafPrefix keeps these hashes apart from every other use of SHA-256 in the program.
const leafPrefix = "comity evidence v1\n"

func (e event) leaf() (journal.Hash, error) {
	encoded, err := schemas.Canonical(e)
	if err != nil {
		return journal.Hash{}, fmt.Errorf("encoding evidence: %w", err)
	}
	return journal.Leaf(append([]byte(leafPrefix), encoded...)), nil
}

// record appends an event to the home log.
func (a *Agent) record(tx *store.Tx, e event) error {
	leaf, err := e.leaf()
	if err != nil {
		return err
	}
	_, err = tx.AppendLeaf(journal.Home(a.me), leaf, a.now())
	return err
}

// recordHome appends a local event about a message.
func (a *Agent) recordHome(tx *store.Tx, what string, id schemas.MessageID, hash store.Hash, person string) error {
	return a.record(tx, event{
		Event: what, ID: id, SHA256: hex.EncodeToString(hash[:]), Person: person, At: a.now().UTC().Format(time.RFC3339Nano),
	})
}

// recordAccount appends a local event about an account or a client of the API (agent/account).
func (a *Agent) recordAccount(tx *store.Tx, e account.Event, about store.Hash, by string) error {
	return a.recordHome(tx, string(e), "", about, by)
}

// recordSigned appends a signed document that was sealed or taken here.
func (a *Agent) recordSigned(tx *store.Tx, kind envelope.Kind, h envelope.Header, hash envelope.Hash) error {
	return a.record(tx, signedEvent(kind, h, hash))
}

func signedEvent(kind envelope.Kind, h envelope.Header, hash envelope.Hash) event {
	return event{Event: string(kind), From: h.From, To: h.To, ID: h.ID, Seq: h.Seq, SHA256: hash.String()}
}

// acceptedEvent is the evidence of a submission: the broker's acceptance of a message of ours.
func acceptedEvent(m *store.Message, acceptance []byte) event {
	return event{Event: eventAccepted, From: m.Sender, To: m.Recipient, ID: m.ID, Seq: m.Seq, SHA256: sha256Hex(acceptance)}
}

// errJournal says that a log and the numbers that it is of have come apart. Nothing more is sealed or taken then.
var errJournal = errors.New("the journal does not go with the numbers: run comity journal verify")

// recordNumber appends a number to the log of its direction.
func (a *Agent) recordNumber(tx *store.Tx, n journal.Number) error {
	edge, err := tx.AppendLeaf(journal.Between(n.From, n.To), n.Leaf(), a.now())
	if err == nil && uint64(edge.Size()) != n.Seq {
		err = fmt.Errorf("number %d from %s to %s: %w", n.Seq, n.From, n.To, errJournal)
	}
	return err
}
