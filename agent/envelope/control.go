package envelope

import (
	"errors"
	"fmt"
	"time"

	"comity/pki"
	"comity/pki/journal"
	"comity/schemas"
)

// Control messages have fixed small forms and no free text. What they say is made from message bytes, numbers and shared
// public state, never from policy or register: a peer that probes with them must learn nothing. The caller gives Header
// its From, To, Channel, ID and SentAt.

// Outcome is what a recipient's desk did with a number.
type Outcome string

// The outcomes.
const (
	Stored   Outcome = "stored"   // intact and durable at the recipient's desk
	Rejected Outcome = "rejected" // authentic, and not taken into the case
)

// Rejection is why an authentic message was rejected. The set is closed, and each follows from messages that both sides have
// and from the trust list and directory that both sides can see.
type Rejection string

// The rejections.
const (
	RejectedExpired     Rejection = "expired"             // arrived after valid_until
	RejectedEarly       Rejection = "not-yet-valid"       // sent_at lies ahead
	RejectedContent     Rejection = "bad-content"         // a control message without its form
	RejectedVersion     Rejection = "unsupported-version" // a type or version that the recipient does not read
	RejectedSchema      Rejection = "invalid-payload"     // the payload breaks the schema of its type
	RejectedRoute       Rejection = "route-not-in-force"  // no agreement in force for the pair and channel
	RejectedParty       Rejection = "not-a-party"         // the sender is no party to the case
	RejectedFork        Rejection = "fork"                // this number or id came before with other bytes
	RejectedChannelSwap Rejection = "channel-mismatch"    // payload and signed header name different channels
	RejectedNumber      Rejection = "number-out-of-range" // seq far ahead of what has come, or seen beyond what was sent
	RejectedState       Rejection = "not-permitted"       // the case, as its sender saw it, does not take this message
)

// Rejections lists every reason.
func Rejections() []Rejection {
	return []Rejection{RejectedExpired, RejectedEarly, RejectedContent, RejectedVersion, RejectedSchema, RejectedRoute,
		RejectedParty, RejectedFork, RejectedChannelSwap, RejectedNumber, RejectedState}
}

// Receipt is the recipient's signed word about one number. The sender keeps the number in its outbox until it has it.
// No receipt exists for bytes whose sender is not proved: there would be nobody to tell the truth to.
type Receipt struct {
	ID       schemas.MessageID // of what is receipted
	Seq      uint64
	JWS      Hash
	Outcome  Outcome
	Reason   Rejection // with Rejected only
	StoredAt time.Time // when the outcome became durable, to the second
	// Checkpoint is of the recipient's log of what the sender has sent it (pki/journal), when it made the receipt. The sender
	// has the same log and compares. It counts the sender's own numbers and nothing else.
	Checkpoint journal.Checkpoint
}

// StoredReceipt says that what a was is durable here, where the log of its direction has come to this edge.
func StoredReceipt(a Authentic, at time.Time, log journal.Edge) Receipt {
	return Receipt{ID: a.Header.ID, Seq: a.Header.Seq, JWS: a.Hash, Outcome: Stored, StoredAt: at.UTC().Truncate(time.Second),
		Checkpoint: log.Checkpoint(journal.Between(a.Header.From, a.Header.To))}
}

// RejectedReceipt says why what a was is not taken into the case.
func RejectedReceipt(a Authentic, reason Rejection, at time.Time, log journal.Edge) Receipt {
	r := StoredReceipt(a, at, log)
	r.Outcome, r.Reason = Rejected, reason
	return r
}

// Void closes the number in its header: the message that bore it will not come, or no longer counts. The chain goes on
// over it: the next number's Prev is the hash of the voided JWS, not of the void's.
type Void struct {
	ID  schemas.MessageID // of the voided message
	JWS Hash              // of the voided message
}

// Resend asks the peer for its numbers First to Last, which did not come.
type Resend struct {
	First, Last uint64
}

// Breach tells the sender of a message that its content should never have come to this State: it holds asylum data about a
// person who may have to be protected from it. It follows from the message's own bytes alone, never from what the
// recipient's State knows of anybody, and it says no more than which message: not what was found, nor about whom.
type Breach struct {
	ID  schemas.MessageID // of the message
	Seq uint64
	JWS Hash
}

// MaxResend bounds how much one resend may ask for.
const MaxResend = 1000

type (
	wireReceipt struct {
		ID       schemas.MessageID `json:"id"`
		Seq      uint64            `json:"seq"`
		JWS      *Hash             `json:"jws_sha256"`
		Outcome  Outcome           `json:"outcome"`
		Reason   Rejection         `json:"reason,omitzero"`
		StoredAt wireTime          `json:"stored_at"`
		// Checkpoint is the text of c2sp.org/tlog-checkpoint. The signature over the receipt covers it: one more inside would
		// say the same and cost a fifth of all cryptography of a message.
		Checkpoint string `json:"checkpoint"`
	}
	wireVoided struct {
		ID  schemas.MessageID `json:"id"`
		JWS *Hash             `json:"jws_sha256"`
	}
	wireResend struct {
		First uint64 `json:"from_seq"`
		Last  uint64 `json:"to_seq"`
	}
	wireBreach struct {
		ID  schemas.MessageID `json:"id"`
		Seq uint64            `json:"seq"`
		JWS *Hash             `json:"jws_sha256"`
	}
)

// SealReceipt seals a receipt.
func SealReceipt(h Header, r Receipt, s Signer, to pki.Proof) (*Sealed, error) {
	if err := r.check(h); err != nil {
		return nil, fmt.Errorf("sealing a receipt: %w", err)
	}
	return sealControl(KindReceipt, h, wireReceipt{ID: r.ID, Seq: r.Seq, JWS: &r.JWS, Outcome: r.Outcome,
		Reason: r.Reason, StoredAt: wireTime(r.StoredAt), Checkpoint: r.Checkpoint.Text()}, s, to)
}

// SealVoid seals a void. Its header has the Seq and Prev of the voided message, and an ID of its own.
func SealVoid(h Header, v Void, s Signer, to pki.Proof) (*Sealed, error) {
	if err := v.check(h); err != nil {
		return nil, fmt.Errorf("sealing a void: %w", err)
	}
	return sealControl(KindVoid, h, wireVoided{ID: v.ID, JWS: &v.JWS}, s, to)
}

// SealResend seals a resend.
func SealResend(h Header, r Resend, s Signer, to pki.Proof) (*Sealed, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("sealing a resend: %w", err)
	}
	return sealControl(KindResend, h, wireResend(r), s, to)
}

// SealBreach seals a breach notice.
func SealBreach(h Header, b Breach, s Signer, to pki.Proof) (*Sealed, error) {
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("sealing a breach notice: %w", err)
	}
	return sealControl(KindBreach, h, wireBreach{ID: b.ID, Seq: b.Seq, JWS: &b.JWS}, s, to)
}

func sealControl(kind Kind, h Header, content any, s Signer, to pki.Proof) (*Sealed, error) {
	h = complete(h, to)
	if err := checkSeal(kind, h, s, to); err != nil {
		return nil, err
	}
	payload, err := schemas.Canonical(content)
	if err != nil {
		return nil, fmt.Errorf("sealing a %s: %w", kind, err)
	}
	return seal(kind, h, payload, s, to)
}

func (r Receipt) check(h Header) error {
	if _, err := schemas.ParseMessageID(string(r.ID)); err != nil {
		return err
	}
	switch {
	case r.Seq == 0 || r.Seq > maxNumber:
		return errors.New("no number is receipted")
	case r.JWS.IsZero():
		return errors.New("no JWS is receipted")
	case !wholeSecond(r.StoredAt):
		return errors.New("stored_at is not a whole second in UTC")
	case r.Checkpoint.Origin != journal.Between(h.To, h.From):
		return errors.New("the checkpoint is of another log")
	case r.Outcome == Stored && r.Reason == "":
		return nil
	case r.Outcome != Rejected:
		return errors.New("outcome is neither stored nor rejected with its reason")
	}
	for _, known := range Rejections() {
		if r.Reason == known {
			return nil
		}
	}
	return errors.New("reason of the rejection is not in the closed set")
}

func (v Void) check(h Header) error {
	if _, err := schemas.ParseMessageID(string(v.ID)); err != nil {
		return err
	}
	if v.JWS.IsZero() || v.ID == h.ID {
		return errors.New("a void names the JWS of another message")
	}
	return nil
}

func (r Resend) check() error {
	if r.First == 0 || r.Last < r.First || r.Last > maxNumber || r.Last-r.First >= MaxResend {
		return fmt.Errorf("a resend asks for 1 to %d numbers", MaxResend)
	}
	return nil
}

func (b Breach) check() error {
	if _, err := schemas.ParseMessageID(string(b.ID)); err != nil {
		return err
	}
	if b.Seq == 0 || b.Seq > maxNumber || b.JWS.IsZero() {
		return errors.New("a breach notice names the number and the JWS of a message")
	}
	return nil
}

func readReceipt(payload []byte, h Header) (Receipt, error) {
	var w wireReceipt
	if err := schemas.Decode(payload, &w, schemas.DefaultLimits); err != nil {
		return Receipt{}, err
	}
	if w.JWS == nil {
		return Receipt{}, errors.New("jws_sha256 is missing")
	}
	r := Receipt{ID: w.ID, Seq: w.Seq, JWS: *w.JWS, Outcome: w.Outcome, Reason: w.Reason, StoredAt: time.Time(w.StoredAt)}
	var err error
	if r.Checkpoint, err = journal.ParseCheckpoint(w.Checkpoint); err != nil {
		return Receipt{}, err
	}
	return r, r.check(h)
}

func readVoid(payload []byte, h Header) (Void, error) {
	var w wireVoided
	if err := schemas.Decode(payload, &w, schemas.DefaultLimits); err != nil {
		return Void{}, err
	}
	if w.JWS == nil {
		return Void{}, errors.New("jws_sha256 is missing")
	}
	v := Void{ID: w.ID, JWS: *w.JWS}
	return v, v.check(h)
}

func readResend(payload []byte) (Resend, error) {
	var w wireResend
	if err := schemas.Decode(payload, &w, schemas.DefaultLimits); err != nil {
		return Resend{}, err
	}
	r := Resend(w)
	return r, r.check()
}

func readBreach(payload []byte) (Breach, error) {
	var w wireBreach
	if err := schemas.Decode(payload, &w, schemas.DefaultLimits); err != nil {
		return Breach{}, err
	}
	if w.JWS == nil {
		return Breach{}, errors.New("jws_sha256 is missing")
	}
	b := Breach{ID: w.ID, Seq: w.Seq, JWS: *w.JWS}
	return b, b.check()
}
