package envelope

import (
	"errors"
	"fmt"
	"time"

	"comity/pki/jose"
	"comity/schemas"
)

// Kind is what an envelope carries; in the signed header it is the typ.
type Kind string

// The kinds. All but KindMessage are control messages.
const (
	KindMessage  Kind = "message"  // a payload that people approved; numbered and receipted
	KindReceipt  Kind = "receipt"  // the recipient's word that a number arrived; unnumbered, unreceipted
	KindVoid     Kind = "void"     // closes a number whose message will not come; numbered and receipted
	KindResend   Kind = "resend"   // asks for numbers that did not come; unnumbered, unreceipted
	KindRecall   Kind = "recall"   // asks for what the asking desk had, after it was restored; unnumbered, unreceipted
	KindStanding Kind = "standing" // answers a recall; unnumbered, unreceipted
	KindBreach   Kind = "breach"   // tells a sender that its own message should not have come here; unnumbered, unreceipted

	KindWant       Kind = "want"       // asks for chunks of the files that a message names; unnumbered, unreceipted
	KindCompletion Kind = "completion" // the recipient's word about a whole file; unnumbered, unreceipted
)

// kinds lists them with the commonest first: Open tries them in turn.
func kinds() []Kind {
	return []Kind{KindMessage, KindReceipt, KindVoid, KindResend, KindBreach, KindRecall, KindStanding, KindWant, KindCompletion}
}

func (k Kind) typ() jose.Typ {
	switch k {
	case KindMessage:
		return jose.TypMessage
	case KindReceipt:
		return jose.TypReceipt
	case KindVoid:
		return jose.TypVoid
	case KindResend:
		return jose.TypResend
	case KindBreach:
		return jose.TypBreach
	case KindRecall:
		return jose.TypRecall
	case KindStanding:
		return jose.TypStanding
	case KindWant:
		return jose.TypWant
	case KindCompletion:
		return jose.TypCompletion
	}
	return ""
}

// Numbered tells whether envelopes of this kind take a number of the pair's sequence. Those, and only those, are
// answered with a receipt.
func (k Kind) Numbered() bool { return k == KindMessage || k == KindVoid }

// Bounds of the times in a header.
const (
	// MaxValidity is how long a message may be valid.
	MaxValidity = 400 * 24 * time.Hour
	// ClockSkew is how far the clocks of two desks may differ.
	ClockSkew = 5 * time.Minute
)

// maxNumber is the largest number that every JSON reader reads exactly.
const maxNumber = 1 << 53

// Header is the signed header. Times are UTC in whole seconds.
type Header struct {
	From, To schemas.AuthorityID
	Channel  schemas.Channel
	ID       schemas.MessageID
	SentAt   time.Time

	// Seq numbers what From sends to To, from 1 without gaps; Prev is the hash of the JWS of number Seq-1, zero for the
	// first. Both are zero in receipts, resends and breach notices.
	Seq  uint64
	Prev Hash

	// Seen is the highest number of the other direction up to which From has everything; ValidUntil is when From no
	// longer wants the message to be acted upon. Messages only.
	Seen       uint64
	ValidUntil time.Time

	// Suite and RecipientKey (the thumbprint of the recipient's encryption certificate) are set by the seal.
	Suite        Suite
	RecipientKey string
}

// route is the outer header that belongs to this signed header.
func (h Header) route() schemas.Route {
	return schemas.Route{From: h.From, To: h.To, Channel: h.Channel, ID: h.ID, Suite: int(h.Suite), Key: h.RecipientKey}
}

// check holds what a header of the kind must be, at the seal and at the opening alike.
func (h Header) check(kind Kind) error {
	if err := h.route().Check(); err != nil {
		return err
	}
	switch {
	case h.From == h.To:
		return errors.New("from and to are one authority")
	case !wholeSecond(h.SentAt):
		return errors.New("sent_at is not a whole second in UTC")
	case h.Seq > maxNumber || h.Seen > maxNumber:
		return errors.New("seq or seen is too large")
	}
	if kind.Numbered() {
		if h.Seq == 0 || (h.Seq == 1) != h.Prev.IsZero() {
			return errors.New("seq starts with 1, and only 1 has no prev")
		}
	} else if h.Seq != 0 || !h.Prev.IsZero() {
		return fmt.Errorf("a %s has no number", kind)
	}
	if kind != KindMessage {
		if h.Seen != 0 || !h.ValidUntil.IsZero() {
			return fmt.Errorf("a %s has neither seen nor valid_until", kind)
		}
		return nil
	}
	if !wholeSecond(h.ValidUntil) || !h.ValidUntil.After(h.SentAt) || h.ValidUntil.Sub(h.SentAt) > MaxValidity {
		return errors.New("valid_until is not a whole second after sent_at and within 400 days of it")
	}
	return nil
}

func wholeSecond(t time.Time) bool {
	return !t.IsZero() && t.Location() == time.UTC && t.Nanosecond() == 0
}

// The members of the protected header beside alg, typ and x5t#S256, as they stand on the wire. Pointers are members
// whose zero value is a value: their absence must not be another spelling of it.
type (
	wireCommon struct {
		From         schemas.AuthorityID `json:"from"`
		To           schemas.AuthorityID `json:"to"`
		Channel      schemas.Channel     `json:"channel"`
		ID           schemas.MessageID   `json:"id"`
		Suite        Suite               `json:"suite"`
		RecipientKey string              `json:"recipient_key"`
		SentAt       wireTime            `json:"sent_at"`
	}
	wireMessage struct {
		wireCommon `json:",inline"`
		Seq        uint64   `json:"seq"`
		Prev       *Hash    `json:"prev"`
		Seen       *uint64  `json:"seen"`
		ValidUntil wireTime `json:"valid_until"`
	}
	wireVoid struct {
		wireCommon `json:",inline"`
		Seq        uint64 `json:"seq"`
		Prev       *Hash  `json:"prev"`
	}
)

// wire is the struct that is signed for the kind.
func (h Header) wire(kind Kind) any {
	common := wireCommon{From: h.From, To: h.To, Channel: h.Channel, ID: h.ID, Suite: h.Suite,
		RecipientKey: h.RecipientKey, SentAt: wireTime(h.SentAt)}
	switch kind {
	case KindMessage:
		return wireMessage{wireCommon: common, Seq: h.Seq, Prev: &h.Prev, Seen: &h.Seen, ValidUntil: wireTime(h.ValidUntil)}
	case KindVoid:
		return wireVoid{wireCommon: common, Seq: h.Seq, Prev: &h.Prev}
	}
	return common
}

// readHeader decodes the signed header of a kind strictly.
func readHeader(signed *jose.Signed, kind Kind) (Header, error) {
	var common wireCommon
	var h Header
	var err error
	switch kind {
	case KindMessage:
		var w wireMessage
		err = signed.Header(&w)
		if err == nil && (w.Prev == nil || w.Seen == nil) {
			err = errors.New("prev or seen is missing")
		}
		if err == nil {
			h.Seq, h.Prev, h.Seen, h.ValidUntil = w.Seq, *w.Prev, *w.Seen, time.Time(w.ValidUntil)
		}
		common = w.wireCommon
	case KindVoid:
		var w wireVoid
		err = signed.Header(&w)
		if err == nil && w.Prev == nil {
			err = errors.New("prev is missing")
		}
		if err == nil {
			h.Seq, h.Prev = w.Seq, *w.Prev
		}
		common = w.wireCommon
	default:
		err = signed.Header(&common)
	}
	if err != nil {
		return Header{}, err
	}
	h.From, h.To, h.Channel, h.ID = common.From, common.To, common.Channel, common.ID
	h.Suite, h.RecipientKey, h.SentAt = common.Suite, common.RecipientKey, time.Time(common.SentAt)
	return h, h.check(kind)
}

// wireTime is a time in its one spelling: RFC 3339, UTC with Z, whole seconds.
type wireTime time.Time

const wireTimeForm = "2006-01-02T15:04:05Z"

func (t wireTime) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).Format(wireTimeForm)), nil
}

func (t *wireTime) UnmarshalText(text []byte) error {
	parsed, err := time.Parse(wireTimeForm, string(text))
	if err != nil || parsed.Format(wireTimeForm) != string(text) {
		return errors.New("time: RFC 3339 in UTC with whole seconds")
	}
	*t = wireTime(parsed)
	return nil
}
