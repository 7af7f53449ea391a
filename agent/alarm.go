package agent

import (
	"log/slog"

	"comity/agent/store"
	"comity/schemas"
)

// AlarmKind is why a person must look. The set is closed.
type AlarmKind string

// The alarms.
const (
	AlarmHole        AlarmKind = "hole"                // a peer's number has not come, though it was asked for
	AlarmFork        AlarmKind = "fork"                // the same number or id came with other bytes
	AlarmChain       AlarmKind = "chain-broken"        // a number does not name the one before it
	AlarmHistory     AlarmKind = "history-behind"      // a peer has seen numbers that this desk never used: is its database an old one?
	AlarmRestored    AlarmKind = "restored"            // the database was restored from a backup: what came after it is missing
	AlarmUnreadable  AlarmKind = "unreadable"          // bytes in the inbox that nobody can be shown to have sent
	AlarmReceipt     AlarmKind = "receipt-wrong"       // a receipt for what was not sent, or for other bytes
	AlarmRefused     AlarmKind = "broker-refuses"      // the broker does not take a sealed message
	AlarmUnsealable  AlarmKind = "cannot-seal"         // an approved message cannot be sealed, such as for want of a key
	AlarmExpired     AlarmKind = "no-receipt"          // no receipt came while the message was valid; its number is being closed
	AlarmOverdue     AlarmKind = "overdue"             // something that we owe in a case
	AlarmEscalated   AlarmKind = "escalated"           // the same, once our duty desk is open: it is the desk's now
	AlarmPeerOverdue AlarmKind = "peer-overdue"        // something that the peer owes us
	AlarmSecondLook  AlarmKind = "second-look-overdue" // nobody has read what left with one signature
	AlarmTrust       AlarmKind = "trust-refused"       // a published trust document was refused
	AlarmLate        AlarmKind = "receipt-late"        // no receipt for hours: somebody withholds our traffic, or the peer is down
	AlarmReplayed    AlarmKind = "replayed"            // the same bytes keep coming: they are replayed, or our receipts withheld
	AlarmUnreachable AlarmKind = "broker-unreachable"  // no connection to the broker for minutes: everything waits
	AlarmExpires     AlarmKind = "expires-soon"        // the trust list or a certificate of ours is near its end, or past it
	AlarmEvidence    AlarmKind = "evidence-refused"    // a file of evidence is not what its manifest says
	AlarmChunk       AlarmKind = "chunk-refused"       // a chunk of a file is not what was signed for; the subject says how
	AlarmWant        AlarmKind = "want-wrong"          // a peer asks for a file that no message to it names
	AlarmRoom        AlarmKind = "evidence-no-room"    // a peer's file waits: the disk or the quota has no room for it
	AlarmAcceptance  AlarmKind = "acceptance-wrong"    // the broker answered with an acceptance that is not one
)

// The alarms about the history that a desk shares with a peer (witness.go).
const (
	AlarmOwnRewritten   AlarmKind = "own-history-rewritten"  // our log of what we sent is not what a peer's receipts have shown it to be
	AlarmPeerRewritten  AlarmKind = "peer-history-rewritten" // a peer's receipts contradict each other about what we sent
	AlarmHistoryDiffers AlarmKind = "history-differs"        // a peer's receipt knows of other messages; whose history was changed, it does not prove
	AlarmPeerShrunk     AlarmKind = "peer-history-shrunk"    // a peer's later receipt knows of fewer numbers than an earlier one: has it lost some?
)

// raise raises an alarm in the transaction of what caused it, and logs it the first time. subject is a number, an id or
// a closed reason, never content.
func (a *Agent) raise(tx *store.Tx, kind AlarmKind, peer schemas.AuthorityID, subject string) error {
	isNew, err := tx.RaiseAlarm(store.Alarm{Kind: string(kind), Peer: peer, Subject: subject, RaisedAt: a.now()})
	if err == nil && isNew {
		a.notifier.Wake()
		a.log.Warn("alarm raised", slog.String("alarm", string(kind)), slog.String("peer", string(peer)), slog.String("subject", subject))
	}
	return err
}

func (a *Agent) clear(tx *store.Tx, kind AlarmKind, peer schemas.AuthorityID, subject string) error {
	return tx.ClearAlarm(string(kind), peer, subject, a.now())
}
