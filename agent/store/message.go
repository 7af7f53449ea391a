package store

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"strings"
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
}

// Peer is the other authority.
func (m *Message) Peer() schemas.AuthorityID {
	if m.Direction == Out {
		return m.Recipient
	}
	return m.Sender
}

// Counts reports whether the message belongs to the set from which both sides derive the case: sealed or stored, and
// neither rejected, expired nor voided.
func (m *Message) Counts() bool {
	return m.State == Sent || m.State == Delivered || m.State == Received
}

// Opens tells whether the message opened its case: it named none, and the case has its id from this message.
func (m *Message) Opens() bool { return m.Case == schemas.CaseOpenedBy(m.Sender, m.Recipient, m.ID) }

const messageColumns = `sender, id, recipient, direction, state, reason, channel, type, case_id, in_reply_to, team, outcome, urgency,
	language, payload, payload_sha256, home, screening, drafted_at, approved_by, approved_at, approval, seq, seen, prev, jws_sha256,
	void_id, void_sha256, sent_at, valid_until, receipt, acceptance, sealed_at, stored_at, receipted_at, warned`

// sealedForm is JWS and Wire: most of a message, written once, and not asked for by most who read one.
type sealedForm struct{ jws, wire []byte }

// sealedColumns and bareColumns are what a query reads in the place of the sealed form.
const (
	sealedColumns = `, jws, wire FROM message LEFT JOIN sealed_form USING (sender, id) `
	bareColumns   = `, NULL, NULL FROM message `
)

// PutMessage writes the whole row, new or changed, and the sealed form where it is another than was read. A row that would
// take the number of another message is refused.
func (t *Tx) PutMessage(m *Message) error {
	if err := t.putRow(m); err != nil {
		return err
	}
	switch {
	case m.read != nil && sameSlice(m.read.jws, m.JWS) && sameSlice(m.read.wire, m.Wire), m.read == nil && m.JWS == nil && m.Wire == nil:
		return nil
	case m.JWS == nil && m.Wire == nil:
		return t.ForgetSealed(m.Key)
	}
	row := string(m.Sender) + "/" + string(m.ID)
	return t.exec(`INSERT INTO sealed_form (sender, id, jws, wire) VALUES (?1,?2,?3,?4) ON CONFLICT (sender, id)
		DO UPDATE SET jws = coalesce(?3, jws), wire = coalesce(?4, wire)`, m.Sender, m.ID, t.columns.seal("jws", row, m.JWS), m.Wire)
}

// ForgetSealed erases the sealed form of a message.
func (t *Tx) ForgetSealed(k Key) error {
	return t.exec(`DELETE FROM sealed_form WHERE sender = ? AND id = ?`, k.Sender, k.ID)
}

// sameSlice tells whether two slices are the same bytes in the same place: what was read is replaced, never changed.
func sameSlice(a, b []byte) bool {
	return len(a) == len(b) && (a == nil) == (b == nil) && (len(a) == 0 || &a[0] == &b[0])
}

func (t *Tx) putRow(m *Message) error {
	row := string(m.Sender) + "/" + string(m.ID)
	return t.exec(putMessage,
		m.Sender, m.ID, m.Recipient, m.Direction, m.State, m.Reason, m.Channel, m.Type, m.Case, m.InReplyTo, m.Team, m.Outcome, m.Urgency,
		m.Language, t.columns.seal("payload", row, m.Payload), m.PayloadSHA256[:], t.columns.seal("home", row, m.Home), m.Screening, millis(m.DraftedAt), m.ApprovedBy,
		millis(m.ApprovedAt), m.Approval, int64(m.Seq), int64(m.Seen), m.Prev[:], m.JWSSHA256[:],
		m.VoidID, m.VoidSHA256[:], millis(m.SentAt), millis(m.ValidUntil), m.Receipt, m.Acceptance, millis(m.SealedAt), millis(m.StoredAt), millis(m.ReceiptedAt), m.Warned)
}

// putMessage replaces by key alone: "INSERT OR REPLACE" would also delete another message that has the same number.
var putMessage = func() string {
	var marks, sets []string
	for column := range strings.SplitSeq(messageColumns, ",") {
		column = strings.TrimSpace(column)
		marks = append(marks, "?")
		if column != "sender" && column != "id" { // to set the key would have SQLite look for all that refers to it
			sets = append(sets, column+" = excluded."+column)
		}
	}
	return `INSERT INTO message (` + messageColumns + `) VALUES (` + strings.Join(marks, ", ") + `)
		ON CONFLICT (sender, id) DO UPDATE SET ` + strings.Join(sets, ", ")
}()

// Accept keeps the broker's acceptance of a message, the first one. It reports whether this was it.
func (t *Tx) Accept(k Key, acceptance []byte) (bool, error) {
	result, err := t.sql.ExecContext(t.ctx, `UPDATE message SET acceptance = ? WHERE sender = ? AND id = ? AND acceptance IS NULL`, acceptance, k.Sender, k.ID)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

func (t *Tx) scanMessage(s scanner) (*Message, error) {
	var m Message
	var payload, home, jws, payloadHash, prev, jwsHash, voidHash sql.RawBytes // until the next row: each is opened or copied here
	var drafted, approved, sent, valid, sealed, stored, receipted, seq, seen int64
	err := s.Scan(&m.Sender, &m.ID, &m.Recipient, &m.Direction, &m.State, &m.Reason, &m.Channel, &m.Type, &m.Case, &m.InReplyTo,
		&m.Team, &m.Outcome, &m.Urgency, &m.Language, &payload, &payloadHash, &home, &m.Screening, &drafted, &m.ApprovedBy, &approved, &m.Approval, &seq, &seen,
		&prev, &jwsHash, &m.VoidID, &voidHash, &sent, &valid, &m.Receipt, &m.Acceptance, &sealed, &stored, &receipted, &m.Warned, &jws, &m.Wire)
	if err != nil {
		return nil, err
	}
	m.Seq, m.Seen = uint64(seq), uint64(seen)
	m.DraftedAt, m.ApprovedAt, m.SentAt = instant(drafted), instant(approved), instant(sent)
	m.ValidUntil, m.SealedAt, m.StoredAt, m.ReceiptedAt = instant(valid), instant(sealed), instant(stored), instant(receipted)
	copy(m.PayloadSHA256[:], payloadHash)
	copy(m.Prev[:], prev)
	copy(m.JWSSHA256[:], jwsHash)
	copy(m.VoidSHA256[:], voidHash)
	row := string(m.Sender) + "/" + string(m.ID)
	if m.Payload, err = t.columns.open("payload", row, payload); err != nil {
		return nil, fmt.Errorf("reading payload of message %s: %w", m.ID, err)
	}
	if m.Home, err = t.columns.open("home", row, home); err != nil {
		return nil, fmt.Errorf("reading what was recorded beside message %s: %w", m.ID, err)
	}
	if m.JWS, err = t.columns.open("jws", row, jws); err != nil {
		return nil, fmt.Errorf("reading signed message %s: %w", m.ID, err)
	}
	return &m, nil
}

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
}

// Messages lists messages, newest first.
func (t *Tx) Messages(f Filter) ([]*Message, error) {
	return t.messages(`WHERE (?1 = '' OR state = ?1) AND (?2 = '' OR case_id = ?2) AND (?3 = '' OR sender = ?3 OR recipient = ?3)
		ORDER BY max(drafted_at, sent_at) DESC, id LIMIT ?4`, f.State, f.Case, f.Peer, f.Limit)
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
