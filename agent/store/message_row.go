package store

import (
	"database/sql"
	"fmt"
	"strings"

	"comity/schemas"
)

// sealedForm is JWS and Wire: most of a message, written once, and not asked for by most who read one.
type sealedForm struct{ jws, wire []byte }

// sealedColumns and bareColumns are what a query reads of the other tables of a message, without and with the sealed form.
const (
	sealedColumns = `, payload, home, jws, wire FROM message LEFT JOIN message_text USING (sender, id) LEFT JOIN sealed_form USING (sender, id) `
	bareColumns   = `, payload, home, NULL, NULL FROM message LEFT JOIN message_text USING (sender, id) `
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

// ForgetSealed erases the sealed form of a message, and with it what of the outbox would send it.
func (t *Tx) ForgetSealed(k Key) error {
	if err := t.exec(`DELETE FROM outbox WHERE id = ? AND sender = ?`, k.ID, k.Sender); err != nil {
		return err
	}
	return t.exec(`DELETE FROM sealed_form WHERE sender = ? AND id = ?`, k.Sender, k.ID)
}

// sameSlice tells whether two slices are the same bytes in the same place: what was read is replaced, never changed.
func sameSlice(a, b []byte) bool {
	return len(a) == len(b) && (a == nil) == (b == nil) && (len(a) == 0 || &a[0] == &b[0])
}

// putRow writes as little as it can: a message is written once and then changes its state several times, and each column
// that is set has its indexes written too.
func (t *Tx) putRow(m *Message) error {
	was := m.was
	m.was = nil // what is put again is written whole
	switch {
	case was == nil || was.Key != m.Key || !was.text().same(m.text()):
	case was.seal().same(m.seal()):
		return t.changeRow(m, changeState, m.stateColumns())
	default:
		return t.changeRow(m, changeSeal, append(m.stateColumns(), m.sealColumns()...))
	}
	columns := []any{
		m.Sender, m.ID, m.Recipient, m.Direction, m.Channel, m.Type, m.Case, m.InReplyTo, m.Team, m.Outcome, m.Urgency, m.Language,
		m.PayloadSHA256[:], millis(m.DraftedAt),
	}
	if err := t.exec(putMessage, append(append(columns, m.stateColumns()...), m.sealColumns()...)...); err != nil {
		return err
	}
	row := string(m.Sender) + "/" + string(m.ID)
	return t.exec(`INSERT INTO message_text (sender, id, payload, home) VALUES (?,?,?,?) ON CONFLICT (sender, id)
		DO UPDATE SET payload = excluded.payload, home = excluded.home`,
		m.Sender, m.ID, t.columns.seal("payload", row, m.Payload), t.columns.seal("home", row, m.Home))
}

func (t *Tx) changeRow(m *Message, query string, columns []any) error {
	result, err := t.sql.ExecContext(t.ctx, query, append(columns, m.Sender, m.ID)...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return fmt.Errorf("changing message %s: %w", m.ID, ErrNotFound)
}

// The columns of a row in three groups, each with its values below: the text, where the message stands, and its seal.
const (
	textColumns  = `sender, id, recipient, direction, channel, type, case_id, in_reply_to, team, outcome, urgency, language, payload_sha256, drafted_at`
	stateColumns = `state, reason, screening, receipt, acceptance, stored_at, receipted_at, warned`
	sealColumns  = `approved_by, approved_at, approval, seq, paper, seen, prev, jws_sha256, void_id, void_sha256, sent_at, valid_until, sealed_at`

	messageColumns = textColumns + ", " + stateColumns + ", " + sealColumns
)

func (m *Message) stateColumns() []any {
	return []any{m.State, m.Reason, m.Screening, m.Receipt, m.Acceptance, millis(m.StoredAt), millis(m.ReceiptedAt), m.Warned}
}

func (m *Message) sealColumns() []any {
	return []any{
		m.ApprovedBy, millis(m.ApprovedAt), m.Approval, int64(m.Seq), int64(m.Paper), int64(m.Seen), m.Prev[:], m.JWSSHA256[:], m.VoidID, m.VoidSHA256[:],
		millis(m.SentAt), millis(m.ValidUntil), millis(m.SealedAt),
	}
}

// messageText and messageSeal are what of a message is compared to see whether its columns changed.
type (
	messageText struct {
		recipient                        schemas.AuthorityID
		direction                        Direction
		channel                          schemas.Channel
		kind                             schemas.MessageType
		of                               schemas.CaseID
		inReplyTo                        schemas.MessageID
		team, outcome, urgency, language string
		sha256                           Hash
		draftedAt                        int64
		payload, home                    []byte
	}
	messageSeal struct {
		approvedBy                               string
		voidID                                   schemas.MessageID
		seq, paper, seen                         uint64
		prev, jws, void                          Hash
		approvedAt, sentAt, validUntil, sealedAt int64
		approval                                 []byte
	}
)

func (m *Message) text() *messageText {
	return &messageText{
		recipient: m.Recipient, direction: m.Direction, channel: m.Channel, kind: m.Type, of: m.Case, inReplyTo: m.InReplyTo, team: m.Team,
		outcome: m.Outcome, urgency: m.Urgency, language: m.Language, sha256: m.PayloadSHA256, draftedAt: millis(m.DraftedAt),
		payload: m.Payload, home: m.Home,
	}
}

func (a *messageText) same(b *messageText) bool {
	return a.recipient == b.recipient && a.direction == b.direction && a.channel == b.channel && a.kind == b.kind && a.of == b.of &&
		a.inReplyTo == b.inReplyTo && a.team == b.team && a.outcome == b.outcome && a.urgency == b.urgency && a.language == b.language &&
		a.sha256 == b.sha256 && a.draftedAt == b.draftedAt && sameSlice(a.payload, b.payload) && sameSlice(a.home, b.home)
}

func (m *Message) seal() *messageSeal {
	return &messageSeal{
		approvedBy: m.ApprovedBy, voidID: m.VoidID, seq: m.Seq, paper: m.Paper, seen: m.Seen, prev: m.Prev, jws: m.JWSSHA256, void: m.VoidSHA256,
		approvedAt: millis(m.ApprovedAt), sentAt: millis(m.SentAt), validUntil: millis(m.ValidUntil), sealedAt: millis(m.SealedAt), approval: m.Approval,
	}
}

func (a *messageSeal) same(b *messageSeal) bool {
	return a.approvedBy == b.approvedBy && a.voidID == b.voidID && a.seq == b.seq && a.paper == b.paper && a.seen == b.seen && a.prev == b.prev && a.jws == b.jws &&
		a.void == b.void && a.approvedAt == b.approvedAt && a.sentAt == b.sentAt && a.validUntil == b.validUntil && a.sealedAt == b.sealedAt &&
		sameSlice(a.approval, b.approval)
}

// putMessage replaces by key alone: "INSERT OR REPLACE" would also delete another message that has the same number. The key
// itself is not set: SQLite would look for all that refers to it.
var (
	putMessage = `INSERT INTO message (` + messageColumns + `) VALUES (` + marks(messageColumns) + `)
		ON CONFLICT (sender, id) DO UPDATE SET ` + sets(strings.TrimPrefix(messageColumns, "sender, id, "), "excluded.")
	changeState = `UPDATE message SET ` + sets(stateColumns, "") + ` WHERE sender = ? AND id = ?`
	changeSeal  = `UPDATE message SET ` + sets(stateColumns+", "+sealColumns, "") + ` WHERE sender = ? AND id = ?`
)

func marks(columns string) string {
	return strings.TrimSuffix(strings.Repeat("?, ", strings.Count(columns, ",")+1), ", ")
}

// sets assigns to each column the one of the same name in from, or the next argument where there is none.
func sets(columns, from string) string {
	var list []string
	for column := range strings.SplitSeq(columns, ",") {
		value := "?"
		if column = strings.TrimSpace(column); from != "" {
			value = from + column
		}
		list = append(list, column+" = "+value)
	}
	return strings.Join(list, ", ")
}

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
	var drafted, approved, sent, valid, sealed, stored, receipted, seq, paper, seen int64
	err := s.Scan(&m.Sender, &m.ID, &m.Recipient, &m.Direction, &m.Channel, &m.Type, &m.Case, &m.InReplyTo, &m.Team, &m.Outcome, &m.Urgency,
		&m.Language, &payloadHash, &drafted,
		&m.State, &m.Reason, &m.Screening, &m.Receipt, &m.Acceptance, &stored, &receipted, &m.Warned,
		&m.ApprovedBy, &approved, &m.Approval, &seq, &paper, &seen, &prev, &jwsHash, &m.VoidID, &voidHash, &sent, &valid, &sealed, &payload, &home, &jws, &m.Wire)
	if err != nil {
		return nil, err
	}
	m.Seq, m.Paper, m.Seen = uint64(seq), uint64(paper), uint64(seen)
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
	was := m
	m.was = &was
	return &m, nil
}
