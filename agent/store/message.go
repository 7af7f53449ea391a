package store

import (
	"crypto/sha256"
	"time"

	"comity/schemas"
)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// Direction tells a message of ours from one of a peer's.
type Direction string

// The directions.
const (
	Out Direction = "out"
	In  Direction = "in"
)

// State is where a message stands inside this authority (DOMAIN section 3).
type State string

// The states of an outgoing message, and Received, the one of an incoming message that counts in its case. A rejected
// message of either direction does not count.
const (
	InReview    State = "in-review"    // valid, waiting for a second person
	Approved    State = "approved"     // waiting for release, unnumbered and unsealed
	UnderReview State = "under-review" // held or blocked by policy: everybody is shown this one word for both
	Returned    State = "returned"     // given back to its author by a protection officer
	ToPrint     State = "to-print"     // on paper: cleared, and decided on once more when somebody prints it
	Dispatched  State = "dispatched"   // on paper: printed and given away; it counts as disclosed
	Sent        State = "sent"         // sealed and committed: from here on it counts as disclosed
	Delivered   State = "delivered"    // the recipient's signed receipt is here
	Rejected    State = "rejected"     // refused by the recipient's agent with a closed reason
	Expired     State = "expired"      // no receipt while it was valid: its number is being closed
	Voided      State = "voided"       // its number is closed
	Discarded   State = "discarded"    // given up by its author before it left
	Received    State = "received"     // incoming, stored intact
)

// Screening is whether people may read an incoming message. It says nothing to any peer: the receipt came before it.
type Screening string

// The stages. What is not clear is shown to protection officers alone.
const (
	ScreenPending      Screening = "pending"      // stored and receipted, not yet looked at
	ScreenClearing     Screening = "clearing"     // looked at; the register does not hold yet whom it protects
	ScreenClear        Screening = "clear"        // people may read it
	ScreenQuarantining Screening = "quarantining" // as the next; the register does not hold yet whom it protects
	ScreenQuarantined  Screening = "quarantined"  // it should never have come to this State
)

// Key names a message: ids are unique within their sender only.
type Key struct {
	Sender schemas.AuthorityID
	ID     schemas.MessageID
}

// Message is a row of table message.
type Message struct {
	Key
	Recipient schemas.AuthorityID
	Direction Direction
	State     State
	Reason    string // of a rejection, closed set

	Channel   schemas.Channel
	Type      schemas.MessageType
	Case      schemas.CaseID
	InReplyTo schemas.MessageID
	Team      string // the team that an item belongs to, "" of all else
	Outcome   string // lifecycle.Essence of the payload
	Urgency   string
	Language  string

	Payload       []byte // exactly what was approved and signed
	PayloadSHA256 Hash
	Home          []byte    // what was recorded beside a draft; never part of what is sent
	Screening     Screening // of an incoming message
	DraftedAt     time.Time
	ApprovedBy    string
	ApprovedAt    time.Time
	Approval      []byte // the approver's signed command (JWS)

	Seq, Seen  uint64
	Paper      uint64 // of a message on paper, which has no number: its place behind what went between the two before
	Prev       Hash
	JWS        []byte
	JWSSHA256  Hash
	Wire       []byte // as sent; of a closed number, the void
	VoidID     schemas.MessageID
	VoidSHA256 Hash
	SentAt     time.Time
	ValidUntil time.Time
	Receipt    []byte
	Acceptance []byte

	SealedAt    time.Time // by our clock
	StoredAt    time.Time // at the recipient, by its receipt
	ReceiptedAt time.Time // when that receipt reached us, by our clock
	Warned      int       // how often an officer was warned that the receipt is late

	read *sealedForm // JWS and Wire as they are in the file; nil where they were not read
	was  *Message    // the row as it was read, until it is put back; nil for a new one
}

// Peer is the other authority.
func (m *Message) Peer() schemas.AuthorityID {
	if m.Direction == Out {
		return m.Recipient
	}
	return m.Sender
}

// Place is where the message stands in the row of those that its sender sent to its recipient, 0 before it left.
func (m *Message) Place() uint64 { return max(m.Seq, m.Paper) }

// Arrived is when its recipient had it: by the signed receipt or, of a letter of ours, when it was given away, as nobody
// signs for it; zero while that is not known.
func (m *Message) Arrived() time.Time {
	if m.Paper > 0 && m.Direction == Out {
		return m.SentAt
	}
	return m.StoredAt
}

// Counts reports whether the message belongs to the set from which both sides derive the case: sealed, stored or given away
// on paper, and neither rejected, expired nor voided.
func (m *Message) Counts() bool {
	return m.State == Sent || m.State == Delivered || m.State == Received || m.State == Dispatched
}

// Opens tells whether the message opened its case: it named none, and the case has its id from this message.
func (m *Message) Opens() bool { return m.Case == schemas.CaseOpenedBy(m.Sender, m.Recipient, m.ID) }

// messages reads messages whole.
func (t *Tx) messages(where string, args ...any) ([]*Message, error) {
	return collect(t, func(s scanner) (*Message, error) {
		m, err := t.scanMessage(s)
		if err == nil {
			m.read = &sealedForm{m.JWS, m.Wire}
		}
		return m, err
	}, `SELECT `+messageColumns+sealedColumns+where, args...)
}

// bareMessages reads messages without JWS and Wire. Putting one back leaves these as they are, unless they were set.
func (t *Tx) bareMessages(where string, args ...any) ([]*Message, error) {
	return collect(t, t.scanMessage, `SELECT `+messageColumns+bareColumns+where, args...)
}

func one(found []*Message, err error) (*Message, error) {
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

const (
	byKey    = `WHERE sender = ? AND id = ? LIMIT 1`
	byNumber = `WHERE sender = ? AND recipient = ? AND seq = ? AND seq > 0 LIMIT 1`
)

// Message reads one message, or ErrNotFound.
func (t *Tx) Message(k Key) (*Message, error) { return one(t.messages(byKey, k.Sender, k.ID)) }

// BareMessage is Message without JWS and Wire.
func (t *Tx) BareMessage(k Key) (*Message, error) { return one(t.bareMessages(byKey, k.Sender, k.ID)) }

// MessageByNumber reads the message that carried a number from sender to recipient, or ErrNotFound.
func (t *Tx) MessageByNumber(sender, recipient schemas.AuthorityID, seq uint64) (*Message, error) {
	return one(t.messages(byNumber, sender, recipient, int64(seq)))
}

// BareMessageByNumber is MessageByNumber without JWS and Wire.
func (t *Tx) BareMessageByNumber(sender, recipient schemas.AuthorityID, seq uint64) (*Message, error) {
	return one(t.bareMessages(byNumber, sender, recipient, int64(seq)))
}

// MessagesNumbered reads at most limit messages from sender to recipient by their numbers, from one on.
func (t *Tx) MessagesNumbered(sender, recipient schemas.AuthorityID, from uint64, limit int) ([]*Message, error) {
	return t.messages(`WHERE sender = ? AND recipient = ? AND seq >= ? AND seq > 0 ORDER BY seq LIMIT ?`, sender, recipient, int64(from), limit)
}

// FirstUnreceiptedNumber is the lowest number used towards a peer that has no receipt, 0 where every one has.
func (t *Tx) FirstUnreceiptedNumber(sender, recipient schemas.AuthorityID) (uint64, error) {
	var first int64
	err := t.row([]any{&first}, `SELECT coalesce(min(seq), 0) FROM message WHERE sender = ? AND recipient = ? AND seq > 0 AND receipt IS NULL`,
		sender, recipient)
	return uint64(first), err
}

// MessagesByPrefix reads at most limit bare messages whose id begins with prefix, which must be of base32 characters.
func (t *Tx) MessagesByPrefix(prefix string, limit int) ([]*Message, error) {
	return t.bareMessages(beginsWith, prefix, limit)
}

// beginsWith is the range of ids that begin with a text, as the index has them: nothing sorts behind the last code point.
const beginsWith = `WHERE id >= ?1 AND id < ?1 || char(1114111) ORDER BY id LIMIT ?2`

// MessagesOfCase reads the messages of a case with one peer, oldest first.
func (t *Tx) MessagesOfCase(id schemas.CaseID, peer schemas.AuthorityID) ([]*Message, error) {
	return t.messages(ofCase, id, peer, peer)
}

// BareMessagesOfCase is MessagesOfCase without JWS and Wire.
func (t *Tx) BareMessagesOfCase(id schemas.CaseID, peer schemas.AuthorityID) ([]*Message, error) {
	return t.bareMessages(ofCase, id, peer, peer)
}

const ofCase = `WHERE case_id = ? AND case_id <> '' AND (sender = ? OR recipient = ?) ORDER BY sent_at, drafted_at, id`

// MessagesOfTeam reads the bare items of a team, in the order of their numbers within each pair; those that have none yet come
// first.
func (t *Tx) MessagesOfTeam(team string) ([]*Message, error) {
	return t.bareMessages(`WHERE team = ? AND team <> '' ORDER BY sender, recipient, seq, drafted_at, id`, team)
}

// MessagesIn reads at most limit bare messages of one direction and state, oldest first. An empty urgency means any.
func (t *Tx) MessagesIn(d Direction, s State, urgency string, limit int) ([]*Message, error) {
	// IS and not =: there are indexes of sent messages only, and SQLite would compile the query anew for each value.
	return t.bareMessages(`WHERE direction IS ? AND state IS ? AND (? = '' OR urgency = ?) ORDER BY drafted_at, id LIMIT ?`,
		d, s, urgency, urgency, limit)
}

// AnyIn are those of the urgencies of which there is a message of one direction and state.
func (t *Tx) AnyIn(d Direction, s State, of []schemas.Urgency) (some []schemas.Urgency, err error) {
	for _, urgency := range of {
		var there bool
		err := t.row([]any{&there}, `SELECT EXISTS (SELECT 1 FROM message WHERE direction IS ? AND state IS ? AND urgency = ?)`, d, s, urgency)
		if err != nil {
			return nil, err
		}
		if there {
			some = append(some, urgency)
		}
	}
	return some, nil
}

// NextExpiry is the earliest end of validity of a message that is sent and has no receipt, zero where there is none.
func (t *Tx) NextExpiry() (time.Time, error) {
	var next int64
	err := t.row([]any{&next}, `SELECT coalesce(min(valid_until), 0) FROM message WHERE direction = 'out' AND state = 'sent'`)
	return instant(next), err
}

// SentBefore reads at most limit messages that are sent, have no receipt, and were valid until a time before t0.
func (t *Tx) SentBefore(t0 time.Time, limit int) ([]*Message, error) {
	return t.messages(`WHERE direction = 'out' AND state = 'sent' AND valid_until < ? ORDER BY valid_until LIMIT ?`, millis(t0), limit)
}

// UnreceiptedSince reads at most limit bare messages that were sealed by a time, have no receipt, and about which so many
// warnings were given.
func (t *Tx) UnreceiptedSince(sealed time.Time, warned, limit int) ([]*Message, error) {
	return t.bareMessages(`WHERE direction = 'out' AND state = 'sent' AND warned = ? AND sealed_at <= ? ORDER BY sealed_at LIMIT ?`,
		warned, millis(sealed), limit)
}

// FirstUnreceipted is when the oldest message without a receipt was sealed, of those about which so many warnings were
// given; zero where there is none.
func (t *Tx) FirstUnreceipted(warned int) (time.Time, error) {
	var first int64
	err := t.row([]any{&first}, `SELECT coalesce(min(sealed_at), 0) FROM message WHERE direction = 'out' AND state = 'sent' AND warned = ?`, warned)
	return instant(first), err
}

// Unreceipted counts the messages that are sent and have no receipt, by recipient, and says when the oldest was sealed; zero
// where there is none.
func (t *Tx) Unreceipted() (byPeer map[schemas.AuthorityID]int, oldest time.Time, err error) {
	byPeer = map[schemas.AuthorityID]int{}
	_, err = collect(t, func(s scanner) (struct{}, error) {
		var peer schemas.AuthorityID
		var n int
		var sealed int64
		err := s.Scan(&peer, &n, &sealed)
		byPeer[peer] = n
		if at := instant(sealed); oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
		return struct{}{}, err
	}, `SELECT recipient, count(*), min(sealed_at) FROM message INDEXED BY message_waiting WHERE direction = 'out' AND state = 'sent' GROUP BY recipient`)
	return byPeer, oldest, err
}

// MessagesToScreen reads at most limit bare incoming messages whose content nobody has looked at, the oldest first.
func (t *Tx) MessagesToScreen(limit int) ([]*Message, error) {
	return t.bareMessages(`WHERE screening = 'pending' ORDER BY stored_at, id LIMIT ?`, limit)
}

// MessagesToLabel reads at most limit bare incoming messages whose labels the register does not hold yet, the oldest first.
func (t *Tx) MessagesToLabel(limit int) ([]*Message, error) {
	return t.bareMessages(`WHERE screening IN ('clearing', 'quarantining') ORDER BY stored_at, id LIMIT ?`, limit)
}

// Filter narrows Messages; empty members do not.
type Filter struct {
	State State
	Case  schemas.CaseID
	Peer  schemas.AuthorityID
	Limit int // 1 to 1000
	// AfterTime and AfterID are a place in the list: only what comes behind it. The zero time is before everything.
	AfterTime time.Time
	AfterID   schemas.MessageID
}

// Messages lists messages, newest first.
func (t *Tx) Messages(f Filter) ([]*Message, error) {
	return t.messages(`WHERE (?1 = '' OR state = ?1) AND (?2 = '' OR case_id = ?2) AND (?3 = '' OR sender = ?3 OR recipient = ?3)
		AND (?5 = 0 OR max(drafted_at, sent_at) < ?5 OR max(drafted_at, sent_at) = ?5 AND id > ?6)
		ORDER BY max(drafted_at, sent_at) DESC, id LIMIT ?4`, f.State, f.Case, f.Peer, f.Limit, millis(f.AfterTime), f.AfterID)
}

// AddAuthor records that a person wrote or changed a draft.
func (t *Tx) AddAuthor(k Key, person string) error {
	return t.exec(`INSERT OR IGNORE INTO author (sender, id, person) VALUES (?,?,?)`, k.Sender, k.ID, person)
}

// Authors lists who wrote or changed a draft.
func (t *Tx) Authors(k Key) ([]string, error) {
	return collect(t, func(s scanner) (name string, err error) { return name, s.Scan(&name) },
		`SELECT person FROM author WHERE sender = ? AND id = ? ORDER BY person`, k.Sender, k.ID)
}
