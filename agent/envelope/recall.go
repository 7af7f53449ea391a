package envelope

import (
	"errors"
	"fmt"

	"comity/pki"
	"comity/pki/jose"
	"comity/schemas"
)

// After its database was restored from a backup a desk lacks what came after. What it sent and the receipts that it gave are
// at its peers, signed by itself: it recalls them, and a peer gives them back unchanged, in a standing and in envelopes
// around what it once opened. So neither side learns anything that it did not have, and nothing is filtered or judged anew.

// Recall asks a peer what it has of ours beyond what we still have.
type Recall struct {
	ReceivedAfter uint64 // of the peer's numbers: our receipts for those after this one are asked for
	SentAfter     uint64 // of our own numbers: those after this one
}

// MaxStanding is how many numbers of each direction one standing lists.
const MaxStanding = 12

// Standing answers a recall, page by page.
type Standing struct {
	Sent     uint64   // highest number that the answering side used towards the asking one
	Highest  uint64   // highest number of the asking side that is here
	Yours    []Known  // its numbers after Recall.SentAfter, ascending
	Receipts [][]byte // its receipts (JWS) for numbers after Recall.ReceivedAfter
	Next     Recall   // what to ask for next
	More     bool     // there is more to ask for
}

// Known is a number of the asking side's as the answering side has it.
type Known struct {
	Seq      uint64
	ID       schemas.MessageID // of a void: of the message that it closed
	JWS      Hash              // likewise
	Prev     Hash              // the hash that its header names; of a void likewise
	Returned bool              // the signed message itself comes back, in an envelope of its own
	Receipt  []byte            // the answering side's receipt (JWS)
}

type (
	wireRecall struct {
		ReceivedAfter *uint64 `json:"received_after"`
		SentAfter     *uint64 `json:"sent_after"`
	}
	wireKnown struct {
		Seq      uint64            `json:"seq"`
		ID       schemas.MessageID `json:"id"`
		JWS      *Hash             `json:"jws_sha256"`
		Prev     *Hash             `json:"prev"`
		Returned bool              `json:"returned"`
		Receipt  string            `json:"receipt"`
	}
	wireStanding struct {
		Sent     *uint64     `json:"sent"`
		Highest  *uint64     `json:"highest"`
		Yours    []wireKnown `json:"yours"`
		Receipts []string    `json:"receipts"`
		Next     wireRecall  `json:"next"`
		More     bool        `json:"more"`
	}
)

// SealRecall seals a recall.
func SealRecall(h Header, r Recall, s Signer, to pki.Proof) (*Sealed, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("sealing a recall: %w", err)
	}
	return sealControl(KindRecall, h, wireRecall{&r.ReceivedAfter, &r.SentAfter}, s, to)
}

// SealStanding seals a standing.
func SealStanding(h Header, t Standing, s Signer, to pki.Proof) (*Sealed, error) {
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("sealing a standing: %w", err)
	}
	w := wireStanding{Sent: &t.Sent, Highest: &t.Highest, Yours: []wireKnown{}, Receipts: []string{},
		Next: wireRecall{&t.Next.ReceivedAfter, &t.Next.SentAfter}, More: t.More}
	for i := range t.Yours {
		k := &t.Yours[i]
		w.Yours = append(w.Yours, wireKnown{k.Seq, k.ID, &k.JWS, &k.Prev, k.Returned, string(k.Receipt)})
	}
	for _, receipt := range t.Receipts {
		w.Receipts = append(w.Receipts, string(receipt))
	}
	return sealControl(KindStanding, h, w, s, to)
}

func (r Recall) check() error {
	if r.ReceivedAfter > maxNumber || r.SentAfter > maxNumber {
		return errors.New("a recall names a number that is too large")
	}
	return nil
}

func (t Standing) check() error {
	if t.Sent > maxNumber || t.Highest > maxNumber || len(t.Yours) > MaxStanding || len(t.Receipts) > MaxStanding {
		return fmt.Errorf("a standing has at most %d numbers of each direction", MaxStanding)
	}
	last := uint64(0)
	for _, k := range t.Yours {
		if _, err := schemas.ParseMessageID(string(k.ID)); err != nil {
			return err
		}
		if k.Seq <= last || k.Seq > t.Highest || k.JWS.IsZero() || (k.Seq == 1) != k.Prev.IsZero() || len(k.Receipt) == 0 {
			return errors.New("a standing names numbers in order, each with its message, the one before it and a receipt")
		}
		last = k.Seq
	}
	return t.Next.check()
}

func readRecall(payload []byte) (Recall, error) {
	var w wireRecall
	if err := schemas.Decode(payload, &w, schemas.DefaultLimits); err != nil {
		return Recall{}, err
	}
	return w.read()
}

func (w wireRecall) read() (Recall, error) {
	if w.ReceivedAfter == nil || w.SentAfter == nil {
		return Recall{}, errors.New("received_after or sent_after is missing")
	}
	r := Recall{*w.ReceivedAfter, *w.SentAfter}
	return r, r.check()
}

func readStanding(payload []byte) (Standing, error) {
	var w wireStanding
	if err := schemas.Decode(payload, &w, schemas.DefaultLimits); err != nil {
		return Standing{}, err
	}
	if w.Sent == nil || w.Highest == nil {
		return Standing{}, errors.New("sent or highest is missing")
	}
	next, err := w.Next.read()
	if err != nil {
		return Standing{}, err
	}
	t := Standing{Sent: *w.Sent, Highest: *w.Highest, Next: next, More: w.More}
	for _, k := range w.Yours {
		if k.JWS == nil || k.Prev == nil {
			return Standing{}, errors.New("jws_sha256 or prev is missing")
		}
		t.Yours = append(t.Yours, Known{k.Seq, k.ID, *k.JWS, *k.Prev, k.Returned, []byte(k.Receipt)})
	}
	for _, receipt := range w.Receipts {
		t.Receipts = append(t.Receipts, []byte(receipt))
	}
	return t, t.check()
}

// SealReturned puts a signed message of the recipient's own into an envelope to it, unchanged. h is of the envelope: From is
// who gives it back.
func SealReturned(h Header, jws []byte, to pki.Proof) ([]byte, error) {
	h = complete(h, to)
	if to.Certificate() == nil || to.Authority() != h.To {
		return nil, errors.New("returning a message: no encryption key of the recipient")
	}
	opened, err := parseInner(jws)
	if err != nil {
		return nil, err
	}
	if opened.kind != KindMessage || opened.header.From != h.To || opened.header.To != h.From {
		return nil, errors.New("returning a message: it is not the recipient's own")
	}
	return encrypted(h, jws, to)
}

// SealAgain puts a signed document of ours into the envelope that its header names, as it was the first time. It fails where
// the recipient has another encryption key by now: the header names the old one.
func SealAgain(jws []byte, to pki.Proof) ([]byte, error) {
	opened, err := parseInner(jws)
	if err != nil {
		return nil, err
	}
	h := opened.header
	if to.Certificate() == nil || to.Authority() != h.To || jose.Thumbprint(to.Certificate()) != h.RecipientKey {
		return nil, errors.New("sealing again: the recipient's key is another one")
	}
	return encrypted(h, jws, to)
}

func encrypted(h Header, jws []byte, to pki.Proof) ([]byte, error) {
	suite, ok := suiteOf(h.Suite)
	if !ok {
		return nil, fmt.Errorf("sealing: no suite %d", h.Suite)
	}
	return suite.encrypt(to.Certificate(), h.route(), pad(jws))
}

// OpenReturned decrypts an envelope in which a peer gives back a message of this desk's own. What it returns was sealed by
// the peer that the envelope names and is, once Verify has proved it, this desk's own word; it is never a message to it.
func (o *Outer) OpenReturned(desk Desk) (*Opened, error) {
	key := desk.key(o.route.Key)
	if o.route.To != desk.Authority || key == nil {
		return nil, refuse(WrongRecipient, "opening an envelope for another authority or key")
	}
	plaintext, err := o.suite.decrypt(o.sealed, key)
	if err != nil {
		return nil, refuseJOSE("opening the envelope", err)
	}
	jws, err := unpad(plaintext)
	if err != nil {
		return nil, err
	}
	opened, err := parseInner(jws)
	if err != nil {
		return nil, err
	}
	if opened.kind != KindMessage || opened.header.From != desk.Authority || opened.header.To != o.route.From {
		return nil, refuse(HeaderMismatch, "not a message of this desk's to the one who gives it back")
	}
	return opened, nil
}

// Hash is the hash of the JWS that was opened.
func (x *Opened) Hash() Hash { return HashJWS(x.jws) }
